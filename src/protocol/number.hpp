// Numbers as JSON writes them, read and written to the last bit.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace windowd::protocol {

enum class number_status : std::uint8_t {
    number,       ///< read, correctly rounded
    out_of_range, ///< well-formed, but beyond the finite range of a double
    malformed,    ///< not a number of RFC 8259
};

struct number_read {
    double value;    ///< meaningful where status is number
    char const* end; ///< one past the number's last character; where it is malformed, the offending place
    number_status status;
};

namespace detail {

// Eight characters in a word, the first in the lowest byte, and the same of eight times '0'.
using eight_characters = std::uint64_t;
inline constexpr std::ptrdiff_t word_size = sizeof(eight_characters);
inline constexpr eight_characters zeros = 0x3030'3030'3030'3030;

/// Between a word whose first byte in memory is its lowest one and a word of this machine.
constexpr std::uint64_t lowest_first(std::uint64_t word) noexcept
{
    return std::endian::native == std::endian::little ? word : __builtin_bswap64(word);
}

inline eight_characters read_eight(char const* at) noexcept
{
    eight_characters text = 0;
    std::memcpy(&text, at, sizeof text);
    return lowest_first(text);
}

/// How many of the eight are digits, before the first that is none. What the sums carry goes to later bytes.
inline unsigned count_digits(eight_characters text) noexcept
{
    constexpr eight_characters high_bits = 0x8080'8080'8080'8080;
    constexpr eight_characters beyond_nine = 0x4646'4646'4646'4646; // lifts ':' to the high bit
    auto const others = ((text + beyond_nine) | (text - zeros)) & high_bits;
    return static_cast<unsigned>(std::countr_zero(others)) / 8;
}

/// The number that eight digits make: of neighbours first, then of pairs, then of fours. Daniel Lemire, "Number
/// Parsing at a Gigabyte per Second", 2021.
inline std::uint64_t value_of(eight_characters text) noexcept
{
    constexpr std::uint64_t every_fourth = 0x0000'00ff'0000'00ff;
    constexpr std::uint64_t first_pairs = (std::uint64_t{1'000'000} << 32) + 100;
    constexpr std::uint64_t second_pairs = (std::uint64_t{10'000} << 32) + 1;
    text -= zeros;
    auto const pairs = text * 10 + (text >> 8);
    return ((pairs & every_fourth) * first_pairs + ((pairs >> 16) & every_fourth) * second_pairs) >> 32;
}

/// The first of them, 1 to 7, behind zeros.
inline eight_characters pad(eight_characters text, unsigned count) noexcept
{
    return text << (8 * (static_cast<unsigned>(word_size) - count)) | zeros >> (8 * count);
}

number_read read_any_number(char const* first, char const* last) noexcept;

} // namespace detail

/// Reads the longest JSON number (RFC 8259, section 6: no leading plus, zeros or point) at the start of
/// [first, last). The result is the double nearest to the whole text, ties to even, whatever its length; what
/// is too small for a double is rounded to a zero of its sign. Linear in the text's length; nothing
/// allocates.
inline number_read read_number(char const* first, char const* last) noexcept
{
    using namespace detail;
    // The usual: an integer of few digits, and more behind it.
    if (last - first >= word_size) {
        auto const text = read_eight(first);
        auto const count = count_digits(text);
        auto const is_short = count - 1 < word_size - 1 && (*first != '0' || count == 1);
        if (is_short) {
            auto const after = first[count];
            if (after != '.' && after != 'e' && after != 'E')
                return {static_cast<double>(value_of(pad(text, count))), first + count,
                        number_status::number};
        }
    }
    return read_any_number(first, last);
}

/// Enough to write any finite double: more than the longest text, since digits are written eight at a time.
inline constexpr std::size_t max_number_size = 40;

/// Writes the shortest text that reads back to the same bits (std::to_chars: of `100000` and `1e+05` the
/// latter; at equal length without an exponent) at `to`, where max_number_size characters must have room: some
/// behind the text may be written too. Returns its end. `value` must be finite.
char* write_number(char* to, double value) noexcept;

} // namespace windowd::protocol
