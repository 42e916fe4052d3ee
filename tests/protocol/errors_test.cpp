// Conversations, the contract's "Errors": bad input of every kind, what is said of it, and that nothing comes
// of it.
#include "protocol/error.hpp"
#include "protocol/support.hpp"
#include "support/allocation_counter.hpp"

#include <boost/json/serialize.hpp>
#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace windowd::test;
using namespace std::string_literals;

std::string said_of(std::string_view line)
{
    return std::string(check_refused(line, "bad_json").at("message").as_string());
}

bool contains(std::string_view text, std::string_view part)
{
    return text.find(part) != std::string_view::npos;
}

constexpr std::string_view http_farewell =
    R"({"error":{"code":"bad_json","message":"this is windowd, and it does not speak HTTP: goodbye"}})";

// The beginning of a real ClientHello (TLS 1.2 and 1.3), its random bytes replaced by a count that skips the
// line feed.
std::string tls_hello()
{
    auto hello = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"s;
    for (auto i = 0x10; i < 0x50; ++i)
        hello += static_cast<char>(i);
    hello += "\x13\x02\x13\x03\x13\x01\xc0\x2c\xc0\x30\x00\x9f\x00\x00\x00\x0e\x00\x0c\x00\x00\x09localhost"s;
    return hello;
}

} // namespace

BOOST_AUTO_TEST_SUITE(errors)

BOOST_AUTO_TEST_CASE(numbers_that_json_does_not_have_are_refused)
{
    for (auto const* line : {"01",   "-01", "00",   "+1",    ".5",  "-.5", "5.",    "-",  "1e",  "1e+",
                             "1.e5", "--1", "0x10", "1_000", "1,5", "5 7", "1e5.5", "5-", "5e-", "٣"})
        said_of(line);
    for (auto const* line : {"01", "+1", ".5", "-", "5."})
        BOOST_TEST(contains(said_of(line), "a number is written like 5, -0.25 or 1e3"), line);
}

BOOST_AUTO_TEST_CASE(not_a_number_and_infinity_are_no_json)
{
    for (auto const* line : {"NaN", "nan", "Infinity", "-Infinity", "inf", "-inf", "[NaN]", "[1,Infinity]",
                             R"({"op":"send","value":NaN})", R"({"op":"send","value":-Infinity})"})
        said_of(line);
    BOOST_TEST(contains(said_of("NaN"), "NaN and infinity are no numbers"));
}

BOOST_AUTO_TEST_CASE(a_bare_help_tells_how_to_ask_for_help)
{
    for (auto const* line : {"help", "HELP", "?", "quit", "help me", "01", "[1", "\"x", "hello\t"})
        BOOST_TEST(contains(said_of(line), R"(for help send {"op":"help"})"), line);
}

BOOST_AUTO_TEST_CASE(the_column_of_an_error_is_told)
{
    BOOST_TEST(contains(said_of("[1,2,x]"), "at column 6"));
    BOOST_TEST(contains(said_of("   [1,]"), "at column 7"));
    BOOST_TEST(contains(said_of(R"({"op":"send","value":5)"), "at column 23"));
}

BOOST_AUTO_TEST_CASE(bytes_that_are_no_utf8_are_refused)
{
    for (auto const* line :
         {"\xff\xfe", "\"\x80\"", "\"\xc0\xaf\"", "\"\xe2\x82\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"",
          "{\"op\":\"ping\",\"id\":\"\xc3\"}", "{\"\xc3\x28\":1}", "[\"\xfe\"]",
          "\xef\xbb\xbf"
          "5",
          "\xc2\xa0"
          "5"})
        said_of(line);
}

BOOST_AUTO_TEST_CASE(a_lone_surrogate_is_refused)
{
    for (auto const* line : {R"("\ud800")", R"("\udfff")", R"("\ud800\ud800")",
                             R"({"op":"ping","id":"\ud800"})", R"({"\udc00":1})", R"(["\ud83dx"])"})
        said_of(line);
}

BOOST_AUTO_TEST_CASE(nul_bytes_are_refused)
{
    for (auto const& line :
         {"\0"s, "5\0"s, "\0"s + "5"s, "\"\0\""s, "[1,\0]"s, "{\"op\":\"ping\"}\0"s, std::string(100, '\0')})
        said_of(line);
}

