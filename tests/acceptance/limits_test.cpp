// Limits: each is an option, is told by info, and holds.
#include "acceptance/client.hpp"
#include "acceptance/daemon_process.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

namespace {

using namespace windowd::test;

constexpr std::size_t mebibyte = std::size_t{1} << 20;

} // namespace

BOOST_AUTO_TEST_SUITE(limits)

BOOST_AUTO_TEST_CASE(info_tells_the_limits_in_force)
{
    daemon_process daemon({"--max-connections=7", "--max-connections-per-peer=6",
                           "--max-refused-per-peer=100", "--max-line=2KiB", "--max-window-size=50",
                           "--max-windows=5", "--window-idle-expiry=2h", "--max-event-buffer=8KiB",
                           "--idle-timeout=90s", "--write-timeout=1500ms"});
    client one(daemon.address());
    auto const told = parsed(one.ask(R"({"op":"info"})"));
    BOOST_TEST(told.at("limits") == parsed(R"({"max_connections":7,"max_connections_per_peer":6,
                                              "max_refused_per_peer":100,"max_line":2048,"max_window_size":50,
                                              "max_windows":5,"max_readings":1048576,"max_patterns":1000,
                                              "max_subscriptions":64,"max_event_buffer":8192,
                                              "window_idle_expiry":7200,"idle_timeout":90,
                                              "write_timeout":1.5})"));
}

BOOST_AUTO_TEST_CASE(one_connection_too_many_gets_one_line_and_is_closed)
{
    daemon_process daemon({"--max-connections=2"});
    client first(daemon.address());
    client second(daemon.address());
    BOOST_TEST(first.ask("1") == "1");
    BOOST_TEST(second.ask("1") == "1");
    client third(daemon.address());
    auto const told = lines_of(third.read_to_end());
    BOOST_REQUIRE(told.size() == 1U);
    BOOST_TEST(code_of(told[0]) == "limit_reached");
    BOOST_TEST(first.ask("3") == "2");
    BOOST_TEST(first.info("counters", "turned_away") == 1U);
}

