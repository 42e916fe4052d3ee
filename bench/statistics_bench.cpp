// What each statistic costs in a sliding window: a value in, one out and a reading, at every size; the worst single
// step; and windows of time, also where all values leave together.
#include "support.hpp"
#include "window/sliding_window.hpp"

#include <benchmark/benchmark.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace windowd::window;
using windowd::bench::make_values;
using windowd::bench::many;
using windowd::bench::report_worst_step;

constexpr std::size_t million = 1'000'000;

using input = double (*)(std::size_t);

/// Of two decimals, as people send them.
double ordinary(std::size_t i)
{
    static auto const values = make_values(many, [](auto& random) {
        return std::round(std::normal_distribution(100.0, 15.0)(random) * 100) / 100;
    });
    return values[i % many];
}

/// A ramp as long as the largest window, then a drop to the middle, again and again: hard on minimum and order.
double ramps(std::size_t i)
{
    return static_cast<double>(i < million ? i : million / 2 + i % (million / 2));
}

using statistics = std::vector<statistic_ptr>;

/// A window of the last `size` values, or where it is one of time, of the last `size` seconds, of which each has a
/// value.
struct stream {
    stream(statistics const& stats, std::size_t size, bool timed, input values)
        : window({.size = size, .span = timed ? static_cast<double>(size) : 0, .stats = stats}),
          at(values)
    {}

    void step()
    {
        window.push(at(i), now());
        ++i;
        read();
    }
    void read()
    {
        if (window.options().stats.size() == 1)
            benchmark::DoNotOptimize(window.first_reading());
        else
            benchmark::DoNotOptimize(window.readings().data());
    }
    double now() const { return 1.7e9 + static_cast<double>(i); }

    sliding_window window;
    input at;
    std::size_t i = 0;
};

void slide(benchmark::State& state, statistics const& stats, bool timed)
{
    auto const size = static_cast<std::size_t>(state.range(0));
    stream tested(stats, size, timed, ordinary);
    while (tested.i < 2 * size)
        tested.step();
    for ([[maybe_unused]] auto _ : state)
        tested.step();
}

void worst_step(benchmark::State& state, statistics const& stats, input values)
{
    auto const size = static_cast<std::size_t>(state.range(0));
    report_worst_step(state, size, 2 * size, [&] {
        return [tested = stream(stats, size, false, values)](std::size_t) mutable { tested.step(); };
    });
}

/// The one step by which a full window of time loses all values, or all but the newest of them.
void leave_together(benchmark::State& state, statistics const& stats, bool one_stays)
{
    auto const size = static_cast<std::size_t>(state.range(0));
    for ([[maybe_unused]] auto _ : state) {
        state.PauseTiming();
        stream tested(stats, size, true, ordinary);
        while (tested.i < size)
            tested.step();
        tested.i += size - (one_stays ? 2 : 0);
        state.ResumeTiming();
        tested.step();
        state.PauseTiming();
        if (tested.window.count() != (one_stays ? 2 : 1))
            state.SkipWithError("not all have left");
        tested.window.clear();
        state.ResumeTiming();
    }
}

void register_all(std::string const& name, statistics const& stats)
{
    auto const add = [&](std::string const& what, auto* run, auto how) {
        return benchmark::RegisterBenchmark((what + "/" + name).c_str(), run, stats, how);
    };
    add("slide", slide, false)->Arg(10)->Arg(1000)->Arg(million);
    add("slide_in_time", slide, true)->Arg(1000)->Arg(million);
    add("worst_step_ordinary", worst_step, ordinary)->Arg(million)->Iterations(1);
    add("worst_step_ramps", worst_step, ramps)->Arg(million)->Iterations(1);
    add("all_leave", leave_together, false)->Arg(million)->Iterations(5);
    add("all_but_one_leave", leave_together, true)->Arg(million)->Iterations(5);
}

} // namespace

int main(int argc, char** argv)
{
    auto every = statistics();
    for (auto name : statistic_names()) {
        every.push_back(find_statistic(name == "pNN" ? "p95" : name));
        register_all(std::string(every.back()->name()), {every.back()});
    }
    register_all("every", every);
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv))
        return 1;
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
}
