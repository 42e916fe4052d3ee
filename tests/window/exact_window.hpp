// What the statistics of a window are by their definitions, in whole numbers of any length.
#pragma once

#include "exact_rounding.hpp"
#include "window/statistic.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace windowd::window::test {

/// The statistics of those names, all of which there must be.
inline std::vector<statistic_ptr> statistics_named(std::vector<std::string_view> const& names)
{
    auto found = std::vector<statistic_ptr>();
    for (auto name : names) {
        found.push_back(find_statistic(name));
        if (found.back() == nullptr)
            throw std::invalid_argument("no statistic " + std::string(name));
    }
    return found;
}

inline bool same_bits(double a, double b)
{
    return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

/// The nearest double, infinite beyond the range. Not for roots.
inline double nearest(exact_real const& real)
{
    auto const magnitude = cpp_int(abs(real.numerator));
    if (magnitude == 0)
        return 0;
    auto const bits = static_cast<int>(msb(magnitude)) - static_cast<int>(msb(real.denominator));
    auto const shift = 60 - bits;
    auto const leading = shift >= 0 ? cpp_int((magnitude << shift) / real.denominator)
                                    : cpp_int(magnitude / (real.denominator << -shift));
    auto const guess = std::ldexp(static_cast<double>(static_cast<std::int64_t>(leading)), -shift - 1075);
    auto const signed_guess = real.numerator < 0 ? -guess : guess;
    constexpr auto infinity = std::numeric_limits<double>::infinity();
    for (auto towards : {-infinity, infinity}) {
        auto const neighbour = std::nextafter(signed_guess, towards) + 0.0;
        if (is_near(neighbour, real, 50))
            return neighbour;
    }
    return signed_guess + 0.0;
}

/// The values and times of a window, one at least, and whether a statistic of them is what it has to be.
///
/// Everything is correctly rounded, and nothing if not defined or beyond the range of a double; skew and zscore are
/// allowed one hundredth of a unit in the last place more, as moments.hpp says.
class exact_window {
public:
    exact_window(std::deque<double> values, std::deque<double> const& times)
        : values_(std::move(values)),
          n_(values_.size()),
          sorted_(values_.begin(), values_.end()),
          distances_(distances_from_mean(values_)),
          time_distances_(distances_from_mean(times)),
          c2_(sum_of_powers(distances_, 2))
    {
        std::sort(sorted_.begin(), sorted_.end(),
                  [](double a, double b) { return std::strong_order(a, b) < 0; });
        for (auto value : values_)
            sum_ += exactly(value);
    }

    /// The names that allows() knows.
    static std::vector<std::string_view> names()
    {
        auto all = std::vector<std::string_view>();
        for (auto const& each : definitions)
            all.push_back(each.name);
        return all;
    }

    bool allows(std::string_view name, std::optional<double> const& seen) const
    {
        for (auto const& each : definitions)
            if (each.name == name)
                return (this->*each.holds)(seen);
        return false;
    }

private:
    struct definition {
        std::string_view name;
        bool (exact_window::*holds)(std::optional<double> const& seen) const;
    };
    static std::vector<definition> const definitions;

    // n v - S for each value v: n times its distance from the mean.
    static std::vector<cpp_int> distances_from_mean(std::deque<double> const& values)
    {
        auto distances = std::vector<cpp_int>();
        auto sum = cpp_int(0);
        for (auto value : values)
            sum += distances.emplace_back(exactly(value));
        for (auto& distance : distances)
            distance = distance * values.size() - sum;
        return distances;
    }

    static cpp_int sum_of_powers(std::vector<cpp_int> const& numbers, unsigned power)
    {
        auto sum = cpp_int(0);
        for (auto const& number : numbers)
            sum += pow(number, power);
        return sum;
    }

    static bool is(double exact, std::optional<double> const& seen)
    {
        return seen && same_bits(*seen, exact);
    }

    template <class Expected>
    static bool is_if(bool defined, std::optional<double> const& seen, Expected expected, int hundredths = 50)
    {
        return defined ? is_near(seen, expected(), hundredths) : !seen;
    }

    bool is_count(std::optional<double> const& seen) const
    {
        return is(static_cast<double>(values_.size()), seen);
    }
    bool is_sum(std::optional<double> const& seen) const { return is_near(seen, {sum_}, 50); }
    bool is_mean(std::optional<double> const& seen) const
    {
        auto const sum = nearest({sum_});
        return std::isfinite(sum) ? is(sum / static_cast<double>(values_.size()), seen)
                                  : seen && is_near(*seen, {sum_, n_}, 50);
    }
    bool is_minimum(std::optional<double> const& seen) const { return is(sorted_.front(), seen); }
    bool is_maximum(std::optional<double> const& seen) const { return is(sorted_.back(), seen); }
    bool is_range(std::optional<double> const& seen) const
    {
        return is_near(seen, {exactly(sorted_.back()) - exactly(sorted_.front())}, 50);
    }
    bool is_first(std::optional<double> const& seen) const { return is(values_.front(), seen); }
    bool is_last(std::optional<double> const& seen) const { return is(values_.back(), seen); }

    bool is_variance_over(cpp_int const& divisor, std::optional<double> const& seen) const
    {
        return is_if(divisor > 0, seen, [&] { return exact_real{c2_, cpp_int(n_ * n_ * divisor) << 1075}; });
    }
    bool is_deviation_over(cpp_int const& divisor, std::optional<double> const& seen) const
    {
        return is_if(divisor > 0, seen, [&] { return exact_real{c2_, n_ * n_ * divisor, true}; });
    }
    bool is_variance(std::optional<double> const& seen) const { return is_variance_over(n_ - 1, seen); }
    bool is_deviation(std::optional<double> const& seen) const { return is_deviation_over(n_ - 1, seen); }
    bool is_population_variance(std::optional<double> const& seen) const
    {
        return is_variance_over(n_, seen);
    }
    bool is_population_deviation(std::optional<double> const& seen) const
    {
        return is_deviation_over(n_, seen);
    }

    bool is_skewness(std::optional<double> const& seen) const
    {
        auto const expected = [this] {
            auto const c3 = sum_of_powers(distances_, 3);
            return plain(n_ * n_ * (n_ - 1) * c3 * abs(c3), (n_ - 2) * (n_ - 2) * pow(c2_, 3), true);
        };
        return is_if(n_ > 2 && c2_ != 0, seen, expected, 51);
    }
    bool is_kurtosis(std::optional<double> const& seen) const
    {
        auto const expected = [this] {
            auto const c4 = sum_of_powers(distances_, 4);
            return plain(n_ * (n_ + 1) * (n_ - 1) * c4 - 3 * (n_ - 1) * (n_ - 1) * c2_ * c2_,
                         (n_ - 2) * (n_ - 3) * c2_ * c2_);
        };
        return is_if(n_ > 3 && c2_ != 0, seen, expected);
    }
    bool is_z_score(std::optional<double> const& seen) const
    {
        auto const& last = distances_.back();
        return is_if(
            n_ > 1 && c2_ != 0, seen, [&] { return plain((n_ - 1) * last * abs(last), c2_, true); }, 51);
    }
    bool is_slope(std::optional<double> const& seen) const
    {
        auto const below = sum_of_powers(time_distances_, 2);
        auto above = cpp_int(0);
        for (std::size_t i = 0; i < distances_.size(); ++i)
            above += time_distances_[i] * distances_[i];
        return is_if(below != 0, seen, [&] { return plain(above, below); });
    }

    // A percentile that is a value has its bits; one between two zeros, or a tiny one rounded, is a zero of any sign.
    template <std::uint64_t Parts> // of 10^9
    bool is_percentile(std::optional<double> const& seen) const
    {
        constexpr std::uint64_t scale = 1'000'000'000;
        auto const position = Parts * (sorted_.size() - 1);
        auto const lower = sorted_[position / scale];
        auto const rest = position % scale;
        if (rest == 0)
            return is(lower, seen);
        auto const upper = sorted_[position / scale + 1];
        return seen &&
               is_near(*seen + 0.0, {exactly(lower) * (scale - rest) + exactly(upper) * rest, scale}, 50);
    }

    std::deque<double> values_;
    cpp_int n_;
    std::vector<double> sorted_;
    std::vector<cpp_int> distances_;
    std::vector<cpp_int> time_distances_;
    cpp_int c2_;
    cpp_int sum_ = 0;
};

inline std::vector<exact_window::definition> const exact_window::definitions = {
    {"count", &exact_window::is_count},
    {"sum", &exact_window::is_sum},
    {"mean", &exact_window::is_mean},
    {"min", &exact_window::is_minimum},
    {"max", &exact_window::is_maximum},
    {"range", &exact_window::is_range},
    {"first", &exact_window::is_first},
    {"last", &exact_window::is_last},
    {"var", &exact_window::is_variance},
    {"std", &exact_window::is_deviation},
    {"pvar", &exact_window::is_population_variance},
    {"pstd", &exact_window::is_population_deviation},
    {"median", &exact_window::is_percentile<500'000'000>},
    {"p0", &exact_window::is_percentile<0>},
    {"p0.0000001", &exact_window::is_percentile<1>},
    {"p25", &exact_window::is_percentile<250'000'000>},
    {"p95", &exact_window::is_percentile<950'000'000>},
    {"p99.9", &exact_window::is_percentile<999'000'000>},
    {"p100", &exact_window::is_percentile<1'000'000'000>},
    {"skew", &exact_window::is_skewness},
    {"kurt", &exact_window::is_kurtosis},
    {"slope", &exact_window::is_slope},
    {"zscore", &exact_window::is_z_score}};

} // namespace windowd::window::test
