// Conversations in pieces: any cut gives the same replies, on long random conversations and at every single
// place.
#include "protocol/support.hpp"

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <iterator>
#include <random>
#include <string>
#include <string_view>

namespace {

using namespace windowd::test;

constexpr std::string_view lines[] = {
    "5",
    "-0.25",
    "1e3",
    "0.30000000000000004",
    "1e400",
    "1e99999999999999999999",
    "null",
    "true",
    "\"text\"",
    "[1,2,3]",
    "[1,\"x\",null]",
    "[]",
    "{}",
    "",
    " ",
    "\t",
    "nonsense",
    "01",
    "-",
    "[",
    "{\"op\":",
    R"({"op":"ping"})",
    R"({"op":"send","value":2.5,"id":1})",
    R"({"op":"send","values":[1,null,true],"id":"\u20ac"})",
    R"({"op":"dump"})",
    R"({"op":"clear"})",
    R"({"op":"read"})",
    R"({"op":"next"})",
    R"({"op":"throw","exception":"DumpData"})",
    R"({"op":"throw","exception":"Nope"})",
    R"({"op":"open","size":2})",
    R"({"op":"open","size":4,"data":[1,2,3,4,5]})",
    R"({"op":"close"})",
    R"({"op":"ping","op":"ping"})",
    R"({"op":"ping","foo":1})",
    "\x80\xff",
    "GET / HTTP/1.1",
    "12345678901234567890123456789012345678901234567890123456789012345678901234567890"};

std::string conversation_of(std::mt19937& random, std::size_t count)
{
    std::string input = "5\n"; // so that HTTP does not end it
    for (std::size_t i = 0; i < count; ++i) {
        input += lines[random() % std::size(lines)];
        input += random() % 4 == 0 ? "\r\n" : "\n";
    }
    return input;
}

std::string replies_in_pieces(std::string_view input, setup const& with, std::mt19937& random)
{
    server host(with);
    connection tested(host);
    std::string replies;
    while (!input.empty()) {
        auto const piece = input.substr(0, random() % 30);
        replies += tested.send(piece);
        input.remove_prefix(piece.size());
    }
    return replies + tested.finish();
}

} // namespace

BOOST_AUTO_TEST_SUITE(pieces)

BOOST_AUTO_TEST_CASE(long_conversations_are_the_same_in_chunks_of_1_to_69_bytes)
{
    auto random = std::mt19937(30);
    for (auto i = 0; i < 30; ++i)
        converse(conversation_of(random, 60));
}

BOOST_AUTO_TEST_CASE(conversations_with_lines_that_are_too_long_are_the_same_in_any_pieces)
{
    auto random = std::mt19937(31);
    for (auto i = 0; i < 300; ++i) {
        setup with;
        with.limits.max_line = 8 + random() % 40;
        auto const input = conversation_of(random, 40);
        server host(with);
        connection tested(host);
        auto whole = tested.send(input);
        whole += tested.finish();
        for (auto cuts = 0; cuts < 10; ++cuts)
            BOOST_TEST_REQUIRE(replies_in_pieces(input, with, random) == whole);
        BOOST_TEST(lines_of(whole).size() == requests_in(input));
    }
}

BOOST_AUTO_TEST_CASE(a_conversation_cut_at_any_place_is_the_same)
{
    auto const input = std::string(
        "5\r\n\n7\n[1,2.5]\r\n\"\xe2\x82\xac\"\n{\"op\":\"dump\",\"id\":\"\\u20ac\"}\nx\r\n1e400\n9");
    server host;
    connection undivided(host);
    auto whole = undivided.send(input);
    whole += undivided.finish();
    for (std::size_t cut = 0; cut <= input.size(); ++cut) {
        connection tested(host);
        auto replies = tested.send(std::string_view(input).substr(0, cut));
        replies += tested.send(std::string_view(input).substr(cut));
        replies += tested.finish();
        BOOST_TEST(replies == whole);
    }
}

BOOST_AUTO_TEST_CASE(empty_pieces_change_nothing)
{
    server host;
    windowd::protocol::conversation tested(host);
    windowd::protocol::output_buffer out;
    BOOST_TEST(tested.feed({}, out) == 0U);
    tested.feed("1", out);
    BOOST_TEST(tested.feed({}, out) == 0U);
    tested.feed("2", out);
    BOOST_TEST(tested.feed("", out) == 0U);
    BOOST_TEST(out.empty());
    tested.feed("\n", out);
    BOOST_TEST(out.view() == "12\n");
}

BOOST_AUTO_TEST_CASE(a_line_is_answered_as_soon_as_it_has_ended)
{
    server host;
    connection tested(host);
    BOOST_TEST(tested.send("5") == "");
    BOOST_TEST(tested.send("\r") == "");
    BOOST_TEST(tested.send("\n") == "5\n");
    BOOST_TEST(tested.send("7\n9") == "6\n");
    BOOST_TEST(tested.send("\n") == "7\n");
    BOOST_TEST(tested.finish() == "");
}

BOOST_AUTO_TEST_CASE(input_behind_the_end_is_ignored)
{
    server host;
    windowd::protocol::conversation tested(host);
    windowd::protocol::output_buffer out;
    tested.feed("GET / HTTP/1.1\n", out);
    BOOST_TEST(tested.ended());
    out.clear();
    BOOST_TEST(tested.feed("5\n{\"op\":\"ping\"}\n7", out) == 17U);
    tested.finish(out);
    BOOST_TEST(out.empty());
    BOOST_TEST(host.counters.requests == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
