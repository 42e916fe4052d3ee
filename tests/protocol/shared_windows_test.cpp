// Conversations, the contract's "Windows": shared windows by name, as one connection and as several see them.
#include "protocol/support.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <deque>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace windowd::test;

std::string window_of(std::string_view name, std::size_t size, std::size_t count, std::size_t n)
{
    return R"({"name":")" + std::string(name) + R"(","size":)" + std::to_string(size) +
           R"(,"stats":["mean"],"count":)" + std::to_string(count) + R"(,"min_count":1,"n":)" +
           std::to_string(n) + "}";
}

std::string opened(std::string_view window, bool created)
{
    return R"({"window":)" + std::string(window) + R"(,"created":)" + (created ? "true}" : "false}");
}

// What a client can see of a window: its values, and how often it has changed.
std::string state_of(connection& asked, std::string_view name)
{
    return asked.send(named("dump", name) + R"({"op":"windows","match":")" + std::string(name) + "\"}\n");
}

std::string_view constexpr closed = "{\"error\":{\"code\":\"closed\",\"message\":\"this window is closed; "
                                    "{\\\"op\\\":\\\"open\\\"} starts another\"}}";

constexpr std::string_view every_resumption[] = {
    "5",
    "null",
    "[1]",
    "[]",
    "\"x\"",
    "1e400",
    "{}",
    R"({"value":5})",
    R"({"op":"send","value":1})",
    R"({"op":"send","values":[1]})",
    R"({"op":"send","values":[]})",
    R"({"op":"next"})",
    R"({"op":"read"})",
    R"({"op":"clear"})",
    R"({"op":"dump"})",
    R"({"op":"close"})",
    R"({"op":"throw","exception":"DumpData"})",
    R"({"op":"throw","exception":"ClearWindow"})",
    R"({"op":"throw","exception":"ReadStatistics"})",
    R"({"op":"throw","exception":"GeneratorExit"})",
};

} // namespace

BOOST_AUTO_TEST_SUITE(shared_windows)

BOOST_AUTO_TEST_CASE(open_makes_the_window_of_that_name_and_makes_it_the_connections_own)
{
    check_replies(named("open", "cpu.load", R"("size":2)") +
                      "5\n7\n9\n{\"op\":\"dump\"}\n{\"op\":\"windows\"}\n",
                  {opened(window_of("cpu.load", 2, 0, 0), true), "5", "6", "8", R"({"yield":2,"dump":[7,9]})",
                   R"({"windows":[)" + window_of("cpu.load", 2, 2, 3) + R"(],"more":false})"});
}

BOOST_AUTO_TEST_CASE(open_joins_the_window_that_there_is)
{
    server host;
    connection one(host);
    connection other(host);
    one.send(named("open", "cpu", R"("size":4)") + "1\n3\n");
    BOOST_TEST(other.send(named("open", "cpu")) == opened(window_of("cpu", 4, 2, 2), false) + "\n");
    BOOST_TEST(other.send("5\n") == "3\n");
    BOOST_TEST(one.send("7\n") == "4\n");
    BOOST_TEST(one.send(named("open", "cpu")) == opened(window_of("cpu", 4, 4, 4), false) + "\n");
}

BOOST_AUTO_TEST_CASE(joining_with_members_that_say_what_is_so_joins)
{
    server host;
    connection one(host);
    connection other(host);
    one.send(named("open", "w", R"("size":5,"min_count":2,"span":30,"stats":["mean","p95"])"));
    for (auto const* members :
         {R"("size":5)", R"("min_count":2)", R"("span":30)", R"("stats":["mean","p95"])", R"("data":[])",
          R"("span":3e1,"size":5.0,"min_count":2,"stats":["mean","p95"],"data":[])"}) {
        auto const reply = parsed(other.send(named("open", "w", members)));
        BOOST_TEST(reply.as_object().contains("window"), members);
        BOOST_TEST(reply.at("created").as_bool() == false);
    }
}

BOOST_AUTO_TEST_CASE(joining_with_members_that_contradict_the_window_is_refused_and_changes_nothing)
{
    server host;
    connection one(host);
    connection other(host);
    one.send(named("open", "w", R"("size":5,"min_count":2,"stats":["mean","p95"])") + "1\n");
    other.send("8\n");
    auto const before = state_of(one, "w");
    for (auto const* members :
         {R"("size":4)", R"("size":6)", R"("min_count":1)", R"("min_count":5)", R"("min_count":7)",
          R"("span":30)", R"("stats":["mean"])", R"("stats":["p95","mean"])", R"("stats":["mean","p95.0"])",
          R"("data":[1])", R"("size":5,"stats":["max"])"}) {
        auto const reply = other.send(named("open", "w", members));
        BOOST_TEST(code_of(reply) == "window_mismatch", members << ": " << reply);
        BOOST_TEST(message_of(reply).find("size 5, min_count 2, no span, stats mean, p95") !=
                   std::string::npos);
    }
    BOOST_TEST(state_of(one, "w") == before);
    BOOST_TEST(other.send("10\n") == "9\n"); // still its private window
}

