// Statistics of a sliding window: their names, where they are undefined, and random streams in exact arithmetic.
#include "compared_window.hpp"
#include "random_streams.hpp"
#include "support/allocation_counter.hpp"
#include "window/sliding_window.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <new>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace windowd::window;
using test::counted_pair;
using test::engine;
using test::exact_window;
using test::statistics_named;
using test::stream;
using test::timed_pair;
using windowd::test::failing_allocation;
using optional_double = std::optional<double>;
using names = std::vector<std::string_view>;

constexpr auto largest = std::numeric_limits<double>::max();
constexpr auto smallest = std::numeric_limits<double>::denorm_min();

std::string listed(std::vector<std::string_view> const& words)
{
    auto text = std::string();
    for (auto word : words)
        text.append(text.empty() ? "" : " ").append(word);
    return text;
}

// From how many values on a statistic is defined, and whether of equal ones too.
struct domain {
    std::string_view statistic;
    std::size_t least;
    bool of_equal_values;
};

constexpr auto domains =
    std::array{domain{"count", 1, true},  domain{"sum", 1, true},    domain{"mean", 1, true},
               domain{"min", 1, true},    domain{"max", 1, true},    domain{"range", 1, true},
               domain{"first", 1, true},  domain{"last", 1, true},   domain{"var", 2, true},
               domain{"std", 2, true},    domain{"pvar", 1, true},   domain{"pstd", 1, true},
               domain{"median", 1, true}, domain{"p0", 1, true},     domain{"p95", 1, true},
               domain{"p100", 1, true},   domain{"skew", 3, false},  domain{"kurt", 4, false},
               domain{"slope", 2, true},  domain{"zscore", 2, false}};

// A window of so many values of 1.1, or of any, each later than the one before or all at once.
struct situation {
    std::size_t count;
    bool equal_values;
    bool timed;
    bool equal_times;
};

std::vector<situation> situations()
{
    auto all = std::vector<situation>();
    for (std::size_t count = 0; count <= 4; ++count)
        for (auto equal_values : {false, true}) {
            all.push_back({count, equal_values, false, false});
            all.push_back({count, equal_values, true, false});
            all.push_back({count, equal_values, true, true});
        }
    return all;
}

sliding_window window_in(situation const& here, std::string_view statistic)
{
    auto window =
        sliding_window({.size = 4, .span = here.timed ? 60.0 : 0.0, .stats = statistics_named({statistic})});
    for (std::size_t i = 0; i < here.count; ++i) {
        auto const value = here.equal_values ? 1.1 : std::array{1.5, -2.0, 4.0, 8.25}[i];
        auto const time = here.equal_times ? 1.7e9 : 1.7e9 + static_cast<double>(i);
        if (here.timed)
            BOOST_TEST((window.push_at(value, time) == taken::yes));
        else
            window.push(value);
    }
    return window;
}

bool is_defined(domain const& rule, situation const& here)
{
    return here.count >= rule.least && (rule.of_equal_values || !here.equal_values) &&
           !(rule.statistic == "slope" && here.equal_times);
}

// Only what is asked for is computed.
struct requirement {
    std::string_view statistic;
    part_set needs;
};

auto const requirements = std::vector<requirement>{{"count", {}},
                                                   {"sum", part::sum},
                                                   {"mean", part::sum},
                                                   {"min", part::minimum},
                                                   {"max", part::maximum},
                                                   {"range", part_set(part::minimum) | part::maximum},
                                                   {"first", {}},
                                                   {"last", {}},
                                                   {"var", part::second_powers},
                                                   {"std", part::second_powers},
                                                   {"pvar", part::second_powers},
                                                   {"pstd", part::second_powers},
                                                   {"median", part::order},
                                                   {"p95", part::order},
                                                   {"skew", part::third_powers},
                                                   {"kurt", part::fourth_powers},
                                                   {"slope", part::line},
                                                   {"zscore", part::second_powers}};

// Pushes with less memory than it takes, and then with enough; returns how often there was too little. After each
// failure `compare` has to find nothing changed.
template <class Push, class Compare>
int push_with_failures(Push push, Compare compare)
{
    auto const push_with_allocations = [&](int allocations) {
        failing_allocation const failure(static_cast<std::size_t>(allocations) + 1);
        try {
            push();
            return true;
        } catch (std::bad_alloc const&) {
            return false;
        }
    };
    auto allocations = 0;
    for (; !push_with_allocations(allocations); ++allocations)
        BOOST_TEST(compare() == "");
    return allocations;
}

class counted_pair_short_of_memory : public counted_pair {
public:
    using counted_pair::counted_pair;

    int push_short_of_memory(double value)
    {
        auto const failures = push_with_failures([&] { window_.push(value); }, [this] { return compare(); });
        take(value);
        return failures;
    }
};

