// Numbers against the C library's strtod, which is correctly rounded too and shares nothing with our reading.
#include "protocol/number.hpp"

#include <boost/test/unit_test.hpp>

#include <bit>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace {

using windowd::protocol::max_number_size;
using windowd::protocol::number_read;
using windowd::protocol::number_status;
using windowd::protocol::read_number;
using windowd::protocol::write_number;

number_read read(std::string_view text)
{
    return read_number(text.data(), text.data() + text.size());
}

std::uint64_t bits(double value)
{
    return std::bit_cast<std::uint64_t>(value);
}

// Whether `text`, a JSON number, is read as it has to be: whole, and to the bit, or refused if that is
// infinite.
bool is_read_right(std::string const& text)
{
    auto const expected = std::strtod(text.c_str(), nullptr);
    auto const got = read(text);
    if (got.end != text.data() + text.size())
        return false;
    if (std::isinf(expected))
        return got.status == number_status::out_of_range;
    return got.status == number_status::number && bits(got.value) == bits(expected);
}

void check_read(std::string const& text)
{
    BOOST_TEST(is_read_right(text), text.substr(0, 100) << " (" << text.size() << " characters)");
    BOOST_TEST(is_read_right("-" + text),
               "-" << text.substr(0, 100) << " (" << text.size() << " characters)");
}

std::string written(double value)
{
    char text[max_number_size];
    return {text, write_number(text, value)};
}

std::string shortest(double value)
{
    char text[64];
    return {text, std::to_chars(std::begin(text), std::end(text), value).ptr};
}

std::string zeros(std::size_t count)
{
    return std::string(count, '0');
}

std::string digits(std::mt19937_64& random, std::size_t count)
{
    std::string text;
    for (std::size_t i = 0; i < count; ++i)
        text += static_cast<char>('0' + random() % 10);
    return text;
}

double any_finite(std::mt19937_64& random)
{
    for (;;) {
        auto const value = std::bit_cast<double>(random());
        if (std::isfinite(value))
            return value;
    }
}

// The exact decimal digits of a double, and of the number half-way to the next one.
std::string exactly(long double value)
{
    char text[2000];
    auto const length = std::snprintf(text, sizeof text, "%.1100Lf", value);
    return {text, static_cast<std::size_t>(length)};
}

} // namespace

BOOST_AUTO_TEST_SUITE(numbers)

BOOST_AUTO_TEST_CASE(everyday_numbers_are_read)
{
    for (auto const* text : {"0",
                             "1",
                             "5",
                             "10",
                             "123456789",
                             "0.5",
                             "0.1",
                             "0.25",
                             "3.14",
                             "1e3",
                             "1E3",
                             "1e+3",
                             "1e-3",
                             "1.5e10",
                             "0e0",
                             "0.0",
                             "0.10",
                             "10.0",
                             "999999999999999",
                             "100000"})
        check_read(text);
}

BOOST_AUTO_TEST_CASE(zero_keeps_its_sign)
{
    for (auto const* text :
         {"0", "0.0", "0e5", "0e-5", "0.000e99999999999999999999", "0e-99999999999999999999",
          "0e99999999999999999999", "0e999", "1e-400", "4e-99999999999999999999"}) {
        check_read(text);
        BOOST_TEST(!std::signbit(read(text).value));
        BOOST_TEST(std::signbit(read("-" + std::string(text)).value));
    }
}

BOOST_AUTO_TEST_CASE(numbers_near_a_tie_are_rounded_right)
{
    for (auto const* text : {"9007199254740991",
                             "9007199254740992",
                             "9007199254740993",
                             "9007199254740993.0",
                             "9007199254740993.00000000000000000000000000000000000000000000001",
                             "9007199254740995",
                             "9007199254740992999999999999999",
                             "1.00000000000000011102230246251565404236316680908203125",
                             "1.00000000000000011102230246251565404236316680908203124",
                             "1.00000000000000011102230246251565404236316680908203126",
                             "123456789012345678",
                             "6929495644600919.5",
                             "3.2378839133029012895e-325",
                             "8.533e+68",
                             "4.1006e-184",
                             "9.998e+307",
                             "9.9538452227e-280",
                             "6.47660115e-260",
                             "7.4e+47",
                             "5.92e+48",
                             "7.35e+66",
                             "8.32116e+55",
                             "2.2250738585072011e-308",
                             "2.2250738585072012e-308",
                             "2.2250738585072014e-308",
                             "0.1000000000000000055511151231257827021181583404541015625",
                             "0.500000000000000166533453693773481063544750213623046875",
                             "7205759403792793199999e-5",
                             "18446744073709551615",
                             "18446744073709551616",
                             "36893488147419103232",
                             "179769313486231580793e289",
                             "1e22",
                             "1e23",
                             "89255e-22",
                             "104308485241983990666713401708072175773165034278682682111762292858e-65"})
        check_read(text);
}

