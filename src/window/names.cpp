// The alphabet of names, and the matching of patterns.
#include "window/names.hpp"

#include <algorithm>

namespace windowd::window {
namespace {

constexpr bool is_name_character(char c) noexcept
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == ':' || c == '/' || c == '-';
}

constexpr bool has_good_size(std::string_view text) noexcept
{
    return !text.empty() && text.size() <= max_name_size;
}

} // namespace

bool is_window_name(std::string_view text) noexcept
{
    return has_good_size(text) && std::ranges::all_of(text, is_name_character);
}

bool is_pattern(std::string_view text) noexcept
{
    return has_good_size(text) &&
           std::ranges::all_of(text, [](char c) { return c == '*' || is_name_character(c); });
}

bool matches(std::string_view pattern, std::string_view name) noexcept
{
    auto const star = pattern.find('*');
    if (star == std::string_view::npos)
        return pattern == name;
    if (!name.starts_with(pattern.substr(0, star)))
        return false;
    name.remove_prefix(star);
    pattern.remove_prefix(star);
    // What stands between two stars is taken where it is first found: that leaves as much as possible to what follows.
    for (;;) {
        pattern.remove_prefix(1); // the star
        auto const next = pattern.find('*');
        if (next == std::string_view::npos)
            return name.ends_with(pattern);
        auto const piece = pattern.substr(0, next);
        auto const found = name.find(piece);
        if (found == std::string_view::npos)
            return false;
        name.remove_prefix(found + piece.size());
        pattern.remove_prefix(next);
    }
}

} // namespace windowd::window
