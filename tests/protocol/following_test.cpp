// Conversations, the contract's "Following a window": subscriptions, and where events stand among the replies.
#include "protocol/support.hpp"

#include <boost/json/value.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace windowd::test;
using windowd::protocol::conversation;
using windowd::protocol::output_buffer;

std::string send(std::string_view window, std::string_view value)
{
    return named("send", window, "\"value\":" + std::string(value));
}

std::string subscribe(std::string_view pattern)
{
    return named("subscribe", pattern);
}

std::string unsubscribe(std::string_view pattern)
{
    return named("unsubscribe", pattern);
}

std::string subscribed(std::string_view pattern, int windows)
{
    return R"({"subscribed":")" + std::string(pattern) + R"(","windows":)" + std::to_string(windows) + "}\n";
}

std::string unsubscribed(std::string_view pattern)
{
    return R"({"unsubscribed":")" + std::string(pattern) + "\"}\n";
}

std::string event(std::string_view what, std::string_view window, int n)
{
    return R"({"event":")" + std::string(what) + R"(","window":")" + std::string(window) + R"(","n":)" +
           std::to_string(n) + "}\n";
}

std::string yielded(std::string_view window, int n, std::string_view value, std::string_view yield)
{
    return R"({"event":"yield","window":")" + std::string(window) + R"(","n":)" + std::to_string(n) +
           R"(,"value":)" + std::string(value) + R"(,"yield":)" + std::string(yield) + "}\n";
}

std::size_t count_lost(std::string_view text)
{
    std::size_t lost = 0;
    for (auto const& line : events_in(text)) {
        auto const what = parsed(line);
        if (what.at("event").as_string() == "lost")
            lost += what.at("count").to_number<std::size_t>();
    }
    return lost;
}

// A private window so large that its dump takes several outputs.
std::string opening_large()
{
    return R"({"op":"open",)" + filled(30'000) + "}\n";
}

/// What someone knows who has nothing but the events of windows that keep three values and yield their sum.
struct known_windows {
    struct known {
        std::uint64_t n = 0;
        std::deque<double> values;
    };

    void learn(std::string_view text)
    {
        for (auto const& line : events_in(text))
            learn_event(parsed(line));
    }
    void learn_event(boost::json::value const& what)
    {
        auto const kind = std::string(what.at("event").as_string());
        auto const name = std::string(what.at("window").as_string());
        auto const n = what.at("n").to_number<std::uint64_t>();
        auto& window = windows[name];
        if (kind == "open") {
            BOOST_TEST_REQUIRE(window.n == 0U);
            BOOST_TEST_REQUIRE(n == 0U);
            return;
        }
        BOOST_TEST_REQUIRE(n == ++window.n);
        if (kind == "yield") {
            learn_value(window, what);
        } else if (kind == "clear") {
            window.values.clear();
        } else {
            BOOST_TEST_REQUIRE(kind == "close");
            windows.erase(name);
        }
    }
    static void learn_value(known& window, boost::json::value const& what)
    {
        window.values.push_back(what.at("value").to_number<double>());
        if (window.values.size() > 3)
            window.values.pop_front();
        auto const sum =
            std::accumulate(window.values.begin(), window.values.end(), 0.0); // of small integers
        BOOST_TEST_REQUIRE(what.at("yield").to_number<double>() == sum);
    }

    std::map<std::string, known> windows;
};

std::string any_request(std::mt19937& random)
{
    static std::vector<std::string> const names{"a", "b", "ab", "ba"};
    auto const& name = names[random() % names.size()];
    auto const value = std::to_string(random() % 100);
    switch (random() % 16) {
    case 0:
        return named("close", name);
    case 1:
        return named("clear", name);
    case 2:
        return named("open", name);
    case 3:
        return std::string("[").append(value).append(R"(,"x",null,)").append(value).append("]\n");
    case 4:
        return named("read", name) + named("dump", name);
    default:
        return send(name, value);
    }
}

} // namespace

BOOST_AUTO_TEST_SUITE(following)

