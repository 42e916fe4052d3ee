// Whole numbers of many words, and their quotients and roots, against Boost.Multiprecision.
#include "exact_rounding.hpp"
#include "window/exact_integer.hpp"

#include <boost/multiprecision/cpp_int.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

namespace {

using namespace windowd::window;
using test::cpp_int;
using test::exact_real;
using test::is_near;
using engine = std::mt19937_64;

constexpr auto infinity = std::numeric_limits<double>::infinity();

// Words at which carries and borrows run far, and any others.
std::uint64_t any_word(engine& random)
{
    constexpr auto edges = std::array<std::uint64_t, 5>{0, 1, ~0ULL, 1ULL << 63, (1ULL << 63) - 1};
    return random() % 2 ? edges[random() % edges.size()] : random() >> random() % 64;
}

cpp_int any_number(engine& random, std::size_t words)
{
    auto number = cpp_int(0);
    for (auto n = random() % (words + 1); n > 0; --n)
        number = number << 64 | any_word(random);
    return random() % 2 ? number : cpp_int(-number);
}

exact_integer made(cpp_int const& number)
{
    auto digits = std::vector<std::int64_t>();
    for (auto rest = cpp_int(abs(number)); rest != 0; rest >>= 32)
        digits.push_back(static_cast<std::int64_t>(rest & 0xffff'ffff) * number.sign());
    return {digits, 1};
}

// By way of the words at the top, so that it reads all that they leave out too.
cpp_int read(exact_integer number)
{
    auto value = cpp_int(0);
    auto const negative = number.is_negative();
    for (auto more = !number.is_zero(); more;) {
        auto const [words, exponent, rest] = number.highest_bits();
        auto part = cpp_int(0);
        for (auto word : words)
            part = part << 64 | word;
        value += exponent < 0 ? cpp_int(part >> -exponent) : cpp_int(part << exponent);
        more = rest;
        if (!rest)
            break;
        auto taken = exact_integer(std::uint64_t{0});
        for (auto word : words) {
            taken <<= 64;
            taken += exact_integer(word);
        }
        taken <<= static_cast<unsigned>(exponent);
        if (negative)
            taken.negate();
        number -= taken;
    }
    return negative ? cpp_int(-value) : value;
}

cpp_int power_of_two(int exponent)
{
    return cpp_int(1) << exponent;
}

// True if `leading` is numerator / denominator, or its square root, cut off as it should be.
bool is_cut_off(leading_bits const& leading, cpp_int const& numerator, cpp_int const& denominator, bool root)
{
    if (numerator == 0)
        return leading.mantissa == 0;
    // The unit of the last bit, to the power that is compared.
    auto const exponent = leading.exponent * (root ? 2 : 1);
    auto const above = exponent < 0 ? cpp_int(numerator * power_of_two(-exponent)) : numerator;
    auto const below = exponent > 0 ? cpp_int(denominator * power_of_two(exponent)) : denominator;
    auto const power = [root](cpp_int const& value) { return root ? cpp_int(value * value) : value; };
    auto const from = cpp_int(power(leading.mantissa) * below);
    auto const to = cpp_int(power(cpp_int(leading.mantissa) + 1) * below);
    return leading.mantissa >= (1ULL << 62) - 1 && from <= above && above < to &&
           leading.rest == (from != above);
}

bool has_right_quotient(cpp_int const& a, cpp_int const& b)
{
    return is_cut_off(quotient(made(a), made(b)), abs(a), abs(b), false);
}

} // namespace

BOOST_AUTO_TEST_SUITE(exact_integers)

BOOST_AUTO_TEST_CASE(numbers_of_any_sign_and_length_add_subtract_and_multiply)
{
    auto random = engine(1);
    for (auto i = 0; i < 20'000; ++i) {
        auto const a = any_number(random, i % 10 == 0 ? 60 : 4);
        auto const b = random() % 8 == 0 ? a : any_number(random, i % 10 == 0 ? 60 : 4);
        auto const factor = any_word(random);
        auto sum = made(a);
        sum += made(b);
        auto difference = made(a);
        difference -= made(b);
        auto multiple = made(a);
        multiple *= factor;
        BOOST_TEST_REQUIRE(read(sum) == a + b);
        BOOST_TEST_REQUIRE(read(difference) == a - b);
        BOOST_TEST_REQUIRE(read(multiple) == a * factor);
        BOOST_TEST_REQUIRE(read(made(a) * made(b)) == a * b);
        BOOST_TEST_REQUIRE(read(square(made(a))) == a * a);
        BOOST_TEST_REQUIRE(compare_magnitudes(made(a), made(b)) == cpp_int(abs(a)).compare(abs(b)));
    }
}

BOOST_AUTO_TEST_CASE(numbers_shift_negate_and_copy)
{
    auto random = engine(2);
    for (auto i = 0; i < 5'000; ++i) {
        auto const a = any_number(random, 8);
        auto const bits = static_cast<unsigned>(random() % 1000);
        auto shifted = made(a);
        shifted <<= bits;
        BOOST_TEST_REQUIRE(read(shifted) == a * power_of_two(static_cast<int>(bits)));
        auto negated = exact_integer();
        negated = made(a);
        negated.negate();
        BOOST_TEST_REQUIRE(read(negated) == -a);
        BOOST_TEST_REQUIRE(negated.is_zero() == (a == 0));
    }
}

BOOST_AUTO_TEST_CASE(digits_of_any_sign_carry_into_one_number)
{
    auto random = engine(3);
    constexpr auto least = std::numeric_limits<std::int64_t>::min();
    constexpr auto greatest = std::numeric_limits<std::int64_t>::max();
    for (auto i = 0; i < 5'000; ++i) {
        auto digits = std::vector<std::int64_t>(random() % 12);
        auto expected = cpp_int(0);
        for (std::size_t j = 0; j < digits.size(); ++j) {
            auto const choices = std::array{least, greatest, std::int64_t{0}, std::int64_t{-1},
                                            static_cast<std::int64_t>(random())};
            digits[j] = choices[random() % choices.size()];
            expected += cpp_int(digits[j]) * power_of_two(static_cast<int>(32 * j));
        }
        auto const factor = static_cast<std::uint32_t>(random() % 2 ? 0x7fff'ffff : random() & 0x7fff'ffff);
        BOOST_TEST_REQUIRE(read({digits, 1}) == expected);
        BOOST_TEST_REQUIRE(read({digits, factor}) == expected * factor);
    }
}

BOOST_AUTO_TEST_CASE(the_highest_bits_of_a_number_are_set_apart_from_the_rest)
{
    auto random = engine(4);
    for (auto i = 0; i < 20'000; ++i) {
        auto const a = cpp_int(abs(any_number(random, 9)) << random() % 70);
        auto const [words, exponent, rest] = made(a).highest_bits();
        auto part = cpp_int(0);
        for (auto word : words)
            part = part << 64 | word;
        auto const scaled = exponent < 0 ? cpp_int(a << -exponent) : cpp_int(a >> exponent);
        BOOST_TEST_REQUIRE(part == scaled);
        BOOST_TEST_REQUIRE((a == 0 || words[0] >= 1ULL << 63));
        BOOST_TEST_REQUIRE(rest == (exponent > 0 && cpp_int(a & (power_of_two(exponent) - 1)) != 0));
        BOOST_TEST_REQUIRE(is_cut_off(leading(made(a)), a, 1, false));
    }
}

BOOST_AUTO_TEST_CASE(a_quotient_is_cut_off_just_as_the_exact_one)
{
    auto random = engine(5);
    for (auto i = 0; i < 20'000; ++i) {
        auto const b = any_number(random, i % 10 == 0 ? 60 : 5);
        if (b == 0)
            continue;
        auto const a = any_number(random, i % 10 == 0 ? 60 : 6);
        BOOST_TEST_REQUIRE(has_right_quotient(a, b));
        auto const word = std::max<std::uint64_t>(any_word(random), 1);
        BOOST_TEST_REQUIRE(is_cut_off(quotient(made(a), word), abs(a), word, false));
    }
}

BOOST_AUTO_TEST_CASE(a_trace_far_below_decides_a_quotient_that_is_almost_even)
{
    auto random = engine(6);
    for (auto i = 0; i < 20'000; ++i) {
        auto const b = any_number(random, 6);
        if (b == 0)
            continue;
        auto const even = cpp_int(b * any_word(random)) << random() % 300;
        for (auto trace : {-1, 0, 1})
            BOOST_TEST_REQUIRE(has_right_quotient(even + trace, b));
    }
}

BOOST_AUTO_TEST_CASE(the_root_of_a_quotient_is_cut_off_just_as_the_exact_one)
{
    auto random = engine(7);
    for (auto i = 0; i < 20'000; ++i) {
        auto const b = std::max<std::uint64_t>(any_word(random), 1);
        auto const a = cpp_int(abs(any_number(random, 6)));
        BOOST_TEST_REQUIRE(is_cut_off(root_of_quotient(made(a), b), a, b, true));
        auto const even = cpp_int(cpp_int(any_word(random)) * any_word(random) + 1);
        for (auto trace : {-1, 0, 1}) {
            auto const close = cpp_int((even * even * b << 2 * (random() % 100)) + trace);
            BOOST_TEST_REQUIRE(is_cut_off(root_of_quotient(made(close), b), close, b, true));
        }
    }
}

BOOST_AUTO_TEST_CASE(roots_and_products_of_cut_off_numbers_lose_a_few_of_the_last_bits)
{
    auto random = engine(8);
    auto const value = [](leading_bits const& bits) {
        return cpp_int(bits.mantissa) << (bits.exponent + 2000);
    };
    for (auto i = 0; i < 20'000; ++i) {
        auto const word = [&] { return 1ULL << 63 | random(); };
        auto const exponent = [&] { return static_cast<int>(random() % 400) - 200; };
        auto const a = leading_bits{word(), exponent(), false};
        auto const b = leading_bits{word() >> random() % 2, exponent(), true};
        auto const exact = cpp_int(value(a) * value(b)) >> 2000;
        auto const seen = product(a, b);
        BOOST_TEST_REQUIRE(seen.mantissa >= 1ULL << 62);
        BOOST_TEST_REQUIRE((value(seen) <= exact && (exact - value(seen)) * power_of_two(62) <= exact));
        auto const squared = value(a) << 2000;
        auto const from = value(root(a));
        auto const to = cpp_int(from + (from >> 62));
        BOOST_TEST_REQUIRE((from * from <= squared && squared < to * to));
    }
    BOOST_TEST(root({}).mantissa == 0U);
    BOOST_TEST(product({}, {1ULL << 63, 0, true}).mantissa == 0U);
}

BOOST_AUTO_TEST_CASE(cut_off_numbers_round_to_the_nearest_double)
{
    auto random = engine(9);
    auto const mantissas = std::vector<std::uint64_t>{1ULL << 63,
                                                      (1ULL << 63) + 1,
                                                      (1ULL << 63) + (1ULL << 10),
                                                      (1ULL << 63) + (3ULL << 10),
                                                      (1ULL << 63) + (1ULL << 10) - 1,
                                                      ~0ULL,
                                                      ~0ULL << 11,
                                                      ~0ULL << 10,
                                                      (~0ULL << 10) - 1};
    for (auto exponent = -1200; exponent < 1000; exponent += exponent < -1120 || exponent > 940 ? 1 : 37)
        for (auto edge : mantissas)
            for (auto mantissa : {edge, edge >> 1, std::uint64_t{random() | 1ULL << 63}}) {
                auto const exact =
                    exact_real{cpp_int(mantissa) << (exponent + 1300), power_of_two(1300 - 1075)};
                auto const more = exact_real{2 * exact.numerator + 1, 2 * exact.denominator};
                auto const minus = exact_real{-exact.numerator, exact.denominator};
                BOOST_TEST_REQUIRE(is_near(nearest_double({mantissa, exponent, false}, false), exact, 50));
                BOOST_TEST_REQUIRE(is_near(nearest_double({mantissa, exponent, true}, false), more, 50));
                BOOST_TEST_REQUIRE(is_near(nearest_double({mantissa, exponent, false}, true), minus, 50));
            }
    BOOST_TEST(nearest_double({}, true) == 0.0);
    BOOST_TEST(!std::signbit(nearest_double({}, true)));
    BOOST_TEST(nearest_double({1ULL << 63, 2000, false}, true) == -infinity);
    BOOST_TEST(nearest_double({1ULL << 63, -9000, true}, false) == 0.0);
}

BOOST_AUTO_TEST_SUITE_END()
