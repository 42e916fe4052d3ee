// Conversations, the contract's "Lines": what ends a line, what is skipped, one reply for each request,
// limits.
#include "protocol/support.hpp"

#include <boost/test/unit_test.hpp>

#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace windowd::test;

// Of a limit of 16 bytes: a line of that many is answered, one of another byte is too long.
constexpr std::size_t small_limit = 16;

setup with_max_line(std::size_t bytes)
{
    setup made;
    made.limits.max_line = bytes;
    return made;
}

constexpr std::string_view too_long_16 =
    R"({"error":{"code":"line_too_long","message":"the line was discarded: a line has at most 16 bytes"}})";

} // namespace

BOOST_AUTO_TEST_SUITE(lines)

BOOST_AUTO_TEST_CASE(ten_numbers_give_ten_averages)
{
    check_replies("1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n", {"1", "1.5", "2", "3", "4", "5", "6", "7", "8", "9"});
}

BOOST_AUTO_TEST_CASE(no_input_gets_no_reply)
{
    check_replies("", {});
}

BOOST_AUTO_TEST_CASE(a_carriage_return_before_the_line_feed_is_ignored)
{
    check_replies("5\r\n7\r\n[9]\r\n{\"op\":\"ping\"}\r\nnull\r\n",
                  {"5", "6", "[7]", R"({"pong":true})", "null"});
}

BOOST_AUTO_TEST_CASE(blank_lines_get_no_reply)
{
    check_replies("\n\n5\n\r\n \n\t\n \t \t\r\n7\n\n   ", {"5", "6"});
    check_replies(repeated("\n", 500), {});
    check_replies(" ", {});
    check_replies("\r", {});
}

