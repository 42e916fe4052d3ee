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
    daemon_process daemon({"--max-connections=7", "--max-line=2KiB", "--max-window-size=50",
                           "--idle-timeout=90s", "--write-timeout=1500ms"});
    client one(daemon.address());
    auto const told = parsed(one.ask(R"({"op":"info"})"));
    BOOST_TEST(told.at("limits") == parsed(R"({"max_connections":7,"max_line":2048,"max_window_size":50,
                                              "idle_timeout":90,"write_timeout":1.5})"));
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
