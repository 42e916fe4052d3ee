// SIGTERM and SIGINT: what has come is answered, then the daemon ends, within a bound.
#include "acceptance/client.hpp"
#include "acceptance/daemon_process.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

#include <signal.h>

namespace {

using namespace windowd::test;

/// Until the destruction the daemon does not run, so that what comes meanwhile is in the kernel's hands.
class paused {
public:
    explicit paused(daemon_process& daemon) : daemon_(daemon) { daemon_.signal(SIGSTOP); }
    paused(paused const&) = delete;
    paused& operator=(paused const&) = delete;
    ~paused() { daemon_.signal(SIGCONT); }

private:
    daemon_process& daemon_;
};

void check_good_end(daemon_process& daemon)
{
    auto const end = daemon.wait_for_exit();
    BOOST_TEST(end.status == 0);
    BOOST_TEST(end.signal == 0);
    BOOST_TEST(daemon.error_text().find("stopped") != std::string::npos);
}

/// A client that reads nothing of far more than the sockets hold.
client deaf_client(daemon_process const& daemon)
{
    client deaf(daemon.address(), 4096);
    ask_for_a_flood(deaf);
    client other(daemon.address());
    BOOST_TEST(eventually([&] { return other.info("counters", "requests") > 3; }));
    return deaf;
}

std::string unix_option(temporary_folder const& folder)
{
    return "--listen=unix://" + (folder.path() / "s").string();
}

} // namespace

BOOST_AUTO_TEST_SUITE(signals)

BOOST_AUTO_TEST_CASE(sigterm_ends_an_idle_daemon_with_status_0)
{
    daemon_process daemon;
    daemon.signal(SIGTERM);
    check_good_end(daemon);
}

BOOST_AUTO_TEST_CASE(sigint_ends_an_idle_daemon_with_status_0)
{
    daemon_process daemon;
    daemon.signal(SIGINT);
    check_good_end(daemon);
}

BOOST_AUTO_TEST_CASE(a_signal_right_after_the_start_ends_the_daemon_with_status_0)
{
    for (int i = 0; i < 10; ++i)
        daemon_process().stop();
}

BOOST_AUTO_TEST_CASE(idle_clients_see_the_end_of_input)
{
    daemon_process daemon;
    std::vector<client> idle;
    for (int i = 0; i < 10; ++i)
        idle.emplace_back(daemon.address());
    BOOST_TEST(idle.back().ask("5") == "5");
    daemon.signal(SIGTERM);
    for (auto& one : idle)
        BOOST_TEST(one.read_to_end() == "");
    check_good_end(daemon);
}

BOOST_AUTO_TEST_CASE(what_was_received_is_answered_whole_before_the_end)
{
    constexpr int count = 4000;
    daemon_process daemon({"--window-size=1"});
    client one(daemon.address());
    BOOST_TEST(one.ask("0") == "0");
    {
        paused const until_the_signal(daemon);
        one.send(numbers(count));
        one.wait_until_received();
        daemon.signal(SIGTERM);
    }
    BOOST_TEST((one.read_to_end() == numbers(count)));
    check_good_end(daemon);
}

BOOST_AUTO_TEST_CASE(what_was_received_through_a_unix_socket_is_answered_whole_before_the_end)
{
    constexpr int count = 4000;
    temporary_folder const folder;
    daemon_process daemon({"--window-size=1", unix_option(folder)});
    client one(daemon.address());
    BOOST_TEST(one.ask("0") == "0");
    {
        paused const until_the_signal(daemon);
        one.send(numbers(count));
        daemon.signal(SIGTERM);
    }
    BOOST_TEST((one.read_to_end() == numbers(count)));
    check_good_end(daemon);
}

BOOST_AUTO_TEST_CASE(a_last_line_without_lf_is_answered_before_the_end)
{
    daemon_process daemon;
    client one(daemon.address());
    BOOST_TEST(one.ask("1") == "1");
    {
        paused const until_the_signal(daemon);
        one.send("3\n5");
        one.half_close();
        one.wait_until_received();
        daemon.signal(SIGTERM);
    }
    BOOST_TEST(one.read_to_end() == "2\n3\n");
    check_good_end(daemon);
}

BOOST_AUTO_TEST_CASE(a_line_that_has_not_ended_is_not_executed)
{
    daemon_process daemon;
    client one(daemon.address());
    BOOST_TEST(one.ask("1") == "1");
    one.send("12");
    daemon.signal(SIGTERM);
    BOOST_TEST(one.read_to_end() == "");
    check_good_end(daemon);
}

BOOST_AUTO_TEST_CASE(a_connection_that_nobody_has_accepted_yet_is_answered)
{
    daemon_process daemon;
    std::vector<client> waiting;
    {
        paused const until_the_signal(daemon);
        for (int i = 0; i < 5; ++i) {
            waiting.emplace_back(daemon.address());
            waiting.back().send("5\n7\n");
            waiting.back().wait_until_received();
        }
        daemon.signal(SIGTERM);
    }
    for (auto& one : waiting)
        BOOST_TEST(one.read_to_end() == "5\n6\n");
    check_good_end(daemon);
}

