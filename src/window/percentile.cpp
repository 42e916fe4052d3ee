// Percentiles: their notation, their position, and the interpolation in integers.
#include "window/percentile.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <utility>

namespace windowd::window {
namespace {

__extension__ using int128 = __int128;
__extension__ using uint128 = unsigned __int128;

/// A finite double: mantissa * 2^(exponent - 1074), |mantissa| < 2^53, exponent 0..2045.
struct parts {
    std::int64_t mantissa;
    int exponent;
};

parts take_apart(double value) noexcept
{
    auto const bits = std::bit_cast<std::uint64_t>(value);
    auto const biased = static_cast<int>(bits >> 52 & 0x7ff);
    auto const fraction = static_cast<std::int64_t>(bits & 0xf'ffff'ffff'ffff);
    auto const magnitude = biased == 0 ? fraction : fraction | std::int64_t{1} << 52;
    return {value < 0 ? -magnitude : magnitude, std::max(biased, 1) - 1};
}

unsigned width(uint128 value) noexcept
{
    auto const upper = static_cast<std::uint64_t>(value >> 64);
    return static_cast<unsigned>(upper != 0 ? 64 + std::bit_width(upper)
                                            : std::bit_width(static_cast<std::uint64_t>(value)));
}

/// Long division, 32 bits at a time; the lowest bit of the quotient is also set where there is a remainder.
uint128 divide(uint128 dividend, std::uint32_t divisor) noexcept
{
    uint128 quotient = 0;
    std::uint64_t remainder = 0;
    for (auto shift = 128U; shift > 0;) {
        shift -= 32;
        auto const part = remainder << 32 | static_cast<std::uint32_t>(dividend >> shift);
        quotient = quotient << 32 | part / divisor;
        remainder = part % divisor;
    }
    return quotient | static_cast<unsigned>(remainder != 0);
}

/// total * 2^(exponent - 1074) / divisor, correctly rounded, for |total| < 2^127, an exponent of at least 0,
/// and a result within the range of a double.
double quotient(int128 total, int exponent, std::uint32_t divisor) noexcept
{
    if (total == 0)
        return 0.0;
    auto const negative = total < 0;
    auto magnitude = negative ? -static_cast<uint128>(total) : static_cast<uint128>(total);
    auto const unused = 128 - static_cast<int>(width(magnitude));
    magnitude = divide(magnitude << unused, divisor); // 98 bits or more
    exponent -= unused;

    // As many bits go as are too many for a double, or are below 2^-1074: 45 to 127.
    auto const too_many = static_cast<int>(width(magnitude)) - 53;
    auto const lost = std::max(too_many, -exponent);
    auto const half = uint128{1} << (lost - 1);
    auto const rest = magnitude & (2 * half - 1);
    auto rounded = static_cast<std::uint64_t>(magnitude >> lost);
    rounded += static_cast<std::uint64_t>(rest > half || (rest == half && rounded % 2 != 0));

    // Adding, not or-ing, lets the leading bit, or a carry, count up the exponent.
    auto const bits = (static_cast<std::uint64_t>(exponent + lost) << 52) + rounded;
    return std::bit_cast<double>(bits | std::uint64_t{negative} << 63);
}

} // namespace

double interpolate(double a, double b, std::uint32_t numerator, std::uint32_t denominator) noexcept
{
    assert(std::isfinite(a) && std::isfinite(b) && a <= b);
    assert(numerator <= denominator && denominator > 0 && denominator <= std::uint32_t{1} << 30);
    if (numerator == 0)
        return a;
    if (numerator == denominator || a == b)
        return b;

    // (a * (denominator - numerator) + b * numerator) / denominator, products of less than 2^83. The one with
    // the greater exponent is shifted left by up to 43 bits, the other right by what is missing. It then only
    // counts in bits that decide a tie, for which it is enough to remember that something was lost: the first
    // is at least 2^95.
    auto const [mantissa_a, exponent_a] = take_apart(a);
    auto const [mantissa_b, exponent_b] = take_apart(b);
    auto great = int128{mantissa_a} * (denominator - numerator);
    auto small = int128{mantissa_b} * numerator;
    auto exponent = exponent_a;
    auto distance = exponent_a - exponent_b;
    if (distance < 0) {
        std::swap(great, small);
        exponent = exponent_b;
        distance = -distance;
    }
    auto const left = std::min(distance, 43);
    auto const right = std::min(distance - left, 100); // nothing is left of it after 83
    auto const kept = small >> right;
    auto const lost = kept * (int128{1} << right) != small;
    auto const total = great * (int128{1} << left) + (kept | static_cast<int>(lost));
    return quotient(total, exponent - left, denominator);
}

std::optional<percentile> percentile::parse(std::string_view text) noexcept
{
    constexpr std::size_t most_decimals = 7;
    auto const point = std::min(text.find('.'), text.size());
    auto const whole = text.substr(0, point);
    auto const decimals = text.substr(std::min(point + 1, text.size()));
    auto const has_point = point < text.size();
    if (whole.empty() || whole.size() > 3 || (whole.size() > 1 && whole[0] == '0') ||
        has_point == decimals.empty() || decimals.size() > most_decimals)
        return std::nullopt;

    auto parts = std::uint64_t{0};
    auto const append = [&parts](char digit) {
        parts = parts * 10 + static_cast<unsigned>(digit - '0');
        return digit >= '0' && digit <= '9';
    };
    if (!std::all_of(whole.begin(), whole.end(), append) ||
        !std::all_of(decimals.begin(), decimals.end(), append))
        return std::nullopt;
    for (auto i = decimals.size(); i < most_decimals; ++i)
        parts *= 10;
    if (parts > scale)
        return std::nullopt;
    return percentile(static_cast<std::uint32_t>(parts));
}

double percentile::of(sorted_values const& values) const noexcept
{
    assert(!values.empty());
    auto const position = std::uint64_t{parts_} * (values.size() - 1);
    auto const [lower, upper] = values.neighbours(position / scale);
    return interpolate(lower, upper, static_cast<std::uint32_t>(position % scale), scale);
}

} // namespace windowd::window
