// Conversations: long replies, when the output is full, and where feed() stops and goes on.
#include "protocol/number.hpp"
#include "protocol/support.hpp"

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace {

using namespace windowd::test;
using windowd::protocol::conversation;
using windowd::protocol::max_number_size;
using windowd::protocol::output_buffer;

constexpr std::size_t longest_dumped = max_number_size + 1; // a number and a comma

// Six digits and a comma for each value: a dump of a few outputs.
constexpr int first = 100'001;
constexpr int last = 200'000;
constexpr std::size_t count = last - first + 1;

std::string opening()
{
    return "{\"op\":\"open\",\"size\":" + std::to_string(count) + ",\"data\":[" + sequence(first, last, ",") +
           "]}\n";
}

// What sequence() gives, as numbers are written: 110000 is, for its zeros, 110000 still, and 200000 is 2e+05.
std::string dumped()
{
    auto text = R"({"yield":100000,"dump":[)" + sequence(first, last - 1, ",") + ",2e+05]}\n";
    for (auto const* round :
         {"110000", "120000", "130000", "140000", "150000", "160000", "170000", "180000", "190000"}) {
        auto const short_form = std::string(1, round[0]) + "." + round[1] + "e+05";
        if (short_form.size() < 6)
            text.replace(text.find(round), 6, short_form);
    }
    return text;
}

} // namespace

BOOST_AUTO_TEST_SUITE(dumps)

BOOST_AUTO_TEST_CASE(a_dump_of_a_large_window_is_whole)
{
    server host;
    connection tested(host);
    tested.send(opening());
    BOOST_TEST((tested.send("{\"op\":\"dump\"}\n") == dumped()));
    BOOST_TEST((tested.send("{\"op\":\"dump\",\"id\":7}\n") == "{\"id\":7," + dumped().substr(1)));
    BOOST_TEST(tested.largest_output() <= conversation::output_pause + longest_dumped);
}

BOOST_AUTO_TEST_CASE(a_dump_pauses_when_the_output_is_full_and_goes_on)
{
    server host;
    conversation tested(host);
    output_buffer out;
    auto const open = opening();
    BOOST_TEST(tested.feed(open, out) == open.size());
    out.clear();
    auto const input = std::string("{\"op\":\"dump\"}\n5\n");
    BOOST_TEST(tested.feed(input, out) == input.size() - 2); // the 5 has to wait
    BOOST_TEST(tested.pending());
    BOOST_TEST(out.size() >= conversation::output_pause);
    BOOST_TEST(out.size() <= conversation::output_pause + longest_dumped);

    BOOST_TEST(tested.feed("5\n", out) == 0U); // nothing was taken away
    BOOST_TEST(out.size() <= conversation::output_pause + longest_dumped);

    auto dump = std::string(out.view());
    for (auto rounds = 0; tested.pending(); ++rounds) {
        BOOST_TEST_REQUIRE(rounds < 100);
        out.clear();
        tested.feed({}, out);
        dump += out.view();
    }
    BOOST_TEST((dump == dumped()));
    out.clear();
    BOOST_TEST(tested.feed("{\"op\":\"read\"}\n", out) == 14U);
    BOOST_TEST(out.view() == "{\"yield\":150000.5}\n");
}

BOOST_AUTO_TEST_CASE(what_was_fed_on_during_a_dump_is_answered_behind_it)
{
    server host;
    connection tested(host);
    tested.send(opening());
    for (auto const chunk : {1U, 7U, 20U, 1000U}) {
        auto const replies =
            lines_of(tested.send("{\"op\":\"dump\"}\nnull\n{\"op\":\"dump\"}\n{\"op\":\"ping\"}\n", chunk));
        BOOST_TEST_REQUIRE(replies.size() == 4U);
        BOOST_TEST((replies[0] + "\n" == dumped()));
        BOOST_TEST(replies[1] == "null");
        BOOST_TEST((replies[2] == replies[0]));
        BOOST_TEST(replies[3] == R"({"pong":true})");
    }
    BOOST_TEST(tested.largest_output() <= conversation::output_pause + longest_dumped);
}

