// What a request costs, from its bytes to those of its reply; and what of that is the service, and what the
// mean.
#include "protocol/conversation.hpp"
#include "protocol/number.hpp"
#include "support.hpp"
#include "window/window_service.hpp"

#include <benchmark/benchmark.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <list>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace windowd;

// About what a session reads at once.
constexpr std::size_t line_count = 1000;

double integer(std::mt19937_64& random)
{
    return std::floor(std::uniform_real_distribution(0.0, 1000.0)(random));
}

double short_decimal(std::mt19937_64& random)
{
    return std::round(std::uniform_real_distribution(0.0, 100'000.0)(random)) / 100;
}

double of_17_digits(std::mt19937_64& random)
{
    return std::uniform_real_distribution(-1000.0, 1000.0)(random);
}

std::string written(double value)
{
    char text[protocol::max_number_size];
    return {text, protocol::write_number(text, value)};
}

std::string lines(double (*make)(std::mt19937_64&), std::string_view before, std::string_view between,
                  std::string_view after)
{
    auto random = std::mt19937_64(2015);
    std::string text(before);
    for (std::size_t i = 0; i < line_count; ++i) {
        text += i == 0 ? "" : between;
        text += written(make(random));
    }
    return text.append(after);
}

/// Feeds it all; the replies are thrown away.
void feed_all(protocol::conversation& conversation, std::string_view input, protocol::output_buffer& out)
{
    while (!input.empty()) {
        input.remove_prefix(conversation.feed(input, out));
        benchmark::DoNotOptimize(out.view().data());
        out.clear();
    }
}

/// Feeds `input` of line_count values again and again, into windows of `size`: to so many connections in turn, each
/// of which was fed `first` once.
void feed(benchmark::State& state, std::string const& input, std::size_t size, std::string const& first = "",
          std::size_t connections = 1)
{
    protocol::environment host;
    host.default_window.size = size;
    protocol::output_buffer out;
    std::list<protocol::conversation> conversations;
    for (std::size_t i = 0; i < connections; ++i)
        feed_all(conversations.emplace_back(host), first, out);
    for (auto next = conversations.begin(); auto _ : state) {
        feed_all(*next, input, out);
        if (++next == conversations.end())
            next = conversations.begin();
    }
    auto const values = static_cast<double>(state.iterations()) * line_count;
    state.counters["each"] =
        benchmark::Counter(values, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(input.size()));
}

void feed_numbers(benchmark::State& state, double (*make)(std::mt19937_64&))
{
    feed(state, lines(make, "", "\n", "\n"), static_cast<std::size_t>(state.range(0)));
}
BENCHMARK_CAPTURE(feed_numbers, integers, integer)->Arg(3)->Arg(1000);
BENCHMARK_CAPTURE(feed_numbers, short_decimals, short_decimal)->Arg(3)->Arg(1000);
BENCHMARK_CAPTURE(feed_numbers, of_17_digits, of_17_digits)->Arg(3)->Arg(1000);

void feed_array(benchmark::State& state)
{
    feed(state, lines(short_decimal, "[", ",", "]\n"), static_cast<std::size_t>(state.range(0)));
}
BENCHMARK(feed_array)->Arg(3)->Arg(1000);

void feed_sends(benchmark::State& state)
{
    feed(state, lines(short_decimal, R"({"op":"send","value":)", "}\n{\"op\":\"send\",\"value\":", "}\n"),
         static_cast<std::size_t>(state.range(0)));
}
BENCHMARK(feed_sends)->Arg(3)->Arg(1000);

// One shared window under 1, 2 and 8 connections: it is their own one, or they name it in each request.

void feed_own_shared(benchmark::State& state)
{
    feed(state, lines(short_decimal, "", "\n", "\n"), 3,
         "{\"op\":\"open\",\"window\":\"cpu.load\",\"size\":1000}\n",
         static_cast<std::size_t>(state.range(0)));
}
BENCHMARK(feed_own_shared)->Arg(1)->Arg(2)->Arg(8);

void feed_own_shared_array(benchmark::State& state)
{
    feed(state, lines(short_decimal, "[", ",", "]\n"), 3,
         "{\"op\":\"open\",\"window\":\"cpu.load\",\"size\":1000}\n",
         static_cast<std::size_t>(state.range(0)));
}
BENCHMARK(feed_own_shared_array)->Arg(1)->Arg(2)->Arg(8);

void feed_named_sends(benchmark::State& state)
{
    constexpr std::string_view request = R"({"op":"send","window":"cpu.load","value":)";
    feed(state, lines(short_decimal, request, std::string("}\n").append(request), "}\n"), 1000, "",
         static_cast<std::size_t>(state.range(0)));
}
BENCHMARK(feed_named_sends)->Arg(1)->Arg(2)->Arg(8);

void feed_several_statistics(benchmark::State& state)
{
    feed(state, lines(short_decimal, "", "\n", "\n"), 3,
         R"({"op":"open","size":1000,"stats":["mean","max","std","p95"]})"
         "\n");
}
BENCHMARK(feed_several_statistics);

void feed_nulls(benchmark::State& state)
{
    std::string input;
    for (std::size_t i = 0; i < line_count; ++i)
        input += "null\n";
    feed(state, input, 3);
}
BENCHMARK(feed_nulls);

std::vector<double> short_decimals()
{
    return bench::make_values(bench::few, short_decimal);
}

void push_into_window(benchmark::State& state)
{
    auto const values = short_decimals();
    window::sliding_window tested({.size = static_cast<std::size_t>(state.range(0))});
    for (std::size_t i = 0; auto _ : state) {
        tested.push(values[i++ % values.size()]);
        benchmark::DoNotOptimize(tested.first_reading());
    }
}
BENCHMARK(push_into_window)->Arg(3)->Arg(1000);

/// The same through a resumption of the service: the difference is what the coroutine costs.
void send_into_service(benchmark::State& state)
{
    auto const values = short_decimals();
    window::clock const time;
    auto tested = window::make_service(
        window::sliding_window({.size = static_cast<std::size_t>(state.range(0))}), time);
    tested.next();
    for (std::size_t i = 0; auto _ : state)
        benchmark::DoNotOptimize(tested.send(window::sent::number(values[i++ % values.size()]))->number);
}
BENCHMARK(send_into_service)->Arg(3)->Arg(1000);

void read_and_write(benchmark::State& state, double (*make)(std::mt19937_64&))
{
    auto random = std::mt19937_64(2015);
    std::vector<std::string> texts(1024);
    for (auto& text : texts)
        text = written(make(random));
    for (std::size_t i = 0; auto _ : state) {
        auto const& text = texts[i++ % texts.size()];
        auto const read = protocol::read_number(text.data(), text.data() + text.size());
        char to[protocol::max_number_size];
        benchmark::DoNotOptimize(protocol::write_number(to, read.value));
        benchmark::DoNotOptimize(to);
    }
}
BENCHMARK_CAPTURE(read_and_write, integers, integer);
BENCHMARK_CAPTURE(read_and_write, short_decimals, short_decimal);
BENCHMARK_CAPTURE(read_and_write, of_17_digits, of_17_digits);

} // namespace
