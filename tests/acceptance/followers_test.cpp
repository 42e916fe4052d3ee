// Clients that follow windows, from outside: those that read, those that do not, and a thousand at once.
#include "acceptance/client.hpp"
#include "acceptance/daemon_process.hpp"
#include "support/followed_events.hpp"

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <future>
#include <string>
#include <vector>

#include <signal.h>
#include <sys/resource.h>

namespace {

using namespace windowd::test;

constexpr auto subscribe = R"({"op":"subscribe","window":"w"})";

/// A connection whose own window is the one that is followed.
client writer_of_window(daemon_process& daemon)
{
    client writer(daemon.address());
    BOOST_TEST(code_of(writer.ask(R"({"op":"open","window":"w","size":1})")).empty());
    return writer;
}

void follow(client& one)
{
    BOOST_TEST(code_of(one.ask(subscribe)).empty());
}

/// Reads events until that of the n-th change.
void read_events(client& follower, followed_events& events, std::uint64_t last)
{
    while (events.next_n() <= last)
        if (auto const line = follower.read_line(); !events.take(line))
            throw test_failure("this is no event: " + line);
}

/// Numbers, and the replies to them, whatever others do.
bool writes_at_full_speed(client& writer, int times, std::string const& lines, int count)
{
    for (int i = 0; i < times; ++i)
        writer.send(lines);
    for (int i = 0; i < times; ++i)
        for (int j = 1; j <= count; ++j)
            if (writer.read_line() != std::to_string(j))
                return false;
    return true;
}

/// Whether this process may open so many files, or now may.
bool can_open(rlim_t descriptors)
{
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return false;
    if (limit.rlim_cur < descriptors) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    return limit.rlim_cur >= descriptors;
}

} // namespace

BOOST_AUTO_TEST_SUITE(followers)

BOOST_AUTO_TEST_CASE(a_subscriber_that_does_not_read_costs_bounded_memory_and_delays_nobody)
{
    // All events would take three times that.
    constexpr std::size_t room = std::size_t{24} << 20;
    constexpr int times = 500;
    constexpr int lines = 1000;
    constexpr std::uint64_t all = std::uint64_t{times} * lines;
    daemon_process daemon({"--write-timeout=0", "--max-event-buffer=1MiB"});
    auto writer = writer_of_window(daemon);
    client stopped(daemon.address(), 4096);
    client healthy(daemon.address());
    follow(stopped);
    follow(healthy);
    auto const before = daemon.peak_memory();

    auto reading = std::async(std::launch::async, [&healthy] {
        followed_events events(1);
        read_events(healthy, events, all);
        return events;
    });
    BOOST_TEST(writes_at_full_speed(writer, times, numbers(lines), lines));
    auto const told = reading.get();
    BOOST_TEST(told.in_order());
    BOOST_TEST(told.received() + told.lost() == all);
    auto const lost = writer.info("counters", "events_lost");
    BOOST_TEST(daemon.peak_memory() < before + room);

    followed_events told_late(1);
    read_events(stopped, told_late, all);
    BOOST_TEST(told_late.in_order());
    BOOST_TEST(told_late.received() + told_late.lost() == all);
    BOOST_TEST(told_late.lost() > all / 2);
    BOOST_TEST(told_late.values().back() == lines);
    BOOST_TEST(told.lost() + told_late.lost() == lost);

    // Both are in the present again.
    BOOST_TEST(writer.ask("7") == "7");
    auto const newest = R"({"event":"yield","window":"w","n":500001,"value":7,"yield":7})";
    BOOST_TEST(stopped.read_line() == newest);
    BOOST_TEST(healthy.read_line() == newest);
    daemon.stop();
}

BOOST_AUTO_TEST_CASE(a_thousand_subscribers_get_one_value_each)
{
    constexpr std::size_t count = 1000;
    if (!can_open(count + 100)) {
        BOOST_TEST_MESSAGE("the system lets no process open so many files: not tested");
        return;
    }
    daemon_process daemon;
    std::vector<client> subscribers;
    for (std::size_t i = 0; i < count; ++i) {
        subscribers.emplace_back(daemon.address());
        subscribers.back().send(std::string(subscribe) + "\n");
    }
    for (auto& one : subscribers)
        BOOST_TEST(one.read_line() == R"({"subscribed":"w","windows":0})");
    client writer(daemon.address());
    BOOST_TEST(writer.info("counters", "subscriptions") == count);
    BOOST_TEST(writer.ask(R"({"op":"send","window":"w","value":5})") == R"({"yield":5})");
    for (auto& one : subscribers) {
        BOOST_TEST(one.read_line() == R"({"event":"open","window":"w","n":0})");
        BOOST_TEST(one.read_line() == R"({"event":"yield","window":"w","n":1,"value":5,"yield":5})");
    }
    BOOST_TEST(writer.info("counters", "events_lost") == 0U);
    daemon.stop();
}

