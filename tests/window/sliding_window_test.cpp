// The sliding window: which values are in it, by count and by time, what memory it takes, and that nothing is left of
// those that were in it.
#include "exact_rounding.hpp"
#include "random_streams.hpp"
#include "support/allocation_counter.hpp"
#include "window/sliding_window.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <new>
#include <optional>
#include <random>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace windowd::window;
using test::exactly;
using windowd::test::allocations;
using windowd::test::allocations_alive;
using windowd::test::failing_allocation;
using engine = std::mt19937_64;
using names = std::vector<std::string_view>;

constexpr auto largest = std::numeric_limits<double>::max();
constexpr std::size_t unlimited = 0x7fff'ffff;

names const every = {"count", "sum",  "mean",   "min", "max",   "range", "first", "last",  "var",   "std",
                     "pvar",  "pstd", "median", "p95", "p99.9", "skew",  "kurt",  "slope", "zscore"};

std::vector<statistic_ptr> statistics_of(names const& asked)
{
    std::vector<statistic_ptr> found;
    for (auto const name : asked)
        found.push_back(find_statistic(name));
    return found;
}

window_options of_count(std::size_t size, names const& stats = {"mean"})
{
    return {.size = size, .stats = statistics_of(stats)};
}

window_options of_time(double span, std::size_t size = unlimited, names const& stats = {"mean"})
{
    return {.size = size, .span = span, .stats = statistics_of(stats)};
}

void fill(sliding_window& window, std::size_t count)
{
    for (std::size_t i = 0; i < count; ++i)
        window.push(static_cast<double>(i));
}

std::vector<double> values_of(sliding_window const& window)
{
    std::vector<double> values;
    for (std::size_t i = 0; i < window.count(); ++i)
        values.push_back(window[i]);
    return values;
}

void check_values(sliding_window const& window, std::vector<double> const& expected)
{
    BOOST_TEST(values_of(window) == expected, boost::test_tools::per_element());
}

bool same_bits(double a, double b)
{
    return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

/// The same values, and the same readings, bit for bit.
bool same(sliding_window& a, sliding_window& b)
{
    auto const in_a = values_of(a);
    auto const in_b = values_of(b);
    auto const read_a = a.readings();
    auto const read_b = b.readings();
    auto const equal = [](reading const& left, reading const& right) {
        return left.name == right.name && left.value.has_value() == right.value.has_value() &&
               (!left.value || same_bits(*left.value, *right.value));
    };
    return std::equal(in_a.begin(), in_a.end(), in_b.begin(), in_b.end(), same_bits) &&
           std::equal(read_a.begin(), read_a.end(), read_b.begin(), read_b.end(), equal);
}

/// Whether, sent at those times, the first value is still in the window when the second is.
bool stays(double span, double time, double newest)
{
    sliding_window window(of_time(span));
    window.push_at(1, time);
    window.push_at(2, newest);
    return window.count() == 2;
}

/// Which values are in a window of time, by the definition.
class model {
public:
    model(double span, std::size_t size) : span_(exactly(span)), size_(size) {}

    void push(double value, double time)
    {
        drop(time);
        kept_.push_back({value, exactly(time)});
        if (kept_.size() > size_)
            kept_.pop_front();
    }
    void drop(double newest)
    {
        while (!kept_.empty() && exactly(newest) - kept_.front().time >= span_)
            kept_.pop_front();
    }
    bool matches(sliding_window const& window) const
    {
        auto const values = values_of(window);
        return std::equal(values.begin(), values.end(), kept_.begin(), kept_.end(),
                          [](double value, entry const& expected) { return value == expected.value; });
    }

private:
    struct entry {
        double value;
        test::cpp_int time;
    };
    test::cpp_int span_;
    std::size_t size_;
    std::deque<entry> kept_;
};

/// What a window is told, again and again: mostly values, close together in time, or at once, or far apart.
struct random_step {
    random_step(engine& random, test::stream const& stream, double span)
        : what(random() % 100),
          value(stream.make(random))
    {
        static constexpr auto gaps = std::array{0.0, 1e-3, 1e-2, 1e-2, 1e-1};
        gap = random() % 100 == 0 ? 2 * span : gaps[random() % gaps.size()] * span;
    }

    /// So much after the last step.
    void operator()(sliding_window& window, double last_time) const
    {
        if (what < 1)
            window.clear();
        else if (what < 15)
            window.advance_to(last_time + gap);
        else if (what < 45)
            window.push_at(value, last_time + gap);
        else
            window.push(value, last_time + gap);
    }

    std::uint64_t what;
    double value;
    double gap;
};

/// Calls it with the first allocation failing, then with the second and so on, until it is done; after each failure
/// `is_unchanged` must be true. How often it failed.
int failures_of(std::function<void()> const& change, std::function<bool()> const& is_unchanged)
{
    for (std::size_t nth = 1;; ++nth) {
        try {
            auto const fails = failing_allocation(nth);
            change();
            return static_cast<int>(nth) - 1;
        } catch (std::bad_alloc const&) {
            BOOST_TEST_REQUIRE(is_unchanged());
        }
    }
}

/// What a window of these statistics keeps once so many values, in order, were pushed: in allocations.
std::size_t kept_for(names const& stats, std::size_t count)
{
    auto const options = of_count(count, stats);
    auto const before = allocations_alive();
    sliding_window window(options);
    fill(window, count);
    return allocations_alive() - before;
}

} // namespace

