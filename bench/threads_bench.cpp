// What a value costs when several threads work, each with conversations of its own: on private windows, where they share
// nothing, and on shared ones, where they share what they must.
#include "protocol/conversation.hpp"
#include "protocol/environment.hpp"

#include <benchmark/benchmark.h>

#include <cstddef>
#include <memory>
#include <random>
#include <string>
#include <string_view>

namespace {

using namespace windowd;

constexpr std::size_t lines = 1000; // about what a session reads at once

/// The time is the processor's, of all threads together, a value: what it would be alone if they did not disturb each other.
void feed(benchmark::State& state, std::string_view opening, auto make_line)
{
    static std::unique_ptr<protocol::environment> first;
    if (state.thread_index() == 0)
        first = std::make_unique<protocol::environment>();
    auto random = std::mt19937(static_cast<unsigned>(state.thread_index()));
    std::string input;
    for (std::size_t i = 0; i < lines; ++i)
        input += make_line(random);
    std::unique_ptr<protocol::environment> own;
    std::unique_ptr<protocol::conversation> tested;
    protocol::output_buffer out;
    for (auto _ : state) {
        if (tested == nullptr) { // the first thread is ready when the loop begins, and not before
            own = std::make_unique<protocol::environment>(*first);
            tested = std::make_unique<protocol::conversation>(*own);
            tested->feed(opening, out);
        }
        out.clear();
        for (auto rest = std::string_view(input); !rest.empty(); out.clear())
            rest.remove_prefix(tested->feed(rest, out));
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(lines));
    state.counters["cpu_a_value"] =
        benchmark::Counter(static_cast<double>(state.iterations()) * static_cast<double>(lines),
                           benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

std::string number(std::mt19937& random)
{
    return std::to_string(random() % 1000) + "\n";
}

void private_windows(benchmark::State& state)
{
    feed(state, "", number);
}
BENCHMARK(private_windows)->ThreadRange(1, 16);

void one_shared_window(benchmark::State& state)
{
    feed(state, "{\"op\":\"open\",\"window\":\"w\"}\n", number);
}
BENCHMARK(one_shared_window)->ThreadRange(1, 16);

void many_shared_windows(benchmark::State& state)
{
    constexpr unsigned windows = 1000;
    feed(state, "", [](std::mt19937& random) {
        return "{\"op\":\"send\",\"window\":\"w" + std::to_string(random() % windows) +
               "\",\"value\":" + std::to_string(random() % 1000) + "}\n";
    });
}
BENCHMARK(many_shared_windows)->ThreadRange(1, 16);

} // namespace
