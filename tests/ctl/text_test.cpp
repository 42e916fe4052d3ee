// Tests what windowctl prints.
#include "ctl/text.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <limits>
#include <string>
#include <vector>

using namespace windowd::ctl;

BOOST_AUTO_TEST_SUITE(text)

BOOST_AUTO_TEST_CASE(what_could_steer_a_terminal_is_made_visible)
{
    BOOST_TEST(printable("cpu.load ~") == "cpu.load ~");
    BOOST_TEST(printable("\x1b[31m\n\t\r\x7f") == "\\x1b[31m\\x0a\\x09\\x0d\\x7f");
    BOOST_TEST(printable("\xc2\x9b\xff") == "\\xc2\\x9b\\xff");
    BOOST_TEST(printable(std::string(1, '\0')) == "\\x00");
}

BOOST_AUTO_TEST_CASE(a_yield_is_its_number_or_names_and_values)
{
    BOOST_TEST(yield_text("1e+05") == "1e+05");
    BOOST_TEST(yield_text("null") == "null");
    BOOST_TEST(yield_text(R"({"mean":6,"p99.9":null})") == "mean=6 p99.9=null");
}

BOOST_AUTO_TEST_CASE(an_event_is_a_line)
{
    BOOST_TEST(event_text(R"({"event":"open","window":"cpu","n":0})") == "open cpu n=0");
    BOOST_TEST(event_text(R"({"event":"yield","window":"cpu","n":2,"value":5,"yield":6.5})") ==
               "yield cpu n=2 value=5 yield=6.5");
    BOOST_TEST(event_text(R"({"event":"yield","window":"cpu","n":2,"value":5,"yield":{"mean":6,"max":9}})") ==
               "yield cpu n=2 value=5 mean=6 max=9");
    BOOST_TEST(event_text(R"({"event":"lost","count":17})") == "lost 17");
    BOOST_TEST(event_text(R"({"event":"new\u001b","\n":"\u0007"})") == "new\\x1b \\x0a=\\x07");
}

BOOST_AUTO_TEST_CASE(members_are_lines)
{
    BOOST_TEST(members_text(R"({"version":"0.1","limits":{"max_line":64,"deep":{"er":1e5}},"list":[1,2]})") ==
               "version: 0.1\nlimits.max_line: 64\nlimits.deep.er: 1e5\nlist: [1,2]\n");
}

BOOST_AUTO_TEST_CASE(columns_are_as_wide_as_they_have_to_be)
{
    std::vector<std::vector<std::string>> const rows{
        {"NAME", "N", "LAST"}, {"a", "100", "▁█"}, {"longer", "5", ""}};
    std::array const columns{align::left, align::right, align::left};
    BOOST_TEST(table_text(rows, columns) == "NAME      N  LAST\n"
                                            "a       100  ▁█\n"
                                            "longer    5\n");
}

BOOST_AUTO_TEST_CASE(a_sparkline_goes_from_the_least_to_the_greatest)
{
    BOOST_TEST(sparkline(std::vector<double>{0.0, 1, 2, 3, 4, 5, 6, 7}, true) == "▁▂▃▄▅▆▇█");
    BOOST_TEST(sparkline(std::vector<double>{-1.0, 1, 0}, false) == "_^-");
    BOOST_TEST(sparkline(std::vector<double>{5.0, 5}, false) == "--");
    BOOST_TEST(sparkline({}, true) == "");
    auto const most = std::numeric_limits<double>::max();
    BOOST_TEST(sparkline(std::vector<double>{-most, 0.0, most}, false) == "_-^");
    auto const least = std::numeric_limits<double>::denorm_min();
    BOOST_TEST(sparkline(std::vector<double>{0.0, least}, false).size() == 2U);
}

BOOST_AUTO_TEST_CASE(what_is_too_long_is_cut)
{
    BOOST_TEST(fitted("abcdef", 6) == "abcdef");
    BOOST_TEST(fitted("abcdef", 5) == "abcd>");
    BOOST_TEST(fitted("▁▂▃▄", 3) == "▁▂>");
    BOOST_TEST(fitted("ab", 1) == ">");
    BOOST_TEST(fitted("ab", 0) == "");
}

BOOST_AUTO_TEST_SUITE_END()