BOOST_AUTO_TEST_SUITE(sliding_windows)

BOOST_AUTO_TEST_CASE(the_values_kept_are_the_last_ones_oldest_first)
{
    for (std::size_t const size : {1U, 2U, 3U, 127U, 128U, 129U, 1000U}) {
        sliding_window window(of_count(size));
        std::deque<double> expected;
        for (std::size_t i = 0; i < 3 * size + 5; ++i) {
            window.push(static_cast<double>(i));
            expected.push_back(static_cast<double>(i));
            if (expected.size() > size)
                expected.pop_front();
        }
        check_values(window, {expected.begin(), expected.end()});
    }
}

BOOST_AUTO_TEST_CASE(a_window_made_with_nothing_said_yields_the_mean_of_three)
{
    sliding_window window({});
    std::vector<double> means;
    for (auto const value : {5, 7, 9, 11, 13}) {
        window.push(value);
        means.push_back(window.first_reading().value());
    }
    BOOST_TEST(means == (std::vector<double>{5, 6, 7, 9, 11}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(several_statistics_are_read_in_the_order_asked)
{
    sliding_window window(of_count(3, {"max", "var", "count"}));
    window.push(4);
    auto const readings = window.readings();
    BOOST_TEST_REQUIRE(readings.size() == 3U);
    BOOST_TEST(readings[0].name == "max");
    BOOST_TEST(readings[0].value.value() == 4);
    BOOST_TEST(readings[1].name == "var");
    BOOST_TEST(!readings[1].value.has_value());
    BOOST_TEST(readings[2].name == "count");
    BOOST_TEST(readings[2].value.value() == 1);
    BOOST_TEST(window.first_reading().value() == 4);
}

BOOST_AUTO_TEST_CASE(a_window_that_is_not_ready_has_nothing_to_say)
{
    auto options = of_count(4, {"count", "mean"});
    options.min_count = 3;
    sliding_window window(options);
    for (auto again = 0; again < 2; ++again) {
        BOOST_TEST(!window.is_ready());
        BOOST_TEST(!window.first_reading().has_value());
        window.push(1);
        window.push(2);
        BOOST_TEST(!window.is_ready());
        BOOST_TEST(!window.first_reading().has_value());
        BOOST_TEST(window.readings().empty());
        window.push(6);
        BOOST_TEST(window.is_ready());
        BOOST_TEST(window.first_reading().value() == 3);
        BOOST_TEST(window.readings()[1].value.value() == 3);
        window.clear();
    }
}

BOOST_AUTO_TEST_CASE(a_window_of_time_that_loses_values_becomes_unready_again)
{
    auto options = of_time(10);
    options.min_count = 2;
    sliding_window window(options);
    window.push(1, 100);
    window.push(3, 105);
    BOOST_TEST(window.first_reading().value() == 2);
    window.advance_to(110);
    BOOST_TEST(window.count() == 1U);
    BOOST_TEST(!window.first_reading().has_value());
}

BOOST_AUTO_TEST_CASE(the_mean_of_a_large_window_does_not_drift)
{
    constexpr std::size_t size = 100'000;
    auto random = engine(40);
    sliding_window window(of_count(size));
    for (std::size_t i = 0; i < size; ++i)
        window.push(std::ldexp(static_cast<double>(random()), static_cast<int>(random() % 100)));
    for (std::size_t i = 0; i < size; ++i)
        window.push(0.1);
    BOOST_TEST(window.first_reading().value() == 0.1);
}

BOOST_AUTO_TEST_CASE(a_moved_window_takes_its_values_along)
{
    auto options = of_time(60, 2, {"mean", "median", "min"});
    options.min_count = 2;
    sliding_window from(options);
    from.push(1, 10);
    from.push(2, 20);
    auto to = std::move(from);
    check_values(to, {1, 2});
    BOOST_TEST(to.options().size == 2U);
    BOOST_TEST(to.options().min_count == 2U);
    BOOST_TEST(to.options().span == 60);
    to.push(4, 30);
    BOOST_TEST(to.first_reading().value() == 3);
    BOOST_TEST(to.readings()[2].value.value() == 2);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(windows_of_time)

BOOST_AUTO_TEST_CASE(a_value_leaves_when_its_time_is_over)
{
    sliding_window window(of_time(30));
    window.push(1, 100);
    window.push(2, 110);
    window.push(3, 129.9);
    check_values(window, {1, 2, 3});
    window.push(4, 130);
    check_values(window, {2, 3, 4});
    window.push(5, 159.9);
    check_values(window, {4, 5});
    BOOST_TEST(window.first_reading().value() == 4.5);
    BOOST_TEST(window.time(0) == 130);
}

BOOST_AUTO_TEST_CASE(size_is_a_cap_on_a_window_of_time)
{
    sliding_window window(of_time(30, 2));
    for (auto const value : {1, 2, 3})
        window.push(value, 100 + value);
    check_values(window, {2, 3});
    window.push(4, 132.5);
    check_values(window, {3, 4});
    window.push(5, 200);
    check_values(window, {5});
    sliding_window last(of_time(30, 1));
    last.push(1, 100);
    last.push(2, 100);
    check_values(last, {2});
}

BOOST_AUTO_TEST_CASE(a_window_that_is_not_timed_does_not_mind_the_time)
{
    sliding_window window(of_count(2));
    window.push(1, 100);
    window.push(2, 50);
    window.advance_to(1e12);
    check_values(window, {1, 2});
    BOOST_TEST((window.push_at(3, 100) == taken::not_timed));
    check_values(window, {1, 2});
}

BOOST_AUTO_TEST_CASE(values_may_come_at_the_same_time_but_not_before)
{
    sliding_window window(of_time(30));
    BOOST_TEST((window.push_at(1, 100) == taken::yes));
    BOOST_TEST((window.push_at(2, 100) == taken::yes));
    BOOST_TEST((window.push_at(3, std::nextafter(100, 0)) == taken::out_of_order));
    BOOST_TEST((window.push_at(3, -100) == taken::out_of_order));
    check_values(window, {1, 2});
    BOOST_TEST((window.push_at(3, std::nextafter(100, 200)) == taken::yes));
    check_values(window, {1, 2, 3});
}

BOOST_AUTO_TEST_CASE(an_empty_window_takes_any_time)
{
    sliding_window window(of_time(30));
    window.push_at(1, 100);
    window.clear();
    BOOST_TEST((window.push_at(2, -5e9) == taken::yes));
    BOOST_TEST((window.push_at(3, -5e9 + 29) == taken::yes));
    check_values(window, {2, 3});

    sliding_window emptied(of_time(30));
    emptied.push(1, 100);
    emptied.advance_to(130);
    BOOST_TEST((emptied.push_at(2, 50) == taken::yes));
    check_values(emptied, {2});
}

BOOST_AUTO_TEST_CASE(a_window_of_arrival_times_empties_as_time_passes)
{
    sliding_window window(of_time(30));
    window.advance_to(90);
    window.push(1, 100);
    window.push(2, 110);
    window.advance_to(129.9);
    check_values(window, {1, 2});
    window.advance_to(130);
    check_values(window, {2});
    window.advance_to(50);
    check_values(window, {2});
    window.advance_to(140);
    BOOST_TEST(window.count() == 0U);
    BOOST_TEST(!window.first_reading().has_value());
    window.push(3, 141);
    check_values(window, {3});
}

BOOST_AUTO_TEST_CASE(a_window_of_times_that_came_with_the_values_stands_still)
{
    sliding_window window(of_time(30));
    window.push_at(1, 100);
    window.push_at(2, 110);
    window.advance_to(1e9);
    check_values(window, {1, 2});
    window.push_at(3, 135);
    check_values(window, {2, 3});
}

BOOST_AUTO_TEST_CASE(whether_time_empties_a_window_is_up_to_its_newest_value)
{
    sliding_window window(of_time(30));
    window.push_at(1, 100);
    window.push(2, 110);
    window.advance_to(130);
    check_values(window, {2});
    window.push_at(3, 120);
    window.advance_to(1000);
    check_values(window, {2, 3});
    window.push(4, 125);
    window.advance_to(140);
    check_values(window, {3, 4});
}

BOOST_AUTO_TEST_CASE(an_arrival_before_the_newest_time_counts_as_that)
{
    sliding_window window(of_time(30));
    window.push_at(1, 1000);
    window.push(2, 100);
    BOOST_TEST(window.time(1) == 1000);
    check_values(window, {1, 2});
    window.advance_to(500);
    check_values(window, {1, 2});
    BOOST_TEST((window.push_at(3, 999) == taken::out_of_order));
    window.advance_to(1030);
    BOOST_TEST(window.count() == 0U);
}

BOOST_AUTO_TEST_CASE(a_value_that_is_refused_leaves_its_window_emptying_or_not_as_it_was)
{
    sliding_window window(of_time(30));
    window.push(1, 100);
    BOOST_TEST((window.push_at(2, 99) == taken::out_of_order));
    window.advance_to(130);
    BOOST_TEST(window.count() == 0U);
}

BOOST_AUTO_TEST_CASE(the_border_is_exact_where_a_difference_of_times_is_rounded)
{
    // In doubles both are 30; but 30.1 stands for a little more than itself, and 30.2 for a little less.
    BOOST_TEST_REQUIRE(30.1 - 0.1 == 30);
    BOOST_TEST(!stays(30, 0.1, 30.1));
    BOOST_TEST_REQUIRE(30.2 - 0.2 == 30);
    BOOST_TEST(stays(30, 0.2, 30.2));
    BOOST_TEST(!stays(30, 100, 130));
    BOOST_TEST(stays(30, std::nextafter(100, 200), 130));
    BOOST_TEST(stays(30, 100, std::nextafter(130, 0)));

    // A little less than 2^60 apart, a little more, and just so.
    auto const far = 0x1p60;
    BOOST_TEST(stays(far, 0x1p-60, far));
    BOOST_TEST(!stays(far, -0x1p-60, far));
    BOOST_TEST(!stays(far, 0, far));
    BOOST_TEST(!stays(far, -0x1p-1074, far));
    BOOST_TEST(stays(far, 0x1p-1074, far));
}

BOOST_AUTO_TEST_CASE(spans_may_be_tiny_or_huge)
{
    auto const now = 1.7e9;
    auto const next = std::nextafter(now, 2 * now);
    BOOST_TEST(stays(1e-300, now, now));
    BOOST_TEST(!stays(1e-300, now, next));
    BOOST_TEST(!stays(0x1p-22, now, next)); // that is how far they are apart
    BOOST_TEST(stays(std::nextafter(0x1p-22, 1), now, next));
    BOOST_TEST(stays(std::numeric_limits<double>::denorm_min(), now, now));
    BOOST_TEST(stays(largest, -largest / 2, largest / 4));
    BOOST_TEST(!stays(largest, -largest, largest)); // their difference is no double
    BOOST_TEST(!stays(largest, 0, largest));
    BOOST_TEST(stays(largest, 1, largest));
}

BOOST_AUTO_TEST_CASE(random_times_near_the_border_are_told_apart_exactly)
{
    auto random = engine(1);
    auto wrong = 0;
    auto rounded = 0;
    for (auto i = 0; i < 20'000; ++i) {
        auto const span = std::ldexp(test::uniform(random, 1, 2), static_cast<int>(random() % 60) - 30);
        auto const time = test::uniform(random, -1, 1) * span * 4;
        auto newest = std::max(time + span, time);
        for (auto steps = random() % 3; steps > 0; --steps)
            newest = std::max(std::nextafter(newest, random() % 2 ? 1e300 : -1e300), time);
        auto const expected = exactly(newest) - exactly(time) < exactly(span);
        wrong += stays(span, time, newest) == expected ? 0 : 1;
        rounded += newest - time == span && exactly(newest) - exactly(time) != exactly(span) ? 1 : 0;
    }
    BOOST_TEST(wrong == 0);
    BOOST_TEST(rounded > 1000);
}

BOOST_AUTO_TEST_CASE(random_programs_leave_just_the_values_of_the_last_span)
{
    for (auto seed = 1U; seed <= 60; ++seed) {
        auto random = engine(seed);
        auto const span = seed % 2 ? 30.0 : 1e-5;
        auto const size = seed % 3 ? 1 + random() % 300 : unlimited;
        sliding_window window(of_time(span, size));
        model expected(span, size);
        auto newest = 1.7e9;
        auto arrived = false;
        for (auto i = 0; i < 1500; ++i) {
            auto const gap = random() % 200 ? test::uniform(random, 0, 1) * span / 100
                                            : test::uniform(random, 0.5, 3) * span;
            auto const what = random() % 10;
            auto const value = static_cast<double>(i);
            if (what < 2) {
                window.advance_to(newest + gap);
                if (arrived)
                    expected.drop(newest + gap);
            } else {
                newest += gap;
                arrived = what < 6;
                if (arrived)
                    window.push(value, newest);
                else
                    window.push_at(value, newest);
                expected.push(value, newest);
            }
            BOOST_TEST_REQUIRE(expected.matches(window), "seed " << seed << ", step " << i);
        }
    }
}

BOOST_AUTO_TEST_CASE(however_many_values_leave_together_those_that_stay_are_as_if_alone)
{
    constexpr auto count = 1000;
    for (auto const gone : {1, 127, 128, 129, 130, 499, 500, 501, 502, 998, 999, 1000}) {
        for (auto const how : {0, 1, 2}) {
            auto random = engine(static_cast<unsigned>(gone));
            sliding_window window(of_time(10, unlimited, every));
            sliding_window alone(of_time(10, unlimited, every));
            for (auto i = 0; i < count; ++i) {
                auto const value = test::ordinary(random);
                auto const time = i < gone ? 100.0 : 105.0;
                window.push(value, time);
                if (i >= gone)
                    alone.push(value, time);
            }
            if (how == 0) {
                window.advance_to(110);
            } else {
                auto const into = how == 1 ? &sliding_window::push_at : nullptr;
                for (auto* const one : {&window, &alone}) {
                    if (into != nullptr)
                        (one->*into)(7, 110);
                    else
                        one->push(7, 110);
                }
            }
            BOOST_TEST(same(window, alone), gone << " of them, " << how);
            window.push(8, 111);
            alone.push(8, 111);
            BOOST_TEST(same(window, alone), gone << " of them, " << how << ", and one more");
        }
    }
}

BOOST_AUTO_TEST_CASE(where_memory_runs_out_as_many_leave_a_push_changes_nothing_and_time_passes_all_the_same)
{
    auto const filled = [] {
        sliding_window window(of_time(10, unlimited, {"mean", "median", "min"}));
        for (auto i = 0; i < 1000; ++i)
            window.push(i, i < 900 ? 100 : 105);
        return window;
    };
    auto passed = filled();
    {
        failing_allocation const none(1);
        passed.advance_to(110);
    }
    BOOST_TEST(passed.count() == 100U);
    BOOST_TEST(passed.first_reading().value() == 949.5);

    auto pushed = filled();
    auto refused = 0;
    for (auto done = false; !done;) {
        try {
            failing_allocation const later(static_cast<std::size_t>(refused) + 1);
            pushed.push(7, 110);
            done = true;
        } catch (std::bad_alloc const&) {
            ++refused;
        }
        BOOST_TEST_REQUIRE((done || pushed.count() == 1000U));
    }
    BOOST_TEST(refused > 3);
    BOOST_TEST(pushed.count() == 101U);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(what_windows_remember)

BOOST_AUTO_TEST_CASE(a_window_built_again_from_its_values_says_the_same_from_then_on)
{
    for (auto const& stream : test::streams) {
        for (std::size_t const size : {1U, 2U, 7U, 100U, 300U}) {
            auto random = engine(size);
            sliding_window old(of_count(size, every));
            for (std::size_t i = 0; i < 3 * size + 50; ++i)
                old.push(stream.make(random));
            sliding_window built(old.options());
            for (std::size_t i = 0; i < old.count(); ++i)
                built.push(old[i]);
            BOOST_TEST_REQUIRE(same(old, built), stream.name << ", " << size);
            for (std::size_t i = 0; i < size + 50; ++i) {
                auto const value = stream.make(random);
                old.push(value);
                built.push(value);
                BOOST_TEST_REQUIRE(same(old, built), stream.name << ", " << size << ", step " << i);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(a_window_of_time_built_again_from_its_values_and_times_says_the_same_from_then_on)
{
    for (auto const& stream : test::streams) {
        for (std::size_t const size : {3U, 40U, 1000U}) {
            auto random = engine(size);
            auto const span = size == 40 ? 1e-4 : 30.0;
            sliding_window old(of_time(span, size, every));
            auto last_time = 1.7e9;
            for (auto i = 0; i < 300; ++i) {
                auto const step = random_step(random, stream, span);
                step(old, last_time);
                last_time += step.gap;
            }
            old.push(stream.make(random), last_time);
            sliding_window built(old.options());
            for (std::size_t i = 0; i < old.count(); ++i)
                built.push(old[i], old.time(i));
            BOOST_TEST_REQUIRE(same(old, built), stream.name << ", " << size);
            for (auto i = 0; i < 300; ++i) {
                auto const step = random_step(random, stream, span);
                step(old, last_time);
                step(built, last_time);
                last_time += step.gap;
                BOOST_TEST_REQUIRE(same(old, built), stream.name << ", " << size << ", step " << i);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(a_window_that_many_values_left_at_once_says_what_a_new_one_does)
{
    for (auto const count : {127, 128, 129, 1000}) {
        for (auto const by_advancing : {false, true}) {
            sliding_window old(of_time(30, unlimited, every));
            for (auto i = 0; i < count; ++i)
                old.push(1e300 / (i + 1), 100);
            if (by_advancing)
                old.advance_to(131);
            sliding_window fresh(old.options());
            for (auto i = 0; i < 300; ++i) {
                old.push(i * 0.1, 140 + i * 0.1);
                fresh.push(i * 0.1, 140 + i * 0.1);
                BOOST_TEST_REQUIRE(same(old, fresh), count << ", step " << i);
            }
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(memory_of_windows)

BOOST_AUTO_TEST_CASE(nothing_is_allocated_at_a_constant_count)
{
    for (auto const name : every) {
        for (std::size_t const size : {1U, 3U, 60U, 61U, 127U, 128U, 129U, 1000U}) {
            sliding_window window(of_count(size, {name}));
            fill(window, 2 * size + 256);
            for (std::size_t i = 0; i < size + 256; ++i)
                window.push(-static_cast<double>(i));
            auto const before = allocations();
            auto random = engine(size);
            for (std::size_t i = 0; i < 3 * size + 2000; ++i) {
                window.push(i % 500 < 250 ? static_cast<double>(i) : test::ordinary(random));
                window.first_reading();
                window.readings();
            }
            auto const taken = allocations() - before;
            BOOST_TEST(taken == 0U, name << ", size " << size << ": " << taken);
        }
    }
}

BOOST_AUTO_TEST_CASE(nothing_is_allocated_as_a_window_of_time_slides_steadily)
{
    for (auto const name : every) {
        for (auto const span : {1.0, 3.0, 128.0, 1000.0}) {
            sliding_window window(of_time(span, unlimited, {name}));
            auto now = 1.7e9;
            auto const slide = [&](std::size_t steps, double direction) {
                for (std::size_t i = 0; i < steps; ++i, ++now) {
                    window.push(direction * static_cast<double>(i), now);
                    window.advance_to(now);
                    window.first_reading();
                }
            };
            slide(3000, 1);
            slide(3000, -1);
            auto const before = allocations();
            slide(3000, 1);
            slide(3000, -1);
            auto const taken = allocations() - before;
            BOOST_TEST(taken == 0U, name << ", span " << span << ": " << taken);
        }
    }
}

BOOST_AUTO_TEST_CASE(nothing_is_allocated_where_each_value_comes_after_all_others_have_left)
{
    sliding_window window(of_time(1, unlimited, every));
    auto now = 0.0;
    auto const push = [&](int times) {
        for (auto i = 0; i < times; ++i)
            window.push(i, now += 2);
        BOOST_TEST(window.count() == 1U);
    };
    push(300);
    auto const before = allocations();
    push(1000);
    BOOST_TEST(allocations() == before);
}

BOOST_AUTO_TEST_CASE(just_what_the_statistics_asked_for_need_is_kept)
{
    constexpr std::size_t count = 6'000;
    constexpr auto blocks_of_60 = count / 60;
    auto const alone = kept_for({"count"}, count);
    BOOST_TEST(alone <= count / 128 + 6); // values, their directory, options and readings
    BOOST_TEST(kept_for({"first", "last", "count"}, count) == alone);
    BOOST_TEST(kept_for({"sum"}, count) == alone + 1);
    BOOST_TEST(kept_for({"sum", "mean"}, count) == alone + 1);
    BOOST_TEST(kept_for({"var"}, count) == alone + 1);
    BOOST_TEST(kept_for({"var", "pvar", "std", "pstd", "zscore"}, count) == alone + 1);
    BOOST_TEST(kept_for({"skew"}, count) == alone + 2);
    BOOST_TEST(kept_for({"kurt"}, count) == alone + 3);
    BOOST_TEST(kept_for({"kurt", "skew", "var"}, count) == alone + 3);
    BOOST_TEST(kept_for({"slope"}, count) == alone + 1);
    BOOST_TEST(kept_for({"max"}, count) == alone + 2); // each beats the one before
    BOOST_TEST(kept_for({"min"}, count) >= alone + blocks_of_60);
    BOOST_TEST(kept_for({"range"}, count) >= alone + blocks_of_60 + 1);
    auto const ordered = kept_for({"median"}, count);
    BOOST_TEST(ordered >= alone + blocks_of_60);
    BOOST_TEST(kept_for({"median", "p95", "p99.9"}, count) == ordered);
}

BOOST_AUTO_TEST_CASE(memory_comes_with_the_values_and_goes_with_clear)
{
    auto const options = of_time(1e6, unlimited, every);
    sliding_window window(options);
    auto const before = allocations_alive();
    for (auto i = 0; i < 10'000; ++i)
        window.push(i, i);
    BOOST_TEST(allocations_alive() > before + 300);
    window.clear();
    BOOST_TEST(allocations_alive() == before);
}

BOOST_AUTO_TEST_CASE(memory_is_given_back_when_time_empties_a_window)
{
    sliding_window window(of_time(30, unlimited, every));
    auto const before = allocations_alive();
    for (auto i = 0; i < 10'000; ++i)
        window.push(i, 100);
    window.advance_to(130);
    BOOST_TEST(allocations_alive() == before);
    window.push(1, 131);
    auto const of_one = allocations_alive();
    for (auto i = 0; i < 10'000; ++i)
        window.push(i, 132);
    window.push(1, 162);
    BOOST_TEST(window.count() == 1U);
    BOOST_TEST(allocations_alive() == of_one);
}

BOOST_AUTO_TEST_CASE(without_memory_for_a_value_nothing_has_changed)
{
    for (std::size_t const size : {130U, 2000U}) {
        sliding_window window(of_count(size, every));
        sliding_window twin(window.options());
        auto failures = 0;
        auto random = engine(size);
        for (auto i = 0; i < 1500; ++i) {
            auto const value = i % 500 < 300 ? i : test::ordinary(random);
            failures += failures_of([&] { window.push(value); }, [&] { return same(window, twin); });
            twin.push(value);
        }
        BOOST_TEST(same(window, twin));
        BOOST_TEST(failures >= 10);
    }
}

BOOST_AUTO_TEST_CASE(without_memory_for_a_value_of_a_window_of_time_none_has_left)
{
    sliding_window window(of_time(30, 1000, every));
    sliding_window twin(window.options());
    auto const step = [](sliding_window& in, int i, double now) {
        if (i % 3 == 0)
            in.push_at(i, now);
        else
            in.push(-i, now);
    };
    auto random = engine(30);
    auto failures = 0;
    auto now = 1.7e9;
    for (auto i = 0; i < 6000; ++i) {
        now += i % 700 == 699 ? 31 : static_cast<double>(random() % 100) / 1000;
        failures += failures_of([&] { step(window, i, now); },
                                [&] {
                                    window.advance_to(now - 5); // empties it, or not, as before
                                    twin.advance_to(now - 5);
                                    return same(window, twin);
                                });
        step(twin, i, now);
        BOOST_TEST_REQUIRE(window.count() == twin.count());
    }
    BOOST_TEST(same(window, twin));
    BOOST_TEST(failures > 100);
}

BOOST_AUTO_TEST_CASE(contents_that_were_prepared_take_no_memory_whatever_leaves_before_the_push)
{
    auto const all =
        part::sum | part_set(part::fourth_powers) | part::line | part::order | part::minimum | part::maximum;
    for (auto seed = 1U; seed <= 20; ++seed) {
        auto random = engine(seed);
        auto const max_count = seed % 4 < 2 ? 5000U : 100U;
        contents tested(all, seed % 2 == 0, max_count);
        for (auto i = 0; i < 5000; ++i) {
            auto const value = i % 400 < 200 ? i : test::ordinary(random);
            tested.prepare_push(value);
            auto const pops =
                tested.count() == max_count || random() % 300 == 0 ? 1 + random() % 2000 : random() % 2;
            for (auto left = std::min<std::size_t>(pops, tested.count()); left > 0; --left)
                tested.pop();
            auto const before = allocations();
            tested.push_prepared(value, i);
            BOOST_TEST_REQUIRE(allocations() == before);
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