BOOST_AUTO_TEST_CASE(a_window_of_time_is_not_joined_with_another_span)
{
    server host;
    connection tested(host);
    tested.send(named("open", "w", R"("span":30)"));
    for (auto const* members : {R"("span":30.000000000000004)", R"("span":60)", R"("size":3)"}) {
        auto const reply = tested.send(named("open", "w", members));
        BOOST_TEST(code_of(reply) == "window_mismatch", members << ": " << reply);
        BOOST_TEST(message_of(reply).find("span 30,") != std::string::npos);
    }
}

BOOST_AUTO_TEST_CASE(data_fills_a_new_window_and_counts_as_sent)
{
    server host;
    connection tested(host);
    BOOST_TEST(tested.send(named("open", "w", R"("data":[1,2,3,4,5])")) ==
               opened(window_of("w", 3, 3, 5), true) + "\n");
    BOOST_TEST(tested.send("{\"op\":\"dump\"}\n6\n") == "{\"yield\":3,\"dump\":[3,4,5]}\n5\n");
    BOOST_TEST(host.counters.values == 6U);
    BOOST_TEST(tested.send(named("open", "other", R"("size":7,"data":[])")) ==
               opened(window_of("other", 7, 0, 0), true) + "\n");
}

BOOST_AUTO_TEST_CASE(what_opening_says_wrong_is_refused_and_makes_no_window)
{
    server host;
    connection tested(host);
    tested.send("5\n");
    for (auto const* members :
         {R"("size":0)", R"("size":2,"min_count":3)", R"("min_count":4)", R"("data":[1,"x"])", R"("data":5)",
          R"("span":0)", R"("stats":[])", R"("stats":["mode"])"})
        BOOST_TEST(code_of(tested.send(named("open", "w", members))) == "bad_member", members);
    BOOST_TEST(code_of(tested.send(named("open", "w", R"("data":[1e400])"))) == "out_of_range");
    BOOST_TEST(code_of(tested.send(named("open", "w", R"("value":1)"))) == "unknown_member");
    BOOST_TEST(tested.send("{\"op\":\"windows\"}\n") == "{\"windows\":[],\"more\":false}\n");
    BOOST_TEST(tested.send("7\n") == "6\n");
}

BOOST_AUTO_TEST_CASE(any_request_may_name_a_window_for_itself_alone)
{
    check_replies(
        "100\n" + named("send", "w", R"("value":5)") + named("send", "w", R"("values":[7,9,11])") +
            named("next", "w") + named("dump", "w") + named("throw", "w", R"("exception":"DumpData")") +
            named("read", "w") + named("throw", "w", R"("exception":"ReadStatistics")") +
            named("clear", "w") + named("read", "w") + named("send", "w", R"("value":4)") +
            named("throw", "w", R"("exception":"ClearWindow")") + named("dump", "w") +
            named("throw", "w", R"("exception":"GeneratorExit")") + "200\n{\"op\":\"dump\"}\n",
        {"100", R"({"yield":5})", R"({"yield":[6,7,9]})", R"({"yield":null})",
         R"({"yield":3,"dump":[7,9,11]})", R"({"yield":3,"dump":[7,9,11]})", R"({"yield":9})",
         R"({"yield":9})", R"({"yield":null})", R"({"yield":null})", R"({"yield":4})", R"({"yield":null})",
         R"({"yield":0,"dump":[]})", R"({"closed":true})", "150", R"({"yield":2,"dump":[100,200]})"});
}

BOOST_AUTO_TEST_CASE(where_no_window_is_needed_a_name_is_checked_and_ignored)
{
    server host;
    connection tested(host);
    BOOST_TEST(tested.send(named("ping", "nobody.made.this")) == "{\"pong\":true}\n");
    BOOST_TEST(parsed(tested.send(named("info", "w"))).as_object().contains("version"));
    BOOST_TEST(parsed(tested.send(named("help", "w"))).as_object().contains("help"));
    BOOST_TEST(tested.send(named("windows", "w")) == "{\"windows\":[],\"more\":false}\n");
    for (auto const* op : {"ping", "info", "help", "windows"})
        BOOST_TEST(code_of(tested.send(named(op, "no name"))) == "bad_member", op);
}

BOOST_AUTO_TEST_CASE(the_name_of_another_window_is_for_one_request_also_if_the_own_one_is_shared)
{
    server host;
    connection tested(host);
    tested.send(named("open", "a") + "1\n");
    BOOST_TEST(tested.send(named("send", "b", R"("value":50)")) == "{\"yield\":50}\n");
    BOOST_TEST(tested.send("3\n") == "2\n");
    BOOST_TEST(tested.send(named("read", "a") + named("read", "b")) == "{\"yield\":2}\n{\"yield\":50}\n");
}