BOOST_AUTO_TEST_CASE(a_subscription_is_told_how_many_windows_match_now)
{
    server host;
    connection follower(host);
    follower.send(send("cpu.a", "1") + send("cpu.b", "1") + send("mem", "1"));
    BOOST_TEST(follower.send(subscribe("cpu.*")) == subscribed("cpu.*", 2));
    BOOST_TEST(follower.send(subscribe("mem")) == subscribed("mem", 1));
    BOOST_TEST(follower.send(subscribe("*")) == subscribed("*", 3));
    BOOST_TEST(follower.send(named("subscribe", "none*", "\"id\":\"x\"")) ==
               "{\"id\":\"x\"," + subscribed("none*", 0).substr(1));
    BOOST_TEST(follower.send(named("unsubscribe", "mem", "\"id\":7")) ==
               "{\"id\":7," + unsubscribed("mem").substr(1));
}

BOOST_AUTO_TEST_CASE(a_follower_is_told_what_happens_to_a_window)
{
    server host;
    connection follower(host);
    connection other(host);
    follower.send(subscribe("cpu.*"));
    other.send(send("cpu.load", "5") + send("cpu.load", "7") + send("mem", "1"));
    BOOST_TEST(follower.receive() == event("open", "cpu.load", 0) + yielded("cpu.load", 1, "5", "5") +
                                         yielded("cpu.load", 2, "7", "6"));
    other.send(named("clear", "cpu.load") + send("cpu.load", "-0.5") + named("close", "cpu.load"));
    BOOST_TEST(follower.receive() == event("clear", "cpu.load", 3) + yielded("cpu.load", 4, "-0.5", "-0.5") +
                                         event("close", "cpu.load", 5));
    BOOST_TEST(follower.receive() == "");
}

BOOST_AUTO_TEST_CASE(a_window_that_opens_with_data_tells_with_how_many_values)
{
    server host;
    connection follower(host);
    connection other(host);
    follower.send(subscribe("w"));
    other.send(named("open", "w", R"("data":[1,2,3,4])") + "5\n" + named("open", "w"));
    BOOST_TEST(follower.receive() == event("open", "w", 4) + yielded("w", 5, "5", "4"));
}

BOOST_AUTO_TEST_CASE(what_changes_nothing_is_no_event)
{
    server host;
    connection follower(host);
    connection other(host);
    other.send(named("open", "w") + "5\n");
    follower.send(subscribe("*"));
    other.send("null\n\"x\"\n1e400\n[]\n[null,\"x\"]\nnonsense\n{}\n{\"op\":\"read\"}\n{\"op\":\"next\"}\n"
               "{\"op\":\"dump\"}\n{\"op\":\"windows\"}\n" +
               named("open", "w") + named("open", "w", R"("size":9)") + send("new", "\"x\"") +
               named("close", "new") + "{\"op\":\"open\"}\n1\n{\"op\":\"clear\"}\n{\"op\":\"close\"}\n");
    BOOST_TEST(follower.receive() == "");
    BOOST_TEST(follower.wakes() == 0);
}

BOOST_AUTO_TEST_CASE(of_several_values_each_that_is_taken_is_an_event)
{
    server host;
    connection follower(host);
    connection other(host);
    follower.send(subscribe("w"));
    other.send(named("open", "w", R"("stats":["mean","std"],"min_count":2)") + "[1,\"x\",null,3]\n");
    BOOST_TEST(follower.receive() == event("open", "w", 0) + yielded("w", 1, "1", "null") +
                                         yielded("w", 2, "3", R"({"mean":2,"std":1.4142135623730951})"));
    other.send(named("send", "w", R"("values":["x",4,1e400,5])"));
    BOOST_TEST(follower.receive() ==
               yielded("w", 3, "4", R"({"mean":2.6666666666666665,"std":1.5275252316519468})") +
                   yielded("w", 4, "5", R"({"mean":4,"std":1})"));
}

BOOST_AUTO_TEST_CASE(values_with_times_of_their_own_are_told_when_they_are_taken)
{
    server host;
    connection follower(host);
    connection other(host);
    follower.send(subscribe("w"));
    other.send(named("open", "w", R"("span":10)") + named("send", "w", R"("value":1,"at":5)") +
               named("send", "w", R"("value":2,"at":4)") + named("send", "w", R"("value":3,"at":6)"));
    BOOST_TEST(follower.receive() ==
               event("open", "w", 0) + yielded("w", 1, "1", "1") + yielded("w", 2, "3", "2"));
}

