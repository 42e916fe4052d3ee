// Statistics of windows against known answers: those on which well-known libraries failed, and those of Python.
#include "exact_window.hpp"
#include "reference_answers.hpp"
#include "window/sliding_window.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace windowd::window;
using test::statistics_named;
using optional_double = std::optional<double>;

constexpr auto null = std::nullopt;

struct known_answer {
    std::vector<double> values;
    std::size_t size;
    std::string_view statistic;
    std::size_t
        from; // the number of the value for which the first of these is yielded; that of the first is 1
    std::vector<optional_double> yields;
};

std::ostream& operator<<(std::ostream& out, known_answer const& answer)
{
    out << answer.statistic << " of";
    for (auto value : answer.values)
        out << ' ' << value;
    return out << ", size " << answer.size;
}

std::vector<double> and_zeros(std::vector<double> values, std::size_t zeros)
{
    values.insert(values.end(), zeros, 0.0);
    return values;
}

// Exact values, found with rationals.
std::vector<known_answer> known_answers()
{
    return {
        {{5, 7, 9, 11, 13}, 3, "mean", 1, {5, 6, 7, 9, 11}},
        {{138, 136, 137, 137, 135, 136, 135, 135, 135},
         3,
         "std",
         3,
         {1, .5773502691896257, 1.1547005383792515, 1, .5773502691896257, .5773502691896257, 0}},
        // For the decimal 1e-7 the second would be 2e-15. The double that stands for it is a little less, and the
        // double nearest to a fifth of its square is this one (Fraction(1e-7) ** 2 / 5 in Python).
        {and_zeros({1, 1e-7}, 8), 5, "var", 5, {.199999990000002, 1.9999999999999998e-15, 0, 0, 0, 0}},
        {{1.2, 1.2, 1.2, 1.2, 3.3, 3.3, 3.3, 3.3, 3.3, 3.3, 3.3},
         5,
         "std",
         5,
         {.9391485505499116, 1.1502173707608487, 1.1502173707608487, .9391485505499116, 0, 0, 0}},
        {and_zeros({1000}, 30), 10, "std", 11, std::vector<optional_double>(21, 0.0)},
        {{0, 1, -9e33, 3, 4, 5, 6, 7, 8, 9}, 5, "mean", 8, {5, 6, 7}},
        {{1e16, 1, 1, 1}, 3, "mean", 4, {1}},
        {{1, 1e100, 1, -1e100}, 4, "sum", 4, {2}},
        {{1, 1e100, 1, -1e100}, 4, "mean", 4, {.5}},
        {{1e220, 45, -1e220}, 3, "mean", 3, {15}},
        {{1.7e308, 1.7e308, 1.7e308}, 3, "mean", 1, {1.7e308, 1.7e308, 1.7e308}},
        {{1.7e308, 1.7e308, 1.7e308}, 3, "sum", 1, {1.7e308, null, null}},
        {{1.5990505637277868, 1.5990505637277868, 1.5990505637277868}, 3, "var", 1, {null, 0, 0}},
        {std::vector<double>(15, 1.1), 15, "skew", 1, std::vector<optional_double>(15, null)},
        {std::vector<double>(15, 1.1), 15, "kurt", 1, std::vector<optional_double>(15, null)}};
}

// As it is written on the wire; two are alike just where their bits are.
std::string text(optional_double const& yield)
{
    if (!yield)
        return "null";
    auto digits = std::array<char, 32>();
    return {digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), *yield).ptr};
}

// Its statistic in a window that is to have others besides, and its yields, from the one first known.
void check(known_answer const& answer, sliding_window window)
{
    auto expected = std::vector<std::string>();
    for (auto const& yield : answer.yields)
        expected.push_back(text(yield));
    auto seen = std::vector<std::string>();
    for (std::size_t number = 1; number <= answer.values.size(); ++number) {
        window.push(answer.values[number - 1]);
        if (number >= answer.from)
            seen.push_back(text(window.first_reading()));
    }
    BOOST_TEST_CONTEXT(answer)
    {
        BOOST_TEST(seen == expected, boost::test_tools::per_element());
    }
}

std::vector<std::string_view> and_all_others(std::string_view first)
{
    auto names = test::exact_window::names();
    std::erase(names, first);
    names.insert(names.begin(), first);
    return names;
}

