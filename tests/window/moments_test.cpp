// Variance, skewness, kurtosis, z-score and slope: known answers, and the definitions in exact arithmetic.
#include "exact_rounding.hpp"
#include "random_streams.hpp"
#include "window/moments.hpp"

#include <boost/multiprecision/cpp_int.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <deque>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace windowd::window;
using test::any_finite;
using test::cpp_int;
using test::engine;
using test::exact_real;
using test::stream;
using power = moments::power;
using optional_double = std::optional<double>;

constexpr auto largest = std::numeric_limits<double>::max();
constexpr auto smallest = std::numeric_limits<double>::denorm_min();

moments moments_of(std::vector<double> const& values)
{
    auto window = moments(power::fourth);
    for (auto value : values)
        window.push(value);
    return window;
}

// The values pass through a window; returns what is seen at each step from the `first` value on. Null is -1.
template <class Look>
std::vector<double> slide(std::vector<double> const& values, std::size_t size, std::size_t first, Look look)
{
    auto seen = std::vector<double>();
    auto window = moments(power::fourth);
    for (std::size_t i = 0; i < values.size(); ++i) {
        window.push(values[i]);
        if (i >= size)
            window.pop(values[i - size]);
        if (i + 1 >= first)
            seen.push_back(look(window).value_or(-1));
    }
    return seen;
}

auto const variance = [](moments const& window) { return window.variance(); };
auto const deviation = [](moments const& window) { return window.standard_deviation(); };

// Sum of (n v - S)^k: n^k times the sum of the k-th powers of the distances from the mean.
cpp_int central(std::vector<cpp_int> const& distances, unsigned k)
{
    auto sum = cpp_int(0);
    for (auto const& distance : distances)
        sum += pow(distance, k);
    return sum;
}

std::vector<cpp_int> distances_from_mean(std::deque<double> const& values)
{
    auto distances = std::vector<cpp_int>();
    auto sum = cpp_int(0);
    for (auto value : values)
        sum += distances.emplace_back(test::exactly(value));
    for (auto& distance : distances)
        distance = distance * values.size() - sum;
    return distances;
}

// Compares all that a window says with the definitions; returns what is wrong.
std::string faults(moments const& window, std::deque<double> const& values)
{
    auto wrong = std::string();
    auto const check = [&](char const* name, optional_double const& seen, bool defined, auto expected,
                           int hundredths = 50) {
        if (defined ? !test::is_near(seen, expected(), hundredths) : seen.has_value())
            wrong += std::string(" ") + name;
    };
    auto const n = cpp_int(values.size());
    auto const distances = distances_from_mean(values);
    auto const c2 = central(distances, 2);
    auto const c3 = central(distances, 3);
    auto const c4 = central(distances, 4);
    auto const halved = [&](cpp_int const& divisor) {
        return exact_real{c2, cpp_int(n * n * divisor) << 1075};
    };
    auto const under_root = [&](cpp_int const& divisor) { return exact_real{c2, n * n * divisor, true}; };
    check("variance", window.variance(), n > 1, [&] { return halved(n - 1); });
    check("population variance", window.population_variance(), n > 0, [&] { return halved(n); });
    check("deviation", window.standard_deviation(), n > 1, [&] { return under_root(n - 1); });
    check("population deviation", window.population_standard_deviation(), n > 0,
          [&] { return under_root(n); });
    check(
        "skewness", window.skewness(), n > 2 && c2 != 0,
        [&] { return test::plain(n * n * (n - 1) * c3 * abs(c3), (n - 2) * (n - 2) * c2 * c2 * c2, true); },
        51);
    check("kurtosis", window.kurtosis(), n > 3 && c2 != 0, [&] {
        return test::plain(n * (n + 1) * (n - 1) * c4 - 3 * (n - 1) * (n - 1) * c2 * c2,
                           (n - 2) * (n - 3) * c2 * c2);
    });
    if (!values.empty())
        check(
            "z-score", window.z_score(values.back()), n > 1 && c2 != 0,
            [&] {
                auto const& last = distances.back();
                return test::plain((n - 1) * last * abs(last), c2, true);
            },
            51);
    return wrong;
}

std::string slope_fault(optional_double const& seen, std::deque<double> const& t, std::deque<double> const& x)
{
    auto const t_distances = distances_from_mean(t);
    auto const x_distances = distances_from_mean(x);
    auto const below = central(t_distances, 2);
    auto above = cpp_int(0);
    for (std::size_t i = 0; i < t.size(); ++i)
        above += t_distances[i] * x_distances[i];
    auto const right = below == 0 ? !seen : test::is_near(seen, test::plain(above, below), 50);
    return right ? "" : " slope";
}

