// Conversations, the contract's "Windows of time": arrival times, times that come with the values, and windows that
// empty as time passes. Time is the test's own.
#include "protocol/support.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <string>
#include <string_view>

namespace {

using namespace windowd::test;
using namespace std::chrono_literals;

/// A connection with a window of its own, private or shared, in which tests run alike.
struct timed {
    timed(bool is_shared, std::string_view members)
        : tested(host),
          answer(tested.send(R"({"op":"open",)" + std::string(is_shared ? R"("window":"w",)" : "") +
                             std::string(members) + "}\n"))
    {}

    std::string send(std::string const& line) { return tested.send(line + "\n"); }
    std::string at(std::string_view value, std::string_view time)
    {
        return send(R"({"op":"send","value":)" + std::string(value) + R"(,"at":)" + std::string(time) + "}");
    }

    server host;
    connection tested;
    std::string answer;
};

void for_both(std::string_view members, void (*test)(timed&))
{
    for (auto const is_shared : {false, true}) {
        BOOST_TEST_CONTEXT((is_shared ? "shared" : "private"))
        {
            timed window(is_shared, members);
            test(window);
        }
    }
}

constexpr std::string_view out_of_order =
    R"({"yield":null,"error":{"code":"out_of_order","message":"'at' must not go back: the window's newest value has a later time"}})";

} // namespace

BOOST_AUTO_TEST_SUITE(windows_of_time)

BOOST_AUTO_TEST_CASE(a_span_without_a_size_keeps_as_many_values_as_a_window_may)
{
    check_replies(
        R"({"op":"open","span":30})",
        {R"({"window":{"name":null,"size":10000000,"span":30,"stats":["mean"],"count":0,"min_count":1},"created":true})"});
    setup with;
    with.limits.windows.max_window_size = 100;
    check_replies(
        R"({"op":"open","span":0.5,"window":"w","min_count":100})",
        {R"({"window":{"name":"w","size":100,"span":0.5,"stats":["mean"],"count":0,"min_count":100,"n":0},"created":true})"},
        with);
}

BOOST_AUTO_TEST_CASE(values_leave_when_the_span_is_over)
{
    for_both(R"("span":10,"stats":["count","sum"])", [](timed& w) {
        BOOST_TEST(w.send("1") == "{\"count\":1,\"sum\":1}\n");
        server::pass(4s);
        BOOST_TEST(w.send("[2,4]") == "[{\"count\":2,\"sum\":3},{\"count\":3,\"sum\":7}]\n");
        server::pass(5999ms);
        BOOST_TEST(w.send("8") == "{\"count\":4,\"sum\":15}\n");
        server::pass(1ms); // the first is 10 seconds old: it has left
        BOOST_TEST(w.send("16") == "{\"count\":4,\"sum\":30}\n");
        server::pass(4s);
        BOOST_TEST(w.send("32") == "{\"count\":3,\"sum\":56}\n");
    });
}

BOOST_AUTO_TEST_CASE(a_size_is_a_cap)
{
    for_both(R"("span":10,"size":2)", [](timed& w) {
        BOOST_TEST(w.send("[1,3,5]") == "[1,2,4]\n");
        server::pass(9s);
        BOOST_TEST(w.send("7") == "6\n");
        server::pass(1s);
        BOOST_TEST(w.send("{\"op\":\"dump\"}") == "{\"yield\":1,\"dump\":[7]}\n");
    });
}

BOOST_AUTO_TEST_CASE(reading_and_dumping_answer_as_of_now)
{
    for_both(R"("span":10)", [](timed& w) {
        w.send("1");
        server::pass(5s);
        w.send("3");
        server::pass(4999ms);
        BOOST_TEST(w.send("{\"op\":\"read\"}") == "{\"yield\":2}\n");
        server::pass(1ms);
        BOOST_TEST(w.send("{\"op\":\"read\"}") == "{\"yield\":3}\n");
        BOOST_TEST(w.send("{\"op\":\"dump\"}") == "{\"yield\":1,\"dump\":[3]}\n");
        server::pass(5s);
        BOOST_TEST(w.send("{\"op\":\"dump\"}") == "{\"yield\":0,\"dump\":[]}\n");
        BOOST_TEST(w.send("{\"op\":\"read\"}") == "{\"yield\":null}\n");
        BOOST_TEST(w.send("5") == "5\n");
    });
}

