// A window that slides over a stream of numbers, by count or by time, and the statistics of what is in it.
#pragma once

#include "window/contents.hpp"
#include "window/statistic.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace windowd::window {

/// What a window is made with.
struct window_options {
    std::size_t size = 3;      ///< how many values it keeps at most: 1 to 2^31 - 1 (exact_sum's limit)
    std::size_t min_count = 1; ///< it yields nothing for fewer values than that: 1 to size
    /// Of a window of time: it keeps the values of so many seconds, (newest - span, newest]. 0: not one of time.
    double span = 0;
    std::vector<statistic_ptr> stats = {find_statistic("mean")}; ///< one at least, no name twice
};

/// What a statistic says. The name lives as long as the statistic.
struct reading {
    std::string_view name;
    std::optional<double> value;
};

/// Whether a value was taken, and if not why not.
enum class taken : std::uint8_t {
    yes,
    out_of_order, ///< its time is before that of the newest value
    not_timed,    ///< it has a time of its own, and the window is not one of time
};

/// The last values of a stream, and their statistics. Time is what it is told, in seconds since 1970: it has no
/// clock.
///
/// A value's time is that of its arrival, or one that came with it. While the newest came with its arrival time,
/// the window also empties as time passes; a window of times that came with the values stands still between them.
///
/// A push costs the parts that its statistics need (see contents and statistic), and those values that it makes
/// leave: one, but in a window of time those whose time is over, each of which leaves once. Where more than half leave,
/// those that stay are taken in anew instead: so a step takes the time of half the values at most, and where all leave
/// that of a clear().
///
/// Memory comes with the values, and nothing is allocated at a constant size. It is given back as they leave, but for
/// a small rest; clear() gives back that too, and so does a window that time has emptied.
class sliding_window {
public:
    explicit sliding_window(window_options options);

    /// Takes in a finite value that arrives at `now`; an arrival before the newest time counts as that. Throws
    /// std::bad_alloc, and then nothing has changed.
    void push(double value, double now = 0);
    /// Takes in a finite value that came with a finite time. Throws std::bad_alloc; then, or where it is not
    /// taken, nothing has changed.
    taken push_at(double value, double at);

    /// Drops what `now` is too late for; only windows of arrival times.
    void advance_to(double now) noexcept;

    /// Whether there are min_count values; for fewer it has nothing to say.
    bool is_ready() const noexcept { return contents_.count() >= options_.min_count; }
    /// The first of its statistics; nothing where it is undefined, or the window not ready.
    std::optional<double> first_reading() const noexcept;
    /// All its statistics, in the order asked, or none where it is not ready. Valid until the next call.
    std::span<reading const> readings() noexcept;

    /// Empties the window and releases its memory.
    void clear() noexcept;

    std::size_t count() const noexcept { return contents_.count(); }
    /// 0 is the oldest; less than count().
    double operator[](std::size_t index) const noexcept { return contents_[index]; }
    /// Of a window of time: when that value arrived, or the time that it came with.
    double time(std::size_t index) const noexcept { return contents_.time(index); }
    window_options const& options() const noexcept { return options_; }

private:
    bool is_timed() const noexcept { return options_.span > 0; }
    bool has_left(std::size_t index, double newest) const noexcept;
    std::size_t leaving(double newest) const noexcept;
    bool is_most(std::size_t gone) const noexcept;
    void pop(std::size_t gone) noexcept;
    void push_arrived(double value, double now);
    void push_timed(double value, double time);

    // The times of a window of time never fall from a value to the next.
    window_options options_;
    statistic const* first_; // of options_: nearer
    contents contents_;
    std::vector<reading> readings_;
    bool empties_ = false; // as time passes: the newest value came with its arrival time
};

inline void sliding_window::push(double value, double now)
{
    if (is_timed()) {
        push_arrived(value, now);
        return;
    }
    contents_.prepare_push(value);
    if (contents_.count() == options_.size)
        contents_.pop();
    contents_.push_prepared(value);
}

inline std::optional<double> sliding_window::first_reading() const noexcept
{
    if (!is_ready())
        return std::nullopt;
    return first_->of(contents_);
}

} // namespace windowd::window
