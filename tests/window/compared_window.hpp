// A sliding window beside what should be in it, and what that is by the definitions of the statistics.
#pragma once

#include "exact_window.hpp"
#include "window/sliding_window.hpp"

#include <algorithm>
#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace windowd::window::test {

/// What the readings get wrong about those values; of none, there is none.
inline std::string faults(sliding_window& window, std::deque<double> const& values,
                          std::deque<double> const& times)
{
    auto const readings = window.readings();
    if (values.empty())
        return readings.empty() ? "" : "something of nothing";
    auto const exact = exact_window(values, times);
    auto wrong = std::string();
    for (auto const& [name, value] : readings)
        if (!exact.allows(name, value))
            wrong.append(" ").append(name);
    return readings.empty() ? "nothing of something" : wrong;
}

/// A window of count, and beside it what should be in it. compare() tells which of its statistics are wrong.
class counted_pair {
public:
    explicit counted_pair(std::size_t size,
                          std::vector<std::string_view> const& stats = exact_window::names())
        : window_({.size = size, .stats = statistics_named(stats)})
    {}

    void push(double value)
    {
        window_.push(value);
        take(value);
    }
    void clear()
    {
        window_.clear();
        values_.clear();
        times_.clear();
    }
    std::string compare() { return faults(window_, values_, times_); }

protected:
    void take(double value)
    {
        values_.push_back(value);
        times_.push_back(number_++);
        if (values_.size() > window_.options().size) {
            values_.pop_front();
            times_.pop_front();
        }
    }

    sliding_window window_;
    std::deque<double> values_;
    std::deque<double> times_; // their numbers, for the slope
    double number_ = 0;
};

/// The same with a window of time.
class timed_pair {
public:
    timed_pair(std::size_t size, double span,
               std::vector<std::string_view> const& stats = exact_window::names())
        : window_({.size = size, .span = span, .stats = statistics_named(stats)})
    {}

    void push_at(double value, double at)
    {
        refused_ = window_.push_at(value, at) != taken::yes || refused_;
        take(value, at);
        empties_ = false;
    }
    void push(double value, double now)
    {
        window_.push(value, now);
        take(value, times_.empty() ? now : std::max(now, times_.back()));
        empties_ = true;
    }
    void advance_to(double now)
    {
        window_.advance_to(now);
        if (empties_)
            drop(now);
    }
    void clear()
    {
        window_.clear();
        values_.clear();
        times_.clear();
    }
    /// The time of the newest value.
    double newest(double otherwise) const { return times_.empty() ? otherwise : times_.back(); }
    std::string compare() { return (refused_ ? " taken" : "") + faults(window_, values_, times_); }

protected:
    void take(double value, double time)
    {
        drop(time);
        values_.push_back(value);
        times_.push_back(time);
        if (values_.size() > window_.options().size)
            drop_first();
    }
    void drop(double now)
    {
        auto const span = exactly(window_.options().span);
        while (!times_.empty() && exactly(now) - exactly(times_.front()) >= span)
            drop_first();
    }
    void drop_first()
    {
        values_.pop_front();
        times_.pop_front();
    }

    sliding_window window_;
    std::deque<double> values_;
    std::deque<double> times_;
    bool empties_ = false;
    bool refused_ = false; // a value that has to be taken
};

} // namespace windowd::window::test