BOOST_AUTO_TEST_CASE(the_smallest_numbers_are_told_from_zero)
{
    for (auto const* text :
         {"5e-324", "4.9406564584124654e-324", "2.4703282292062327e-324", "2.4703282292062328e-324",
          "2.47032822920623272e-324", "2.47032822920623273e-324", "2.4e-324", "3e-324", "7.4e-324",
          "7.5e-324", "1e-323", "1e-308", "1e-400"})
        check_read(text);
    BOOST_TEST(read("2.4703282292062327e-324").value == 0);
    BOOST_TEST(read("2.4703282292062328e-324").value == std::numeric_limits<double>::denorm_min());
    BOOST_TEST(read("1e-400").value == 0);
}

BOOST_AUTO_TEST_CASE(what_rounds_to_beyond_the_largest_double_is_out_of_range)
{
    for (auto const* text :
         {"1.7976931348623157e308", "1.7976931348623158e308", "1.7976931348623159e308", "1e308", "1.8e308",
          "2e308", "1e309", "1e400", "9e99999999999999999999", "0.1e310", "0.0001e400",
          "17976931348623157e292", "123e307", "1e2147483647", "1e2147483648", "1e9223372036854775807",
          "1e9223372036854775808", "1e-2147483648", "1e-9223372036854775809"})
        check_read(text);
    BOOST_TEST((read("1e400").status == number_status::out_of_range));
    BOOST_TEST((read("1e-99999999999999999999").status == number_status::number));
}

BOOST_AUTO_TEST_CASE(a_number_of_a_thousand_digits_is_read_right)
{
    auto random = std::mt19937_64(1);
    check_read("1" + zeros(999));
    check_read("1" + zeros(308));
    check_read("1" + zeros(309));
    check_read("0." + zeros(1000) + "1");
    check_read("0." + zeros(300) + "1");
    check_read("9007199254740993." + zeros(1000));
    check_read("9007199254740993." + zeros(1000) + "1");
    check_read("9007199254740992." + std::string(1000, '9'));
    for (auto i = 0; i < 200; ++i) {
        check_read("0." + digits(random, 1000));
        check_read("7" + digits(random, 305) + "." + digits(random, 700));
        check_read("3" + digits(random, 999) + "e-" + std::to_string(600 + random() % 800));
    }
}

