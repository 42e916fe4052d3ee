// Taking a reply apart without changing the text of its numbers: they are printed as the daemon wrote them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace windowd::ctl {

/// Whether this is one JSON text, not nested deeper than 32. All that follows is for parts of such a text.
bool is_json(std::string_view text);

/// Whether this is a number as JSON writes it: 5, -0.25, 1e3; not +5, .5, 0x10, NaN.
bool is_json_number(std::string_view text) noexcept;

using json_member = std::pair<std::string, std::string_view>; ///< a name, decoded, and the text of its value

/// In their order; nothing for what is no object. The views are parts of the text.
std::vector<json_member> json_members(std::string_view object);

/// The text of a member's value.
std::optional<std::string_view> json_member_of(std::string_view object, std::string_view name);

/// In their order; nothing for what is no array.
std::vector<std::string_view> json_elements(std::string_view array);

/// A string decoded; any other value as it is written.
std::string json_plain(std::string_view value);

/// A text as a JSON string, in quotes.
std::string json_quoted(std::string_view text);

} // namespace windowd::ctl