BOOST_AUTO_TEST_CASE(the_first_value_sent_to_a_new_name_makes_a_window_with_the_defaults)
{
    setup with;
    with.default_window = {.size = 2, .min_count = 2};
    check_replies(
        named("send", "w", R"("value":5)") + named("send", "w", R"("values":[7,9])") + R"({"op":"windows"})",
        {R"({"yield":null})", R"({"yield":[6,8]})",
         R"({"windows":[{"name":"w","size":2,"stats":["mean"],"count":2,"min_count":2,"n":3}],"more":false})"},
        with);
    check_replies(named("send", "w", R"("values":["x",null,5])") + named("dump", "w"),
                  {R"({"yield":[null,null,5],"error":{"code":"not_a_number","index":0,"message":)"
                   R"("a window takes numbers, and this is a string"}})",
                   R"({"yield":1,"dump":[5]})"});
}

BOOST_AUTO_TEST_CASE(a_send_that_is_not_refused_makes_a_window_though_there_is_nothing_to_take)
{
    for (auto const& [members, reply] :
         std::vector<std::pair<std::string, std::string>>{{R"("value":null)", R"({"yield":null})"},
                                                          {R"("values":[])", R"({"yield":[]})"},
                                                          {R"("values":[null])", R"({"yield":[null]})"}})
        check_replies(
            named("send", "w", members) + named("read", "w") + R"({"op":"windows"})",
            {reply, R"({"yield":null})", "{\"windows\":[" + window_of("w", 3, 0, 0) + R"(],"more":false})"});
}

BOOST_AUTO_TEST_CASE(a_send_that_is_refused_makes_no_window)
{
    struct {
        std::string_view members;
        std::string_view reply;
    } const cases[] = {
        {R"("value":"x")", R"({"yield":null,"error":{"code":"not_a_number",)"},
        {R"("value":1e400)", R"({"yield":null,"error":{"code":"out_of_range",)"},
        {R"("values":[null,true])", R"({"yield":[null,null],"error":{"code":"not_a_number","index":1,)"},
        {R"("value":5,"at":5)", R"({"yield":null,"error":{"code":"bad_member",)"}};
    for (auto const& [members, reply] : cases) {
        auto const replies =
            replies_to(named("send", "w", members) + named("read", "w") + R"({"op":"windows"})");
        BOOST_TEST(replies.at(0).starts_with(reply), replies.at(0));
        BOOST_TEST(code_of(replies.at(1)) == "no_such_window");
        BOOST_TEST(replies.at(2) == R"({"windows":[],"more":false})");
    }
}

BOOST_AUTO_TEST_CASE(other_requests_that_name_no_window_find_none)
{
    for (auto const& line : {named("next", "w"), named("dump", "w"), named("clear", "w"), named("read", "w"),
                             named("close", "w"), named("throw", "w", R"("exception":"DumpData")"),
                             named("throw", "w", R"("exception":"ClearWindow")"),
                             named("throw", "w", R"("exception":"ReadStatistics")"),
                             named("throw", "w", R"("exception":"GeneratorExit")")})
        check_refused(line, "no_such_window");
    check_replies(named("read", "w", R"("id":1)"),
                  {R"({"id":1,"error":{"code":"no_such_window","message":"there is no window of that name; )"
                   R"('open' with 'window' makes one, as 'send' does"}})"});
}

BOOST_AUTO_TEST_CASE(an_exception_that_is_not_declared_is_refused_whatever_the_window)
{
    check_refused(R"({"op":"throw","window":"w","exception":"ValueError"})", "unknown_exception");
    check_refused(R"({"op":"throw","window":"w"})", "missing_member");
    check_refused(R"({"op":"throw","window":"w","exception":5})", "bad_member");
}

BOOST_AUTO_TEST_CASE(value_lines_resume_the_own_window_as_they_do_a_private_one)
{
    check_replies(
        named("open", "w") + R"(5
null
[7,9]
[]
[11,"x",null,13]
"x"
1e400
{"value":5,"id":"y"}
true
{"op":"dump"}
)",
        {opened(window_of("w", 3, 0, 0), true), "5", "null", "[6,7]", "[]",
         R"({"yield":[9,null,null,11],"error":{"code":"not_a_number","index":1,"message":"a window takes numbers, and this is a string"}})",
         R"({"yield":null,"error":{"code":"not_a_number","message":"a window takes numbers, and this is a string"}})",
         R"({"yield":null,"error":{"code":"out_of_range","message":"a number is at most 1.7976931348623157e308 in magnitude"}})",
         R"({"id":"y","yield":null,"error":{"code":"not_a_number","message":"a window takes numbers, and this is an object; a line that is an object with 'op' is a request; for help send {\"op\":\"help\"}"}})",
         R"({"yield":null,"error":{"code":"not_a_number","message":"a window takes numbers, and this is true or false"}})",
         R"({"yield":3,"dump":[9,11,13]})"});
}

BOOST_AUTO_TEST_CASE(close_ends_a_window_for_everyone_and_frees_the_name)
{
    server host;
    connection owner(host);
    connection closer(host);
    owner.send(named("open", "w") + "5\n");
    BOOST_TEST(closer.send(named("close", "w")) == "{\"closed\":true}\n");
    BOOST_TEST(closer.send("{\"op\":\"windows\"}\n") == "{\"windows\":[],\"more\":false}\n");
    BOOST_TEST(code_of(owner.send(named("read", "w"))) == "no_such_window");
    for (auto const resumption : every_resumption)
        BOOST_TEST(owner.send(std::string(resumption) + "\n") == std::string(closed) + "\n", resumption);
    BOOST_TEST(owner.send("{\"op\":\"open\"}\n7\n") ==
               "{\"window\":{\"name\":null,\"size\":3,\"stats\":[\"mean\"],\"count\":0,\"min_count\":1},"
               "\"created\":true}\n7\n");
}