BOOST_AUTO_TEST_CASE(ten_thousand_blank_lines_get_no_reply)
{
    server host;
    connection tested(host);
    BOOST_TEST(tested.send(repeated("\n", 10'000)) == "");
    BOOST_TEST(tested.send(repeated(" \t\r\n", 10'000), 7) == "");
    BOOST_TEST(tested.send("5\n") == "5\n");
    BOOST_TEST(host.counters.requests == 1U);
}

BOOST_AUTO_TEST_CASE(a_last_line_without_an_end_counts)
{
    check_replies("5\n7", {"5", "6"});
    check_replies("5\n7\r", {"5", "6"});
    check_replies("null", {"null"});
    check_replies(R"({"op":"ping"})", {R"({"pong":true})"});
    check_replies("  [1]", {"[1]"});
    BOOST_TEST(code_of(replies_to("5\nx").back()) == "bad_json");
}

BOOST_AUTO_TEST_CASE(a_last_line_without_an_end_may_be_a_dump_of_any_size)
{
    server host;
    connection tested(host);
    auto const opened =
        tested.send("{\"op\":\"open\",\"size\":100000,\"data\":[" + sequence(100'000, 199'999, ",") + "]}\n");
    BOOST_TEST(tested.send(R"({"op":"dump"})") == "");
    auto const dumped = parsed(lines_of(tested.finish()).at(0));
    BOOST_TEST(dumped.at("yield").to_number<int>() == 100'000);
    BOOST_TEST(dumped.at("dump").as_array().size() == 100'000U);
}

BOOST_AUTO_TEST_CASE(spaces_and_tabs_around_a_value_are_allowed)
{
    check_replies(" 5\n7 \n\t9\t\n [ 11 , 13 ] \n { \"op\" : \"ping\" } \n null \n",
                  {"5", "6", "7", "[9,11]", R"({"pong":true})", "null"});
}

BOOST_AUTO_TEST_CASE(a_carriage_return_elsewhere_is_white_space)
{
    check_replies("\r5\n5\r\r\n", {"5", "5"});
    BOOST_TEST(code_of(replies_to("\r\r\n").at(0)) == "bad_json");
    BOOST_TEST(code_of(replies_to("5\r7\n").at(0)) == "bad_json"); // no line ends so
}

BOOST_AUTO_TEST_CASE(one_line_is_one_json_text)
{
    for (auto const* line :
         {"5 7", "5,7", "[5][7]", "{}{}", "5 {\"op\":\"clear\"}", "{\"op\":\"clear\"} {\"op\":\"clear\"}"})
        check_refused(line, "bad_json");
}

BOOST_AUTO_TEST_CASE(the_nth_reply_answers_the_nth_request)
{
    auto const replies = replies_to(R"({"op":"ping","id":1}
nonsense
5
{"op":"nope","id":2}

[7,"x"]
{"op":"read","id":3}
null
"unexpected"
{"op":"dump","id":4}
)");
    BOOST_TEST_REQUIRE(replies.size() == 9U);
    BOOST_TEST(replies[0] == R"({"id":1,"pong":true})");
    BOOST_TEST(code_of(replies[1]) == "bad_json");
    BOOST_TEST(replies[2] == "5");
    BOOST_TEST(code_of(replies[3]) == "unknown_op");
    BOOST_TEST(parsed(replies[3]).at("id").to_number<int>() == 2);
    BOOST_TEST(code_of(replies[4]) == "not_a_number");
    BOOST_TEST(replies[5] == R"({"id":3,"yield":6})");
    BOOST_TEST(replies[6] == "null");
    BOOST_TEST(code_of(replies[7]) == "not_a_number");
    BOOST_TEST(replies[8] == R"({"id":4,"yield":2,"dump":[5,7]})");
}

BOOST_AUTO_TEST_CASE(a_number_of_any_length_is_a_line)
{
    check_replies("0.1" + std::string(1000, '0') + "\n" + "1" + std::string(1000, '0') + "e-1000\n-0.00e5\n",
                  {"0.1", "0.55", "0.3666666666666667"});
    check_replies(
        "1e99999999999999999999\n",
        {R"({"yield":null,"error":{"code":"out_of_range","message":"a number is at most 1.7976931348623157e308 in magnitude"}})"});
}

BOOST_AUTO_TEST_CASE(a_line_may_be_as_long_as_the_limit_and_not_a_byte_longer)
{
    auto const with = with_max_line(small_limit);
    check_replies("1234567890.12345\n", {"1234567890.12345"}, with);
    check_replies("1234567890.12345\r\n", {"1234567890.12345"}, with);
    check_replies("1234567890.12345\r", {"1234567890.12345"}, with);
    check_replies("1234567890.123450\n5\n", {std::string(too_long_16), "5"}, with);
    check_replies("1234567890.123450\r\n5\n", {std::string(too_long_16), "5"}, with);
    check_replies("1234567890.123450", {std::string(too_long_16)}, with);
    check_replies("1234567890.1234500", {std::string(too_long_16)}, with);
    check_replies("[1,2,3,4,5,6,77]\n[1,2,3,4,5,6,777]\n[1]",
                  {"[1,1.5,2,3,4,5,29.333333333333332]", std::string(too_long_16), "[28]"}, with);
    check_replies("1234567890123456\r\r\n5\n", {std::string(too_long_16), "5"}, with);
}

BOOST_AUTO_TEST_CASE(a_blank_line_that_is_too_long_is_too_long)
{
    auto const with = with_max_line(small_limit);
    check_replies(std::string(16, ' ') + "\n5\n", {"5"}, with);
    server host(with);
    connection tested(host);
    BOOST_TEST(tested.send(std::string(17, ' ') + "\n5\n") == std::string(too_long_16) + "\n5\n");
}

BOOST_AUTO_TEST_CASE(a_line_that_is_too_long_is_answered_once_and_changes_nothing)
{
    auto const with = with_max_line(small_limit);
    for (auto const length : {17U, 18U, 69U, 70U, 138U, 500U}) {
        check_replies("5\n" + std::string(length, '7') + "\n7\n", {"5", std::string(too_long_16), "6"}, with);
        check_replies("5\n" + std::string(length, '7') + "\r\n" + std::string(length, 'x') + "\n7\n",
                      {"5", std::string(too_long_16), std::string(too_long_16), "6"}, with);
        check_replies("5\n" + std::string(length, '7'), {"5", std::string(too_long_16)}, with);
    }
}

BOOST_AUTO_TEST_CASE(the_smallest_limit_still_takes_numbers)
{
    auto const with = with_max_line(8);
    check_replies(
        "12345678\n123456789\n[1,2,33]\n1.5\n",
        {"12345678", replies_to("123456789\n", with).at(0), "[6172839.5,4115227,12]", "12.166666666666666"},
        with);
}

BOOST_AUTO_TEST_CASE(garbage_is_refused_a_line_at_a_time)
{
    auto random = std::mt19937(20);
    for (auto round = 0; round < 20; ++round) {
        std::string garbage = "x"; // so that no line is an HTTP request
        for (auto i = 0; i < 500; ++i)
            garbage += static_cast<char>(random() % 256);
        garbage += "\n";
        auto const result = converse("5\n" + garbage + "{\"op\":\"read\"}\n");
        BOOST_TEST(result.replies.back() == R"({"yield":5})");
        BOOST_TEST(result.counters.refused == result.replies.size() - 2);
        BOOST_TEST(!result.ended);
    }
}

BOOST_AUTO_TEST_CASE(likely_garbage_is_refused_and_never_taken_for_something_else)
{
    // Made of what requests are made of, so that much of it gets past the first character.
    constexpr std::string_view pieces[] = {
        "{",    "}",      "[",         "]",    ":",   ",",  "\"", "\\", "5",     "-",    ".",    "e",    "op",
        "send", "\"op\"", "\"value\"", "null", "tru", "\n", " ",  "\r", "\\u00", "\xc3", "\xa9", "1e400"};
    auto random = std::mt19937(21);
    for (auto round = 0; round < 40; ++round) {
        std::string garbage;
        for (auto i = 0; i < 200; ++i)
            garbage += pieces[random() % std::size(pieces)];
        auto const result = converse(garbage + "\n{\"op\":\"ping\"}\n");
        BOOST_TEST(result.replies.back() == R"({"pong":true})");
        BOOST_TEST(!result.ended);
    }
}

BOOST_AUTO_TEST_SUITE_END()
