// How a window of time slides, and what a window says.
#include "window/sliding_window.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <new>
#include <utility>

namespace windowd::window {
namespace {

// So many leave one by one, and the memory stays for those to come.
constexpr std::size_t few = 128;

part_set needs_of(std::vector<statistic_ptr> const& stats)
{
    part_set needs;
    for (auto const& each : stats)
        needs = needs | each->needs();
    return needs;
}

/// Whether a - b >= limit, decided on the numbers themselves: where the difference rounds to the limit, by what was
/// lost in rounding, which is a double (Knuth's TwoSum, The Art of Computer Programming 2, 4.2.2). For limit > 0.
bool is_apart(double a, double b, double limit) noexcept
{
    auto const difference = a - b;
    if (difference != limit)
        return difference > limit;
    auto const b_part = difference - a;
    auto const a_part = difference - b_part;
    return (a - a_part) - (b + b_part) >= 0;
}

} // namespace

sliding_window::sliding_window(window_options options)
    : options_(std::move(options)),
      first_(options_.stats.front().get()),
      contents_(needs_of(options_.stats), is_timed(), options_.size)
{
    assert(options_.size >= 1 && options_.min_count >= 1);
    for (auto const& each : options_.stats)
        readings_.push_back({each->name(), std::nullopt});
}

bool sliding_window::has_left(std::size_t index, double newest) const noexcept
{
    return is_apart(newest, contents_.time(index), options_.span);
}

void sliding_window::push_arrived(double value, double now)
{
    push_timed(value, contents_.empty() ? now : std::max(now, contents_.time(count() - 1)));
    empties_ = true;
}

taken sliding_window::push_at(double value, double at)
{
    if (!is_timed())
        return taken::not_timed;
    if (!contents_.empty() && at < contents_.time(count() - 1))
        return taken::out_of_order;
    push_timed(value, at);
    empties_ = false;
    return taken::yes;
}

/// How many values have left when that is the time: looked for from the oldest in steps that double, so that it costs
/// the logarithm of the number.
std::size_t sliding_window::leaving(double newest) const noexcept
{
    std::size_t gone = 0; // at least
    std::size_t step = 1;
    for (; gone + step <= count() && has_left(gone + step - 1, newest); step *= 2)
        gone += step;
    for (; step != 0; step /= 2) {
        if (gone + step <= count() && has_left(gone + step - 1, newest))
            gone += step;
    }
    return gone;
}

void sliding_window::push_timed(double value, double time)
{
    auto const gone = leaving(time);
    if (is_most(gone)) {
        auto stayed = contents_.newest(count() - gone);
        stayed.push(value, time);
        contents_ = std::move(stayed);
        return;
    }
    contents_.prepare_push(value);
    pop(gone);
    if (count() == options_.size)
        contents_.pop();
    contents_.push_prepared(value, time);
}

void sliding_window::advance_to(double now) noexcept
{
    if (!empties_ || contents_.empty())
        return;
    auto const gone = leaving(now);
    if (gone == count())
        return clear();
    try {
        if (is_most(gone)) {
            contents_ = contents_.newest(count() - gone);
            return;
        }
    } catch (std::bad_alloc const&) {
        // The slow way needs no memory.
    }
    pop(gone);
}

bool sliding_window::is_most(std::size_t gone) const noexcept
{
    return gone > few && gone > count() / 2;
}

void sliding_window::pop(std::size_t gone) noexcept
{
    for (; gone != 0; --gone)
        contents_.pop();
}

std::span<reading const> sliding_window::readings() noexcept
{
    if (!is_ready())
        return {};
    for (std::size_t i = 0; i < readings_.size(); ++i)
        readings_[i].value = options_.stats[i]->of(contents_);
    return readings_;
}

void sliding_window::clear() noexcept
{
    contents_.clear();
    empties_ = false;
}

} // namespace windowd::window