BOOST_AUTO_TEST_CASE(one_connection_too_many_that_has_already_sent_much_gets_its_line)
{
    daemon_process daemon({"--max-connections=1"});
    client first(daemon.address());
    BOOST_TEST(first.ask("1") == "1");
    client second(daemon.address());
    second.send_without_reading(numbers(100'000), std::chrono::milliseconds(0));
    BOOST_TEST(code_of(second.read_line()) == "limit_reached");
}

BOOST_AUTO_TEST_CASE(every_one_of_many_connections_too_many_gets_its_line)
{
    daemon_process daemon({"--max-connections=1"});
    client first(daemon.address());
    BOOST_TEST(first.ask("1") == "1");
    std::vector<client> more;
    for (int i = 0; i < 200; ++i)
        more.emplace_back(daemon.address());
    for (auto& one : more)
        BOOST_TEST(code_of(one.read_line()) == "limit_reached");
}

BOOST_AUTO_TEST_CASE(the_place_of_a_connection_that_has_ended_is_free_again)
{
    daemon_process daemon({"--max-connections=1"});
    for (int i = 0; i < 20; ++i) {
        std::string reply;
        BOOST_TEST(eventually([&] {
            client one(daemon.address());
            reply = one.ask("5"); // the server may not have seen yet that the one before is gone
            return reply == "5";
        }));
    }
}

BOOST_AUTO_TEST_CASE(a_line_of_exactly_the_limit_is_answered_and_one_byte_more_is_refused)
{
    daemon_process daemon({"--max-line=64"});
    client one(daemon.address());
    BOOST_TEST(one.ask("5" + std::string(63, ' ')) == "5");
    BOOST_TEST(one.ask("5" + std::string(63, ' ') + "\r") == "5");
    BOOST_TEST(code_of(one.ask("5" + std::string(64, ' '))) == "line_too_long");
    BOOST_TEST(code_of(one.ask(std::string(64, '0') + ".5")) == "line_too_long");
    BOOST_TEST(one.ask(R"({"op":"dump"})") == R"({"yield":2,"dump":[5,5]})");
}

BOOST_AUTO_TEST_CASE(the_default_line_limit_is_a_mebibyte)
{
    daemon_process daemon;
    client one(daemon.address());
    BOOST_TEST(one.ask("5" + std::string(mebibyte - 1, ' ')) == "5");
    BOOST_TEST(code_of(one.ask("5" + std::string(mebibyte, ' '))) == "line_too_long");
    BOOST_TEST(one.ask("7") == "6");
}

BOOST_AUTO_TEST_CASE(a_window_larger_than_the_limit_is_refused)
{
    daemon_process daemon({"--max-window-size=5"});
    client one(daemon.address());
    BOOST_TEST(one.ask("5") == "5");
    BOOST_TEST(code_of(one.ask(R"({"op":"open","size":6})")) == "bad_member");
    BOOST_TEST(one.ask("7") == "6");
    BOOST_TEST(code_of(one.ask(R"({"op":"open","size":5})")).empty());
}

BOOST_AUTO_TEST_CASE(one_shared_window_too_many_is_not_made)
{
    daemon_process daemon({"--max-windows=2"});
    client one(daemon.address());
    BOOST_TEST(code_of(one.ask(R"({"op":"open","window":"a"})")).empty());
    BOOST_TEST(code_of(one.ask(R"({"op":"send","window":"b","value":1})")).empty());
    BOOST_TEST(code_of(one.ask(R"({"op":"open","window":"c"})")) == "limit_reached");
    BOOST_TEST(code_of(one.ask(R"({"op":"send","window":"c","value":1})")) == "limit_reached");
    BOOST_TEST(one.ask("3") == "3"); // its own is still the one before
    BOOST_TEST(one.info("counters", "windows") == 2U);
    BOOST_TEST(code_of(one.ask(R"({"op":"open","window":"b"})")).empty());
    BOOST_TEST(one.ask(R"({"op":"close","window":"a"})") == R"({"closed":true})");
    BOOST_TEST(code_of(one.ask(R"({"op":"open","window":"c"})")).empty());
}

BOOST_AUTO_TEST_CASE(a_server_may_have_no_shared_windows_at_all)
{
    daemon_process daemon({"--max-windows=0"});
    client one(daemon.address());
    BOOST_TEST(code_of(one.ask(R"({"op":"open","window":"a"})")) == "limit_reached");
    BOOST_TEST(code_of(one.ask(R"({"op":"send","window":"a","value":1})")) == "limit_reached");
    BOOST_TEST(one.ask("5") == "5");
}

BOOST_AUTO_TEST_CASE(a_shared_window_that_nobody_uses_is_closed_and_one_in_use_is_not)
{
    constexpr auto expiry = std::chrono::milliseconds(300);
    daemon_process daemon({"--window-idle-expiry=300ms"});
    client follower(daemon.address());
    BOOST_TEST(code_of(follower.ask(R"({"op":"subscribe","window":"unused"})")).empty());
    client one(daemon.address());
    BOOST_TEST(code_of(one.ask(R"({"op":"open","window":"used"})")).empty());
    client other(daemon.address());
    auto const made = wait_clock::now();
    BOOST_TEST(code_of(other.ask(R"({"op":"open","window":"unused"})")).empty());
    auto used = made;
    BOOST_TEST(eventually([&] {
        auto const before = wait_clock::now();
        auto const is_open = one.ask("5") == "5";
        if (!is_open && wait_clock::now() - used < expiry) // this test may have had no processor for so long
            throw test_failure("a window in use was closed");
        used = before;
        return one.info("counters", "windows") <= 1;
    }));
    BOOST_TEST((wait_clock::now() - made >= expiry));
    BOOST_TEST(follower.read_line() == R"({"event":"open","window":"unused","n":0})");
    BOOST_TEST(follower.read_line() == R"({"event":"close","window":"unused","n":1})");
    BOOST_TEST(code_of(other.ask("5")) == "closed");
    BOOST_TEST(code_of(other.ask(R"({"op":"dump","window":"unused"})")) == "no_such_window");
}

BOOST_AUTO_TEST_CASE(the_events_that_are_kept_for_a_subscriber_are_as_many_as_the_limit_lets_be)
{
    // One array is one step: in its thread nobody can take an event before there are all.
    auto const events_of = [](std::string const& limit) {
        daemon_process daemon({"--threads=1", "--max-event-buffer=" + limit});
        client follower(daemon.address());
        BOOST_TEST(code_of(follower.ask(R"({"op":"subscribe","window":"w"})")).empty());
        client writer(daemon.address());
        std::string values = "[1";
        for (int i = 1; i < 1000; ++i)
            values += ",1";
        writer.send(R"({"op":"send","window":"w","values":)" + values + "]}\n");
        std::size_t received = 0;
        while (follower.read_line().find("\"n\":1000,") == std::string::npos)
            ++received;
        return received;
    };
    BOOST_TEST(events_of("4096") < 4096U / 50);
    BOOST_TEST(events_of("1MiB") == 1000U); // with the open event, without the last
}

BOOST_AUTO_TEST_CASE(a_batch_of_20000_values_loses_nothing_for_a_subscriber_that_reads)
{
    constexpr std::size_t count = 20'000;
    daemon_process daemon;
    client follower(daemon.address());
    BOOST_TEST(code_of(follower.ask(R"({"op":"subscribe","window":"w"})")).empty());
    client writer(daemon.address());
    std::string values = "[0.1234567890123456";
    for (std::size_t i = 1; i < count; ++i)
        values += ",0.1234567890123456" + std::to_string(i % 10);
    writer.send(R"({"op":"send","window":"w","values":)" + values + "]}\n");
    BOOST_TEST(follower.read_line() == R"({"event":"open","window":"w","n":0})");
    std::size_t in_order = 0;
    for (std::size_t n = 1; n <= count; ++n)
        in_order +=
            follower.read_line().find("\"n\":" + std::to_string(n) + ",") != std::string::npos ? 1 : 0;
    BOOST_TEST(in_order == count);
    BOOST_TEST(follower.info("counters", "events_lost") == 0U);
}

BOOST_AUTO_TEST_CASE(different_patterns_with_a_star_are_limited_in_all_and_names_are_not)
{
    constexpr int connections = 16;
    constexpr int each = 64; // of max_subscriptions
    constexpr int most = 1000;
    daemon_process daemon;
    std::vector<client> followers;
    auto const follow = [](client& one, std::string const& pattern) {
        return code_of(one.ask(R"({"op":"subscribe","window":")" + pattern + "\"}"));
    };
    int refused = 0;
    for (int i = 0; i < connections; ++i) {
        auto& one = followers.emplace_back(daemon.address());
        for (int j = 0; j < each && refused == 0; ++j)
            refused += follow(one, std::to_string(i * each + j) + "/*").empty() ? 0 : 1;
    }
    BOOST_TEST(refused == 1);
    BOOST_TEST(followers[0].info("counters", "subscriptions") == std::size_t{most});
    auto& last = followers.back();
    BOOST_TEST(follow(last, "more/*") == "limit_reached");
    BOOST_TEST(follow(last, "0/*") == ""); // which another follows already
    BOOST_TEST(follow(last, "more") == "");
    BOOST_TEST(followers[0].ask(R"({"op":"unsubscribe","window":"1/*"})") == R"({"unsubscribed":"1/*"})");
    BOOST_TEST(follow(last, "more/*") == "");
}

BOOST_AUTO_TEST_CASE(a_client_that_sends_nothing_is_closed_after_the_idle_timeout)
{
    daemon_process daemon({"--idle-timeout=50ms", "--log-level=debug"});
    client silent(daemon.address());
    BOOST_TEST(silent.read_to_end() == "");
    client spoke(daemon.address());
    BOOST_TEST(spoke.ask("5") == "5");
    BOOST_TEST(spoke.read_to_end() == "");
    daemon.wait_for_error_text("ended: idle timeout; 2 bytes in, 2 out");
}

BOOST_AUTO_TEST_CASE(a_client_that_reads_nothing_is_closed_after_the_write_timeout_without_a_busy_wait)
{
    daemon_process daemon({"--write-timeout=1s", "--log-level=debug"});
    client deaf(daemon.address(), 4096);
    client other(daemon.address());
    BOOST_TEST(other.ask("5") == "5");
    ask_for_a_flood(deaf);
    BOOST_TEST(eventually(
        [&] { return other.info("counters", "values") > 1'000 || other.info("counters", "requests") > 2; }));
    auto const before = daemon.processor_time();
    auto const at = daemon.wait_for_error_text("ended: write timeout");
    BOOST_TEST(at != std::string::npos);
    BOOST_TEST((daemon.processor_time() - before).count() < 700);
    BOOST_TEST(other.ask("7") == "6");
}

BOOST_AUTO_TEST_CASE(a_client_that_reads_nothing_of_a_unix_socket_is_closed_too)
{
    temporary_folder const folder;
    daemon_process daemon(
        {"--listen=unix://" + (folder.path() / "s").string(), "--write-timeout=50ms", "--log-level=debug"});
    client deaf(daemon.address());
    ask_for_a_flood(deaf);
    daemon.wait_for_error_text("ended: write timeout");
}

BOOST_AUTO_TEST_SUITE_END()
