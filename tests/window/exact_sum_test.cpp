// The exact sum and mean, against known answers and against whole-number arithmetic of any length.
#include "exact_rounding.hpp"
#include "window/exact_sum.hpp"

#include <boost/multiprecision/cpp_int.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace {

using boost::multiprecision::cpp_int;
using windowd::window::exact_sum;
using windowd::window::test::exactly;

constexpr auto infinity = std::numeric_limits<double>::infinity();
constexpr auto largest = std::numeric_limits<double>::max();
constexpr auto smallest = std::numeric_limits<double>::denorm_min();

// Says what it means for `rounded` to be the double nearest to dividend / divisor, ties to even, and zero
// positive. No other double satisfies it, so it compares bit for bit.
bool is_nearest(double rounded, cpp_int const& dividend, std::size_t divisor)
{
    if (std::isnan(rounded) || (rounded == 0 && std::signbit(rounded)))
        return false;
    auto const even = (std::bit_cast<std::uint64_t>(rounded) & 1) == 0;
    auto const is_on_the_right_side = [&](double neighbour) {
        if (neighbour == rounded)
            return true; // beyond infinity
        auto const midpoint_doubled = cpp_int(exactly(rounded) + exactly(neighbour));
        auto const difference = cpp_int(2 * dividend - midpoint_doubled * divisor);
        return difference == 0 ? even : (difference > 0) == (rounded > neighbour);
    };
    return is_on_the_right_side(std::nextafter(rounded, -infinity)) &&
           is_on_the_right_side(std::nextafter(rounded, infinity));
}

bool has_right_mean(exact_sum const& sum, cpp_int const& exact, std::size_t count)
{
    auto const value = sum.value();
    auto const mean = sum.mean(count);
    if (std::isfinite(value))
        return std::bit_cast<std::uint64_t>(mean) ==
               std::bit_cast<std::uint64_t>(value / static_cast<double>(count));
    return std::isfinite(mean) && is_nearest(mean, exact, count);
}

exact_sum sum_of(std::vector<double> const& values)
{
    auto sum = exact_sum();
    for (auto value : values)
        sum.add(value);
    return sum;
}

// The values pass through a window; returns the state at each step.
template <class Look>
auto slide(std::vector<double> const& values, std::size_t size, Look look)
{
    auto seen = std::vector<double>();
    auto sum = exact_sum();
    for (std::size_t i = 0; i < values.size(); ++i) {
        sum.add(values[i]);
        if (i >= size)
            sum.remove(values[i - size]);
        seen.push_back(look(sum, std::min(i + 1, size)));
    }
    return seen;
}

std::vector<double> means(std::vector<double> const& values, std::size_t size)
{
    return slide(values, size, [](auto const& sum, auto count) { return sum.mean(count); });
}

std::vector<double> sums(std::vector<double> const& values, std::size_t size)
{
    return slide(values, size, [](auto const& sum, auto) { return sum.value(); });
}

using engine = std::mt19937_64;

double uniform(engine& random, double from, double to)
{
    return std::uniform_real_distribution(from, to)(random);
}

int any_of(engine& random, int from, int to)
{
    return std::uniform_int_distribution(from, to)(random);
}

bool chance(engine& random, unsigned one_in)
{
    return random() % one_in == 0;
}

double any_sign(engine& random, double value)
{
    return chance(random, 2) ? value : -value;
}

double ordinary(engine& random)
{
    return std::round(uniform(random, -1000, 1000) * 100) / 100;
}

double whole(engine& random)
{
    return any_sign(random, static_cast<double>(random() >> 11));
}

double any_finite(engine& random)
{
    for (;;) {
        auto const value = std::bit_cast<double>(random());
        if (std::isfinite(value))
            return value;
    }
}

double with_spikes(engine& random)
{
    return chance(random, 20) ? any_sign(random, uniform(random, 1e299, 1e300)) : ordinary(random);
}

double cancelling(engine& random)
{
    constexpr auto magnitudes = std::array{0.1, 1e16, 1e300, 3e-310, 1.0};
    return any_sign(random, magnitudes[random() % magnitudes.size()]);
}