BOOST_AUTO_TEST_CASE(who_closes_the_own_window_has_none_until_another_is_opened)
{
    server host;
    connection tested(host);
    tested.send(named("open", "w") + "5\n");
    BOOST_TEST(tested.send("{\"op\":\"close\",\"id\":1}\n") == "{\"id\":1,\"closed\":true}\n");
    BOOST_TEST(tested.send("7\n") == std::string(closed) + "\n");
    BOOST_TEST(
        tested.send("{\"op\":\"read\",\"id\":2}\n").starts_with(R"({"id":2,"error":{"code":"closed",)"));
    BOOST_TEST(tested.send(named("open", "w") + "7\n") == opened(window_of("w", 3, 0, 0), true) + "\n7\n");
}

BOOST_AUTO_TEST_CASE(a_window_that_was_closed_stays_closed_when_its_name_is_taken_again)
{
    server host;
    connection owner(host);
    connection other(host);
    owner.send(named("open", "w") + "5\n");
    other.send(named("close", "w") + named("open", "w") + "100\n");
    for (auto const resumption : every_resumption)
        BOOST_TEST(owner.send(std::string(resumption) + "\n") == std::string(closed) + "\n", resumption);
    BOOST_TEST(owner.send(named("read", "w")) == "{\"yield\":100}\n"); // by name it is the new one
    BOOST_TEST(owner.send("5\n") == std::string(closed) + "\n");
    BOOST_TEST(owner.send(named("open", "w") + "200\n") ==
               opened(window_of("w", 3, 1, 1), false) + "\n150\n");
}

BOOST_AUTO_TEST_CASE(windows_outlive_connections)
{
    server host;
    {
        connection first(host);
        first.send(named("open", "w") + "5\n7\n");
        first.finish();
    }
    connection second(host);
    BOOST_TEST(second.send(named("send", "w", R"("value":9)")) == "{\"yield\":7}\n");
}

BOOST_AUTO_TEST_CASE(a_private_window_takes_the_place_of_a_shared_one_and_the_other_way_round)
{
    server host;
    connection tested(host);
    BOOST_TEST(lines_of(tested.send("1\n" + named("open", "w") + "2\n{\"op\":\"open\"}\n4\n" +
                                    named("open", "w") + "6\n"))
                   .back() == "4");
    BOOST_TEST(tested.send(named("dump", "w")) == "{\"yield\":2,\"dump\":[2,6]}\n");
    BOOST_TEST(
        tested.send("{\"op\":\"open\"}\n{\"op\":\"dump\"}\n").ends_with("{\"yield\":0,\"dump\":[]}\n"));
}

BOOST_AUTO_TEST_CASE(a_refused_open_leaves_a_shared_window_the_own_one)
{
    server host;
    connection tested(host);
    tested.send(named("open", "a") + "1\n" + named("send", "b", R"("value":50)"));
    BOOST_TEST(code_of(tested.send(named("open", "b", R"("size":9)"))) == "window_mismatch");
    BOOST_TEST(code_of(tested.send(named("open", "c", R"("size":0)"))) == "bad_member");
    BOOST_TEST(code_of(tested.send("{\"op\":\"open\",\"size\":0}\n")) == "bad_member");
    BOOST_TEST(tested.send("3\n") == "2\n");
}

BOOST_AUTO_TEST_CASE(names_are_of_letters_digits_and_a_few_marks)
{
    server host;
    connection tested(host);
    for (auto const& name : {std::string("a"), std::string("Z9._:/-"), std::string("-"), std::string("..///"),
                             std::string(128, 'x'), std::string("null"), std::string("0")}) {
        BOOST_TEST(tested.send(named("send", name, R"("value":5)")) == "{\"yield\":5}\n", name);
        BOOST_TEST(tested.send(named("open", name)) == opened(window_of(name, 3, 1, 1), false) + "\n");
    }
    tested.send(R"({"op":"read","window":"\u0061"})"
                "\n"); // as JSON writes it is no matter
    auto const before = tested.send("{\"op\":\"windows\"}\n");
    for (auto const& name : {std::string(R"("")"), '"' + std::string(129, 'x') + '"', std::string(R"("a b")"),
                             std::string(R"("a*")"), std::string(R"("*")"), std::string("\"\u00e9\""),
                             std::string(R"("a\u0000")"), std::string(R"("a\n")"), std::string(R"("a,b")"),
                             std::string("5"), std::string("null"), std::string("true"),
                             std::string(R"(["a"])"), std::string("{}"), std::string("1e400")}) {
        for (std::string_view const op : {"open", "send", "read", "next", "dump", "clear", "close", "ping"}) {
            auto const line = R"({"op":")" + std::string(op) + R"(","window":)" + name +
                              (op == "send" ? ",\"value\":1}\n" : "}\n");
            auto const reply = tested.send(line);
            BOOST_TEST(code_of(reply) == "bad_member", line << reply);
            BOOST_TEST(message_of(reply).starts_with("'window' has to be 1 to 128 characters of "));
        }
    }
    BOOST_TEST(tested.send("{\"op\":\"windows\"}\n") == before);
}

