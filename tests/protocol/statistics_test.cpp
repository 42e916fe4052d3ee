// Conversations, the contract's "Statistics": several of them in one window, in every kind of reply; and that private
// windows and shared ones say the same, to the letter.
#include "protocol/support.hpp"

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace windowd::test;

std::string open(std::string_view members)
{
    return R"({"op":"open",)" + std::string(members) + "}\n";
}

std::string with_stats(std::string_view names)
{
    return open("\"stats\":[" + std::string(names) + "]");
}

// Without what opening says.
std::vector<std::string> replies_of_open(std::string_view members, std::string_view script)
{
    auto replies = replies_to(open(members) + std::string(script));
    replies.erase(replies.begin());
    return replies;
}

void check(std::string_view members, std::string_view script, std::vector<std::string> const& expected)
{
    BOOST_TEST(replies_of_open(members, script) == expected, boost::test_tools::per_element());
    BOOST_TEST(replies_of_open(std::string(R"("window":"w",)").append(members), script) == expected,
               boost::test_tools::per_element());
}

// Whether so many values are taken at a time, by a line and by an op alike. Where they are not, nothing has changed.
bool takes(connection& tested, int values)
{
    auto const array = "[" + sequence(1, values, ",") + "]";
    auto answered = 0;
    for (auto const& line : {array + "\n", R"({"op":"send","values":)" + array + "}\n"}) {
        auto const before = tested.send("{\"op\":\"dump\"}\n");
        auto const reply = tested.send(line);
        if (reply.find("\"error\"") == std::string::npos) {
            ++answered;
        } else {
            BOOST_TEST(code_of(reply) == "limit_reached");
            BOOST_TEST(message_of(reply).starts_with("a request asks for at most 10 statistics"));
            BOOST_TEST(tested.send("{\"op\":\"dump\"}\n") == before);
        }
    }
    BOOST_TEST(answered != 1);
    return answered == 2;
}

} // namespace

BOOST_AUTO_TEST_SUITE(several_statistics)

BOOST_AUTO_TEST_CASE(yields_are_objects_in_the_order_asked)
{
    check(R"("stats":["mean","max"])", "5\n7\n6\n",
          {R"({"mean":5,"max":5})", R"({"mean":6,"max":7})", R"({"mean":6,"max":7})"});
    check(R"("stats":["max","last","mean"])", "5\n7\n6\n",
          {R"({"max":5,"last":5,"mean":5})", R"({"max":7,"last":7,"mean":6})",
           R"({"max":7,"last":6,"mean":6})"});
}

BOOST_AUTO_TEST_CASE(of_one_statistic_yields_are_numbers)
{
    check(R"("stats":["max"])", "5\n7\n6\n[1,2]\n{\"op\":\"read\"}\n",
          {"5", "7", "7", "[7,6]", R"({"yield":6})"});
    check(R"("stats":["p50"])", "5\n7\n", {"5", "6"});
    check(R"("stats":["std"])", "5\n7\n{\"op\":\"read\"}\n",
          {"null", "1.4142135623730951", R"({"yield":1.4142135623730951})"});
}

BOOST_AUTO_TEST_CASE(each_statistic_can_be_asked_for)
{
    struct {
        std::string_view name;
        std::string_view value; // of 1, 2, 4, 8
    } const statistics[] = {{"count", "4"},
                            {"sum", "15"},
                            {"mean", "3.75"},
                            {"min", "1"},
                            {"max", "8"},
                            {"range", "7"},
                            {"first", "1"},
                            {"last", "8"},
                            {"var", "9.583333333333334"},
                            {"std", "3.095695936834452"},
                            {"pvar", "7.1875"},
                            {"pstd", "2.680951323690902"},
                            {"median", "3"},
                            {"p0", "1"},
                            {"p25", "1.75"},
                            {"p99.9", "7.988"},
                            {"p100", "8"},
                            {"skew", "1.1376243669576889"},
                            {"kurt", "0.7576559546313799"},
                            {"slope", "2.3"},
                            {"zscore", "1.372873850248322"}};
    std::string names;
    std::string readings;
    for (auto const& [name, value] : statistics) {
        auto const quoted = '"' + std::string(name) + '"';
        check(R"("size":4,"data":[1,2,4,8],"stats":[)" + quoted + "]", "{\"op\":\"read\"}\n",
              {"{\"yield\":" + std::string(value) + "}"});
        names += (names.empty() ? "" : ",") + quoted;
        readings += (readings.empty() ? "" : ",") + quoted + ":" + std::string(value);
    }
    check(R"("size":4,"data":[100,1,2,4],"stats":[)" + names + "]", "8\n", {"{" + readings + "}"});
}

BOOST_AUTO_TEST_CASE(what_is_undefined_is_null_inside)
{
    check(R"("stats":["std","mean","skew","kurt","slope","zscore"])", "5\n",
          {R"({"std":null,"mean":5,"skew":null,"kurt":null,"slope":null,"zscore":null})"});
    check(R"("stats":["sum","mean"])", "[1.7e308,1.7e308]\n",
          {R"([{"sum":1.7e+308,"mean":1.7e+308},{"sum":null,"mean":1.7e+308}])"});
}

