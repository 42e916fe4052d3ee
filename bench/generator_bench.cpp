// What a resumption of nanoservice::generator costs: beside a plain call, and at several depths of
// delegation.
#include <benchmark/benchmark.h>

#include <nanoservice/generator.hpp>

#include <cstdint>
#include <numeric>
#include <vector>

namespace {

using nanoservice::as_result;
using nanoservice::elements_of;
using nanoservice::generator;

struct signal {
    std::int64_t value;
};

// The yardstick: the same sum by an ordinary call.
[[gnu::noinline]] std::int64_t const* add(std::int64_t& total, std::int64_t value)
{
    total += value;
    benchmark::DoNotOptimize(total);
    return &total;
}

generator<std::int64_t, std::int64_t> running_total()
{
    for (std::int64_t total = 0;;)
        total += co_yield total;
}

generator<std::int64_t, std::int64_t> total_below(std::int64_t depth)
{
    if (depth == 0)
        co_yield elements_of(running_total());
    else
        co_yield elements_of(total_below(depth - 1));
}

generator<std::int64_t, std::int64_t> at_depth(std::int64_t depth)
{
    return depth == 0 ? running_total() : total_below(depth - 1);
}

generator<std::int64_t> counter()
{
    for (std::int64_t count = 0;; ++count)
        co_yield count;
}

generator<std::int64_t, std::int64_t> receiver()
{
    for (std::int64_t total = 0;;) {
        auto const received = co_yield as_result(total);
        if (received.has_value())
            total += *received;
        else if (auto const* const what = received.get_if<signal>())
            total += what->value;
    }
}

generator<std::int64_t, std::int64_t> catcher()
{
    for (std::int64_t total = 0;;) {
        try {
            total += co_yield total;
        } catch (signal const& what) {
            total += what.value;
        }
    }
}

generator<std::int64_t> walk(std::vector<std::int64_t> const& values)
{
    co_yield elements_of(values);
}

void plain_call(benchmark::State& state)
{
    std::int64_t total = 0;
    for (auto _ : state)
        benchmark::DoNotOptimize(*add(total, 1));
}
BENCHMARK(plain_call);

void next(benchmark::State& state)
{
    auto g = counter();
    for (auto _ : state)
        benchmark::DoNotOptimize(*g.next());
}
BENCHMARK(next);

void send(benchmark::State& state)
{
    auto g = at_depth(state.range(0));
    g.next();
    for (auto _ : state)
        benchmark::DoNotOptimize(*g.send(1));
}
BENCHMARK(send)->ArgName("depth")->Arg(0)->Arg(1)->Arg(64);

void send_received_as_result(benchmark::State& state)
{
    auto g = receiver();
    g.next();
    for (auto _ : state)
        benchmark::DoNotOptimize(*g.send(1));
}
BENCHMARK(send_received_as_result);

void throw_received_as_result(benchmark::State& state)
{
    auto g = receiver();
    g.next();
    for (auto _ : state)
        benchmark::DoNotOptimize(*g.throw_(signal{1}));
}
BENCHMARK(throw_received_as_result);

void throw_caught(benchmark::State& state)
{
    auto g = catcher();
    g.next();
    for (auto _ : state)
        benchmark::DoNotOptimize(*g.throw_(signal{1}));
}
BENCHMARK(throw_caught);

// One item is one element.
void elements_of_a_vector(benchmark::State& state)
{
    std::vector<std::int64_t> values(4096);
    std::iota(values.begin(), values.end(), 0);
    for (auto _ : state) {
        auto g = walk(values);
        while (auto const* const element = g.next())
            benchmark::DoNotOptimize(*element);
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(values.size()));
}
BENCHMARK(elements_of_a_vector);

void created_run_and_destroyed(benchmark::State& state)
{
    for (auto _ : state) {
        auto g = running_total();
        benchmark::DoNotOptimize(*g.next());
    }
}
BENCHMARK(created_run_and_destroyed);

} // namespace
