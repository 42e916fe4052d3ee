// What a value costs in a window that yields a variance, skewness, kurtosis, z-score or slope.
#include "support.hpp"
#include "window/moments.hpp"
#include "window/value_queue.hpp"

#include <benchmark/benchmark.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>

namespace {

using windowd::window::moments;
using windowd::window::regression;
using windowd::window::value_queue;
using power = moments::power;

using windowd::bench::few;
using windowd::bench::make_values;
using windowd::bench::uniform;
using windowd::bench::values;

values ordinary()
{
    return make_values(few, [](auto& random) { return std::round(uniform(random, 0, 1000) * 100) / 100; });
}

values integers()
{
    return make_values(few, [](auto& random) { return std::floor(uniform(random, 1, 1001)); });
}

values normal()
{
    return make_values(few, [](auto& random) { return std::normal_distribution(0.0, 1.0)(random); });
}

// Whatever the window holds, it has exponents from one end to the other: all words are in use.
values whole_range()
{
    auto made = make_values(
        few, [](auto& random) { return uniform(random, -1, 1) * std::exp2(uniform(random, -1070, 250)); });
    for (std::size_t i = 0; i < few; i += 4) {
        made[i] = 1.7e308;
        made[i + 1] = -4.9e-324;
    }
    return made;
}

// One step: a value comes, the oldest leaves, a result is read.
template <class Read>
void slide(benchmark::State& state, values (*make)(), power highest, Read read)
{
    auto const input = make();
    auto window = moments(highest);
    auto queue = value_queue();
    std::size_t next = 0;
    auto const take = [&] {
        auto const value = input[next++ % few];
        queue.push_back(value);
        window.push(value);
        return value;
    };
    for (std::int64_t i = 0; i < state.range(0); ++i)
        take();
    for ([[maybe_unused]] auto _ : state) {
        auto const value = take();
        window.pop(queue.pop_front());
        benchmark::DoNotOptimize(read(window, value));
    }
}

void nothing(benchmark::State& state, values (*make)(), power highest)
{
    slide(state, make, highest, [](auto const& window, double) { return window.count(); });
}
void variance(benchmark::State& state, values (*make)())
{
    slide(state, make, power::second, [](auto const& window, double) { return window.variance(); });
}
void deviation(benchmark::State& state, values (*make)())
{
    slide(state, make, power::second, [](auto const& window, double) { return window.standard_deviation(); });
}
void z_score(benchmark::State& state, values (*make)())
{
    slide(state, make, power::second, [](auto const& window, double value) { return window.z_score(value); });
}
void skewness(benchmark::State& state, values (*make)())
{
    slide(state, make, power::third, [](auto const& window, double) { return window.skewness(); });
}
void kurtosis(benchmark::State& state, values (*make)())
{
    slide(state, make, power::fourth, [](auto const& window, double) { return window.kurtosis(); });
}

void slope(benchmark::State& state, values (*make)(), double interval)
{
    auto const input = make();
    auto line = regression();
    auto times = value_queue();
    auto queue = value_queue();
    std::size_t next = 0;
    auto now = interval < 1 ? 1.7e9 : 0.0;
    auto const take = [&] {
        auto const value = input[next++ % few];
        times.push_back(now += interval);
        queue.push_back(value);
        line.push(now, value);
    };
    for (std::int64_t i = 0; i < state.range(0); ++i)
        take();
    for ([[maybe_unused]] auto _ : state) {
        take();
        line.pop(times.pop_front(), queue.pop_front());
        benchmark::DoNotOptimize(line.slope());
    }
}

void sizes(benchmark::internal::Benchmark* benchmark)
{
    benchmark->Arg(10)->Arg(1000)->Arg(1'000'000);
}

BENCHMARK_CAPTURE(nothing, second_powers, ordinary, power::second)->Arg(1000);
BENCHMARK_CAPTURE(nothing, third_powers, ordinary, power::third)->Arg(1000);
BENCHMARK_CAPTURE(nothing, fourth_powers, ordinary, power::fourth)->Arg(1000);
BENCHMARK_CAPTURE(variance, ordinary, ordinary)->Apply(sizes);
BENCHMARK_CAPTURE(variance, integers, integers)->Apply(sizes);
BENCHMARK_CAPTURE(variance, normal, normal)->Apply(sizes);
BENCHMARK_CAPTURE(deviation, ordinary, ordinary)->Apply(sizes);
BENCHMARK_CAPTURE(z_score, ordinary, ordinary)->Apply(sizes);
BENCHMARK_CAPTURE(skewness, ordinary, ordinary)->Apply(sizes);
BENCHMARK_CAPTURE(skewness, normal, normal)->Apply(sizes);
BENCHMARK_CAPTURE(kurtosis, ordinary, ordinary)->Apply(sizes);
BENCHMARK_CAPTURE(kurtosis, normal, normal)->Apply(sizes);
BENCHMARK_CAPTURE(slope, ordinary_by_count, ordinary, 1.0)->Apply(sizes);
BENCHMARK_CAPTURE(slope, ordinary_by_time, ordinary, 0.013)->Apply(sizes);

BENCHMARK_CAPTURE(variance, whole_range, whole_range)->Arg(1000);
BENCHMARK_CAPTURE(deviation, whole_range, whole_range)->Arg(1000);
BENCHMARK_CAPTURE(z_score, whole_range, whole_range)->Arg(1000);
BENCHMARK_CAPTURE(skewness, whole_range, whole_range)->Arg(1000);
BENCHMARK_CAPTURE(kurtosis, whole_range, whole_range)->Arg(1000);
BENCHMARK_CAPTURE(slope, whole_range, whole_range, 0.013)->Arg(1000);

} // namespace

BENCHMARK_MAIN();
