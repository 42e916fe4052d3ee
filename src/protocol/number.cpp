// Reading and writing numbers, with short ways for the short numbers that people send.
#include "protocol/number.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <system_error>

namespace windowd::protocol {
namespace {

using namespace detail;

// Integers to 2^53 and powers of ten to 10^22 are doubles, and IEEE 754 division is correctly rounded: their
// quotient is the number itself, correctly rounded (Clinger, "How to read floating point numbers accurately",
// 1990).
constexpr int exact_digits = 15;          // any 15 digits are below 2^53
constexpr int mantissa_digits = 19;       // and any 19 below 2^64
constexpr std::size_t most_decimals = 18; // of which twice the power of ten is an int64_t
constexpr std::array<double, most_decimals + 1> powers_of_ten{
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18};
constexpr double exact_limit = 9007199254740992; // 2^53

// A double is significand / 2^scale, where the significand has 53 bits.
constexpr unsigned fraction_bits = 52;
constexpr auto leading_bit = std::uint64_t{1} << fraction_bits;

std::uint64_t significand_of(double normal) noexcept
{
    return (std::bit_cast<std::uint64_t>(normal) & (leading_bit - 1)) | leading_bit;
}

/// `normal` is positive, and below 2^53.
unsigned scale_of(double normal) noexcept
{
    constexpr unsigned bias = 1023 + fraction_bits;
    return bias - static_cast<unsigned>(std::bit_cast<std::uint64_t>(normal) >> fraction_bits);
}

constexpr auto integer_powers_of_ten = [] {
    std::array<std::uint64_t, most_decimals + 1> powers{};
    for (std::uint64_t next = 1; auto& power : powers) {
        power = next;
        next *= 10;
    }
    return powers;
}();

bool is_digit(char c) noexcept
{
    return c >= '0' && c <= '9';
}

/// Digits from `at` on, taken into `mantissa` (modulo 2^64). Numbers differ in length from one to the next, so
/// that the end of a loop over digits is mispredicted: where eight characters can be looked at, there is none.
inline char const* read_digits(char const* at, char const* last, std::uint64_t& mantissa) noexcept
{
    for (; last - at >= word_size; at += word_size) {
        auto const text = read_eight(at);
        auto const count = count_digits(text);
        if (count == 0)
            return at;
        if (count < word_size) {
            mantissa = mantissa * integer_powers_of_ten[count] + value_of(pad(text, count));
            return at + count;
        }
        mantissa = mantissa * integer_powers_of_ten[word_size] + value_of(text);
    }
    for (; at != last && is_digit(*at); ++at)
        mantissa = mantissa * 10 + static_cast<std::uint64_t>(*at - '0');
    return at;
}

char const* skip_digits(char const* at, char const* last) noexcept
{
    while (at != last && is_digit(*at))
        ++at;
    return at;
}

char const* skip_zeros(char const* at, char const* last) noexcept
{
    while (at != last && *at == '0')
        ++at;
    return at;
}

/// Whether a well-formed number that is not zero, and whose magnitude no double has, is too large rather than
/// too small. Such a number is beyond 1e308 or below 1e-323, so that the sign of its decimal exponent tells.
bool is_too_large(char const* first, char const* last) noexcept
{
    auto const* at = skip_zeros(*first == '-' ? first + 1 : first, last);
    auto const* const leading = at;
    at = skip_digits(at, last);
    auto magnitude = static_cast<std::int64_t>(at - leading); // of 0.d1d2… × 10^magnitude
    if (at != last && *at == '.') {
        auto const* const point = at + 1;
        if (magnitude == 0)
            magnitude = point - skip_zeros(point, last);
        at = skip_digits(point, last);
    }
    if (at == last)
        return magnitude > 0;
    ++at; // e
    auto const negative = *at == '-';
    if (negative || *at == '+')
        ++at;
    constexpr auto largest = std::numeric_limits<std::int64_t>::max() / 2; // more than any line has digits
    auto exponent = largest;
    std::from_chars(at, last, exponent); // which leaves alone what it finds too large
    exponent = std::min(exponent, largest);
    return magnitude + (negative ? -exponent : exponent) > 0;
}

number_read read_long_number(char const* first, char const* last) noexcept
{
    double value = 0;
    auto const read = std::from_chars(first, last, value);
    if (read.ec == std::errc() && std::isfinite(value))
        return {value, last, number_status::number};
    if (is_too_large(first, last))
        return {0, last, number_status::out_of_range};
    return {*first == '-' ? -0.0 : 0.0, last, number_status::number};
}

/// mantissa / 10^decimals, correctly rounded, or nothing for what is too long and a few others.
///
/// Beyond exact_digits the mantissa and the quotient are rounded, by less than one unit in the last place and by half
/// of one: the number wanted is that quotient or a neighbour of it. Which one, the exact remainder tells: it is so
/// small that 64 bits have all of it, whatever is lost above them.
inline std::optional<double> divide(std::uint64_t mantissa, std::ptrdiff_t digits,
                                    std::size_t decimals) noexcept
{
    if (digits > mantissa_digits || decimals > most_decimals)
        return {};
    auto const near = static_cast<double>(mantissa) / powers_of_ten[decimals];
    if (digits <= exact_digits)
        return near;
    auto const significand = significand_of(near);
    // A power of two has a nearer neighbour below; and zero is none.
    if (near >= exact_limit || significand == leading_bit)
        return {};
    auto const scale = scale_of(near);
    auto const power = integer_powers_of_ten[decimals];
    auto const scaled = scale < 64 ? mantissa << scale : 0;
    auto const twice = 2 * static_cast<std::int64_t>(scaled - significand * power);
    auto const step = static_cast<std::int64_t>(power);
    auto const odd = static_cast<std::int64_t>(significand % 2); // which does not keep a tie
    auto const bits = std::bit_cast<std::uint64_t>(near) + (twice + odd > step) - (twice - odd < -step);
    return std::bit_cast<double>(bits);
}

/// A text of eight digits.
inline eight_characters text_of(std::uint64_t value) noexcept
{
    // The quotients of 10000, then of 100 and of 10, with their remainders in the lanes behind them.
    auto const fours = value / 10'000 | value % 10'000 << 32;
    auto const hundreds = (fours * 10'486 >> 20) & 0x0000'007f'0000'007f;
    auto const pairs = hundreds | (fours - hundreds * 100) << 16;
    auto const tens = (pairs * 103 >> 10) & 0x000f'000f'000f'000f;
    return (tens | (pairs - tens * 10) << 8) + zeros;
}

void write_eight(char* to, eight_characters text) noexcept
{
    text = lowest_first(text);
    std::memcpy(to, &text, sizeof text);
}

/// How many characters there are before the zeros at the end.
int size_without_zeros(eight_characters text) noexcept
{
    return static_cast<int>(word_size) - std::countl_zero(text - zeros) / 8;
}

/// Writes most_decimals digits, but for the zeros at their end; there is one that is not zero.
inline char* write_decimals(char* to, std::uint64_t decimals) noexcept
{
    constexpr std::uint64_t eight_digits = 100'000'000;
    auto const upper = decimals / (eight_digits * eight_digits);
    auto const others = decimals % (eight_digits * eight_digits);
    auto const middle = others / eight_digits;
    auto const lower = others % eight_digits;
    to[0] = static_cast<char>('0' + upper / 10);
    to[1] = static_cast<char>('0' + upper % 10);
    auto const text = text_of(middle);
    write_eight(to + 2, text);
    if (lower != 0) {
        auto const rest = text_of(lower);
        write_eight(to + 2 + word_size, rest);
        return to + 2 + word_size + size_without_zeros(rest);
    }
    if (middle != 0)
        return to + 2 + size_without_zeros(text);
    return to + (to[1] == '0' ? 1 : 2);
}

// From here on ten units (see below) fit in 64 bits; and no text is shorter with an exponent.
constexpr double least_fraction = 0x1p-7;

/// The decimals, as a number of most_decimals digits, of the shortest text for a number that is not an integer,
/// from least_fraction to 2^53; of several the nearest one, of two as near the even one.
///
/// Raffaello Giulietti, "The Schubfach way to render doubles", 2021: the unit is the largest power of ten that
/// is not above the distance between neighbours. Then some multiple of it reads back to the number, and at most
/// one multiple of ten units does, which is the shortest text if there is one. In this range everything is exact,
/// and no table of approximate powers is needed. The integer part always stays: an integer below 2^53 is a
/// double itself, and does not read back to another number.
inline std::uint64_t shortest_decimals(double value) noexcept
{
    __extension__ using uint128 = unsigned __int128;
    auto const significand = significand_of(value);
    auto const scale = scale_of(value); // 1 to 59
    // Of decimals: the least with 10^count >= 2^scale.
    auto const count = static_cast<std::size_t>(scale * 1233 >> 12) + 1;
    // All is counted in parts, of which a unit has 2^(scale + 1): half the way to a neighbour is then 10^count.
    auto const unit = std::uint64_t{2} << scale;
    auto const fraction = significand & (unit / 2 - 1);
    auto const half_way = integer_powers_of_ten[count];
    auto const product = uint128{fraction} * half_way * 2;
    auto const units = static_cast<std::uint64_t>(product >> (scale + 1));
    auto const rest = static_cast<std::uint64_t>(product) & (unit - 1);
    // Half-way is read back to the even one. The neighbour below a power of two is at half the distance.
    auto const even = significand % 2 == 0;
    auto const above_tens = units % 10 * unit + rest;
    auto const nearest = units % 10 + (rest + units % 2 > unit / 2);
    auto const reach_down = (significand == leading_bit ? half_way / 2 : half_way) + even;
    auto last = above_tens < reach_down ? 0 : nearest;
    last = 10 * unit - above_tens < half_way + even ? 10 : last;
    return (units - units % 10 + last) * integer_powers_of_ten[most_decimals - count];
}

/// Eight characters are written at once, and zeros before the number left out: there is no branch on its length.
inline char* write_integer(char* to, std::uint64_t value) noexcept
{
    if (value >= 100'000'000) [[unlikely]]
        return std::to_chars(to, to + max_number_size, value).ptr;
    auto const text = text_of(value);
    auto const leading = std::min(std::countr_zero(text - zeros) / 8, static_cast<int>(word_size) - 1);
    write_eight(to, text >> (8 * leading));
    return to + word_size - leading;
}

inline char* write_sign(char* to, double value) noexcept
{
    *to = '-';
    return to + static_cast<int>(std::signbit(value));
}

/// From least_fraction to 2^53, no integer: without an exponent, which would be longer.
char* write_fraction(char* to, double value) noexcept
{
    auto const magnitude = std::fabs(value);
    to = write_integer(write_sign(to, value), static_cast<std::uint64_t>(magnitude));
    *to = '.';
    return write_decimals(to + 1, shortest_decimals(magnitude));
}

} // namespace

number_read detail::read_any_number(char const* first, char const* last) noexcept
{
    auto const malformed_at = [](char const* where) {
        return number_read{0, where, number_status::malformed};
    };
    auto const* at = first;
    auto const negative = at != last && *at == '-';
    if (negative)
        ++at;
    std::uint64_t mantissa = 0;
    auto const* const integer = at;
    at = read_digits(at, last, mantissa);
    if (at == integer)
        return malformed_at(at);
    if (*integer == '0' && at - integer > 1)
        return malformed_at(integer + 1);
    auto digits = at - integer;
    std::ptrdiff_t decimals = 0;
    if (at != last && *at == '.') {
        auto const* const fraction = ++at;
        at = read_digits(at, last, mantissa);
        decimals = at - fraction;
        digits += decimals;
        if (decimals == 0)
            return malformed_at(at);
    }
    if (at != last && (*at == 'e' || *at == 'E')) {
        ++at;
        if (at != last && (*at == '+' || *at == '-'))
            ++at;
        auto const* const exponent = at;
        at = skip_digits(at, last);
        if (at == exponent)
            return malformed_at(at);
        return read_long_number(first, at);
    }
    auto const quotient = divide(mantissa, digits, static_cast<std::size_t>(decimals));
    if (!quotient)
        return read_long_number(first, at);
    return {negative ? -*quotient : *quotient, at, number_status::number};
}

char* write_number(char* to, double value) noexcept
{
    assert(std::isfinite(value));
    auto const magnitude = std::fabs(value);
    if (magnitude < exact_limit) {
        auto const integer = static_cast<std::uint64_t>(magnitude);
        auto const is_integer = static_cast<double>(integer) == magnitude;
        if (!is_integer && magnitude >= least_fraction)
            return write_fraction(to, value);
        // An exponent would be shorter for some integers with a zero at the end, from 100000 on.
        auto const is_plain = integer < 100'000 || integer % 10 != 0;
        if (is_integer && is_plain && !(integer == 0 && std::signbit(value)))
            return write_integer(write_sign(to, value), integer);
    }
    return std::to_chars(to, to + max_number_size, value).ptr;
}

} // namespace windowd::protocol