BOOST_AUTO_TEST_CASE(a_window_that_is_not_ready_yields_null_and_no_object)
{
    check(R"("stats":["mean","max"],"min_count":2)",
          "5\n{\"op\":\"read\"}\n[7,null,9]\n{\"op\":\"clear\"}\n{\"op\":\"read\"}\n[1,2]\nnull\n",
          {"null", R"({"yield":null})", R"([{"mean":6,"max":7},null,{"mean":7,"max":9}])",
           R"({"yield":null})", R"({"yield":null})", R"([null,{"mean":1.5,"max":2}])", "null"});
    check(R"("stats":["count","mean"])", "{\"op\":\"read\"}\n{\"op\":\"next\"}\n",
          {R"({"yield":null})", R"({"yield":null})"});
}

BOOST_AUTO_TEST_CASE(every_way_to_send_yields_the_same_object)
{
    check(R"("stats":["mean","last"])", R"({"op":"send","value":5}
{"op":"send","values":[7,null,9]}
{"op":"send","values":[]}
{"op":"read"}
{"op":"throw","exception":"ReadStatistics"}
{"op":"dump"}
)",
          {R"({"yield":{"mean":5,"last":5}})", R"({"yield":[{"mean":6,"last":7},null,{"mean":7,"last":9}]})",
           R"({"yield":[]})", R"({"yield":{"mean":7,"last":9}})", R"({"yield":{"mean":7,"last":9}})",
           R"({"yield":3,"dump":[5,7,9]})"});
}

BOOST_AUTO_TEST_CASE(what_is_refused_yields_null_among_objects)
{
    constexpr std::string_view error = R"("message":"a window takes numbers, and this is a string"}})";
    check(
        R"("stats":["mean","last"])", "[5,\"x\",7]\n\"x\"\n{\"op\":\"send\",\"values\":[\"x\",9]}\n",
        {R"({"yield":[{"mean":5,"last":5},null,{"mean":6,"last":7}],"error":{"code":"not_a_number","index":1,)" +
             std::string(error),
         R"({"yield":null,"error":{"code":"not_a_number",)" + std::string(error),
         R"({"yield":[null,{"mean":7,"last":9}],"error":{"code":"not_a_number","index":0,)" +
             std::string(error)});
}

BOOST_AUTO_TEST_CASE(a_window_tells_its_statistics)
{
    BOOST_TEST(replies_to(with_stats(R"("p99.9","mean","p050")"))
                   .at(0)
                   .starts_with(R"({"error":{"code":"bad_member",)"));
    BOOST_TEST(replies_to(with_stats(R"("p99.90","p99.9","std")")).at(0) ==
               R"({"window":{"name":null,"size":3,"stats":["p99.90","p99.9","std"],"count":0,"min_count":1},)"
               R"("created":true})");
    check_replies(R"({"op":"open","window":"w","stats":["max","min"]})",
                  {R"({"window":{"name":"w","size":3,"stats":["max","min"],"count":0,"min_count":1,"n":0},)"
                   R"("created":true})"});
}

BOOST_AUTO_TEST_CASE(stats_is_an_array_of_names)
{
    for (auto const* stats : {"\"mean\"", "null", "[]", "{}", "5", "true", "1e400", "[1]", "[\"mean\",1]",
                              "[null]", R"([["mean"]])", R"([{"mean":1}])", R"(["mean",["max"]])"}) {
        auto const error = check_refused(R"({"op":"open","stats":)" + std::string(stats) + "}", "bad_member");
        BOOST_TEST(error.at("message").as_string() ==
                   "'stats' has to be an array of 1 to 32 names of statistics");
        BOOST_TEST(!error.contains("index"));
    }
}

BOOST_AUTO_TEST_CASE(a_statistic_that_is_not_known_is_refused_with_its_place)
{
    for (std::string_view const name :
         {"mode", "", "Mean", "mean ", "p", "pNN", "p101", "p-1", "p1e1", "p05", "p.5", "p5.", "p100.1",
          "p99.12345678", "p50%", "average", "\\u0000"}) {
        auto const error = check_refused(
            R"({"op":"open","stats":["mean",")" + std::string(name) + R"(","nope"]})", "bad_member");
        BOOST_TEST(error.at("index").to_number<int>() == 1, name);
        auto const& message = error.at("message").as_string();
        BOOST_TEST(message.starts_with("there is no such statistic; there are count, sum, mean, "), message);
    }
}

BOOST_AUTO_TEST_CASE(a_statistic_is_asked_for_once)
{
    auto const error =
        check_refused(R"({"op":"open","stats":["mean","max","std","max","mean"]})", "bad_member");
    BOOST_TEST(error.at("index").to_number<int>() == 3);
    check_refused(R"({"op":"open","stats":["p50","p50"]})", "bad_member");
    check_refused(R"({"op":"open","stats":["mean","m\u0065an"]})", "bad_member");
    check(R"("stats":["p50","p50.0","median"])", "5\n", {R"({"p50":5,"p50.0":5,"median":5})"});
}

