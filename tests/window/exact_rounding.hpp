// Says whether a double is what an exact real number rounds to, in whole-number arithmetic of any length.
#pragma once

#include <boost/multiprecision/cpp_int.hpp>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>

namespace windowd::window::test {

using boost::multiprecision::cpp_int;

/// A double in units of 2^-1075, half of the smallest double; infinity stands for 2^1024, where the next one
/// would be.
inline cpp_int exactly(double value)
{
    if (std::isinf(value))
        return (value < 0 ? -1 : 1) * (cpp_int(1) << (1024 + 1075));
    auto exponent = 0;
    auto const fraction = std::frexp(value, &exponent);
    auto const mantissa = cpp_int(static_cast<std::int64_t>(std::ldexp(fraction, 53)));
    auto const shift = exponent - 53 + 1075;
    return shift >= 0 ? mantissa * (cpp_int(1) << shift) : mantissa / (cpp_int(1) << -shift);
}

/// numerator / denominator, or its square root with the sign of the numerator; in units of 2^-1075 (so under
/// the root, of 2^-2150). The denominator is positive.
struct exact_real {
    cpp_int numerator;
    cpp_int denominator = 1;
    bool root = false;
};

/// A number without a unit, as one in units of 2^-1075.
inline exact_real plain(cpp_int const& numerator, cpp_int const& denominator, bool root = false)
{
    return {numerator << (root ? 2 * 1075 : 1075), denominator, root};
}

/// The sign of real - dividend / divisor.
inline int difference_sign(exact_real const& real, cpp_int const& dividend, int divisor)
{
    auto const power = real.root ? cpp_int(dividend * abs(dividend)) : dividend;
    auto const power_of_divisor = real.root ? cpp_int(divisor) * divisor : cpp_int(divisor);
    return cpp_int(real.numerator * power_of_divisor - power * real.denominator).sign();
}

/// True if `rounded` is no more than hundredths / 100 of the distance to the next double away from the real
/// number. For 50 this says: it is the nearest double, ties to even, which no other is. A zero must be +0.0.
inline bool is_near(double rounded, exact_real const& real, int hundredths)
{
    if (std::isnan(rounded) || (rounded == 0 && std::signbit(rounded)))
        return false;
    constexpr auto infinity = std::numeric_limits<double>::infinity();
    auto const even = (std::bit_cast<std::uint64_t>(rounded) & 1) == 0;
    auto const is_on_the_right_side = [&](double neighbour) {
        if (neighbour == rounded)
            return true; // beyond infinity
        auto const here = exactly(rounded);
        auto const limit = cpp_int(100 * here + hundredths * (exactly(neighbour) - here));
        auto const sign = difference_sign(real, limit, 100);
        return sign == 0 ? even || hundredths != 50 : (sign > 0) == (rounded > neighbour);
    };
    return is_on_the_right_side(std::nextafter(rounded, -infinity)) &&
           is_on_the_right_side(std::nextafter(rounded, infinity));
}

/// The same for a result that is nothing where the number is beyond the range of a double.
inline bool is_near(std::optional<double> const& rounded, exact_real const& real, int hundredths)
{
    auto const beyond = real.numerator < 0 ? -std::numeric_limits<double>::infinity()
                                           : std::numeric_limits<double>::infinity();
    if (rounded && std::isinf(*rounded))
        return false;
    return is_near(rounded.value_or(beyond), real, hundredths);
}

} // namespace windowd::window::test
