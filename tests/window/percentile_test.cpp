// Percentiles: their notation, exact positions, and interpolation compared with exact arithmetic.
#include "window/percentile.hpp"
#include "window/sorted_values.hpp"

#include <boost/multiprecision/cpp_int.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using boost::multiprecision::cpp_rational;
using windowd::window::interpolate;
using windowd::window::percentile;
using windowd::window::sorted_values;

using generator = std::mt19937_64;

constexpr auto largest = std::numeric_limits<double>::max();
constexpr auto least = std::numeric_limits<double>::denorm_min();
constexpr std::uint32_t scale = 1'000'000'000;

cpp_rational exact(double value)
{
    auto exponent = 0;
    auto const mantissa = static_cast<std::int64_t>(std::ldexp(std::frexp(value, &exponent), 53));
    exponent -= 53;
    auto const power = boost::multiprecision::cpp_int(1) << std::abs(exponent);
    return exponent < 0 ? cpp_rational(mantissa, power) : cpp_rational(mantissa) * power;
}

/// Whether no double is nearer to the true value, and an even one was taken of two as near.
bool correctly_rounded(double result, cpp_rational const& truth)
{
    if (!std::isfinite(result))
        return false;
    cpp_rational const error = abs(exact(result) - truth);
    auto const not_nearer = [&](double direction) {
        cpp_rational const other = abs(exact(std::nextafter(result, direction)) - truth);
        return error < other || (error == other && std::bit_cast<std::uint64_t>(result) % 2 == 0);
    };
    return not_nearer(-largest) && not_nearer(largest);
}

bool interpolates(double a, double b, std::uint32_t numerator, std::uint32_t denominator)
{
    cpp_rational const truth = exact(a) + (exact(b) - exact(a)) * numerator / denominator;
    return correctly_rounded(interpolate(a, b, numerator, denominator), truth);
}

double percentile_of(std::string_view text, std::vector<double> const& values)
{
    auto sorted = sorted_values();
    for (auto value : values)
        sorted.insert(value);
    auto const wanted = percentile::parse(text);
    BOOST_TEST_REQUIRE(wanted.has_value(), text);
    return wanted->of(sorted);
}

double any_finite(generator& random)
{
    for (;;) {
        auto const value = std::bit_cast<double>(random());
        if (std::isfinite(value))
            return value;
    }
}

} // namespace

BOOST_AUTO_TEST_SUITE(percentiles)

BOOST_AUTO_TEST_CASE(a_percentile_is_read_from_digits_and_up_to_seven_decimals)
{
    for (auto const* text : {"0", "5", "50", "95", "99.9", "99.99999", "0.0000001", "100", "100.0000000"})
        BOOST_TEST(percentile::parse(text).has_value(), text);
    BOOST_TEST((percentile::parse("50") == percentile::median()));
    BOOST_TEST((percentile::parse("50.0") == percentile::median()));
    BOOST_TEST((percentile::parse("50.0000001") != percentile::median()));
}

BOOST_AUTO_TEST_CASE(anything_else_is_no_percentile)
{
    for (auto const* text :
         {"",    ".",   "5.",         ".5",  "05",   "00",    "-1",          "+1",          " 5",
          "5 ",  "1e1", "0x5",        "101", "1000", "100.1", "100.0000001", "99.99999999", "9.9.9",
          "5,5", "nan", "4294967396", "9/"})
        BOOST_TEST(!percentile::parse(text).has_value(), text);
    BOOST_TEST(!percentile::parse(std::string_view("5\0", 2)).has_value());
}

BOOST_AUTO_TEST_CASE(the_ends_are_the_extremes_and_one_value_is_every_percentile)
{
    auto const values = std::vector{3.0, -1.0, 7.0, 7.0};
    BOOST_TEST(percentile_of("0", values) == -1);
    BOOST_TEST(percentile_of("100", values) == 7);
    for (auto const* text : {"0", "0.1", "50", "99.9", "100"})
        BOOST_TEST(percentile_of(text, {1.1}) == 1.1);
}

BOOST_AUTO_TEST_CASE(between_two_values_a_percentile_is_interpolated_as_numpy_and_pandas_do)
{
    auto const values = std::vector{15.0, 20.0, 35.0, 40.0, 50.0};
    BOOST_TEST(percentile_of("40", values) == 29);
    BOOST_TEST(percentile_of("25", values) == 20);
    BOOST_TEST(percentile_of("95", values) == 48);
    BOOST_TEST(percentile_of("50", {1, 2, 3, 10}) == 2.5);
    BOOST_TEST(percentile_of("99.9", {0, 1000}) == 999);
}

