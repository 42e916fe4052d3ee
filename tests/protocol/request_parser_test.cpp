// Request lines as plain values: what is kept of them, and what is no JSON.
#include "protocol/request_parser.hpp"
#include "protocol/support.hpp"
#include "support/allocation_counter.hpp"

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <new>
#include <string>
#include <string_view>
#include <vector>

namespace windowd::protocol {

std::ostream& operator<<(std::ostream& out, element::kind what)
{
    static constexpr char const* names[] = {"null",    "number", "out_of_range", "string",
                                            "boolean", "array",  "object"};
    return out << names[static_cast<int>(what)];
}

std::ostream& operator<<(std::ostream& out, request::form what)
{
    static constexpr char const* names[] = {"scalar", "array", "object"};
    return out << names[static_cast<int>(what)];
}

} // namespace windowd::protocol

namespace {

using windowd::protocol::element;
using windowd::protocol::member;
using windowd::protocol::request;
using windowd::protocol::request_parser;
using windowd::test::failing_allocation;
using windowd::test::repeated;

request parse(std::string_view line)
{
    request_parser parser;
    auto const failure = parser.parse(line);
    BOOST_TEST_REQUIRE(!failure.has_value(), line << ": " << (failure ? failure->reason : ""));
    return parser.result();
}

void check_fails(std::string_view line, std::size_t column)
{
    request_parser parser;
    auto const failure = parser.parse(line);
    BOOST_TEST_REQUIRE(failure.has_value(), line);
    BOOST_TEST(failure->column == column, line << ": " << failure->reason);
    BOOST_TEST(failure->reason != "");
}

std::vector<element::kind> kinds_of(std::vector<element> const& elements)
{
    std::vector<element::kind> kinds;
    for (auto const& one : elements)
        kinds.push_back(one.what);
    return kinds;
}

std::string nested(std::size_t depth)
{
    return repeated("[", depth) + repeated("]", depth);
}

} // namespace

BOOST_AUTO_TEST_SUITE(request_parsers)

BOOST_AUTO_TEST_CASE(a_single_value_is_told_by_its_kind)
{
    using kind = element::kind;
    struct {
        std::string_view line;
        kind what;
    } const cases[] = {{"5", kind::number},           {" 5 \t", kind::number},
                       {"\r5\r", kind::number},       {"null", kind::null},
                       {"true", kind::boolean},       {"false", kind::boolean},
                       {R"("x")", kind::string},      {R"("")", kind::string},
                       {"1e400", kind::out_of_range}, {"-1e400", kind::out_of_range},
                       {"1e-400", kind::number}};
    for (auto const& [line, what] : cases) {
        auto const read = parse(line);
        BOOST_TEST(read.what == request::form::scalar);
        BOOST_TEST(read.value.what == what, line);
    }
}

BOOST_AUTO_TEST_CASE(numbers_are_read_to_the_last_bit)
{
    BOOST_TEST(parse("9007199254740993.0000000000000000000000000001").value.number == 9007199254740994.0);
    BOOST_TEST(parse("8.533e+68").value.number == 8.533e+68);
    BOOST_TEST(parse("4.1006e-184").value.number == 4.1006e-184);
    BOOST_TEST(std::signbit(parse("-0").value.number));
    BOOST_TEST(parse("18446744073709551616").value.number == 18446744073709551616.0);
    auto const long_pi = "3.14159265358979323846" + std::string(1000, '1');
    BOOST_TEST(parse(long_pi).value.number == 3.14159265358979323846);
    BOOST_TEST(parse("[" + long_pi + "]").elements.at(0).number == 3.14159265358979323846);
}