BOOST_AUTO_TEST_CASE(no_more_windows_are_made_than_the_limit_allows)
{
    setup with;
    with.limits.windows.max_windows = 2;
    server host(with);
    connection tested(host);
    tested.send("5\n" + named("send", "a", R"("value":1)") + named("send", "b", R"("value":1)"));
    for (auto const& line : {named("open", "c"), named("send", "c", R"("value":1)"),
                             named("send", "c", R"("values":[null,1])")}) {
        auto const reply = tested.send(line);
        BOOST_TEST(code_of(reply) == "limit_reached", reply);
        BOOST_TEST(message_of(reply).find("which is 2;") != std::string::npos);
    }
    auto const refused = tested.send(named("send", "c", R"("value":"x")")); // would make none
    BOOST_TEST(code_of(refused) == "not_a_number");
    BOOST_TEST(tested.send("7\n") == "6\n");
    BOOST_TEST(tested.send(named("open", "a")) == opened(window_of("a", 3, 1, 1), false) + "\n");
    tested.send(named("close", "b"));
    BOOST_TEST(tested.send(named("open", "c")) == opened(window_of("c", 3, 0, 0), true) + "\n");
    BOOST_TEST(host.windows().count() == 2U);
}

BOOST_AUTO_TEST_CASE(windows_are_listed_in_name_order_page_by_page)
{
    server host;
    connection tested(host);
    for (auto const* name : {"cpu.b", "mem", "cpu.a", "cpu", "CPU", "cpu.c"})
        tested.send(named("send", name, R"("value":1)"));
    auto const listed = [&](std::string const& members) {
        auto const reply = parsed(tested.send(R"({"op":"windows")" + members + "}\n"));
        std::string names;
        for (auto const& one : reply.at("windows").as_array())
            names += std::string(one.at("name").as_string()) + ' ';
        return names + (reply.at("more").as_bool() ? "and more" : "and no more");
    };
    BOOST_TEST(listed("") == "CPU cpu cpu.a cpu.b cpu.c mem and no more");
    BOOST_TEST(listed(R"(,"match":"cpu.*")") == "cpu.a cpu.b cpu.c and no more");
    BOOST_TEST(listed(R"(,"match":"*c*")") == "cpu cpu.a cpu.b cpu.c and no more");
    BOOST_TEST(listed(R"(,"match":"*.*")") == "cpu.a cpu.b cpu.c and no more");
    BOOST_TEST(listed(R"(,"match":"cpu")") == "cpu and no more");
    BOOST_TEST(listed(R"(,"match":"c*.*b")") == "cpu.b and no more");
    BOOST_TEST(listed(R"(,"match":"nothing*")") == "and no more");
    BOOST_TEST(listed(R"(,"limit":2)") == "CPU cpu and more");
    BOOST_TEST(listed(R"(,"limit":2,"after":"cpu")") == "cpu.a cpu.b and more");
    BOOST_TEST(listed(R"(,"limit":2,"after":"cpu.b")") == "cpu.c mem and no more");
    BOOST_TEST(listed(R"(,"after":"mem")") == "and no more");
    BOOST_TEST(listed(R"(,"match":"cpu.*","limit":2)") == "cpu.a cpu.b and more");
    BOOST_TEST(listed(R"(,"match":"cpu.*","limit":3)") == "cpu.a cpu.b cpu.c and no more");
    BOOST_TEST(listed(R"(,"match":"cpu.*","limit":2,"after":"cpu.b")") == "cpu.c and no more");
    BOOST_TEST(listed(R"(,"match":"cpu*","after":"cpu.aa","limit":1)") == "cpu.b and more");
    BOOST_TEST(listed(R"(,"limit":1000)") == "CPU cpu cpu.a cpu.b cpu.c mem and no more");
}

BOOST_AUTO_TEST_CASE(a_page_of_windows_has_a_hundred_unless_said_otherwise)
{
    server host;
    connection tested(host);
    for (auto i = 0; i < 1100; ++i)
        tested.send(named("send", "w" + std::to_string(10000 + i), R"("value":1)"));
    auto const page = [&](std::string const& members) {
        return parsed(tested.send(R"({"op":"windows")" + members + "}\n"));
    };
    BOOST_TEST(page("").at("windows").as_array().size() == 100U);
    BOOST_TEST(page("").at("more").as_bool());
    BOOST_TEST(page(R"(,"limit":1000)").at("windows").as_array().size() == 1000U);
    auto const rest = page(R"(,"limit":1000,"after":"w10999")");
    BOOST_TEST(rest.at("windows").as_array().size() == 100U);
    BOOST_TEST(!rest.at("more").as_bool());
}

