// The names of the error codes.
#include "protocol/error.hpp"

namespace windowd::protocol {

std::string_view to_string(error_code code) noexcept
{
    switch (code) {
    case error_code::bad_json:
        return "bad_json";
    case error_code::line_too_long:
        return "line_too_long";
    case error_code::not_a_number:
        return "not_a_number";
    case error_code::out_of_range:
        return "out_of_range";
    case error_code::unknown_op:
        return "unknown_op";
    case error_code::unknown_member:
        return "unknown_member";
    case error_code::missing_member:
        return "missing_member";
    case error_code::bad_member:
        return "bad_member";
    case error_code::unknown_exception:
        return "unknown_exception";
    case error_code::closed:
        return "closed";
    case error_code::no_such_window:
        return "no_such_window";
    case error_code::window_mismatch:
        return "window_mismatch";
    case error_code::out_of_order:
        return "out_of_order";
    case error_code::limit_reached:
        return "limit_reached";
    case error_code::unauthorized:
        return "unauthorized";
    case error_code::internal:
        break;
    }
    return "internal";
}

} // namespace windowd::protocol
