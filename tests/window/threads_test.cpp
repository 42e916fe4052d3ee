// Shared windows that several threads use at once, each through a register of its own.
#include "window/register_support.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <map>
#include <random>
#include <set>
#include <thread>

namespace {

using namespace windowd::test;
using namespace windowd::window;

/// What one thread has of a store.
class user {
public:
    explicit user(window_store& store) : windows_(store) {}

    result& send(std::string_view name, std::vector<double> const& values)
    {
        sent_ = numbers(values);
        return perform(name, send_values{sent_});
    }
    template <class What>
    result& perform(std::string_view name, What what, std::uint64_t id = 0)
    {
        operation asked{.window = name, .id = id, .now = now, .what = {}};
        asked.what = std::move(what);
        return *windows_.perform(asked, by_);
    }
    window_register& get() noexcept { return windows_; }

    double now = 1000;

private:
    local_register windows_;
    test_asker by_;
    std::vector<sent> sent_;
};

/// Lets so many threads, each with a register of its own, do the same at once.
template <class Do>
void do_at_once(window_store& store, std::size_t threads, Do const& what)
{
    std::barrier start(static_cast<std::ptrdiff_t>(threads));
    std::vector<std::jthread> all;
    for (std::size_t i = 0; i < threads; ++i) {
        all.emplace_back([&, i] {
            user one(store);
            start.arrive_and_wait();
            what(one, i);
        });
    }
}

/// Looks whether the changes of each window come in order and none is missing.
class order_checker final : public event_writer {
public:
    event_text write(event const& happened) override
    {
        auto const name = std::string(happened.window);
        if (happened.what == event::kind::open)
            wrong += last_n_.try_emplace(name, happened.n).second ? 0 : 1;
        else
            wrong += happened.n == ++last_n_.at(name) ? 0 : 1;
        if (happened.what == event::kind::close)
            last_n_.erase(name);
        ++written;
        return text_;
    }

    std::size_t wrong = 0;
    std::size_t written = 0;

private:
    event_text text_ = std::make_shared<std::string const>("event");
    std::map<std::string, std::uint64_t> last_n_;
};

class counting_follower final : public follower {
public:
    void deliver(event_text const&) noexcept override { ++told; }

    std::size_t told = 0;
};

std::vector<std::string> names(std::size_t count)
{
    std::vector<std::string> all;
    for (std::size_t i = 0; i < count; ++i)
        all.push_back("w." + std::to_string(i));
    return all;
}

std::vector<std::string> names_of(std::vector<window_state> const& found)
{
    std::vector<std::string> all;
    for (auto const& one : found)
        all.emplace_back(one.name);
    return all;
}

} // namespace

BOOST_AUTO_TEST_SUITE(register_threads)

BOOST_AUTO_TEST_CASE(the_values_of_a_request_stay_together)
{
    test_writer writer;
    window_store store({}, {.size = 3}, writer);
    std::atomic<int> wrong = 0;
    do_at_once(store, 4, [&](user& one, std::size_t i) {
        auto const own = static_cast<double>(i + 1);
        for (auto round = 0; round < 2000; ++round) {
            auto const& came = one.send("shared", {own, own, own});
            wrong += came.taken == 3 && came.yields[2].number == own ? 0 : 1;
        }
    });
    BOOST_TEST(wrong == 0);
    user after(store);
    BOOST_TEST(after.get().list("*", "", 1, after.now).at(0).n == 4U * 2000 * 3);
}

