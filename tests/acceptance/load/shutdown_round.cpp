// SIGTERM while every connection is full of requests.
#include "acceptance/load/connection.hpp"
#include "acceptance/load/rounds.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <cstddef>
#include <deque>
#include <string>

#include <signal.h>

namespace windowd::load {
namespace {

// Requests of one width, so that a number of bytes is a number of requests.
constexpr std::uint64_t first_value = 1'000'000;
constexpr std::uint64_t values = 9'000'000; // and then again from the first
constexpr std::size_t width = 8;            // with the LF
constexpr std::size_t requests_a_send = 1000;
// Slow ones read 64 KiB at a time, so that what they have asked for takes some seconds.
constexpr auto slow_pause = std::chrono::milliseconds(100);
constexpr std::size_t enough_for_slow_ones = 2'500'000; // bytes, until the signal
// They come just before the signal.
constexpr std::size_t newcomers = 50;

struct pipeline {
    pipeline(world& run, std::uint64_t number, bool slow) : to(run, number), is_slow(slow) {}

    connection to;
    std::size_t sent = 0;           // bytes
    std::size_t answered = 0;       // requests
    std::size_t to_be_answered = 0; // at least, in requests
    bool is_slow;
    bool ended = false;
};

double value_of(std::size_t request)
{
    return static_cast<double>(first_value + request % values);
}

/// Others have a turn after each piece, however much the daemon takes.
awaitable<void> send_for_ever(world& run, pipeline& one)
{
    std::string lines;
    while (!one.ended) {
        while (one.is_slow && one.sent >= enough_for_slow_ones && one.to_be_answered == 0 && !one.ended)
            co_await run.pause(slow_pause);
        lines.clear();
        for (std::size_t i = 0; i < requests_a_send; ++i)
            lines += std::to_string(first_value + (one.sent / width + i) % values) + '\n';
        for (std::string_view left = lines; !left.empty() && !one.ended;) {
            auto const size = one.to.send_what_fits(left);
            if (!size)
                co_return; // the daemon has closed its side: what was sent before is for the reader to judge
            one.sent += *size;
            left.remove_prefix(*size);
            if (!left.empty())
                co_await one.to.wait_until_writable();
        }
        co_await boost::asio::post(run.context(), boost::asio::use_awaitable);
    }
}

awaitable<void> check_until_the_end(world& run, pipeline& one)
{
    mean_of_three window;
    for (bool is_more = true; is_more;) {
        for (auto reply = one.to.take_line(); reply; reply = one.to.take_line())
            expect_number(*reply, window.push(value_of(one.answered++)));
        if (one.is_slow)
            co_await run.pause(slow_pause);
        is_more = co_await one.to.receive();
    }
    if (one.to.has_rest())
        throw failure("the last reply is cut off");
    if (one.answered < one.to_be_answered)
        throw failure("of " + std::to_string(one.to_be_answered) + " requests that it had, " +
                      std::to_string(one.answered) + " were answered");
    run.results().count("answered", one.answered);
    run.results().count("clean_ends");
}

awaitable<void> pipeline_to_the_end(world& run, pipeline& one)
{
    try {
        co_await one.to.open();
        run.spawn("sending", send_for_ever(run, one));
        co_await check_until_the_end(run, one);
    } catch (...) {
        one.ended = true;
        one.to.close();
        throw;
    }
    one.ended = true;
    one.to.close();
}

awaitable<void> stop_the_daemon(world& run, std::deque<pipeline>& all)
{
    auto const is_ready = [](pipeline const& one) {
        return !one.is_slow || one.sent >= enough_for_slow_ones;
    };
    while (!run.over() || !std::ranges::all_of(all, is_ready))
        co_await run.pause(std::chrono::milliseconds(10));
    for (std::size_t i = 0; i < newcomers; ++i) {
        auto& one = all.emplace_back(run, all.size(), false);
        run.spawn("newcomer", pipeline_to_the_end(run, one));
    }
    while (all.back().sent == 0 && !all.back().ended)
        co_await boost::asio::post(run.context(), boost::asio::use_awaitable);
    for (auto& one : all) {
        one.to_be_answered = (one.sent - one.to.on_its_way()) / width;
        run.results().count("had_by_the_signal", one.to_be_answered);
        run.results().count("unanswered_by_the_signal",
                            one.to_be_answered - std::min(one.to_be_answered, one.answered));
    }
    if (kill(run.chosen().daemon, SIGTERM) != 0)
        throw failure("there is no daemon to stop");
}

} // namespace

void shutdown_round(world& run)
{
    std::deque<pipeline> all;
    for (std::size_t i = 0; i < run.chosen().connections; ++i)
        run.spawn("pipeline", pipeline_to_the_end(run, all.emplace_back(run, i, run.chosen().slow)));
    run.spawn("stopping", stop_the_daemon(run, all));
    run.run();
}

} // namespace windowd::load
