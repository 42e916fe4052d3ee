// Windows that several clients use at once, from outside.
#include "acceptance/client.hpp"
#include "acceptance/daemon_process.hpp"
#include "support/followed_events.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <future>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace windowd::test;

finished shell(std::string const& command)
{
    return run_to_end({"/bin/sh", "-c", command});
}

std::string send_line(std::string const& window, int value)
{
    return "{\"op\":\"send\",\"window\":\"" + window + "\",\"value\":" + std::to_string(value) + "}\n";
}

/// What a window with the statistics count and sum yields.
struct tally {
    std::size_t count = 0;
    double sum = 0;

    auto operator<=>(tally const&) const = default;
};

tally tally_of(boost::json::value const& yield)
{
    return {yield.at("count").to_number<std::size_t>(), yield.at("sum").to_number<double>()};
}

/// What a writer sent, in order, and what each value yielded.
using sent_values = std::vector<std::pair<double, tally>>;

constexpr int writers = 16;
constexpr int values_each = 510; // a multiple of 3
constexpr int values_altogether = writers * values_each;
constexpr std::size_t window_size = 100;
constexpr auto open_it = R"({"op":"open","window":"w","size":100,"stats":["count","sum"]})";

int value_of(int writer, int i)
{
    return writer * 1000 + i;
}

/// Bare numbers to the window that the connection has opened, many at a time.
sent_values write_numbers(std::string const& address, int writer)
{
    constexpr int at_a_time = 30;
    sent_values sent;
    client one(address);
    one.ask(open_it);
    for (int i = 0; i < values_each; i += at_a_time) {
        std::string lines;
        for (int j = i; j < i + at_a_time; ++j)
            lines += std::to_string(value_of(writer, j)) + "\n";
        one.send(lines);
        for (int j = i; j < i + at_a_time; ++j)
            sent.emplace_back(value_of(writer, j), tally_of(parsed(one.read_line())));
    }
    return sent;
}

/// Arrays of three.
sent_values write_arrays(std::string const& address, int writer)
{
    sent_values sent;
    client one(address);
    one.ask(open_it);
    for (int i = 0; i < values_each; i += 3) {
        std::string line;
        for (int j = i; j < i + 3; ++j)
            line += (j == i ? "[" : ",") + std::to_string(value_of(writer, j));
        auto const reply = parsed(one.ask(line + "]"));
        for (int j = 0; j < 3; ++j)
            sent.emplace_back(value_of(writer, i + j),
                              tally_of(reply.as_array().at(static_cast<std::size_t>(j))));
    }
    return sent;
}

/// Requests that name the window, and numbers for the connection's own in between. Throws where that is disturbed.
sent_values write_by_name(std::string const& address, int writer)
{
    sent_values sent;
    client one(address);
    auto const own = std::to_string(writer);
    for (int i = 0; i < values_each; ++i) {
        one.send(send_line("w", value_of(writer, i)) + own + "\n");
        sent.emplace_back(value_of(writer, i), tally_of(parsed(one.read_line()).at("yield")));
        if (one.read_line() != own)
            throw test_failure("the window of one's own is disturbed");
    }
    return sent;
}

/// What one client sees of the window while others write.
struct snapshots {
    std::vector<std::vector<double>> dumps;
    std::vector<tally> reads;
};

snapshots look_at_it(std::string const& address)
{
    constexpr int times = 200;
    snapshots seen;
    client one(address);
    for (int i = 0; i < times; ++i) {
        auto const reply = parsed(one.ask(R"({"op":"dump","window":"w"})"));
        auto& dump = seen.dumps.emplace_back();
        for (auto const& value : reply.at("dump").as_array())
            dump.push_back(value.to_number<double>());
        auto const read = parsed(one.ask(R"({"op":"read","window":"w"})")).at("yield");
        if (read.is_object())
            seen.reads.push_back(tally_of(read));
    }
    return seen;
}

/// The values in the order in which the window took them, and what it yielded each time.
struct history {
    std::vector<double> values;
    std::vector<tally> yields;
};

/// Reads the events of all values.
history follow_to_the_end(client& follower)
{
    history all;
    followed_events events;
    while (all.values.size() != values_altogether) {
        auto const line = follower.read_line();
        events.take(line);
        auto const event = parsed(line);
        if (event.at("event") == "yield") {
            all.values.push_back(event.at("value").to_number<double>());
            all.yields.push_back(tally_of(event.at("yield")));
        }
    }
    BOOST_TEST(events.in_order());
    BOOST_TEST(events.lost() == 0U);
    BOOST_TEST(events.next_n() == values_altogether + 1U);
    return all;
}

/// What the window has to have yielded after each value.
std::vector<tally> expected_yields(std::vector<double> const& values)
{
    std::vector<tally> yields;
    double sum = 0; // of integers: exact
    for (std::size_t i = 0; i < values.size(); ++i) {
        sum += values[i] - (i >= window_size ? values[i - window_size] : 0);
        yields.push_back({std::min(i + 1, window_size), sum});
    }
    return yields;
}

