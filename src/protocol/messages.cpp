// The wording of errors.
#include "protocol/messages.hpp"

#include "protocol/number.hpp"
#include "window/names.hpp"
#include "window/window_register.hpp"

#include <array>
#include <utility>

namespace windowd::protocol {
namespace {

using window::failure;
using window::refusal;

/// What may help a person whose line is no JSON.
std::string_view advice_for(std::string_view text)
{
    auto const first = text.front();
    if ((first >= '0' && first <= '9') || first == '+' || first == '-' || first == '.')
        return "a number is written like 5, -0.25 or 1e3";
    if ((first >= 'A' && first <= 'Z') || (first >= 'a' && first <= 'z'))
        return "a bare word is no request, NaN and infinity are no numbers";
    if (first == '{')
        return R"(an object is written like {"op":"dump"}, with its quotes)"; // which shells eat
    if (text.starts_with("\xEF\xBB\xBF"))
        return "a byte order mark does not belong there";
    if (first == '\x16')
        return "this looks like TLS, and this listener speaks plain text";
    return "a line is a number, null, an array of numbers or an object with 'op'";
}

std::string_view name_of(element::kind what)
{
    switch (what) {
    case element::kind::null:
        return "null";
    case element::kind::number:
    case element::kind::out_of_range:
        return "a number";
    case element::kind::string:
        return "a string";
    case element::kind::boolean:
        return "true or false";
    case element::kind::array:
        return "an array";
    case element::kind::object:
        break;
    }
    return "an object";
}

/// A window's terms, for who expected others.
std::string description_of(window::window_options const& options)
{
    std::array<char, max_number_size> digits{};
    auto const span = std::string(digits.data(), write_number(digits.data(), options.span));
    auto text = "size " + std::to_string(options.size) + ", min_count " + std::to_string(options.min_count) +
                (options.span > 0 ? ", span " + span : ", no span") + ", stats ";
    std::string stats;
    for (auto const& one : options.stats)
        append_item(stats, one->name());
    return text.append(stats);
}

} // namespace

error bad_json_error(std::string_view text, parse_failure const& failure)
{
    auto message = "not JSON at column " + std::to_string(failure.column) + ": " + failure.reason + "; ";
    if (failure.is_syntax)
        message.append(advice_for(text)).append("; ");
    return {error_code::bad_json, message.append(ask_for_help)};
}

error line_too_long_error(std::size_t max_line)
{
    return {error_code::line_too_long,
            "the line was discarded: a line has at most " + std::to_string(max_line) + " bytes"};
}

error out_of_range_error(std::optional<std::size_t> index)
{
    return {error_code::out_of_range, "a number is at most 1.7976931348623157e308 in magnitude", index};
}

error not_a_number_error(element::kind what, std::optional<std::size_t> index)
{
    auto message = "a window takes numbers, and this is " + std::string(name_of(what));
    if (what == element::kind::object)
        message.append("; a line that is an object with 'op' is a request; ").append(ask_for_help);
    return {error_code::not_a_number, std::move(message), index};
}

error refused_error(refusal why, element::kind what, std::optional<std::size_t> index)
{
    switch (why) {
    case refusal::out_of_memory:
        return {error_code::internal, "the server has no memory for this", index};
    case refusal::out_of_order:
        return {error_code::out_of_order, "'at' must not go back: the window's newest value has a later time",
                index};
    case refusal::not_timed:
        return {error_code::bad_member,
                R"('at' is for windows of time, and this is none; {"op":"open","span":30} starts one)",
                index};
    default:
        return what == element::kind::out_of_range ? out_of_range_error(index)
                                                   : not_a_number_error(what, index);
    }
}

error no_token_error()
{
    return {error_code::unauthorized, R"(a token has to be shown first: {"op":"auth","token":"..."})"};
}

error wrong_token_error()
{
    return {error_code::unauthorized, "there is no such token"};
}

error read_only_error(std::string_view allowed)
{
    return {error_code::unauthorized, std::string("this token allows reading only: ").append(allowed)};
}

error closed_error()
{
    return {error_code::closed, R"(this window is closed; {"op":"open"} starts another)"};
}

error out_of_memory_error()
{
    return {error_code::internal, "the server failed to do this, for lack of memory perhaps"};
}

error readings_limit_error(std::size_t max_readings)
{
    return {error_code::limit_reached, "a request asks for at most " + std::to_string(max_readings) +
                                           " statistics, values times 'stats': send fewer values at a time"};
}

error failure_error(window::result const& came, window::register_limits const& limits)
{
    switch (came.why) {
    case failure::no_such_window:
        return {error_code::no_such_window,
                "there is no window of that name; 'open' with 'window' makes one, as 'send' does"};
    case failure::closed:
        return closed_error();
    case failure::mismatch:
        return {error_code::window_mismatch,
                "the window is there already, with " + description_of(*came.window.options) +
                    "; without these members, and without 'data', 'open' joins it as it is"};
    case failure::min_count_too_large:
        return min_count_error(came.window.options->size);
    case failure::limit_reached:
        return {error_code::limit_reached, "there are as many shared windows as there may be, which is " +
                                               std::to_string(limits.max_windows) +
                                               "; 'close' ends one that is not needed any more"};
    case failure::readings_limit:
        return readings_limit_error(limits.max_readings);
    case failure::dumps_limit:
        return {error_code::limit_reached, "the dumps of shared windows that are being sent hold " +
                                               std::to_string(limits.max_dumped) +
                                               " values at most; try again later"};
    case failure::out_of_memory:
    case failure::none:
        break;
    }
    return out_of_memory_error();
}

error wrong_type_error(member which, std::string_view wanted, std::optional<std::size_t> index)
{
    return {error_code::bad_member, quoted(to_string(which)).append(" has to be ").append(wanted), index};
}

error name_error(member which, std::string_view also)
{
    return wrong_type_error(which, "1 to " + std::to_string(window::max_name_size) +
                                       " characters of A-Z a-z 0-9 . _ : / -" + std::string(also));
}

error min_count_error(std::size_t size)
{
    return {error_code::bad_member,
            "'min_count' has to be an integer from 1 to " + std::to_string(size) + ", the window's size"};
}

std::string quoted(std::string_view name)
{
    return std::string(1, '\'').append(name).append(1, '\'');
}

void append_item(std::string& list, std::string_view item)
{
    list.append(list.empty() ? "" : ", ").append(item);
}

std::string list_of(member_set members)
{
    std::string list;
    for (std::size_t i = 0; i < member_count; ++i) {
        auto const one = static_cast<member>(i);
        if (members.contains(one))
            append_item(list, quoted(to_string(one)));
    }
    return list;
}

} // namespace windowd::protocol