BOOST_AUTO_TEST_CASE(many_dumps_sent_at_once_take_no_more_memory_than_one)
{
    server host;
    connection tested(host);
    tested.send(opening());
    auto const replies = tested.send(repeated("{\"op\":\"dump\"}\n", 30));
    BOOST_TEST((replies == repeated(dumped(), 30)));
    BOOST_TEST(tested.largest_output() <= conversation::output_pause + longest_dumped);
}

BOOST_AUTO_TEST_CASE(numbers_stop_being_taken_when_their_answers_are_not)
{
    server host;
    conversation tested(host);
    output_buffer out;
    auto const input = repeated("1234567\n", 100'000);
    auto const taken = tested.feed(input, out);
    BOOST_TEST(taken < input.size());
    BOOST_TEST(taken % 8 == 0U);
    BOOST_TEST(out.size() == taken); // each answer is as long as its line
    BOOST_TEST(out.size() >= conversation::output_pause);
    BOOST_TEST(out.size() < conversation::output_pause + windowd::protocol::max_run * 8);
    BOOST_TEST(!tested.pending());
    BOOST_TEST(tested.feed(std::string_view(input).substr(taken), out) == 0U);
    out.clear();
    auto const then = tested.feed(std::string_view(input).substr(taken), out);
    BOOST_TEST(then >= conversation::output_pause);
    BOOST_TEST(then < conversation::output_pause + windowd::protocol::max_run * 8);
}

BOOST_AUTO_TEST_CASE(short_requests_with_long_replies_pause_too)
{
    server host;
    connection tested(host);
    auto const once = tested.send("{\"op\":\"help\"}\n");
    BOOST_TEST((tested.send(repeated("{\"op\":\"help\"}\n", 1000)) == repeated(once, 1000)));
    BOOST_TEST(tested.largest_output() < conversation::output_pause + once.size());
}

BOOST_AUTO_TEST_CASE(a_close_behind_a_dump_comes_when_the_dump_is_whole)
{
    server host;
    connection tested(host);
    tested.send(opening());
    BOOST_TEST((tested.send("{\"op\":\"dump\"}\n{\"op\":\"close\"}\n") == dumped() + "{\"closed\":true}\n"));
}

BOOST_AUTO_TEST_CASE(a_dump_may_be_followed_by_anything)
{
    auto const dumped_three = std::string(R"({"yield":3,"dump":[1,2,3]})");
    check_replies("[1,2,3]\n{\"op\":\"dump\"}\n4\n", {"[1,1.5,2]", dumped_three, "3"});
    check_replies("[1,2,3]\n{\"op\":\"dump\"}\n{\"op\":\"dump\"}\n",
                  {"[1,1.5,2]", dumped_three, dumped_three});
    check_replies("[1,2,3]\n{\"op\":\"dump\"}\nnull\n", {"[1,1.5,2]", dumped_three, "null"});
    check_replies("[1,2,3]\n{\"op\":\"dump\"}\n{\"op\":\"read\"}\n",
                  {"[1,1.5,2]", dumped_three, R"({"yield":2})"});
    check_replies("[1,2,3]\n{\"op\":\"dump\"}\n{\"op\":\"clear\"}\n7\n",
                  {"[1,1.5,2]", dumped_three, R"({"yield":null})", "7"});
    check_replies("[1,2,3]\n{\"op\":\"dump\"}\n{\"op\":\"close\"}\n",
                  {"[1,1.5,2]", dumped_three, R"({"closed":true})"});
    check_replies(
        "[1,2,3]\n{\"op\":\"dump\"}\n{\"op\":\"open\"}\n7\n",
        {"[1,1.5,2]", dumped_three,
         R"({"window":{"name":null,"size":3,"stats":["mean"],"count":0,"min_count":1},"created":true})",
         "7"});
}

BOOST_AUTO_TEST_SUITE_END()
