// Clients that come all the time, while daemons come and go.
#include "acceptance/load/connection.hpp"
#include "acceptance/load/rounds.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/array.hpp>

#include <array>
#include <string>

#include <unistd.h>

namespace windowd::load {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

constexpr int requests = 3;

std::int64_t nanoseconds(clock::time_point when)
{
    return std::chrono::duration_cast<std::chrono::nanoseconds>(when.time_since_epoch()).count();
}

/// Whether all was answered. Nothing or all: requests that come together are answered together.
awaitable<bool> check_replies(connection& one, value_lines& values)
{
    int answered = 0;
    for (bool is_more = true; is_more && answered != requests;) {
        while (auto const reply = one.take_line()) {
            values.check(*reply);
            ++answered;
        }
        if (answered != requests)
            is_more = co_await one.receive();
    }
    if (one.has_rest() || (answered != requests && answered != 0))
        throw failure("the connection ended after " + std::to_string(answered) + " replies");
    co_return answered != 0;
}

awaitable<void> visit(world& run, route way, std::uint64_t number, json::array& unanswered)
{
    value_lines values(number);
    connection one(run, way, number);
    auto const began = clock::now();
    co_await one.open();
    auto const lines = values.take(requests);
    auto const sent = one.send_what_fits(lines);
    auto const there = sent == lines.size() && one.on_its_way() == 0;
    auto const had_it = there ? clock::now() : clock::time_point::max();
    bool answered = false;
    if (sent)
        answered = co_await check_replies(one, values);
    if (answered) {
        run.results().count("answered");
        run.results().first.add(clock::now() - began);
    } else if (way == route::deferred) {
        throw failure("a connection that was accepted with its request ended without a reply");
    } else {
        unanswered.push_back({nanoseconds(began), nanoseconds(had_it)});
    }
}

awaitable<void> visit_again_and_again(world& run, route way, std::uint64_t number, json::array& unanswered)
{
    for (; !run.over(); number += run.chosen().connections)
        co_await visit(run, way, number, unanswered);
}

awaitable<void> wait_for_the_end(world& run)
{
    asio::posix::stream_descriptor input(run.context(), ::dup(STDIN_FILENO));
    std::array<char, 1> nothing{};
    auto const ended =
        co_await input.async_read_some(asio::buffer(nothing), asio::as_tuple(asio::use_awaitable));
    static_cast<void>(ended);
    run.end();
}

} // namespace

void restart_round(world& run)
{
    constexpr std::array<std::pair<std::string_view, route>, 3> ways{
        {{"tcp", route::tcp}, {"deferred", route::deferred}, {"unix", route::local}}};
    json::array unanswered;
    for (std::size_t i = 0; i < run.chosen().connections; ++i) {
        auto const& [name, way] = ways[i % ways.size()];
        run.spawn(name, visit_again_and_again(run, way, i, unanswered));
    }
    run.spawn("standard input", wait_for_the_end(run));
    run.run();
    run.results().more()["unanswered"] = unanswered;
}

} // namespace windowd::load
