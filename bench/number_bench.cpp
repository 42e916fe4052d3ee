// What reading and writing of numbers cost by themselves, beside the library's general ways.
#include "protocol/number.hpp"
#include "support.hpp"

#include <benchmark/benchmark.h>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <random>
#include <string>

namespace {

using namespace windowd;

// So many that no branch predictor learns them by heart.
constexpr std::size_t count = std::size_t{1} << 18;

double up_to_three_digits(std::mt19937_64& random)
{
    return static_cast<double>(random() % 1000);
}

double up_to_six_digits(std::mt19937_64& random)
{
    constexpr std::uint64_t powers[] = {10, 100, 1000, 10'000, 100'000, 1'000'000};
    return static_cast<double>(random() % powers[random() % std::size(powers)]);
}

double two_decimals(std::mt19937_64& random)
{
    return static_cast<double>(random() % 100'000) / 100;
}

/// A mean of three integers.
double thirds(std::mt19937_64& random)
{
    return static_cast<double>(random() % 3000) / 3;
}

double of_17_digits(std::mt19937_64& random)
{
    return bench::uniform(random, -1000, 1000);
}

char* write_generally(char* to, double value)
{
    return std::to_chars(to, to + protocol::max_number_size, value).ptr;
}

protocol::number_read read_generally(char const* first, char const* last)
{
    double value = 0;
    auto const read = std::from_chars(first, last, value);
    return {value, read.ptr, protocol::number_status::number};
}

using maker = double (*)(std::mt19937_64&);

template <auto Write>
void write(benchmark::State& state, maker make)
{
    auto const values = bench::make_values(count, make);
    for (std::size_t i = 0; auto _ : state) {
        char to[protocol::max_number_size];
        benchmark::DoNotOptimize(Write(to, values[i++ % count]));
        benchmark::ClobberMemory();
    }
}

/// Numbers on their lines, one after the other.
template <auto Read>
void read(benchmark::State& state, maker make)
{
    std::string text;
    for (auto const value : bench::make_values(count, make)) {
        char to[protocol::max_number_size];
        text.append(to, protocol::write_number(to, value)).append("\n");
    }
    auto const* const last = text.data() + text.size();
    for (auto const* at = text.data(); auto _ : state) {
        auto const got = Read(at, last);
        benchmark::DoNotOptimize(got.value);
        at = got.end + 1 == last ? text.data() : got.end + 1;
    }
}

using run = void (*)(benchmark::State&, maker);

/// Each way with each input. What it returns only lets a static variable call it.
bool add_all()
{
    struct {
        std::string name;
        run way;
    } const ways[] = {{"write", write<protocol::write_number>},
                      {"write_generally", write<write_generally>},
                      {"read", read<protocol::read_number>},
                      {"read_generally", read<read_generally>}};
    struct {
        std::string name;
        maker make;
    } const inputs[] = {{"up_to_three_digits", up_to_three_digits},
                        {"up_to_six_digits", up_to_six_digits},
                        {"two_decimals", two_decimals},
                        {"thirds", thirds},
                        {"of_17_digits", of_17_digits}};
    for (auto const& way : ways)
        for (auto const& input : inputs)
            benchmark::RegisterBenchmark((way.name + '/' + input.name).c_str(), way.way, input.make);
    return true;
}

[[maybe_unused]] bool const added = add_all();

} // namespace
