// Writing JSON: commas, nesting, escapes.
#include "protocol/json_writer.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/string.hpp>
#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace {

using windowd::protocol::json_writer;
using windowd::protocol::output_buffer;

std::string written(auto write)
{
    output_buffer out;
    json_writer writer(out);
    write(writer);
    return std::string(out.view());
}

std::string string_written(std::string_view text)
{
    return written([&](auto& writer) { writer.string(text); });
}

} // namespace

BOOST_AUTO_TEST_SUITE(json_writers)

BOOST_AUTO_TEST_CASE(a_value_stands_alone)
{
    BOOST_TEST(written([](auto& w) { w.null(); }) == "null");
    BOOST_TEST(written([](auto& w) { w.boolean(true); }) == "true");
    BOOST_TEST(written([](auto& w) { w.boolean(false); }) == "false");
    BOOST_TEST(written([](auto& w) { w.number(2.5); }) == "2.5");
    BOOST_TEST(written([](auto& w) { w.number_or_null(std::nullopt); }) == "null");
    BOOST_TEST(written([](auto& w) { w.number_or_null(-1.0); }) == "-1");
    BOOST_TEST(written([](auto& w) { w.integer(0); }) == "0");
    BOOST_TEST(written([](auto& w) { w.integer(std::numeric_limits<std::uint64_t>::max()); }) ==
               "18446744073709551615");
    BOOST_TEST(written([](auto& w) { w.text("[1]"); }) == "[1]");
}

BOOST_AUTO_TEST_CASE(containers_may_be_empty)
{
    BOOST_TEST(written([](auto& w) { w.begin_object().end_object(); }) == "{}");
    BOOST_TEST(written([](auto& w) { w.begin_array().end_array(); }) == "[]");
    BOOST_TEST(written([](auto& w) {
                   w.begin_array().begin_array().end_array().begin_object().end_object().end_array();
               }) == "[[],{}]");
}

BOOST_AUTO_TEST_CASE(commas_stand_between_values_and_between_members_alone)
{
    auto const text = written([](auto& w) {
        w.begin_object();
        w.key("a").integer(1);
        w.key("b")
            .begin_array()
            .number(1)
            .null()
            .string("x")
            .boolean(true)
            .begin_array()
            .end_array()
            .end_array();
        w.key("c").begin_object().key("d").text("{}").key("e").null().end_object();
        w.key("f").null();
        w.end_object();
    });
    BOOST_TEST(text == R"({"a":1,"b":[1,null,"x",true,[]],"c":{"d":{},"e":null},"f":null})");
}

BOOST_AUTO_TEST_CASE(a_text_begun_elsewhere_goes_on_with_its_comma_or_without)
{
    output_buffer out;
    json_writer(out, true).number(1).number(2);
    json_writer(out, false).number(3).end_array();
    BOOST_TEST(out.view() == "1,2,3]");
}

BOOST_AUTO_TEST_CASE(strings_are_escaped)
{
    BOOST_TEST(string_written("") == R"("")");
    BOOST_TEST(string_written("plain") == R"("plain")");
    BOOST_TEST(string_written("\"\\/\b\f\n\r\t") == R"("\"\\/\b\f\n\r\t")");
    BOOST_TEST(string_written(std::string_view("\0\x01\x1f\x7f", 4)) == "\"\\u0000\\u0001\\u001f\x7f\"");
    BOOST_TEST(string_written("\u00e9\u20ac\U0001f600") == "\"\u00e9\u20ac\U0001f600\"");
}

BOOST_AUTO_TEST_CASE(strings_of_any_length_read_back)
{
    for (std::size_t size : {100U, 255U, 256U, 257U, 300U, 512U, 4095U, 4096U, 100'000U}) {
        std::string text;
        while (text.size() < size)
            text += text.size() % 7 == 0 ? "\n" : text.size() % 5 == 0 ? "\u20ac" : "a";
        BOOST_TEST((boost::json::parse(string_written(text)).as_string() == text), size);
    }
}

BOOST_AUTO_TEST_SUITE_END()
