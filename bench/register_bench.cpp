// What it costs to reach a shared window through the register, by name: with one window and with many, value by value
// and in batches, from several threads, and with followers that do not read.
#include "protocol/event_formatter.hpp"
#include "protocol/event_queue.hpp"
#include "window/local_register.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <random>
#include <string>
#include <vector>

namespace {

using namespace windowd;

class silent_asker final : public window::asker {
    void finished(window::result&) noexcept override {}
};

/// A register with windows of 60 values that are full.
class filled_register {
public:
    explicit filled_register(std::size_t count, window::register_limits const& limits = {})
        : store_(limits, {.size = 60}, writer_)
    {
        for (std::size_t i = 0; i < count; ++i)
            names_.push_back("server." + std::to_string(i) + ".response_time");
        for (auto const& name : names_)
            send(name, std::vector(60, window::sent::number(1.5)));
        std::ranges::shuffle(names_, std::mt19937_64(2015));
    }
    ~filled_register()
    {
        for (auto& one : followers_)
            windows_.unfollow_all(one);
    }

    /// In random order.
    std::vector<std::string> const& names() const noexcept { return names_; }

    window::result* send(std::string const& name, std::vector<window::sent> const& values, double now = 0)
    {
        return windows_.perform({.window = name, .now = now, .what = window::send_values{values}}, by_);
    }

    /// Who does not read, and has as many undelivered events as it may.
    void follow(std::size_t count)
    {
        for (std::size_t i = 0; i < count; ++i)
            windows_.follow(followers_.emplace_back(std::size_t{16} * 1024, lost_, nullptr), "server.*");
        for (auto i = 0; i < 1000 && count != 0; ++i)
            send(names_.front(), std::vector(1, window::sent::number(1.5)));
    }

    void follow_and_leave()
    {
        protocol::event_queue visitor(std::size_t{16} * 1024, lost_, nullptr);
        windows_.follow(visitor, "server.*");
        windows_.unfollow_all(visitor);
    }

private:
    protocol::event_formatter writer_;
    window::window_store store_;
    window::local_register windows_{store_};
    silent_asker by_;
    std::vector<std::string> names_;
    std::atomic<std::uint64_t> lost_ = 0;
    std::deque<protocol::event_queue> followers_;
};

std::vector<window::sent> values(std::size_t count)
{
    auto random = std::mt19937_64(2015);
    std::vector<window::sent> made;
    for (std::size_t i = 0; i < count; ++i)
        made.push_back(
            window::sent::number(std::round(std::uniform_real_distribution(0.0, 100'000.0)(random)) / 100));
    return made;
}

void count_values(benchmark::State& state, std::size_t each)
{
    state.counters["each"] =
        benchmark::Counter(static_cast<double>(state.iterations()) * static_cast<double>(each),
                           benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

/// To so many windows in random order, a value a time.
void send_one(benchmark::State& state, window::register_limits const& limits)
{
    filled_register tested(static_cast<std::size_t>(state.range(0)), limits);
    auto const one = values(1);
    auto const& names = tested.names();
    auto now = 0.0;
    for (std::size_t i = 0; auto _ : state) {
        benchmark::DoNotOptimize(tested.send(names[i], one, now));
        i = i + 1 == names.size() ? 0 : i + 1;
        now += 1e-6;
    }
    count_values(state, 1);
}
BENCHMARK_CAPTURE(send_one, windows_stay, {})->Arg(1)->Arg(100)->Arg(10'000);
BENCHMARK_CAPTURE(send_one, windows_expire, {.idle_expiry = 1e9})->Arg(1)->Arg(100)->Arg(10'000);

/// From several threads, a value a time: all to one window, or each to a hundred of its own.
void send_from_threads(benchmark::State& state, bool to_one)
{
    static protocol::event_formatter writer;
    static window::window_store store({}, {.size = 60}, writer);
    window::local_register tested(store);
    silent_asker by;
    std::vector<std::string> names;
    for (auto i = 0; i < (to_one ? 1 : 100); ++i)
        names.push_back("server." + std::to_string(to_one ? 0 : state.thread_index()) + "." +
                        std::to_string(i));
    auto const one = values(1);
    for (std::size_t i = 0; auto _ : state) {
        benchmark::DoNotOptimize(tested.perform({.window = names[i], .what = window::send_values{one}}, by));
        i = i + 1 == names.size() ? 0 : i + 1;
    }
}
BENCHMARK_CAPTURE(send_from_threads, to_one_window, true)->ThreadRange(1, 4);
BENCHMARK_CAPTURE(send_from_threads, to_windows_of_their_own, false)->ThreadRange(1, 4);

/// To one window, so many values at once, with so many followers.
void send_batch(benchmark::State& state)
{
    filled_register tested(1);
    auto const batch = values(static_cast<std::size_t>(state.range(0)));
    tested.follow(static_cast<std::size_t>(state.range(1)));
    for (auto _ : state)
        benchmark::DoNotOptimize(tested.send(tested.names().front(), batch));
    count_values(state, batch.size());
}
BENCHMARK(send_batch)->ArgNames({"values", "followers"})->ArgsProduct({{1, 1000}, {0, 1, 1000}});

/// A new window, and its end, while so many patterns are followed that it does not match.
void make_and_close(benchmark::State& state)
{
    protocol::event_formatter writer;
    std::atomic<std::uint64_t> lost = 0;
    window::window_store store({}, {.size = 60}, writer);
    window::local_register tested(store);
    protocol::event_queue follower(std::size_t{16} * 1024, lost, nullptr);
    for (auto i = 0; i < state.range(0); ++i)
        tested.follow(follower, "*." + std::to_string(i) + ".*");
    silent_asker by;
    for (auto _ : state) {
        tested.perform({.window = "server.load", .what = window::open_window{}}, by);
        tested.perform({.window = "server.load", .what = window::close_window{}}, by);
    }
    tested.unfollow_all(follower);
}
BENCHMARK(make_and_close)->Arg(0)->Arg(1000);

/// One who comes, follows what so many others follow too, and goes, next to 10,000 windows that match.
void follow_and_leave(benchmark::State& state)
{
    filled_register tested(10'000);
    tested.follow(static_cast<std::size_t>(state.range(0)));
    for (auto _ : state)
        tested.follow_and_leave();
}
BENCHMARK(follow_and_leave)->Arg(0)->Arg(1)->Arg(1000);

} // namespace