BOOST_AUTO_TEST_CASE(no_value_of_any_thread_is_lost)
{
    test_writer writer;
    window_store store({}, {.size = 100'000, .stats = stats({"sum"})}, writer);
    auto const windows = names(50);
    do_at_once(store, 4, [&](user& one, std::size_t i) {
        auto random = std::mt19937_64(i);
        for (auto round = 0; round < 4000; ++round)
            one.send(windows[random() % windows.size()], {1, 2});
    });
    user after(store);
    auto values = 0.0;
    auto sum = 0.0;
    auto const found = after.get().list("*", "", 1000, after.now);
    BOOST_TEST(found.size() == windows.size());
    for (auto const& one : found) {
        BOOST_TEST(one.count == one.n);
        values += static_cast<double>(one.n);
    }
    for (auto const& name : windows)
        sum += after.perform(name, read_window{}).yields[0].number.value();
    BOOST_TEST(values == 4 * 4000 * 2);
    BOOST_TEST(sum == 4 * 4000 * 3);
}

BOOST_AUTO_TEST_CASE(a_dump_shows_whole_requests)
{
    test_writer writer;
    window_store store({}, {.size = 8}, writer);
    std::atomic<int> wrong = 0;
    do_at_once(store, 4, [&](user& one, std::size_t i) {
        for (auto round = 0; round < 1000; ++round) {
            one.send("shared", std::vector(8, static_cast<double>(i)));
            auto const& came = one.perform("shared", dump_window{});
            auto const values = came.dumped.values();
            wrong += values.size() == 8 && std::ranges::count(values, values[0]) == 8 ? 0 : 1;
        }
    });
    BOOST_TEST(wrong == 0);
}

BOOST_AUTO_TEST_CASE(the_events_of_each_window_come_in_order_and_none_is_missing)
{
    order_checker writer;
    window_store store({}, {}, writer);
    counting_follower by;
    user outside(store);
    outside.get().follow(by, "*");
    auto const windows = names(6);
    do_at_once(store, 4, [&](user& one, std::size_t i) {
        auto random = std::mt19937_64(i);
        for (auto round = 0; round < 2000; ++round) {
            auto const& name = windows[random() % windows.size()];
            switch (random() % 8) {
            case 0:
                one.perform(name, close_window{});
                break;
            case 1:
                one.perform(name, empty_window{});
                break;
            case 2:
                one.perform(name, open_window{});
                break;
            default:
                one.send(name, {1, 2, 3});
            }
        }
    });
    outside.get().unfollow_all(by);
    BOOST_TEST(writer.wrong == 0U);
    BOOST_TEST(by.told == writer.written);
}

BOOST_AUTO_TEST_CASE(windows_that_threads_make_and_close_are_counted_and_have_ids_of_their_own)
{
    test_writer writer;
    window_store store({}, {}, writer);
    auto const windows = names(5);
    std::vector<std::vector<std::uint64_t>> made(4);
    std::atomic<std::size_t> closed = 0;
    std::atomic<int> wrong = 0;
    do_at_once(store, 4, [&](user& one, std::size_t i) {
        auto random = std::mt19937_64(i);
        for (auto round = 0; round < 3000; ++round) {
            auto const& name = windows[random() % windows.size()];
            auto const& opened = one.perform(name, open_window{});
            auto const id = opened.window.id;
            if (opened.created)
                made[i].push_back(id);
            if (random() % 2 == 0) {
                auto const why = one.perform(name, close_window{}, id).why;
                closed += why == failure::none ? 1 : 0;
                wrong += why == failure::none || why == failure::closed ? 0 : 1;
            }
        }
    });
    std::set<std::uint64_t> ids;
    std::size_t all = 0;
    for (auto const& some : made) {
        ids.insert(some.begin(), some.end());
        all += some.size();
    }
    user after(store);
    BOOST_TEST(wrong == 0);
    BOOST_TEST(ids.size() == all);
    BOOST_TEST(after.get().count() == all - closed);
    BOOST_TEST(after.get().list("*", "", 100, after.now).size() == all - closed);
}

BOOST_AUTO_TEST_CASE(all_threads_together_have_no_more_windows_than_there_may_be)
{
    test_writer writer;
    window_store store({.max_windows = 10}, {}, writer);
    std::atomic<int> made = 0;
    std::atomic<int> wrong = 0;
    do_at_once(store, 8, [&](user& one, std::size_t i) {
        for (auto const& name : names(100)) {
            auto const own = name + "." + std::to_string(i);
            auto const& came = i % 2 == 0 ? one.send(own, {1}) : one.perform(own, open_window{});
            made += came.created ? 1 : 0;
            wrong += came.created || came.why == failure::limit_reached ? 0 : 1;
            wrong += one.get().count() <= 10 ? 0 : 1;
        }
    });
    BOOST_TEST(wrong == 0);
    BOOST_TEST(made == 10);
    user after(store);
    for (auto const& name : names_of(after.get().list("*", "", 100, after.now)))
        after.perform(name, close_window{});
    BOOST_TEST(after.get().count() == 0U);
    BOOST_TEST(after.perform("new", open_window{}).created);
}

BOOST_AUTO_TEST_CASE(all_threads_together_hold_no_more_dumped_values_than_they_may)
{
    test_writer writer;
    window_store store({.max_dumped = 2500, .small_dump = 10}, {.size = 1000}, writer);
    user(store).send("shared", std::vector<double>(1000, 7));
    std::atomic<int> done = 0;
    std::barrier all_have_asked(8);
    do_at_once(store, 8, [&](user& one, std::size_t) {
        auto& came = one.perform("shared", dump_window{});
        auto const kept = std::move(came.dumped);
        done += came.why == failure::none ? 1 : 0;
        all_have_asked.arrive_and_wait();
    });
    BOOST_TEST(done == 2);
    user after(store);
    BOOST_TEST(after.perform("shared", dump_window{}).dumped.values().size() == 1000U);
}

BOOST_AUTO_TEST_CASE(who_follows_is_told_all_that_it_does_itself_and_nothing_once_it_has_left)
{
    test_writer writer;
    window_store store({}, {}, writer);
    std::atomic<int> wrong = 0;
    do_at_once(store, 4, [&](user& one, std::size_t i) {
        auto const own = "own." + std::to_string(i);
        for (auto round = 0; round < 300; ++round) {
            counting_follower narrow;
            counting_follower wide;
            wrong += one.get().follow(narrow, own).done ? 0 : 1;
            wrong += one.get().follow(wide, round % 2 == 0 ? "*" : own + "*").done ? 0 : 1;
            auto const& came = one.send(own, {1, 2, 3});
            auto const expected = came.created ? 4U : 3U;
            one.send("shared", {5});
            if (round % 3 == 0)
                one.perform("shared", close_window{});
            one.get().unfollow_all(narrow);
            wrong += one.get().unfollow(wide, round % 2 == 0 ? "*" : own + "*") ? 0 : 1;
            wrong += narrow.told == expected && wide.told >= expected ? 0 : 1;
        }
    });
    BOOST_TEST(wrong == 0);
    counting_follower probe;
    user after(store);
    BOOST_TEST(after.get().follow(probe, "own.*").windows == 4U);
    after.get().unfollow_all(probe);
}

BOOST_AUTO_TEST_CASE(a_list_is_in_order_and_has_all_that_is_always_there)
{
    test_writer writer;
    window_store store({}, {}, writer);
    auto const always = names(40);
    for (auto const& name : always)
        user(store).perform(name, open_window{});
    std::atomic<int> wrong = 0;
    do_at_once(store, 4, [&](user& one, std::size_t i) {
        for (auto round = 0; round < 300; ++round) {
            auto const passing = "w." + std::to_string(100 + (round * 7 + static_cast<int>(i)) % 50);
            if (i % 2 == 0) {
                one.send(passing, {1});
                one.perform(passing, close_window{});
                continue;
            }
            std::set<std::string> seen;
            std::string last;
            for (auto more = true; more;) {
                auto const page = names_of(one.get().list("w.*", last, 7, one.now));
                more = page.size() > 7;
                auto const is_right =
                    page.size() <= 8 && std::ranges::is_sorted(page) && (page.empty() || page[0] > last);
                wrong += is_right ? 0 : 1;
                for (std::size_t k = 0; k < std::min<std::size_t>(page.size(), 7); ++k)
                    seen.insert(last = page[k]);
            }
            wrong += std::ranges::all_of(always, [&](auto& name) { return seen.contains(name); }) ? 0 : 1;
        }
    });
    BOOST_TEST(wrong == 0);
}

BOOST_AUTO_TEST_CASE(settings_change_while_threads_use_the_windows)
{
    test_writer writer;
    window_store store({}, {}, writer);
    auto const windows = names(20);
    std::atomic<int> wrong = 0;
    do_at_once(store, 4, [&](user& one, std::size_t i) {
        for (auto round = 0; round < 500; ++round) {
            one.now = 1000 + round;
            if (i == 0) {
                auto const expiry = round % 2 == 0 ? 0.0 : 2.0;
                one.get().configure({.idle_expiry = expiry},
                                    {.size = 1 + static_cast<std::size_t>(round % 5)});
                one.get().close_idle(one.now);
                continue;
            }
            for (auto const& name : windows)
                wrong += one.send(name, {1}).yields[0].number == 1.0 ? 0 : 1;
        }
    });
    BOOST_TEST(wrong == 0);
}

BOOST_AUTO_TEST_CASE(what_came_stays_as_it_is_while_others_use_the_window)
{
    test_writer writer;
    window_store store({}, {}, writer);
    user first(store);
    user second(store);
    auto const& opened = first.perform("a", open_window{{.size = 50}, {}});
    second.perform("a", close_window{});
    second.perform("a", open_window{{.size = 5, .stats = stats({"p12", "max"})}, {}});
    BOOST_TEST(text_of(opened.window) == "a size=50 stats=mean min_count=1 count=0 n=0");

    auto const& yields = first.send("a", {7}).yields;
    second.send("a", {9, 11});
    BOOST_TEST(text_of(yields[0]) == "{p12:7 max:7}");

    auto const found = first.get().list("*", "", 10, first.now);
    second.perform("a", close_window{});
    BOOST_TEST(text_of(found.at(0)) == "a size=5 stats=p12,max min_count=1 count=3 n=3");
}

BOOST_AUTO_TEST_CASE(a_thread_whose_clock_lags_behind_does_not_turn_time_back)
{
    test_writer writer;
    window_store store({.idle_expiry = 100}, {.size = 10, .span = 5, .stats = stats({"count"})}, writer);
    user ahead(store);
    user behind(store);
    ahead.now = 1000;
    behind.now = 990;
    ahead.send("a", {1});
    BOOST_TEST(text_of(behind.send("a", {2}).yields[0]) == "2");
    BOOST_TEST(text_of(behind.perform("a", read_window{}).yields[0]) == "2");
    ahead.now = 1004;
    BOOST_TEST(text_of(ahead.perform("a", read_window{}).yields[0]) == "2");
    ahead.now = 1005;
    BOOST_TEST(text_of(ahead.perform("a", read_window{}).yields[0]) == "null");
    BOOST_TEST(ahead.get().close_idle(1104) == 1105);
}

BOOST_AUTO_TEST_SUITE_END()
