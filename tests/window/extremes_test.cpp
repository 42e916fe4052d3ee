// The minimum and maximum of a window: the queue behind them, its memory, and failing allocations.
#include "support/allocation_counter.hpp"
#include "window/extremes.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <deque>
#include <functional>
#include <new>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace {

using windowd::test::allocations;
using windowd::test::allocations_alive;
using windowd::test::failing_allocation;
using windowd::window::window_maximum;
using windowd::window::window_minimum;

using generator = std::mt19937_64;

/// A window with all its values, to compare with.
class model {
public:
    void push(double value)
    {
        values_.push_back(value);
        sorted_.insert(value);
    }
    void pop()
    {
        sorted_.erase(sorted_.find(values_.front()));
        values_.pop_front();
    }
    std::size_t size() const { return values_.size(); }
    double minimum() const { return *sorted_.begin(); }
    double maximum() const { return *sorted_.rbegin(); }

private:
    std::deque<double> values_;
    std::multiset<double> sorted_;
};

struct extremes {
    window_minimum minimum;
    window_maximum maximum;

    void prepare_push()
    {
        minimum.prepare_push();
        maximum.prepare_push();
    }
    void push(double value)
    {
        minimum.push(value);
        maximum.push(value);
    }
    void pop()
    {
        minimum.pop();
        maximum.pop();
    }
    bool match(model const& expected) const
    {
        if (minimum.size() != expected.size() || maximum.size() != expected.size())
            return false;
        if (expected.size() == 0)
            return minimum.empty() && maximum.empty();
        return minimum.value() == expected.minimum() && maximum.value() == expected.maximum();
    }
};

struct stream {
    std::string name;
    std::function<double(generator&, std::size_t)> at;
};

std::vector<stream> streams()
{
    auto const normal = [](generator& random, std::size_t) {
        return std::normal_distribution(100.0, 15.0)(random);
    };
    // Long ramps that are cut off at a random height: every cut is somewhere else.
    auto const cut_ramps = [height = 0.0](generator& random, std::size_t) mutable {
        height = random() % 400 == 0 ? std::floor(height * static_cast<double>(random() % 1000) / 1000)
                                     : height + 1;
        return height;
    };
    return {
        {"ordinary", normal},
        {"of five values", [](generator& random, std::size_t) { return static_cast<double>(random() % 5); }},
        {"ascending", [](generator&, std::size_t i) { return static_cast<double>(i); }},
        {"descending", [](generator&, std::size_t i) { return -static_cast<double>(i); }},
        {"sawtooth", [](generator&, std::size_t i) { return static_cast<double>(i % 1000); }},
        {"sawtooth downwards", [](generator&, std::size_t i) { return -static_cast<double>(i % 1000); }},
        {"cut ramps", cut_ramps},
        {"constant", [](generator&, std::size_t) { return 1.1; }}};
}

/// A ramp from 0 of that length, of which some have left, then a value below its end: how many answers are
/// wrong as all but the last leave.
int wrong_minima_after_a_drop(int length, int expired, int drop)
{
    auto tested = window_minimum();
    for (auto i = 0; i < length; ++i)
        tested.push(i);
    for (auto i = 0; i < expired; ++i)
        tested.pop();
    tested.push(drop);
    auto wrong = 0;
    for (auto i = expired; i < length; ++i) {
        wrong += tested.value() == std::min(i, drop) ? 0 : 1;
        tested.pop();
    }
    return wrong + (tested.value() == drop && tested.size() == 1 ? 0 : 1);
}

bool pushed_without_memory(window_minimum& tested, double value)
{
    auto const fails = failing_allocation(1);
    try {
        tested.push(value);
        return true;
    } catch (std::bad_alloc const&) {
        return false;
    }
}

/// How often it failed, which must have changed nothing.
int failed_preparations(extremes& tested, model const& expected)
{
    for (std::size_t nth = 1;; ++nth) {
        try {
            auto const fails = failing_allocation(nth);
            tested.prepare_push();
            return static_cast<int>(nth) - 1;
        } catch (std::bad_alloc const&) {
            BOOST_TEST_REQUIRE(tested.match(expected));
        }
    }
}

} // namespace

BOOST_AUTO_TEST_SUITE(extremes_of_a_window)

