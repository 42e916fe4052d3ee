// The first things that a newcomer does, with netcat and a shell, and what the contract says of lines.
#include "acceptance/client.hpp"
#include "acceptance/daemon_process.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

namespace {

using namespace windowd::test;

std::string const ten_averages = "1\n1.5\n2\n3\n4\n5\n6\n7\n8\n9\n";

finished shell(std::string const& command)
{
    return run_to_end({"/bin/sh", "-c", command});
}

std::string all_replies(daemon_process const& daemon, std::string const& input)
{
    client one(daemon.address());
    one.send(input);
    one.half_close();
    return one.read_to_end();
}

} // namespace

BOOST_AUTO_TEST_SUITE(first_steps)

BOOST_AUTO_TEST_CASE(ten_numbers_give_ten_averages)
{
    daemon_process daemon;
    BOOST_TEST(all_replies(daemon, numbers(10)) == ten_averages);
    daemon.stop();
}

BOOST_AUTO_TEST_CASE(seq_and_netcat_print_ten_averages)
{
    daemon_process daemon;
    auto const printed = shell("seq 1 10 | nc -N 127.0.0.1 " + daemon.port());
    BOOST_TEST(printed.end.status == 0);
    BOOST_TEST(printed.output == ten_averages);
}

BOOST_AUTO_TEST_CASE(a_shell_loop_can_ask_and_read_in_turn)
{
    daemon_process daemon;
    auto const printed = shell("for n in 5 7 9 11; do echo $n; done | nc -N 127.0.0.1 " + daemon.port() +
                               " | while read -r mean; do echo \"mean $mean\"; done");
    BOOST_TEST(printed.output == "mean 5\nmean 6\nmean 7\nmean 9\n");
}

BOOST_AUTO_TEST_CASE(a_dump_and_a_clear_answer_in_their_place)
{
    daemon_process daemon;
    client one(daemon.address());
    one.send("[5,7,9,11]\n{\"op\":\"dump\"}\n{\"op\":\"clear\"}\n{\"op\":\"dump\"}\n");
    BOOST_TEST(one.read_line() == "[5,6,7,9]");
    BOOST_TEST(one.read_line() == R"({"yield":3,"dump":[7,9,11]})");
    BOOST_TEST(one.read_line() == R"({"yield":null})");
    BOOST_TEST(one.read_line() == R"({"yield":0,"dump":[]})");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(lines_on_a_connection)

BOOST_AUTO_TEST_CASE(nothing_comes_unasked)
{
    daemon_process daemon;
    BOOST_TEST(all_replies(daemon, "") == "");
}

BOOST_AUTO_TEST_CASE(a_half_closed_connection_is_answered_and_then_closed)
{
    daemon_process daemon;
    client one(daemon.address());
    one.send("1\n2\n");
    one.half_close();
    BOOST_TEST(one.read_to_end() == "1\n1.5\n");
}

BOOST_AUTO_TEST_CASE(a_last_line_without_lf_counts)
{
    daemon_process daemon;
    BOOST_TEST(all_replies(daemon, "1\n3") == "1\n2\n");
    BOOST_TEST(all_replies(daemon, "1\n{\"op\":\"dump\"}") == "1\n{\"yield\":1,\"dump\":[1]}\n");
    BOOST_TEST(all_replies(daemon, "1\n3\r") == "1\n2\n");
}

BOOST_AUTO_TEST_CASE(carriage_returns_and_blank_lines_are_skipped)
{
    daemon_process daemon;
    BOOST_TEST(all_replies(daemon, "\r\n1\r\n\n \t\r\n3\r\n   \n") == "1\n2\n");
}

BOOST_AUTO_TEST_CASE(ten_thousand_blank_lines_get_no_reply)
{
    daemon_process daemon;
    BOOST_TEST(all_replies(daemon, std::string(10'000, '\n') + "7\n") == "7\n");
}

BOOST_AUTO_TEST_CASE(a_hundred_thousand_pipelined_lines_are_answered_in_order)
{
    daemon_process daemon({"--window-size=1"});
    std::string input;
    for (int i = 0; i < 100; ++i)
        input += numbers(1000);
    BOOST_TEST((all_replies(daemon, input) == input));
}

BOOST_AUTO_TEST_CASE(every_connection_has_a_window_of_its_own)
{
    daemon_process daemon;
    client first(daemon.address());
    client second(daemon.address());
    for (int i = 0; i < 3; ++i) {
        BOOST_TEST(first.ask("10") == "10");
        BOOST_TEST(second.ask("-2") == "-2");
    }
    BOOST_TEST(first.ask(R"({"op":"dump"})") == R"({"yield":3,"dump":[10,10,10]})");
    first.close();
    BOOST_TEST(second.ask(R"({"op":"dump"})") == R"({"yield":3,"dump":[-2,-2,-2]})");
    client third(daemon.address());
    BOOST_TEST(third.ask(R"({"op":"dump"})") == R"({"yield":0,"dump":[]})");
}

BOOST_AUTO_TEST_CASE(a_client_that_sends_a_byte_at_a_time_gets_the_same_replies)
{
    daemon_process daemon;
    client one(daemon.address());
    for (char const c : std::string("12\r\n{\"op\":\"dump\"}\n[1,\"x\"]\n-"))
        one.send({&c, 1});
    one.send("4");
    one.half_close();
    BOOST_TEST(one.read_to_end() == "12\n{\"yield\":1,\"dump\":[12]}\n"
                                    "{\"yield\":[6.5,null],\"error\":{\"code\":\"not_a_number\",\"index\":1,"
                                    "\"message\":\"a window takes numbers, and this is a string\"}}\n3\n");
}

BOOST_AUTO_TEST_CASE(a_closed_window_answers_closed_until_another_is_opened)
{
    daemon_process daemon;
    client one(daemon.address());
    BOOST_TEST(one.ask("5") == "5");
    BOOST_TEST(one.ask(R"({"op":"close"})") == R"({"closed":true})");
    for (auto const* const line : {"5", "null", R"({"op":"dump"})", R"({"op":"close"})", "[1]"})
        BOOST_TEST(code_of(one.ask(line)) == "closed");
    BOOST_TEST(code_of(one.ask(R"({"op":"open","size":2})")).empty());
    BOOST_TEST(one.ask("[1,2,3]") == "[1,1.5,2.5]");
}

BOOST_AUTO_TEST_SUITE_END()