// Sizes, numbers of steps, and how often to look: the definitions take long for large windows.
struct course {
    std::size_t size;
    int steps;
    int every;
};

constexpr auto courses = std::array<course, 6>{
    {{1, 50, 1}, {2, 200, 1}, {3, 200, 1}, {4, 200, 1}, {10, 300, 1}, {1000, 2500, 499}}};

void check_windows(stream const& values, course const& plan)
{
    auto random = engine(plan.size);
    auto window = moments(power::fourth);
    auto present = std::deque<double>();
    auto wrong = faults(window, present);
    for (auto step = 1; step <= plan.steps && wrong.empty(); ++step) {
        window.push(present.emplace_back(values.make(random)));
        if (present.size() > plan.size) {
            window.pop(present.front());
            present.pop_front();
        }
        if (step % plan.every == 0)
            wrong = faults(window, present);
    }
    BOOST_TEST(wrong.empty(), values.name << ", size " << plan.size << ":" << wrong);
    for (auto value : present)
        window.pop(value);
    BOOST_TEST((window == moments(power::fourth)),
               values.name << ", size " << plan.size << ": something is left of what was removed");
}

void check_slopes(stream const& times, stream const& values, course const& plan)
{
    auto random = engine(plan.size);
    auto line = regression();
    auto t = std::deque<double>();
    auto x = std::deque<double>();
    auto wrong = std::string(line.slope() ? "something from nothing" : "");
    for (auto step = 1; step <= plan.steps && wrong.empty(); ++step) {
        line.push(t.emplace_back(times.make(random)), x.emplace_back(values.make(random)));
        if (t.size() > plan.size) {
            line.pop(t.front(), x.front());
            t.pop_front();
            x.pop_front();
        }
        if (step % plan.every == 0)
            wrong = slope_fault(line.slope(), t, x);
    }
    BOOST_TEST(wrong.empty(), times.name << " by " << values.name << ", size " << plan.size << ":" << wrong);
    for (std::size_t i = 0; i < t.size(); ++i)
        line.pop(t[i], x[i]);
    BOOST_TEST((line == regression()), times.name << " by " << values.name << ": something is left");
}

regression line_through(std::vector<std::pair<double, double>> const& points)
{
    auto line = regression();
    for (auto [t, x] : points)
        line.push(t, x);
    return line;
}

} // namespace

BOOST_AUTO_TEST_SUITE(sliding_moments)