sliding_window window_for(known_answer const& answer, std::vector<std::string_view> const& names)
{
    return sliding_window({.size = answer.size, .stats = statistics_named(names)});
}

// A window of just these values, from which as many others have been pushed out.
sliding_window window_of(test::reference_window const& reference, std::string_view statistic)
{
    auto const is_timed = !reference.times.empty();
    auto window = sliding_window({.size = reference.values.size(),
                                  .span = is_timed ? 1e6 : 0,
                                  .stats = statistics_named({statistic})});
    auto const push = [&](double value, std::size_t i) {
        if (is_timed)
            BOOST_TEST((window.push_at(value, reference.times[i]) == taken::yes));
        else
            window.push(value);
    };
    for (auto value : reference.values)
        push(1e5 - value / 3, 0);
    for (std::size_t i = 0; i < reference.values.size(); ++i)
        push(reference.values[i], i);
    return window;
}

// No more than the distance to the next double apart.
bool is_next_to(double a, double b)
{
    return std::nextafter(a, b) == b;
}

} // namespace

BOOST_AUTO_TEST_SUITE(known_answers_of_statistics)

BOOST_AUTO_TEST_CASE(each_is_yielded_to_the_last_bit)
{
    for (auto const& answer : known_answers())
        check(answer, window_for(answer, {answer.statistic}));
}

BOOST_AUTO_TEST_CASE(each_is_yielded_by_a_window_of_all_statistics)
{
    for (auto const& answer : known_answers())
        check(answer, window_for(answer, and_all_others(answer.statistic)));
}

BOOST_AUTO_TEST_CASE(each_is_yielded_by_a_window_of_time)
{
    for (auto const& answer : known_answers())
        check(answer, sliding_window({.size = answer.size,
                                      .span = 1,
                                      .stats = statistics_named(and_all_others(answer.statistic))}));
}

BOOST_AUTO_TEST_CASE(each_is_yielded_whatever_the_window_was_cleared_of)
{
    for (auto const& answer : known_answers()) {
        auto window = window_for(answer, and_all_others(answer.statistic));
        for (auto value : {1e300, -7e-310, 0.1, 1.7e308, -3.0, 1e-20})
            window.push(value);
        window.clear();
        check(answer, std::move(window));
    }
}

BOOST_AUTO_TEST_CASE(each_is_yielded_whatever_was_pushed_out_of_the_window)
{
    for (auto answer : known_answers()) {
        if (answer.from < answer.size) { // the yields before would be of what was there, too
            auto const skipped = std::min(answer.size - answer.from, answer.yields.size() - 1);
            answer.yields.erase(answer.yields.begin(),
                                answer.yields.begin() + static_cast<std::ptrdiff_t>(skipped));
            answer.from += skipped;
        }
        auto window = window_for(answer, and_all_others(answer.statistic));
        for (auto value : {1e300, -7e-310, 0.1, 1.7e308, -3.0, 1e-20})
            window.push(value);
        check(answer, std::move(window));
    }
}

BOOST_AUTO_TEST_CASE(the_answers_of_exact_fractions_in_python_are_met)
{
    for (auto const& reference : test::reference_windows())
        for (auto const& answer : reference.exact) {
            auto const seen = window_of(reference, answer.statistic).first_reading();
            // Those two have two roundings, of which the first is to 62 bits.
            auto const may_be_next_to_it = answer.statistic == "skew" || answer.statistic == "zscore";
            auto const right = may_be_next_to_it && seen && answer.value ? is_next_to(*seen, *answer.value)
                                                                         : text(seen) == text(answer.value);
            BOOST_TEST(right, answer.statistic << " of " << reference.what << " is " << text(answer.value)
                                               << ", not " << text(seen));
        }
}

BOOST_AUTO_TEST_CASE(the_answers_of_pandas_are_met_as_far_as_it_is_right_itself)
{
    auto compared = 0;
    for (auto const& reference : test::reference_windows())
        for (auto const& answer : reference.pandas) {
            auto const seen = window_of(reference, answer.statistic).first_reading();
            BOOST_TEST_REQUIRE(seen.has_value());
            BOOST_TEST(std::abs(*seen - answer.value.value()) <= 1e-12 * std::abs(*seen),
                       answer.statistic << " of " << reference.what << " is " << text(answer.value)
                                        << ", not " << text(seen));
            ++compared;
        }
    BOOST_TEST(compared > 10);
}

BOOST_AUTO_TEST_SUITE_END()
