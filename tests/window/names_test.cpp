// The names of shared windows, and patterns of them.
#include "window/names.hpp"

#include <boost/test/unit_test.hpp>

#include <random>
#include <string>
#include <string_view>

namespace {

using namespace windowd::window;

/// What a pattern means, without regard to time.
bool matches_by_definition(std::string_view pattern, std::string_view name)
{
    if (pattern.empty())
        return name.empty();
    if (pattern.front() == '*')
        return matches_by_definition(pattern.substr(1), name) ||
               (!name.empty() && matches_by_definition(pattern, name.substr(1)));
    return !name.empty() && name.front() == pattern.front() &&
           matches_by_definition(pattern.substr(1), name.substr(1));
}

std::string random_text(std::mt19937_64& random, std::string_view alphabet, std::size_t longest)
{
    std::string text(std::uniform_int_distribution<std::size_t>(0, longest)(random), ' ');
    for (auto& c : text)
        c = alphabet[std::uniform_int_distribution<std::size_t>(0, alphabet.size() - 1)(random)];
    return text;
}

} // namespace

BOOST_AUTO_TEST_SUITE(names)

BOOST_AUTO_TEST_CASE(a_name_has_1_to_128_letters_digits_and_a_few_signs)
{
    BOOST_TEST(is_window_name("cpu.load"));
    BOOST_TEST(is_window_name("AZaz09._:/-"));
    BOOST_TEST(is_window_name("x"));
    BOOST_TEST(is_window_name(std::string(128, 'x')));
    BOOST_TEST(!is_window_name(""));
    BOOST_TEST(!is_window_name(std::string(129, 'x')));
}

BOOST_AUTO_TEST_CASE(any_other_byte_makes_it_no_name)
{
    static constexpr std::string_view good =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:/-";
    for (auto byte = 0; byte < 256; ++byte) {
        auto const text = std::string("a") + static_cast<char>(byte);
        BOOST_TEST_INFO("byte " << byte);
        BOOST_TEST(is_window_name(text) == (good.find(static_cast<char>(byte)) != std::string_view::npos));
    }
}

BOOST_AUTO_TEST_CASE(a_pattern_is_a_name_with_stars_among_it)
{
    for (auto const* const text : {"cpu.*", "*", "**", "a*b*c", "cpu"})
        BOOST_TEST(is_pattern(text));
    for (auto const* const text : {"", "cpu ?", "a*\n", "caf\xC3\xA9*"})
        BOOST_TEST(!is_pattern(text));
    BOOST_TEST(is_pattern(std::string(128, '*')));
    BOOST_TEST(!is_pattern(std::string(129, '*')));
    BOOST_TEST(!is_window_name("cpu.*"));
}

BOOST_AUTO_TEST_CASE(a_star_stands_for_any_characters_or_none)
{
    BOOST_TEST(matches("cpu.*", "cpu.load"));
    BOOST_TEST(matches("cpu.*", "cpu."));
    BOOST_TEST(!matches("cpu.*", "cpu"));
    BOOST_TEST(matches("*", "anything"));
    BOOST_TEST(matches("*.load", "cpu.load"));
    BOOST_TEST(matches("*.load", "a.load.load"));
    BOOST_TEST(!matches("*.load", "cpu.loads"));
    BOOST_TEST(matches("a*b*c", "abc"));
    BOOST_TEST(matches("a*b*c", "a.c.b.b.c"));
    BOOST_TEST(!matches("a*b*c", "a.c.b"));
    BOOST_TEST(matches("**a**", "bab"));
}

BOOST_AUTO_TEST_CASE(without_a_star_only_the_very_name_matches)
{
    BOOST_TEST(matches("cpu", "cpu"));
    BOOST_TEST(!matches("cpu", "cpu1"));
    BOOST_TEST(!matches("cpu1", "cpu"));
    BOOST_TEST(!matches("cpu", "Cpu"));
    BOOST_TEST(!matches("a.c", "abc"));
}

BOOST_AUTO_TEST_CASE(random_patterns_match_what_they_mean)
{
    auto random = std::mt19937_64(7);
    auto matched = 0;
    for (auto i = 0; i < 20'000; ++i) {
        auto const pattern = random_text(random, "ab**", 8);
        auto const name = random_text(random, "ab", 10);
        auto const expected = matches_by_definition(pattern, name);
        matched += expected ? 1 : 0;
        BOOST_TEST_INFO(pattern << " " << name);
        BOOST_TEST_REQUIRE(matches(pattern, name) == expected);
    }
    BOOST_TEST(matched > 2000); // both happen
    BOOST_TEST(matched < 18'000);
}

BOOST_AUTO_TEST_CASE(many_stars_take_no_more_time_than_pattern_times_name)
{
    // A matcher that goes back to every star would take longer than the world is old.
    std::string pattern;
    for (auto i = 0; i < 63; ++i)
        pattern += "*a";
    pattern += "*b";
    auto const name = std::string(128, 'a');
    for (auto i = 0; i < 1000; ++i)
        BOOST_TEST_REQUIRE(!matches(pattern, name));
    BOOST_TEST(matches(pattern, name.substr(1) + "b"));
}

BOOST_AUTO_TEST_SUITE_END()
