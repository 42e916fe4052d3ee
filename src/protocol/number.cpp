// Reading and writing numbers, with short ways for the short numbers that people send.
#include "protocol/number.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <system_error>

namespace windowd::protocol {
namespace {

// Integers to 2^53 and powers of ten to 10^22 are doubles, and IEEE 754 division is correctly rounded: their
// quotient is the number itself, correctly rounded (Clinger, "How to read floating point numbers accurately",
// 1990).
constexpr int exact_digits = 15; // any 15 digits are below 2^53
constexpr std::array<double, exact_digits + 1> powers_of_ten{1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                             1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
constexpr double exact_limit = 9007199254740992; // 2^53

bool is_digit(char c) noexcept
{
    return c >= '0' && c <= '9';
}

/// Digits from `at` on, taken into `mantissa` (modulo 2^64).
char const* read_digits(char const* at, char const* last, std::uint64_t& mantissa) noexcept
{
    for (; at != last && is_digit(*at); ++at)
        mantissa = mantissa * 10 + static_cast<std::uint64_t>(*at - '0');
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
    std::uint64_t ignored = 0;
    at = read_digits(at, last, ignored);
    auto magnitude = static_cast<std::int64_t>(at - leading); // of 0.d1d2… × 10^magnitude
    if (at != last && *at == '.') {
        auto const* const point = at + 1;
        if (magnitude == 0)
            magnitude = point - skip_zeros(point, last);
        at = read_digits(point, last, ignored);
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

number_read read_any_number(char const* first, char const* last) noexcept
{
    double value = 0;
    auto const read = std::from_chars(first, last, value);
    if (read.ec == std::errc() && std::isfinite(value))
        return {value, last, number_status::number};
    if (is_too_large(first, last))
        return {0, last, number_status::out_of_range};
    return {*first == '-' ? -0.0 : 0.0, last, number_status::number};
}

} // namespace

number_read read_number(char const* first, char const* last) noexcept
{
    auto const malformed_at = [](char const* where) {
        return number_read{0, where, number_status::malformed};
    };
    auto const* at = first;
    auto const negative = at != last && *at == '-';
    if (negative)
        ++at;
    if (at == last || !is_digit(*at))
        return malformed_at(at);
    std::uint64_t mantissa = 0;
    auto const* const integer = at;
    at = read_digits(at, last, mantissa);
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
        at = read_digits(at, last, mantissa);
        if (at == exponent)
            return malformed_at(at);
        return read_any_number(first, at);
    }
    if (digits > exact_digits)
        return read_any_number(first, at);
    auto const magnitude = static_cast<double>(mantissa) / powers_of_ten[static_cast<std::size_t>(decimals)];
    return {negative ? -magnitude : magnitude, at, number_status::number};
}

char* write_number(char* to, double value) noexcept
{
    assert(std::isfinite(value));
    if (std::fabs(value) < exact_limit) {
        auto const integer = static_cast<std::int64_t>(value);
        // An exponent would be shorter for some integers with a zero at the end, from 100000 on.
        auto const plain = (integer > -100000 && integer < 100000) || integer % 10 != 0;
        if (static_cast<double>(integer) == value && plain && (integer != 0 || !std::signbit(value)))
            return std::to_chars(to, to + max_number_size, integer).ptr;
    }
    return std::to_chars(to, to + max_number_size, value).ptr;
}

} // namespace windowd::protocol