void check_snapshots(snapshots const& seen, history const& all)
{
    std::map<double, std::size_t> place;
    for (std::size_t i = 0; i < all.values.size(); ++i)
        place[all.values[i]] = i;
    std::size_t newest = 0;
    for (auto const& dump : seen.dumps) {
        if (dump.empty())
            continue;
        auto const end = place.at(dump.back()) + 1;
        BOOST_TEST(end >= newest); // time does not go back
        newest = end;
        BOOST_REQUIRE(dump.size() == std::min(end, window_size));
        BOOST_TEST(
            std::equal(dump.begin(), dump.end(), all.values.begin() + static_cast<long>(end - dump.size())));
    }
    for (auto const& one : seen.reads)
        BOOST_TEST((std::ranges::find(all.yields, one) != all.yields.end()));
}

/// That a writer's values were taken once each, in its order, and yielded to it what the window says.
void check_writer(sent_values const& sent, history const& all)
{
    std::size_t at = 0;
    for (auto const& [value, yield] : sent) {
        auto const found = std::find(all.values.begin() + static_cast<long>(at), all.values.end(), value);
        BOOST_REQUIRE((found != all.values.end()));
        at = static_cast<std::size_t>(found - all.values.begin());
        BOOST_TEST((all.yields[at] == yield));
        ++at;
    }
}

void check_arrays_are_whole(sent_values const& sent, history const& all)
{
    for (std::size_t i = 0; i < sent.size(); i += 3) {
        auto const first = std::ranges::find(all.values, sent[i].first) - all.values.begin();
        auto const at = static_cast<std::size_t>(first);
        BOOST_REQUIRE(at + 2 < all.values.size());
        BOOST_TEST(all.values[at + 1] == sent[i + 1].first);
        BOOST_TEST(all.values[at + 2] == sent[i + 2].first);
    }
}

} // namespace

BOOST_AUTO_TEST_SUITE(shared_windows)

BOOST_AUTO_TEST_CASE(many_connections_on_one_window_take_each_value_once_and_see_one_history)
{
    daemon_process daemon({"--max-event-buffer=64MiB"});
    client follower(daemon.address());
    BOOST_TEST(code_of(follower.ask(R"({"op":"subscribe","window":"w"})")).empty());
    client first(daemon.address());
    BOOST_TEST(parsed(first.ask(open_it)).at("created").as_bool());

    constexpr std::array ways{write_numbers, write_arrays, write_by_name};
    std::vector<std::future<sent_values>> writing;
    for (int i = 0; i < writers; ++i)
        writing.push_back(std::async(std::launch::async, ways[static_cast<std::size_t>(i) % ways.size()],
                                     daemon.address(), i));
    auto looking = std::async(std::launch::async, look_at_it, daemon.address());
    auto const all = follow_to_the_end(follower);
    BOOST_TEST((all.yields == expected_yields(all.values)));
    BOOST_TEST(all.values.size() == values_altogether);
    for (std::size_t i = 0; i < writing.size(); ++i) {
        auto const sent = writing[i].get();
        BOOST_TEST(sent.size() == values_each);
        check_writer(sent, all);
        if (ways[i % ways.size()] == write_arrays)
            check_arrays_are_whole(sent, all);
    }
    check_snapshots(looking.get(), all);

    auto const now = parsed(first.ask(R"({"op":"read"})")).at("yield");
    BOOST_TEST((tally_of(now) == all.yields.back()));
    BOOST_TEST(first.info("counters", "values") ==
               static_cast<std::size_t>(values_altogether) + values_each * (writers / ways.size()));
    daemon.stop();
}

BOOST_AUTO_TEST_CASE(one_line_scripts_share_a_window_without_a_state_of_their_own)
{
    daemon_process daemon;
    auto const cpu = [&](char const* value) {
        auto const printed =
            shell("echo '{\"op\":\"send\",\"window\":\"cpu\",\"value\":" + std::string(value) +
                  "}' | nc -N 127.0.0.1 " + daemon.port());
        BOOST_TEST(printed.end.status == 0);
        return printed.output;
    };
    BOOST_TEST(cpu("0.7") == "{\"yield\":0.7}\n");
    BOOST_TEST(cpu("0.5") == "{\"yield\":0.6}\n");
    BOOST_TEST(cpu("0.6") == "{\"yield\":0.6}\n");
    auto const printed = shell(R"(echo '{"op":"dump","window":"cpu"}' | nc -N 127.0.0.1 )" + daemon.port());
    BOOST_TEST(printed.output == "{\"yield\":3,\"dump\":[0.7,0.5,0.6]}\n");
}

BOOST_AUTO_TEST_CASE(a_window_made_by_the_first_send_is_one_for_all_who_send)
{
    constexpr int count = 8;
    daemon_process daemon;
    client follower(daemon.address());
    BOOST_TEST(follower.ask(R"({"op":"subscribe","window":"new:*"})") ==
               R"({"subscribed":"new:*","windows":0})");
    for (int round = 0; round < 20; ++round) {
        auto const name = "new:" + std::to_string(round);
        std::vector<client> senders;
        for (int i = 0; i < count; ++i)
            senders.emplace_back(daemon.address());
        for (auto& one : senders)
            one.send(send_line(name, 1));
        for (auto& one : senders)
            BOOST_TEST(one.read_line() == R"({"yield":1})");
        followed_events events;
        for (auto const& line : follower.read_lines(count + 1))
            BOOST_TEST(events.take(line));
        BOOST_TEST(events.in_order());
        BOOST_TEST(events.values() == std::vector<double>(count, 1));
    }
}