BOOST_AUTO_TEST_CASE(minimum_and_maximum_are_right_as_a_window_of_any_stream_slides)
{
    for (auto const& stream : streams()) {
        for (auto size : {1U, 2U, 3U, 59U, 60U, 61U, 119U, 120U, 121U, 1000U, 20'000U}) {
            auto random = generator(size);
            auto tested = extremes();
            auto expected = model();
            auto wrong = 0;
            for (std::size_t i = 0; i < 4 * size + 500; ++i) {
                auto const value = stream.at(random, i);
                tested.push(value);
                expected.push(value);
                if (expected.size() > size) {
                    tested.pop();
                    expected.pop();
                }
                wrong += tested.match(expected) ? 0 : 1;
            }
            BOOST_TEST(wrong == 0, stream.name << ", " << size);
        }
    }
}

BOOST_AUTO_TEST_CASE(windows_that_grow_and_shrink_at_random_have_the_right_extremes)
{
    auto const all = streams();
    for (auto seed = 1U; seed <= 64; ++seed) {
        auto random = generator(seed);
        auto stream = all[seed % all.size()];
        auto tested = extremes();
        auto expected = model();
        auto wrong = 0;
        auto steps = std::size_t{0};
        for (auto phase = 0; phase < 12; ++phase) {
            auto const pushes_in_ten = random() % 11;
            for (auto end = steps + random() % 4000; steps < end; ++steps) {
                if (random() % 10 < pushes_in_ten) {
                    auto const value = stream.at(random, steps);
                    tested.push(value);
                    expected.push(value);
                } else if (expected.size() > 0) {
                    tested.pop();
                    expected.pop();
                }
                wrong += tested.match(expected) ? 0 : 1;
            }
        }
        BOOST_TEST(wrong == 0, stream.name << ", seed " << seed);
    }
}

BOOST_AUTO_TEST_CASE(a_ramp_is_cut_exactly_where_the_new_value_belongs)
{
    for (auto length : {59, 60, 61, 180, 999}) {
        for (auto expired : {0, 1, 58, 130}) {
            for (auto drop = 0; drop <= length && expired<length; drop += length> 200 ? 37 : 1)
                BOOST_TEST_REQUIRE(wrong_minima_after_a_drop(length, expired, drop) == 0,
                                   length << ", " << expired << ", " << drop);
        }
    }
}

BOOST_AUTO_TEST_CASE(minus_zero_is_less_than_zero)
{
    auto tested = extremes();
    for (auto value : {0.0, -0.0, 0.0})
        tested.push(value);
    BOOST_TEST(std::signbit(tested.minimum.value()));
    BOOST_TEST(!std::signbit(tested.maximum.value()));
    tested.pop();
    tested.pop();
    BOOST_TEST(!std::signbit(tested.minimum.value()));
}

BOOST_AUTO_TEST_CASE(one_that_was_never_pushed_to_owns_no_memory)
{
    auto const before = allocations();
    auto tested = window_minimum();
    auto moved = std::move(tested);
    moved.clear();
    BOOST_TEST(allocations() == before);
    BOOST_TEST(moved.empty());
}

BOOST_AUTO_TEST_CASE(values_in_no_order_take_a_few_blocks_whatever_the_size)
{
    auto random = generator(7);
    auto const before = allocations_alive();
    auto tested = extremes();
    for (auto i = 0; i < 100'000; ++i)
        tested.push(std::normal_distribution(100.0, 15.0)(random));
    auto const taken = allocations_alive() - before;
    BOOST_TEST(taken <= 4U);
}

BOOST_AUTO_TEST_CASE(at_a_constant_size_nothing_is_allocated_once_the_longest_run_was_there)
{
    using step = void (*)(extremes&, std::size_t size, double value);
    step const push_and_pop = [](extremes& window, std::size_t size, double value) {
        window.push(value);
        if (window.minimum.size() > size)
            window.pop();
    };
    step const prepare_pop_and_push = [](extremes& window, std::size_t size, double value) {
        window.prepare_push();
        if (window.minimum.size() == size)
            window.pop();
        window.push(value);
    };
    auto const check = [](step take, std::size_t size) {
        auto random = generator(size);
        auto tested = extremes();
        auto const slide = [&](stream const& values, std::size_t steps) {
            for (std::size_t i = 0; i < steps; ++i)
                take(tested, size, values.at(random, i));
        };
        slide({"", [](generator&, std::size_t i) { return static_cast<double>(i); }}, 2 * size + 200);
        slide({"", [](generator&, std::size_t i) { return -static_cast<double>(i); }}, 2 * size + 200);
        for (auto const& stream : streams()) {
            auto const before = allocations();
            slide(stream, 3 * size + 500);
            auto const taken = allocations() - before;
            BOOST_TEST(taken == 0U, taken << " allocations at size " << size << ", " << stream.name);
        }
    };
    for (std::size_t const size : {1U, 3U, 59U, 60U, 61U, 120U, 5000U}) {
        check(push_and_pop, size);
        check(prepare_pop_and_push, size);
    }
}

BOOST_AUTO_TEST_CASE(a_push_that_was_prepared_takes_no_memory_whatever_is_popped_before_it)
{
    for (auto const& stream : streams()) {
        auto random = generator(12);
        auto tested = extremes();
        auto expected = model();
        auto failures = 0;
        for (std::size_t i = 0; i < 10'000; ++i) {
            failures += failed_preparations(tested, expected);
            auto const pops = random() % 200 == 0 ? random() % 400 : random() % 2;
            for (auto left = std::min<std::size_t>(pops, expected.size()); left > 0; --left) {
                tested.pop();
                expected.pop();
            }
            auto const value = stream.at(random, i);
            auto const before = allocations();
            tested.push(value);
            auto const taken = allocations() - before;
            BOOST_TEST_REQUIRE(taken == 0U, stream.name << ", step " << i);
            expected.push(value);
        }
        BOOST_TEST(tested.match(expected));
        BOOST_TEST(failures >= 2);
    }
}

BOOST_AUTO_TEST_CASE(memory_grows_in_proportion_and_shrinks_with_the_size)
{
    auto const before = allocations_alive();
    auto tested = window_minimum();
    auto too_many = 0;
    auto const check = [&] { too_many += allocations_alive() - before > tested.size() / 60 + 3 ? 1 : 0; };
    for (auto i = 0; i < 100'000; ++i) {
        tested.push(i);
        check();
    }
    tested.push(-1); // cuts all of it off
    while (!tested.empty()) {
        tested.pop();
        check();
    }
    BOOST_TEST(too_many == 0);
}

BOOST_AUTO_TEST_CASE(clear_releases_all_memory_and_it_can_be_used_again)
{
    auto const before = allocations_alive();
    auto tested = window_maximum();
    for (auto i = 0; i < 5000; ++i)
        tested.push(-i);
    for (auto i = 0; i < 100; ++i)
        tested.pop();
    tested.clear();
    auto const after = allocations_alive();
    BOOST_TEST(after == before);
    tested.push(3);
    BOOST_TEST(tested.value() == 3);
    BOOST_TEST(tested.size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_failed_allocation_changes_nothing)
{
    for (auto popped : {0, 1, 59, 60, 100}) {
        auto tested = window_minimum();
        auto failures = 0;
        for (auto i = 0; i < 2000; ++i) {
            if (!pushed_without_memory(tested, i)) {
                ++failures;
                BOOST_TEST_REQUIRE(tested.size() == static_cast<std::size_t>(std::max(i - popped, 0)));
                BOOST_TEST_REQUIRE((tested.empty() || tested.value() == popped));
                tested.push(i);
            }
            if (i < popped)
                tested.pop();
        }
        BOOST_TEST(failures >= 30);
        for (auto i = popped; i < 2000; ++i) {
            BOOST_TEST_REQUIRE(tested.value() == i);
            tested.pop();
        }
    }
}

BOOST_AUTO_TEST_CASE(a_move_takes_the_values_along_and_leaves_none)
{
    auto source = window_maximum();
    for (auto i = 0; i < 500; ++i)
        source.push(-i);
    auto target = std::move(source);
    BOOST_TEST(target.size() == 500U);
    BOOST_TEST(target.value() == 0);

    BOOST_TEST(source.empty()); // NOLINT(bugprone-use-after-move): its state is what is tested
    source.push(7);             // NOLINT(clang-analyzer-cplusplus.Move): and that it can be used
    target = std::move(source);
    BOOST_TEST(target.size() == 1U);
    BOOST_TEST(target.value() == 7);
}

BOOST_AUTO_TEST_SUITE_END()