BOOST_AUTO_TEST_CASE(lists_count_what_is_in_a_window_now)
{
    server host;
    connection tested(host);
    tested.send("{\"op\":\"open\",\"window\":\"w\",\"span\":10,\"data\":[1,2]}\n");
    auto const counted = [&](std::string const& line) {
        auto const reply = parsed(tested.send(line + "\n"));
        auto const& window =
            reply.as_object().contains("windows") ? reply.at("windows").at(0) : reply.at("window");
        return std::to_string(window.at("count").to_number<int>()) + " of " +
               std::to_string(window.at("n").to_number<int>());
    };
    server::pass(9s);
    BOOST_TEST(counted("{\"op\":\"windows\"}") == "2 of 2");
    server::pass(1s);
    BOOST_TEST(counted("{\"op\":\"windows\"}") == "0 of 2");
    tested.send("5\n");
    BOOST_TEST(counted("{\"op\":\"open\",\"window\":\"w\"}") == "1 of 3");
    server::pass(10s);
    BOOST_TEST(counted("{\"op\":\"open\",\"window\":\"w\"}") == "0 of 3");
}

BOOST_AUTO_TEST_CASE(data_arrives_when_the_window_is_opened)
{
    for_both(R"("span":10,"data":[1,3])", [](timed& w) {
        BOOST_TEST(w.answer.find("\"count\":2") != std::string::npos);
        server::pass(9s);
        BOOST_TEST(w.send("{\"op\":\"read\"}") == "{\"yield\":2}\n");
        BOOST_TEST(w.send("8") == "4\n");
        server::pass(1s);
        BOOST_TEST(w.send("{\"op\":\"read\"}") == "{\"yield\":8}\n");
    });
}

BOOST_AUTO_TEST_CASE(min_count_holds_for_what_is_in_the_window_now)
{
    for_both(R"("span":10,"min_count":2)", [](timed& w) {
        BOOST_TEST(w.send("[1,3]") == "[null,2]\n");
        server::pass(9s);
        BOOST_TEST(w.send("5") == "3\n");
        server::pass(1s);
        BOOST_TEST(w.send("{\"op\":\"read\"}") == "{\"yield\":null}\n");
        BOOST_TEST(w.send("7") == "6\n");
    });
}

BOOST_AUTO_TEST_CASE(a_value_may_come_with_its_time)
{
    for_both(R"("span":10,"stats":["count","last"])", [](timed& w) {
        BOOST_TEST(w.at("1", "100") == "{\"yield\":{\"count\":1,\"last\":1}}\n");
        BOOST_TEST(w.at("2", "109.999") == "{\"yield\":{\"count\":2,\"last\":2}}\n");
        BOOST_TEST(w.at("3", "1.1e2") == "{\"yield\":{\"count\":2,\"last\":3}}\n");
        BOOST_TEST(w.send(R"({"op":"send","values":[4,null,5],"at":115,"id":7})") ==
                   "{\"id\":7,\"yield\":[{\"count\":3,\"last\":4},null,{\"count\":4,\"last\":5}]}\n");
        BOOST_TEST(w.at("6", "1e9") == "{\"yield\":{\"count\":1,\"last\":6}}\n");
    });
    for_both(R"("span":1,"stats":["count"])", [](timed& w) {
        BOOST_TEST(w.at("1", "-5.5") == "{\"yield\":1}\n"); // before 1970
        BOOST_TEST(w.at("1", "-5") == "{\"yield\":2}\n");
        BOOST_TEST(w.at("1", "0") == "{\"yield\":1}\n");
    });
}

