// Conversations, the contract's "Control lines" and "Housekeeping": each op and its reply, ids, the life of a
// window.
#include "protocol/support.hpp"
#include "protocol/version.hpp"

#include <boost/json/serialize.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace windowd::test;
using namespace std::chrono_literals;

constexpr std::string_view closed =
    R"({"error":{"code":"closed","message":"this window is closed; {\"op\":\"open\"} starts another"}})";

std::string throwing(std::string_view exception)
{
    return R"({"op":"throw","exception":")" + std::string(exception) + "\"}\n";
}

} // namespace

BOOST_AUTO_TEST_SUITE(controls)

BOOST_AUTO_TEST_CASE(send_takes_a_value)
{
    check_replies(R"({"op":"send","value":5}
{"op":"send","value":7.0}
{"value":9,"op":"send"}
{"op":"send","value":null}
)",
                  {R"({"yield":5})", R"({"yield":6})", R"({"yield":7})", R"({"yield":null})"});
}

BOOST_AUTO_TEST_CASE(send_takes_several_values)
{
    check_replies(R"({"op":"send","values":[5,7]}
{"op":"send","values":[]}
{"op":"send","values":[null,9]}
)",
                  {R"({"yield":[5,6]})", R"({"yield":[]})", R"({"yield":[null,7]})"});
}

BOOST_AUTO_TEST_CASE(send_of_no_number_yields_nothing_and_an_error)
{
    check_replies(
        R"({"op":"send","value":"x"})",
        {R"({"yield":null,"error":{"code":"not_a_number","message":"a window takes numbers, and this is a string"}})"});
    check_replies(
        R"({"op":"send","values":[5,"x",9]})",
        {R"({"yield":[5,null,7],"error":{"code":"not_a_number","index":1,"message":"a window takes numbers, and this is a string"}})"});
    for (auto const* value : {"true", "{}", "[]", "[5]", "\"5\"", R"({"op":"clear"})"})
        check_refused(R"({"op":"send","value":)" + std::string(value) + "}", "not_a_number");
    check_refused(R"({"op":"send","value":1e400})", "out_of_range");
    check_refused(R"({"op":"send","value":1e99999999999999999999})", "out_of_range");
    check_refused(R"({"op":"send","values":[1e99999999999999999999]})", "out_of_range");
}

BOOST_AUTO_TEST_CASE(send_needs_a_value_or_values_and_not_both)
{
    check_refused(R"({"op":"send"})", "missing_member");
    check_refused(R"({"op":"send","value":1,"values":[2]})", "bad_member");
    for (auto const* values : {"5", "null", "\"x\"", "{}", "true", "1e400"})
        check_refused(R"({"op":"send","values":)" + std::string(values) + "}", "bad_member");
}

BOOST_AUTO_TEST_CASE(next_resumes_with_nothing)
{
    check_replies("{\"op\":\"next\"}\n5\n{\"op\":\"next\"}\n7\n",
                  {R"({"yield":null})", "5", R"({"yield":null})", "6"});
}

BOOST_AUTO_TEST_CASE(a_dump_tells_the_length_and_the_values_oldest_first)
{
    auto const dumped = R"({"yield":3,"dump":[7,9,11]})";
    check_replies("5\n7\n9\n11\n" + throwing("DumpData") + "{\"op\":\"dump\"}\n13\n",
                  {"5", "6", "7", "9", dumped, dumped, "11"});
}

BOOST_AUTO_TEST_CASE(an_empty_window_dumps_as_nothing)
{
    auto const empty = R"({"yield":0,"dump":[]})";
    check_replies("{\"op\":\"dump\"}\n" + throwing("DumpData") + "5\n", {empty, empty, "5"});
}

BOOST_AUTO_TEST_CASE(clear_empties_the_window)
{
    check_replies("5\n{\"op\":\"clear\"}\n{\"op\":\"dump\"}\n9\n" + throwing("ClearWindow") + "11\n",
                  {"5", R"({"yield":null})", R"({"yield":0,"dump":[]})", "9", R"({"yield":null})", "11"});
}

BOOST_AUTO_TEST_CASE(read_tells_the_statistic_and_changes_nothing)
{
    check_replies("{\"op\":\"read\"}\n5\n8\n{\"op\":\"read\"}\n" + throwing("ReadStatistics") +
                      "{\"op\":\"dump\"}\n",
                  {R"({"yield":null})", "5", "6.5", R"({"yield":6.5})", R"({"yield":6.5})",
                   R"({"yield":2,"dump":[5,8]})"});
}

