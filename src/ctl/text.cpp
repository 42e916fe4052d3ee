// Formatting, with the daemon's own text of every number.
#include "ctl/text.hpp"

#include "ctl/json_text.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace windowd::ctl {
namespace {

bool is_printable(char c) noexcept
{
    return c >= ' ' && c <= '~';
}

/// Of text whose only characters beyond ASCII are our own.
std::size_t width_of(std::string_view text) noexcept
{
    return static_cast<std::size_t>(
        std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

// NOLINTNEXTLINE(misc-no-recursion): JSON of a reply is nested at most 32 deep
void append_members(std::string& out, std::string const& prefix, std::string_view json)
{
    for (auto const& [name, value] : json_members(json)) {
        auto const full_name = prefix + printable(name);
        if (value.starts_with('{'))
            append_members(out, full_name + ".", value);
        else
            out += full_name + ": " + printable(json_plain(value)) + "\n";
    }
}

} // namespace

std::string printable(std::string_view text)
{
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    out.reserve(text.size());
    for (auto const c : text) {
        auto const byte = static_cast<unsigned char>(c);
        if (is_printable(c))
            out += c;
        else
            out.append("\\x").append(1, digits[byte >> 4]).append(1, digits[byte & 15]);
    }
    return out;
}

std::string yield_text(std::string_view json)
{
    if (!json.starts_with('{'))
        return printable(json_plain(json));
    std::string out;
    for (auto const& [name, value] : json_members(json))
        out += (out.empty() ? "" : " ") + printable(name) + "=" + printable(json_plain(value));
    return out;
}

std::string event_text(std::string_view json)
{
    std::string out;
    for (auto const& [name, value] : json_members(json)) {
        auto const is_bare = name == "event" || name == "window" || name == "count";
        auto const is_named = name == "yield" && value.starts_with('{');
        out += out.empty() ? "" : " ";
        out += is_bare || is_named ? yield_text(value) : printable(name) + "=" + yield_text(value);
    }
    return out;
}

std::string members_text(std::string_view json)
{
    std::string out;
    append_members(out, "", json);
    return out;
}

std::string table_text(std::span<std::vector<std::string> const> rows, std::span<align const> columns)
{
    std::vector<std::size_t> widths(columns.size(), 0);
    for (auto const& row : rows) {
        for (std::size_t i = 0; i < columns.size(); ++i)
            widths[i] = std::max(widths[i], width_of(row[i]));
    }
    std::string out;
    for (auto const& row : rows) {
        for (std::size_t i = 0; i < columns.size(); ++i) {
            auto const space = std::string(widths[i] - width_of(row[i]), ' ');
            out += i == 0 ? "" : "  ";
            out += columns[i] == align::right ? space + row[i] : row[i] + space;
        }
        out.erase(out.find_last_not_of(' ') + 1);
        out += '\n';
    }
    return out;
}

std::string sparkline(std::span<double const> numbers, bool has_unicode)
{
    static constexpr std::array<std::string_view, 8> blocks{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static constexpr std::array<std::string_view, 5> ascii{"_", ".", "-", "=", "^"};
    auto const levels =
        has_unicode ? std::span<std::string_view const>(blocks) : std::span<std::string_view const>(ascii);
    if (numbers.empty())
        return {};
    auto const [least, greatest] = std::ranges::minmax(numbers);
    auto const top = static_cast<double>(levels.size() - 1);
    std::string out;
    for (auto const number : numbers) {
        // Halves, because a difference of two doubles may be beyond the range.
        auto const height = number / 2 - least / 2;
        auto const range = greatest / 2 - least / 2;
        auto const level = range > 0 ? height / range * top : top / 2;
        out += levels[static_cast<std::size_t>(std::clamp(std::round(level), 0.0, top))];
    }
    return out;
}

std::string fitted(std::string_view text, std::size_t width)
{
    if (width_of(text) <= width)
        return std::string(text);
    if (width == 0)
        return {};
    std::string out;
    std::size_t taken = 0;
    for (auto const c : text) {
        auto const begins = (static_cast<unsigned char>(c) & 0xC0) != 0x80;
        taken += begins;
        if (begins && taken == width)
            return out + ">";
        out += c;
    }
    return out;
}

} // namespace windowd::ctl