BOOST_AUTO_TEST_CASE(ones_own_request_is_answered_before_it_is_told)
{
    check_replies(subscribe("w"), {R"({"subscribed":"w","windows":0})"});
    auto const lines = converse(subscribe("*") + send("w", "1") + named("open", "w") + "3\n[5,7]\nnull\n" +
                                "{\"op\":\"clear\"}\n{\"op\":\"close\"}\n{\"op\":\"ping\"}")
                           .lines;
    std::string text;
    for (auto const& line : lines)
        text += line + "\n";
    BOOST_TEST(text == subscribed("*", 0) + "{\"yield\":1}\n" + event("open", "w", 0) +
                           yielded("w", 1, "1", "1") +
                           "{\"window\":{\"name\":\"w\",\"size\":3,\"stats\":[\"mean\"],\"count\":1,\"min_"
                           "count\":1,\"n\":1},"
                           "\"created\":false}\n2\n" +
                           yielded("w", 2, "3", "2") + "[3,5]\n" + yielded("w", 3, "5", "3") +
                           yielded("w", 4, "7", "5") + "null\n{\"yield\":null}\n" + event("clear", "w", 5) +
                           "{\"closed\":true}\n" + event("close", "w", 6) + "{\"pong\":true}\n");
}

BOOST_AUTO_TEST_CASE(windows_that_are_made_later_are_followed_too)
{
    server host;
    connection follower(host);
    connection other(host);
    follower.send(subscribe("a*z"));
    other.send(send("az", "1") + send("a.b.z", "2") + send("azy", "3") + send("baz", "4") +
               named("close", "az") + send("az", "5"));
    BOOST_TEST(follower.receive() == event("open", "az", 0) + yielded("az", 1, "1", "1") +
                                         event("open", "a.b.z", 0) + yielded("a.b.z", 1, "2", "2") +
                                         event("close", "az", 2) + event("open", "az", 0) +
                                         yielded("az", 1, "5", "5"));
}

BOOST_AUTO_TEST_CASE(several_patterns_that_match_tell_an_event_once)
{
    server host;
    connection follower(host);
    connection other(host);
    follower.send(subscribe("w*") + subscribe("*1") + subscribe("w1") + subscribe("*"));
    other.send(send("w1", "5"));
    BOOST_TEST(follower.receive() == event("open", "w1", 0) + yielded("w1", 1, "5", "5"));
    BOOST_TEST(follower.send(unsubscribe("*") + unsubscribe("w1")) == unsubscribed("*") + unsubscribed("w1"));
    other.send(send("w1", "7") + send("x", "1"));
    BOOST_TEST(follower.receive() == yielded("w1", 2, "7", "6"));
}

BOOST_AUTO_TEST_CASE(to_follow_a_pattern_again_changes_nothing)
{
    server host;
    connection follower(host);
    connection other(host);
    follower.send(subscribe("w"));
    other.send(send("w", "5"));
    follower.receive();
    BOOST_TEST(follower.send(subscribe("w")) == subscribed("w", 1));
    BOOST_TEST(host.counters.subscriptions == 1U);
    other.send(send("w", "7"));
    BOOST_TEST(follower.receive() == yielded("w", 2, "7", "6"));
    BOOST_TEST(follower.send(unsubscribe("w")) == unsubscribed("w"));
    BOOST_TEST(host.counters.subscriptions == 0U);
    other.send(send("w", "9"));
    BOOST_TEST(follower.receive() == "");
}

BOOST_AUTO_TEST_CASE(unsubscribe_ends_it_and_what_happened_before_is_told_still)
{
    server host;
    connection follower(host);
    connection other(host);
    follower.send(subscribe("a") + subscribe("b"));
    BOOST_TEST(follower.tested().is_following());
    other.send(send("a", "1"));
    BOOST_TEST(follower.send(unsubscribe("a")) ==
               event("open", "a", 0) + yielded("a", 1, "1", "1") + unsubscribed("a"));
    other.send(send("a", "2") + send("b", "3"));
    BOOST_TEST(follower.receive() == event("open", "b", 0) + yielded("b", 1, "3", "3"));
    follower.send(unsubscribe("b"));
    BOOST_TEST(!follower.tested().is_following());
    BOOST_TEST(follower.send(subscribe("a")) == subscribed("a", 1));
    BOOST_TEST(follower.tested().is_following());
}

