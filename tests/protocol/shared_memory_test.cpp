// Shared windows and followers without memory: each allocation fails in turn, and nobody is told anything wrong.
#include "protocol/support.hpp"
#include "support/allocation_counter.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstddef>
#include <new>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace windowd::test;
using windowd::protocol::conversation;
using windowd::protocol::output_buffer;

constexpr auto window = "a.window.whose.name.is.not.kept.in.place";

std::string of_window(std::string_view op, std::string_view members = {})
{
    return named(op, window, members);
}

std::string fed(conversation& tested, output_buffer& out, std::string_view input)
{
    std::string text;
    do {
        input.remove_prefix(tested.feed(input, out));
        text += out.view();
        out.clear();
    } while (!input.empty() || tested.pending());
    return text;
}

/// A window that others follow, and a connection with a private one.
struct scene {
    scene()
    {
        // The first service of all that is closed in the middle of a dump makes an exception for all later ones.
        fed(tested, out, "5\n{\"op\":\"dump\"}\n{\"op\":\"close\"}\n");
        fed(follower, followed,
            R"({"op":"subscribe","window":"*"})"
            "\n");
        fed(tested, out,
            of_window("open", R"("size":200,"stats":["mean","max"],"data":[)" + sequence(1, 128, ",") + "]"));
        fed(tested, out,
            R"({"op":"open","size":200,"stats":["std","min"],"data":[)" + sequence(1, 128, ",") + "]}\n");
        fed(follower, followed, "");
    }

    std::string state()
    {
        return fed(tested, out, of_window("dump") + "{\"op\":\"windows\"}\n{\"op\":\"dump\"}\n");
    }

    server host;
    conversation tested{host};
    conversation follower{host};
    output_buffer out;
    output_buffer followed;
};

// How many events the follower was told, or told that it has lost.
std::size_t told(std::string const& text)
{
    std::size_t count = 0;
    for (auto const& line : lines_of(text)) {
        auto const what = parsed(line);
        count += what.at("event").as_string() == "lost" ? what.at("count").to_number<std::size_t>() : 1;
    }
    return count;
}

bool is_refused(std::string_view line)
{
    return parsed(line).is_object() && parsed(line).as_object().contains("error");
}

// Of an array for which there is not enough memory some values may be taken: how many are not, or 0.
std::size_t refused_in(std::string_view reply)
{
    auto const what = reply.empty() ? boost::json::value() : parsed(reply);
    if (!what.is_object() || !what.as_object().contains("error") || !what.as_object().contains("yield") ||
        !what.at("yield").is_array())
        return 0;
    auto const& yields = what.at("yield").as_array();
    return static_cast<std::size_t>(
        std::count_if(yields.begin(), yields.end(), [](auto const& one) { return one.is_null(); }));
}

/// Feeds `request` to an output in which there is so much room, with an allocation that fails. Nothing where even that
/// could not be told.
std::string fed_without_memory(scene& without, std::string const& request, std::size_t room, std::size_t nth,
                               bool& failed)
{
    without.out = {};
    if (room != 0) {
        without.out.prepare(std::max(room, std::size_t{1000}));
        without.out.append(std::string(without.out.capacity() - room, 'x'));
    }
    auto const before = without.out.size();
    try {
        failing_allocation const failure(nth);
        failed = true;
        without.tested.feed(request, without.out);
        failed = failure.happened();
    } catch (std::bad_alloc const&) {
    }
    auto reply = std::string(without.out.view().substr(before));
    without.out.clear();
    return reply + fed(without.tested, without.out, "");
}

/// A request, and what is to come of it: so many events, and so many values in its reply that are null.
struct asked {
    std::string request;
    std::size_t changes;
    std::size_t nulls;
    std::string before; ///< what is sent before it
};

