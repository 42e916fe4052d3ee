// Tests that replies are taken apart without touching their numbers.
#include "ctl/json_text.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

using namespace windowd::ctl;

BOOST_AUTO_TEST_SUITE(json_text)

BOOST_AUTO_TEST_CASE(a_number_is_what_json_calls_one)
{
    for (auto const* const good :
         {"0", "-0", "5", "-5", "10", "0.5", "-0.25", "1e3", "1E+3", "1.5e-300", "1e999"})
        BOOST_TEST(is_json_number(good), good);
    for (auto const* const bad : {"", "-", "+5", ".5", "5.", "01", "-01", "1e", "1e+", "0x10", "nan", "NaN",
                                  "inf", "5 ", " 5", "5\n", "5,7", "1.e3"})
        BOOST_TEST(!is_json_number(bad), bad);
}

BOOST_AUTO_TEST_CASE(a_text_is_one_json_value)
{
    for (auto const* const good : {"5", "null", "[]", R"({"a":[1,{"b":"\u0041"}]})", " [1, 2] "})
        BOOST_TEST(is_json(good), good);
    for (auto const* const bad : {"", "5 6", "[1,2", "{a:1}", R"({"a":1}})", "HTTP/1.1 400", "\"\x01\""})
        BOOST_TEST(!is_json(bad), bad);
    BOOST_TEST(is_json(std::string(32, '[') + std::string(32, ']')));
    BOOST_TEST(!is_json(std::string(33, '[') + std::string(33, ']')));
}

BOOST_AUTO_TEST_CASE(members_keep_the_text_of_their_values)
{
    auto const members = json_members(R"({"a":1e+05,"b":{"c":"}\""},"\u0064":[1,[2]], "e" : -0 })");
    std::vector<json_member> const expected{
        {"a", "1e+05"}, {"b", R"({"c":"}\""})"}, {"d", "[1,[2]]"}, {"e", "-0"}};
    BOOST_TEST((members == expected));
    BOOST_TEST(json_members("{}").empty());
    BOOST_TEST(json_members("[1]").empty());
    BOOST_TEST(json_members("5").empty());
    BOOST_TEST((json_member_of(R"({"a":1,"b":2.50})", "b") == "2.50"));
    BOOST_TEST(!json_member_of(R"({"a":{"b":2}})", "b").has_value());
}

BOOST_AUTO_TEST_CASE(elements_keep_their_text)
{
    std::vector<std::string_view> const expected{"1", "-0.10", R"("],")", "[2,3]", "null", "{}"};
    BOOST_TEST((json_elements(R"([1,-0.10,"],",[2,3],null,{}])") == expected));
    BOOST_TEST(json_elements("[]").empty());
    BOOST_TEST(json_elements("null").empty());
}

BOOST_AUTO_TEST_CASE(strings_are_decoded_and_encoded)
{
    BOOST_TEST(json_plain(R"("a\"\u00e9\n")") == "a\"\xc3\xa9\n");
    BOOST_TEST(json_plain("5.0") == "5.0");
    BOOST_TEST(json_plain(R"("")") == "");
    BOOST_TEST(json_quoted("a\"\\\n") == R"("a\"\\\n")");
}

BOOST_AUTO_TEST_CASE(what_is_no_json_is_walked_without_harm)
{
    for (std::string const whole = R"({"a":[1,"x\"y",{"b":null}],"c":1e5})"; auto const end : whole) {
        auto const cut = whole.substr(0, whole.find(end));
        BOOST_TEST(json_members(cut).size() <= 3U);
        BOOST_TEST(json_elements(cut).size() <= 3U);
    }
    for (auto const* const bad : {"{", "{\"", "{\"a", "{\"a\":", "[", "[\"\\", "{]", "[}"}) {
        json_members(bad);
        BOOST_TEST(json_elements(bad).size() <= 1U);
    }
}

BOOST_AUTO_TEST_SUITE_END()