BOOST_AUTO_TEST_CASE(all_that_has_happened_is_told_before_it_is_said_that_following_has_ended)
{
    setup with;
    with.limits.max_event_buffer = 300'000;
    for (auto const values : {10, 1000, 3000}) {
        server host(with);
        connection follower(host);
        connection other(host);
        follower.send(subscribe("w"));
        other.send(named("send", "w", "\"values\":[" + sequence(1, values, ",") + "]"));
        auto const text = follower.send(unsubscribe("w") + "{\"op\":\"ping\"}\n");
        auto const lines = lines_of(text);
        BOOST_TEST(text.ends_with(unsubscribed("w") + "{\"pong\":true}\n"));
        BOOST_TEST(parsed(lines.at(lines.size() - 3)).at("n").to_number<int>() == values);
        auto const notices = count_lost(text) == 0 ? 0U : 1U;
        BOOST_TEST(count_lost(text) + events_in(text).size() - notices ==
                   static_cast<std::size_t>(values) + 1);
        BOOST_TEST(notices == (values == 3000 ? 1U : 0U));
    }
}

BOOST_AUTO_TEST_CASE(only_what_is_followed_can_be_unsubscribed)
{
    server host;
    connection tested(host);
    auto const check = [&](std::string const& pattern) {
        auto const reply = tested.send(unsubscribe(pattern));
        BOOST_TEST(code_of(reply) == "bad_member", reply);
        BOOST_TEST(message_of(reply) ==
                   "'window' has to be a pattern that this connection has subscribed to");
    };
    check("w");
    tested.send(subscribe("w*"));
    check("w");
    check("*");
    check("w**");
    tested.send(unsubscribe("w*"));
    check("w*");
    connection other(host);
    other.send(subscribe("other"));
    check("other");
    BOOST_TEST(host.counters.subscriptions == 1U);
}

BOOST_AUTO_TEST_CASE(a_pattern_is_a_name_with_stars)
{
    for (std::string_view const op : {"subscribe", "unsubscribe"}) {
        check_refused(R"({"op":")" + std::string(op) + "\"}", "missing_member");
        check_refused(R"({"op":")" + std::string(op) + R"(","window":"a","match":"a"})", "unknown_member");
        for (auto const& pattern :
             {std::string("\"\""), '"' + std::string(129, '*') + '"', std::string("\"a?\""),
              std::string("\"a b\""), std::string("\"[a]\""), std::string("5"), std::string("null"),
              std::string("[\"a\"]"), std::string("\"\u00e9\"")}) {
            auto const error = check_refused(
                R"({"op":")" + std::string(op) + R"(","window":)" + pattern + "}", "bad_member");
            BOOST_TEST(error.at("message").as_string() ==
                       "'window' has to be 1 to 128 characters of A-Z a-z 0-9 . _ : / - *");
        }
    }
    for (auto const& pattern : {std::string("*"), std::string("**"), std::string(128, '*'),
                                std::string("a*b*c"), std::string("A-Z._:/9")})
        check_replies(
            subscribe(pattern) + unsubscribe(pattern),
            {R"({"subscribed":")" + pattern + R"(","windows":0})", R"({"unsubscribed":")" + pattern + "\"}"});
}

BOOST_AUTO_TEST_CASE(a_connection_follows_so_many_patterns_and_no_more)
{
    setup with;
    with.limits.max_subscriptions = 2;
    server host(with);
    connection follower(host);
    follower.send(subscribe("a") + subscribe("b"));
    auto const refused = follower.send(subscribe("c"));
    BOOST_TEST(code_of(refused) == "limit_reached");
    BOOST_TEST(message_of(refused).starts_with("a connection follows at most 2 patterns"));
    BOOST_TEST(follower.send(subscribe("a")) == subscribed("a", 0)); // again
    connection other(host);
    BOOST_TEST(other.send(subscribe("c")) == subscribed("c", 0));
    other.send(send("a", "1") + unsubscribe("c") + send("c", "1"));
    BOOST_TEST(follower.receive() == event("open", "a", 0) + yielded("a", 1, "1", "1"));
    follower.send(unsubscribe("a"));
    BOOST_TEST(follower.send(subscribe("c")) == subscribed("c", 1));
    BOOST_TEST(host.counters.subscriptions == 2U);
}