BOOST_AUTO_TEST_CASE(a_closed_window_answers_every_resumption_with_closed_until_open)
{
    for (auto const& closing : {std::string("{\"op\":\"close\"}\n"), throwing("GeneratorExit")}) {
        auto expected = std::vector<std::string>{"5", R"({"closed":true})"};
        expected.insert(expected.end(), 16, std::string(closed));
        expected.insert(
            expected.end(),
            {R"({"pong":true})",
             R"({"window":{"name":null,"size":3,"stats":["mean"],"count":0,"min_count":1},"created":true})",
             "9"});
        check_replies("5\n" + closing + "5\nnull\n[1]\n[]\n\"x\"\n1e400\n{}\n" +
                          R"({"op":"send","value":1}
{"op":"send","values":[1]}
{"op":"next"}
{"op":"read"}
{"op":"clear"}
{"op":"dump"}
{"op":"close"}
)" + throwing("GeneratorExit") +
                          throwing("DumpData") + R"({"op":"ping"}
{"op":"open"}
9
)",
                      expected);
    }
}

BOOST_AUTO_TEST_CASE(a_window_can_be_closed_before_its_first_value_and_in_the_middle_of_its_life)
{
    check_replies("{\"op\":\"close\"}\n5\n", {R"({"closed":true})", std::string(closed)});
    check_replies("5\n{\"op\":\"dump\"}\n{\"op\":\"close\"}\n5\n",
                  {"5", R"({"yield":1,"dump":[5]})", R"({"closed":true})", std::string(closed)});
}

BOOST_AUTO_TEST_CASE(an_exception_that_is_not_declared_is_refused)
{
    for (auto const* name : {"ValueError", "dumpdata", "", "DumpData ", "StopIteration", "generator_exit"})
        check_refused(R"({"op":"throw","exception":")" + std::string(name) + "\"}", "unknown_exception");
    for (auto const* other : {"5", "null", "[]", "{}", "true", "[\"DumpData\"]"})
        check_refused(R"({"op":"throw","exception":)" + std::string(other) + "}", "bad_member");
    check_refused(R"({"op":"throw"})", "missing_member");
}

BOOST_AUTO_TEST_CASE(an_id_comes_back_first_and_unchanged)
{
    check_replies(R"({"op":"ping","id":1}
{"id":-9007199254740993,"op":"ping"}
{"op":"ping","id":12345678901234567890123456789012345678901234567890}
{"op":"ping","id":-0}
{"op":"ping","id":""}
{"op":"ping","id":"a\"\\\n\u0000\u20ac"}
{"op":"send","value":5,"id":"x"}
{"op":"dump","id":"y"}
{"op":"close","id":2}
)",
                  {R"({"id":1,"pong":true})", R"({"id":-9007199254740993,"pong":true})",
                   R"({"id":12345678901234567890123456789012345678901234567890,"pong":true})",
                   R"({"id":-0,"pong":true})", R"({"id":"","pong":true})",
                   "{\"id\":\"a\\\"\\\\\\n\\u0000\u20ac\",\"pong\":true}", R"({"id":"x","yield":5})",
                   R"({"id":"y","yield":1,"dump":[5]})", R"({"id":2,"closed":true})"});
}

BOOST_AUTO_TEST_CASE(an_id_is_a_string_or_an_integer)
{
    for (auto const* id : {"1.5", "1.0", "1e3", "1e400", "null", "true", "[]", "[1]", "{}", R"({"id":1})"}) {
        auto const error = check_refused(R"({"op":"ping","id":)" + std::string(id) + "}", "bad_member");
        BOOST_TEST(error.at("message").as_string() == "'id' has to be a string or an integer");
    }
}

