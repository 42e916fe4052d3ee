// Values that are pushed into a window and leave it, by count and by time, against exact arithmetic from scratch.
#include "fuzz/fuzzer.hpp"
#include "window/compared_window.hpp"

#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace {

using windowd::fuzz::choices;
using windowd::window::test::counted_pair;
using windowd::window::test::exact_window;
using windowd::window::test::timed_pair;

// Exact arithmetic of more, or more often, would take too long for many tries.
constexpr auto most_steps = 120;
constexpr auto looks = 8; // one in so many steps

/// Those that are asked for, in the order of a bit set; all if there are none.
std::vector<std::string_view> asked_statistics(choices& input)
{
    auto const all = exact_window::names();
    auto const bits = input.word();
    std::vector<std::string_view> asked;
    for (std::size_t i = 0; i < all.size(); ++i)
        if ((bits >> i & 1) != 0)
            asked.push_back(all[i]);
    return asked.empty() ? all : asked;
}

/// A finite number: near others, or of any bits.
double value_of(choices& input)
{
    constexpr auto largest = std::numeric_limits<double>::max();
    constexpr auto special = std::array{0.0,
                                        -0.0,
                                        1.0,
                                        0.1,
                                        1e16,
                                        1e300,
                                        largest,
                                        -largest,
                                        std::numeric_limits<double>::denorm_min(),
                                        std::numeric_limits<double>::min(),
                                        std::numeric_limits<double>::epsilon(),
                                        -1e-300};
    switch (input(5)) {
    case 0:
        return input(256);
    case 1:
        return special[static_cast<std::size_t>(input(static_cast<int>(special.size())))];
    case 2:
        return 1e9 + input(256) / 256.0;
    case 3:
        return std::ldexp(input(256) - 128, input(256) * 8 - 1060) / 2;
    default:
        auto const any = input.real();
        return std::isfinite(any) ? any : 0;
    }
}

double gap_of(choices& input)
{
    constexpr auto gaps = std::array{0.0, 1e-9, 1e-7, 0.25, 1.0, 2.75, 3.0, 20.0};
    auto const one = input(16);
    return one < 8 ? gaps[static_cast<std::size_t>(one)] : input(256) / 64.0;
}

void check(std::string const& wrong, std::string_view where)
{
    windowd::fuzz::expect(wrong.empty(), std::string(where) + ", wrong:" + wrong);
}

void run_by_count(choices& input)
{
    auto const size = static_cast<std::size_t>(1 + input(40));
    counted_pair pair(size, asked_statistics(input));
    check(pair.compare(), "an empty window of count");
    for (auto step = 0; step < most_steps && !input.empty(); ++step) {
        auto const what = input(32);
        if (what == 0)
            pair.clear();
        else
            pair.push(value_of(input));
        if (what % looks == 0)
            check(pair.compare(), "a window of count");
    }
    check(pair.compare(), "a window of count at the end");
}

void run_by_time(choices& input)
{
    constexpr auto spans = std::array{3.0, 0.1, 1e-9, 1e9};
    constexpr auto starts = std::array{0.0, 1.7e9, -5.0, 1e15};
    auto const size = static_cast<std::size_t>(1 + input(60));
    auto const span = spans[static_cast<std::size_t>(input(4))];
    auto now = starts[static_cast<std::size_t>(input(4))];
    timed_pair pair(size, span, asked_statistics(input));
    check(pair.compare(), "an empty window of time");
    for (auto step = 0; step < most_steps && !input.empty(); ++step) {
        auto const what = input(32);
        now += gap_of(input);
        if (what == 0)
            pair.clear();
        else if (what < 4)
            pair.advance_to(now);
        else if (what < 16)
            pair.push(value_of(input), now);
        else
            pair.push_at(value_of(input), pair.newest(now) + gap_of(input));
        if (what % looks == 0)
            check(pair.compare(), "a window of time");
    }
    check(pair.compare(), "a window of time at the end");
}

} // namespace

int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    auto input = choices(windowd::fuzz::text_of(data, size));
    if (input(2) == 0)
        run_by_count(input);
    else
        run_by_time(input);
    return 0;
}
