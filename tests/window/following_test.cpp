// Following shared windows: who is told what, how often, and in what order.
#include "window/register_support.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>

namespace {

using namespace windowd::test;
using namespace windowd::window;
using texts = std::vector<std::string>;

void check_told(test_follower& follower, texts const& expected)
{
    BOOST_TEST(follower.told() == expected, boost::test_tools::per_element());
}

/// A register that outlives its followers, as the server's does.
struct followed_register : test_register {
    using test_register::test_register;

    bool follow(test_follower& by, std::string_view pattern, std::size_t expected_windows)
    {
        auto const came = get().follow(by, pattern);
        BOOST_TEST(came.windows == expected_windows);
        return came.done;
    }
};

} // namespace

BOOST_AUTO_TEST_SUITE(followers)

BOOST_AUTO_TEST_CASE(a_follower_is_told_of_every_change)
{
    followed_register tested;
    test_follower follower;
    BOOST_TEST(tested.follow(follower, "a", 0));
    tested.open("a");
    tested.send("a", {5, 7});
    tested.clear("a");
    tested.send("a", {9});
    tested.close("a");
    check_told(follower, {"open a n=0", "yield a n=1 value=5 yields 5", "yield a n=2 value=7 yields 6",
                          "clear a n=3", "yield a n=4 value=9 yields 9", "close a n=5"});
}

BOOST_AUTO_TEST_CASE(nothing_else_is_told)
{
    followed_register tested;
    test_follower follower;
    tested.open("a");
    tested.open("b");
    tested.follow(follower, "a", 1);
    tested.open("a");
    tested.open("a", {.size = 50});
    tested.send_objects("a", {sent::other(), sent()});
    tested.next("a");
    tested.read("a");
    tested.dump("a");
    tested.list();
    tested.send("b", {1});
    tested.close("b");
    check_told(follower, {});
    BOOST_TEST(tested.writer.written == 0U);
}

BOOST_AUTO_TEST_CASE(only_values_that_are_taken_are_told_and_numbered)
{
    followed_register tested;
    test_follower follower;
    tested.follow(follower, "a", 0);
    tested.send_objects("a", {sent::other(), sent::number(5), sent(), sent::other(), sent::number(7)});
    check_told(follower, {"open a n=0", "yield a n=1 value=5 yields 5", "yield a n=2 value=7 yields 6"});
    tested.send_objects("b", {sent::other()});
    check_told(follower, {});
}

BOOST_AUTO_TEST_CASE(an_event_has_all_statistics_of_its_value)
{
    followed_register tested;
    test_follower follower;
    tested.open("a", {.size = 2, .min_count = 2, .stats = stats({"min", "max"})});
    tested.follow(follower, "a", 1);
    tested.send("a", {1, 2, 3});
    check_told(follower, {"yield a n=1 value=1 yields null", "yield a n=2 value=2 yields {min:1 max:2}",
                          "yield a n=3 value=3 yields {min:2 max:3}"});
}

BOOST_AUTO_TEST_CASE(a_window_that_begins_with_values_is_told_once_with_their_number)
{
    followed_register tested;
    test_follower follower;
    tested.follow(follower, "a", 0);
    tested.open("a", {}, {1, 2, 3, 4});
    tested.send("a", {5});
    check_told(follower, {"open a n=4", "yield a n=5 value=5 yields 4"});
}

BOOST_AUTO_TEST_CASE(a_pattern_follows_windows_that_are_made_later)
{
    followed_register tested;
    test_follower follower;
    tested.open("cpu.0");
    tested.open("disk.0");
    tested.follow(follower, "cpu.*", 1);
    tested.open("cpu.1");
    tested.open("disk.1");
    tested.send("cpu.2", {5});
    tested.send("cpu.0", {6});
    tested.close("cpu.1");
    tested.open("cpu.1");
    check_told(follower, {"open cpu.1 n=0", "open cpu.2 n=0", "yield cpu.2 n=1 value=5 yields 5",
                          "yield cpu.0 n=1 value=6 yields 6", "close cpu.1 n=1", "open cpu.1 n=0"});
}

BOOST_AUTO_TEST_CASE(the_windows_that_match_are_counted)
{
    followed_register tested;
    test_follower first;
    test_follower second;
    for (auto const* const name : {"a", "ab", "b", "ba"})
        tested.open(name);
    tested.follow(first, "a*", 2);
    tested.follow(first, "*a", 2);
    tested.follow(first, "ab", 1);
    tested.follow(first, "*", 4);
    tested.open("aba");
    tested.follow(second, "a*", 3);
    tested.close("ab");
    tested.follow(second, "a*", 2);
    tested.follow(second, "ab", 0);
}

BOOST_AUTO_TEST_CASE(an_event_is_told_once_however_many_patterns_match)
{
    followed_register tested;
    test_follower follower;
    for (auto const* const pattern : {"a", "*", "a*", "*a", "**"})
        tested.follow(follower, pattern, 0);
    tested.send("a", {5});
    check_told(follower, {"open a n=0", "yield a n=1 value=5 yields 5"});
}

BOOST_AUTO_TEST_CASE(to_follow_the_same_pattern_again_changes_nothing)
{
    followed_register tested;
    test_follower follower;
    tested.open("a");
    tested.follow(follower, "a", 1);
    tested.follow(follower, "a", 1);
    tested.send("a", {5});
    check_told(follower, {"yield a n=1 value=5 yields 5"});
    BOOST_TEST(tested.get().unfollow(follower, "a"));
    BOOST_TEST(!tested.get().unfollow(follower, "a"));
    tested.send("a", {5});
    check_told(follower, {});
}