BOOST_AUTO_TEST_CASE(a_time_that_goes_back_is_refused_and_nothing_has_changed)
{
    for_both(R"("span":10)", [](timed& w) {
        w.at("2", "105");
        BOOST_TEST(w.at("4", "105") == "{\"yield\":3}\n"); // the same time is no step back
        BOOST_TEST(w.at("100", "104.99999999999999") == std::string(out_of_order) + "\n");
        BOOST_TEST(w.send(R"({"op":"send","values":[null,100,200],"at":0,"id":1})") ==
                   "{\"id\":1,\"yield\":[null,null,null],\"error\":{\"code\":\"out_of_order\",\"index\":1,"
                   "\"message\":\"'at' must not go back: the window's newest value has a later time\"}}\n");
        BOOST_TEST(w.send("{\"op\":\"dump\"}") == "{\"yield\":2,\"dump\":[2,4]}\n");
        BOOST_TEST(w.at("6", "106") == "{\"yield\":4}\n");
    });
}

BOOST_AUTO_TEST_CASE(after_a_clear_any_time_is_good)
{
    for_both(R"("span":10)", [](timed& w) {
        w.at("2", "105");
        w.send(R"({"op":"clear"})");
        BOOST_TEST(w.at("4", "50") == "{\"yield\":4}\n");
    });
}

BOOST_AUTO_TEST_CASE(the_first_refused_of_several_reasons_is_told)
{
    for_both(R"("span":10)", [](timed& w) {
        w.at("2", "105");
        auto const late = w.send(R"({"op":"send","values":[1,"x"],"at":5})");
        BOOST_TEST(code_of(late) == "out_of_order");
        BOOST_TEST(parsed(late).at("error").at("index").to_number<int>() == 0);
        auto const text = w.send(R"({"op":"send","values":["x",1],"at":5})");
        BOOST_TEST(code_of(text) == "not_a_number");
        BOOST_TEST(parsed(text).at("error").at("index").to_number<int>() == 0);
        BOOST_TEST(message_of(text).find("a string") != std::string::npos);
    });
}

BOOST_AUTO_TEST_CASE(times_are_for_windows_of_time)
{
    for_both(R"("size":3)", [](timed& w) {
        constexpr std::string_view message =
            R"("message":"'at' is for windows of time, and this is none; {\"op\":\"open\",\"span\":30} starts one"}})";
        w.send("5");
        BOOST_TEST(w.at("7", "1000000") ==
                   "{\"yield\":null,\"error\":{\"code\":\"bad_member\"," + std::string(message) + "\n");
        BOOST_TEST(w.send(R"({"op":"send","values":[null,7],"at":5})") ==
                   "{\"yield\":[null,null],\"error\":{\"code\":\"bad_member\",\"index\":1," +
                       std::string(message) + "\n");
        BOOST_TEST(w.send("7") == "6\n");
    });
}

BOOST_AUTO_TEST_CASE(a_time_is_a_number)
{
    for_both(R"("span":10)", [](timed& w) {
        for (auto const* time : {"null", "\"5\"", "true", "[]", "[5]", "{}"}) {
            auto const reply = w.at("5", time);
            BOOST_TEST(code_of(reply) == "bad_member", reply);
            BOOST_TEST(message_of(reply) == "'at' has to be a number of seconds since 1970");
        }
        BOOST_TEST(code_of(w.at("5", "1e400")) == "out_of_range");
        BOOST_TEST(code_of(w.at("5", "-1e400")) == "out_of_range");
        BOOST_TEST(code_of(w.send(R"({"op":"send","at":5})")) == "missing_member");
        BOOST_TEST(w.send("{\"op\":\"dump\"}") == "{\"yield\":0,\"dump\":[]}\n");
    });
}

BOOST_AUTO_TEST_CASE(a_window_of_times_that_came_with_the_values_stands_still_between_them)
{
    for_both(R"("span":10)", [](timed& w) {
        w.at("2", "1000000");
        w.at("4", "1000005");
        server::pass(1h);
        BOOST_TEST(w.send("{\"op\":\"read\"}") == "{\"yield\":3}\n");
        BOOST_TEST(w.send("{\"op\":\"dump\"}") == "{\"yield\":2,\"dump\":[2,4]}\n");
        BOOST_TEST(w.at("6", "1000006") == "{\"yield\":4}\n");
        BOOST_TEST(w.send("8") == "8\n"); // this one arrives: the others are an hour old
        server::pass(10s);
        BOOST_TEST(w.send("{\"op\":\"read\"}") == "{\"yield\":null}\n");
    });
}

