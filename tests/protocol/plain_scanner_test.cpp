// The short way of plain lines: it is taken for the lines that most clients send, and makes of each what the full
// parser makes of it.
#include "protocol/plain_scanner.hpp"
#include "protocol/request_parser.hpp"
#include "protocol/support.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace {

using windowd::protocol::element;
using windowd::protocol::member;
using windowd::protocol::member_count;
using windowd::protocol::member_of;
using windowd::protocol::member_value;
using windowd::protocol::request;
using windowd::protocol::request_parser;
using windowd::protocol::scan_plain;

bool same(element const& a, element const& b)
{
    return a.what == b.what &&
           (a.what != element::kind::number ||
            std::bit_cast<std::uint64_t>(a.number) == std::bit_cast<std::uint64_t>(b.number));
}

bool same(std::vector<element> const& a, std::vector<element> const& b)
{
    return std::ranges::equal(a, b, [](auto const& one, auto const& other) { return same(one, other); });
}

/// Whether a number's exponent has more than 9 digits: the full parser keeps another text of that value.
bool has_long_exponent(member_value const& one)
{
    auto const exponent = one.text.find_first_of("eE");
    auto const is_number =
        one.value.what == element::kind::number || one.value.what == element::kind::out_of_range;
    return is_number && exponent != std::string::npos && one.text.size() - exponent > 10;
}

bool same(member_value const& a, member_value const& b)
{
    return same(a.value, b.value) && (a.text == b.text || has_long_exponent(a)) &&
           same(a.elements, b.elements) && a.strings == b.strings;
}

bool same(request const& a, request const& b)
{
    if (a.what != b.what || a.present != b.present || a.unknown_member != b.unknown_member ||
        !same(a.elements, b.elements) || (a.what == request::form::scalar && !same(a.value, b.value)))
        return false;
    for (std::size_t i = 0; i < member_count; ++i) {
        auto const one = static_cast<member>(i);
        if (a.has(one) && !same(a[one], b[one]))
            return false;
    }
    return true;
}

/// What the full parser makes of a line: a carriage return behind it is one blank more to that, and not plain.
std::optional<request> parsed_in_full(request_parser& parser, std::string const& line)
{
    auto const failure = parser.parse(line + '\r');
    return failure ? std::nullopt : std::optional(parser.result());
}

/// Whether a line is plain; then both ways have to make the same of it.
bool is_plain(request_parser& parser, request& scanned, std::string const& line)
{
    scanned.clear();
    if (!scan_plain(line, scanned))
        return false;
    auto const full = parsed_in_full(parser, line);
    BOOST_TEST_REQUIRE(full.has_value(), "only the short way takes " << line);
    BOOST_TEST_REQUIRE(same(scanned, *full), "the two ways differ on " << line);
    return true;
}

constexpr std::string_view plain_lines[] = {
    "5",
    " -0.5\t",
    "null",
    "true",
    "\"a string\"",
    "1e400",
    "[]",
    "[ ]",
    "[1,2,3]",
    " [ 1 ,\t-0 , null,0.1e-7,1e999, 123456789012345678901234567890 ] ",
    "[true,\"x\",false,\"\"]",
    "{}",
    "{ }",
    R"({"op":"send","value":5})",
    R"({"op":"send","window":"w1234","value":5})",
    R"( { "op" : "send" , "values" : [ 5 , null , -7.25e3 ] , "at" : 1448150400.5 , "id" : -17 } )",
    R"({"id":"a string that is longer than what a std::string keeps in place","op":"next"})",
    R"({"op":"open","window":"cpu.load","size":60,"span":30,"stats":["mean","p95"],"data":[1,2],"min_count":2})",
    R"({"op":"windows","match":"cpu.*","limit":100,"after":""})",
    R"({"op":"throw","exception":"DumpData","token":null,"value":false,"values":[1,"x",true,1e999]})",
};

constexpr std::string_view other_lines[] = {
    "",
    " ",
    "5\r",
    "5 6",
    "[1,2",
    "[1,,2]",
    "[1,]",
    "[,1]",
    "[1 2]",
    "[01]",
    "[1.]",
    "[-]",
    "[nul]",
    "nulls",
    "[[1]]",
    "[{}]",
    "[1]]",
    "\"",
    "\"\\u0041\"",
    "\"\x7f\"",
    "\"é\"",
    "\"\t\"",
    "{",
    "{\"op\"}",
    "{\"op\":}",
    "{\"op\":1,}",
    "{,}",
    R"({"op":"send","op":"send"})",
    R"({"op":"send","Value":5})",
    R"({"op":"send","valu":5})",
    R"({"op":"send","":5})",
    R"({"\u006fp":"send"})",
    R"({"op":"se\u006ed"})",
    R"({"value":{}})",
    R"({"values":[[]]})",
    R"({"op":"send","value":5}})",
    R"({"op" "send"})",
    R"({op:"send"})",
};

/// Puts, takes away or changes bytes, such as JSON has and such as it has not.
void mutate(std::string& line, std::mt19937_64& random)
{
    static constexpr std::string_view pieces[] = {"\"",        ",",
                                                  ":",         "[",
                                                  "]",         "{",
                                                  "}",         " ",
                                                  "\t",        "-",
                                                  "0",         "7",
                                                  ".",         "e",
                                                  "\\",        "é",
                                                  "\r",        "null",
                                                  "true",      "\"op\":",
                                                  "1e400",     "\"stats\":",
                                                  "\x01",      "\"x\"",
                                                  "-0",        "[]",
                                                  "{}",        "1,2",
                                                  "\xff",      "\x7f",
                                                  "\"id\":3,", "\"values\":[",
                                                  "\\u0041",   "12345678901234567",
                                                  "1.5"};
    for (auto changes = random() % 3; changes-- > 0;) {
        auto const at = random() % (line.size() + 1);
        if (random() % 3 == 0)
            line.erase(at, random() % 4);
        else
            line.insert(at, pieces[random() % std::size(pieces)]);
    }
}