BOOST_AUTO_TEST_CASE(exponents_of_any_length_are_read)
{
    using kind = element::kind;
    auto const read =
        parse(R"([1e99999999999999999999,-1E+99999999999999999999,1e-99999999999999999999,0e99999999999,)"
              R"("1e99999999999999999999","\"1e99999999999",1e00000000000000000002,2147483647e-2147483648])");
    BOOST_TEST(kinds_of(read.elements) ==
                   (std::vector{kind::out_of_range, kind::out_of_range, kind::number, kind::number,
                                kind::string, kind::string, kind::number, kind::number}),
               boost::test_tools::per_element());
    BOOST_TEST(read.elements[2].number == 0);
    BOOST_TEST(read.elements[6].number == 100);
    BOOST_TEST(read.elements[7].number == 0);
    BOOST_TEST(parse(R"({"value":1e99999999999999999999})")[member::value].value.what == kind::out_of_range);
    check_fails("[1e99999999999999999999,]", 25);
    check_fails("[1e99999999999999999999x]", 24);
}

BOOST_AUTO_TEST_CASE(zeros_by_the_hundred_thousand_and_their_exponent_cancel_out)
{
    auto const zeros = std::string(700'000, '0');
    BOOST_TEST(parse("[0." + zeros + "15e700000]").elements.at(0).number == 0.15);
    BOOST_TEST(parse("[15" + zeros + "e-700000]").elements.at(0).number == 15);
    BOOST_TEST(parse("[15" + zeros + "e-0000000000700000]").elements.at(0).number == 15);
}

BOOST_AUTO_TEST_CASE(of_an_array_the_elements_are_kept_and_what_is_in_them_is_not)
{
    using kind = element::kind;
    auto const read = parse(R"([1,null,"a",true,[2,[3]],{"op":"x","value":[4]},1e999,-2.5])");
    BOOST_TEST(read.what == request::form::array);
    BOOST_TEST(kinds_of(read.elements) ==
                   (std::vector{kind::number, kind::null, kind::string, kind::boolean, kind::array,
                                kind::object, kind::out_of_range, kind::number}),
               boost::test_tools::per_element());
    BOOST_TEST(read.elements[7].number == -2.5);
    BOOST_TEST(!read.has(member::op));
    BOOST_TEST(parse("[]").elements.empty());
    BOOST_TEST(parse("[ ]").what == request::form::array);
}

BOOST_AUTO_TEST_CASE(of_an_object_the_known_members_are_kept)
{
    auto const read = parse(
        R"({"op":"send","id":-17,"value":1.50,"values":[1,"a",[2],{"b":3},"c"],"size":3,"stats":["d","e"]})");
    BOOST_TEST(read.what == request::form::object);
    BOOST_TEST(read[member::op].text == "send");
    BOOST_TEST(read[member::id].text == "-17");
    BOOST_TEST(read[member::value].text == "1.50");
    BOOST_TEST(read[member::value].value.number == 1.5);
    BOOST_TEST(read[member::values].elements.size() == 5U);
    BOOST_TEST(read[member::values].strings.empty());
    BOOST_TEST(read[member::stats].strings == (std::vector<std::string>{"d", "e"}),
               boost::test_tools::per_element());
    BOOST_TEST(read.has(member::size));
    BOOST_TEST(!read.has(member::data));
    BOOST_TEST(read.unknown_member == 0U);
}

BOOST_AUTO_TEST_CASE(members_inside_a_member_are_not_the_requests)
{
    auto const read = parse(R"({"value":{"op":"ping","id":1,"value":2},"values":[{"op":1},[5]],"id":"x"})");
    BOOST_TEST(!read.has(member::op));
    BOOST_TEST(read[member::id].text == "x");
    BOOST_TEST(read[member::value].value.what == element::kind::object);
    BOOST_TEST(read[member::values].elements.size() == 2U);
}

BOOST_AUTO_TEST_CASE(names_and_strings_are_decoded)
{
    auto const read =
        parse(R"({"\u006fp":"\u0073\u0065nd","id":"\"\\\/\b\f\n\r\t\u20ac\ud83d\ude00\u0000"})");
    BOOST_TEST(read[member::op].text == "send");
    BOOST_TEST((read[member::id].text == std::string("\"\\/\b\f\n\r\t\u20ac\U0001f600") + '\0'));
}