BOOST_AUTO_TEST_CASE(a_client_in_the_middle_of_pipelining_gets_whole_replies_and_then_the_end)
{
    daemon_process daemon({"--window-size=1"});
    client one(daemon.address());
    auto const input = numbers(1000);
    for (int i = 0; i < 20; ++i)
        one.send(input);
    one.read_lines(1000);
    daemon.signal(SIGTERM);
    auto const rest = one.read_to_end();
    BOOST_TEST(!rest.empty());
    BOOST_TEST(rest.ends_with('\n'));
    std::string expected;
    while (expected.size() < rest.size())
        expected += input;
    BOOST_TEST((expected.substr(0, rest.size()) == rest));
    check_good_end(daemon);
}

BOOST_AUTO_TEST_CASE(a_dump_that_has_begun_is_ended_before_the_end)
{
    daemon_process daemon;
    client one(daemon.address(), 4096);
    std::string input = "{\"op\":\"open\",\"size\":300000,\"data\":[0";
    for (int i = 1; i < 300'000; ++i)
        input += ",0";
    one.send(input + "]}\n{\"op\":\"dump\"}\n");
    one.read_line();
    daemon.signal(SIGTERM);
    daemon.wait_for_error_text("SIGTERM");
    auto const dumped = parsed(one.read_line());
    BOOST_TEST(dumped.at("dump").as_array().size() == 300'000U);
    BOOST_TEST(one.read_to_end() == "");
    check_good_end(daemon);
}

BOOST_AUTO_TEST_CASE(a_client_that_never_reads_delays_the_end_for_the_shutdown_timeout_only)
{
    daemon_process daemon({"--shutdown-timeout=200ms", "--write-timeout=0", "--log-level=debug"});
    auto const deaf = deaf_client(daemon);
    daemon.signal(SIGTERM);
    check_good_end(daemon);
    BOOST_TEST(daemon.error_text().find("ended: shutdown timeout") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_client_that_sends_on_and_on_does_not_delay_the_end)
{
    daemon_process daemon({"--shutdown-timeout=1h"});
    client one(daemon.address());
    auto const input = numbers(1000);
    one.send(input);
    daemon.signal(SIGTERM);
    BOOST_CHECK_THROW(for (deadline const until; !until.passed();) one.send(input),
                      test_failure); // it is closed on us
    check_good_end(daemon);
}

BOOST_AUTO_TEST_CASE(new_connections_are_refused_while_the_daemon_stops)
{
    daemon_process daemon({"--shutdown-timeout=1h", "--write-timeout=0"});
    auto deaf = deaf_client(daemon);
    daemon.signal(SIGTERM);
    daemon.wait_for_error_text("SIGTERM");
    BOOST_TEST(eventually([&] {
        try {
            client one(daemon.address());
            one.wait_for_close();
            return false;
        } catch (test_failure const&) {
            return true;
        }
    }));
    deaf.reset();
    check_good_end(daemon);
}

BOOST_AUTO_TEST_CASE(to_read_settings_anew_is_nothing_to_a_daemon_that_stops)
{
    daemon_process daemon({"--shutdown-timeout=1h", "--write-timeout=0"});
    auto deaf = deaf_client(daemon);
    daemon.signal(SIGTERM);
    daemon.wait_for_error_text("SIGTERM");
    daemon.signal(SIGHUP);
    daemon.signal(SIGHUP);
    deaf.reset();
    check_good_end(daemon);
}

BOOST_AUTO_TEST_CASE(a_second_signal_ends_the_daemon_at_once)
{
    temporary_folder const folder;
    daemon_process daemon({"--shutdown-timeout=1h", "--write-timeout=0", unix_option(folder)});
    auto const deaf = deaf_client(daemon);
    daemon.signal(SIGTERM);
    daemon.wait_for_error_text("SIGTERM");
    BOOST_TEST(eventually([&] {
        daemon.signal(SIGTERM);
        return !daemon.runs();
    }));
    BOOST_TEST(daemon.wait_for_exit().signal == SIGTERM);
    BOOST_TEST(!std::filesystem::exists(folder.path() / "s"));
}

BOOST_AUTO_TEST_CASE(two_signals_that_come_together_are_both_acted_on)
{
    daemon_process daemon({"--shutdown-timeout=1h", "--write-timeout=0"});
    auto const deaf = deaf_client(daemon);
    {
        paused const until_the_signals(daemon);
        daemon.signal(SIGTERM);
        daemon.signal(SIGINT);
    }
    BOOST_TEST(daemon.wait_for_exit().signal != 0);
}

BOOST_AUTO_TEST_CASE(clients_that_are_being_turned_away_do_not_delay_the_end)
{
    daemon_process daemon({"--max-connections=1"});
    client first(daemon.address());
    BOOST_TEST(first.ask("1") == "1");
    std::vector<client> more;
    for (int i = 0; i < 20; ++i) {
        more.emplace_back(daemon.address(), 4096);
        more.back().send_without_reading(numbers(1000), std::chrono::milliseconds(0));
    }
    daemon.signal(SIGTERM);
    check_good_end(daemon);
}

BOOST_AUTO_TEST_SUITE_END()
