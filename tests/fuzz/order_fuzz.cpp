// What windows of many values are kept in, against sorted copies: the tree of ordered values, the queues of the extremes,
// and whole windows that lose many values at once.
#include "fuzz/fuzzer.hpp"
#include "window/compared_window.hpp"
#include "window/extremes.hpp"
#include "window/sorted_values.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <set>
#include <vector>

namespace {

using namespace windowd::window;
using windowd::fuzz::choices;
using windowd::fuzz::expect;
using windowd::window::test::cpp_int;

// So that an input takes milliseconds.
constexpr auto most_runs = 24;

/// A run of values of one manner: whole numbers, and the two zeros.
class run {
public:
    explicit run(choices& input)
        : manner_(input(6)),
          start_(input(256) * 4 - 512),
          length_(static_cast<std::size_t>(1 + input(256) * 4))
    {}

    std::size_t length() const noexcept { return length_; }
    double operator()(std::size_t i) const noexcept
    {
        auto const n = static_cast<int>(i);
        switch (manner_) {
        case 0:
            return start_ + n;
        case 1:
            return start_ - n;
        case 2:
            return start_;
        case 3:
            return i % 2 == 0 ? start_ + n : start_ - n;
        case 4:
            return i % 2 == 0 ? 0.0 : -0.0;
        default: // scattered (Knuth, "The art of computer programming", volume 3, section 6.4)
            return static_cast<double>((i + static_cast<std::size_t>(start_ + 512)) * 2654435761 % 4096);
        }
    }

private:
    int manner_;
    int start_;
    std::size_t length_;
};

using ordered_set = std::multiset<ordered_value>;

void check_tree(sorted_values const& tree, ordered_set const& expected)
{
    expect(tree.invariant(), "the tree is not as it should be");
    expect(tree.size() == expected.size(), "the tree has another size");
    std::size_t rank = 0;
    for (auto const value : expected)
        expect(to_ordered(tree[rank++]) == value, "another value has that rank");
}

void erase_run(sorted_values& tree, ordered_set& expected, choices& input)
{
    auto const from = static_cast<std::size_t>(input(256)) * expected.size() / 256;
    auto at = std::next(expected.begin(), static_cast<std::ptrdiff_t>(from));
    for (auto left = input(256) * 4; left != 0 && at != expected.end(); --left) {
        tree.erase(from_ordered(*at));
        at = expected.erase(at);
    }
}

void try_tree(choices& input)
{
    sorted_values tree;
    ordered_set expected;
    for (auto step = 0; step < most_runs && !input.empty(); ++step) {
        auto const what = input(16);
        if (what == 0) {
            tree.clear();
            expected.clear();
        } else if (what < 8) {
            erase_run(tree, expected, input);
        } else {
            auto const values = run(input);
            for (std::size_t i = 0; i < values.length(); ++i) {
                tree.insert(values(i));
                expected.insert(to_ordered(values(i)));
            }
        }
        check_tree(tree, expected);
    }
}

template <class Extreme, class Before>
void try_extreme(choices& input, Before before)
{
    Extreme queue;
    std::deque<ordered_value> expected;
    auto const check = [&] {
        expect(queue.size() == expected.size(), "the queue has another size");
        if (!expected.empty())
            expect(to_ordered(queue.value()) == *std::ranges::min_element(expected, before),
                   "another value is the extreme");
    };
    for (auto step = 0; step < most_runs && !input.empty(); ++step) {
        auto const what = input(16);
        if (what == 0) {
            queue.clear();
            expected.clear();
        } else if (what < 8) {
            for (auto left = input(256) * 4; left != 0 && !expected.empty(); --left) {
                queue.pop();
                expected.pop_front();
                if (left % 64 == 0)
                    check();
            }
        } else {
            auto const values = run(input);
            for (std::size_t i = 0; i < values.length(); ++i) {
                queue.push(values(i));
                expected.push_back(to_ordered(values(i)));
            }
        }
        check();
    }
}

/// The readings of a window of whole numbers, which are small enough for 64 bits.
void check_window(sliding_window& window, std::deque<double> const& values)
{
    expect(window.count() == values.size(), "the window has another size");
    if (values.empty())
        return expect(window.readings().empty(), "an empty window says something");
    auto sorted = values;
    std::ranges::sort(sorted);
    std::int64_t sum = 0;
    std::int64_t squares = 0;
    for (auto const value : values) {
        auto const whole = static_cast<std::int64_t>(value);
        sum += whole;
        squares += whole * whole;
    }
    auto const n = values.size();
    auto const readings = window.readings();
    expect(readings[0].value == static_cast<double>(sum), "another sum");
    expect(readings[1].value == sorted.front(), "another minimum");
    expect(readings[2].value == sorted.back(), "another maximum");
    expect(readings[3].value == (sorted[(n - 1) / 2] + sorted[n / 2]) / 2, "another median");
    if (n == 1)
        return expect(!readings[4].value, "a variance of one value");
    auto const c2 = cpp_int(n) * squares - cpp_int(sum) * sum;
    expect(test::is_near(readings[4].value, test::plain(c2, cpp_int(n) * (n - 1)), 50), "another variance");
}

void try_window(choices& input)
{
    constexpr auto gaps = std::array{0.0, 0.0078125, 0.125, 4.0};
    constexpr auto span = 8.0;
    sliding_window window({.size = static_cast<std::size_t>(1 + input(256) * 16),
                           .span = span,
                           .stats = test::statistics_named({"sum", "min", "max", "median", "var"})});
    std::deque<double> values;
    std::deque<double> times;
    auto now = 0.0;
    auto const drop = [&](bool is_late) {
        while (!times.empty() &&
               (is_late ? now - times.front() >= span : times.size() > window.options().size)) {
            times.pop_front();
            values.pop_front();
        }
    };
    for (auto step = 0; step < most_runs && !input.empty(); ++step) {
        auto const gap = gaps[static_cast<std::size_t>(input(4))];
        auto const added = run(input);
        for (std::size_t i = 0; i < added.length(); ++i) {
            now += i == 0 ? gap * input(4) : gap / 64;
            window.push(added(i), now);
            times.push_back(now);
            values.push_back(added(i));
            drop(true);
            drop(false);
        }
        check_window(window, values);
        now += gap;
        window.advance_to(now);
        drop(true);
        check_window(window, values);
    }
}

} // namespace

int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    auto input = choices(windowd::fuzz::text_of(data, size));
    switch (input(4)) {
    case 0:
        try_extreme<window_minimum>(input, std::less<>());
        break;
    case 1:
        try_extreme<window_maximum>(input, std::greater<>());
        break;
    case 2:
        try_window(input);
        break;
    default:
        try_tree(input);
        break;
    }
    return 0;
}