std::string random_scalar(std::mt19937_64& random)
{
    static constexpr std::string_view scalars[] = {"0",
                                                   "-0",
                                                   "5",
                                                   "-17.25",
                                                   "1e5",
                                                   "1E-3",
                                                   "123456789.123456789",
                                                   "1e400",
                                                   "-1e-400",
                                                   "null",
                                                   "true",
                                                   "false",
                                                   "\"\"",
                                                   "\"send\"",
                                                   "\"a name\"",
                                                   "\"a string too long for its place\"",
                                                   "0.1",
                                                   "9007199254740993"};
    return std::string(scalars[random() % std::size(scalars)]);
}

std::string random_array(std::mt19937_64& random)
{
    std::string array = "[";
    for (auto left = random() % 6; left > 0; --left)
        array.append(random_scalar(random)).append(left > 1 ? "," : "");
    return array + "]";
}

std::string random_value(std::mt19937_64& random)
{
    return random() % 4 == 0 ? random_array(random) : random_scalar(random);
}

std::string random_line(std::mt19937_64& random)
{
    if (random() % 4 == 0)
        return random_value(random);
    std::string object = "{";
    for (auto left = random() % 5; left > 0; --left) {
        auto const name = to_string(static_cast<member>(random() % member_count));
        object.append("\"")
            .append(name)
            .append("\":")
            .append(random_value(random))
            .append(left > 1 ? "," : "");
    }
    return object + "}";
}

} // namespace

BOOST_AUTO_TEST_SUITE(plain_scanners)

BOOST_AUTO_TEST_CASE(lines_that_most_clients_send_are_plain)
{
    request_parser parser;
    request scanned;
    for (auto const line : plain_lines)
        BOOST_TEST(is_plain(parser, scanned, std::string(line)), line);
    std::string array = "[";
    for (auto i = 0; i < 1000; ++i)
        array.append(std::to_string(i)).append(",");
    BOOST_TEST(is_plain(parser, scanned, array + "1]"));
}

BOOST_AUTO_TEST_CASE(everything_else_is_left_to_the_full_parser)
{
    request scanned;
    for (auto const line : other_lines) {
        scanned.clear();
        BOOST_TEST(!scan_plain(line, scanned), line);
    }
}

BOOST_AUTO_TEST_CASE(an_array_or_object_that_is_cut_short_is_not_plain)
{
    request scanned;
    for (auto const line : plain_lines) {
        auto const last = line.find_last_of("]}");
        for (std::size_t size = 0; last != std::string_view::npos && size <= last; ++size) {
            scanned.clear();
            BOOST_TEST(!scan_plain(line.substr(0, size), scanned), line.substr(0, size));
        }
    }
}

BOOST_AUTO_TEST_CASE(both_ways_make_the_same_of_any_line)
{
    auto random = std::mt19937_64(2015);
    request_parser parser;
    request scanned;
    std::size_t plain = 0;
    constexpr std::size_t lines = 100'000;
    for (std::size_t i = 0; i < lines; ++i) {
        auto line =
            i % 2 == 0 ? random_line(random) : std::string(plain_lines[random() % std::size(plain_lines)]);
        mutate(line, random);
        plain += is_plain(parser, scanned, line) ? 1 : 0;
    }
    BOOST_TEST(plain > lines / 4);
    BOOST_TEST(plain < lines);
}

BOOST_AUTO_TEST_CASE(a_line_that_turns_out_not_to_be_plain_leaves_nothing_in_the_request)
{
    request_parser parser;
    BOOST_TEST(!parser.parse(R"({"op":"send","values":[1,2,"x"],"foo":1})").has_value());
    BOOST_TEST(parser.result()[member::values].elements.size() == 3U);
    BOOST_TEST(parser.parse(R"([1,2,3,{"op":}])").has_value());
    BOOST_TEST(parser.result().elements.size() == 4U); // with the object that was begun
    BOOST_TEST(!parser.result().has(member::values));
    BOOST_TEST(parser.parse(R"({"op":"send","stats":["x",1)").has_value());
    BOOST_TEST(parser.result()[member::stats].strings.size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_number_is_kept_as_it_was_written_whatever_its_exponent)
{
    request_parser parser;
    BOOST_TEST(!parser.parse(R"({"value":1.50e00000000000000002})").has_value());
    BOOST_TEST(parser.result()[member::value].text == "1.50e00000000000000002");
    BOOST_TEST(parser.result()[member::value].value.number == 150);
}

BOOST_AUTO_TEST_CASE(the_names_of_members_are_known_and_no_others)
{
    for (std::size_t i = 0; i < member_count; ++i) {
        auto const one = static_cast<member>(i);
        auto const name = std::string(to_string(one));
        BOOST_TEST((member_of(name) == one), name);
        for (auto const& other : {name + "s", name + '\0', " " + name, "x" + name.substr(1), name.substr(1)})
            BOOST_TEST((other == "values" || !member_of(other).has_value()), other);
    }
    BOOST_TEST(!member_of("").has_value());
}

BOOST_AUTO_TEST_SUITE_END()
