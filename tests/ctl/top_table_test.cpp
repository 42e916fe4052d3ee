// Tests the table of windowctl top, without a terminal and without a clock.
#include "ctl/top_table.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <string>
#include <vector>

using namespace windowd::ctl;
using namespace std::chrono_literals;

namespace {

constexpr top_table::time_point start{};
constexpr top_table::layout wide{200, 100, false};
std::string const heading = "NAME  N  RATE/S  VALUE  LAST YIELDS  STATISTICS\n";

std::string window(std::string const& name, int n, int count)
{
    return R"({"name":")" + name + R"(","size":3,"stats":["mean"],"count":)" + std::to_string(count) +
           R"(,"min_count":1,"n":)" + std::to_string(n) + "}";
}

std::string yield(std::string const& name, std::string const& value, std::string const& yielded)
{
    return R"({"event":"yield","window":")" + name + R"(","n":2,"value":)" + value + R"(,"yield":)" +
           yielded + "}";
}

} // namespace

BOOST_AUTO_TEST_SUITE(top_tables)

BOOST_AUTO_TEST_CASE(a_window_of_which_nothing_is_known_has_dashes)
{
    top_table table;
    BOOST_TEST(table.text(wide) == heading);
    table.take_list({window("a", 0, 0)}, start);
    BOOST_TEST(table.text(wide) == heading + "a     0       -      -               -\n");
}

BOOST_AUTO_TEST_CASE(a_rate_is_the_changes_between_two_lists)
{
    top_table table;
    table.take_list({window("a", 10, 3)}, start);
    table.take_list({window("a", 15, 3)}, start + 2s);
    BOOST_TEST(table.text(wide).find("a     15     2.5") != std::string::npos, table.text(wide));
    table.take_list({window("a", 4, 3)}, start + 3s); // made anew
    BOOST_TEST(table.text(wide).find("a     4     4.0") != std::string::npos, table.text(wide));
}

BOOST_AUTO_TEST_CASE(windows_that_have_been_read_leave_the_turn_to_others)
{
    top_table table;
    table.take_list({window("a", 1, 1), window("b", 1, 1)}, start);
    table.take_reading("a", R"({"yield":6})");
    BOOST_TEST((table.unread(1) == std::vector<std::string>{"b"}));
}

BOOST_AUTO_TEST_CASE(events_bring_values_statistics_and_a_curve)
{
    top_table table;
    table.take_list({window("a", 1, 1), window("b", 1, 1)}, start);
    BOOST_TEST((table.unread(10) == std::vector<std::string>{"a", "b"}));
    BOOST_TEST((table.unread(1) == std::vector<std::string>{"a"}));
    table.take_reading("b", R"({"yield":7})");
    table.take_reading("b", R"({"error":{"code":"no_such_window","message":""}})");
    table.take_event(yield("a", "1e+05", R"({"mean":1,"max":9})"));
    table.take_event(yield("a", "2", R"({"mean":3,"max":9})"));
    table.take_event(yield("a", "3", "null"));
    table.take_event(yield("a", "4", R"({"mean":2,"max":9})"));
    table.take_event(yield("of another list", "5", "5"));
    BOOST_TEST(table.unread(10).empty());
    BOOST_TEST(table.text(wide) == heading + "a     1       -      4  _^-          mean=2 max=9\n"
                                             "b     1       -      -  -            7\n");
    table.take_event(R"({"event":"clear","window":"a","n":3})");
    BOOST_TEST(table.text(wide).find("a     1       -      -               -\n") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_window_that_is_no_longer_listed_goes)
{
    top_table table;
    table.take_list({window("a", 1, 1), window("b", 1, 1)}, start);
    table.take_list({window("b", 1, 1)}, start + 1s);
    BOOST_TEST(table.size() == 1U);
    BOOST_TEST(table.text(wide).find("\na ") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(lost_events_are_counted)
{
    top_table table;
    table.take_event(R"({"event":"lost","count":17})");
    table.take_event(R"({"event":"lost","count":3})");
    BOOST_TEST(table.lost() == 20U);
}

BOOST_AUTO_TEST_CASE(it_fits_where_it_has_to)
{
    top_table table;
    std::vector<std::string> many;
    for (char c = 'a'; c <= 'j'; ++c)
        many.push_back(window(std::string(60, c), 1, 0));
    table.take_list(many, start);
    for (std::size_t width = 1; width < 100; ++width) {
        for (std::size_t height = 1; height < 15; ++height) {
            auto const text = table.text({width, height, false});
            std::size_t lines = 0;
            for (std::size_t begin = 0; begin < text.size(); ++lines) {
                auto const end = text.find('\n', begin);
                BOOST_REQUIRE(end - begin <= width);
                begin = end + 1;
            }
            BOOST_REQUIRE(lines <= height);
        }
    }
    BOOST_TEST(table.text({100, 5, false}).ends_with("\nand 7 more\n"));
    BOOST_TEST(table.text({100, 11, false}).find("more") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_name_cannot_steer_the_terminal)
{
    top_table table;
    table.take_list({window("\\u001b[2J", 1, 1)}, start);
    BOOST_TEST(table.text(wide).find('\x1b') == std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
