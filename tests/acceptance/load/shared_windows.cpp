// Writers and followers of shared windows. A window keeps one value, so that what it yields is what it was sent.
#include "acceptance/load/connection.hpp"
#include "acceptance/load/manners.hpp"

#include <boost/json/parse.hpp>

#include <map>
#include <optional>
#include <string>

namespace windowd::load {
namespace {

using std::chrono::milliseconds;
namespace json = boost::json;

constexpr std::size_t connections_a_window = 1000;
constexpr std::uint64_t values_a_request = 100;
// A value tells who sent it, and which of that writer's it is.
constexpr std::uint64_t values_a_writer = 1'000'000'000;

std::string name_of_window(world const& run, std::uint64_t number)
{
    auto const windows = 1 + run.chosen().connections / connections_a_window;
    return "load/" + std::to_string(number % windows);
}

json::value parsed(std::string_view line)
{
    return json::parse(json::string_view(line.data(), line.size()));
}

/// What one follower is told of one window, held against what it may be told.
class account {
public:
    /// False if the line is no event. Throws a failure where something is missing, twice, or out of order.
    bool take(std::string_view line)
    {
        if (!line.starts_with(R"({"event":)"))
            return false;
        auto const event = parsed(line);
        auto const& kind = event.at("event").as_string();
        if (kind == "lost")
            take_loss(event.at("count").to_number<std::uint64_t>());
        else
            take_change(event.at("n").to_number<std::uint64_t>());
        if (kind == "yield")
            take_value(event.at("value").to_number<std::uint64_t>(),
                       event.at("yield").to_number<std::uint64_t>());
        return true;
    }
    std::uint64_t lost() const noexcept { return lost_; }
    std::uint64_t events() const noexcept { return events_; }

private:
    void take_loss(std::uint64_t count)
    {
        if (count == 0)
            throw failure("nothing is told as lost");
        lost_ += count;
        lost_before_ = true;
        next_ = next_ ? *next_ + count : next_;
    }

    void take_change(std::uint64_t n)
    {
        if (next_ && n != *next_)
            throw failure("event " + std::to_string(n) + " comes where " + std::to_string(*next_) +
                          " was expected");
        next_ = n + 1;
        ++events_;
    }

    void take_value(std::uint64_t value, std::uint64_t yield)
    {
        if (value != yield)
            throw failure("a window of one yields another value");
        auto& expected = next_of_writer_[value / values_a_writer];
        if (expected != 0 && value != expected && !(lost_before_ && value > expected))
            throw failure("a writer's value is missing or twice");
        expected = value + 1;
    }

    std::optional<std::uint64_t> next_; // n
    std::map<std::uint64_t, std::uint64_t> next_of_writer_;
    std::uint64_t events_ = 0;
    std::uint64_t lost_ = 0;
    bool lost_before_ = false; // from then on writers may have gaps
};

awaitable<void> subscribe(connection& one, std::string const& window)
{
    auto const request = R"({"op":"subscribe","window":")" + window + "\"}\n";
    co_await one.send(request);
    auto const reply = co_await one.read_line();
    if (!reply.starts_with(R"({"subscribed":")" + window))
        throw failure("not subscribed: " + std::string(reply));
}

/// Reads events until the run is over, and then to the end of what has happened until then.
awaitable<void> follow(world& run, connection& one)
{
    account seen;
    one.half_close_when_over();
    for (bool is_more = true; is_more;) {
        while (auto const line = one.take_line())
            if (!seen.take(*line))
                throw failure("this is no event: " + std::string(*line));
        is_more = co_await one.receive();
    }
    if (one.has_rest())
        throw failure("the last event is cut off");
    run.results().count("events_checked", seen.events());
    run.results().count("events_told_lost", seen.lost());
}

} // namespace

awaitable<void> shared_writer(world& run, std::uint64_t number)
{
    auto const window = name_of_window(run, number);
    connection one(run, number);
    co_await one.arrive();
    auto const join = R"({"op":"open","window":")" + window + "\",\"size\":1}\n";
    co_await one.send(join);
    auto reply = co_await one.read_line();
    if (!reply.starts_with(R"({"window":{"name":")" + window))
        throw failure("not joined: " + std::string(reply));
    for (auto next = number * values_a_writer + 1; !run.over(); next += values_a_request) {
        std::string values = "[" + std::to_string(next);
        for (std::uint64_t i = 1; i < values_a_request; ++i)
            values += ',' + std::to_string(next + i);
        values += "]";
        auto const began = clock::now();
        auto const line = values + '\n';
        co_await one.send(line);
        reply = co_await one.read_line();
        run.results().single.add(clock::now() - began);
        if (reply != values)
            throw failure("the reply is " + std::string(reply) + " in place of " + values);
        run.results().count("values_checked", values_a_request);
        co_await run.pause(milliseconds(2000));
    }
}

awaitable<void> follower(world& run, std::uint64_t number)
{
    auto const window = name_of_window(run, number);
    connection one(run, number);
    co_await one.arrive();
    co_await subscribe(one, window);
    co_await follow(run, one);
}

awaitable<void> follower_that_stops(world& run, std::uint64_t number)
{
    auto const window = name_of_window(run, number);
    connection one(run, route::tcp, number); // the buffers of a Unix socket cannot be made as small
    co_await one.arrive(true);
    co_await subscribe(one, window);
    auto const stops_for = std::chrono::duration<double>(run.chosen().seconds / 2);
    co_await run.pause(std::chrono::duration_cast<clock::duration>(stops_for));
    co_await follow(run, one);
}

} // namespace windowd::load