BOOST_AUTO_TEST_CASE(zeros_and_an_exponent_that_undoes_them_make_an_ordinary_number)
{
    for (auto const count : {10, 400, 1000, 50'000, 70'000, 700'000, 1'000'000}) {
        auto const many = static_cast<std::size_t>(count);
        auto const shift = std::to_string(count);
        for (auto const& text : {"0." + zeros(many) + "15e" + shift, "15" + zeros(many) + "e-" + shift,
                                 "15" + zeros(many) + ".0e-" + shift}) {
            auto const got = read(text);
            auto const expected = text.starts_with('0') ? 0.15 : 15;
            BOOST_TEST((got.status == number_status::number));
            BOOST_TEST(got.value == expected, count << " zeros: " << got.value);
        }
        BOOST_TEST((read("15" + zeros(many) + "e" + shift).status == number_status::number) == (count == 10));
        BOOST_TEST((read("0." + zeros(many) + "15e-" + shift).status == number_status::number));
    }
}

BOOST_AUTO_TEST_CASE(half_way_between_two_doubles_the_even_one_wins)
{
    static_assert(std::numeric_limits<long double>::digits >= 64,
                  "exactly() needs a bit more than a double has");
    auto random = std::mt19937_64(2);
    for (auto i = 0; i < 300; ++i) {
        auto const value = std::bit_cast<double>(random() % 0x7ff0'0000'0000'0000);
        auto const next = std::nextafter(value, std::numeric_limits<double>::infinity());
        if (value < 1e-250 || value > 1e300)
            continue;
        auto half_way = exactly((static_cast<long double>(value) + next) / 2);
        check_read(half_way);
        check_read(half_way + "1");
        half_way.erase(half_way.find_last_not_of('0') +
                       1); // at least one digit is left: of the fraction, or a 5
        if (half_way.ends_with('.'))
            continue;
        --half_way.back();
        check_read(half_way + "9");
    }
}

BOOST_AUTO_TEST_CASE(of_19_digits_half_way_between_two_doubles_the_even_one_wins)
{
    auto random = std::mt19937_64(6);
    auto wrong = 0;
    auto tested = 0;
    for (auto i = 0; i < 30'000; ++i) {
        auto const value = std::ldexp(std::uniform_real_distribution(0.5, 1.0)(random), 50 + i % 3);
        auto const next = std::nextafter(value, std::numeric_limits<double>::infinity());
        auto text = exactly((static_cast<long double>(value) + next) / 2);
        text.erase(text.find_last_not_of('0') + 1);
        tested += text.size() <= 20;
        wrong += !is_read_right(text);
        text.back() = '4';
        wrong += !is_read_right(text);
        text.back() = '6';
        wrong += !is_read_right(text);
    }
    BOOST_TEST(tested > 20'000);
    BOOST_TEST(wrong == 0);
}

BOOST_AUTO_TEST_CASE(every_count_of_digits_is_read_right_whatever_follows)
{
    auto random = std::mt19937_64(7);
    auto wrong = 0;
    for (auto i = 0; i < 25 * 256; ++i) {
        auto const number =
            std::to_string(1 + random() % 9) + digits(random, static_cast<std::size_t>(i % 25));
        auto const follower = static_cast<char>(i / 25);
        if (std::string_view("0123456789.eE").find(follower) != std::string_view::npos)
            continue;
        for (auto const behind : {0U, 1U, 8U}) {
            auto const text = number + follower + digits(random, behind);
            auto const got = read(text);
            wrong += got.end != text.data() + number.size() || got.status != number_status::number ||
                     bits(got.value) != bits(std::strtod(number.c_str(), nullptr));
        }
    }
    BOOST_TEST(wrong == 0);
}

BOOST_AUTO_TEST_CASE(every_short_number_is_read_as_its_text_says)
{
    auto wrong = 0;
    for (auto i = 0; i < 1'000'000; i += 7) {
        auto const text = std::to_string(i);
        wrong += !is_read_right(text);
        for (std::size_t point = 1; point < text.size(); ++point)
            wrong += !is_read_right(text.substr(0, point) + "." + text.substr(point));
        wrong += !is_read_right("0." + text);
        wrong += !is_read_right("0.000" + text);
        wrong += !is_read_right(text + "e5");
        wrong += !is_read_right("-" + text + "e-7");
    }
    BOOST_TEST(wrong == 0);
}

BOOST_AUTO_TEST_CASE(digits_around_the_limit_of_the_short_way_are_read_right)
{
    auto random = std::mt19937_64(3);
    auto wrong = 0;
    for (auto i = 0; i < 100'000; ++i) {
        auto const whole = 1 + random() % 18;
        auto const text = std::to_string(1 + random() % 9) + digits(random, whole - 1) + "." +
                          digits(random, 1 + random() % 18);
        wrong += !is_read_right(text);
        wrong += !is_read_right("0." + digits(random, 1 + random() % 20));
    }
    BOOST_TEST(wrong == 0);
}

BOOST_AUTO_TEST_CASE(what_is_written_reads_back_to_the_same_bits)
{
    auto random = std::mt19937_64(4);
    auto wrong = 0;
    for (auto i = 0; i < 200'000; ++i) {
        auto const value = any_finite(random);
        auto const text = written(value);
        auto const got = read(text);
        wrong += got.status != number_status::number || bits(got.value) != bits(value) ||
                 got.end != text.data() + text.size() || text.size() > max_number_size;
    }
    BOOST_TEST(wrong == 0);
}

BOOST_AUTO_TEST_CASE(what_is_written_is_what_to_chars_writes)
{
    auto random = std::mt19937_64(5);
    auto wrong = 0;
    auto const check = [&](double value) {
        wrong += written(value) != shortest(value);
        wrong += written(-value) != shortest(-value);
    };
    for (auto i = 0; i < 200'000; ++i) {
        check(any_finite(random));
        check(static_cast<double>(i));
        check(static_cast<double>(i) / 8);
        check(static_cast<double>(random() >> random() % 64));
        check(static_cast<double>(random() % 1'000'000) * 1000);
    }
    for (auto power = 1.0; power < 1e300; power *= 10)
        for (auto const offset : {-1, 0, 1, 10, 100})
            check(power + offset);
    for (auto const value :
         {0.0, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 9007199254740991.0,
          9007199254740992.0, 9007199254740994.0, 99999.0, 100000.0, 100001.0, 123450.0, 1e15, 1e21})
        check(value);
    BOOST_TEST(wrong == 0);
}

BOOST_AUTO_TEST_CASE(fractions_are_written_as_to_chars_writes_them)
{
    auto random = std::mt19937_64(8);
    auto wrong = 0;
    auto const check = [&](double value) {
        wrong += written(value) != shortest(value);
        wrong += written(-value) != shortest(-value);
    };
    for (auto exponent = -12; exponent <= 54; ++exponent) {
        auto const power = std::ldexp(1.0, exponent);
        for (auto offset = -500; offset <= 500; ++offset)
            check(std::bit_cast<double>(bits(power) + static_cast<std::uint64_t>(offset)));
        for (auto i = 0; i < 5'000; ++i) {
            auto const significand = random() >> (11 + random() % 52); // of any number of bits
            check(std::ldexp(static_cast<double>(significand), exponent - 53));
            check(power * std::uniform_real_distribution(1.0, 2.0)(random));
        }
    }
    for (auto i = 0; i < 100'000; ++i) {
        for (auto const divisor : {3, 7, 9, 10, 60, 100, 999, 1000, 100'000})
            check(static_cast<double>(i) / divisor);
        check(static_cast<double>(random() % 10'000'000) / 100 / 3);
    }
    BOOST_TEST(wrong == 0);
}

BOOST_AUTO_TEST_CASE(of_two_shortest_texts_as_near_the_even_one_is_written)
{
    BOOST_TEST(written(140737488355328.125) == "140737488355328.12");
    BOOST_TEST(written(140737488355328.375) == "140737488355328.38");
    auto wrong = 0;
    for (auto i = 0; i < 100'000; ++i) {
        auto const value = std::ldexp(1.0, 46 + i % 2) + i * 1'000'003.0 + 0.125;
        wrong += written(value) != shortest(value);
        wrong += written(value + 0.25) != shortest(value + 0.25);
    }
    BOOST_TEST(wrong == 0);
}

BOOST_AUTO_TEST_CASE(no_more_room_is_written_to_than_is_asked_for)
{
    for (auto const value : {0.1, -4503599627370495.5, -999999999999999.9, -140737488355328.12, -1.0 / 3,
                             -std::numeric_limits<double>::max(), -2.2250738585072014e-308}) {
        auto const room = std::make_unique<char[]>(max_number_size); // the sanitizer watches
        BOOST_TEST(std::string(room.get(), write_number(room.get(), value)) == shortest(value));
    }
}

BOOST_AUTO_TEST_CASE(known_numbers_are_written_in_their_shortest_form)
{
    BOOST_TEST(written(5) == "5");
    BOOST_TEST(written(-0.5) == "-0.5");
    BOOST_TEST(written(0.0) == "0");
    BOOST_TEST(written(-0.0) == "-0");
    BOOST_TEST(written(0.1 + 0.2) == "0.30000000000000004");
    BOOST_TEST(written(1.0 / 3) == "0.3333333333333333");
    BOOST_TEST(written(5e-324) == "5e-324");
    BOOST_TEST(written(1e22) == "1e+22");
    BOOST_TEST(written(9007199254740993.0) == "9007199254740992");
    BOOST_TEST(written(-1.7976931348623157e308) == "-1.7976931348623157e+308");
}

BOOST_AUTO_TEST_CASE(what_is_no_number_is_malformed_where_it_goes_wrong)
{
    struct {
        std::string_view text;
        std::ptrdiff_t offending;
    } const cases[] = {{"", 0},    {"-", 1},    {"+1", 0},  {".5", 0},   {"-.5", 1}, {"01", 1},
                       {"-01", 2}, {"00", 1},   {"1.", 2},  {"1.e5", 2}, {"1e", 2},  {"1e+", 3},
                       {"1E-", 3}, {"NaN", 0},  {"inf", 0}, {"-inf", 1}, {"--1", 1}, {"\n", 0},
                       {" 1", 0},  {"0x10", 1}, {"e5", 0},  {"1.5.", 3}};
    for (auto const& [text, offending] : cases) {
        auto const got = read(text);
        auto const stops_early = text == "0x10" || text == "1.5.";
        BOOST_TEST((got.status == (stops_early ? number_status::number : number_status::malformed)), text);
        BOOST_TEST(got.end - text.data() == offending, text);
    }
}

BOOST_AUTO_TEST_CASE(reading_ends_behind_the_number)
{
    auto const text = std::string_view("12.5e1,7");
    auto const got = read(text);
    BOOST_TEST(got.value == 125);
    BOOST_TEST(got.end - text.data() == 6);
    BOOST_TEST(read("5\n").value == 5);
    BOOST_TEST(read("5\0"
                    "6")
                   .value == 5);
}

BOOST_AUTO_TEST_CASE(nothing_behind_the_end_is_looked_at)
{
    auto const text = std::string("1.5e3");
    for (std::size_t size = 0; size <= text.size(); ++size) {
        auto const exact = std::vector<char>(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(size));
        auto const got = read_number(exact.data(), exact.data() + size); // the sanitizer watches
        BOOST_TEST((got.end - exact.data() <= static_cast<std::ptrdiff_t>(size)));
        BOOST_TEST((got.status == number_status::number) == (size == 1 || size == 3 || size == 5));
    }
}

BOOST_AUTO_TEST_SUITE_END()