BOOST_AUTO_TEST_CASE(deep_nesting_is_refused)
{
    said_of(repeated("[", 33) + repeated("]", 33));
    said_of(repeated("[", 1000));
    said_of(repeated("{\"a\":", 1000));
    said_of(R"({"op":"send","value":)" + repeated("[", 32) + repeated("]", 32) + "}");
    BOOST_TEST(contains(said_of(repeated("[", 33) + repeated("]", 33)), "nested more than 32 deep"));
    BOOST_TEST(check_refused(R"({"op":"send","value":)" + repeated("[", 31) + repeated("]", 31) + "}",
                             "not_a_number")
                   .size() == 2U);
    BOOST_TEST(code_of(replies_to(repeated("[", 32) + repeated("]", 32)).at(0)) == "not_a_number");
}

BOOST_AUTO_TEST_CASE(duplicate_members_are_refused_before_anything_happens)
{
    for (auto const* line :
         {R"({"op":"clear","op":"clear"})", R"({"op":"clear","\u006fp":"clear"})",
          R"({"op":"send","value":1,"value":2})", R"({"op":"send","value":1,"id":1,"id":1})",
          R"({"op":"clear","x":{"a":1,"a":1}})", R"({"op":"clear","x":1,"\u0078":2})",
          R"({"op":"send","values":[1,{"a":1,"\u0061":2}]})", R"([{"a":1,"a":1}])"})
        BOOST_TEST(contains(said_of(line), "two members of an object have the same name"), line);
}

BOOST_AUTO_TEST_CASE(unknown_members_are_refused_before_anything_happens)
{
    for (auto const* line :
         {R"({"op":"clear","foo":1})", R"({"foo":1,"op":"clear"})", R"({"op":"clear","value":1})",
          R"({"op":"clear","size":1})", R"({"op":"send","value":1,"Value":2})",
          R"({"op":"dump","exception":"DumpData"})", R"({"op":"close","":1})", R"({"op":"read","at":5})",
          R"({"op":"throw","exception":"ClearWindow","value":1})", R"({"op":"ping","data":[]})",
          R"({"op":"help","topic":"send"})", R"({"op":"info","foo":{"op":"clear"}})"})
        check_refused(line, "unknown_member");
}

BOOST_AUTO_TEST_CASE(a_refusal_of_members_tells_which_are_accepted)
{
    auto const message = [](std::string_view line) { return message_of(replies_to(line).at(0)); };
    BOOST_TEST(message(R"({"op":"clear","foo":1})") ==
               "member 2 of this request is unknown; 'clear' takes 'op', 'id', 'window'");
    BOOST_TEST(message(R"({"op":"clear","value":1,"size":2})") ==
               "'clear' takes 'op', 'id', 'window', not 'value', 'size'");
    BOOST_TEST(message(R"({"op":"throw"})") == "'throw' needs 'exception'");
    BOOST_TEST(message(R"({"op":"send"})") == "'send' needs 'value' or 'values'");
}

BOOST_AUTO_TEST_CASE(an_op_has_to_be_a_known_one)
{
    for (auto const* op : {"nope", "", "PING", "ping ", "pin", "window", "follow", "author"})
        check_refused(R"({"op":")" + std::string(op) + "\"}", "unknown_op");
    for (auto const* op : {"5", "null", "true", "[]", "{}", "[\"ping\"]", "1e400", R"({"op":"clear"})"})
        check_refused(R"({"op":)" + std::string(op) + "}", "bad_member");
    auto const message = message_of(replies_to(R"({"op":"nope"})").at(0));
    for (auto const* op : {"send", "next", "throw", "dump", "clear", "read", "close", "open", "windows",
                           "subscribe", "unsubscribe", "auth", "ping", "info", "help"})
        BOOST_TEST(contains(message, op));
}

BOOST_AUTO_TEST_CASE(an_http_request_as_first_line_ends_the_connection_and_nothing_is_executed)
{
    for (auto const* line :
         {"GET / HTTP/1.1", "POST /5 HTTP/1.1", "HEAD / HTTP/1.0", "PUT /x HTTP/1.1", "DELETE /x HTTP/1.1",
          "OPTIONS * HTTP/1.1", "CONNECT localhost:6920 HTTP/1.1", "TRACE / HTTP/1.1", "PATCH /x HTTP/1.1",
          "PRI * HTTP/2.0", "PROPFIND / HTTP/1.1", "patch /x HTTP/1.1", "M-SEARCH * HTTP/1.1"}) {
        auto const result =
            converse(std::string(line) + "\r\nHost: localhost\r\n\r\n{\"op\":\"clear\"}\n5\n");
        BOOST_TEST(result.replies == std::vector{std::string(http_farewell)},
                   boost::test_tools::per_element());
        BOOST_TEST(result.ended);
        BOOST_TEST(result.counters.requests == 1U);
        BOOST_TEST(result.counters.values == 0U);
    }
}

