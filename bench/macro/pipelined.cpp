// One connection that sends as fast as the server takes it.
#include "exchange.hpp"
#include "measurement.hpp"
#include "scenarios.hpp"
#include "workload.hpp"

#include <boost/asio/io_context.hpp>

#include <deque>
#include <random>
#include <stdexcept>
#include <string>

namespace windowd::bench {
namespace {

boost::json::object timed_exchange(socket& through, workload const& warmup, workload const& timed,
                                   settings const& with)
{
    exchange(through, warmup);
    measurement const measured(with.server);
    exchange(through, timed);
    return measured.result(timed.values, timed.lines);
}

/// `make(count, source, model)` makes the workload.
template <class Make>
boost::json::object send_all(settings const& with, Make make)
{
    value_source source(with.kind);
    auto const model = make_model(with.expect);
    workload const warmup = make(with.warmup, source, *model);
    workload const timed = make(with.count, source, *model);
    boost::asio::io_context context;
    auto through = connect(context, with.port);
    auto result = timed_exchange(through, warmup, timed, with);
    hang_up(through);
    return result;
}

void require_windowd(settings const& with)
{
    if (with.expect != "windowd")
        throw std::invalid_argument("only windowd can do that");
}

std::string name_of(std::size_t number)
{
    return "w" + std::to_string(number);
}

std::string request_for(std::size_t window, std::string const& op)
{
    return R"({"op":")" + op + R"(","window":")" + name_of(window) + R"("})";
}

/// Makes them, with nothing in them.
workload make_windows(std::size_t count)
{
    workload made;
    for (std::size_t i = 0; i < count; ++i) {
        add_line(made, R"({"op":"send","window":")" + name_of(i) + R"(","value":0})", R"({"yield":0})");
        add_line(made, request_for(i, "clear"), R"({"yield":null})");
    }
    return made;
}

workload close_windows(std::size_t count)
{
    workload made;
    for (std::size_t i = 0; i < count; ++i)
        add_line(made, request_for(i, "close"), R"({"closed":true})");
    return made;
}

/// Values to windows at random.
workload named_sends(std::size_t count, value_source& source, std::mt19937_64& random,
                     std::deque<exact_mean>& windows)
{
    workload made;
    std::uniform_int_distribution<std::size_t> any(0, windows.size() - 1);
    for (; made.values < count; ++made.values) {
        auto const value = source.next();
        auto const window = any(random);
        made.requests.append(R"({"op":"send","window":")").append(name_of(window)).append(R"(","value":)");
        append_request_number(made.requests, value);
        made.requests += "}\n";
        made.replies += R"({"yield":)";
        append_shortest(made.replies, windows[window].add(value));
        made.replies += "}\n";
    }
    made.lines = made.values;
    return made;
}

} // namespace

boost::json::object send_bare_values(settings const& with)
{
    return send_all(with, bare_values);
}

boost::json::object send_arrays(settings const& with)
{
    require_windowd(with);
    return send_all(with, [&with](std::size_t count, value_source& source, server_model& model) {
        return value_arrays(count, with.array_size, source, model);
    });
}

boost::json::object send_operations(settings const& with)
{
    require_windowd(with);
    return send_all(with, sends);
}

boost::json::object send_to_named_windows(settings const& with)
{
    require_windowd(with);
    value_source source(with.kind);
    std::mt19937_64 random(2015);
    std::deque<exact_mean> windows(with.windows, exact_mean(3));
    auto const warmup = named_sends(with.warmup, source, random, windows);
    auto const timed = named_sends(with.count, source, random, windows);
    boost::asio::io_context context;
    auto through = connect(context, with.port);
    exchange(through, make_windows(with.windows));
    auto result = timed_exchange(through, warmup, timed, with);
    exchange(through, close_windows(with.windows));
    hang_up(through);
    result["windows"] = with.windows;
    return result;
}

/// The window is filled, and the warm-up goes through it, before the time begins.
boost::json::object send_to_sized_window(settings const& with)
{
    require_windowd(with);
    value_source source(with.kind);
    auto const model = make_window_model(with.window_size, with.stat);
    auto const filling = bare_values(with.window_size + with.warmup, source, *model);
    auto const timed = bare_values(with.count, source, *model);
    boost::asio::io_context context;
    auto through = connect(context, with.port);
    auto const opened = ask(through, R"({"op":"open","size":)" + std::to_string(with.window_size) +
                                         R"(,"stats":[")" + with.stat + "\"]}\n");
    if (!opened.ends_with(R"("created":true})"))
        throw wrong_reply("the window was not opened: " + opened);
    auto result = timed_exchange(through, filling, timed, with);
    hang_up(through);
    result["window_size"] = with.window_size;
    result["stat"] = with.stat;
    result["expected_from"] = with.stat == "mean" ? "integer arithmetic" : "windowd's statistics, in-process";
    return result;
}

} // namespace windowd::bench
