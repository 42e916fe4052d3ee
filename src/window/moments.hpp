// Variance, skewness, kurtosis and the line through the values of a sliding window, with one rounding.
#pragma once

#include "window/exact_power_sum.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

namespace windowd::window {

/// The moments of the finite numbers in a window that slides. Sums of powers are kept exactly (see
/// exact_product_sum), so that taking a value out is exact too: no drift, nothing left of what has gone, a
/// variance that is never negative and is 0 just where all values are equal, whatever passed through before.
///
/// The textbook formulas, which lose everything in floating point, are evaluated in whole numbers; see
/// P. Pébay, "Formulas for robust, one-pass parallel computation of covariances and arbitrary-order
/// statistical moments" (2008), equations 1.1 and after, for the central moments as functions of the sums.
/// With n values, S_k the sum of the k-th powers, and the values as multiples of a common unit, these are
/// whole numbers:
///
///     C2 = n S2 - S1^2                      n^2 times the second central moment
///     C3 = n^2 S3 - S1 (3 C2 + S1^2)        n^3 times the third
///     C4 = n^2 U - 3 C2^2                   n^4 times the fourth, U = n S4 - 4 S1 S3 + 3 S2^2
///
/// Each result is correctly rounded (nearest double, ties to even; at most 0.5 units in the last place off),
/// but for skewness and z_score: at most 0.51 units. Zero is +0.0. std::nullopt stands for a result that is
/// not defined or is beyond the range of a double; nothing is ever infinite or NaN.
///
/// push and pop take constant time. A result takes time in the words of the sums: constant, for there are at
/// most 133; 2 to 8 for everyday data. Memory is fixed, and allocated by the constructor alone. Only the
/// powers asked for are kept: 1.8 KiB for 2, 3.4 KiB for 3, 5.4 KiB for 4. At most 2^31 - 1 values at a time.
class moments {
public:
    /// The highest power whose sum is kept: the second for variances and z_score, the third for skewness, the
    /// fourth for kurtosis. Each includes those before it.
    enum class power : std::uint8_t { second = 2, third = 3, fourth = 4 };

    explicit moments(power highest);

    /// Takes in a finite value.
    void push(double value) noexcept;

    /// Takes out a finite value that is present.
    void pop(double value) noexcept;

    void clear() noexcept;

    std::size_t count() const noexcept { return count_; }

    /// C2 / (n (n - 1)). Not for fewer than 2 values.
    std::optional<double> variance() const noexcept;

    /// C2 / n^2. Not for no values.
    std::optional<double> population_variance() const noexcept;

    /// The root of the exact variance, not of the rounded one: it is right even where the latter is beyond
    /// the range or below it. Not for fewer than 2 values.
    std::optional<double> standard_deviation() const noexcept;

    /// Not for no values.
    std::optional<double> population_standard_deviation() const noexcept;

    /// Bias-corrected (adjusted Fisher-Pearson, G1), as pandas has it: C3 / C2^1.5 * sqrt(n (n - 1)) / (n -
    /// 2). Not for fewer than 3 values, nor for equal ones. Needs power::third.
    std::optional<double> skewness() const noexcept;

    /// Bias-corrected excess (G2), as pandas has it:
    /// n (n - 1) / ((n - 2) (n - 3)) * (n (n + 1) U - 6 C2^2) / C2^2, the last one exact: what cancels does
    /// so before anything is rounded. Not for fewer than 4 values, nor for equal ones. Needs power::fourth.
    std::optional<double> kurtosis() const noexcept;

    /// (value - mean) / standard deviation (that of n - 1). The value must be among those present. Not where
    /// the standard deviation is 0 or undefined.
    std::optional<double> z_score(double value) const noexcept;

    /// True if both hold the same values (zeros aside) and keep the same powers.
    bool operator==(moments const& other) const noexcept;

private:
    void change(double_parts const& number, std::int64_t direction) noexcept;
    std::uint64_t n() const noexcept { return count_; }
    int unit() const noexcept;
    exact_integer first() const noexcept;
    exact_integer second_central(exact_integer const& first_squared) const noexcept;
    exact_integer second_central() const noexcept { return second_central(square(first())); }
    std::optional<double> variance_over(std::uint64_t divisor) const noexcept;
    std::optional<double> deviation_over(std::uint64_t divisor) const noexcept;

    // A value is a whole number of units of 2^(32 * lowest position - 1076); S_k, C_k of the k-th power of
    // it.
    exact_product_sum<1> first_;
    exact_product_sum<2> second_;
    std::unique_ptr<exact_product_sum<3>> third_;
    std::unique_ptr<exact_product_sum<4>> fourth_;
    exponent_range range_;
    std::size_t count_ = 0;
};

/// The slope of the straight line that fits the points (t, x) of a sliding window best, by least squares:
/// (n Stx - St Sx) / (n Stt - St^2), in exact sums, correctly rounded. Drift, residue and cancellation are
/// out of the question, however large the times are beside their differences.
///
/// For a slope per value let t count the values, 0, 1, 2...: it may go on to 2^53, and where the count begins
/// does not matter. For a slope per second let it be the time in seconds.
///
/// Costs and limits are those of moments; 3.6 KiB, nothing allocates.
class regression {
public:
    /// Takes in a point of finite coordinates.
    void push(double t, double x) noexcept;

    /// Takes out a point that is present.
    void pop(double t, double x) noexcept;

    void clear() noexcept { *this = {}; }

    std::size_t count() const noexcept { return count_; }

    /// Not for fewer than 2 points, nor for equal times, nor where it is beyond the range of a double.
    std::optional<double> slope() const noexcept;

    /// True if both hold the same points (as far as sums tell), whatever has passed through before.
    bool operator==(regression const&) const = default;

private:
    void change(double_parts const& t, double_parts const& x, std::int64_t direction) noexcept;

    exact_product_sum<1> t_;
    exact_product_sum<1> x_;
    exact_product_sum<2> tt_;
    exact_product_sum<2> tx_;
    exponent_range t_range_;
    exponent_range x_range_;
    std::size_t count_ = 0;
};

} // namespace windowd::window