BOOST_AUTO_TEST_CASE(
    an_http_request_ends_the_connection_behind_blank_lines_and_without_an_end_of_its_line_too)
{
    for (auto const* input : {"\r\n\nGET / HTTP/1.1\r\n\r\n5\n", "GET / HTTP/1.1", "GET /"}) {
        auto const result = converse(input);
        BOOST_TEST(result.replies == std::vector{std::string(http_farewell)},
                   boost::test_tools::per_element());
        BOOST_TEST(result.ended);
    }
}

BOOST_AUTO_TEST_CASE(an_http_request_that_is_too_long_for_a_line_ends_the_connection)
{
    for (auto const limit : {64U, 65U, 100U}) {
        setup with;
        with.limits.max_line = limit;
        for (auto const* beginning :
             {"GET /", "OPTIONS *", "CONNECT a", "patch /", "PROPPATCH /", "M-SEARCH *", "BREW http://"}) {
            auto const result =
                converse(std::string(beginning) + std::string(200, 'x') + " HTTP/1.1\r\n\r\n5\n", with);
            BOOST_TEST_REQUIRE(result.replies.size() == 1U);
            BOOST_TEST(code_of(result.replies[0]) == "line_too_long");
            BOOST_TEST(result.ended);
        }
        for (auto const* beginning : {"true ", "/ ", "\"GET /", "{\"GET /", "x", "lorem ipsum"}) {
            auto const other = converse(beginning + std::string(200, ' ') + "\n5\n", with);
            BOOST_TEST_REQUIRE(other.replies.size() == 2U);
            BOOST_TEST(code_of(other.replies[0]) == "line_too_long");
            BOOST_TEST(other.replies[1] == "5");
        }
    }
}

BOOST_AUTO_TEST_CASE(an_http_request_later_is_only_no_json)
{
    for (auto const* first : {"5\n", "x\n", "null\n", "{\"op\":\"ping\"}\n", "[]\n"}) {
        auto const result = converse(std::string(first) + "GET / HTTP/1.1\r\n\r\n7\n");
        BOOST_TEST_REQUIRE(result.replies.size() == 3U);
        BOOST_TEST(code_of(result.replies[1]) == "bad_json");
        BOOST_TEST(!result.ended);
    }
}

BOOST_AUTO_TEST_CASE(what_is_no_http_request_does_not_end_the_connection)
{
    for (auto const* line : {"GETAWAY", "hello HTTP", "GET", "5 HTTP/1.1", "\"GET / HTTP/1.1\"",
                             " / HTTP/1.1", "HTTP/1.1 200 OK"})
        BOOST_TEST(!converse(std::string(line) + "\n5\n").ended, line);
}

BOOST_AUTO_TEST_CASE(a_tls_hello_is_told_that_this_is_plain_text)
{
    auto const first = converse(tls_hello() + "\n5\n");
    BOOST_TEST(first.replies.size() == 2U);
    BOOST_TEST(code_of(first.replies[0]) == "bad_json");
    BOOST_TEST(contains(message_of(first.replies[0]), "TLS"));
    BOOST_TEST(first.replies[1] == "5");
    BOOST_TEST(contains(said_of(tls_hello()), "TLS"));
}

BOOST_AUTO_TEST_CASE(a_line_of_100_megabytes_is_answered_once_and_the_connection_lives)
{
    auto const piece = std::string(std::size_t{1} << 16, '7');
    server host;
    connection tested(host);
    BOOST_TEST(tested.send("5\n") == "5\n");
    std::string replies;
    for (auto i = 0; i < 20; ++i)
        replies += tested.send(piece);
    auto const before = allocations();
    for (auto i = 20; i < 1600; ++i)
        replies += tested.send(piece);
    BOOST_TEST(allocations() == before);
    replies += tested.send("\n{\"op\":\"dump\"}\n");
    auto const lines = lines_of(replies);
    BOOST_TEST_REQUIRE(lines.size() == 2U);
    BOOST_TEST(code_of(lines[0]) == "line_too_long");
    BOOST_TEST(message_of(lines[0]) == "the line was discarded: a line has at most 1048576 bytes");
    BOOST_TEST(lines[1] == R"({"yield":1,"dump":[5]})");
}

