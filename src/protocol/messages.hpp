// What people are told of refused requests.
#pragma once

#include "protocol/error.hpp"
#include "protocol/request.hpp"
#include "protocol/request_parser.hpp"
#include "window/operation.hpp"
#include "window/window_register.hpp"
#include "window/window_service.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace windowd::protocol {

/// What follows most refusals, for who met windowd a minute ago.
inline constexpr std::string_view ask_for_help = R"(for help send {"op":"help"})";

/// Of a line that is no JSON; `text` is the line from its first byte that is not blank.
error bad_json_error(std::string_view text, parse_failure const& failure);
error line_too_long_error(std::size_t max_line);

/// Of a value, `index` is its place in an array.
error out_of_range_error(std::optional<std::size_t> index = {});
error not_a_number_error(element::kind what, std::optional<std::size_t> index = {});
/// Of what a window refused; `what` was sent.
error refused_error(window::refusal why, element::kind what, std::optional<std::size_t> index = {});

/// Of a connection that has shown no token. It tells the same whatever was asked, since nothing is to be learnt from it.
error no_token_error();
error wrong_token_error();
/// Of a connection that may read; `allowed` lists what that is.
error read_only_error(std::string_view allowed);

error closed_error();
error out_of_memory_error();
error readings_limit_error(std::size_t max_readings);
/// Of an operation on a shared window that was not done.
error failure_error(window::result const& came, window::register_limits const& limits);

error wrong_type_error(member which, std::string_view wanted, std::optional<std::size_t> index = {});
/// Of what is no name; `also` may stand in it besides.
error name_error(member which, std::string_view also = "");
error min_count_error(std::size_t size);

/// The name of a member or an op: 'a'
std::string quoted(std::string_view name);
/// Adds an item behind a comma, if it is not the first.
void append_item(std::string& list, std::string_view item);
/// 'a', 'b'
std::string list_of(member_set members);

} // namespace windowd::protocol
