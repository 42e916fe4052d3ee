// What order costs in a window: percentiles, minimum and maximum at every size, and the worst single step.
#include "support.hpp"
#include "window/extremes.hpp"
#include "window/percentile.hpp"
#include "window/sorted_values.hpp"

#include <benchmark/benchmark.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>

namespace {

using windowd::bench::make_values;
using windowd::bench::many;
using windowd::bench::report_worst_step;
using windowd::window::interpolate;
using windowd::window::percentile;
using windowd::window::sorted_values;
using windowd::window::window_minimum;

using input = double (*)(std::size_t);

double random_value(std::size_t i)
{
    static auto const values =
        make_values(many, [](auto& random) { return std::normal_distribution(100.0, 15.0)(random); });
    return values[i % many];
}

double few_values(std::size_t i)
{
    return std::floor(random_value(i) / 10);
}

double ascending(std::size_t i)
{
    return static_cast<double>(i);
}

double descending(std::size_t i)
{
    return -static_cast<double>(i);
}

double constant(std::size_t)
{
    return 5;
}

/// A ramp as long as the largest window, then a drop to the bottom, again and again.
double ramps(std::size_t i)
{
    return static_cast<double>(i % 1'000'000);
}

/// The same with a drop to the middle: a cut that has to be looked for.
double half_ramps(std::size_t i)
{
    return static_cast<double>(i < 1'000'000 ? i : 500'000 + i % 500'000);
}

/// The state of a window that keeps order, and what it does with each value.
struct ordered_window {
    void push(input at, std::size_t i)
    {
        values.insert(at(i));
        if (i >= size)
            values.erase(at(i - size));
    }
    double value() const { return p99.of(values); }

    std::size_t size;
    percentile p99 = *percentile::parse("99");
    sorted_values values = {};
};

struct minimum_window {
    void push(input at, std::size_t i)
    {
        values.push(at(i));
        if (i >= size)
            values.pop();
    }
    double value() const { return values.value(); }

    std::size_t size;
    window_minimum values = {};
};

template <class Window>
void slide(benchmark::State& state, input at)
{
    auto const size = static_cast<std::size_t>(state.range(0));
    auto window = Window{size};
    std::size_t i = 0;
    while (i < 3 * size)
        window.push(at, i++);
    for ([[maybe_unused]] auto _ : state) {
        window.push(at, i++);
        benchmark::DoNotOptimize(window.value());
    }
}

void sliding_p99(benchmark::State& state, input at)
{
    slide<ordered_window>(state, at);
}
BENCHMARK_CAPTURE(sliding_p99, random, random_value)->Arg(10)->Arg(1000)->Arg(100'000)->Arg(1'000'000);
BENCHMARK_CAPTURE(sliding_p99, few_values, few_values)->Arg(10)->Arg(1000)->Arg(1'000'000);
BENCHMARK_CAPTURE(sliding_p99, ascending, ascending)->Arg(10)->Arg(1000)->Arg(1'000'000);
BENCHMARK_CAPTURE(sliding_p99, descending, descending)->Arg(10)->Arg(1000)->Arg(1'000'000);
BENCHMARK_CAPTURE(sliding_p99, constant, constant)->Arg(10)->Arg(1000)->Arg(1'000'000);

void sliding_minimum(benchmark::State& state, input at)
{
    slide<minimum_window>(state, at);
}
BENCHMARK_CAPTURE(sliding_minimum, random, random_value)->Arg(10)->Arg(1000)->Arg(1'000'000);
BENCHMARK_CAPTURE(sliding_minimum, ascending, ascending)->Arg(10)->Arg(1000)->Arg(1'000'000);
BENCHMARK_CAPTURE(sliding_minimum, descending, descending)->Arg(10)->Arg(1000)->Arg(1'000'000);
BENCHMARK_CAPTURE(sliding_minimum, constant, constant)->Arg(10)->Arg(1000)->Arg(1'000'000);
BENCHMARK_CAPTURE(sliding_minimum, ramps, ramps)->Arg(1'000'000);

template <class Window>
void worst_step(benchmark::State& state, input at)
{
    auto const size = static_cast<std::size_t>(state.range(0));
    report_worst_step(state, size, 2 * size + 10, [=] {
        return [window = Window{size}, at](std::size_t i) mutable {
            window.push(at, i);
            benchmark::DoNotOptimize(window.value());
        };
    });
}

void worst_p99_step(benchmark::State& state, input at)
{
    worst_step<ordered_window>(state, at);
}
BENCHMARK_CAPTURE(worst_p99_step, random, random_value)->Arg(1'000'000)->Iterations(1);
BENCHMARK_CAPTURE(worst_p99_step, ascending, ascending)->Arg(1'000'000)->Iterations(1);
BENCHMARK_CAPTURE(worst_p99_step, descending, descending)->Arg(1'000'000)->Iterations(1);
BENCHMARK_CAPTURE(worst_p99_step, constant, constant)->Arg(1'000'000)->Iterations(1);

void worst_minimum_step(benchmark::State& state, input at)
{
    worst_step<minimum_window>(state, at);
}
BENCHMARK_CAPTURE(worst_minimum_step, random, random_value)->Arg(1'000'000)->Iterations(1);
BENCHMARK_CAPTURE(worst_minimum_step, ascending, ascending)->Arg(1'000'000)->Iterations(1);
BENCHMARK_CAPTURE(worst_minimum_step, ramps, ramps)->Arg(1'000'000)->Iterations(1);
BENCHMARK_CAPTURE(worst_minimum_step, half_ramps, half_ramps)->Arg(1'000'000)->Iterations(1);

void select_p99(benchmark::State& state)
{
    auto window = ordered_window{static_cast<std::size_t>(state.range(0))};
    for (std::size_t i = 0; i < window.size; ++i)
        window.push(random_value, i);
    for ([[maybe_unused]] auto _ : state) {
        benchmark::DoNotOptimize(window.value());
        benchmark::ClobberMemory();
    }
}
BENCHMARK(select_p99)->Arg(10)->Arg(1000)->Arg(1'000'000);

void interpolation(benchmark::State& state)
{
    std::size_t i = 0;
    for ([[maybe_unused]] auto _ : state) {
        auto const value = random_value(i++);
        benchmark::DoNotOptimize(interpolate(value, value + 1, 990'000'001, 1'000'000'000));
    }
}
BENCHMARK(interpolation);

template <class Window>
void clearing(benchmark::State& state)
{
    auto const size = static_cast<std::size_t>(state.range(0));
    for ([[maybe_unused]] auto _ : state) {
        state.PauseTiming();
        auto window = Window{size};
        for (std::size_t i = 0; i < size; ++i)
            window.push(ascending, i);
        state.ResumeTiming();
        window.values.clear();
    }
}
BENCHMARK(clearing<ordered_window>)->Arg(1'000'000);
BENCHMARK(clearing<minimum_window>)->Arg(1'000'000);

} // namespace

BENCHMARK_MAIN();
