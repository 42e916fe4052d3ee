// Conversations, the contract's "Value lines": bare numbers, null, arrays, and what is none of these.
#include "protocol/support.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace windowd::test;

std::string refused(std::string_view yield, std::string_view rest)
{
    return R"({"yield":)" + std::string(yield) + R"(,"error":{"code":"not_a_number",)" + std::string(rest) +
           "}}";
}

// The reply to 5000 values, which others do not have to wait for.
std::string answered_in_turns(std::string const& line)
{
    server host;
    windowd::protocol::conversation tested(host);
    connection other(host);
    windowd::protocol::output_buffer out;
    tested.feed("{\"op\":\"open\",\"stats\":[\"mean\",\"max\",\"min\",\"sum\"]}\n", out);
    out.clear();
    BOOST_TEST(tested.feed(line + "7\n", out) == line.size());
    auto turns = 0;
    for (; tested.in_reply(); ++turns) {
        BOOST_TEST(out.empty()); // it is written whole
        BOOST_TEST(tested.pending());
        BOOST_TEST(tested.feed("7\n", out) == 0U);
        BOOST_TEST(other.send("{\"op\":\"ping\",\"id\":\"another id that is not kept in place\"}\n") != "");
    }
    BOOST_TEST(turns >= 4);
    auto reply = std::string(out.view());
    BOOST_TEST(lines_of(reply).size() == 1U);
    BOOST_TEST(tested.feed("7\n", out) == 0U); // until that has been taken away
    out.clear();
    BOOST_TEST(tested.feed("7\n", out) == 2U);
    BOOST_TEST(!tested.pending());
    BOOST_TEST(host.counters.values == 5001U);
    return reply;
}

} // namespace

BOOST_AUTO_TEST_SUITE(values)

BOOST_AUTO_TEST_CASE(a_number_is_answered_with_what_the_service_yields)
{
    check_replies("5\n7\n9\n11\n13\n", {"5", "6", "7", "9", "11"});
    check_replies("-0.5\n1e3\n2.5E-1\n", {"-0.5", "499.75", "333.25"});
}

BOOST_AUTO_TEST_CASE(means_are_exact_whatever_has_passed_through)
{
    check_replies("1e16\n1\n1\n1\n", {"1e+16", "5e+15", "3333333333333334", "1"});
    check_replies("1e220\n45\n-1e220\n", {"1e+220", "5e+219", "15"});
    check_replies("1.7e308\n1.7e308\n1.7e308\n", {"1.7e+308", "1.7e+308", "1.7e+308"});
    check_replies("0.1\n0.2\n0.3\n", {"0.1", "0.15000000000000002", "0.19999999999999998"});
}

BOOST_AUTO_TEST_CASE(minus_zero_is_a_number_whose_mean_is_zero)
{
    check_replies("-0\n-0.0\n{\"op\":\"dump\"}\n", {"0", "0", R"({"yield":2,"dump":[-0,-0]})"});
}

BOOST_AUTO_TEST_CASE(null_resumes_with_nothing)
{
    check_replies("null\n5\nnull\n7\n", {"null", "5", "null", "6"});
}

BOOST_AUTO_TEST_CASE(an_array_resumes_once_for_each_element)
{
    check_replies("[5,7,9]\n[11]\n[]\n[null,13,null]\n", {"[5,6,7]", "[9]", "[]", "[null,11,null]"});
}

BOOST_AUTO_TEST_CASE(a_thousand_values_in_a_line_give_a_thousand_yields)
{
    check_replies("[" + sequence(1, 1000, ",") + "]\n", {"[1,1.5," + sequence(2, 999, ",") + "]"});
}

BOOST_AUTO_TEST_CASE(what_is_no_number_is_refused_and_the_window_is_as_it_was)
{
    check_replies("\"unexpected\"\n",
                  {refused("null", R"("message":"a window takes numbers, and this is a string")")});
    check_replies("true\n",
                  {refused("null", R"("message":"a window takes numbers, and this is true or false")")});
    for (auto const* line : {"\"unexpected\"", "\"5\"", "\"\"", "true", "false", "{}", R"({"value":5})",
                             R"({"id":1})", R"({"foo":5})"})
        BOOST_TEST(check_refused(line, "not_a_number").count("index") == 0U);
}