BOOST_AUTO_TEST_CASE(patterns_and_several_subscriptions_give_each_event_once)
{
    daemon_process daemon;
    client follower(daemon.address());
    for (auto const* const pattern : {"cpu.*", "*.load", "cpu.load"})
        BOOST_TEST(parsed(follower.ask(R"({"op":"subscribe","window":")" + std::string(pattern) + "\"}"))
                       .at("subscribed") == pattern);
    client writer(daemon.address());
    for (auto const* const window : {"cpu.load", "disk", "disk.load", "cpu.temperature"})
        BOOST_TEST(writer.ask(R"({"op":"send","window":")" + std::string(window) + R"(","value":1})") ==
                   R"({"yield":1})");
    std::string events;
    for (auto const* const window : {"cpu.load", "disk.load", "cpu.temperature"}) {
        auto const name = R"("window":")" + std::string(window) + "\"";
        BOOST_TEST(follower.read_line() == R"({"event":"open",)" + name + R"(,"n":0})");
        BOOST_TEST(follower.read_line() == R"({"event":"yield",)" + name + R"(,"n":1,"value":1,"yield":1})");
    }
    BOOST_TEST(follower.ask(R"({"op":"unsubscribe","window":"cpu.*"})") == R"({"unsubscribed":"cpu.*"})");
    BOOST_TEST(writer.ask(R"({"op":"send","window":"cpu.temperature","value":1})") == R"({"yield":1})");
    BOOST_TEST(writer.ask(R"({"op":"clear","window":"cpu.load"})") == R"({"yield":null})");
    BOOST_TEST(follower.read_line() == R"({"event":"clear","window":"cpu.load","n":2})");
}

BOOST_AUTO_TEST_CASE(a_subscriber_that_has_no_more_to_say_gets_what_has_happened_and_the_end)
{
    daemon_process daemon;
    client follower(daemon.address());
    follower.send(std::string(subscribe) + "\n{\"op\":\"send\",\"window\":\"w\",\"value\":5}\n");
    follower.half_close();
    BOOST_TEST(follower.read_to_end() ==
               "{\"subscribed\":\"w\",\"windows\":0}\n{\"yield\":5}\n"
               "{\"event\":\"open\",\"window\":\"w\",\"n\":0}\n"
               "{\"event\":\"yield\",\"window\":\"w\",\"n\":1,\"value\":5,\"yield\":5}\n");
}

BOOST_AUTO_TEST_CASE(subscribers_that_come_and_go_while_a_writer_writes_leave_nothing_behind)
{
    daemon_process daemon;
    auto writer = writer_of_window(daemon);
    auto const descriptors = daemon.descriptors();
    for (int i = 0; i < 100; ++i) {
        client follower(daemon.address(), 4096);
        follow(follower);
        writer.send(numbers(1000));
        if (i % 3 == 0)
            follower.reset();
        else if (i % 3 == 1)
            follower.half_close();
        else
            BOOST_TEST(follower.read_line().starts_with(R"({"event":)"));
    }
    BOOST_TEST(writer.read_lines(100'000).back() == "1000");
    BOOST_TEST(eventually([&] {
        return writer.info("counters", "subscriptions") == 0 && writer.info("counters", "connections") == 1;
    }));
    BOOST_TEST(daemon.returns_to_descriptors(descriptors));
    daemon.stop();
}

BOOST_AUTO_TEST_CASE(sigterm_ends_subscribers_too)
{
    daemon_process daemon({"--shutdown-timeout=1h", "--idle-timeout=0"});
    client writer(daemon.address());
    std::vector<client> subscribers;
    for (int i = 0; i < 20; ++i) {
        subscribers.emplace_back(daemon.address());
        follow(subscribers.back());
    }
    BOOST_TEST(writer.ask(R"({"op":"send","window":"w","value":5})") == R"({"yield":5})");
    daemon.signal(SIGTERM);
    for (auto& one : subscribers)
        BOOST_TEST(one.read_to_end() ==
                   "{\"event\":\"open\",\"window\":\"w\",\"n\":0}\n"
                   "{\"event\":\"yield\",\"window\":\"w\",\"n\":1,\"value\":5,\"yield\":5}\n");
    auto const end = daemon.wait_for_exit();
    BOOST_TEST(end.status == 0);
    BOOST_TEST(daemon.error_text().find("stopped") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_subscriber_that_does_not_read_delays_the_end_for_the_shutdown_timeout_only)
{
    daemon_process daemon({"--shutdown-timeout=200ms", "--write-timeout=0", "--log-level=debug"});
    auto writer = writer_of_window(daemon);
    client stopped(daemon.address(), 4096);
    follow(stopped);
    BOOST_TEST(eventually([&] {
        return writes_at_full_speed(writer, 10, numbers(1000), 1000) &&
               writer.info("counters", "events_lost") > 0;
    }));
    daemon.signal(SIGTERM);
    BOOST_TEST(writer.read_to_end() == "");
    auto const end = daemon.wait_for_exit();
    BOOST_TEST(end.status == 0);
    BOOST_TEST(daemon.error_text().find("ended: shutdown timeout") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_subscriber_that_does_not_read_is_closed_after_the_write_timeout)
{
    daemon_process daemon({"--write-timeout=100ms", "--max-event-buffer=4096", "--log-level=debug"});
    auto writer = writer_of_window(daemon);
    client stopped(daemon.address(), 4096);
    follow(stopped);
    BOOST_TEST(eventually([&] {
        return writes_at_full_speed(writer, 10, numbers(1000), 1000) &&
               writer.info("counters", "subscriptions") == 0;
    }));
    daemon.wait_for_error_text("ended: write timeout");
    BOOST_TEST(writer.info("counters", "events_lost") > 0U);
}

BOOST_AUTO_TEST_SUITE_END()
