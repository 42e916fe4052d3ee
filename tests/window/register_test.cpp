// The register of shared windows: what each operation does and says, limits, idle windows, memory, and a random program
// against a simple model.
#include "support/allocation_counter.hpp"
#include "window/register_support.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <new>
#include <numeric>
#include <optional>
#include <random>
#include <sstream>

namespace {

using namespace windowd::test;
using namespace windowd::window;

constexpr auto infinity = std::numeric_limits<double>::infinity();

std::vector<sent> at(std::vector<std::pair<double, double>> const& values_and_times)
{
    std::vector<sent> all;
    for (auto const& [value, time] : values_and_times)
        all.push_back(sent::number_at(value, time));
    return all;
}

class step_counter final : public step_observer {
public:
    void on_step(step taken) noexcept override { exits += taken == step::exiting ? 1 : 0; }
    int exits = 0;
};

} // namespace

BOOST_AUTO_TEST_SUITE(shared_windows)

BOOST_AUTO_TEST_CASE(open_makes_a_window_with_the_defaults)
{
    test_register tested;
    BOOST_TEST(tested.open("cpu") == "created cpu size=3 stats=mean min_count=1 count=0 n=0");
    BOOST_TEST(tested.get().count() == 1);
    BOOST_TEST(tested.read("cpu") == "[null]");
}

BOOST_AUTO_TEST_CASE(open_makes_a_window_with_the_terms_that_are_given)
{
    test_register tested({}, {.size = 7, .min_count = 2});
    BOOST_TEST(tested.open("a", {.size = 9, .stats = stats({"max", "p95"})}) ==
               "created a size=9 stats=max,p95 min_count=2 count=0 n=0");
    BOOST_TEST(tested.open("b", {.min_count = 7}) == "created b size=7 stats=mean min_count=7 count=0 n=0");
    BOOST_TEST(tested.open("c", {.size = 4, .span = 30}) ==
               "created c size=4 span=30 stats=mean min_count=2 count=0 n=0");
}

BOOST_AUTO_TEST_CASE(a_window_of_time_is_as_large_as_may_be_unless_it_is_given_a_size)
{
    test_register tested({.max_window_size = 500});
    BOOST_TEST(tested.open("a", {.span = 30}) ==
               "created a size=500 span=30 stats=mean min_count=1 count=0 n=0");
}

BOOST_AUTO_TEST_CASE(a_min_count_that_is_left_out_is_not_above_the_size)
{
    test_register tested({}, {.size = 9, .min_count = 5});
    BOOST_TEST(tested.open("a", {.size = 2}) == "created a size=2 stats=mean min_count=2 count=0 n=0");
}

BOOST_AUTO_TEST_CASE(a_min_count_above_the_size_is_refused)
{
    test_register tested;
    auto const& came = tested.perform("a", 0, {.window = {}, .what = open_window{{.min_count = 4}, {}}});
    BOOST_TEST(text_of(came.why) == "min_count_too_large");
    BOOST_TEST(came.window.options->size == 3);
    BOOST_TEST(tested.get().count() == 0);
}

BOOST_AUTO_TEST_CASE(open_joins_a_window_that_is_there)
{
    test_register tested;
    tested.open("cpu", {.size = 5});
    tested.send("cpu", {1, 2});
    auto const id = tested.state_of("cpu").id;
    auto const& came = tested.perform("cpu", 0, {.window = {}, .what = open_window{}});
    BOOST_TEST(!came.created);
    BOOST_TEST(came.window.id == id);
    BOOST_TEST(text_of(came.window) == "cpu size=5 stats=mean min_count=1 count=2 n=2");
    BOOST_TEST(tested.open("cpu", {.size = 5, .min_count = 1, .stats = stats({"mean"})}) ==
               "cpu size=5 stats=mean min_count=1 count=2 n=2");
    BOOST_TEST(tested.get().count() == 1);
}

BOOST_AUTO_TEST_CASE(terms_that_contradict_the_window_are_refused_and_its_own_are_told)
{
    test_register tested;
    tested.open("a", {.size = 5, .min_count = 2, .span = 30, .stats = stats({"min", "max"})});
    auto const before = tested.everything();
    for (auto const& terms :
         {window_terms{.size = 6}, window_terms{.min_count = 1}, window_terms{.span = 31},
          window_terms{.stats = stats({"min"})}, window_terms{.stats = stats({"max", "min"})},
          window_terms{.size = 5, .min_count = 9}}) {
        auto const& came = tested.perform("a", 0, {.window = {}, .what = open_window{terms, {}}});
        BOOST_TEST(text_of(came.why) == "mismatch");
        BOOST_TEST(came.window.options->size == 5);
        BOOST_TEST(!came.created);
    }
    BOOST_TEST(tested.everything() == before);
}

BOOST_AUTO_TEST_CASE(a_window_may_begin_with_values_which_count)
{
    test_register tested;
    BOOST_TEST(tested.open("a", {}, {1, 2, 3, 4}) == "created a size=3 stats=mean min_count=1 count=3 n=4");
    BOOST_TEST(tested.dump("a") == "[2 3 4]");
}

BOOST_AUTO_TEST_CASE(values_for_a_window_that_is_there_already_are_a_mismatch)
{
    test_register tested;
    tested.open("a");
    BOOST_TEST(tested.open("a", {}, {1}) == "mismatch");
    BOOST_TEST(tested.read("a") == "[null]");
}

BOOST_AUTO_TEST_CASE(a_send_yields_for_each_value)
{
    test_register tested;
    tested.open("a");
    BOOST_TEST(tested.send("a", {5, 7, 9, 11, 13}) == "[5 6 7 9 11]");
    BOOST_TEST(tested.state_of("a").n == 5);
}

