// Keeping and laying out the rows.
#include "ctl/top_table.hpp"

#include "ctl/json_text.hpp"
#include "ctl/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <system_error>

namespace windowd::ctl {
namespace {

constexpr std::size_t history_size = 20; // characters of a sparkline
constexpr std::size_t widest_name = 40;
constexpr std::size_t narrowest_statistics = 12;

template <typename Number>
std::optional<Number> number_of(std::optional<std::string_view> json)
{
    Number number{};
    auto const text = json.value_or("");
    auto const read = std::from_chars(text.data(), text.data() + text.size(), number);
    return read.ec == std::errc() ? std::optional(number) : std::nullopt;
}

std::uint64_t counter_of(std::string_view object, std::string_view name)
{
    return number_of<std::uint64_t>(json_member_of(object, name)).value_or(0);
}

std::string rate_text(std::optional<double> rate)
{
    if (!rate)
        return "-";
    constexpr double many = 1000;
    std::array<char, 48> text{};
    std::snprintf(text.data(), text.size(), *rate < many ? "%.1f" : "%.0f", *rate);
    return text.data();
}

} // namespace

void top_table::take_list(std::vector<std::string> const& windows, time_point now)
{
    for (auto& [name, known] : rows_)
        known.is_listed = false;
    for (auto const& window : windows) {
        auto& known = rows_[json_plain(json_member_of(window, "name").value_or("?"))];
        auto const n = counter_of(window, "n");
        if (last_list_ && now > *last_list_) {
            std::chrono::duration<double> const passed = now - *last_list_;
            // A window that was closed and made again begins anew.
            known.rate = static_cast<double>(n >= known.n ? n - known.n : n) / passed.count();
        }
        known.n = n;
        known.count = counter_of(window, "count");
        known.is_listed = true;
    }
    std::erase_if(rows_, [](auto const& one) { return !one.second.is_listed; });
    last_list_ = now;
}

void top_table::take_event(std::string_view json)
{
    auto const kind = json_member_of(json, "event");
    if (kind == R"("lost")")
        lost_ += counter_of(json, "count");
    auto const name = json_member_of(json, "window");
    if (!name)
        return;
    // A window that is not listed yet will be soon; one that is gone leaves its history behind.
    auto const found = rows_.find(json_plain(*name));
    if (found == rows_.end())
        return;
    auto& known = found->second;
    if (kind == R"("yield")") {
        known.value = yield_text(json_member_of(json, "value").value_or("null"));
        note_yield(known, json_member_of(json, "yield").value_or("null"));
    } else if (kind == R"("clear")" || kind == R"("close")") {
        known.value.clear();
        known.statistics.clear();
        known.history.clear();
    }
}

void top_table::take_reading(std::string const& name, std::string_view reply)
{
    auto const found = rows_.find(name);
    auto const yield = json_member_of(reply, "yield");
    if (found != rows_.end() && yield)
        note_yield(found->second, *yield);
}

void top_table::note_yield(row& of, std::string_view yield)
{
    of.statistics = yield_text(yield);
    auto const members = json_members(yield);
    auto const number = number_of<double>(members.empty() ? yield : members.front().second);
    if (!number)
        return;
    of.history.push_back(*number);
    if (of.history.size() > history_size)
        of.history.pop_front();
}

std::vector<std::string> top_table::unread(std::size_t most) const
{
    std::vector<std::string> names;
    for (auto const& [name, known] : rows_) {
        if (names.size() == most)
            break;
        if (known.statistics.empty() && known.count != 0)
            names.push_back(name);
    }
    return names;
}

std::vector<std::string> top_table::cells(std::string const& name, row const& of, layout const& fit) const
{
    auto const or_dash = [](std::string const& text) { return text.empty() ? std::string("-") : text; };
    std::vector<double> const history(of.history.begin(), of.history.end());
    return {fitted(printable(name), std::min(widest_name, std::max(fit.width / 3, std::size_t{8}))),
            std::to_string(of.n),
            rate_text(of.rate),
            or_dash(of.value),
            sparkline(history, fit.has_unicode),
            fitted(or_dash(of.statistics), std::max(fit.width, narrowest_statistics))};
}

std::string top_table::text(layout const& fit) const
{
    constexpr std::array columns{align::left,  align::right, align::right,
                                 align::right, align::left,  align::left};
    auto const room = fit.height < 2 ? 0 : fit.height - 1;
    auto const shown = rows_.size() <= room ? rows_.size() : room - std::min<std::size_t>(room, 1);
    std::vector<std::vector<std::string>> table{
        {"NAME", "N", "RATE/S", "VALUE", "LAST YIELDS", "STATISTICS"}};
    for (auto const& [name, known] : rows_) {
        if (table.size() > shown)
            break;
        table.push_back(cells(name, known, fit));
    }
    auto const laid_out = table_text(table, columns);
    std::string out;
    for (std::size_t begin = 0; begin < laid_out.size();) {
        auto const end = laid_out.find('\n', begin);
        out += fitted(std::string_view(laid_out).substr(begin, end - begin), fit.width) + "\n";
        begin = end + 1;
    }
    if (shown != rows_.size() && room != 0)
        out += fitted("and " + std::to_string(rows_.size() - shown) + " more", fit.width) + "\n";
    return out;
}

} // namespace windowd::ctl
