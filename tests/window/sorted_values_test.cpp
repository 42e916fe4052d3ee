// The ordered values of a window: ranks, memory, and what is left when an allocation fails.
#include "support/allocation_counter.hpp"
#include "window/sorted_values.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <new>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace {

using windowd::test::allocations;
using windowd::test::allocations_alive;
using windowd::test::failing_allocation;
using windowd::window::sorted_values;

using generator = std::mt19937_64;

bool same(double a, double b)
{
    return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

bool before(double a, double b)
{
    return a < b || (a == b && std::signbit(a) && !std::signbit(b));
}

/// How many ranks hold something else than the sorted contents of a window.
template <class Values>
std::size_t wrong_ranks(sorted_values const& values, Values const& expected)
{
    auto sorted = std::vector<double>(expected.begin(), expected.end());
    std::sort(sorted.begin(), sorted.end(), before);
    auto wrong = std::size_t{0};
    for (std::size_t rank = 0; rank < sorted.size(); ++rank) {
        auto const [lower, upper] = values.neighbours(rank);
        auto const next = sorted[std::min(rank + 1, sorted.size() - 1)];
        wrong += same(values[rank], sorted[rank]) && same(lower, sorted[rank]) && same(upper, next) ? 0 : 1;
    }
    return wrong;
}

template <class Values>
void check_holds(sorted_values const& values, Values const& expected)
{
    BOOST_TEST_REQUIRE(values.size() == expected.size());
    BOOST_TEST(values.empty() == expected.empty());
    BOOST_TEST_REQUIRE(values.invariant());
    BOOST_TEST_REQUIRE(wrong_ranks(values, expected) == 0U);
}

struct stream {
    std::string name;
    std::function<double(generator&, std::size_t)> at;
};

std::vector<stream> streams()
{
    auto const normal = [](generator& random, std::size_t) {
        return std::normal_distribution(100.0, 15.0)(random);
    };
    auto const any_bits = [](generator& random, std::size_t) {
        auto const value = std::bit_cast<double>(random());
        return std::isfinite(value) ? value : std::numeric_limits<double>::denorm_min();
    };
    auto const few = [](generator& random, std::size_t) { return static_cast<double>(random() % 5); };
    auto const zeros = [](generator& random, std::size_t) { return random() % 2 == 0 ? 0.0 : -0.0; };
    auto const zigzag = [](generator&, std::size_t i) {
        return i % 2 == 0 ? static_cast<double>(i) : -static_cast<double>(i);
    };
    return {{"ordinary", normal},
            {"of any bits", any_bits},
            {"of five values", few},
            {"of signed zeros", zeros},
            {"zigzag", zigzag},
            {"ascending", [](generator&, std::size_t i) { return static_cast<double>(i); }},
            {"descending", [](generator&, std::size_t i) { return -static_cast<double>(i); }},
            {"sawtooth", [](generator&, std::size_t i) { return static_cast<double>(i % 1000); }},
            {"constant", [](generator&, std::size_t) { return 1.1; }}};
}

sorted_values ascending(std::size_t count)
{
    auto values = sorted_values();
    for (std::size_t i = 0; i < count; ++i)
        values.insert(static_cast<double>(i));
    return values;
}

/// Each value of a window, and some more, gives way to the next of a stream.
template <class Stream>
void replace_all(sorted_values& values, std::vector<double>& window, Stream next, bool insert_first)
{
    for (std::size_t i = 0; i < window.size() + 500; ++i) {
        auto const value = next(i);
        if (insert_first)
            values.insert(value);
        values.erase(std::exchange(window[i % window.size()], value));
        if (!insert_first)
            values.insert(value);
    }
}

} // namespace

BOOST_AUTO_TEST_SUITE(values_in_order)

