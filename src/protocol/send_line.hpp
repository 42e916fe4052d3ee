// Reads the one request that scripts send most, in the one form that they write it in.
#pragma once

#include <string_view>

namespace windowd::protocol {

/// A line that sends one number: {"op":"send","value":5} or {"op":"send","window":"cpu","value":5}.
struct send_line {
    std::string_view window; ///< empty: the connection's own; otherwise it may still be no name
    double value = 0;
    char const* end = nullptr;  ///< of the line, without its end; null if it is another line, good or bad
    char const* next = nullptr; ///< where the next line begins
};

/// Reads the line that begins at `at`, before `end`, if it stands there whole: its members in this order, with at most
/// one space behind colons and commas. Linear in its length, nothing is allocated.
send_line read_send_line(char const* at, char const* end) noexcept;

} // namespace windowd::protocol
