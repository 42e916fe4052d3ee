// The protocol's errors: the closed list of codes, and an error with what it says to people.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace windowd::protocol {

/// Why a request was refused. A refused request changes nothing.
enum class error_code : std::uint8_t {
    bad_json,          ///< the line is not one JSON text; duplicate members and deep nesting count as that
    line_too_long,     ///< the line is longer than the limit, and was discarded
    not_a_number,      ///< the service was sent something that is no number
    out_of_range,      ///< a number is beyond the finite range of a double
    unknown_op,        ///< there is no such request
    unknown_member,    ///< the request has a member that it does not take
    missing_member,    ///< the request lacks a member that it needs
    bad_member,        ///< a member's value is of the wrong type, or not one that is accepted
    unknown_exception, ///< the service does not declare the exception to be thrown in
    closed,            ///< the service was closed (Python's StopIteration)
    no_such_window,    ///< there is no shared window of that name
    window_mismatch,   ///< the shared window is there already, and is not as the request says
    out_of_order,      ///< a value's time is before that of the newest one
    limit_reached,     ///< the server has as many connections, windows, patterns or dumps as it may
    unauthorized,      ///< the connection has to show a token that allows this
    internal,          ///< the server's own fault, such as a lack of memory
};

constexpr std::size_t error_code_count = static_cast<std::size_t>(error_code::internal) + 1;

/// The code as it stands on the wire.
std::string_view to_string(error_code code) noexcept;

/// What is said of a refused request.
struct error {
    error_code code;
    std::string message;                   ///< for people: what was wrong, what is accepted, where
    std::optional<std::size_t> index = {}; ///< of the first refused element of an array, from 0
};

} // namespace windowd::protocol