double denormal(engine& random)
{
    return any_sign(random, std::bit_cast<double>(random() >> any_of(random, 9, 63)));
}

double zero_mostly(engine& random)
{
    return any_sign(random, chance(random, 4) ? ordinary(random) : 0.0);
}

double overflowing(engine& random)
{
    return chance(random, 5) ? any_finite(random) : uniform(random, 0.5, 1) * largest;
}

double overflowing_downwards(engine& random)
{
    return -overflowing(random);
}

// Few bits, far apart: halves of a unit in the last place, with and without a trace of something below.
double tying(engine& random)
{
    switch (random() % 4) {
    case 0:
        return any_sign(random, 0x1p52 + static_cast<double>(random() % 4));
    case 1:
        return any_sign(random, std::ldexp(1.0, any_of(random, -3, 1)));
    case 2:
        return 0.0;
    default:
        return any_sign(random, std::ldexp(1.0, 31 * any_of(random, -34, 3)));
    }
}

double around_a_digit_boundary(engine& random)
{
    return any_sign(random, std::ldexp(uniform(random, 1, 2), any_of(random, -45, 75)));
}

void check_windows(char const* name, double (*make)(engine&))
{
    for (auto size : {std::size_t{1}, std::size_t{3}, std::size_t{10}, std::size_t{1000}}) {
        auto random = engine(size);
        auto window = std::deque<double>();
        auto sum = exact_sum();
        auto exact = cpp_int();
        auto wrong = std::string();
        for (auto step = 0; step < 4000 && wrong.empty(); ++step) {
            window.push_back(make(random));
            sum.add(window.back());
            exact += exactly(window.back());
            if (window.size() > size) {
                sum.remove(window.front());
                exact -= exactly(window.front());
                window.pop_front();
            }
            if (!is_nearest(sum.value(), exact, 1) || !has_right_mean(sum, exact, window.size()))
                wrong = "step " + std::to_string(step) + ", in units of 2^-1075: " + exact.str();
        }
        BOOST_TEST(wrong.empty(), name << ", size " << size << ", " << wrong);

        for (auto value : window)
            sum.remove(value);
        BOOST_TEST((sum == exact_sum()),
                   name << ", size " << size << ": something is left of what was removed");
    }
}

} // namespace

BOOST_AUTO_TEST_SUITE(exact_sums)

