// What a conversation takes from the heap: nothing for a value; bounded for everything; and what it does
// without.
#include "protocol/support.hpp"
#include "support/allocation_counter.hpp"

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <deque>
#include <new>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace windowd::test;
using windowd::protocol::conversation;
using windowd::protocol::output_buffer;
using windowd::protocol::request_parser;

// Allocations for one more feeding of `input`, when others have brought everything to its size.
std::size_t allocations_for(std::string_view input, std::size_t chunk = std::string_view::npos,
                            std::string_view opening = {})
{
    server host;
    conversation tested(host);
    output_buffer out;
    tested.feed(opening, out);
    out.clear();
    auto const feed = [&] {
        for (std::size_t at = 0; at < input.size();
             at += chunk == std::string_view::npos ? input.size() : chunk) {
            tested.feed(input.substr(at, chunk), out);
            out.clear();
        }
    };
    feed();
    feed(); // the replies of the first may be shorter
    auto const before = allocations();
    feed();
    return allocations() - before;
}

// Whether a request to a window of 128 values has so many allocations; that one fails.
bool fails_at(std::size_t nth, std::string const& line)
{
    server host;
    conversation tested(host);
    output_buffer out;
    tested.feed(R"({"op":"open","size":300,"stats":["mean","max","p95","std"],"data":[)" +
                    sequence(1, 128, ",") + "]}\n",
                out);
    out = output_buffer();
    auto failed = true;
    try {
        failing_allocation const failure(nth);
        tested.feed(line, out);
        failed = failure.happened();
    } catch (std::bad_alloc const&) {
        BOOST_TEST(out.empty());
        return true;
    }
    auto const replies = lines_of(out.view());
    BOOST_TEST_REQUIRE(replies.size() == 1U);
    BOOST_TEST(parsed(replies[0]).kind() != boost::json::kind::null);
    out.clear();
    tested.feed("{\"op\":\"dump\"}\n", out);
    auto const length = parsed(lines_of(out.view()).at(0)).at("yield").to_number<int>();
    auto const refused =
        replies[0].starts_with(R"({"error":)") || replies[0].starts_with(R"({"yield":null,"error":)");
    if (refused) // of an array, the elements that are not refused count
        BOOST_TEST(length == 128, line << ", allocation " << nth << ": " << replies[0]);
    return failed;
}

} // namespace

BOOST_AUTO_TEST_SUITE(memory)

BOOST_AUTO_TEST_CASE(a_value_allocates_nothing)
{
    BOOST_TEST(allocations_for("5\n") == 0U);
    BOOST_TEST(allocations_for(sequence(1, 1000, "\n") + "\n") == 0U);
    BOOST_TEST(
        allocations_for("3.14159\r\n-2.5\r\n1e3\r\n0.12345678901234567\r\n1.7976931348623157e308\r\n") == 0U);
}

BOOST_AUTO_TEST_CASE(a_value_that_comes_in_pieces_allocates_nothing)
{
    for (auto const chunk : {1U, 2U, 3U, 5U, 7U, 16U, 69U})
        BOOST_TEST(allocations_for(sequence(1, 1000, "\n") + "\n0.12345678901234567\n", chunk) == 0U, chunk);
}

BOOST_AUTO_TEST_CASE(arrays_and_sends_allocate_nothing_either)
{
    BOOST_TEST(allocations_for("[" + sequence(1, 1000, ",") + "]\n") == 0U);
    BOOST_TEST(allocations_for("{\"op\":\"send\",\"value\":5}\n") == 0U);
    BOOST_TEST(allocations_for("null\n") == 0U);
}

BOOST_AUTO_TEST_CASE(a_value_for_a_shared_window_allocates_nothing)
{
    for (std::string_view const members :
         {"", R"(,"stats":["mean","max","p95"])", R"(,"span":30,"size":100)"}) {
        auto const opening =
            R"({"op":"open","window":"a.name.that.is.not.kept.in.place")" + std::string(members) + "}\n";
        for (auto const chunk : {std::size_t{1}, std::size_t{7}, std::string_view::npos}) {
            auto const values = sequence(1, 1000, "\n") + "\n0.12345678901234567\n";
            BOOST_TEST(allocations_for(values, chunk, opening) == 0U, members << ", in pieces of " << chunk);
        }
        for (std::string_view const request :
             {"[1,2,3,null]", "null", R"({"op":"send","value":5})", R"({"op":"next"})",
              R"({"op":"send","values":[1,null,3],"id":7})",
              R"({"op":"send","value":5,"id":"not too long"})"})
            BOOST_TEST(allocations_for(std::string(request) + "\n", std::string_view::npos, opening) == 0U,
                       request);
        BOOST_TEST(allocations_for("[" + sequence(1, 1000, ",") + "]\n", std::string_view::npos, opening) ==
                   0U);
    }
}