/// Whether the request has so many allocations; that one fails. Where the request is refused for that, nothing has
/// happened, and it can be sent again; otherwise it is answered as ever. The connection lives, and followers miss
/// nothing that they are not told of.
bool fails_at(std::size_t nth, std::size_t room, asked const& what, std::string const& expected)
{
    scene without;
    fed(without.tested, without.out, what.before);
    fed(without.follower, without.followed, "");
    auto const state = without.state();
    auto failed = false;
    auto const reply = fed_without_memory(without, what.request, room, nth, failed);
    auto events = fed(without.follower, without.followed, "");
    if (reply != expected) {
        BOOST_TEST(failed);
        if (reply.empty())
            BOOST_TEST(room < 1000U); // not even that could be told
        else
            BOOST_TEST(code_of(reply) == "internal");
    }
    if (auto const missing = refused_in(reply); missing != 0) {
        BOOST_TEST(told(events) == (what.changes == 0 ? 0 : what.changes + what.nulls - missing));
        return failed;
    }
    if (reply != expected) {
        BOOST_TEST(without.state() == state);
        BOOST_TEST(events == "");
        BOOST_TEST(fed(without.tested, without.out, what.request) == expected);
        events = fed(without.follower, without.followed, "");
    }
    BOOST_TEST(told(events) == what.changes);
    BOOST_TEST(fed(without.tested, without.out, "{\"op\":\"ping\"}\n") == "{\"pong\":true}\n");
    return failed;
}

/// Lets each allocation of a request that makes so many events fail in turn, with all the room in the output that it
/// needs and with little.
void check_without_memory(std::string const& request, std::size_t changes, std::string const& before = {})
{
    auto const what = asked{request, changes, request.find("null") != std::string::npos ? 1U : 0U, before};
    scene normal;
    fed(normal.tested, normal.out, before);
    auto const expected = fed(normal.tested, normal.out, request);
    for (std::size_t const room : {100'000U, 10U, 100U, 0U}) {
        for (std::size_t nth = 1;; ++nth) {
            BOOST_TEST_REQUIRE(nth < 1000U);
            BOOST_TEST_INFO_SCOPE("allocation " << nth << " of " << request << " with room for " << room);
            if (!fails_at(nth, room, what, expected))
                break;
        }
    }
}

// Whether the end of a follower that has many events to be told needs so many allocations; that one fails.
bool fails_at_unsubscribing(std::size_t nth, std::size_t room, std::string_view pattern)
{
    constexpr std::size_t events = 600; // more than are told before a request is taken
    scene without;
    for (std::size_t i = 0; i < events; ++i)
        fed(without.tested, without.out, of_window("send", R"("value":5)"));
    auto const request = named("unsubscribe", pattern);
    auto& out = without.followed;
    out = {};
    out.prepare(std::max(room, std::size_t{1000}));
    out.append(std::string(out.capacity() - room, 'x'));
    auto const before = out.size();
    auto failed = true;
    std::size_t taken = 0;
    try {
        failing_allocation const failure(nth);
        taken = without.follower.feed(request, out);
        failed = failure.happened();
    } catch (std::bad_alloc const&) {
    }
    auto text = std::string(out.view().substr(before));
    out.clear();
    text += fed(without.follower, out, std::string_view(request).substr(taken));
    std::string told_of;
    for (auto const& line : events_in(text))
        told_of += line + "\n";
    BOOST_TEST(told(told_of) == events, "allocation " << nth << " with room for " << room);
    BOOST_TEST(replies_in(text).size() == 1U);
    return failed;
}

std::string opening()
{
    return of_window("open");
}

} // namespace

BOOST_AUTO_TEST_SUITE(shared_memory)

BOOST_AUTO_TEST_CASE(a_value_is_taken_and_told_or_refused)
{
    check_without_memory("5\n", 1, opening());
    check_without_memory("[5]\n", 1, opening());
    check_without_memory("[1,null,3]\n", 2, opening());
    check_without_memory("null\n", 0, opening());
    check_without_memory(of_window("send", R"("value":5)"), 1);
    check_without_memory(of_window("send", R"("value":5,"id":"an id that is not kept in place")"), 1);
    check_without_memory(of_window("send", R"("values":[5,6,7],"id":7)"), 3);
}

BOOST_AUTO_TEST_CASE(what_a_private_window_is_asked_is_done_or_refused)
{
    check_without_memory("5\n", 0);
    check_without_memory("[5]\n", 0);
    check_without_memory("[1,null]\n", 0);
    check_without_memory("null\n", 0);
    check_without_memory("{\"op\":\"send\",\"value\":5,\"id\":\"an id that is not kept in place\"}\n", 0);
    check_without_memory("{\"op\":\"clear\"}\n", 0);
    check_without_memory("{\"op\":\"close\",\"id\":1}\n", 0);
    check_without_memory("{\"op\":\"read\"}\n", 0);
    for (auto const length : {4094U, 5000U}) // the one fills the output that has room for 10 but for 4 bytes
        check_without_memory(R"({"op":"clear","id":")" + std::string(length, 'x') + "\"}\n", 0);
    check_without_memory("{\"op\":\"open\",\"size\":5,\"data\":[1,2,3],\"stats\":[\"p95\",\"mean\"]}\n", 0);
}