BOOST_AUTO_TEST_CASE(nothing_of_the_input_is_echoed_in_a_message)
{
    for (auto const* line : {"MARKER",
                             "[MARKER]",
                             "\"MARKER",
                             R"({"MARKER":1})",
                             R"({"op":"MARKER"})",
                             R"({"op":"ping","MARKER":1})",
                             R"({"op":"throw","exception":"MARKER"})",
                             R"({"op":"open","stats":["MARKER"]})",
                             R"({"op":"open","size":"MARKER"})",
                             R"({"op":"open","data":["MARKER"]})",
                             R"({"op":"send","value":"MARKER"})",
                             R"({"op":"send","value":{"MARKER":1}})",
                             R"({"MARKER":1,"MARKER":2})",
                             R"({"op":MARKER})",
                             R"("MARKER")",
                             R"(["MARKER"])",
                             R"({"op":"ping","id":["MARKER"]})",
                             R"({"id":"MARKER)",
                             "GET /MARKER HTTP/1.1",
                             R"({"op":"send","values":"MARKER"})",
                             R"({"op":"read","window":"MARKER!"})",
                             R"({"op":"read","window":"MARKER"})",
                             R"({"op":"open","window":{"MARKER":1}})",
                             R"({"op":"open","window":"MARKER","size":0})",
                             R"({"op":"open","span":"MARKER"})",
                             R"({"op":"send","value":1,"at":"MARKER"})",
                             R"({"op":"subscribe","window":"MARKER?"})",
                             R"({"op":"unsubscribe","window":"MARKER"})",
                             R"({"op":"windows","match":"MARKER?"})",
                             R"({"op":"windows","after":"MARKER*"})",
                             R"({"op":"windows","limit":"MARKER"})",
                             "5MARKER",
                             "\x16MARKER"}) {
        auto const reply = replies_to(line).at(0);
        BOOST_TEST(!contains(reply, "MARKER"), reply);
        BOOST_TEST(!contains(reply, "MARK"), reply);
    }
}

BOOST_AUTO_TEST_CASE(a_reply_begins_with_the_error_or_what_was_yielded)
{
    BOOST_TEST(replies_to("x").at(0).starts_with(R"({"error":{"code":"bad_json","message":")"));
    BOOST_TEST(
        replies_to("true").at(0).starts_with(R"({"yield":null,"error":{"code":"not_a_number","message":")"));
    BOOST_TEST(replies_to(R"({"op":"x"})").at(0).starts_with(R"({"error":{"code":"unknown_op","message":")"));
}

BOOST_AUTO_TEST_CASE(an_error_can_be_told_where_there_is_no_conversation)
{
    windowd::protocol::output_buffer out;
    windowd::protocol::write_error_line(
        {windowd::protocol::error_code::limit_reached, "too many \"connections\""}, out);
    BOOST_TEST(out.view() ==
               "{\"error\":{\"code\":\"limit_reached\",\"message\":\"too many \\\"connections\\\"\"}}\n");
}

BOOST_AUTO_TEST_CASE(each_code_has_its_name)
{
    using windowd::protocol::error_code;
    struct {
        error_code code;
        std::string_view name;
    } const codes[] = {{error_code::bad_json, "bad_json"},
                       {error_code::line_too_long, "line_too_long"},
                       {error_code::not_a_number, "not_a_number"},
                       {error_code::out_of_range, "out_of_range"},
                       {error_code::unknown_op, "unknown_op"},
                       {error_code::unknown_member, "unknown_member"},
                       {error_code::missing_member, "missing_member"},
                       {error_code::bad_member, "bad_member"},
                       {error_code::unknown_exception, "unknown_exception"},
                       {error_code::closed, "closed"},
                       {error_code::no_such_window, "no_such_window"},
                       {error_code::window_mismatch, "window_mismatch"},
                       {error_code::out_of_order, "out_of_order"},
                       {error_code::limit_reached, "limit_reached"},
                       {error_code::internal, "internal"}};
    for (auto const& [code, name] : codes)
        BOOST_TEST(to_string(code) == name);
}

BOOST_AUTO_TEST_SUITE_END()