class timed_pair_short_of_memory : public timed_pair {
public:
    using timed_pair::timed_pair;

    int push_short_of_memory_at(double value, double at)
    {
        auto const failures =
            push_with_failures([&] { window_.push_at(value, at); }, [this] { return compare(); });
        take(value, at);
        empties_ = false;
        return failures;
    }
};

// Sizes, numbers of values, and how often to look: exact arithmetic takes long for large windows.
struct course {
    std::size_t size;
    int steps;
    int every;
};

constexpr auto courses =
    std::array{course{1, 20, 1}, course{2, 60, 1}, course{3, 60, 1}, course{5, 100, 1}, course{150, 700, 97}};

void check_by_count(stream const& values, course const& plan)
{
    auto random = engine(plan.size);
    auto pair = counted_pair(plan.size);
    auto wrong = pair.compare();
    for (auto step = 1; step <= plan.steps && wrong.empty(); ++step) {
        if (random() % 500 == 0)
            pair.clear();
        pair.push(values.make(random));
        if (step % plan.every == 0)
            wrong = pair.compare();
    }
    BOOST_TEST(wrong.empty(), values.name << ", size " << plan.size << ":" << wrong);
}

constexpr auto timed_courses =
    std::array{course{2, 100, 1}, course{4, 100, 1}, course{1000, 100, 1}, course{1000, 900, 128}};

// To the next value: often none, or little enough to be lost beside a time of today, or so much that all leave.
double gap(engine& random)
{
    constexpr auto gaps = std::array{0.0, 0.0, 1e-7, 0.1, 0.25, 0.25, 1.0, 2.75, 20.0};
    return gaps[random() % gaps.size()];
}

void check_by_time(stream const& values, course const& plan, double start)
{
    auto random = engine(plan.size);
    auto pair = timed_pair(plan.size, 3);
    auto wrong = pair.compare();
    auto now = start;
    for (auto step = 1; step <= plan.steps && wrong.empty(); ++step) {
        auto const value = values.make(random);
        auto const later = gap(random) / (random() % 200 == 0 ? 1 : plan.every);
        auto const chance = random() % (8 * static_cast<unsigned>(plan.every));
        if (chance == 0)
            pair.advance_to(now += 3 * gap(random));
        else if (chance % 2 == 0)
            pair.push(value, now += later);
        else
            pair.push_at(value, pair.newest(now) + later);
        if (step % plan.every == 0)
            wrong = pair.compare();
    }
    BOOST_TEST(wrong.empty(), values.name << ", size " << plan.size << ", from " << start << ":" << wrong);
}

// Whether a window of these alone says to the last bit what one of all says.
std::string differing(names const& some, std::vector<double> const& values)
{
    auto all = sliding_window({.size = 5, .stats = statistics_named(exact_window::names())});
    auto window = sliding_window({.size = 5, .stats = statistics_named(some)});
    auto wrong = std::string();
    for (auto value : values) {
        all.push(value);
        window.push(value);
        auto const expected = all.readings();
        auto const readings = window.readings();
        for (std::size_t i = 0; i < some.size(); ++i) {
            auto const same_name = [&](reading const& one) { return one.name == some[i]; };
            auto const& [name, right] = *std::find_if(expected.begin(), expected.end(), same_name);
            auto const& seen = readings[i].value;
            auto const same =
                seen.has_value() == right.has_value() && (!seen || test::same_bits(*seen, *right));
            if (readings[i].name != name || !same)
                wrong.append(" ").append(name);
        }
    }
    return wrong;
}

} // namespace

BOOST_AUTO_TEST_SUITE(names_of_statistics)

BOOST_AUTO_TEST_CASE(they_are_listed_in_the_order_of_the_protocol)
{
    BOOST_TEST(listed(statistic_names()) ==
               "count sum mean min max range first last var std pvar pstd median "
               "pNN skew kurt slope zscore");
}

BOOST_AUTO_TEST_CASE(each_that_is_listed_is_found_and_bears_its_name)
{
    for (auto name : statistic_names()) {
        if (name == "pNN")
            continue;
        auto const found = find_statistic(name);
        BOOST_TEST_REQUIRE(found != nullptr, name);
        BOOST_TEST(found->name() == name);
        BOOST_TEST((find_statistic(name) == found), name << " exists twice");
    }
}

BOOST_AUTO_TEST_CASE(a_percentile_is_found_by_its_number_and_bears_the_name_asked_for)
{
    for (auto const* name : {"p0", "p5", "p50", "p95", "p99.9", "p99.90", "p100", "p100.0", "p0.0000001"}) {
        auto asked = std::string(name);
        auto const found = find_statistic(asked);
        asked.assign(asked.size(), 'x'); // the statistic does not refer to it
        BOOST_TEST_REQUIRE(found != nullptr, name);
        BOOST_TEST(found->name() == name);
    }
}

