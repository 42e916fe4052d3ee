// The commands of one request, and the choice among all.
#include "ctl/commands.hpp"

#include "ctl/json_text.hpp"
#include "ctl/request.hpp"
#include "ctl/text.hpp"

#include <boost/asio/steady_timer.hpp>

#include <array>
#include <cstdint>
#include <cstdio>

namespace windowd::ctl {
namespace {

using clock = connection::clock;

/// The terms of a window as the table of windows and `open` tell them.
std::string stats_text(std::string_view window)
{
    std::string text;
    for (auto const name : json_elements(json_member_of(window, "stats").value_or("")))
        text += (text.empty() ? "" : ",") + printable(json_plain(name));
    return text;
}

std::string member_text(std::string_view object, std::string_view name)
{
    auto const value = json_member_of(object, name);
    return value ? printable(json_plain(*value)) : "-";
}

exit_status print_reply(workplace const& here, std::string const& line,
                        void (*print)(output&, std::string_view))
{
    auto const reply = here.daemon.request(line);
    if (here.set.is_json)
        print_json(here.out, reply);
    else
        print(here.out, reply);
    return exit_status::success;
}

void print_dump(output& out, std::string_view reply)
{
    for (auto const value : json_elements(json_member_of(reply, "dump").value_or("")))
        out << yield_text(value) << "\n";
}

void print_yield(output& out, std::string_view reply)
{
    out << yield_text(json_member_of(reply, "yield").value_or("null")) << "\n";
}

void print_nothing(output&, std::string_view) {}

void print_opened(output& out, std::string_view reply)
{
    auto const window = json_member_of(reply, "window").value_or("");
    auto const is_new = json_member_of(reply, "created") == "true";
    out << (is_new ? "made " : "joined ") << member_text(window, "name") << " stats=" << stats_text(window);
    for (auto const& [name, value] : json_members(window)) {
        if (name != "name" && name != "stats")
            out << " " << printable(name) << "=" << yield_text(value);
    }
    out << "\n";
}

void print_info(output& out, std::string_view reply)
{
    out << members_text(reply);
}

exit_status print_windows(workplace const& here)
{
    auto const windows = list_windows(here.daemon, here.set.pattern);
    std::vector<std::vector<std::string>> rows{{"NAME", "SIZE", "SPAN", "STATS", "COUNT", "N"}};
    for (auto const& window : windows) {
        if (here.set.is_json)
            print_json(here.out, window);
        else
            rows.push_back({member_text(window, "name"), member_text(window, "size"),
                            member_text(window, "span"), stats_text(window), member_text(window, "count"),
                            member_text(window, "n")});
    }
    constexpr std::array columns{align::left, align::right, align::right,
                                 align::left, align::right, align::right};
    if (!here.set.is_json)
        here.out << table_text(rows, columns);
    return exit_status::success;
}

void wait(boost::asio::io_context& context, connection& daemon, clock::time_point until)
{
    boost::asio::steady_timer timer(context, until);
    bool is_over = false;
    timer.async_wait([&is_over](auto const&) { is_over = true; });
    while (!is_over)
        daemon.run_one();
}

exit_status ping(workplace const& here)
{
    auto const count = here.set.count.value_or(1);
    auto next = clock::now();
    for (std::uint64_t i = 0; i < count; ++i) {
        if (i != 0)
            wait(here.context, here.daemon, next += here.set.interval);
        auto const begin = clock::now();
        auto const reply = here.daemon.request(request("ping").line());
        std::chrono::duration<double, std::milli> const took = clock::now() - begin;
        std::array<char, 32> milliseconds{};
        std::snprintf(milliseconds.data(), milliseconds.size(), "%.3f", took.count());
        if (here.set.is_json)
            print_json(here.out, reply);
        else
            here.out << "pong from " << here.daemon.address() << ": time=" << milliseconds.data() << " ms\n";
        here.out.flush();
    }
    return exit_status::success;
}

} // namespace

void print_json(output& out, std::string_view json)
{
    if (out.is_terminal())
        out << printable(json) << "\n";
    else
        out << json << "\n";
}

std::vector<std::string> list_windows(connection& daemon, std::string_view pattern)
{
    constexpr auto longest_page = "1000";
    std::vector<std::string> all;
    for (std::string after, more = "true"; more == "true";) {
        auto const question =
            request("windows").text("match", pattern).number("limit", longest_page).text("after", after);
        auto const reply = daemon.request(question.line());
        auto const page = json_elements(json_member_of(reply, "windows").value_or(""));
        all.insert(all.end(), page.begin(), page.end());
        more = page.empty() ? "false" : json_member_of(reply, "more").value_or("false");
        if (!page.empty())
            after = json_plain(json_member_of(page.back(), "name").value_or(""));
    }
    return all;
}

exit_status run_command(workplace const& here)
{
    auto const about = [&here](std::string_view op) {
        return request(op).text("window", here.set.window).line();
    };
    switch (here.set.command) {
    case command_name::send:
        return send_values(here);
    case command_name::dump:
        return print_reply(here, about("dump"), print_dump);
    case command_name::read:
        return print_reply(here, about("read"), print_yield);
    case command_name::clear:
        return print_reply(here, about("clear"), print_nothing);
    case command_name::close:
        return print_reply(here, about("close"), print_nothing);
    case command_name::open:
        return print_reply(here, open_request(here.set.window, here.set.terms), print_opened);
    case command_name::windows:
        return print_windows(here);
    case command_name::follow:
        return follow_windows(here);
    case command_name::top:
        return show_top(here);
    case command_name::ping:
        return ping(here);
    case command_name::info:
        break;
    }
    return print_reply(here, request("info").line(), print_info);
}

} // namespace windowd::ctl