BOOST_AUTO_TEST_CASE(the_mean_of_a_sliding_window_is_right_from_the_first_value_on)
{
    BOOST_TEST(means({5, 7, 9, 11, 13}, 3) == (std::vector<double>{5, 6, 7, 9, 11}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(an_outlier_that_has_left_leaves_nothing_behind)
{
    auto const seen = means({0, 1, -9e33, 3, 4, 5, 6, 7, 8, 9}, 5);
    auto const last_three = std::vector<double>(seen.end() - 3, seen.end());
    BOOST_TEST(last_three == (std::vector<double>{5, 6, 7}), boost::test_tools::per_element());
    BOOST_TEST(means({1e16, 1, 1, 1}, 3).back() == 1);
}

BOOST_AUTO_TEST_CASE(small_values_beside_huge_ones_that_cancel_are_not_lost)
{
    BOOST_TEST(sums({1, 1e100, 1, -1e100}, 4).back() == 2);
    BOOST_TEST(means({1, 1e100, 1, -1e100}, 4).back() == 0.5);
    BOOST_TEST(means({1e220, 45, -1e220}, 3).back() == 15);
}

BOOST_AUTO_TEST_CASE(the_mean_is_finite_where_the_sum_is_not)
{
    auto const sum = sum_of({1.7e308, 1.7e308, 1.7e308});
    BOOST_TEST(sum.value() == infinity);
    BOOST_TEST(sum.mean(3) == 1.7e308);
    BOOST_TEST(sum_of({-largest, -largest, -largest}).value() == -infinity);
    BOOST_TEST(sum_of({-largest, -largest, -largest}).mean(3) == -largest);
    BOOST_TEST(sum_of({largest, largest, -largest}).value() == largest);
}

BOOST_AUTO_TEST_CASE(a_sum_is_infinite_from_half_a_unit_beyond_the_largest_double_on)
{
    auto const half_a_unit = 0x1p970;
    BOOST_TEST(sum_of({largest, half_a_unit}).value() == infinity);
    BOOST_TEST(sum_of({-largest, -half_a_unit}).value() == -infinity);
    BOOST_TEST(sum_of({largest, half_a_unit, -smallest}).value() == largest);
    BOOST_TEST(sum_of({largest, half_a_unit, -smallest}).mean(3) == largest / 3);
    BOOST_TEST(sum_of({largest, half_a_unit}).mean(2) == 0x1p1023);
}

BOOST_AUTO_TEST_CASE(an_exact_quotient_is_rounded_once)
{
    // 2^1024 + 2^972 over 2 is half-way between two doubles, and even is below. The least trace above it
    // decides.
    auto const one = 0x1p1023;
    auto const half_a_unit_doubled = 0x1p971;
    BOOST_TEST(sum_of({one, one, half_a_unit_doubled}).mean(2) == one);
    BOOST_TEST(sum_of({one, one, half_a_unit_doubled, smallest}).mean(2) == std::nextafter(one, infinity));
    BOOST_TEST(sum_of({-one, -one, -half_a_unit_doubled, -smallest}).mean(2) ==
               -std::nextafter(one, infinity));
    BOOST_TEST(sum_of({-one, -one, -half_a_unit_doubled, smallest}).mean(2) == -one);

    // The trace is still there if it is less than the smallest double once divided.
    auto sixteen = std::vector<double>(8, one);
    sixteen[0] += 0x1p973;
    sixteen.resize(16, 0.0);
    BOOST_TEST(sum_of(sixteen).mean(16) == 0x1p1022);
    sixteen[15] = smallest;
    BOOST_TEST(sum_of(sixteen).mean(16) == std::nextafter(0x1p1022, infinity));
}

BOOST_AUTO_TEST_CASE(a_tie_goes_to_the_even_neighbour)
{
    BOOST_TEST(sum_of({0x1p53, 1}).value() == 0x1p53);
    BOOST_TEST(sum_of({0x1p53, 2, 1}).value() == 0x1p53 + 4);
    BOOST_TEST(sum_of({-0x1p53, -1}).value() == -0x1p53);
    BOOST_TEST(sum_of({-0x1p53, -2, -1}).value() == -0x1p53 - 4);
}

BOOST_AUTO_TEST_CASE(the_least_trace_decides_a_tie)
{
    for (auto trace : {0.5, 0x1p-40, 0x1p-100, 0x1p-1000, smallest}) {
        BOOST_TEST(sum_of({0x1p53, 1, trace}).value() == 0x1p53 + 2);
        BOOST_TEST(sum_of({0x1p53, 2, 1, -trace}).value() == 0x1p53 + 2);
        BOOST_TEST(sum_of({-0x1p53, -1, -trace}).value() == -0x1p53 - 2);
        BOOST_TEST(sum_of({-0x1p53, -2, -1, trace}).value() == -0x1p53 - 2);
    }
}

BOOST_AUTO_TEST_CASE(a_trace_83_bits_below_the_top_decides_a_tie_between_two_neighbouring_positions)
{
    auto const half_a_unit = 0x1p-31;
    auto const more = std::nextafter(half_a_unit, 1.0);
    auto const less = std::nextafter(half_a_unit, 0.0);
    BOOST_TEST(sum_of({0x1p22, half_a_unit}).value() == 0x1p22);
    BOOST_TEST(sum_of({0x1p22, more}).value() == 0x1p22 + 0x1p-30);
    BOOST_TEST(sum_of({-0x1p22, -more}).value() == -0x1p22 - 0x1p-30);
    BOOST_TEST(sum_of({0x1p22 + 0x1p-30, half_a_unit}).value() == 0x1p22 + 0x1p-29);
    BOOST_TEST(sum_of({0x1p22 + 0x1p-30, less}).value() == 0x1p22 + 0x1p-30);
    BOOST_TEST(sum_of({-0x1p22 - 0x1p-30, -less}).value() == -0x1p22 - 0x1p-30);
}

BOOST_AUTO_TEST_CASE(a_sum_of_zero_is_positive)
{
    for (auto const& values : {std::vector<double>{},
                               {-0.0},
                               {-0.0, -0.0},
                               {5, -5},
                               {1e300, 1, -1e300, -1},
                               {-smallest, smallest}}) {
        auto const sum = sum_of(values);
        BOOST_TEST(sum.value() == 0);
        BOOST_TEST(!std::signbit(sum.value()));
        BOOST_TEST(!std::signbit(sum.mean(std::max<std::size_t>(values.size(), 1))));
    }
}

BOOST_AUTO_TEST_CASE(a_single_value_is_its_own_sum)
{
    for (auto exponent = -1074; exponent <= 1023; ++exponent)
        for (auto mantissa : {1.0, 1.5, 0x1.fffffffffffffp0}) {
            auto const value = std::ldexp(mantissa, exponent);
            BOOST_TEST_REQUIRE(sum_of({value}).value() == value);
            BOOST_TEST_REQUIRE(sum_of({-value}).value() == -value);
        }
    BOOST_TEST(sum_of({largest}).mean(1) == largest);
}

BOOST_AUTO_TEST_CASE(random_windows_agree_with_arithmetic_of_any_length)
{
    check_windows("ordinary", ordinary);
    check_windows("whole", whole);
    check_windows("any finite", any_finite);
    check_windows("with spikes", with_spikes);
    check_windows("cancelling", cancelling);
    check_windows("denormal", denormal);
    check_windows("zero mostly", zero_mostly);
    check_windows("tying", tying);
    check_windows("around a digit boundary", around_a_digit_boundary);
}

BOOST_AUTO_TEST_CASE(random_windows_beyond_the_range_agree_with_arithmetic_of_any_length)
{
    check_windows("overflowing", overflowing);
    check_windows("overflowing downwards", overflowing_downwards);
}

BOOST_AUTO_TEST_CASE(millions_of_values_do_not_overflow_a_digit)
{
    // Each has the largest digits that there are in its position. The two positions of a pair are neighbours.
    auto const below = [](double power_of_two) { return std::nextafter(power_of_two, 0.0); };
    auto const pairs = std::vector<std::pair<double, double>>{{below(0x1p32), below(0x1p64)},
                                                              {-below(0x1p32), -below(0x1p64)},
                                                              {-below(0x1p64), below(0x1p32)},
                                                              {0, largest},
                                                              {below(0x1p992), -largest}};
    for (auto const& [kept, removed] : pairs) {
        auto sum = exact_sum();
        auto count = std::size_t{0};
        for (auto target = std::size_t{1}; target <= 1U << 22; target *= 2) {
            for (; count < target; ++count) {
                sum.add(kept);
                sum.add(removed);
            }
            auto const exact = cpp_int((exactly(kept) + exactly(removed)) * count);
            BOOST_TEST(is_nearest(sum.value(), exact, 1), count << " times " << kept << ", " << removed);
            BOOST_TEST(has_right_mean(sum, exact, 2 * count), count << " times " << kept << ", " << removed);
        }
        auto const exact_rest = cpp_int(exactly(kept) * count);
        for (; count > 0; --count)
            sum.remove(removed);
        BOOST_TEST(is_nearest(sum.value(), exact_rest, 1));
    }
}

BOOST_AUTO_TEST_CASE(the_order_of_arrival_does_not_matter)
{
    auto random = engine(7);
    auto values = std::vector<double>();
    for (auto i = 0; i < 500; ++i)
        values.push_back(any_finite(random));
    auto const sum = sum_of(values);
    std::shuffle(values.begin(), values.end(), random);
    BOOST_TEST((sum_of(values) == sum));
}

BOOST_AUTO_TEST_CASE(clear_leaves_the_empty_sum)
{
    auto sum = sum_of({1, 1e300, smallest, -4});
    BOOST_TEST(!(sum == exact_sum()));
    sum.clear();
    BOOST_TEST((sum == exact_sum()));
    sum.add(3);
    BOOST_TEST(sum.value() == 3);
}

BOOST_AUTO_TEST_SUITE_END()
