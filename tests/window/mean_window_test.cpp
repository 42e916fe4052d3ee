// The window of values and its mean: known answers, what it keeps, what it allocates.
#include "support/allocation_counter.hpp"
#include "window/mean_window.hpp"

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <cstddef>
#include <deque>
#include <limits>
#include <new>
#include <optional>
#include <random>
#include <utility>
#include <vector>

namespace {

using windowd::test::allocations;
using windowd::test::allocations_alive;
using windowd::test::failing_allocation;
using windowd::window::mean_window;

std::vector<double> means(std::vector<double> const& values, std::size_t size)
{
    mean_window window({.size = size});
    std::vector<double> yielded;
    for (auto const value : values) {
        window.push(value);
        yielded.push_back(window.mean().value());
    }
    return yielded;
}

double last_mean(std::vector<double> const& values, std::size_t size)
{
    return means(values, size).back();
}

void fill(mean_window& window, std::size_t count)
{
    for (std::size_t i = 0; i < count; ++i)
        window.push(static_cast<double>(i));
}

} // namespace

BOOST_AUTO_TEST_SUITE(mean_windows)

BOOST_AUTO_TEST_CASE(means_move_along_with_the_window)
{
    BOOST_TEST(means({5, 7, 9, 11, 13}, 3) == (std::vector<double>{5, 6, 7, 9, 11}),
               boost::test_tools::per_element());
    BOOST_TEST(means({5, 7, 9}, 1) == (std::vector<double>{5, 7, 9}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_has_left_the_window_leaves_no_residue)
{
    BOOST_TEST(last_mean({1e16, 1, 1, 1}, 3) == 1);
    BOOST_TEST(last_mean({1, 1e100, 1, -1e100}, 4) == 0.5);
    BOOST_TEST(last_mean({1e220, 45, -1e220}, 3) == 15);
    BOOST_TEST(last_mean({1.7e308, 1.7e308, 1.7e308}, 3) == 1.7e308);
    auto const spiked = means({0, 1, -9e33, 3, 4, 5, 6, 7, 8, 9}, 5);
    BOOST_TEST(spiked[7] == 5);
    BOOST_TEST(spiked[8] == 6);
    BOOST_TEST(spiked[9] == 7);
}

BOOST_AUTO_TEST_CASE(an_empty_window_has_no_mean)
{
    mean_window window({.size = 3});
    BOOST_TEST(!window.mean().has_value());
    BOOST_TEST(window.count() == 0U);
    window.push(1);
    window.clear();
    BOOST_TEST(!window.mean().has_value());
    BOOST_TEST(!mean_window({.size = 3, .min_count = 0}).mean().has_value());
}

BOOST_AUTO_TEST_CASE(there_is_no_mean_of_fewer_values_than_min_count)
{
    mean_window window({.size = 4, .min_count = 3});
    window.push(1);
    window.push(2);
    BOOST_TEST(!window.mean().has_value());
    window.push(6);
    BOOST_TEST(window.mean().value() == 3);
    window.clear();
    window.push(1);
    BOOST_TEST(!window.mean().has_value());
}

BOOST_AUTO_TEST_CASE(the_values_kept_are_the_last_ones_oldest_first)
{
    for (std::size_t const size : {1U, 2U, 3U, 127U, 128U, 129U, 1000U}) {
        mean_window window({.size = size});
        std::deque<double> expected;
        for (std::size_t i = 0; i < 3 * size + 5; ++i) {
            window.push(static_cast<double>(i));
            expected.push_back(static_cast<double>(i));
            if (expected.size() > size)
                expected.pop_front();
        }
        BOOST_TEST_REQUIRE(window.count() == expected.size());
        std::size_t differing = 0;
        for (std::size_t i = 0; i < expected.size(); ++i)
            differing += window[i] != expected[i];
        BOOST_TEST(differing == 0U);
    }
}

BOOST_AUTO_TEST_CASE(the_mean_of_a_large_window_does_not_drift)
{
    constexpr std::size_t size = 100'000;
    auto random = std::mt19937_64(40);
    mean_window window({.size = size});
    for (std::size_t i = 0; i < size; ++i)
        window.push(std::ldexp(static_cast<double>(random()), static_cast<int>(random() % 100)));
    for (std::size_t i = 0; i < size; ++i)
        window.push(0.1);
    BOOST_TEST(window.mean().value() == 0.1);
}

BOOST_AUTO_TEST_CASE(nothing_is_allocated_when_the_window_is_full)
{
    for (std::size_t const size : {1U, 3U, 128U, 1000U}) {
        mean_window window({.size = size});
        fill(window, 2 * size + 256);
        auto const before = allocations();
        fill(window, 3 * size + 1000);
        BOOST_TEST(allocations() == before, "size " << size);
    }
}

BOOST_AUTO_TEST_CASE(memory_comes_with_the_values_and_goes_with_clear)
{
    auto const before = allocations_alive();
    mean_window window({.size = 10'000'000});
    BOOST_TEST(allocations_alive() == before);
    fill(window, 10'000);
    BOOST_TEST(allocations_alive() > before);
    window.clear();
    BOOST_TEST(allocations_alive() == before);
}

BOOST_AUTO_TEST_CASE(without_memory_for_a_value_nothing_has_changed)
{
    mean_window window({.size = 1000});
    fill(window, 128); // a full block
    auto const mean = window.mean();
    {
        failing_allocation const failure(1);
        BOOST_CHECK_THROW(window.push(1e9), std::bad_alloc);
    }
    BOOST_TEST(window.count() == 128U);
    BOOST_TEST((window.mean() == mean));
    window.push(1e9);
    BOOST_TEST(window[128] == 1e9);
    BOOST_TEST(window.mean().value() == (127 * 64 + 1e9) / 129);
}

BOOST_AUTO_TEST_CASE(a_moved_window_takes_its_values_along)
{
    mean_window from({.size = 2, .min_count = 2});
    from.push(1);
    from.push(2);
    auto to = std::move(from);
    BOOST_TEST(to.count() == 2U);
    BOOST_TEST(to.options().size == 2U);
    BOOST_TEST(to.options().min_count == 2U);
    to.push(4);
    BOOST_TEST(to.mean().value() == 3);
}

BOOST_AUTO_TEST_SUITE_END()
