// What the benchmarks share: input values, and the measure of the worst single step.
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <limits>
#include <random>
#include <vector>

namespace windowd::bench {

using values = std::vector<double>;

inline double uniform(std::mt19937_64& random, double from, double to)
{
    return std::uniform_real_distribution(from, to)(random);
}

/// The same values in every run. A power of two of them: walking around in them then costs a mask.
template <class Make>
values make_values(std::size_t count, Make make)
{
    auto random = std::mt19937_64(2015);
    auto made = values(count);
    for (auto& value : made)
        value = make(random);
    return made;
}

/// So few stay in the first cache.
constexpr std::size_t few = 2048;
/// More than the largest window.
constexpr std::size_t many = std::size_t{1} << 21;

/// The longest of `count` steps of a window that is filled in the first `size` of them and then slides. `start` makes
/// what takes a step when it is called with the step's number. Each step is timed in several runs of the same program
/// and the shortest time counts, so that interruptions do not. The clock's own time is in it.
template <class Start>
void report_worst_step(benchmark::State& state, std::size_t size, std::size_t count, Start start)
{
    using timer = std::chrono::steady_clock;
    constexpr auto runs = 7;
    auto shortest = std::vector<double>(count, std::numeric_limits<double>::max());
    for ([[maybe_unused]] auto _ : state) {
        for (auto run = 0; run < runs; ++run) {
            auto take_step = start();
            for (std::size_t i = 0; i < count; ++i) {
                auto const begin = timer::now();
                take_step(i);
                auto const time = std::chrono::duration<double, std::nano>(timer::now() - begin).count();
                shortest[i] = std::min(shortest[i], time);
            }
        }
    }
    auto const full = shortest.begin() + static_cast<std::ptrdiff_t>(size);
    state.counters["filling_ns"] = *std::max_element(shortest.begin(), full);
    state.counters["sliding_ns"] = *std::max_element(full, shortest.end());
}

} // namespace windowd::bench
