// What a value costs in a window: the exact sum and mean, and the queue that remembers the values.
#include "support.hpp"
#include "window/exact_sum.hpp"
#include "window/value_queue.hpp"

#include <benchmark/benchmark.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace {

using windowd::window::exact_sum;
using windowd::window::value_queue;

using windowd::bench::few;
using windowd::bench::make_values;
using windowd::bench::uniform;
using windowd::bench::values;

values integers()
{
    return make_values(few, [](auto& random) { return std::floor(uniform(random, 1, 1001)); });
}

values small_numbers()
{
    return make_values(few, [](auto& random) { return std::round(uniform(random, 0, 1000) * 100) / 100; });
}

values large_and_fractional()
{
    return make_values(
        few, [](auto& random) { return uniform(random, -1, 1) * std::exp2(uniform(random, -20, 60)); });
}

values any_exponent()
{
    return make_values(
        few, [](auto& random) { return uniform(random, -1, 1) * std::exp2(uniform(random, -1070, 1020)); });
}

values overflowing()
{
    return make_values(
        few, [](auto& random) { return uniform(random, 0.9, 1) * std::numeric_limits<double>::max(); });
}

values exact_zeros_and_small()
{
    return make_values(few, [](auto& random) { return random() % 2 ? 0.0 : uniform(random, -10, 10); });
}

void sliding_mean(benchmark::State& state, values (*make)())
{
    auto const input = make();
    auto const size = static_cast<std::size_t>(state.range(0));
    auto sum = exact_sum();
    for (std::size_t i = 0; i < size; ++i)
        sum.add(input[i]);
    std::size_t oldest = 0;
    for ([[maybe_unused]] auto _ : state) {
        sum.remove(input[oldest]);
        sum.add(input[(oldest + size) % few]);
        benchmark::DoNotOptimize(sum.mean(size));
        benchmark::ClobberMemory();
        oldest = (oldest + 1) % few;
    }
}
BENCHMARK_CAPTURE(sliding_mean, integers, integers)->Arg(3)->Arg(1000);
BENCHMARK_CAPTURE(sliding_mean, small_numbers, small_numbers)->Arg(3)->Arg(1000);
BENCHMARK_CAPTURE(sliding_mean, exact_zeros_and_small, exact_zeros_and_small)->Arg(3)->Arg(1000);
BENCHMARK_CAPTURE(sliding_mean, large_and_fractional, large_and_fractional)->Arg(3)->Arg(1000);
BENCHMARK_CAPTURE(sliding_mean, any_exponent, any_exponent)->Arg(3)->Arg(1000);
BENCHMARK_CAPTURE(sliding_mean, overflowing, overflowing)->Arg(3)->Arg(1000);

// As in a service: the next value is sent when the last mean has come back.
void sliding_mean_awaited(benchmark::State& state)
{
    auto const input = small_numbers();
    auto sum = exact_sum();
    for (std::size_t i = 0; i < 3; ++i)
        sum.add(input[i]);
    std::size_t oldest = 0;
    for ([[maybe_unused]] auto _ : state) {
        sum.remove(input[oldest]);
        sum.add(input[(oldest + 3) % few]);
        auto const mean = sum.mean(3);
        benchmark::DoNotOptimize(mean);
        oldest = (oldest + 1 + static_cast<std::size_t>(mean < 0)) % few;
    }
}
BENCHMARK(sliding_mean_awaited);

void add_and_remove(benchmark::State& state)
{
    auto const input = small_numbers();
    auto sum = exact_sum();
    std::size_t i = 0;
    for ([[maybe_unused]] auto _ : state) {
        sum.add(input[i]);
        sum.remove(input[i]);
        benchmark::DoNotOptimize(sum);
        i = (i + 1) % few;
    }
}
BENCHMARK(add_and_remove);

void queue_push_and_pop(benchmark::State& state)
{
    auto queue = value_queue();
    for (std::int64_t i = 0; i < state.range(0); ++i)
        queue.push_back(static_cast<double>(i));
    auto value = 0.0;
    for ([[maybe_unused]] auto _ : state) {
        queue.push_back(value);
        value = queue.pop_front() + 1;
        benchmark::DoNotOptimize(queue);
    }
}
BENCHMARK(queue_push_and_pop)->Arg(3)->Arg(1000)->Arg(1'000'000);

void queue_fill(benchmark::State& state)
{
    for ([[maybe_unused]] auto _ : state) {
        auto queue = value_queue();
        for (std::int64_t i = 0; i < state.range(0); ++i)
            queue.push_back(1.0);
        benchmark::DoNotOptimize(queue);
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(queue_fill)->Arg(3)->Arg(1000)->Arg(1'000'000);

} // namespace

BENCHMARK_MAIN();
