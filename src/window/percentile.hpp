// Percentiles of the numbers in a window, correctly rounded.
#pragma once

#include "window/sorted_values.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace windowd::window {

/// a + (b - a) * numerator / denominator, correctly rounded (to nearest, ties to even), for finite a <= b and
/// 0 <= numerator <= denominator <= 2^30, denominator > 0.
///
/// Being correctly rounded it is never outside [a, b], always finite, monotone in each argument, and a or b
/// itself, with its sign, at the ends. (a + (b - a) * t in doubles can miss b, overflow, or cancel.)
/// Constant time.
double interpolate(double a, double b, std::uint32_t numerator, std::uint32_t denominator) noexcept;

/// One percentile: a number from 0 to 100 with up to seven decimals, held exactly.
///
/// Of n values in order, numbered from 0, it is the one at p / 100 * (n - 1); between two of them by linear
/// interpolation, as in NumPy and pandas. Here that position is an exact fraction (in doubles, 99.9 / 100 *
/// 1000 is not 999), and the interpolation is correctly rounded: the result is the double nearest to what the
/// definition says.
class percentile {
public:
    static constexpr percentile median() noexcept { return percentile(scale / 2); }

    /// Reads "95", "99.9", "0.0000001", "100": digits without superfluous zeros in front, and one to seven
    /// decimals or none. Nothing for any other text, and for more than 100.
    static std::optional<percentile> parse(std::string_view text) noexcept;

    /// Of all the values, of which there must be one. O(log size) in the worst case.
    double of(sorted_values const& values) const noexcept;

    bool operator==(percentile const&) const = default;

private:
    static constexpr std::uint32_t scale = 1'000'000'000; // 100 %; times any size it fits 64 bits

    explicit constexpr percentile(std::uint32_t parts) noexcept : parts_(parts) {}

    std::uint32_t parts_; // of scale, which it does not exceed
};

} // namespace windowd::window
