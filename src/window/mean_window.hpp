// A window of the last values and their exact mean: the state that a window service keeps.
#pragma once

#include "window/exact_sum.hpp"
#include "window/value_queue.hpp"

#include <cstddef>
#include <optional>

namespace windowd::window {

/// What a window is made with.
struct window_options {
    std::size_t size = 3;      ///< how many values it keeps: 1 to 2^31 - 1 (exact_sum's limit)
    std::size_t min_count = 1; ///< its statistic is undefined for fewer values than that: 1 to size
};

/// The last `size` values and their mean. A push takes constant time whatever the size; memory grows only as
/// values arrive, and nothing is allocated once the window is full.
class mean_window {
public:
    explicit mean_window(window_options options) noexcept : options_(options) {}

    /// Takes in a finite value; the oldest leaves a full window. Throws std::bad_alloc where there is no
    /// memory for it, and then nothing has changed.
    void push(double value)
    {
        values_.push_back(value);
        if (values_.size() > options_.size)
            sum_.remove(values_.pop_front());
        sum_.add(value);
    }

    /// The mean, exact as exact_sum::mean says. Undefined for fewer than min_count values.
    std::optional<double> mean() const noexcept
    {
        if (values_.size() < options_.min_count || values_.empty())
            return std::nullopt;
        return sum_.mean(values_.size());
    }

    /// Empties the window and releases its memory.
    void clear() noexcept
    {
        values_.clear();
        sum_.clear();
    }

    std::size_t count() const noexcept { return values_.size(); }
    /// 0 is the oldest; less than count().
    double operator[](std::size_t index) const noexcept { return values_[index]; }
    window_options const& options() const noexcept { return options_; }

private:
    // sum_ holds just the values of values_, of which there are options_.size at most.
    window_options options_;
    value_queue values_;
    exact_sum sum_;
};

} // namespace windowd::window