BOOST_AUTO_TEST_CASE(a_send_to_a_new_name_makes_a_window_with_the_defaults)
{
    test_register tested({}, {.size = 2, .stats = stats({"sum", "max"})});
    BOOST_TEST(tested.send("a", {5, 7}) == "created [{sum:5 max:5} {sum:12 max:7}]");
    BOOST_TEST(tested.send("a", {1}) == "[{sum:8 max:7}]");
    BOOST_TEST(text_of(tested.state_of("a")) == "a size=2 stats=sum,max min_count=1 count=2 n=3");
}

BOOST_AUTO_TEST_CASE(a_send_that_is_refused_makes_no_window)
{
    test_register tested;
    BOOST_TEST(tested.send_objects("a", {sent::other(), sent(), sent::number(infinity)}) ==
               "[!not_a_number null !not_a_number]");
    BOOST_TEST(tested.send_objects("a", at({{1, 2}})) == "[!not_timed]");
    BOOST_TEST(tested.get().count() == 0);
    BOOST_TEST(tested.read("a") == "no_such_window");
}

BOOST_AUTO_TEST_CASE(a_send_that_is_not_refused_makes_a_window_though_there_is_nothing_to_take)
{
    test_register tested;
    BOOST_TEST(tested.send_objects("a", {sent(), sent()}) == "created [null null]");
    tested.send_objects("b", std::vector<sent>());
    BOOST_TEST(tested.get().count() == 2);
    BOOST_TEST(tested.state_of("a").n == 0);
    BOOST_TEST(tested.read("b") == "[null]");
}

BOOST_AUTO_TEST_CASE(what_is_refused_takes_no_number_and_the_others_count)
{
    test_register tested;
    BOOST_TEST(
        tested.send_objects("a", {sent::other(), sent::number(5), sent(), sent::other(), sent::number(7)}) ==
        "created [!not_a_number 5 null !not_a_number 6]");
    BOOST_TEST(tested.state_of("a").n == 2);
}

BOOST_AUTO_TEST_CASE(times_are_for_windows_of_time_and_do_not_go_back)
{
    test_register tested;
    tested.open("counted");
    BOOST_TEST(tested.send_objects("counted", at({{5, 100}})) == "[!not_timed]");
    tested.open("timed", {.span = 10});
    BOOST_TEST(tested.send_objects("timed", at({{5, 100}, {7, 99}, {7, 100}, {9, 110}})) ==
               "[5 !out_of_order 6 9]");
    BOOST_TEST(tested.state_of("timed").n == 3);
}

BOOST_AUTO_TEST_CASE(every_yield_of_a_batch_has_its_own_readings)
{
    test_register tested;
    tested.open("a", {.size = 2, .min_count = 2, .stats = stats({"first", "last", "zscore"})});
    BOOST_TEST(tested.send("a", {1, 3, 3, 5}) ==
               "[null {first:1 last:3 zscore:0.707107} {first:3 last:3 zscore:null} "
               "{first:3 last:5 zscore:0.707107}]");
}

BOOST_AUTO_TEST_CASE(next_read_and_clear_yield_once)
{
    test_register tested;
    tested.open("a", {.stats = stats({"min", "max"})}, {1, 2});
    BOOST_TEST(tested.next("a") == "[null]");
    BOOST_TEST(tested.state_of("a").n == 2);
    BOOST_TEST(tested.read("a") == "[{min:1 max:2}]");
    BOOST_TEST(tested.state_of("a").n == 2);
    BOOST_TEST(tested.clear("a") == "[null]");
    BOOST_TEST(tested.read("a") == "[null]");
    BOOST_TEST(text_of(tested.state_of("a")) == "a size=3 stats=min,max min_count=1 count=0 n=3");
}