BOOST_AUTO_TEST_CASE(what_is_read_is_told_or_refused)
{
    check_without_memory(of_window("read"), 0);
    check_without_memory(of_window("dump"), 0);
    check_without_memory(of_window("next"), 0);
    check_without_memory("{\"op\":\"windows\"}\n", 0);
    check_without_memory("{\"op\":\"read\"}\n", 0, opening());
    check_without_memory("{\"op\":\"dump\"}\n", 0, opening());
}

BOOST_AUTO_TEST_CASE(what_changes_a_window_is_done_and_told_or_refused)
{
    check_without_memory(of_window("clear"), 1);
    check_without_memory(of_window("throw", R"("exception":"ClearWindow")"), 1);
    check_without_memory("{\"op\":\"clear\",\"id\":\"an id that is not kept in place\"}\n", 1, opening());
    check_without_memory(of_window("close"), 1);
    check_without_memory("{\"op\":\"close\"}\n", 1, opening());
}

BOOST_AUTO_TEST_CASE(a_window_is_made_and_told_or_not_at_all)
{
    constexpr std::string_view other = "another.window.whose.name.is.not.kept.in.place";
    check_without_memory(named("send", other, R"("value":5)"), 2);
    check_without_memory(named("send", other, R"("values":[5,null,6])"), 3);
    check_without_memory(named("open", other), 1);
    check_without_memory(named("open", other, R"("size":5,"stats":["mean","p95","std"],"data":[1,2,3])"), 1);
}

BOOST_AUTO_TEST_CASE(a_window_is_joined_or_not)
{
    check_without_memory(of_window("open"), 0);
    check_without_memory(of_window("open", R"("stats":["mean","max"])"), 0, "5\n");
}

BOOST_AUTO_TEST_CASE(what_is_refused_anyway_is_refused)
{
    for (auto const& request :
         {of_window("open", R"("size":3)"), named("read", "none"), of_window("send", R"("value":"x")"),
          of_window("send", R"("value":5,"at":5)"), of_window("read", R"("size":5)"),
          std::string("{\"op\":\"subscribe\",\"window\":\"a b\"}\n"),
          std::string("{\"op\":\"unsubscribe\",\"window\":\"none\"}\n")}) {
        scene normal;
        BOOST_TEST(is_refused(fed(normal.tested, normal.out, request)));
        check_without_memory(request, 0);
    }
}

BOOST_AUTO_TEST_CASE(a_subscription_is_made_or_refused)
{
    for (std::string_view const pattern : {"*", "a.pattern.that.is.not.kept.in.place.*"}) {
        check_without_memory(named("subscribe", pattern), 0);
        check_without_memory(named("unsubscribe", pattern), 0, named("subscribe", pattern));
    }
}

BOOST_AUTO_TEST_CASE(no_event_is_lost_unsaid_when_following_ends_without_memory)
{
    for (auto const* pattern : {"*", "what.is.not.followed"}) {
        for (std::size_t const room : {100'000U, 50'000U, 3000U, 10U}) {
            for (std::size_t nth = 1; fails_at_unsubscribing(nth, room, pattern); ++nth)
                BOOST_TEST_REQUIRE(nth < 100U);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_follower_without_memory_for_an_event_is_told_that_it_is_lost)
{
    auto const request = of_window("send", R"("value":5)");
    auto failed = true;
    auto lost = 0U;
    for (std::size_t nth = 1; failed; ++nth) {
        BOOST_TEST_REQUIRE(nth < 1000U);
        scene without;
        without.out.prepare(20'000);
        {
            failing_allocation const failure(nth);
            for (auto i = 0; i < 100; ++i)
                without.tested.feed(request, without.out);
            failed = failure.happened();
        }
        auto const taken = replies_in(without.out.view());
        std::size_t refused = 0;
        for (auto const& line : taken)
            refused += is_refused(line) ? 1 : 0;
        auto const events = fed(without.follower, without.followed, "");
        BOOST_TEST(told(events) + refused == 100U);
        lost += events.starts_with(R"({"event":"lost")") ? 1 : 0;
    }
    BOOST_TEST(lost > 0U);
}

BOOST_AUTO_TEST_SUITE_END()
