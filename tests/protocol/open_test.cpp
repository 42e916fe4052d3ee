// Conversations: `open` and its members.
#include "protocol/support.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>

namespace {

using namespace windowd::test;

std::string opened(std::size_t size, std::size_t min_count, std::size_t count)
{
    return R"({"window":{"name":null,"size":)" + std::to_string(size) + R"(,"stats":["mean"],"count":)" +
           std::to_string(count) + R"(,"min_count":)" + std::to_string(min_count) + R"(},"created":true})";
}

std::string open(std::string_view members)
{
    return R"({"op":"open",)" + std::string(members) + "}";
}

} // namespace

BOOST_AUTO_TEST_SUITE(opening)

BOOST_AUTO_TEST_CASE(open_starts_a_new_window_with_the_defaults)
{
    check_replies("5\n{\"op\":\"open\"}\n9\n11\n13\n15\n", {"5", opened(3, 1, 0), "9", "10", "11", "13"});
    setup with;
    with.default_window = {.size = 2, .min_count = 2};
    check_replies("{\"op\":\"open\"}\n9\n11\n13\n", {opened(2, 2, 0), "null", "10", "12"}, with);
    check_replies("9\n11\n13\n", {"null", "10", "12"}, with);
    check_replies(open(R"("size":1)") + "\n9\n", {opened(1, 1, 0), "9"}, with);
    check_replies(open(R"("size":5)"), {opened(5, 2, 0)}, with);
}

BOOST_AUTO_TEST_CASE(size_is_how_many_values_a_window_keeps)
{
    check_replies(open(R"("size":1)") + "\n5\n7\n{\"op\":\"dump\"}\n",
                  {opened(1, 1, 0), "5", "7", R"({"yield":1,"dump":[7]})"});
    check_replies(open(R"("size":4)") + "\n[1,2,3,4,5,6]\n", {opened(4, 1, 0), "[1,1.5,2,2.5,3.5,4.5]"});
    check_replies(open(R"("size":2.0)"), {opened(2, 1, 0)});
    check_replies(open(R"("size":1e1)"), {opened(10, 1, 0)});
    check_replies(open(R"("size":10000000)") + "\n5\n", {opened(10'000'000, 1, 0), "5"});
}

BOOST_AUTO_TEST_CASE(size_is_an_integer_from_one_to_the_configured_maximum)
{
    setup with;
    with.limits.windows.max_window_size = 100;
    check_replies(open(R"("size":100)"), {opened(100, 1, 0)}, with);
    for (auto const* size :
         {"0", "-1", "101", "1.5", "1e300", "-0", "\"3\"", "null", "true", "[]", "[3]", "{}", "1e-400"}) {
        auto const error = check_refused(open(R"("size":)" + std::string(size)), "bad_member", with);
        BOOST_TEST(error.at("message").as_string().starts_with("'size' has to be an integer from 1 to 100"));
    }
    check_refused(open(R"("size":1e400)"), "out_of_range", with);
    check_refused(open(R"("size":1e99999999999999999999)"), "out_of_range", with);
}

BOOST_AUTO_TEST_CASE(data_fills_a_window_oldest_first)
{
    check_replies(open(R"("data":[1,2])") + "\n{\"op\":\"read\"}\n6\n",
                  {opened(3, 1, 2), R"({"yield":1.5})", "3"});
    check_replies(open(R"("data":[1,2,3,4,5])") + "\n{\"op\":\"dump\"}\n",
                  {opened(3, 1, 3), R"({"yield":3,"dump":[3,4,5]})"});
    check_replies(open(R"("data":[],"size":7)"), {opened(7, 1, 0)});
    check_replies(open(R"("data":[1,2,3,4,5],"size":1)") + "\n{\"op\":\"dump\"}\n",
                  {opened(1, 1, 1), R"({"yield":1,"dump":[5]})"});
}

BOOST_AUTO_TEST_CASE(data_is_an_array_of_numbers)
{
    for (auto const* data : {"5", "null", "\"x\"", "{}", "true"})
        BOOST_TEST(check_refused(open(R"("data":)" + std::string(data)), "bad_member").count("index") == 0U);
    for (auto const* element : {"null", "\"x\"", "true", "[2]", "{}"})
        BOOST_TEST(check_refused(open(R"("data":[1,)" + std::string(element) + ",3]"), "bad_member")
                       .at("index")
                       .as_int64() == 1);
    for (auto const* element : {"1e400", "-1e400", "1e99999999999999999999"})
        BOOST_TEST(check_refused(open(R"("data":[1,2,)" + std::string(element) + "]"), "out_of_range")
                       .at("index")
                       .as_int64() == 2);
}

BOOST_AUTO_TEST_CASE(min_count_is_how_many_values_a_statistic_needs)
{
    check_replies(open(R"("size":3,"min_count":2)") +
                      "\n5\n{\"op\":\"read\"}\n7\n{\"op\":\"clear\"}\n9\n[1,2]\n",
                  {opened(3, 2, 0), "null", R"({"yield":null})", "6", R"({"yield":null})", "null", "[5,4]"});
    check_replies(open(R"("min_count":3,"data":[1,2])") + "\n{\"op\":\"read\"}\n3\n",
                  {opened(3, 3, 2), R"({"yield":null})", "2"});
    check_replies(open(R"("min_count":1)"), {opened(3, 1, 0)});
}

BOOST_AUTO_TEST_CASE(min_count_is_an_integer_from_one_to_the_size)
{
    for (auto const* count : {"0", "-1", "4", "1.5", "null", "\"1\"", "[1]"})
        check_refused(open(R"("min_count":)" + std::string(count)), "bad_member");
    check_refused(open(R"("size":5,"min_count":6)"), "bad_member");
    check_refused(open(R"("min_count":1e400)"), "out_of_range");
    check_replies(open(R"("min_count":5,"size":5)"), {opened(5, 5, 0)});
}

BOOST_AUTO_TEST_CASE(a_refused_open_leaves_the_window_as_it_is)
{
    check_refused(open(R"("size":5,"data":[1,2,"x"])"), "bad_member");
    check_refused(open(R"("size":5,"sise":5)"), "unknown_member");
    check_refused(open(R"("size":5,"size":5)"), "bad_json");
    check_refused(open(R"("window":"no name")"), "bad_member");
    check_refused(open(R"("span":0)"), "bad_member");
    check_refused(open(R"("stats":["mode"])"), "bad_member");
    check_refused(open(R"("at":5)"), "unknown_member");
    check_refused(open(R"("value":5)"), "unknown_member");
    auto const replies = replies_to("{\"op\":\"close\"}\n{\"op\":\"open\",\"size\":0}\n5\n");
    BOOST_TEST(code_of(replies.at(2)) == "closed");
}

BOOST_AUTO_TEST_CASE(windows_are_opened_one_after_the_other)
{
    check_replies(
        open(R"("size":1)") + "\n5\n" + open(R"("size":2)") +
            "\n7\n9\n11\n{\"op\":\"open\"}\n{\"op\":\"dump\"}\n",
        {opened(1, 1, 0), "5", opened(2, 1, 0), "7", "8", "10", opened(3, 1, 0), R"({"yield":0,"dump":[]})"});
}

BOOST_AUTO_TEST_CASE(an_id_is_given_back)
{
    check_replies(open(R"("id":"a","size":4)"), {R"({"id":"a",)" + opened(4, 1, 0).substr(1)});
}

BOOST_AUTO_TEST_SUITE_END()