BOOST_AUTO_TEST_CASE(a_value_for_a_window_that_is_named_allocates_nothing)
{
    for (std::string_view const request :
         {R"({"op":"send","window":"a.name.that.is.not.kept.in.place","value":5})",
          R"({"op":"send","window":"a.name.that.is.not.kept.in.place","values":[5,null,7]})",
          R"({"op":"next","window":"w"})"})
        BOOST_TEST(allocations_for(std::string(request) + "\n", std::string_view::npos,
                                   "{\"op\":\"send\",\"window\":\"w\",\"value\":1}\n") == 0U,
                   request);
}

BOOST_AUTO_TEST_CASE(an_event_takes_memory_once_however_many_follow)
{
    constexpr std::size_t followers = 1000;
    constexpr std::size_t values = 64;
    server host;
    std::deque<connection> all;
    for (std::size_t i = 0; i < followers; ++i)
        all.emplace_back(host).send("{\"op\":\"subscribe\",\"window\":\"w\"}\n");
    conversation writer(host);
    output_buffer out;
    writer.feed("{\"op\":\"open\",\"window\":\"w\"}\n1\n2\n3\n4\n", out);
    std::size_t taken = 0;
    for (std::size_t i = 0; i < values; ++i) {
        auto const before = allocations();
        writer.feed("5\n", out);
        taken += allocations() - before;
        for (auto& one : all)
            one.receive();
    }
    BOOST_TEST(taken >= values);
    BOOST_TEST(taken <= values * followers / 10); // queues grow by many places at a time
}

BOOST_AUTO_TEST_CASE(a_connection_that_says_nothing_owns_nothing)
{
    server host;
    auto const before = allocations();
    conversation const idle(host);
    BOOST_TEST(allocations() == before);
}