BOOST_AUTO_TEST_CASE(the_first_unknown_member_is_counted_from_one)
{
    BOOST_TEST(parse(R"({"op":"x","size":1,"foo":2,"bar":3})").unknown_member == 3U);
    BOOST_TEST(parse(R"({"Op":"x"})").unknown_member == 1U);
    BOOST_TEST(parse(R"({"":1})").unknown_member == 1U);
    BOOST_TEST(parse(R"({"op ":1})").unknown_member == 1U);
    BOOST_TEST(parse(R"({"value":{"foo":1}})").unknown_member == 0U);
    BOOST_TEST(parse(R"({})").unknown_member == 0U);
}

BOOST_AUTO_TEST_CASE(no_object_has_two_members_of_one_name)
{
    request_parser parser;
    for (std::string_view const line :
         {R"({"op":"ping","op":"ping"})", R"({"op":1,"\u006fp":1})", R"({"a":1,"a":1})",
          R"({"a":1,"\u0061":1})", R"({"":1,"":2})", R"({"value":{"x":1,"x":1}})", R"([{"x":1,"x":1}])",
          R"([[{"x":{"y":1},"x":1}]])", R"({"value":{"x":{"x":{"x":1,"y":2,"x":3}}}})",
          R"({"op":null,"op":null})", R"({"value":[],"value":[]})", R"({"value":{},"value":{}})",
          R"({"foo":1,"op":2,"foo":3})", R"({"\ud83d\ude00":1,"😀":2})"}) {
        auto const failure = parser.parse(line);
        BOOST_TEST_REQUIRE(failure.has_value(), line);
        BOOST_TEST(failure->reason == "two members of an object have the same name");
    }
}

BOOST_AUTO_TEST_CASE(objects_beside_and_inside_each_other_may_share_names)
{
    parse(R"([{"x":1},{"x":1}])");
    parse(R"({"x":{"x":{"x":1}},"y":{"x":1}})");
    parse(R"({"value":{"value":1,"op":2},"op":"x"})");
    parse(R"({"a":[{"b":1},{"b":1}],"b":1})");
    parse(R"({"a":{"b":1},"c":{"b":1}})");
    parse(R"({"A":1,"a":2})");
}

BOOST_AUTO_TEST_CASE(what_is_no_json_fails_at_its_column)
{
    struct {
        std::string_view line;
        std::size_t column;
    } const cases[] = {{"01", 2},       {"-", 2},      {"+1", 1},       {".5", 1},        {"1.", 3},
                       {"1e", 3},       {"NaN", 1},    {"-inf", 2},     {"nul", 4},       {"True", 1},
                       {"'a'", 1},      {"[1,]", 4},   {"[1 2]", 4},    {"[", 2},         {"]", 1},
                       {"{", 2},        {"{,}", 2},    {R"({"a"})", 5}, {R"({"a":})", 6}, {R"({"a":1,})", 8},
                       {R"({a:1})", 2}, {"5 6", 3},    {"5,6", 2},      {"{} {}", 4},     {"[1]]", 4},
                       {R"("abc)", 5},  {"/*c*/5", 1}, {"5//c", 2},     {"0x10", 2},      {"1_000", 2},
                       {"Infinity", 1}, {"", 1}};
    for (auto const& [line, column] : cases)
        check_fails(line, column);
}

BOOST_AUTO_TEST_CASE(strings_have_to_be_well_formed)
{
    for (std::string_view const line :
         {"\"\x80\"", "\"\xc0\xaf\"", "\"\xe2\x82\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"", "\"\xff\"",
          "\"\xf8\x88\x80\x80\x80\"", R"("\ud800")", R"("\ud800x")", R"("\ud800\u0041")", R"("\udc00")",
          R"("\u12")", R"("\x41")", R"("\u00zz")", "\"\t\"", "\"\x01\"", "\"\x1f\"",
          "\xef\xbb\xbf"
          "5"}) {
        request_parser parser;
        BOOST_TEST(parser.parse(line).has_value(), line);
        BOOST_TEST(parser.parse("{" + std::string(line) + ":1}").has_value(), line);
    }
    request_parser parser;
    BOOST_TEST(parser.parse(std::string_view("\"\0\"", 3)).has_value());
    BOOST_TEST(parser.parse(std::string_view("\0", 1)).has_value());
    BOOST_TEST(parser.parse(std::string_view("5\0", 2)).has_value());
    BOOST_TEST(!parser.parse("\"\xf4\x8f\xbf\xbf\x7f\"").has_value());
}

