// What the log says at each level, and what it must never say.
#include "acceptance/client.hpp"
#include "acceptance/daemon_process.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

#include <signal.h>

namespace {

using namespace windowd::test;

std::vector<std::string> lines_with(std::string const& log, std::string_view part)
{
    std::vector<std::string> found;
    for (auto const& line : lines_of(log))
        if (line.find(part) != std::string::npos)
            found.push_back(line);
    return found;
}

/// The words behind the level, of all lines at `trace`.
std::vector<std::string> traced(std::string const& log)
{
    constexpr std::string_view level = " trace ";
    auto found = lines_with(log, level);
    for (auto& line : found)
        line.erase(0, line.find(level) + level.size());
    return found;
}

/// Starts a daemon at this level, has it serve one connection with that input, ends it, and returns the log.
std::string log_of(std::string const& level, std::string const& input)
{
    daemon_process daemon({"--log-level=" + level});
    client one(daemon.address());
    one.send(input);
    one.half_close();
    one.wait_for_close();
    daemon.stop();
    return daemon.error_text();
}

} // namespace

BOOST_AUTO_TEST_SUITE(logging)

BOOST_AUTO_TEST_CASE(there_is_one_line_a_connection_at_debug)
{
    auto const written = lines_with(log_of("debug", "5\n7\n"), "connection");
    BOOST_REQUIRE(written.size() == 1U);
    BOOST_TEST(written[0].find(" debug connection 1 from tcp://127.0.0.1:") != std::string::npos);
    BOOST_TEST(written[0].ends_with(" ended: end of input; 4 bytes in, 4 out"));
}

BOOST_AUTO_TEST_CASE(connections_are_no_event_at_info)
{
    auto const written = log_of("info", "5\n");
    BOOST_TEST(lines_with(written, "connection").empty());
    BOOST_TEST(lines_with(written, "listening on tcp://127.0.0.1:").size() == 1U);
    BOOST_TEST(lines_with(written, "SIGTERM").size() == 1U);
    BOOST_TEST(lines_with(written, "stopped").size() == 1U);
}

BOOST_AUTO_TEST_CASE(the_steps_of_the_service_are_told_in_order_at_trace)
{
    auto const written = traced(log_of(
        "trace", "5\n\"x\"\n{\"op\":\"read\"}\n{\"op\":\"dump\"}\n{\"op\":\"clear\"}\n{\"op\":\"close\"}\n"));
    BOOST_REQUIRE(!written.empty());
    BOOST_TEST(written[0].starts_with("connection 1 from tcp://"));
    std::vector<std::string> steps(written.begin() + 1, written.end());
    std::erase(steps, "waiting");
    std::vector<std::string> const expected{"rejected", "reading",  "providing length",
                                            "dumping",  "clearing", "exiting"};
    BOOST_TEST(steps == expected, boost::test_tools::per_element());
    BOOST_TEST(written[1] == "waiting");
}

BOOST_AUTO_TEST_CASE(what_clients_send_is_not_in_the_log)
{
    constexpr std::string_view marker = "XYZZY424242";
    std::string const input =
        "424242\n\"XYZZY424242\"\n{\"op\":\"XYZZY424242\"}\n{\"op\":\"ping\",\"id\":\"XYZZY424242\"}\n"
        "XYZZY424242\n{\"op\":\"throw\",\"exception\":\"XYZZY424242\"}\n";
    for (auto const* const level : {"trace", "debug", "info"}) {
        BOOST_TEST(log_of(level, input).find(marker) == std::string::npos);
        BOOST_TEST(log_of(level, "GET /XYZZY424242 HTTP/1.1\r\n\r\n").find(marker) == std::string::npos);
    }
}

BOOST_AUTO_TEST_CASE(the_end_that_the_contract_makes_is_told_as_such)
{
    auto const written = log_of("debug", "GET / HTTP/1.1\r\n\r\n");
    BOOST_TEST(lines_with(written, "ended: not a client of windowd").size() == 1U);
}

BOOST_AUTO_TEST_CASE(nothing_is_written_when_the_log_is_off)
{
    temporary_folder const folder;
    auto const address = "unix://" + (folder.path() / "s").string();
    process daemon({daemon_path(), "--log-level=off", "--listen=" + address});
    std::string reply;
    BOOST_TEST(eventually([&] {
        try {
            client one(address);
            reply = one.ask("5");
            return true;
        } catch (test_failure const&) {
            return false; // it does not listen yet
        }
    }));
    BOOST_TEST(reply == "5");
    daemon.signal(SIGTERM);
    BOOST_TEST(daemon.wait_for_exit().status == 0);
    BOOST_TEST(daemon.error_text() == "");
    BOOST_TEST(daemon.output() == "");
}

BOOST_AUTO_TEST_CASE(a_flood_of_clients_that_are_turned_away_is_no_flood_of_lines)
{
    daemon_process daemon({"--max-connections=1"});
    client first(daemon.address());
    BOOST_TEST(first.ask("5") == "5");
    for (int i = 0; i < 100; ++i)
        client(daemon.address()).wait_for_close();
    first.close();
    daemon.stop();
    auto const told = lines_with(daemon.error_text(), "turned away");
    BOOST_TEST(!told.empty());
    BOOST_TEST(told.size() < 20U); // one a second
}

BOOST_AUTO_TEST_SUITE_END()