BOOST_AUTO_TEST_CASE(every_rank_has_its_value_as_a_window_of_any_stream_slides)
{
    for (auto const& stream : streams()) {
        for (auto size :
             {std::size_t{1}, std::size_t{2}, std::size_t{128}, std::size_t{129}, std::size_t{5000}}) {
            BOOST_TEST_CONTEXT(stream.name << ", " << size)
            {
                auto random = generator(size);
                auto values = sorted_values();
                auto window = std::deque<double>();
                for (std::size_t i = 0; i < 4 * size + 500; ++i) {
                    window.push_back(stream.at(random, i));
                    values.insert(window.back());
                    if (window.size() > size) {
                        values.erase(window.front());
                        window.pop_front();
                    }
                    if (i % (1 + size / 4) == 0)
                        check_holds(values, window);
                }
                check_holds(values, window);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(a_hundred_thousand_values_stay_in_order_from_the_first_to_the_last)
{
    for (auto const& stream : streams()) {
        BOOST_TEST_CONTEXT(stream.name)
        {
            auto random = generator(100'000);
            auto values = sorted_values();
            auto window = std::deque<double>();
            for (std::size_t i = 0; i < 100'000; ++i) {
                window.push_back(stream.at(random, i));
                values.insert(window.back());
            }
            check_holds(values, window);
            std::shuffle(window.begin(), window.end(), random);
            while (!window.empty()) {
                values.erase(window.front());
                window.pop_front();
                if (window.size() % 25'000 == 0 || window.size() == 300)
                    check_holds(values, window);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(any_values_come_and_go_under_random_programs)
{
    auto const all = streams();
    for (auto seed = 1U; seed <= 40; ++seed) {
        auto random = generator(seed);
        auto const& stream = all[seed % all.size()];
        auto values = sorted_values();
        auto model = std::vector<double>();
        auto steps = std::size_t{0};
        for (auto phase = 0; phase < 8; ++phase) {
            auto const insertions_in_ten = random() % 11;
            for (auto end = steps + random() % 4000; steps < end; ++steps) {
                if (random() % 10 < insertions_in_ten) {
                    model.push_back(stream.at(random, steps));
                    values.insert(model.back());
                } else if (!model.empty()) {
                    std::swap(model[random() % model.size()], model.back());
                    values.erase(model.back());
                    model.pop_back();
                }
            }
            check_holds(values, model);
        }
    }
}

BOOST_AUTO_TEST_CASE(minus_zero_comes_before_zero_and_each_is_taken_out_as_such)
{
    auto values = sorted_values();
    for (auto value : {0.0, -0.0, 0.0, -0.0, 5e-324, -5e-324})
        values.insert(value);
    check_holds(values, std::vector{-5e-324, -0.0, -0.0, 0.0, 0.0, 5e-324});
    values.erase(-0.0);
    check_holds(values, std::vector{-5e-324, -0.0, 0.0, 0.0, 5e-324});
    values.erase(0.0);
    values.erase(0.0);
    check_holds(values, std::vector{-5e-324, -0.0, 5e-324});
}

BOOST_AUTO_TEST_CASE(one_that_was_never_inserted_to_owns_no_memory)
{
    auto const before = allocations();
    auto values = sorted_values();
    auto moved = std::move(values);
    moved.clear();
    BOOST_TEST(allocations() == before);
    BOOST_TEST(moved.empty());
    BOOST_TEST(moved.invariant());
}

BOOST_AUTO_TEST_CASE(at_a_constant_size_nothing_is_allocated_whatever_comes_and_goes)
{
    // The streams one after the other, so that the tree takes every shape; the first filling is all it gets.
    for (auto size :
         {std::size_t{1}, std::size_t{3}, std::size_t{200}, std::size_t{3000}, std::size_t{30'000}}) {
        for (auto insert_first : {true, false}) {
            auto random = generator(size);
            auto values = sorted_values();
            auto window = std::vector<double>(size, 1.0);
            for (auto value : window)
                values.insert(value);
            values.insert(1);
            values.erase(1);
            for (auto const& stream : streams()) {
                auto const before = allocations();
                replace_all(
                    values, window, [&](std::size_t i) { return stream.at(random, i); }, insert_first);
                auto const taken = allocations() - before;
                BOOST_TEST(taken == 0U, taken << " allocations at size " << size << ", " << stream.name);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(memory_grows_in_proportion_and_shrinks_with_the_size)
{
    auto const before = allocations_alive();
    auto const nodes_for = [](std::size_t size) { return size / 56 + size / 56 / 27 + 5; };
    auto values = sorted_values();
    auto too_many = std::size_t{0};
    for (std::size_t i = 0; i < 100'000; ++i) {
        values.insert(static_cast<double>(i));
        too_many += allocations_alive() - before > nodes_for(values.size()) ? 1 : 0;
    }
    for (std::size_t i = 0; i < 100'000; ++i) {
        values.erase(static_cast<double>(i));
        too_many += allocations_alive() - before > nodes_for(values.size()) ? 1 : 0;
    }
    BOOST_TEST(too_many == 0U);
    BOOST_TEST(values.empty());
    auto const left = allocations_alive() - before;
    BOOST_TEST(left <= 5U);
}

BOOST_AUTO_TEST_CASE(no_insertion_allocates_more_than_a_leaf_and_an_inner_node_for_each_level)
{
    auto values = sorted_values();
    auto most = std::size_t{0};
    for (std::size_t i = 0; i < 200'000; ++i) {
        auto const before = allocations();
        values.insert(static_cast<double>(i));
        most = std::max(most, allocations() - before);
    }
    BOOST_TEST(most <= 1 + 3U);
}

BOOST_AUTO_TEST_CASE(clear_releases_all_memory_and_it_can_be_used_again)
{
    auto const before = allocations_alive();
    auto values = ascending(20'000);
    values.clear();
    auto const after = allocations_alive();
    BOOST_TEST(after == before);
    check_holds(values, std::vector<double>());

    values = ascending(3);
    check_holds(values, std::vector{0.0, 1.0, 2.0});
}

BOOST_AUTO_TEST_CASE(a_failed_allocation_changes_nothing)
{
    auto values = sorted_values();
    auto model = std::vector<double>();
    auto failures = 0;
    for (auto i = 0; i < 10'000; ++i) {
        auto const value = static_cast<double>(i * 7919 % 10'007);
        for (std::size_t nth = 1;; ++nth) {
            auto const fails = failing_allocation(nth);
            try {
                values.insert(value);
                break;
            } catch (std::bad_alloc const&) {
                ++failures;
            }
            BOOST_TEST_REQUIRE(values.size() == model.size());
            if (failures % 10 == 0)
                BOOST_TEST_REQUIRE(wrong_ranks(values, model) == 0U);
        }
        model.push_back(value);
    }
    check_holds(values, model);
    BOOST_TEST(failures > 180);
}

BOOST_AUTO_TEST_CASE(while_memory_is_short_values_can_leave_and_others_come_in_their_place)
{
    auto values = ascending(5000);
    auto count = 5000;
    auto const fails_always = [&](auto action) {
        auto const fails = failing_allocation(1);
        action();
    };
    BOOST_CHECK_THROW(fails_always([&] {
                          for (;; ++count)
                              values.insert(count);
                      }),
                      std::bad_alloc);
    BOOST_TEST(values.size() == static_cast<std::size_t>(count));
    fails_always([&] {
        for (auto i = 0; i < count; ++i) {
            values.erase(i);
            values.insert(-i);
        }
    });
    BOOST_TEST(values.size() == static_cast<std::size_t>(count));
    BOOST_TEST(values[0] == 1 - count);
    BOOST_TEST(values.invariant());
}

BOOST_AUTO_TEST_CASE(a_move_takes_the_values_along_and_leaves_none)
{
    auto source = ascending(1000);
    auto target = std::move(source);
    BOOST_TEST(target.size() == 1000U);
    BOOST_TEST(target[999] == 999);

    BOOST_TEST(source.empty()); // NOLINT(bugprone-use-after-move): its state is what is tested
    source.insert(7);           // NOLINT(clang-analyzer-cplusplus.Move): and that it can be used
    target = std::move(source);
    check_holds(target, std::vector{7.0});
}

BOOST_AUTO_TEST_SUITE_END()