BOOST_AUTO_TEST_CASE(the_deviation_of_whole_numbers_is_right_to_the_last_bit)
{
    auto const seen = slide({138, 136, 137, 137, 135, 136, 135, 135, 135}, 3, 3, deviation);
    auto const expected = std::vector<double>{
        1, .5773502691896257, 1.1547005383792515, 1, .5773502691896257, .5773502691896257, 0};
    BOOST_TEST(seen == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_small_variance_is_not_lost_and_then_is_zero)
{
    auto const seen = slide({1, 1e-7, 0, 0, 0, 0, 0, 0, 0, 0}, 5, 5, variance);
    // 2e-15 it would be for the decimal 1e-7. The double that stands for it is a little less, and so is a
    // fifth of its square: Python's statistics.variance gives the same.
    auto const expected = std::vector<double>{.199999990000002, 1.9999999999999998e-15, 0, 0, 0, 0};
    BOOST_TEST(seen == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_deviation_of_equal_values_is_zero_after_others)
{
    auto const seen = slide({1.2, 1.2, 1.2, 1.2, 3.3, 3.3, 3.3, 3.3, 3.3, 3.3, 3.3}, 5, 5, deviation);
    auto const expected = std::vector<double>{
        .9391485505499116, 1.1502173707608487, 1.1502173707608487, .9391485505499116, 0, 0, 0};
    BOOST_TEST(seen == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(an_outlier_that_has_left_leaves_no_deviation)
{
    auto values = std::vector<double>(30, 0.0);
    values[0] = 1000;
    auto const seen = slide(values, 10, 2, deviation);
    BOOST_TEST(seen[8] > 300);
    BOOST_TEST(std::vector<double>(seen.begin() + 9, seen.end()) == std::vector<double>(20, 0.0),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(equal_values_have_no_variance_whatever_they_are)
{
    BOOST_TEST(moments_of({1.5990505637277868, 1.5990505637277868, 1.5990505637277868}).variance().value() ==
               0);
    for (auto value : {largest, -largest, smallest, 0.1, -0.0})
        BOOST_TEST(moments_of({value, value, value}).variance().value() == 0);
}

BOOST_AUTO_TEST_CASE(equal_values_have_no_skewness_kurtosis_or_z_score)
{
    auto const window = moments_of(std::vector<double>(15, 1.1));
    BOOST_TEST(!window.skewness());
    BOOST_TEST(!window.kurtosis());
    BOOST_TEST(!window.z_score(1.1));
    BOOST_TEST(!moments_of({0, 0, -0.0, 0}).kurtosis());
}

BOOST_AUTO_TEST_CASE(too_few_values_have_no_moments)
{
    auto const none = moments_of({});
    BOOST_TEST((!none.variance() && !none.standard_deviation()));
    BOOST_TEST((!none.population_variance() && !none.population_standard_deviation()));
    auto const one = moments_of({7});
    BOOST_TEST((!one.variance() && !one.standard_deviation() && !one.z_score(7)));
    BOOST_TEST(one.population_variance().value() == 0);
    BOOST_TEST(one.population_standard_deviation().value() == 0);
    BOOST_TEST(!moments_of({7, 8}).skewness());
    BOOST_TEST(moments_of({7, 8, 9}).skewness().value() == 0);
    BOOST_TEST(!moments_of({7, 8, 9}).kurtosis());
    BOOST_TEST(moments_of({7, 8, 9, 10}).kurtosis().value() == -1.2);
}

BOOST_AUTO_TEST_CASE(skewness_and_kurtosis_are_those_of_pandas)
{
    auto const window = moments_of({1, 2, 3, 4, 10});
    BOOST_TEST(window.skewness().value() == 1.697056274847714);
    BOOST_TEST(window.kurtosis().value() == 3.152);
    BOOST_TEST(moments_of({-1, -2, -3, -4, -10}).skewness().value() == -1.697056274847714);
}

BOOST_AUTO_TEST_CASE(the_z_score_counts_deviations_from_the_mean)
{
    auto const window = moments_of({2, 4, 4, 4, 5, 5, 7, 9});
    BOOST_TEST(window.z_score(5).value() == 0);
    BOOST_TEST(!std::signbit(window.z_score(5).value()));
    BOOST_TEST(window.z_score(9).value() == 1.8708286933869707);  // the root of 3.5
    BOOST_TEST(window.z_score(2).value() == -1.4031215200402281); // the root of 63 / 32
    BOOST_TEST(moments_of({0, 1}).z_score(0).value() == -0.7071067811865476);
}

BOOST_AUTO_TEST_CASE(a_deviation_is_right_where_the_variance_is_out_of_range)
{
    auto const wide = moments_of({-1e200, 1e200});
    BOOST_TEST(!wide.variance());
    BOOST_TEST(!wide.population_variance());
    BOOST_TEST(wide.standard_deviation().value() == 1.4142135623730951e200);
    BOOST_TEST(wide.population_standard_deviation().value() == 1e200);
    auto const narrow = moments_of({-1e-200, 1e-200});
    BOOST_TEST(narrow.variance().value() == 0);
    BOOST_TEST(narrow.standard_deviation().value() == 1.414213562373095e-200);
    BOOST_TEST(moments_of({-smallest, smallest}).population_standard_deviation().value() == smallest);
}

BOOST_AUTO_TEST_CASE(only_what_is_beyond_the_range_is_nothing)
{
    auto const widest = moments_of({-largest, largest});
    BOOST_TEST(!widest.standard_deviation());
    BOOST_TEST(widest.population_standard_deviation().value() == largest);
    BOOST_TEST(widest.z_score(largest).value() == 0.7071067811865476);
    auto const skewed = moments_of({-largest, -largest, -largest, largest});
    BOOST_TEST(skewed.skewness().value() == 2);
    BOOST_TEST(skewed.kurtosis().value() == 4);
}

BOOST_AUTO_TEST_CASE(random_windows_agree_with_the_definitions)
{
    for (auto const& values : test::streams)
        for (auto const& plan : courses)
            check_windows(values, plan);
}

BOOST_AUTO_TEST_CASE(what_has_passed_through_does_not_matter)
{
    auto random = engine(3);
    auto const kept = std::vector<double>{1.1, -2.2, 3.3, 1e-5, 7};
    auto history = std::vector<double>();
    for (auto i = 0; i < 100'000; ++i)
        history.push_back(any_finite(random));
    auto window = moments_of(history);
    for (auto value : kept)
        window.push(value);
    std::shuffle(history.begin(), history.end(), random);
    for (auto value : history)
        window.pop(value);
    BOOST_TEST((window == moments_of(kept)));
}

BOOST_AUTO_TEST_CASE(millions_of_values_do_not_overflow_a_digit)
{
    // All digits of their powers are large. The mean is half of the value, whose half is its deviation.
    for (auto value : {largest, std::nextafter(0x1p32, 0.0), -std::nextafter(0x1p-31, 0.0)}) {
        auto window = moments(power::fourth);
        for (auto count = std::size_t{0}; count < 1U << 22; ++count)
            window.push(value);
        BOOST_TEST(window.population_standard_deviation().value() == 0);
        for (auto count = std::size_t{0}; count < 1U << 22; ++count)
            window.push(0);
        BOOST_TEST(window.population_standard_deviation().value() == std::abs(value) / 2);
        BOOST_TEST(window.skewness().value() == 0);
        window.push(smallest); // now the sums are as long as they get
        BOOST_TEST(std::abs(window.kurtosis().value() + 2) < 1e-5);
    }
}

BOOST_AUTO_TEST_CASE(powers_that_are_not_asked_for_change_nothing)
{
    auto second = moments(power::second);
    auto third = moments(power::third);
    auto const fourth = moments_of({1, 2.5, -7, 1e5});
    for (auto value : {1.0, 2.5, -7.0, 1e5}) {
        second.push(value);
        third.push(value);
    }
    BOOST_TEST(second.variance().value() == fourth.variance().value());
    BOOST_TEST(third.skewness().value() == fourth.skewness().value());
    BOOST_TEST((second == third) == false);
}

BOOST_AUTO_TEST_CASE(clear_leaves_no_values)
{
    for (auto highest : {power::second, power::third, power::fourth}) {
        auto window = moments(highest);
        for (auto value : {1.0, 1e300, smallest, -4.0})
            window.push(value);
        window.clear();
        BOOST_TEST(window.count() == 0U);
        BOOST_TEST((window == moments(highest)));
    }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(sliding_regression)

BOOST_AUTO_TEST_CASE(the_slope_of_points_on_a_line_is_the_lines)
{
    BOOST_TEST(line_through({{0, 1}, {1, 3}, {2, 5}}).slope().value() == 2);
    BOOST_TEST(line_through({{0, 1}, {1, 1}, {2, 1}}).slope().value() == 0);
    BOOST_TEST(line_through({{1, 0}, {0, 0}}).slope().value() == 0);
    BOOST_TEST(line_through({{3, 6}, {1, 7}, {4, 1}}).slope().value() == -1.7857142857142858);
}

BOOST_AUTO_TEST_CASE(a_slope_needs_two_times)
{
    BOOST_TEST(!line_through({}).slope());
    BOOST_TEST(!line_through({{1, 5}}).slope());
    BOOST_TEST(!line_through({{1, 5}, {1, 6}}).slope());
    BOOST_TEST(!line_through({{0, 5}, {-0.0, 6}}).slope());
}

BOOST_AUTO_TEST_CASE(times_that_hardly_differ_give_the_slope_of_their_differences)
{
    auto const now = 1.7e9;
    auto const next = std::nextafter(now, 2e9);
    BOOST_TEST(line_through({{now, 0}, {next, 1}}).slope().value() == 0x1p22);
    auto const late = 0x1p53;
    BOOST_TEST(line_through({{late - 2, 1}, {late - 1, 2}, {late, 4}}).slope().value() == 1.5);
}

BOOST_AUTO_TEST_CASE(a_slope_beyond_the_range_is_nothing)
{
    BOOST_TEST(!line_through({{0, -largest}, {1, largest}}).slope());
    BOOST_TEST(line_through({{0, -largest}, {2, largest}}).slope().value() == largest);
    BOOST_TEST(!line_through({{0, 0}, {smallest, 1}}).slope());
    BOOST_TEST(line_through({{-largest, 0}, {largest, smallest}}).slope().value() == 0);
}

BOOST_AUTO_TEST_CASE(random_slopes_agree_with_the_definition)
{
    auto const counting = stream{"counting", [](engine&) {
                                     static auto count = 0.0;
                                     return count++;
                                 }};
    auto const seconds = stream{"seconds", [](engine& random) {
                                    static auto now = 1.7e9;
                                    return now += test::uniform(random, 0, 0.01);
                                }};
    for (auto const& values : test::streams)
        for (auto const& plan : courses) {
            check_slopes(counting, values, plan);
            check_slopes(seconds, values, plan);
            check_slopes(values, test::streams[4], plan);
        }
}

BOOST_AUTO_TEST_CASE(clear_leaves_no_points)
{
    auto line = line_through({{1, 2}, {3, 1e300}});
    line.clear();
    BOOST_TEST(line.count() == 0U);
    BOOST_TEST((line == regression()));
}

BOOST_AUTO_TEST_SUITE_END()
