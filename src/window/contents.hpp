// The values in a window, and what its statistics need to know about them.
#pragma once

#include "window/extremes.hpp"
#include "window/moments.hpp"
#include "window/sorted_values.hpp"
#include "window/statistic.hpp"
#include "window/value_queue.hpp"
#include "window/window_sum.hpp"

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

namespace windowd::window {

/// A queue of finite values, with their times if they have any, and just those parts that were asked for. A value
/// in and one out take the time of each part that is kept, and nothing is allocated at a constant size (see the
/// parts, whose limits hold here too).
class contents {
public:
    /// `timed`: values have times, and `line` is over those; otherwise over the number of the value.
    /// Never for more values than `max_count`: a small number makes them small. Throws std::bad_alloc.
    contents(part_set kept, bool timed, std::size_t max_count);

    /// Where memory runs out: std::bad_alloc, and nothing has changed. The time is kept if the contents are timed.
    void push(double value, double time = 0);
    /// A push in two steps: the first takes the memory, and is the one that can fail; values may leave in between.
    void prepare_push(double value);
    void push_prepared(double value, double time = 0) noexcept;
    /// The oldest value leaves; there must be one.
    void pop() noexcept;
    /// The same kind of contents, with the newest `count` of its values: what is left when so many others leave that it
    /// takes longer to let them go. For timed contents. Throws std::bad_alloc.
    contents newest(std::size_t count) const;
    /// Releases the memory of all that grows.
    void clear() noexcept;

    std::size_t count() const noexcept { return values_.size(); }
    bool empty() const noexcept { return values_.empty(); }
    /// 0 is the oldest; less than count().
    double operator[](std::size_t index) const noexcept { return values_[index]; }
    double first() const noexcept { return values_[0]; }
    double last() const noexcept { return values_[count() - 1]; }
    /// Of timed contents.
    double time(std::size_t index) const noexcept { return (*times_)[index]; }

    // Each only where that part is kept.
    window_sum const& sum() const noexcept { return *sum_; }
    moments const& powers() const noexcept { return *powers_; }
    regression const& line() const noexcept { return *line_; }
    sorted_values const& order() const noexcept { return *order_; }
    window_minimum const& minimum() const noexcept { return *minimum_; }
    window_maximum const& maximum() const noexcept { return *maximum_; }

private:
    void prepare_others();
    void push_others(double value, double time) noexcept;
    void pop_others(double value) noexcept;

    // The part of most windows, the sum, is dealt with in line, the others out of line.
    part_set kept_;
    bool timed_;
    bool has_others_; // than values and sum
    std::optional<window_sum> sum_;
    value_queue values_;
    std::size_t max_count_;
    std::uint64_t popped_ = 0;           // how many values have left since the start, for `line`
    std::unique_ptr<value_queue> times_; // if timed_
    std::unique_ptr<moments> powers_;
    std::unique_ptr<regression> line_;
    std::unique_ptr<sorted_values> order_;
    std::unique_ptr<window_minimum> minimum_;
    std::unique_ptr<window_maximum> maximum_;
};

inline void contents::prepare_push(double value)
{
    values_.prepare_push();
    if (sum_)
        sum_->prepare(value, values_);
    if (has_others_)
        prepare_others();
}

inline void contents::push_prepared(double value, double time) noexcept
{
    values_.push_prepared(value);
    if (sum_)
        sum_->add(value);
    if (has_others_)
        push_others(value, time);
}

inline void contents::push(double value, double time)
{
    prepare_push(value);
    push_prepared(value, time);
}

inline void contents::pop() noexcept
{
    auto const value = values_.pop_front();
    if (sum_)
        sum_->remove(value);
    if (has_others_)
        pop_others(value);
}

} // namespace windowd::window