BOOST_AUTO_TEST_CASE(times_and_arrivals_may_be_mixed_as_long_as_time_does_not_go_back)
{
    for_both(R"("span":10,"stats":["count"])", [](timed& w) {
        server::pass(5s);
        BOOST_TEST(w.send("1") == "1\n"); // at 1000005
        BOOST_TEST(code_of(w.at("2", "1000004.9")) == "out_of_order");
        BOOST_TEST(w.at("2", "1000007") == "{\"yield\":2}\n");
        BOOST_TEST(w.send("3") == "3\n"); // an arrival before the newest time counts as that
        BOOST_TEST(code_of(w.at("4", "1000006.9")) == "out_of_order");
        server::pass(11999ms); // 1000016.999
        BOOST_TEST(w.send("{\"op\":\"read\"}") == "{\"yield\":2}\n");
        server::pass(1ms);
        BOOST_TEST(w.send("{\"op\":\"read\"}") == "{\"yield\":null}\n");
        BOOST_TEST(w.at("4", "5") == "{\"yield\":1}\n"); // an empty window has no newest time
    });
}

BOOST_AUTO_TEST_CASE(the_slope_of_a_window_of_time_is_per_second)
{
    for_both(R"("span":100,"stats":["slope"])", [](timed& w) {
        BOOST_TEST(w.send("10") == "null\n");
        BOOST_TEST(w.send("20") == "null\n"); // of equal times there is none
        server::pass(4s);
        BOOST_TEST(w.send("35") == "5\n");
        w.send(R"({"op":"clear"})");
        BOOST_TEST(w.at("1", "0") == "{\"yield\":null}\n");
        BOOST_TEST(w.at("2", "0.5") == "{\"yield\":2}\n");
        BOOST_TEST(w.at("5", "2") == "{\"yield\":2}\n");
    });
    for_both(R"("stats":["slope"])", [](timed& w) {
        w.send("10");
        server::pass(4s);
        BOOST_TEST(w.send("35") == "25\n"); // and of others, per value
    });
}

BOOST_AUTO_TEST_CASE(a_span_is_a_number_of_seconds)
{
    for (auto const* span : {"0", "-0", "-1", "1e-400", "1000000000.0000001", "1e10", "null", "\"5\"", "true",
                             "[]", "[5]", "{}"}) {
        auto const error = check_refused(R"({"op":"open","span":)" + std::string(span) + "}", "bad_member");
        BOOST_TEST(error.at("message").as_string() ==
                   "'span' has to be a number of seconds above 0, at most 1e9");
    }
    check_refused(R"({"op":"open","span":1e400})", "out_of_range");
    for (auto const* span : {"1e+09", "5e-324", "0.1"})
        BOOST_TEST(replies_to(R"({"op":"open","span":)" + std::string(span) + "}")
                       .at(0)
                       .find("\"span\":" + std::string(span) + ",") != std::string::npos);
    check_replies("{\"op\":\"open\",\"span\":5e-324,\"stats\":[\"count\"]}\n[1,2]\n",
                  {R"({"window":{"name":null,"size":10000000,"span":5e-324,"stats":["count"],"count":0,)"
                   R"("min_count":1},"created":true})",
                   "[1,2]"});
}

BOOST_AUTO_TEST_CASE(uptime_and_time_are_of_one_clock)
{
    server host({}, 2500ms);
    connection tested(host);
    BOOST_TEST(tested.send("{\"op\":\"open\",\"span\":10,\"stats\":[\"count\"]}\n5\n").ends_with("}\n1\n"));
    BOOST_TEST(code_of(tested.send("{\"op\":\"send\",\"value\":5,\"at\":1000002.4}\n")) == "out_of_order");
    BOOST_TEST(tested.send("{\"op\":\"send\",\"value\":5,\"at\":1000002.5}\n") == "{\"yield\":2}\n");
}

BOOST_AUTO_TEST_SUITE_END()