BOOST_AUTO_TEST_CASE(a_list_says_what_it_wants_in_a_few_members)
{
    for (auto const* members : {R"("match":5)", R"("match":"")", R"("match":"a b")", R"("match":null)",
                                R"("after":"a*")", R"("after":5)", R"("limit":0)", R"("limit":1001)",
                                R"("limit":1.5)", R"("limit":"5")", R"("limit":null)"})
        check_refused(R"({"op":"windows",)" + std::string(members) + "}", "bad_member");
    check_replies(R"({"op":"windows","after":""})", {R"({"windows":[],"more":false})"});
    check_refused(R"({"op":"windows","limit":1e400})", "out_of_range");
    check_refused(R"({"op":"windows","size":5})", "unknown_member");
    for (auto const* op : {"send", "open", "read", "ping"})
        check_refused(R"({"op":")" + std::string(op) + R"(","match":"x"})", "unknown_member");
}

BOOST_AUTO_TEST_CASE(others_have_their_turn_after_a_request_that_looks_at_many_windows)
{
    server host;
    windowd::protocol::conversation tested(host);
    for (auto const& line :
         {std::string("{\"op\":\"windows\"}\n"), named("subscribe", "*"), named("unsubscribe", "*"),
          named("open", "new"), named("send", "newer", R"("value":5)")}) {
        windowd::protocol::output_buffer out;
        auto const input = line + line;
        BOOST_TEST(tested.feed(input, out) == line.size(), line);
        BOOST_TEST(tested.feed(line, out) == line.size(), line);
        BOOST_TEST(!tested.pending());
    }
}

BOOST_AUTO_TEST_CASE(a_window_is_listed_with_its_span)
{
    server host;
    connection tested(host);
    tested.send(named("open", "a", R"("span":2.5,"size":7,"min_count":3,"stats":["max","p99.9"])") +
                named("open", "b", R"("span":60)"));
    BOOST_TEST(
        tested.send("{\"op\":\"windows\"}\n") ==
        "{\"windows\":[{\"name\":\"a\",\"size\":7,\"span\":2.5,\"stats\":[\"max\",\"p99.9\"],\"count\":0,"
        "\"min_count\":3,\"n\":0},{\"name\":\"b\",\"size\":10000000,\"span\":60,\"stats\":[\"mean\"],"
        "\"count\":0,\"min_count\":1,\"n\":0}],\"more\":false}\n");
}

BOOST_AUTO_TEST_CASE(n_counts_the_changes_of_a_window)
{
    server host;
    connection tested(host);
    auto const n = [&] {
        return parsed(tested.send(named("open", "w"))).at("window").at("n").to_number<int>();
    };
    tested.send(named("open", "w", R"("size":2,"data":[1,2,3])"));
    BOOST_TEST(n() == 3);
    tested.send("4\n[5,null,6,\"x\"]\n");
    BOOST_TEST(n() == 6);
    for (auto const* line : {"null", R"("x")", "1e400", "[]", R"({"op":"next"})", R"({"op":"read"})",
                             R"({"op":"dump"})", "nonsense"})
        tested.send(std::string(line) + "\n");
    BOOST_TEST(n() == 6);
    tested.send("{\"op\":\"clear\"}\n");
    BOOST_TEST(n() == 7);
    tested.send("{\"op\":\"clear\"}\n"); // also of an empty one
    BOOST_TEST(n() == 8);
    tested.send("{\"op\":\"send\",\"value\":5}\n");
    BOOST_TEST(n() == 9);
    tested.send("{\"op\":\"close\"}\n");
    BOOST_TEST(n() == 0);
}

BOOST_AUTO_TEST_CASE(a_refused_request_changes_nothing)
{
    server host;
    connection tested(host);
    tested.send(named("open", "w", R"("size":4)") + "5\n7\n");
    auto const before = state_of(tested, "w");
    for (auto const* line : {"\"x\"",
                             "[\"x\"]",
                             "1e400",
                             "nonsense",
                             "{}",
                             R"({"op":"nope","window":"w"})",
                             R"({"op":"send","window":"w"})",
                             R"({"op":"send","window":"w","value":1,"values":[2]})",
                             R"({"op":"send","window":"w","value":1,"foo":2})",
                             R"({"op":"send","window":"w","value":1,"id":1.5})",
                             R"({"op":"send","window":"w","values":5})",
                             R"({"op":"send","window":"w","value":"x"})",
                             R"({"op":"send","window":"w","value":1,"at":5})",
                             R"({"op":"send","window":"w","values":[1,2],"at":5})",
                             R"({"op":"clear","window":"w","size":2})",
                             R"({"op":"clear","window":"w","window":"w"})",
                             R"({"op":"close","window":"w","value":2})",
                             R"({"op":"open","window":"w","size":3})",
                             R"({"op":"open","window":"w","data":[1]})",
                             R"({"op":"throw","window":"w","exception":"x"})"}) {
        auto const reply = parsed(tested.send(std::string(line) + "\n"));
        BOOST_TEST(reply.as_object().contains("error"), line);
        BOOST_TEST(state_of(tested, "w") == before, line);
    }
}