BOOST_AUTO_TEST_CASE(a_dump_is_a_snapshot_that_nothing_changes)
{
    test_register tested;
    tested.open("a", {.size = 4}, {1, 2, 3});
    auto const kept = std::move(tested.perform("a", 0, {.window = {}, .what = dump_window{}}).dumped);
    tested.send("a", {9, 9, 9});
    tested.close("a");
    BOOST_TEST(kept.values() == std::vector<double>({1, 2, 3}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_dump_leaves_no_trace_in_what_comes_next)
{
    test_register tested;
    tested.open("a", {}, {1, 3});
    BOOST_TEST(tested.dump("a") == "[1 3]");
    BOOST_TEST(tested.next("a") == "[null]");
    BOOST_TEST(tested.dump("a") == "[1 3]");
    BOOST_TEST(tested.send("a", {5}) == "[3]");
    BOOST_TEST(tested.dump("a") == "[1 3 5]");
    BOOST_TEST(tested.dump("a") == "[1 3 5]");
    BOOST_TEST(tested.state_of("a").n == 3);
}

BOOST_AUTO_TEST_CASE(an_empty_window_dumps_as_nothing)
{
    test_register tested;
    tested.open("a");
    BOOST_TEST(tested.dump("a") == "[]");
    BOOST_TEST(tested.send("a", {5}) == "[5]");
}

BOOST_AUTO_TEST_CASE(close_ends_a_window_and_frees_its_name)
{
    step_counter steps;
    test_register tested({}, {}, &steps);
    tested.open("a", {.size = 9}, {1});
    BOOST_TEST(tested.close("a").empty());
    BOOST_TEST(steps.exits == 1);
    BOOST_TEST(tested.get().count() == 0);
    BOOST_TEST(tested.open("a") == "created a size=3 stats=mean min_count=1 count=0 n=0");
}

BOOST_AUTO_TEST_CASE(a_name_that_no_window_has_is_told_as_such)
{
    test_register tested;
    tested.open("a");
    for (auto const operation : {&test_register::next, &test_register::read, &test_register::clear,
                                 &test_register::dump, &test_register::close})
        BOOST_TEST((tested.*operation)("b", 0) == "no_such_window");
    BOOST_TEST(tested.list() == "a");
}

BOOST_AUTO_TEST_CASE(a_window_that_was_closed_is_told_as_such_to_who_means_it)
{
    test_register tested;
    tested.open("a");
    auto const id = tested.state_of("a").id;
    tested.close("a");
    auto const check_closed = [&] {
        for (auto const operation : {&test_register::next, &test_register::read, &test_register::clear,
                                     &test_register::dump, &test_register::close})
            BOOST_TEST((tested.*operation)("a", id) == "closed");
        BOOST_TEST(tested.send("a", {5}, id) == "closed");
        BOOST_TEST(text_of(tested.perform("a", id, {.window = {}, .what = open_window{}}).why) == "closed");
    };
    check_closed();
    BOOST_TEST(tested.get().count() == 0);

    tested.open("a", {}, {1});
    check_closed(); // another window has the name
    auto const other = tested.state_of("a").id;
    BOOST_TEST(other != id);
    BOOST_TEST(tested.send("a", {3}, other) == "[2]");
    BOOST_TEST(tested.send("a", {5}) == "[3]");
    BOOST_TEST(tested.state_of("a").n == 3);
}

BOOST_AUTO_TEST_CASE(no_two_windows_have_an_id_in_common)
{
    test_register tested;
    std::vector<std::uint64_t> ids;
    for (auto i = 0; i < 10; ++i) {
        tested.open("a");
        tested.send("b", {5});
        ids.push_back(tested.state_of("a").id);
        ids.push_back(tested.state_of("b").id);
        tested.close("a");
        tested.close("b");
    }
    std::ranges::sort(ids);
    BOOST_TEST((std::ranges::adjacent_find(ids) == ids.end()));
    BOOST_TEST(ids.front() > 0);
}

BOOST_AUTO_TEST_CASE(there_are_no_more_windows_than_there_may_be)
{
    test_register tested({.max_windows = 2});
    tested.open("a");
    tested.send("b", {1});
    auto const before = tested.everything();
    BOOST_TEST(tested.open("c") == "limit_reached");
    BOOST_TEST(tested.send("c", {1}) == "limit_reached");
    BOOST_TEST(tested.send_objects("c", {sent::other()}) == "[!not_a_number]"); // would make none
    BOOST_TEST(tested.everything() == before);
    BOOST_TEST(tested.open("a").starts_with("a "));
    BOOST_TEST(tested.send("b", {3}) == "[2]");
    tested.close("a");
    BOOST_TEST(tested.send("c", {1}) == "created [1]");
}

BOOST_AUTO_TEST_CASE(dumps_that_are_under_way_hold_no_more_values_than_they_may)
{
    test_register tested({.max_dumped = 5, .small_dump = 0});
    tested.open("three", {}, {1, 2, 3});
    tested.open("two", {}, {1, 2});
    tested.open("six", {.size = 6}, {1, 2, 3, 4, 5, 6});
    auto const dump = [&](std::string_view name) {
        return std::move(tested.perform(name, 0, {.window = {}, .what = dump_window{}}).dumped);
    };
    {
        auto const first = dump("three");
        BOOST_TEST(tested.dump("three") == "dumps_limit");
        BOOST_TEST(tested.dump("two") == "[1 2]");
        BOOST_TEST(tested.dump("two") == "[1 2]"); // the one before was not kept
        auto const second = dump("two");
        BOOST_TEST(tested.dump("two") == "dumps_limit");
        BOOST_TEST(tested.read("three") == "[2]");
    }
    {
        auto first = dump("six"); // the first is let through whatever its size
        BOOST_TEST(tested.dump("two") == "dumps_limit");
        auto const moved = std::move(first);
        BOOST_TEST(tested.dump("two") == "dumps_limit");
        BOOST_TEST(moved.values().size() == 6U);
    }
    auto kept = dump("three");
    kept = dump("six");
    BOOST_TEST(kept.values().size() == 0U); // refused, and what was kept is given back
    kept = dump("six");
    BOOST_TEST(kept.values().size() == 6U);
}

BOOST_AUTO_TEST_CASE(windows_are_listed_in_name_order)
{
    test_register tested;
    for (auto const* const name : {"b", "a", "B", "a.b", "a-b", "ab"})
        tested.open(name);
    BOOST_TEST(tested.list() == "B a a-b a.b ab b");
    auto const listed = tested.get().list("b", "", 1, tested.now);
    BOOST_TEST(listed.size() == 1U);
    tested.send("b", {4, 5});
    BOOST_TEST(text_of(tested.state_of("b")) == "b size=3 stats=mean min_count=1 count=2 n=2");
}

BOOST_AUTO_TEST_CASE(a_list_may_be_of_those_that_match)
{
    test_register tested;
    for (auto const* const name : {"cpu", "cpu.0", "cpu.1", "cpu.10", "cpu2", "disk.1", "net.1"})
        tested.open(name);
    BOOST_TEST(tested.list("cpu.*") == "cpu.0 cpu.1 cpu.10");
    BOOST_TEST(tested.list("cpu*1*") == "cpu.1 cpu.10");
    BOOST_TEST(tested.list("*.1") == "cpu.1 disk.1 net.1");
    BOOST_TEST(tested.list("cpu") == "cpu");
    BOOST_TEST(tested.list("cp").empty());
    BOOST_TEST(tested.list("z*").empty());
}

BOOST_AUTO_TEST_CASE(a_list_comes_page_by_page)
{
    test_register tested;
    for (auto const* const name : {"a", "b", "c.1", "c.2", "c.3", "d"})
        tested.open(name);
    BOOST_TEST(tested.list("*", "", 2) == "a b ...");
    BOOST_TEST(tested.list("*", "b", 2) == "c.1 c.2 ...");
    BOOST_TEST(tested.list("*", "c.2", 2) == "c.3 d");
    BOOST_TEST(tested.list("*", "d", 2).empty());
    BOOST_TEST(tested.list("c*", "", 2) == "c.1 c.2 ...");
    BOOST_TEST(tested.list("c*", "c.2", 2) == "c.3");
    BOOST_TEST(tested.list("c*", "a", 3) == "c.1 c.2 c.3");
    BOOST_TEST(tested.list("c*", "e", 3).empty());
    BOOST_TEST(tested.list("c*", "c.25", 3) == "c.3"); // there need be no such window
    BOOST_TEST(tested.list("c.1", "c.1", 3).empty());
    BOOST_TEST(tested.list("c.1", "c.0", 3) == "c.1");
}

BOOST_AUTO_TEST_CASE(a_window_of_arrival_times_empties_as_time_passes)
{
    test_register tested;
    tested.open("a", {.span = 10});
    tested.send("a", {1});
    tested.now += 4;
    tested.send("a", {3});
    BOOST_TEST(tested.read("a") == "[2]");
    tested.now += 5.5;
    BOOST_TEST(tested.dump("a") == "[1 3]");
    tested.now += 0.5;
    BOOST_TEST(tested.dump("a") == "[3]");
    BOOST_TEST(tested.read("a") == "[3]");
    BOOST_TEST(tested.state_of("a").count == 1);
    tested.now += 4;
    BOOST_TEST(tested.state_of("a").count == 0);
    BOOST_TEST(tested.open("a").ends_with("count=0 n=2"));
    BOOST_TEST(tested.dump("a") == "[]");
}

BOOST_AUTO_TEST_CASE(values_that_a_window_begins_with_arrive_then)
{
    test_register tested;
    tested.open("a", {.span = 10}, {1, 2});
    tested.now += 9;
    BOOST_TEST(tested.send("a", {3}) == "[2]");
    tested.now += 1;
    BOOST_TEST(tested.read("a") == "[3]");
}

BOOST_AUTO_TEST_CASE(time_does_not_go_back)
{
    test_register tested;
    tested.open("a", {.span = 10});
    tested.send("a", {1});
    tested.now -= 1000;
    BOOST_TEST(tested.send("a", {3}) == "[2]");
    tested.now += 1009;
    BOOST_TEST(tested.read("a") == "[2]");
    tested.now += 1;
    BOOST_TEST(tested.read("a") == "[null]");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(idle_windows)

BOOST_AUTO_TEST_CASE(a_window_that_nobody_uses_is_closed_when_its_time_is_over)
{
    test_register tested({.idle_expiry = 60});
    tested.open("a");
    auto const id = tested.state_of("a").id;
    tested.now += 59.75;
    BOOST_TEST(tested.get().close_idle(tested.now) == tested.now + 0.25);
    BOOST_TEST(tested.get().count() == 1);
    tested.now += 0.25;
    BOOST_TEST(tested.get().close_idle(tested.now) == infinity);
    BOOST_TEST(tested.get().count() == 0);
    BOOST_TEST(tested.read("a", id) == "closed");
    BOOST_TEST(tested.open("a").starts_with("created"));
}

BOOST_AUTO_TEST_CASE(every_operation_first_closes_what_is_due)
{
    test_register tested({.idle_expiry = 60});
    tested.open("a", {.size = 9}, {1});
    tested.now += 60;
    BOOST_TEST(tested.send("a", {5}) == "created [5]");
    tested.now += 60;
    BOOST_TEST(tested.list().empty());
    tested.open("a");
    tested.now += 60;
    BOOST_TEST(tested.read("a") == "no_such_window");
}

BOOST_AUTO_TEST_CASE(every_operation_that_is_done_is_a_use)
{
    test_register tested({.idle_expiry = 60});
    tested.open("a");
    auto const uses = std::array<std::function<std::string()>, 6>{
        [&] { return tested.open("a"); },  [&] { return tested.send("a", {1}); },
        [&] { return tested.next("a"); },  [&] { return tested.read("a"); },
        [&] { return tested.clear("a"); }, [&] { return tested.dump("a"); }};
    for (auto const& use : uses) {
        tested.now += 59;
        use();
        tested.now += 59;
        BOOST_TEST(tested.get().close_idle(tested.now) == tested.now + 1);
        use();
    }
}

BOOST_AUTO_TEST_CASE(what_is_refused_and_what_only_looks_on_is_no_use)
{
    test_register tested({.idle_expiry = 60});
    test_follower follower;
    tested.open("a");
    auto const due = tested.now + 60;
    tested.now += 59;
    BOOST_TEST(tested.open("a", {.size = 100}) == "mismatch");
    BOOST_TEST(tested.read("a", 12'345) == "closed");
    BOOST_TEST(tested.list() == "a");
    tested.get().follow(follower, "a");
    BOOST_TEST(tested.get().close_idle(tested.now) == due);
    tested.get().unfollow_all(follower);
}

BOOST_AUTO_TEST_CASE(each_window_is_closed_at_its_own_time_after_its_last_use)
{
    test_register tested({.idle_expiry = 60});
    test_follower follower;
    for (auto const* const name : {"a", "b", "c"}) {
        tested.open(name);
        tested.now += 10;
    }
    tested.read("a");
    tested.get().follow(follower, "*");
    tested.now += 30;
    BOOST_TEST(tested.get().close_idle(tested.now) == tested.now + 10);
    tested.now += 10;
    BOOST_TEST(tested.list() == "a c");
    tested.now += 10;
    BOOST_TEST(tested.get().close_idle(tested.now) == tested.now + 10);
    tested.now += 10;
    BOOST_TEST(tested.get().close_idle(tested.now) == infinity);
    BOOST_TEST(follower.told() == std::vector<std::string>({"close b n=1", "close c n=1", "close a n=1"}),
               boost::test_tools::per_element());
    tested.get().unfollow_all(follower);
}

BOOST_AUTO_TEST_CASE(without_an_expiry_windows_stay)
{
    test_register tested;
    tested.open("a");
    tested.now += 1e9;
    BOOST_TEST(tested.get().close_idle(tested.now) == infinity);
    BOOST_TEST(tested.list() == "a");
}

BOOST_AUTO_TEST_CASE(what_was_told_to_be_due_is_closed_then)
{
    // Whoever waits until then must not find that rounding makes it wait again.
    auto random = std::mt19937_64(3);
    for (auto i = 0; i < 1000; ++i) {
        test_register tested({.idle_expiry = std::uniform_real_distribution(1e-3, 100.0)(random)});
        tested.now = std::uniform_real_distribution(1e9, 2e9)(random);
        tested.open("a");
        auto const due = tested.get().close_idle(tested.now);
        BOOST_TEST_REQUIRE(tested.get().count() == 1U);
        BOOST_TEST_REQUIRE(tested.get().close_idle(due) == infinity);
        BOOST_TEST_REQUIRE(tested.get().count() == 0U);
    }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(register_memory)

namespace {

/// Writes nothing new.
class constant_writer final : public event_writer {
public:
    event_text write(event const&) override { return text_; }

private:
    event_text text_ = std::make_shared<std::string const>("event");
};

class counting_follower final : public follower {
public:
    void deliver(event_text const& happened) noexcept override
    {
        ++told;
        lost += happened == nullptr ? 1 : 0;
    }
    int told = 0;
    int lost = 0;
};

operation sending(std::string_view name, std::vector<sent> const& values)
{
    return {.window = name, .what = send_values{values}};
}

} // namespace

BOOST_AUTO_TEST_CASE(operations_on_windows_that_are_there_allocate_nothing)
{
    constant_writer writer;
    counting_follower followers[3];
    test_asker by;
    window_store store({.idle_expiry = 1000}, {}, writer);
    local_register tested(store);
    for (auto& follower : followers) {
        tested.follow(follower, "a*");
        tested.follow(follower, "*");
    }
    open_window const terms{{.size = 50, .stats = stats({"mean", "p50", "max"})}, {}};
    tested.perform({.window = "a.few", .what = open_window{}}, by);
    tested.perform({.window = "some", .what = terms}, by);
    tested.perform({.window = "a.time", .what = open_window{{.size = 20, .span = 5}, {}}}, by);
    auto const batch = numbers(std::vector<double>(100, 0.5));
    auto const one = numbers({5});
    auto now = 0.0;
    auto const use_all = [&] {
        for (auto const* const name : {"a.few", "some", "a.time"}) {
            now += 0.125;
            for (auto const* const values : {&batch, &one}) {
                auto send = sending(name, *values);
                send.now = now;
                tested.perform(send, by);
            }
            tested.perform({.window = name, .now = now, .what = read_window{}}, by);
            tested.perform({.window = name, .now = now, .what = next_yield{}}, by);
            tested.perform({.window = name, .now = now, .what = open_window{}}, by);
        }
    };
    auto const rounds = 50;
    for (auto i = 0; i < rounds; ++i)
        use_all();
    auto const before = windowd::test::allocations();
    for (auto i = 0; i < rounds; ++i)
        use_all();
    BOOST_TEST(windowd::test::allocations() == before);
    BOOST_TEST(followers[2].told == 3 + 2 * rounds * 3 * 101); // three were opened
}

BOOST_AUTO_TEST_CASE(the_memory_of_a_large_batch_is_not_kept)
{
    constant_writer writer;
    test_asker by;
    window_store store({}, {}, writer);
    local_register tested(store);
    auto const allocations_for = [&](std::size_t count) {
        auto const batch = numbers(std::vector<double>(count, 1.5));
        auto const before = windowd::test::allocations();
        tested.perform(sending("a", batch), by);
        return windowd::test::allocations() - before;
    };
    allocations_for(16'384);
    BOOST_TEST(allocations_for(16'384) == 0U);
    BOOST_TEST(allocations_for(16'385) == 1U);
    BOOST_TEST(allocations_for(1) == 1U); // what was kept is small
    BOOST_TEST(allocations_for(16'384) == 1U);
}

BOOST_AUTO_TEST_CASE(a_window_that_is_closed_gives_all_its_memory_back)
{
    constant_writer writer;
    counting_follower follower;
    test_asker by;
    window_store store({}, {}, writer);
    local_register tested(store);
    auto const live_a_life = [&] {
        auto const values = numbers({1, 2, 3});
        tested.follow(follower, "a*");
        tested.perform(sending("a.b", values), by);
        tested.follow(follower, "*b");
        tested.perform({.window = "a.b", .what = dump_window{}}, by);
        tested.unfollow(follower, "*b");
        tested.perform({.window = "a.b", .what = close_window{}}, by);
        tested.unfollow_all(follower);
    };
    live_a_life();
    auto const before = windowd::test::allocations_alive();
    for (auto i = 0; i < 10; ++i)
        live_a_life();
    BOOST_TEST(windowd::test::allocations_alive() == before);
}

BOOST_AUTO_TEST_CASE(a_pattern_that_nobody_follows_any_more_gives_all_its_memory_back)
{
    constant_writer writer;
    counting_follower follower;
    test_asker by;
    window_store store({}, {}, writer);
    local_register tested(store);
    for (auto const* const name : {"a", "ab", "b"})
        tested.perform({.window = name, .what = open_window{}}, by);
    auto const before = windowd::test::allocations_alive();
    for (auto const* const pattern : {"a*", "*b", "*"})
        tested.follow(follower, pattern);
    BOOST_TEST(windowd::test::allocations_alive() > before);
    tested.unfollow(follower, "*b");
    tested.unfollow_all(follower);
    BOOST_TEST(windowd::test::allocations_alive() == before);
}

namespace {

/// One step of a program, and what it says where it is done.
struct program_step {
    std::function<std::string(test_register&, counting_follower&)> run;
    char const* says;
};

std::string text_of(window_register::followed const& came)
{
    return (came.done ? "follows " : "does not follow ") + std::to_string(came.windows);
}

/// Does something that may throw.
template <class What>
std::string said(What const& what)
{
    try {
        return what();
    } catch (std::bad_alloc const&) {
        return "out_of_memory";
    }
}

/// Runs the first steps of the program undisturbed.
std::unique_ptr<test_register> after(std::vector<program_step> const& program, std::size_t steps,
                                     counting_follower& follower)
{
    auto made = std::make_unique<test_register>(register_limits{}, window_options{.size = 2});
    for (std::size_t i = 0; i < steps; ++i)
        program[i].run(*made, follower);
    return made;
}

/// What follows the state of affairs: the windows, and how many of them each pattern's topic has.
std::string all_of(test_register& tested)
{
    auto text = tested.everything();
    counting_follower probe;
    for (auto const* const pattern : {"a*", "*b", "*"})
        text += " " + std::to_string(tested.get().follow(probe, pattern).windows);
    tested.get().unfollow_all(probe);
    return text;
}

} // namespace

// The texts that these steps give are short enough to need no memory of their own.
BOOST_AUTO_TEST_CASE(where_memory_runs_out_nothing_has_changed)
{
    static auto const terms = window_terms{.size = 2, .stats = stats({"mean", "median"})};
    static auto const data = std::vector<double>{1, 2, 3};
    static auto const one = numbers({5});
    static auto const other = std::vector{sent::other()};
    using tester = test_register;
    using fan = counting_follower;
    auto const said_by = [](result const& came) {
        if (came.why != failure::none)
            return windowd::test::text_of(came.why);
        if (!came.yields.empty() && came.yields.front().refused == refusal::out_of_memory)
            return std::string("out_of_memory");
        return std::string(came.created ? "made" : "done");
    };
    auto const does = [&](std::string_view name, auto what) {
        return [=](tester& to, fan&) {
            operation asked{.window = name, .what = {}};
            asked.what = what;
            return said_by(to.perform(name, 0, std::move(asked)));
        };
    };
    auto const follows = [](std::string_view pattern) {
        return [=](tester& to, fan& by) { return text_of(to.get().follow(by, pattern)); };
    };
    std::vector<program_step> const program{
        {does("a.b", send_values{one}), "made"},
        {follows("a*"), "follows 1"},
        {follows("a*"), "follows 1"},
        {does("a.c", open_window{terms, data}), "made"},
        {does("a.c", open_window{}), "done"},
        {follows("*b"), "follows 1"},
        {does("d.b", send_values{one}), "made"},
        {does("d.c", send_values{other}), "done"},
        {does("a.b", send_values{one}), "done"},
        {does("a.c", read_window{}), "done"},
        {does("a.c", send_values{one}), "done"},
        {does("a.c", dump_window{}), "done"},
        {does("a.c", empty_window{}), "done"},
        {does("a.c", next_yield{}), "done"},
        {[](tester& to, fan&) { return std::to_string(to.get().list("*", "", 9, 0).size()); }, "3"},
        {does("a.b", close_window{}), "done"},
        {[](tester& to, fan& by) { return std::to_string(to.get().unfollow(by, "a*") ? 1 : 0); }, "1"},
    };
    auto failures = 0;
    for (std::size_t i = 0; i < program.size(); ++i) {
        fan undisturbed;
        auto const expected_before = all_of(*after(program, i, undisturbed));
        auto const expected_after = all_of(*after(program, i + 1, undisturbed));
        for (std::size_t nth = 1;; ++nth) {
            fan follower;
            auto const tested = after(program, i, follower);
            auto const told_before = follower.told;
            std::string came;
            auto happened = false;
            {
                windowd::test::failing_allocation const fails(nth);
                came = said([&] { return program[i].run(*tested, follower); });
                happened = fails.happened();
            }
            BOOST_TEST_INFO("step " << i << ", allocation " << nth);
            if (came == "out_of_memory") {
                BOOST_TEST(happened);
                BOOST_TEST(all_of(*tested) == expected_before);
                BOOST_TEST(follower.told == told_before);
                BOOST_TEST(program[i].run(*tested, follower) == program[i].says); // it is as it was
                BOOST_TEST(all_of(*tested) == expected_after);
                ++failures;
            } else {
                BOOST_TEST(came == program[i].says);
                BOOST_TEST(all_of(*tested) == expected_after);
            }
            if (!happened)
                break;
        }
    }
    BOOST_TEST(failures > 30);
}

BOOST_AUTO_TEST_CASE(a_dump_that_there_is_no_memory_for_leaves_no_trace_in_what_comes_next)
{
    test_register tested;
    tested.open("a", {}, {1, 2, 3});
    auto happened = true;
    for (std::size_t nth = 1; happened; ++nth) {
        auto why = failure::none;
        {
            windowd::test::failing_allocation const fails(nth);
            why = tested.perform("a", 0, {.window = {}, .what = dump_window{}}).why;
            happened = fails.happened();
        }
        BOOST_TEST((why == failure::out_of_memory) == happened);
        BOOST_TEST(tested.next("a") == "[null]");
    }
    BOOST_TEST(tested.dump("a") == "[1 2 3]");
}

BOOST_AUTO_TEST_CASE(an_event_that_there_is_no_memory_to_write_is_told_as_lost)
{
    test_register tested;
    counting_follower follower;
    tested.get().follow(follower, "a");
    tested.open("a");
    tested.send("a", {5});
    auto const values = numbers({7});
    {
        windowd::test::failing_allocation const fails(1); // the first is the event's text
        tested.perform("a", 0, {.window = {}, .what = send_values{values}});
        BOOST_TEST(fails.happened());
    }
    BOOST_TEST(follower.told == 3);
    BOOST_TEST(follower.lost == 1);
    BOOST_TEST(tested.dump("a") == "[5 7]");
    tested.get().unfollow_all(follower);
}

BOOST_AUTO_TEST_SUITE_END()

// A random program

BOOST_AUTO_TEST_SUITE(register_model)

namespace {

std::string number_text(double value)
{
    std::ostringstream text;
    text << value;
    return text.str();
}

bool fits(std::string_view pattern, std::string_view name)
{
    if (pattern.empty())
        return name.empty();
    if (pattern.front() == '*')
        return fits(pattern.substr(1), name) || (!name.empty() && fits(pattern, name.substr(1)));
    return !name.empty() && name.front() == pattern.front() && fits(pattern.substr(1), name.substr(1));
}

/// The register as one would write it down on a page: means of numbers, no care for time or memory.
class model {
public:
    struct window {
        std::size_t size = 3;
        std::deque<double> values = {};
        int n = 0;
        double last_use = 0;
        int use = 0; // the number of its last

        std::string mean() const
        {
            if (values.empty())
                return "null";
            return number_text(std::accumulate(values.begin(), values.end(), 0.0) /
                               static_cast<double>(values.size()));
        }
        void push(double value)
        {
            values.push_back(value);
            if (values.size() > size)
                values.pop_front();
            ++n;
        }
    };

    static constexpr double expiry = 100;
    static constexpr std::size_t max_windows = 5;
    static constexpr std::size_t max_patterns = 3;

    void pass(double time)
    {
        now += time;
        auto const by_use = [](auto const& a, auto const& b) { return a.second.use < b.second.use; };
        for (;;) {
            auto const oldest = std::ranges::min_element(windows, by_use);
            if (oldest == windows.end() || oldest->second.last_use + expiry > now)
                return;
            close(oldest->first);
        }
    }
    std::string open(std::string const& name, std::optional<std::size_t> size,
                     std::vector<double> const& data)
    {
        auto const there = windows.find(name);
        if (there == windows.end() && windows.size() == max_windows)
            return "limit_reached";
        if (there != windows.end() && ((size && *size != there->second.size) || !data.empty()))
            return "mismatch";
        auto& opened = windows[name];
        if (there == windows.end()) {
            opened.size = size.value_or(3);
            for (auto const value : data)
                opened.push(value);
            tell(name, "open " + name + " n=" + std::to_string(opened.n));
        }
        touch(opened);
        return (there == windows.end() ? "created " : "") + name + " size=" + std::to_string(opened.size) +
               " stats=mean min_count=1 count=" + std::to_string(opened.values.size()) +
               " n=" + std::to_string(opened.n);
    }
    std::string send(std::string const& name, std::vector<sent> const& values)
    {
        auto const is_number = [](sent const& one) { return one.what() == sent::kind::number; };
        auto const is_other = [](sent const& one) { return one.what() == sent::kind::other; };
        auto const is_new = !windows.contains(name);
        auto const makes =
            is_new && (std::ranges::any_of(values, is_number) || std::ranges::none_of(values, is_other));
        if (makes && windows.size() == max_windows)
            return "limit_reached";
        if (makes)
            tell(name, "open " + name + " n=0");
        window nothing;
        auto& to = is_new && !makes ? nothing : windows[name];
        touch(to);
        std::string yields;
        for (auto const& value : values) {
            yields += yields.empty() ? "" : " ";
            if (!is_number(value)) {
                yields += value.what() == sent::kind::nothing ? "null" : "!not_a_number";
                continue;
            }
            to.push(value.value());
            yields += to.mean();
            tell(name, "yield " + name + " n=" + std::to_string(to.n) +
                           " value=" + number_text(value.value()) + " yields " + to.mean());
        }
        return (makes ? "created [" : "[") + yields + "]";
    }
    std::string use(std::string const& name, std::function<std::string(window&)> const& how)
    {
        auto const there = windows.find(name);
        if (there == windows.end())
            return "no_such_window";
        touch(there->second);
        return how(there->second);
    }
    std::string clear(std::string const& name)
    {
        return use(name, [&](window& cleared) {
            cleared.values.clear();
            tell(name, "clear " + name + " n=" + std::to_string(++cleared.n));
            return "[null]";
        });
    }
    std::string close(std::string const& name)
    {
        auto const gone = windows.extract(name);
        if (gone.empty())
            return "no_such_window";
        tell(gone.key(), "close " + gone.key() + " n=" + std::to_string(gone.mapped().n + 1));
        return "";
    }
    std::string list(std::string const& pattern, std::string const& after) const
    {
        std::string names;
        for (auto const& [name, one] : windows)
            names += fits(pattern, name) && name > after ? (names.empty() ? "" : " ") + name : "";
        return names;
    }
    /// Nothing where there are too many patterns with a star.
    std::optional<std::size_t> follow(std::size_t by, std::string const& pattern)
    {
        auto const is_same = [&](auto const& one) { return one.second == pattern; };
        std::vector<std::string> patterns;
        for (auto const& [who, what] : following) {
            if (what.find('*') != std::string::npos)
                patterns.push_back(what);
        }
        std::ranges::sort(patterns);
        auto const different =
            static_cast<std::size_t>(std::ranges::unique(patterns).begin() - patterns.begin());
        if (pattern.find('*') != std::string::npos && std::ranges::none_of(following, is_same) &&
            different == max_patterns)
            return std::nullopt;
        if (!is_following(by, pattern))
            following.emplace_back(by, pattern);
        return static_cast<std::size_t>(
            std::ranges::count_if(windows, [&](auto const& one) { return fits(pattern, one.first); }));
    }
    bool is_following(std::size_t by, std::string const& pattern) const
    {
        return std::ranges::find(following, std::pair(by, pattern)) != following.end();
    }
    void touch(window& used)
    {
        used.last_use = now;
        used.use = ++uses;
    }
    void tell(std::string const& name, std::string const& text)
    {
        for (std::size_t by = 0; by < told.size(); ++by) {
            auto const concerns = [&](auto const& one) { return one.first == by && fits(one.second, name); };
            if (std::ranges::any_of(following, concerns))
                told[by].push_back(text);
        }
    }

    double now = 0;
    int uses = 0;
    std::map<std::string, window> windows;
    std::vector<std::pair<std::size_t, std::string>> following;
    std::array<std::vector<std::string>, 3> told;
};

/// Does the same random things to a register and to the model, and compares what comes of each.
class random_program {
public:
    explicit random_program(unsigned seed) : random_(seed) { tested_.now = 0; }
    ~random_program()
    {
        for (auto& one : followers_)
            tested_.get().unfollow_all(one);
    }

    void step()
    {
        pass_time();
        auto const name = std::string(pick(names));
        switch (below(14)) {
        case 0:
        case 1:
            open(name);
            break;
        case 2:
            compare(tested_.next(name), model_.use(name, [](auto&) { return "[null]"; }));
            break;
        case 3:
            compare(tested_.read(name), model_.use(name, [](auto& one) { return "[" + one.mean() + "]"; }));
            break;
        case 4:
            compare(tested_.clear(name), model_.clear(name));
            break;
        case 5:
            compare(tested_.close(name), model_.close(name));
            break;
        case 6:
            dump(name);
            break;
        case 7:
            list(name);
            break;
        case 8:
        case 9:
            follow();
            break;
        default:
            send(name);
        }
        compare_events();
    }

private:
    static constexpr std::array<std::string_view, 8> names{"a", "b", "ab", "abc", "b.a", "c", "ca", "cab"};
    static constexpr std::array<std::string_view, 8> patterns{"a", "a*", "*a", "*", "b*a", "*b*", "c", "c*"};

    std::size_t below(std::size_t limit)
    {
        return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random_);
    }
    template <class List>
    std::string_view pick(List const& list)
    {
        return list[below(list.size())];
    }
    void compare(std::string const& came, std::string const& expected)
    {
        BOOST_TEST_REQUIRE(came == expected);
    }
    void pass_time()
    {
        auto const time = below(40) == 0 ? 60.0 : static_cast<double>(below(4));
        model_.pass(time);
        tested_.now += time;
        tested_.get().close_idle(tested_.now);
        BOOST_TEST_REQUIRE(tested_.get().count() == model_.windows.size());
    }
    void open(std::string const& name)
    {
        auto const size = below(2) == 0 ? std::optional(1 + below(4)) : std::nullopt;
        std::vector<double> data(below(3) == 0 ? below(6) : 0);
        for (auto& value : data)
            value = static_cast<double>(below(100));
        compare(tested_.open(name, {.size = size}, data), model_.open(name, size, data));
    }
    void send(std::string const& name)
    {
        std::vector<sent> values(1 + below(4));
        for (auto& value : values) {
            auto const kind = below(6);
            value = kind == 0 ? sent()
                  : kind == 1 ? sent::other()
                              : sent::number(static_cast<double>(below(100)));
        }
        compare(tested_.send_objects(name, values), model_.send(name, values));
    }
    void dump(std::string const& name)
    {
        compare(tested_.dump(name), model_.use(name, [](auto& one) {
            std::string text;
            for (auto const value : one.values)
                text += (text.empty() ? "" : " ") + number_text(value);
            return "[" + text + "]";
        }));
    }
    void list(std::string const& after)
    {
        auto const pattern = std::string(pick(patterns));
        auto const from = below(2) == 0 ? after : "";
        compare(tested_.list(pattern, from), model_.list(pattern, from));
    }
    void follow()
    {
        auto const by = below(followers_.size());
        auto const pattern = std::string(pick(patterns));
        if (below(8) == 0) {
            tested_.get().unfollow_all(followers_[by]);
            std::erase_if(model_.following, [&](auto const& one) { return one.first == by; });
        } else if (below(2) == 0) {
            auto const came = tested_.get().unfollow(followers_[by], pattern);
            BOOST_TEST_REQUIRE(came == model_.is_following(by, pattern));
            std::erase(model_.following, std::pair(by, pattern));
        } else {
            auto const came = tested_.get().follow(followers_[by], pattern);
            auto const expected = model_.follow(by, pattern);
            BOOST_TEST_REQUIRE(came.done == expected.has_value());
            BOOST_TEST_REQUIRE(came.windows == expected.value_or(0));
        }
    }
    /// Where several windows are closed at once, it is in no particular order.
    static std::vector<std::string> by_window(std::vector<std::string> told)
    {
        auto const window = [](std::string const& text) {
            auto const start = text.find(' ') + 1;
            return text.substr(start, text.find(' ', start) - start);
        };
        std::ranges::stable_sort(told, {}, window);
        return told;
    }
    void compare_events()
    {
        for (std::size_t by = 0; by < followers_.size(); ++by)
            BOOST_TEST_REQUIRE(by_window(followers_[by].told()) ==
                                   by_window(std::exchange(model_.told[by], {})),
                               boost::test_tools::per_element());
    }

    std::mt19937_64 random_;
    test_register tested_{{.max_windows = model::max_windows,
                           .idle_expiry = model::expiry,
                           .max_patterns = model::max_patterns}};
    std::array<test_follower, 3> followers_;
    model model_;
};

} // namespace

BOOST_AUTO_TEST_CASE(random_programs_do_what_the_model_does)
{
    for (auto seed = 0U; seed < 20; ++seed) {
        BOOST_TEST_INFO("seed " << seed);
        random_program program(seed);
        for (auto i = 0; i < 2000; ++i)
            program.step();
    }
}

BOOST_AUTO_TEST_SUITE_END()