BOOST_AUTO_TEST_CASE(all_connections_follow_so_many_different_patterns_with_a_star_and_no_more)
{
    setup with;
    with.limits.windows.max_patterns = 2;
    server host(with);
    connection one(host);
    auto other = std::make_unique<connection>(host);
    one.send(subscribe("a*"));
    other->send(subscribe("b*"));
    BOOST_TEST(other->send(subscribe("a*")) == subscribed("a*", 0));
    auto const refused = one.send(subscribe("c*"));
    BOOST_TEST(code_of(refused) == "limit_reached");
    BOOST_TEST(message_of(refused).find("which is 2;") != std::string::npos);
    BOOST_TEST(one.send(subscribe("c")) == subscribed("c", 0)); // a name is not compared with every other
    BOOST_TEST(host.counters.subscriptions == 4U);
    BOOST_TEST(code_of(one.send(unsubscribe("c*"))) == "bad_member"); // it is not followed
    other.reset();
    BOOST_TEST(host.counters.subscriptions == 2U);
    BOOST_TEST(one.send(subscribe("c*")) == subscribed("c*", 0));
    BOOST_TEST(code_of(one.send(subscribe("d*"))) == "limit_reached");
    BOOST_TEST(one.send(subscribe("d")) == subscribed("d", 0));
}

BOOST_AUTO_TEST_CASE(info_counts_what_is_followed_and_lost)
{
    setup with;
    with.limits.max_event_buffer = 0;
    server host(with);
    connection tested(host);
    auto const reply = tested.send(subscribe("a") + subscribe("b") + send("a", "1") + "{\"op\":\"info\"}\n");
    auto const counters = parsed(replies_in(reply).back()).at("counters");
    BOOST_TEST(counters.at("subscriptions").to_number<int>() == 2);
    BOOST_TEST(counters.at("events_lost").to_number<int>() == 2);
    BOOST_TEST(counters.at("requests").to_number<int>() == 4);
}

