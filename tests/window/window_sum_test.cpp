// The sum of a window in its small form: that it is the exact sum, whatever values come, and when it takes memory.
#include "support/allocation_counter.hpp"
#include "window/window_sum.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <random>
#include <utility>

namespace {

using windowd::test::allocations_alive;
using namespace windowd::window;

/// A queue of values with their sum, next to what it has to be.
struct summed {
    explicit summed(std::size_t max_count) : sum(max_count), size(max_count) {}

    void push(double value)
    {
        sum.prepare(value, values);
        if (values.size() == size)
            pop();
        values.push_back(value);
        sum.add(value);
        exact.add(value);
    }
    void pop()
    {
        auto const value = values.pop_front();
        sum.remove(value);
        exact.remove(value);
    }
    bool is_right() const
    {
        auto const count = std::max<std::size_t>(values.size(), 1);
        auto const same = [](double a, double b) {
            return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
        };
        return same(sum.value(), exact.value()) && same(sum.mean(count), exact.mean(count));
    }

    window_sum sum;
    std::size_t size;
    exact_sum exact;
    value_queue values;
};

double with_exponent(std::mt19937_64& random, int lowest, int highest)
{
    auto const mantissa = std::uniform_real_distribution(-1.0, 1.0)(random);
    return std::ldexp(mantissa, std::uniform_int_distribution(lowest, highest)(random));
}

} // namespace

BOOST_AUTO_TEST_SUITE(window_sums)

BOOST_AUTO_TEST_CASE(the_sum_is_exact_whatever_the_size_of_the_values)
{
    for (auto const& [lowest, highest] : {std::pair(-2, 3), std::pair(-40, 10), std::pair(-1073, -1000),
                                          std::pair(950, 1024), std::pair(-1073, 1024)}) {
        for (std::size_t const size : {1U, 3U, 100U}) {
            auto random = std::mt19937_64(size);
            summed tested(size);
            for (auto i = 0; i < 2000; ++i) {
                tested.push(random() % 8 == 0 ? 0.0 : with_exponent(random, lowest, highest));
                BOOST_TEST_REQUIRE(tested.is_right());
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(values_that_grow_and_shrink_slowly_take_no_memory)
{
    auto const before = allocations_alive();
    summed tested(3);
    for (auto round = 0; round < 3; ++round) {
        for (auto exponent = -900; exponent < 900; ++exponent) {
            tested.push(std::ldexp(1.7, exponent));
            BOOST_TEST_REQUIRE(tested.is_right());
        }
        for (auto exponent = 900; exponent > -900; --exponent) {
            tested.push(std::ldexp(-1.3, exponent));
            BOOST_TEST_REQUIRE(tested.is_right());
        }
    }
    BOOST_TEST(allocations_alive() == before);
}

BOOST_AUTO_TEST_CASE(the_most_and_greatest_values_of_the_small_form_fit)
{
    auto const before = allocations_alive();
    window_sum tested(1024);
    exact_sum expected;
    value_queue const none;
    auto const greatest = std::nextafter(std::ldexp(1.0, 32), 0.0);
    for (auto i = 0; i < 1024; ++i) {
        tested.prepare(i == 0 ? 0x1p-32 : -greatest, none);
        tested.add(i == 0 ? 0x1p-32 : -greatest);
        expected.add(i == 0 ? 0x1p-32 : -greatest);
    }
    BOOST_TEST(tested.value() == expected.value());
    BOOST_TEST(allocations_alive() == before);
}

BOOST_AUTO_TEST_CASE(an_outlier_takes_memory_until_the_sum_is_cleared)
{
    summed tested(5);
    tested.push(1);
    auto const before = allocations_alive();
    tested.push(1e300);
    BOOST_TEST(allocations_alive() == before + 1);
    BOOST_TEST(tested.is_right());
    for (auto i = 0; i < 20; ++i)
        tested.push(0.1 * i);
    BOOST_TEST(tested.is_right());
    tested.sum.clear();
    BOOST_TEST(allocations_alive() == before);
    BOOST_TEST(tested.sum.value() == 0);
}

BOOST_AUTO_TEST_CASE(a_large_window_has_the_memory_from_the_start)
{
    auto const before = allocations_alive();
    window_sum tested(1025);
    BOOST_TEST(allocations_alive() == before + 1);
    tested.add(5);
    tested.clear();
    BOOST_TEST(tested.value() == 0);
    BOOST_TEST(allocations_alive() == before + 1);
}

BOOST_AUTO_TEST_SUITE_END()