BOOST_AUTO_TEST_CASE(closing_a_window_closes_it_for_everyone)
{
    daemon_process daemon;
    client owner(daemon.address());
    client joined(daemon.address());
    client by_name(daemon.address());
    client follower(daemon.address());
    BOOST_TEST(
        owner.ask(R"({"op":"open","window":"w","size":2})") ==
        R"({"window":{"name":"w","size":2,"stats":["mean"],"count":0,"min_count":1,"n":0},"created":true})");
    BOOST_TEST(
        joined.ask(R"({"op":"open","window":"w"})") ==
        R"({"window":{"name":"w","size":2,"stats":["mean"],"count":0,"min_count":1,"n":0},"created":false})");
    BOOST_TEST(follower.ask(R"({"op":"subscribe","window":"w"})") == R"({"subscribed":"w","windows":1})");
    BOOST_TEST(owner.ask("5") == "5");
    BOOST_TEST(joined.ask("7") == "6");
    BOOST_TEST(by_name.ask(R"({"op":"close","window":"w"})") == R"({"closed":true})");
    BOOST_TEST(follower.read_line() == R"({"event":"yield","window":"w","n":1,"value":5,"yield":5})");
    BOOST_TEST(follower.read_line() == R"({"event":"yield","window":"w","n":2,"value":7,"yield":6})");
    BOOST_TEST(follower.read_line() == R"({"event":"close","window":"w","n":3})");
    BOOST_TEST(code_of(owner.ask("9")) == "closed");
    BOOST_TEST(code_of(joined.ask(R"({"op":"dump"})")) == "closed");
    BOOST_TEST(code_of(by_name.ask(R"({"op":"dump","window":"w"})")) == "no_such_window");

    // The name is free again, and who had the old one open does not get into the new one.
    BOOST_TEST(by_name.ask(R"({"op":"send","window":"w","value":1})") == R"({"yield":1})");
    BOOST_TEST(code_of(owner.ask("9")) == "closed");
    BOOST_TEST(
        joined.ask(R"({"op":"open","window":"w"})") ==
        R"({"window":{"name":"w","size":3,"stats":["mean"],"count":1,"min_count":1,"n":1},"created":false})");
    BOOST_TEST(joined.ask("3") == "2");
}

BOOST_AUTO_TEST_CASE(a_window_outlives_its_connections_and_not_the_daemon)
{
    daemon_process daemon({"--log-level=trace"});
    for (int i = 1; i <= 3; ++i) {
        client one(daemon.address());
        BOOST_TEST(parsed(one.ask(R"({"op":"open","window":"w","stats":["count"]})")).at("created") ==
                   boost::json::value(i == 1));
        BOOST_TEST(one.ask("5") == std::to_string(i));
    }
    daemon.stop();
}

BOOST_AUTO_TEST_CASE(a_value_leaves_a_window_of_time_by_itself)
{
    using namespace std::chrono_literals;
    daemon_process daemon;
    client one(daemon.address());
    BOOST_TEST(code_of(one.ask(R"({"op":"open","window":"w","span":0.05,"stats":["count","sum"]})")).empty());
    for (int i = 1; i <= 3; ++i) {
        auto const before = wait_clock::now();
        BOOST_TEST(tally_of(parsed(one.ask("5"))).count >= 1U);
        BOOST_TEST(eventually([&] { return one.ask(R"({"op":"read"})") == R"({"yield":null})"; }));
        BOOST_TEST((wait_clock::now() - before >= 50ms));
        BOOST_TEST(one.ask(R"({"op":"dump","window":"w"})") == R"({"yield":0,"dump":[]})");
    }
}

BOOST_AUTO_TEST_CASE(a_window_of_times_that_came_with_the_values_stands_still)
{
    daemon_process daemon;
    client one(daemon.address());
    BOOST_TEST(code_of(one.ask(R"({"op":"open","window":"w","span":30,"stats":["sum"]})")).empty());
    BOOST_TEST(one.ask(R"({"op":"send","values":[5,7],"at":1000})") == R"({"yield":[5,12]})");
    BOOST_TEST(one.ask(R"({"op":"send","value":1,"at":1029.9})") == R"({"yield":13})");
    BOOST_TEST(one.ask(R"({"op":"read"})") == R"({"yield":13})");
    BOOST_TEST(code_of(one.ask(R"({"op":"send","value":1,"at":1029})")) == "out_of_order");
    BOOST_TEST(one.ask(R"({"op":"send","value":2,"at":1030})") == R"({"yield":3})");
    BOOST_TEST(one.ask("4") == "4"); // now, and 1970 is long ago
}

BOOST_AUTO_TEST_SUITE_END()