BOOST_AUTO_TEST_CASE(a_window_has_32_statistics_at_most)
{
    std::string names;
    std::string readings;
    for (auto i = 0; i < 32; ++i) {
        auto const name = "\"p" + std::to_string(10 + i) + ".1234567\"";
        names += (i == 0 ? "" : ",") + name;
        readings += (i == 0 ? "" : ",") + name + ":-1.2345678901234568e-300";
    }
    check("\"stats\":[" + names + "]", "-1.2345678901234568e-300\n", {"{" + readings + "}"});
    check_refused(R"({"op":"open","stats":[)" + names + R"(,"mean"]})", "bad_member");
}

BOOST_AUTO_TEST_CASE(a_request_asks_for_so_many_readings_and_no_more)
{
    setup with;
    with.limits.windows.max_readings = 10;
    server host(with);
    for (std::string_view const name : {"", R"("window":"w",)", R"("window":"v",)"}) {
        connection tested(host);
        BOOST_TEST(takes(tested, 10)); // a private window with the defaults
        BOOST_TEST(!takes(tested, 11));
        tested.send(open(std::string(name) + R"("stats":["mean","max","min"])"));
        BOOST_TEST(takes(tested, 3));
        BOOST_TEST(!takes(tested, 4));
        BOOST_TEST(takes(tested, 0));
        tested.send("{\"op\":\"open\"}\n");
        BOOST_TEST(takes(tested, 10));
        BOOST_TEST(!takes(tested, 11));
    }
    host.default_window.stats = {windowd::window::find_statistic("min"),
                                 windowd::window::find_statistic("max")};
    connection several(host);
    BOOST_TEST(takes(several, 5));
    BOOST_TEST(!takes(several, 6));
    connection other(host);
    auto const values = "\"values\":[" + sequence(1, 11, ",") + "]}\n";
    BOOST_TEST(code_of(other.send(R"({"op":"send","window":"new",)" + values)) == "limit_reached");
    BOOST_TEST(code_of(other.send("{\"op\":\"read\",\"window\":\"new\"}\n")) == "no_such_window");
}

BOOST_AUTO_TEST_CASE(the_servers_default_may_be_several)
{
    setup with;
    with.default_window.stats = {windowd::window::find_statistic("min"),
                                 windowd::window::find_statistic("max")};
    check_replies(
        "5\n[7]\n" + with_stats("\"mean\"") + "9\n{\"op\":\"open\"}\n1\n" +
            R"({"op":"send","window":"w","value":2})",
        {R"({"min":5,"max":5})", R"([{"min":5,"max":7}])",
         R"({"window":{"name":null,"size":3,"stats":["mean"],"count":0,"min_count":1},"created":true})", "9",
         R"({"window":{"name":null,"size":3,"stats":["min","max"],"count":0,"min_count":1},"created":true})",
         R"({"min":1,"max":1})", R"({"yield":{"min":2,"max":2}})"},
        with);
}

BOOST_AUTO_TEST_CASE(private_windows_and_shared_ones_say_the_same)
{
    std::vector<std::string> const terms = {R"("size":3)",
                                            R"("size":4,"min_count":2,"data":[1,2,3])",
                                            R"("stats":["median"])",
                                            R"("size":5,"stats":["mean","max","std","p95"],"data":[-1])",
                                            R"("size":2,"stats":["first","last"],"min_count":2)",
                                            R"("span":30)",
                                            R"("span":2.5,"size":4,"stats":["count","slope","sum"])"};
    std::vector<std::string> const lines = {
        "5",
        "-0.125",
        "1e300",
        "null",
        "true",
        "\"x\"",
        "1e400",
        "{}",
        R"({"id":"z"})",
        "[1,2,3,4]",
        "[]",
        "[null]",
        "[7,\"x\",null,1e400,8]",
        "nonsense",
        R"({"op":"send","value":2.5,"id":1})",
        R"({"op":"send","values":[1,null,true,9],"id":"\u20ac"})",
        R"({"op":"send","value":[]})",
        R"({"op":"send","value":3,"at":1000000.5})",
        R"({"op":"send","value":3,"at":1000001})",
        R"({"op":"send","values":[3,null,"x",4],"at":1000002})",
        R"({"op":"send","value":4,"at":-5})",
        R"({"op":"send","value":4,"at":"x"})",
        R"({"op":"dump"})",
        R"({"op":"clear"})",
        R"({"op":"read"})",
        R"({"op":"next"})",
        R"({"op":"throw","exception":"DumpData"})",
        R"({"op":"throw","exception":"Nope","id":2})",
        R"({"op":"open","size":0})",
        R"({"op":"read","size":0})",
    };
    auto random = std::mt19937(50);
    for (auto const& members : terms) {
        for (auto round = 0; round < 3; ++round) {
            std::string script;
            for (auto i = 0; i < 50; ++i)
                script += lines[random() % lines.size()] + "\n";
            script += "{\"op\":\"close\"}\n5\n[1]\n{\"op\":\"read\"}\n{}\n";
            auto const own = replies_of_open(members, script);
            auto const shared = replies_of_open(R"("window":"w",)" + members, script);
            BOOST_TEST(own == shared, boost::test_tools::per_element());
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