BOOST_AUTO_TEST_CASE(an_id_comes_back_first)
{
    check_replies(named("open", "w", R"("id":"a")") + named("send", "w", R"("value":5,"id":"b\n")") +
                      named("send", "w", R"("values":[5],"id":-3)") + named("dump", "w", R"("id":4)") +
                      named("read", "w", R"("id":5)") + named("next", "w", R"("id":6)") +
                      named("clear", "w", R"("id":7)") + named("close", "w", R"("id":8)"),
                  {R"({"id":"a",)" + opened(window_of("w", 3, 0, 0), true).substr(1),
                   R"({"id":"b\n","yield":5})", R"({"id":-3,"yield":[5]})",
                   R"({"id":4,"yield":2,"dump":[5,5]})", R"({"id":5,"yield":5})", R"({"id":6,"yield":null})",
                   R"({"id":7,"yield":null})", R"({"id":8,"closed":true})"});
}

BOOST_AUTO_TEST_CASE(an_id_as_long_as_a_line_comes_back)
{
    auto const id = repeated("\\u0001", 100'000);
    server host;
    connection tested(host);
    BOOST_TEST((tested.send(named("send", "w", R"("value":5,"id":")" + id + '"')) ==
                "{\"id\":\"" + id + "\",\"yield\":5}\n"));
}

BOOST_AUTO_TEST_CASE(each_kind_of_value_costs_the_counters_what_it_costs_them_for_a_private_window)
{
    auto const script = std::string("5\nnull\n\"x\"\n[1,\"x\",null,2]\n1e400\n{\"op\":\"send\",\"value\":1}\n"
                                    "{\"op\":\"send\",\"values\":[1,true,3]}\n{\"op\":\"read\"}\n"
                                    "{\"op\":\"dump\"}\n{\"op\":\"close\"}\n5\n[1]\n");
    auto const own = converse("{\"op\":\"open\",\"data\":[1,2]}\n" + script).counters;
    auto const shared = converse(named("open", "w", R"("data":[1,2])") + script).counters;
    BOOST_TEST(own.values == 8U);
    BOOST_TEST(shared.values == own.values);
    BOOST_TEST(shared.requests == own.requests);
    BOOST_TEST(shared.refused == own.refused);
}

BOOST_AUTO_TEST_CASE(info_counts_the_windows)
{
    server host;
    connection tested(host);
    tested.send(named("open", "a") + named("send", "b", R"("value":1)"));
    BOOST_TEST(parsed(tested.send("{\"op\":\"info\"}\n")).at("counters").at("windows").to_number<int>() == 2);
}

BOOST_AUTO_TEST_CASE(a_dump_larger_than_the_output_is_a_snapshot_while_others_go_on)
{
    constexpr int size = 20'000;
    server host;
    windowd::protocol::conversation dumper(host);
    windowd::protocol::output_buffer out;
    connection other(host);
    other.send(named("open", "w", filled(size)));

    auto const input = named("dump", "w", R"("id":1)") + "5\n";
    BOOST_TEST(dumper.feed(input, out) == input.size() - 2);
    BOOST_TEST(dumper.pending());
    BOOST_TEST(dumper.in_reply());
    BOOST_TEST(!dumper.waiting());
    std::string dumped;
    for (auto rounds = 0; dumper.pending(); ++rounds) {
        BOOST_TEST_REQUIRE(rounds < 100);
        BOOST_TEST(out.size() <= windowd::protocol::conversation::output_pause + 64);
        dumped += out.view();
        out.clear();
        other.send("1\n2\n{\"op\":\"clear\"}\n[3,4,5]\n");
        if (rounds == 1)
            other.send("{\"op\":\"close\"}\n");
        dumper.feed({}, out);
    }
    dumped += out.view();
    auto const reply = parsed(lines_of(dumped).at(0));
    BOOST_TEST(lines_of(dumped).size() == 1U);
    BOOST_TEST(reply.at("id").to_number<int>() == 1);
    BOOST_TEST(reply.at("yield").to_number<int>() == size);
    auto const& values = reply.at("dump").as_array();
    BOOST_TEST_REQUIRE(values.size() == static_cast<std::size_t>(size));
    for (int i = 0; i < size; ++i)
        BOOST_TEST_REQUIRE(values[static_cast<std::size_t>(i)].to_number<int>() == 100'001 + i);
}

BOOST_AUTO_TEST_CASE(dumps_that_are_under_way_hold_so_many_values_and_no_more)
{
    setup with;
    with.limits.windows.max_dumped = 25'000;
    server host(with);
    windowd::protocol::output_buffer out;
    connection other(host);
    other.send(named("open", "w", filled(20'000)) + named("open", "small", R"("data":[1,2,3])"));
    {
        windowd::protocol::conversation slow(host);
        slow.feed(named("dump", "w"), out);
        BOOST_TEST(slow.pending());
        auto const refused = other.send(named("dump", "w"));
        BOOST_TEST(code_of(refused) == "limit_reached");
        BOOST_TEST(message_of(refused).find("25000 values") != std::string::npos);
        BOOST_TEST(other.send(named("dump", "small")) == "{\"yield\":3,\"dump\":[1,2,3]}\n");
        BOOST_TEST(other.send(named("read", "w")) == "{\"yield\":110000.5}\n");
    } // it ends in the middle
    BOOST_TEST(parsed(other.send(named("dump", "w"))).at("yield").to_number<int>() == 20'000);
    BOOST_TEST(parsed(other.send(named("dump", "w"))).at("yield").to_number<int>() == 20'000);
}

BOOST_AUTO_TEST_CASE(a_window_that_nobody_uses_is_closed_where_that_is_asked_for)
{
    setup with;
    with.limits.windows.idle_expiry = 10;
    server host(with);
    connection tested(host);
    using std::chrono::milliseconds;
    tested.send(named("open", "own") + "5\n" + named("send", "other", R"("value":1)"));
    server::pass(milliseconds(9'999));
    BOOST_TEST(tested.send("7\n") == "6\n");
    server::pass(milliseconds(9'999));
    BOOST_TEST(code_of(tested.send(named("read", "other"))) == "no_such_window");
    BOOST_TEST(tested.send("8\n") == "6.666666666666667\n");
    server::pass(milliseconds(10'000));
    BOOST_TEST(code_of(tested.send("9\n")) == "closed");
    BOOST_TEST(host.windows().count() == 0U);
}

BOOST_AUTO_TEST_CASE(every_value_of_many_connections_is_taken_once_and_every_dump_is_a_snapshot)
{
    constexpr std::size_t connections = 8;
    constexpr int values_of_each = 200;
    auto random = std::mt19937(40);
    server host;
    std::deque<connection> senders;
    for (std::size_t i = 0; i < connections; ++i)
        senders.emplace_back(host).send(named("open", "w", R"("size":64,"stats":["last"])"));

    std::vector<int> sent(connections, 0);
    std::vector<std::string> expected; // all values, in the order taken
    while (expected.size() < connections * values_of_each) {
        auto const which = random() % connections;
        auto& sender = senders[which];
        auto const next = [&] { return std::to_string(which * 1000 + static_cast<unsigned>(sent[which]++)); };
        switch (random() % 4) {
        case 0:
            expected.push_back(next());
            BOOST_TEST_REQUIRE(sender.send(expected.back() + "\n", 1 + random() % 3) ==
                               expected.back() + "\n");
            break;
        case 1: {
            auto const a = next();
            auto const b = next();
            expected.insert(expected.end(), {a, b});
            auto const line = std::string("[").append(a).append(",").append(b).append("]\n");
            BOOST_TEST_REQUIRE(sender.send(line) == line);
            break;
        }
        case 2:
            expected.push_back(next());
            BOOST_TEST_REQUIRE(sender.send(named("send", "w", "\"value\":" + expected.back())) ==
                               "{\"yield\":" + expected.back() + "}\n");
            break;
        default: {
            std::string last;
            auto const count = std::min(expected.size(), std::size_t{64});
            for (auto i = expected.size() - count; i < expected.size(); ++i)
                last += expected[i] + (i + 1 < expected.size() ? "," : "");
            BOOST_TEST_REQUIRE(sender.send("{\"op\":\"dump\"}\n") ==
                               "{\"yield\":" + std::to_string(count) + ",\"dump\":[" + last + "]}\n");
            break;
        }
        }
    }
    BOOST_TEST(parsed(senders[0].send(named("open", "w"))).at("window").at("n").to_number<std::size_t>() ==
               expected.size());
    BOOST_TEST(host.counters.values == expected.size());
}

BOOST_AUTO_TEST_CASE(long_conversations_with_shared_windows_are_the_same_in_chunks_of_1_to_69_bytes)
{
    std::vector<std::string> const lines = {"5\n",
                                            "-0.25\n",
                                            "null\n",
                                            "\"x\"\n",
                                            "[1,2,3]\n",
                                            "[1,\"x\",null]\n",
                                            "{}\n",
                                            "nonsense\n",
                                            named("open", "a"),
                                            named("open", "a", R"("size":2)"),
                                            named("open", "b", R"("stats":["mean","max"])"),
                                            "{\"op\":\"open\"}\n",
                                            "{\"op\":\"close\"}\n",
                                            named("close", "a"),
                                            named("close", "b"),
                                            named("send", "a", R"("value":2.5)"),
                                            named("send", "b", R"("values":[1,null,true])"),
                                            named("read", "a"),
                                            named("dump", "b"),
                                            named("clear", "a"),
                                            named("subscribe", "*"),
                                            named("subscribe", "a*"),
                                            named("unsubscribe", "*"),
                                            "{\"op\":\"windows\"}\n",
                                            "{\"op\":\"dump\"}\n",
                                            "{\"op\":\"read\",\"id\":3}\n"};
    auto random = std::mt19937(41);
    for (auto round = 0; round < 15; ++round) {
        std::string input;
        for (auto i = 0; i < 60; ++i)
            input += lines[random() % lines.size()];
        converse(input);
    }
}

BOOST_AUTO_TEST_SUITE_END()
