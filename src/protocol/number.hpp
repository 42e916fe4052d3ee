// Numbers as JSON writes them, read and written to the last bit.
#pragma once

#include <cstddef>
#include <cstdint>

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

/// Reads the longest JSON number (RFC 8259, section 6: no leading plus, zeros or point) at the start of
/// [first, last). The result is the double nearest to the whole text, ties to even, whatever its length; what
/// is too small for a double is rounded to a zero of its sign. Linear in the text's length; nothing
/// allocates.
number_read read_number(char const* first, char const* last) noexcept;

/// Enough to write any finite double: more than the longest text, since digits are written eight at a time.
inline constexpr std::size_t max_number_size = 40;

/// Writes the shortest text that reads back to the same bits (std::to_chars: of `100000` and `1e+05` the
/// latter; at equal length without an exponent) at `to`, where max_number_size characters must have room: some
/// behind the text may be written too. Returns its end. `value` must be finite.
char* write_number(char* to, double value) noexcept;

} // namespace windowd::protocol