BOOST_AUTO_TEST_CASE(anything_else_is_the_name_of_none)
{
    for (auto const* name :
         {"",      "p",     "p101", "p100.1",  "p-1",         "p5.",       "p.5",        "P95",     "mean ",
          " mean", "p01",   "p00",  "pNN",     "p0.00000001", "p+5",       "p5 ",        "p 5",     "p1e1",
          "p5%",   "95",    "mea",  "means",   "Mean",        "MEAN",      "stdev",      "s",       "average",
          "varp",  "pmean", "nan",  "p99.9.9", "pp5",         "p\xd9\xa5", "count\nsum", "mean,sum"})
        BOOST_TEST(find_statistic(name) == nullptr, '"' << name << '"');
    BOOST_TEST(find_statistic(std::string_view("mean\0", 5)) == nullptr);
    BOOST_TEST(find_statistic(std::string_view("p5\0", 3)) == nullptr);
    BOOST_TEST(find_statistic(std::string(100'000, 'p')) == nullptr);
    auto longest = std::string(100'000, '9');
    longest.front() = 'p';
    BOOST_TEST(find_statistic(longest) == nullptr);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(undefined_statistics)

BOOST_AUTO_TEST_CASE(each_is_defined_from_so_many_values_on_and_some_not_of_equal_values_or_times)
{
    for (auto const& rule : domains)
        for (auto const& here : situations())
            BOOST_TEST(window_in(here, rule.statistic).first_reading().has_value() == is_defined(rule, here),
                       rule.statistic << " of " << here.count
                                      << (here.equal_values ? " equal values" : " values")
                                      << (here.timed ? " with times" : "")
                                      << (here.equal_times ? " that are equal" : ""));
}

BOOST_AUTO_TEST_CASE(among_several_the_undefined_are_nothing_and_the_others_are_there)
{
    auto window = sliding_window(
        {.size = 5, .stats = statistics_named({"kurt", "mean", "var", "skew", "slope", "zscore", "pvar"})});
    window.push(7);
    auto const readings = window.readings();
    BOOST_TEST_REQUIRE(readings.size() == 7U);
    for (auto const& [name, value] : readings)
        BOOST_TEST(value.has_value() == (name == "mean" || name == "pvar"), name);
    BOOST_TEST(!window.first_reading());
}

BOOST_AUTO_TEST_CASE(a_window_with_too_few_values_has_no_readings_at_all)
{
    auto window =
        sliding_window({.size = 4, .min_count = 3, .stats = statistics_named({"count", "last", "var"})});
    for (auto count = 0; count < 3; ++count) {
        BOOST_TEST(!window.is_ready());
        BOOST_TEST(window.readings().empty());
        BOOST_TEST(!window.first_reading());
        window.push(count);
    }
    BOOST_TEST(window.is_ready());
    BOOST_TEST_REQUIRE(window.readings().size() == 3U);
    BOOST_TEST(window.readings()[2].value.value() == 1);
    window.clear();
    BOOST_TEST(window.readings().empty());
}

BOOST_AUTO_TEST_CASE(as_values_leave_with_time_statistics_become_undefined_again)
{
    for (auto const& rule : domains) {
        auto window = sliding_window({.size = 9, .span = 10, .stats = statistics_named({rule.statistic})});
        for (auto value : {1.5, -2.0, 4.0, 8.25})
            window.push(value, static_cast<double>(window.count()));
        for (std::size_t left = 4; left-- > 0;) {
            window.advance_to(13 - static_cast<double>(left));
            BOOST_TEST_REQUIRE(window.count() == left);
            BOOST_TEST(window.first_reading().has_value() == (left >= rule.least),
                       rule.statistic << " of " << left);
        }
    }
}

BOOST_AUTO_TEST_CASE(what_is_beyond_the_range_of_a_double_is_nothing)
{
    auto window = sliding_window(
        {.size = 3,
         .stats = statistics_named({"range", "sum", "var", "std", "slope", "pstd", "mean", "median"})});
    window.push(-largest);
    window.push(largest);
    auto const readings = window.readings();
    for (auto const* name : {"range", "var", "std", "slope"})
        BOOST_TEST(std::count_if(readings.begin(), readings.end(),
                                 [&](reading const& one) { return one.name == name && !one.value; }) == 1);
    BOOST_TEST(readings[1].value.value() == 0);
    BOOST_TEST(readings[5].value.value() == largest);
    BOOST_TEST(readings[6].value.value() == 0);
    BOOST_TEST(readings[7].value.value() == 0);
    window.push(largest);
    window.push(largest);
    BOOST_TEST(!window.readings()[1].value);
    BOOST_TEST(window.readings()[6].value.value() == largest);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(statistics_of_a_sliding_window)

BOOST_AUTO_TEST_CASE(random_streams_through_windows_of_count_agree_with_the_definitions)
{
    for (auto const& values : test::streams)
        for (auto const& plan : courses)
            check_by_count(values, plan);
}

BOOST_AUTO_TEST_CASE(random_streams_through_windows_of_time_agree_with_the_definitions)
{
    for (auto const& values : test::streams)
        for (auto const& plan : timed_courses)
            for (auto start : {0.0, 1.7e9})
                check_by_time(values, plan, start);
}

BOOST_AUTO_TEST_CASE(a_value_leaves_when_its_time_is_over_however_a_difference_of_times_is_rounded)
{
    for (auto const first : {0.0, 1e-17, -1e-17}) { // three seconds before 3, less and more than that
        auto pair = timed_pair(5, 3);
        pair.push_at(7, first);
        pair.push_at(8, 3);
        BOOST_TEST(pair.compare() == "", first);
    }
}

BOOST_AUTO_TEST_CASE(without_memory_for_a_value_nothing_has_changed)
{
    auto random = engine(3);
    auto by_count = counted_pair_short_of_memory(1000);
    auto by_time = timed_pair_short_of_memory(1000, 200);
    auto failed_by_count = 0;
    auto failed_by_time = 0;
    for (auto i = 0; i < 400; ++i) {
        auto const value = test::ordinary(random);
        failed_by_count += by_count.push_short_of_memory(value);
        failed_by_time += by_time.push_short_of_memory_at(value, i);
    }
    BOOST_TEST(failed_by_count > 10);
    BOOST_TEST(failed_by_time > 10);
    BOOST_TEST(by_time.push_short_of_memory_at(1, 1e6) > 3); // all others leave
    BOOST_TEST(by_time.compare() == "");
}

BOOST_AUTO_TEST_CASE(each_alone_and_each_two_together_say_what_all_say)
{
    auto random = engine(1);
    auto values = std::vector<double>();
    for (auto i = 0; i < 20; ++i)
        values.push_back(test::ordinary(random));
    auto const all = exact_window::names();
    for (auto one : all) {
        BOOST_TEST(differing({one}, values) == "", one);
        for (auto other : all)
            if (other != one)
                BOOST_TEST(differing({one, other}, values) == "", one << ' ' << other);
    }
}

BOOST_AUTO_TEST_CASE(none_needs_more_than_it_reads)
{
    for (auto const& [name, needs] : requirements) {
        auto const found = find_statistic(name);
        BOOST_TEST_REQUIRE(found != nullptr, name);
        BOOST_TEST((found->needs() == needs), name);
    }
}

BOOST_AUTO_TEST_CASE(readings_come_in_the_order_asked)
{
    auto random = engine(2);
    auto asked = exact_window::names();
    for (auto i = 0; i < 20; ++i) {
        std::shuffle(asked.begin(), asked.end(), random);
        auto window = sliding_window({.stats = statistics_named(asked)});
        window.push(1);
        auto seen = names();
        for (auto const& each : window.readings())
            seen.push_back(each.name);
        BOOST_TEST(listed(seen) == listed(asked));
    }
}

BOOST_AUTO_TEST_CASE(the_slope_is_per_value_or_per_second)
{
    auto by_count = sliding_window({.size = 3, .stats = statistics_named({"slope"})});
    auto by_time = sliding_window({.size = 3, .span = 100, .stats = statistics_named({"slope"})});
    for (auto i = 0; i < 10; ++i) {
        by_count.push(6 * i);
        by_time.push(6 * i, 1.7e9 + 4 * i);
    }
    BOOST_TEST(by_count.first_reading().value() == 6);
    BOOST_TEST(by_time.first_reading().value() == 1.5);
}

BOOST_AUTO_TEST_CASE(the_order_of_arrival_counts_only_where_it_should)
{
    auto window = sliding_window({.size = 4, .stats = statistics_named({"first", "last", "zscore", "min"})});
    for (auto value : {100.0, 4.0, 1.0, 3.0, 2.0})
        window.push(value);
    auto const readings = window.readings();
    BOOST_TEST(readings[0].value.value() == 4);
    BOOST_TEST(readings[1].value.value() == 2);
    BOOST_TEST(readings[2].value.value() == -0.3872983346207417); // -0.5 / the root of 5/3
    BOOST_TEST(readings[3].value.value() == 1);
}

BOOST_AUTO_TEST_CASE(an_outlier_among_the_smallest_values_leaves_nothing_behind)
{
    auto pair = counted_pair(4);
    for (auto value : {smallest, largest, -smallest, 3 * smallest, 0.0, smallest, -0.0, -largest, smallest}) {
        pair.push(value);
        BOOST_TEST(pair.compare() == "");
    }
}

BOOST_AUTO_TEST_SUITE_END()