BOOST_AUTO_TEST_CASE(nesting_may_be_32_deep_and_no_more)
{
    parse(nested(32));
    parse(R"({"value":)" + nested(31) + "}");
    request_parser parser;
    for (auto const& line : {nested(33), R"({"value":)" + nested(32) + "}", repeated("[", 100'000),
                             repeated(R"({"a":)", 33) + "1" + repeated("}", 33)}) {
        auto const failure = parser.parse(line);
        BOOST_TEST_REQUIRE(failure.has_value());
        BOOST_TEST(failure->reason == "it is nested more than 32 deep");
    }
    parse(repeated(R"({"a":)", 32) + "1" + repeated("}", 32));
}

BOOST_AUTO_TEST_CASE(what_was_read_before_a_failure_is_there)
{
    request_parser parser;
    BOOST_TEST(parser.parse(R"({"id":7,"op":"send","value":x})").has_value());
    BOOST_TEST(parser.result()[member::id].text == "7");
    BOOST_TEST(parser.result().has(member::op));
    BOOST_TEST(!parser.result().has(member::value));
    BOOST_TEST(parser.parse(R"({"op":"send")").has_value());
    BOOST_TEST(!parser.result().has(member::id));
}

BOOST_AUTO_TEST_CASE(nothing_of_one_line_is_left_for_the_next)
{
    request_parser parser;
    BOOST_TEST(!parser.parse(R"({"op":"send","id":1,"values":["a",1],"foo":{"bar":1}})").has_value());
    BOOST_TEST(parser.parse(R"({"values":["x","y)").has_value());
    BOOST_TEST(!parser.parse(R"({"values":[2],"foo":{"bar":1}})").has_value());
    BOOST_TEST(parser.result()[member::values].elements.size() == 1U);
    BOOST_TEST(parser.result()[member::values].strings.empty());
    BOOST_TEST(!parser.result().has(member::op));
    BOOST_TEST(parser.parse(R"("an unfinished)").has_value());
    BOOST_TEST(!parser.parse("[1]").has_value());
    BOOST_TEST(parser.result().elements.size() == 1U);
    BOOST_TEST(!parser.result().has(member::values));
    BOOST_TEST(!parser.parse(R"("x")").has_value());
    BOOST_TEST(parser.result().what == request::form::scalar);
}

BOOST_AUTO_TEST_CASE(a_hundred_thousand_names_take_no_quadratic_time)
{
    std::string line = "{";
    for (auto i = 0; i < 100'000; ++i)
        line += "\"n" + std::to_string(i) + "\":0,";
    line += "\"n99999\":0}";
    request_parser parser;
    BOOST_TEST(parser.parse(line)->reason == "two members of an object have the same name");
}

BOOST_AUTO_TEST_CASE(a_parser_that_ran_out_of_memory_can_be_used_again)
{
    auto const line =
        R"({"op":"a string that is too long for its place","values":[1,2,"another such long string"],)"
        R"("the name of an unknown member":{"and one that is inside of it":1e99999999999999}})";
    auto failed = true;
    for (std::size_t nth = 1; failed; ++nth) {
        request_parser parser;
        {
            failing_allocation const failure(nth);
            try {
                parser.parse(line);
            } catch (std::bad_alloc const&) {
            }
            failed = failure.happened();
        }
        BOOST_TEST_REQUIRE(!parser.parse(line).has_value());
        BOOST_TEST(parser.result()[member::values].elements.size() == 3U);
        BOOST_TEST(parser.result().unknown_member == 3U);
        BOOST_TEST_REQUIRE(nth < 1000U);
    }
}

BOOST_AUTO_TEST_SUITE_END()