BOOST_AUTO_TEST_CASE(an_event_is_written_once_for_a_thousand_followers)
{
    followed_register tested;
    std::vector<test_follower> crowd(1000);
    for (std::size_t i = 0; i < crowd.size(); ++i) {
        tested.follow(crowd[i], "cpu.*", 0);
        if (i % 3 == 0)
            tested.follow(crowd[i], "*", 0);
    }
    tested.send("cpu.0", {5});
    tested.send("cpu.0", {7});
    BOOST_TEST(tested.writer.written == 3U);
    for (auto const& one : crowd) {
        BOOST_TEST_REQUIRE(one.texts().size() == 3U);
        BOOST_TEST_REQUIRE((one.texts() == crowd.front().texts())); // the very same strings
    }
    check_told(crowd.back(),
               {"open cpu.0 n=0", "yield cpu.0 n=1 value=5 yields 5", "yield cpu.0 n=2 value=7 yields 6"});
}

BOOST_AUTO_TEST_CASE(who_follows_no_more_is_told_no_more)
{
    followed_register tested;
    test_follower first;
    test_follower second;
    tested.open("a");
    for (auto* const each : {&first, &second}) {
        tested.follow(*each, "a", 1);
        tested.follow(*each, "*", 1);
    }
    BOOST_TEST(tested.get().unfollow(first, "a"));
    tested.send("a", {5});
    BOOST_TEST(first.told().size() == 1U); // it still follows "*"
    BOOST_TEST(tested.get().unfollow(first, "*"));
    tested.send("a", {5});
    check_told(first, {});
    BOOST_TEST(second.told().size() == 2U);
}

BOOST_AUTO_TEST_CASE(to_unfollow_what_one_does_not_follow_is_false_and_changes_nothing)
{
    followed_register tested;
    test_follower follower;
    test_follower other;
    tested.follow(follower, "a*", 0);
    BOOST_TEST(!tested.get().unfollow(follower, "a"));
    BOOST_TEST(!tested.get().unfollow(other, "a*"));
    tested.open("ab");
    check_told(follower, {"open ab n=0"});
}

BOOST_AUTO_TEST_CASE(a_follower_that_ends_is_forgotten_and_the_others_are_told_on)
{
    followed_register tested;
    test_follower stays;
    tested.open("a");
    tested.follow(stays, "*", 1);
    {
        test_follower leaves;
        tested.follow(leaves, "*", 1);
        tested.follow(leaves, "a", 1);
        tested.follow(leaves, "b", 0);
        tested.get().unfollow_all(leaves);
        tested.get().unfollow_all(leaves);
    }
    tested.send("a", {5});
    tested.send("b", {5});
    BOOST_TEST(stays.told().size() == 3U);
    tested.get().unfollow_all(stays);
    auto const written = tested.writer.written;
    tested.send("a", {5});
    BOOST_TEST(tested.writer.written == written);
}

BOOST_AUTO_TEST_CASE(no_more_patterns_are_followed_than_may_be_of_all_followers)
{
    followed_register tested({.max_patterns = 2});
    test_follower first;
    test_follower second;
    tested.open("c");
    BOOST_TEST(tested.follow(first, "a*", 0));
    BOOST_TEST(tested.follow(second, "b*", 0));
    BOOST_TEST(!tested.follow(first, "c*", 0));
    BOOST_TEST(!tested.follow(second, "c*", 0));
    BOOST_TEST(tested.follow(second, "a*", 0)); // it is followed already
    tested.send("c", {5});
    check_told(first, {});
    tested.get().unfollow(first, "a*");
    BOOST_TEST(!tested.follow(first, "c*", 0));
    tested.get().unfollow(second, "a*");
    BOOST_TEST(tested.follow(first, "c*", 1));
    tested.send("c", {7});
    check_told(first, {"yield c n=2 value=7 yields 6"});
}

BOOST_AUTO_TEST_CASE(names_without_a_star_do_not_count_as_patterns)
{
    followed_register tested({.max_patterns = 0});
    test_follower follower;
    BOOST_TEST(!tested.follow(follower, "*", 0));
    BOOST_TEST(tested.follow(follower, "a", 0));
    BOOST_TEST(tested.follow(follower, "b", 0));
    tested.send("a", {5});
    check_told(follower, {"open a n=0", "yield a n=1 value=5 yields 5"});
    tested.get().unfollow(follower, "a");
    tested.send("a", {7});
    check_told(follower, {});
}

BOOST_AUTO_TEST_CASE(a_follower_may_go_on_to_another_register)
{
    test_follower follower;
    for (auto i = 0; i < 3; ++i) {
        followed_register tested;
        tested.follow(follower, "a", 0);
        tested.open("a");
        check_told(follower, {"open a n=0"});
    }
}

BOOST_AUTO_TEST_CASE(a_change_is_complete_when_it_is_told)
{
    // A follower must not call the register, so what it may look at is what happened meanwhile: an event of a batch
    // is told after all of the batch is in.
    followed_register tested;
    test_follower follower;
    tested.follow(follower, "*", 0);
    tested.open("a");
    tested.send("b", {1, 2});
    tested.send("a", {3});
    check_told(follower, {"open a n=0", "open b n=0", "yield b n=1 value=1 yields 1",
                          "yield b n=2 value=2 yields 1.5", "yield a n=1 value=3 yields 3"});
}

BOOST_AUTO_TEST_SUITE_END()