BOOST_AUTO_TEST_CASE(an_event_never_stands_inside_a_dump)
{
    server host;
    connection other(host);
    other.send(named("open", "w", filled(30'000)));
    for (auto const is_shared : {false, true}) {
        conversation follower(host);
        output_buffer out;
        std::string text;
        auto const take = [&] {
            text += out.view();
            out.clear();
        };
        auto const setting_up = (is_shared ? named("open", "w") : opening_large()) + subscribe("*");
        BOOST_TEST(follower.feed(setting_up, out) == setting_up.size());
        take();
        text.clear();

        auto const input = std::string("{\"op\":\"dump\"}\n{\"op\":\"ping\"}\n");
        std::size_t taken = follower.feed(input, out);
        BOOST_TEST(follower.in_reply());
        auto rounds = 0;
        for (; follower.pending() || taken < input.size(); ++rounds) {
            BOOST_TEST_REQUIRE(rounds < 100);
            take();
            other.send("5\n");
            taken += follower.feed(std::string_view(input).substr(taken), out);
        }
        take();
        auto const lines = lines_of(text);
        auto const replies = replies_in(text);
        BOOST_TEST_REQUIRE(replies.size() == 2U);
        BOOST_TEST(lines[0] == replies[0]); // the events of the meantime come behind it
        BOOST_TEST(parsed(replies[0]).at("dump").as_array().size() == 30'000U);
        BOOST_TEST(replies[1] == R"({"pong":true})");
        BOOST_TEST(rounds >= 3);
        BOOST_TEST(events_in(text).size() == static_cast<std::size_t>(rounds));
    }
}

BOOST_AUTO_TEST_CASE(events_come_before_the_reply_to_a_long_array_that_takes_a_few_turns)
{
    server host;
    connection other(host);
    conversation follower(host);
    output_buffer out;
    follower.feed("{\"op\":\"open\",\"size\":1}\n" + subscribe("w"), out);
    auto const input = "[" + sequence(1, 10'000, ",") + "]\n";
    out.clear();
    BOOST_TEST(follower.feed(input, out) == input.size());
    std::string text;
    auto turns = 0;
    for (; follower.in_reply(); ++turns) {
        BOOST_TEST_REQUIRE(turns < 100);
        other.send(send("w", "5"));
        follower.feed({}, out);
        text += out.view();
        out.clear();
    }
    follower.feed({}, out);
    text += out.view();
    BOOST_TEST(turns >= 2);
    BOOST_TEST(replies_in(text).size() == 1U);
    BOOST_TEST((replies_in(text).front() + "\n" == input));
    BOOST_TEST(events_in(text).size() == static_cast<std::size_t>(turns) + 1);
}

BOOST_AUTO_TEST_CASE(a_line_that_came_in_part_is_not_disturbed_by_an_event)
{
    server host;
    connection follower(host);
    connection other(host);
    follower.send(subscribe("w"));
    BOOST_TEST(follower.send("{\"op\":\"pi") == "");
    other.send(send("w", "5"));
    BOOST_TEST(follower.send("ng\",\"id\"") == event("open", "w", 0) + yielded("w", 1, "5", "5"));
    other.send(send("w", "7"));
    BOOST_TEST(follower.send(":1}\n") == yielded("w", 2, "7", "6") + "{\"id\":1,\"pong\":true}\n");
    follower.send("1");
    other.send(send("w", "9"));
    BOOST_TEST(follower.send("2\n") == yielded("w", 3, "9", "7") + "12\n");
}

BOOST_AUTO_TEST_CASE(a_follower_is_woken_when_there_is_something_to_say)
{
    server host;
    connection follower(host);
    connection other(host);
    follower.send(subscribe("w"));
    BOOST_TEST(follower.wakes() == 0);
    BOOST_TEST(!follower.tested().pending());
    other.send(send("w", "1") + send("w", "2"));
    BOOST_TEST(follower.wakes() == 1);
    BOOST_TEST(follower.tested().pending());
    BOOST_TEST(!follower.tested().in_reply());
    BOOST_TEST(!follower.tested().waiting());
    follower.receive();
    BOOST_TEST(!follower.tested().pending());
    other.send(send("w", "3"));
    BOOST_TEST(follower.wakes() == 2);
}

BOOST_AUTO_TEST_CASE(who_reads_too_slowly_loses_the_oldest_events_and_is_told_how_many)
{
    constexpr int sent = 1000;
    setup with;
    with.limits.max_event_buffer = 10'000;
    server host(with);
    connection slow(host);
    connection fast(host);
    connection other(host);
    slow.send(subscribe("w"));
    fast.send(subscribe("w"));
    std::string followed;
    for (auto i = 1; i <= sent; ++i) {
        other.send(send("w", std::to_string(i)));
        followed += fast.receive();
    }
    BOOST_TEST(events_in(followed).size() == sent + 1U); // nobody is slowed down by another
    BOOST_TEST(count_lost(followed) == 0U);

    auto const text = slow.receive();
    auto const events = events_in(text);
    auto const lost = count_lost(events.front() + "\n");
    BOOST_TEST(lost > 0U);
    BOOST_TEST(lost == count_lost(text));
    BOOST_TEST(lost + events.size() - 1 == sent + 1U);
    BOOST_TEST(text.size() < 10'000U);
    for (std::size_t i = 1; i < events.size(); ++i)
        BOOST_TEST(parsed(events[i]).at("n").to_number<std::size_t>() == lost + i - 1);
    BOOST_TEST(host.events_lost() == lost);

    other.send(send("w", "1"));
    BOOST_TEST(slow.receive().starts_with(R"({"event":"yield","window":"w","n":1001,)"));
}

BOOST_AUTO_TEST_CASE(who_loses_the_events_of_ones_own_requests_gets_the_replies)
{
    setup with;
    with.limits.max_event_buffer = 300;
    server host(with);
    connection tested(host);
    auto const text =
        tested.send(subscribe("w") + named("open", "w") + "[" + sequence(1, 100, ",") + "]\n5\n");
    auto const lines = lines_of(text);
    BOOST_TEST(replies_in(text).size() == 4U);
    BOOST_TEST(lines[3].starts_with("[1,1.5,2,"));
    BOOST_TEST(lines[4].starts_with(R"({"event":"lost","count":)"));
    BOOST_TEST(lines[5].starts_with(R"({"event":"yield","window":"w","n":)"));
    BOOST_TEST(count_lost(text) + events_in(text).size() - 1 == 102U);
}

BOOST_AUTO_TEST_CASE(a_writer_pauses_for_followers_and_goes_on)
{
    constexpr std::size_t values = 5000;
    auto const input = repeated("5\n", values);
    for (std::size_t const buffer : {1'000'000U, 10'000U, 2000U}) {
        setup with;
        with.limits.max_event_buffer = buffer;
        server host(with);
        connection follower(host);
        conversation writer(host);
        output_buffer out;
        follower.send(subscribe("w"));
        writer.feed(named("open", "w"), out);
        out.clear();
        follower.receive();

        std::string followed;
        std::string replies;
        std::size_t rounds = 0;
        for (std::size_t taken = 0; taken < input.size(); ++rounds) {
            auto const more = writer.feed(std::string_view(input).substr(taken), out);
            BOOST_TEST_REQUIRE(more > 0U);
            BOOST_TEST(!writer.pending());
            taken += more;
            replies += out.view();
            out.clear();
            auto const events = follower.receive();
            BOOST_TEST(events.size() <= conversation::events_pause + 200);
            followed += events;
        }
        BOOST_TEST(rounds > 3U);
        BOOST_TEST(lines_of(replies).size() == values);
        BOOST_TEST(events_in(followed).size() == values);
        BOOST_TEST(host.events_lost() == 0U);
    }
}

BOOST_AUTO_TEST_CASE(a_writer_that_nobody_follows_does_not_pause)
{
    server host;
    conversation writer(host);
    output_buffer out;
    auto const made = named("open", "w");
    writer.feed(made, out);
    auto const input = repeated("5\n", 10'000);
    BOOST_TEST(writer.feed(input, out) == input.size());
    BOOST_TEST(host.event_bytes() == 0U);
}

BOOST_AUTO_TEST_CASE(however_many_events_there_are_requests_are_taken)
{
    server host;
    conversation follower(host);
    connection other(host);
    output_buffer out;
    follower.feed(subscribe("w"), out);
    auto const flood = [&] { other.send(named("send", "w", "\"values\":[" + sequence(1, 5000, ",") + "]")); };
    auto const input = repeated("{\"op\":\"ping\"}\n", 100) + unsubscribe("w");
    std::size_t taken = 0;
    auto rounds = 0;
    std::string text(out.view());
    while (taken < input.size()) { // others are always faster than who reads this
        BOOST_TEST_REQUIRE(++rounds < 1000);
        flood();
        out.clear();
        taken += follower.feed(std::string_view(input).substr(taken), out);
        // What is queued comes before the reply to unsubscribe.
        BOOST_TEST((out.size() <= conversation::output_pause + 200 || taken == input.size()));
        text += out.view();
    }
    auto const replies = replies_in(text);
    BOOST_TEST(replies.size() == 102U);
    BOOST_TEST(replies.back() + "\n" == unsubscribed("w"));
    BOOST_TEST(!follower.is_following());
    flood();
    BOOST_TEST(!follower.pending());
}

BOOST_AUTO_TEST_CASE(an_event_for_many_is_written_once)
{
    server host;
    std::deque<connection> followers;
    for (auto i = 0; i < 1000; ++i)
        followers.emplace_back(host).send(subscribe("w*") + subscribe(i % 2 == 0 ? "w" : "*"));
    connection other(host);
    other.send(send("w", "5"));
    auto const expected = event("open", "w", 0) + yielded("w", 1, "5", "5");
    BOOST_TEST(host.event_bytes() == expected.size());
    for (auto& follower : followers)
        BOOST_TEST_REQUIRE(follower.receive() == expected);
    BOOST_TEST(host.event_bytes() == expected.size());
}

BOOST_AUTO_TEST_CASE(the_end_of_the_input_ends_following)
{
    server host;
    connection follower(host);
    connection other(host);
    follower.send(subscribe("w") + subscribe("v"));
    other.send(send("w", "5"));
    BOOST_TEST(follower.finish() == event("open", "w", 0) + yielded("w", 1, "5", "5"));
    BOOST_TEST(!follower.tested().is_following());
    BOOST_TEST(host.counters.subscriptions == 0U);
    other.send(send("w", "7"));
    BOOST_TEST(!follower.tested().pending());
    BOOST_TEST(follower.wakes() == 1);
    BOOST_TEST(host.event_bytes() == (event("open", "w", 0) + yielded("w", 1, "5", "5")).size());
}

BOOST_AUTO_TEST_CASE(a_last_line_without_an_end_is_told_of_too)
{
    auto const own = converse(subscribe("w") + R"({"op":"send","window":"w","value":5})");
    BOOST_TEST(own.lines.size() == 4U);
    BOOST_TEST(own.lines[1] == R"({"yield":5})");
    BOOST_TEST(own.lines[3] + "\n" == yielded("w", 1, "5", "5"));
    auto const last = converse(R"({"op":"subscribe","window":"w"})");
    BOOST_TEST(last.lines.at(0) + "\n" == subscribed("w", 0));
    BOOST_TEST(last.counters.subscriptions == 0U);
}

BOOST_AUTO_TEST_CASE(a_follower_that_is_gone_is_told_nothing_more)
{
    server host;
    connection other(host);
    connection stays(host);
    stays.send(subscribe("*"));
    for (auto i = 0; i < 10; ++i) {
        connection follower(host);
        follower.send(subscribe("w") + subscribe("*") + named("open", "w"));
        other.send(send("w", "5"));
    }
    BOOST_TEST(host.counters.subscriptions == 1U);
    other.send(send("w", "5"));
    BOOST_TEST(events_in(stays.receive()).size() == 12U);
}

BOOST_AUTO_TEST_CASE(followers_may_come_and_go_while_others_are_in_the_middle_of_their_events)
{
    server host;
    connection other(host);
    connection one(host);
    auto two = std::make_unique<connection>(host);
    one.send(subscribe("*"));
    two->send(subscribe("*"));
    other.send(send("w", "1"));
    two.reset();
    connection three(host);
    three.send(subscribe("*"));
    other.send(send("w", "3"));
    BOOST_TEST(one.receive() ==
               event("open", "w", 0) + yielded("w", 1, "1", "1") + yielded("w", 2, "3", "2"));
    BOOST_TEST(three.receive() == yielded("w", 2, "3", "2"));
}

BOOST_AUTO_TEST_CASE(a_window_that_nobody_uses_any_more_is_told_to_close)
{
    setup with;
    with.limits.windows.idle_expiry = 10;
    server host(with);
    connection follower(host);
    follower.send(subscribe("w") + send("w", "5"));
    server::pass(std::chrono::seconds(10));
    auto const text = follower.send("{\"op\":\"ping\"}\n{\"op\":\"windows\"}\n");
    BOOST_TEST(text == "{\"pong\":true}\n{\"windows\":[],\"more\":false}\n" + event("close", "w", 2));
}

BOOST_AUTO_TEST_CASE(from_its_events_a_follower_knows_each_window_as_it_is)
{
    auto random = std::mt19937(60);
    setup with;
    with.default_window.stats = {windowd::window::find_statistic("sum")};
    server host(with);
    connection follower(host);
    std::deque<connection> writers;
    for (auto i = 0; i < 4; ++i)
        writers.emplace_back(host);
    follower.send(subscribe("a*") + subscribe("*b") + subscribe("b*"));

    known_windows known;
    for (auto i = 0; i < 2000; ++i) {
        writers[random() % writers.size()].send(any_request(random));
        if (random() % 4 == 0)
            known.learn(follower.receive());
    }
    known.learn(follower.receive());
    auto const listed = parsed(writers[0].send("{\"op\":\"windows\"}\n")).at("windows").as_array();
    BOOST_TEST(listed.size() == known.windows.size());
    for (auto const& one : listed) {
        auto const& window = known.windows.at(std::string(one.at("name").as_string()));
        BOOST_TEST(one.at("n").to_number<std::uint64_t>() == window.n);
        BOOST_TEST(one.at("count").to_number<std::size_t>() == window.values.size());
    }
}

BOOST_AUTO_TEST_SUITE_END()