BOOST_AUTO_TEST_CASE(what_a_long_line_took_is_given_back)
{
    server host;
    connection tested(host);
    tested.send("5\n\"x\"\n");
    auto const before = allocations_alive();
    tested.send(std::string(500'000, ' ') + "5\n", 1000);
    tested.send(R"({"op":"ping","id":")" + std::string(500'000, 'x') + "\"}\n");
    tested.send("\"x\"\n");
    tested.send("5\n", 1);
    BOOST_TEST(allocations_alive() <= before + 2);
}

BOOST_AUTO_TEST_CASE(what_a_long_line_took_for_a_shared_window_is_given_back)
{
    server host;
    connection tested(host);
    tested.send("{\"op\":\"open\",\"window\":\"w\"}\n[1,2,3]\n5\n");
    auto const before = host.values.capacity();
    tested.send("[" + sequence(1, 100'000, ",") + "]\n");
    BOOST_TEST(host.values.capacity() >= 100'000U);
    tested.send("[1,2,3]\n5\n");
    BOOST_TEST(host.values.capacity() <= before);
}

BOOST_AUTO_TEST_CASE(a_private_window_is_given_up_for_a_shared_one)
{
    server host;
    connection tested(host);
    tested.send("{\"op\":\"open\",\"window\":\"w\"}\n{\"op\":\"open\"}\n");
    auto const before = allocations_alive();
    tested.send(R"({"op":"open",)" + filled(20'000) + "}\n");
    BOOST_TEST(allocations_alive() > before + 10);
    tested.send("{\"op\":\"open\",\"window\":\"w\"}\n");
    BOOST_TEST(allocations_alive() <= before + 2);
}

BOOST_AUTO_TEST_CASE(a_line_that_was_too_long_leaves_nothing_behind)
{
    server host;
    connection tested(host);
    tested.send("5\n");
    tested.send(std::string(2'000'000, 'x') + "\n"); // whole: for what its answer takes, once
    auto const before = allocations_alive();
    tested.send(std::string(2'000'000, 'x') + "\n5\n", 1000);
    auto const after = allocations_alive();
    BOOST_TEST(after == before);
}

// Whether the arrays of a request are gone when the next one, that has none, is read.
bool are_released(std::string const& beginning, std::string const& end)
{
    request_parser parser;
    parser.parse(R"({"op":"x"})");
    auto const before = allocations_alive();
    {
        auto line = beginning + R"("a string that is not kept in place")";
        for (int i = 0; i < 50'000; ++i)
            line += ",\"\"";
        BOOST_TEST(!parser.parse(line + end));
    }
    parser.parse("null");
    return allocations_alive() == before;
}

BOOST_AUTO_TEST_CASE(what_a_large_array_took_is_given_back_at_the_next_request)
{
    BOOST_TEST(are_released("[", "]"));
    for (auto const* name : {"values", "data", "stats"})
        BOOST_TEST(are_released(R"({")" + std::string(name) + "\":[", "]}"));
}

BOOST_AUTO_TEST_CASE(
    without_memory_a_request_is_refused_or_the_connection_ends_and_never_half_a_reply_is_kept)
{
    for (std::string_view const request :
         {"5", "[1,2,3]", "\"x\"", "nonsense", R"({"op":"open","size":5,"data":[1,2,3]})", R"({"op":"dump"})",
          R"({"op":"help"})", R"({"op":"send","value":7})", R"({"op":"open","window":"w","stats":["p99"]})",
          R"({"op":"subscribe","window":"*"})",
          R"({"op":"ping","id":"an id that is too long to be kept in place"})"}) {
        for (std::size_t nth = 1; fails_at(nth, std::string(request) + "\n"); ++nth)
            BOOST_TEST_REQUIRE(nth < 1000U);
    }
}

BOOST_AUTO_TEST_CASE(without_memory_a_long_array_is_answered_or_refused_and_the_connection_lives)
{
    auto const line = R"({"op":"send","id":"an id that is too long to be kept in place","values":[)" +
                      sequence(1, 10'000, ",") + "]}\n";
    auto failed = true;
    for (std::size_t nth = 1; failed; ++nth) {
        BOOST_TEST_REQUIRE(nth < 1000U);
        server host;
        connection tested(host);
        tested.send("{\"op\":\"open\",\"size\":20000,\"stats\":[\"last\"]}\n" + repeated("null\n", 20'000));
        std::string reply;
        {
            failing_allocation const failure(nth);
            try {
                reply = tested.send(line);
            } catch (std::bad_alloc const&) {
            }
            failed = failure.happened();
        }
        reply += tested.receive();
        if (!reply.empty()) {
            BOOST_TEST_REQUIRE(lines_of(reply).size() == 1U);
            auto const what = parsed(reply).as_object();
            if (what.contains("error"))
                BOOST_TEST(code_of(reply) == "internal");
            else
                BOOST_TEST(what.at("yield").as_array().size() == 10'000U);
        }
        BOOST_TEST(tested.send("{\"op\":\"ping\"}\n") == "{\"pong\":true}\n");
    }
}

BOOST_AUTO_TEST_CASE(a_value_for_which_there_is_no_memory_is_refused)
{
    server host;
    conversation tested(host);
    output_buffer out;
    tested.feed(R"({"op":"open","size":300,"data":[)" + sequence(1, 128, ",") + "]}\n",
                out); // a full block
    out.clear();
    {
        failing_allocation const failure(1);
        tested.feed("5\n", out);
        BOOST_TEST(failure.happened());
    }
    constexpr std::string_view error =
        R"("error":{"code":"internal","message":"the server has no memory for this"}})";
    BOOST_TEST(out.view() == "{\"yield\":null," + std::string(error) + "\n");
    out.clear();
    {
        failing_allocation const failure(1);
        tested.feed("{\"op\":\"dump\"}\n", out);
        BOOST_TEST(failure.happened());
    }
    BOOST_TEST(code_of(lines_of(out.view()).at(0)) == "internal");
    out.clear();
    tested.feed("{\"op\":\"read\"}\n", out);
    BOOST_TEST(out.view() == "{\"yield\":64.5}\n");
}

BOOST_AUTO_TEST_SUITE_END()