BOOST_AUTO_TEST_CASE(a_position_is_exact_where_doubles_would_miss_it)
{
    auto values = std::vector<double>();
    for (auto i = 0; i <= 10'000; ++i)
        values.push_back(i * 1e10); // so that the least deviation shows
    auto sorted = sorted_values();
    for (auto value : values)
        sorted.insert(value);
    for (auto hundredths = 0; hundredths <= 10'000; ++hundredths) {
        auto text = std::to_string(hundredths / 100) + '.' + std::to_string(hundredths % 100 / 10) +
                    std::to_string(hundredths % 10);
        BOOST_TEST_REQUIRE(percentile::parse(text)->of(sorted) == hundredths * 1e10);
    }
}

BOOST_AUTO_TEST_CASE(every_percentile_of_every_count_is_the_definition_correctly_rounded)
{
    auto random = generator(3);
    auto sorted = sorted_values();
    for (auto count = 1; count <= 300; ++count) {
        sorted.insert(std::normal_distribution(0.0, 1.0)(random));
        for (auto const& [text, parts] :
             {std::pair("50", 500'000'000U), std::pair("95", 950'000'000U), std::pair("99.9", 999'000'000U),
              std::pair("33.3333333", 333'333'333U)}) {
            cpp_rational const position = cpp_rational(parts, scale) * (count - 1);
            auto const whole = static_cast<std::size_t>(numerator(position) / denominator(position));
            auto const [lower, upper] = sorted.neighbours(whole);
            cpp_rational const truth = exact(lower) + (exact(upper) - exact(lower)) * (position - whole);
            BOOST_TEST_REQUIRE(correctly_rounded(percentile::parse(text)->of(sorted), truth));
        }
    }
}

BOOST_AUTO_TEST_CASE(the_largest_values_do_not_overflow)
{
    BOOST_TEST(percentile_of("50", {-1.7e308, 1.7e308}) == 0);
    BOOST_TEST(percentile_of("50", {1.7e308, 1.7e308}) == 1.7e308);
    BOOST_TEST(percentile_of("25", {-largest, largest}) == -largest / 2);
    BOOST_TEST(interpolate(-largest, largest, 1, scale) > -largest);
    BOOST_TEST(interpolate(std::nextafter(largest, 0.0), largest, scale - 1, scale) == largest);
}

BOOST_AUTO_TEST_CASE(the_ends_of_an_interpolation_keep_their_bits)
{
    BOOST_TEST(std::signbit(interpolate(-0.0, 0.0, 0, scale)));
    BOOST_TEST(!std::signbit(interpolate(-0.0, 0.0, scale, scale)));
    BOOST_TEST(!std::signbit(interpolate(-1, 1, 1, 2)));
    BOOST_TEST(interpolate(1e-300, 1e300, 0, 7) == 1e-300);
    BOOST_TEST(interpolate(1e-300, 1e300, 7, 7) == 1e300);
}

BOOST_AUTO_TEST_CASE(interpolation_is_correctly_rounded_for_any_two_numbers)
{
    auto random = generator(1);
    for (auto i = 0; i < 20'000; ++i) {
        auto a = any_finite(random);
        auto b = any_finite(random);
        if (a > b)
            std::swap(a, b);
        auto const numerator = static_cast<std::uint32_t>(random() % (scale + 1));
        BOOST_TEST_REQUIRE(interpolates(a, b, numerator, scale), a << ", " << b << ", " << numerator);
    }
}

BOOST_AUTO_TEST_CASE(interpolation_is_correctly_rounded_where_the_ends_cancel_or_differ_by_any_power)
{
    auto random = generator(2);
    for (auto i = 0; i < 30'000; ++i) {
        auto const power = std::uniform_int_distribution(-1074, 1000)(random);
        auto const distance = std::uniform_int_distribution(-130, 130)(random);
        auto a = -std::ldexp(std::uniform_real_distribution(0.5, 1.0)(random), power);
        auto b =
            std::ldexp(std::uniform_real_distribution(0.5, 1.0)(random), std::min(power + distance, 1023));
        if (random() % 3 == 0)
            b = std::nextafter(-a, random() % 2 == 0 ? 0.0 : largest);
        else if (random() % 3 == 0)
            a = std::min(-a, b);
        if (a > b)
            std::swap(a, b);
        auto const denominator = random() % 2 == 0 ? scale : static_cast<std::uint32_t>(2 + random() % 100);
        auto const numerator = static_cast<std::uint32_t>(random() % (denominator + 1));
        BOOST_TEST_REQUIRE(interpolates(a, b, numerator, denominator),
                           a << ", " << b << ", " << numerator << " / " << denominator);
    }
}

BOOST_AUTO_TEST_CASE(the_smallest_values_round_to_even)
{
    BOOST_TEST(interpolate(0.0, least, 1, 2) == 0);
    BOOST_TEST(interpolate(least, 2 * least, 1, 2) == 2 * least);
    BOOST_TEST(interpolate(0.0, least, 500'000'001, scale) == least);
    for (auto a = -20; a <= 20; ++a)
        for (auto b = a; b <= 20; ++b)
            for (auto numerator = 0U; numerator <= 8; ++numerator)
                BOOST_TEST_REQUIRE(interpolates(a * least, b * least, numerator, 8));
}

BOOST_AUTO_TEST_CASE(a_higher_percentile_is_never_lower)
{
    auto random = generator(4);
    for (auto i = 0; i < 200; ++i) {
        auto const a = std::normal_distribution(0.0, 1.0)(random);
        auto const b = std::nextafter(std::nextafter(a, largest), largest);
        auto previous = a;
        for (auto numerator = 0U; numerator <= 1000; ++numerator) {
            auto const value = interpolate(a, b, numerator, 1000);
            BOOST_TEST_REQUIRE((previous <= value && value <= b));
            previous = value;
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