BOOST_AUTO_TEST_CASE(a_refused_request_gives_its_id_back_where_one_could_be_read)
{
    for (auto const* line :
         {R"({"id":7,"op":"nope"})", R"({"op":"ping","id":7,"foo":1})", R"({"op":"send","id":7})",
          R"({"op":5,"id":7})", R"({"op":"throw","exception":"x","id":7})", R"({"id":7,"op":)",
          R"({"id":7,"op":"ping"} x)", R"({"id":7,"value":NaN})", R"({"op":"open","size":0,"id":7})",
          R"({"op":"send","value":"x","id":7})", R"({"id":7})", R"({"id":7,"op":"ping","op":"ping"})"}) {
        auto const reply = replies_to(line).at(0);
        BOOST_TEST(reply.starts_with(R"({"id":7,)"), reply);
    }
    BOOST_TEST(replies_to("{\"op\":\"close\"}\n{\"op\":\"read\",\"id\":7}")
                   .at(1)
                   .starts_with(R"({"id":7,"error":)"));
    BOOST_TEST(replies_to(R"({"op":x,"id":7})").at(0).starts_with(R"({"error":)"));
}

BOOST_AUTO_TEST_CASE(ping_is_answered)
{
    check_replies(R"({"op":"ping"})", {R"({"pong":true})"});
}

BOOST_AUTO_TEST_CASE(info_tells_version_uptime_counters_and_limits)
{
    server host({}, 2500ms);
    host.limits.idle_timeout = 1500ms;
    host.counters.connections = 3;
    host.counters.accepted = 4;
    host.counters.turned_away = 5;
    connection tested(host);
    auto const reply = lines_of(tested.send("5\nnull\n\"x\"\n{\"op\":\"info\",\"id\":1}\n")).at(3);
    auto const version = std::string(windowd::protocol::version);
    BOOST_TEST(reply ==
               R"({"id":1,"version":")" + version +
                   R"(","protocol":1,"uptime":2.5,"counters":{"connections":3,"accepted":4,"turned_away":5,)"
                   R"("requests":4,"refused":1,"values":1,"windows":0,"subscriptions":0,"events_lost":0},)"
                   R"("limits":{"max_connections":10000,"max_connections_per_peer":0,)"
                   R"("max_refused_per_peer":0,"max_line":1048576,"max_window_size":10000000,)"
                   R"("max_windows":10000,"max_readings":1048576,"max_patterns":1000,"max_subscriptions":64,)"
                   R"("max_event_buffer":4194304,"window_idle_expiry":0,)"
                   R"("idle_timeout":1.5,"write_timeout":60}})");
}

BOOST_AUTO_TEST_CASE(conversations_count_together)
{
    server host;
    connection one(host);
    connection other(host);
    one.send("1\n2\n");
    other.send("3\n\"x\"\n");
    BOOST_TEST(host.counters.requests == 4U);
    BOOST_TEST(host.counters.values == 3U);
    BOOST_TEST(host.counters.refused == 1U);
}

BOOST_AUTO_TEST_CASE(each_connection_has_a_window_of_its_own)
{
    server host;
    connection one(host);
    connection other(host);
    BOOST_TEST(one.send("1\n") == "1\n");
    BOOST_TEST(other.send("5\n{\"op\":\"close\"}\n") == "5\n{\"closed\":true}\n");
    BOOST_TEST(one.send("3\n") == "2\n");
}

BOOST_AUTO_TEST_CASE(help_shows_an_example_of_each_op_and_they_can_be_pasted_in_order)
{
    server host;
    connection pasted(host);
    auto const help = parsed(lines_of(pasted.send("{\"op\":\"help\"}\n")).at(0));
    std::set<std::string> ops;
    for (auto const& row : help.at("help").as_array()) {
        auto const& example = row.at("example").as_object();
        BOOST_TEST(row.at("purpose").as_string().size() > 0U);
        ops.emplace(example.at("op").as_string());
        auto const line = boost::json::serialize(example);
        auto const reply = parsed(lines_of(pasted.send(line + "\n")).at(0));
        BOOST_TEST(reply.as_object().count("error") == 0U, line);
    }
    auto const expected =
        std::set<std::string>{"send",    "next",      "throw",       "dump", "clear", "read", "close", "open",
                              "windows", "subscribe", "unsubscribe", "auth", "ping",  "info", "help"};
    BOOST_TEST(ops == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(steps_are_shown_to_the_servers_observer)
{
    struct counting final : windowd::window::step_observer {
        void on_step(windowd::window::step) noexcept override { ++steps; }
        int steps = 0;
    } observer;
    server host;
    host.observer = &observer;
    connection tested(host);
    tested.send("5\n");
    auto const before = observer.steps;
    BOOST_TEST(before > 0);
    tested.send("{\"op\":\"open\"}\n");
    BOOST_TEST(observer.steps > before);
}

BOOST_AUTO_TEST_SUITE_END()
