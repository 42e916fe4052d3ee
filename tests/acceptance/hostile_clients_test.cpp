// Clients that do not read, vanish, reset, or come in numbers: the daemon keeps its memory and its
// descriptors, and serves the others.
#include "acceptance/client.hpp"
#include "acceptance/daemon_process.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <deque>
#include <functional>
#include <string>
#include <vector>

namespace {

using namespace windowd::test;

// What buffers of the daemon may add: a batch of input, a reply of some megabytes, and the allocator's
// habits.
constexpr std::size_t room = std::size_t{32} << 20;

/// Opens a window of 200,000 values, whose dump is more than a megabyte.
void fill_large_window(client& one)
{
    constexpr int rounds = 20;
    std::string values = "[123456";
    for (int i = 1; i < 10'000; ++i)
        values += ",123456";
    values += "]";
    BOOST_TEST(code_of(one.ask(R"({"op":"open","size":200000})")).empty());
    for (int i = 0; i < rounds; ++i)
        BOOST_TEST(one.ask(values).size() > 1000U);
}

std::string repeated(std::string_view text, int times)
{
    std::string all;
    for (int i = 0; i < times; ++i)
        all += text;
    return all;
}

bool only_one_is_left(client& watcher)
{
    return eventually([&] { return watcher.info("counters", "connections") == 1U; });
}

std::size_t count_of(std::string const& text, std::string_view part)
{
    std::size_t count = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
        ++count;
    return count;
}

} // namespace

BOOST_AUTO_TEST_SUITE(hostile_clients)

BOOST_AUTO_TEST_CASE(one_that_never_reads_costs_bounded_memory_and_delays_nobody)
{
    daemon_process daemon;
    client deaf(daemon.address(), 4096);
    client other(daemon.address());
    fill_large_window(deaf);
    auto const before = daemon.peak_memory();
    deaf.send(repeated("{\"op\":\"dump\"}\n", 2000));
    for (int i = 1; i <= 100; ++i)
        BOOST_TEST(other.ask("4") == "4");
    BOOST_TEST(daemon.peak_memory() < before + room);
    deaf.close();
    BOOST_TEST(only_one_is_left(other));
}

BOOST_AUTO_TEST_CASE(one_that_sends_and_never_reads_is_not_read_either)
{
    daemon_process daemon;
    client deaf(daemon.address(), 4096);
    client other(daemon.address());
    BOOST_TEST(other.ask("4") == "4");
    auto const before = daemon.peak_memory();
    // The longest replies for the shortest requests. Some megabytes fit into the sockets' buffers.
    auto const requests = repeated("{\"op\":\"help\"}\n", 2'000'000);
    auto const taken = deaf.send_without_reading(requests, std::chrono::milliseconds(300));
    BOOST_TEST(taken < requests.size());
    BOOST_TEST(daemon.peak_memory() < before + room);
    BOOST_TEST(other.ask("4") == "4");
}

BOOST_AUTO_TEST_CASE(a_long_dump_is_answered_while_others_are_served_and_is_one_snapshot)
{
    daemon_process daemon;
    client one(daemon.address());
    client other(daemon.address());
    fill_large_window(one);
    one.send("{\"op\":\"dump\"}\n1\n{\"op\":\"dump\",\"id\":2}\n");
    BOOST_TEST(other.ask("4") == "4");
    auto const dumped = one.read_line();
    BOOST_TEST(count_of(dumped, "123456") == 200'000U);
    BOOST_TEST(one.read_line() == "123455.382725");
    BOOST_TEST(parsed(one.read_line()).at("dump").as_array().back() == 1);
}

BOOST_AUTO_TEST_CASE(resets_at_every_stage_leave_nothing_behind)
{
    daemon_process daemon;
    client watcher(daemon.address());
    BOOST_TEST(watcher.ask("4") == "4");
    auto const descriptors = daemon.descriptors();
    std::array<std::function<void(client&)>, 7> const stages{
        [](client&) {},
        [](client& one) { one.send("12"); },
        [](client& one) { one.send("{\"op\":\"du"); },
        [](client& one) { one.send("12\n"); },
        [](client& one) { BOOST_TEST(one.ask("12") == "12"); },
        [](client& one) {
            one.send("5\n");
            one.half_close();
        },
        [](client& one) { one.send_without_reading(numbers(20'000), std::chrono::milliseconds(0)); },
    };
    for (auto const& stage : stages) {
        for (int i = 0; i < 10; ++i) {
            client one(daemon.address(), 4096);
            stage(one);
            one.reset();
        }
        BOOST_TEST(only_one_is_left(watcher));
    }
    BOOST_TEST(daemon.returns_to_descriptors(descriptors));
    BOOST_TEST(watcher.ask("6") == "5");
    daemon.stop();
}

BOOST_AUTO_TEST_CASE(a_reset_while_a_dump_is_being_written_ends_that_connection_alone)
{
    daemon_process daemon;
    client watcher(daemon.address());
    BOOST_TEST(watcher.ask("4") == "4");
    auto const descriptors = daemon.descriptors();
    for (int i = 0; i < 3; ++i) {
        client one(daemon.address(), 4096);
        fill_large_window(one);
        one.send("{\"op\":\"dump\"}\n{\"op\":\"dump\"}\n{\"op\":\"dump\"}\n{\"op\":\"dump\"}\n");
        one.reset();
    }
    BOOST_TEST(only_one_is_left(watcher));
    BOOST_TEST(daemon.returns_to_descriptors(descriptors));
    daemon.stop();
}

BOOST_AUTO_TEST_CASE(connections_that_come_and_go_leave_nothing_behind)
{
    daemon_process daemon;
    client watcher(daemon.address());
    BOOST_TEST(watcher.ask("4") == "4");
    auto const descriptors = daemon.descriptors();
    for (int i = 0; i < 300; ++i) {
        client one(daemon.address());
        BOOST_TEST(one.ask("5") == "5");
    }
    BOOST_TEST(only_one_is_left(watcher));
    BOOST_TEST(watcher.info("counters", "accepted") == 301U);
    BOOST_TEST(daemon.returns_to_descriptors(descriptors));
}

BOOST_AUTO_TEST_CASE(many_connections_at_once_are_all_served)
{
    constexpr int count = 400;
    daemon_process daemon;
    std::vector<client> many;
    for (int i = 0; i < count; ++i) {
        many.emplace_back(daemon.address());
        many.back().send(std::to_string(i) + "\n");
    }
    for (int i = 0; i < count; ++i)
        BOOST_TEST(many[static_cast<std::size_t>(i)].read_line() == std::to_string(i));
    daemon.stop();
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(without_descriptors)

BOOST_AUTO_TEST_CASE(the_daemon_waits_for_descriptors_and_goes_on_when_some_are_free)
{
    constexpr std::size_t count = 80;
    daemon_process daemon(daemon_process::command_line{daemon_process::limited(48)});
    std::deque<client> clients;
    for (std::size_t i = 0; i < count; ++i)
        clients.emplace_back(daemon.address());
    auto const failed = daemon.wait_for_error_text("cannot accept on " + daemon.address());
    auto const served = clients.front().info("counters", "connections");
    BOOST_REQUIRE(served < count);

    while (clients.size() > served)
        clients.pop_front();
    for (auto& one : clients)
        BOOST_TEST(one.ask("5") == "5");
    auto const recovered = daemon.wait_for_error_text("accepting on " + daemon.address() + " again");
    auto const between = daemon.error_text().substr(failed, recovered - failed);
    BOOST_TEST(count_of(between, "cannot accept") == 1U);
    daemon.stop();
}

BOOST_AUTO_TEST_CASE(waiting_for_descriptors_is_no_busy_wait)
{
    constexpr std::size_t count = 80;
    daemon_process daemon(daemon_process::command_line{daemon_process::limited(48, {"--idle-timeout=1s"})});
    std::vector<client> clients;
    for (std::size_t i = 0; i < count; ++i)
        clients.emplace_back(daemon.address());
    daemon.wait_for_error_text("cannot accept on " + daemon.address());
    auto const before = daemon.processor_time();
    daemon.wait_for_error_text("again"); // when the idle ones have been closed
    BOOST_TEST((daemon.processor_time() - before).count() < 500);
    BOOST_TEST(clients.back().read_to_end() == "");
}

BOOST_AUTO_TEST_CASE(a_daemon_that_waits_for_descriptors_stops_when_told)
{
    daemon_process daemon(daemon_process::command_line{daemon_process::limited(48)});
    std::vector<client> clients;
    for (int i = 0; i < 80; ++i)
        clients.emplace_back(daemon.address());
    daemon.wait_for_error_text("cannot accept on " + daemon.address());
    daemon.stop();
}

BOOST_AUTO_TEST_CASE(fewer_descriptors_than_connections_allowed_are_told_at_the_start)
{
    daemon_process daemon(daemon_process::command_line{daemon_process::limited(48)});
    daemon.wait_for_error_text("this process may open 48 files only");
}

BOOST_AUTO_TEST_SUITE_END()