BOOST_AUTO_TEST_CASE(an_object_without_op_yields_nothing_and_gives_its_id_back)
{
    auto const reply = replies_to(R"({"value":5,"id":"x"})").at(0);
    BOOST_TEST(reply.starts_with(R"({"id":"x","yield":null,"error":{"code":"not_a_number","message":)"));
    BOOST_TEST(message_of(reply).find("'op'") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(of_an_array_what_is_no_number_yields_null_and_the_others_count)
{
    check_replies(
        "[5,\"x\",9]\n{\"op\":\"dump\"}\n",
        {refused("[5,null,7]", R"("index":1,"message":"a window takes numbers, and this is a string")"),
         R"({"yield":2,"dump":[5,9]})"});
    check_replies(
        "[true]\n",
        {refused("[null]", R"("index":0,"message":"a window takes numbers, and this is true or false")")});
}

BOOST_AUTO_TEST_CASE(the_error_of_an_array_names_the_first_refused_element)
{
    auto const reply = replies_to(R"([null,1,[2],{"op":"clear"},"x",1e400,3])").at(0);
    BOOST_TEST(reply.starts_with(
        R"({"yield":[null,1,null,null,null,null,2],"error":{"code":"not_a_number","index":2,)"));
}

BOOST_AUTO_TEST_CASE(a_number_beyond_the_finite_range_is_refused)
{
    constexpr std::string_view error =
        R"("error":{"code":"out_of_range","message":"a number is at most 1.7976931348623157e308 in magnitude"}})";
    for (auto const* line :
         {"1e400", "-1e400", "1e309", " 2e308 ", "1e99999999999999999999", "-1E+99999999999999999999"}) {
        check_refused(line, "out_of_range");
        check_replies(line, {R"({"yield":null,)" + std::string(error)});
    }
    auto const reply = replies_to("[5,1e400,7]\n").at(0);
    BOOST_TEST(reply.starts_with(R"({"yield":[5,null,6],"error":{"code":"out_of_range","index":1,)"));
    check_refused(std::string(400, '9'), "out_of_range");
}

BOOST_AUTO_TEST_CASE(the_largest_and_the_smallest_numbers_are_taken)
{
    check_replies(
        "1.7976931348623157e308\n{\"op\":\"clear\"}\n5e-324\n1e-400\n-1e-400\n1e-99999999999999999999\n",
        {"1.7976931348623157e+308", R"({"yield":null})", "5e-324", "0", "0", "0"});
}

BOOST_AUTO_TEST_CASE(each_kind_of_value_costs_the_counters_what_it_says)
{
    auto const counters =
        converse("5\nnull\n\"x\"\n[1,\"x\",null,2]\n1e400\n{\"op\":\"send\",\"value\":1}\nnonsense\n\n")
            .counters;
    BOOST_TEST(counters.requests == 7U);
    BOOST_TEST(counters.values == 4U);
    BOOST_TEST(counters.refused == 4U);
}

BOOST_AUTO_TEST_CASE(a_long_array_is_answered_as_a_short_one)
{
    constexpr auto open = "{\"op\":\"open\",\"size\":1}\n";
    for (auto const count : {4095, 4096, 4097, 4098, 8194, 20'000}) {
        auto const values = "[" + sequence(1, count, ",") + "]";
        BOOST_TEST(replies_to(open + values).at(1) == values);
        BOOST_TEST(replies_to(open + (R"({"op":"send","id":"a","values":)" + values) + "}\n5\n").at(1) ==
                   R"({"id":"a","yield":)" + values + "}");
    }
}

BOOST_AUTO_TEST_CASE(a_long_array_of_which_a_value_is_refused_says_which_first)
{
    auto const values = sequence(1, 5000, ",");
    auto const replies =
        replies_to("{\"op\":\"open\",\"size\":1}\n[" + values + ",\"x\"," + values + ",true]\n" +
                   R"({"op":"send","id":7,"values":[)" + values + R"(,1e400]})" + "\n[]\n");
    BOOST_TEST(replies.at(1) == R"({"yield":[)" + values + ",null," + values +
                                    R"(,null],"error":{"code":"not_a_number","index":5000,"message":)"
                                    R"("a window takes numbers, and this is a string"}})");
    BOOST_TEST(replies.at(2).starts_with(R"({"id":7,"yield":[)" + values +
                                         R"(,null],"error":{"code":"out_of_range",)"));
    BOOST_TEST(replies.at(3) == "[]");
}

BOOST_AUTO_TEST_CASE(others_have_their_turn_in_the_middle_of_a_long_array)
{
    auto const values = "[" + sequence(1, 5000, ",") + "]";
    BOOST_TEST(answered_in_turns(values + "\n").starts_with(R"([{"mean":1,)"));
    BOOST_TEST(
        answered_in_turns(R"({"op":"send","id":"an id that is not kept in place","values":)" + values + "}\n")
            .starts_with(R"({"id":"an id that is not kept in place","yield":[{"mean":1,)"));
}

BOOST_AUTO_TEST_SUITE_END()
