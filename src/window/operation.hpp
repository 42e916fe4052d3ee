// What can be asked of shared windows, and what comes of it: plain values, fit for a log or a wire.
#pragma once

#include "window/share.hpp"
#include "window/sliding_window.hpp"
#include "window/window_service.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace windowd::window {

/// What whoever opens a window says about it; the rest is left to the defaults, or as it is.
struct window_terms {
    std::optional<std::size_t> size = {};
    std::optional<std::size_t> min_count = {};
    std::optional<double> span = {};
    std::optional<std::vector<statistic_ptr>> stats = {};
};

/// The options of a new window. Terms that make it one of time and give no size let it have `max_size`; where a size is
/// given, a min_count that is left to the defaults is not left above it. Throws std::bad_alloc.
window_options complete(window_terms const& terms, window_options const& defaults, std::size_t max_size);

/// Whether the terms say anything else than the options; another order of statistics is something else.
bool contradicts(window_terms const& terms, window_options const& options);

/// Makes the window, or joins the one that there is.
struct open_window {
    window_terms terms;
    std::span<double const> data; ///< finite; for a new window only, as if sent, oldest first
};
/// Sends each in turn, as one. Makes a window with the defaults if there is none of that name, unless there are only
/// values that it refuses.
struct send_values {
    std::span<sent const> values; ///< all with the same time, or all without
};
struct next_yield {};
struct dump_window {};
struct empty_window {};
struct read_window {};
/// Ends it for everyone.
struct close_window {};

/// One indivisible request. What it refers to has to live until perform() has returned.
struct operation {
    std::string_view window; ///< its name
    std::uint64_t id = 0;    ///< the window that is meant, if it is still there; 0: whichever has the name
    double now = 0;          ///< seconds since 1970: when the request arrived
    std::variant<open_window, send_values, next_yield, dump_window, empty_window, read_window, close_window>
        what;
};

/// Why an operation was not done; then it has changed nothing.
enum class failure : std::uint8_t {
    none,
    no_such_window,      ///< there is none of that name
    closed,              ///< the window that was meant has been closed
    mismatch,            ///< the terms contradict the window that there is, or there was data for it
    min_count_too_large, ///< for the size that the window is to have
    limit_reached,       ///< there are as many windows as there may be
    readings_limit,      ///< so many values of so many statistics are too much for one request
    dumps_limit,         ///< the dumps that are under way hold as many values as they may
    out_of_memory,
};

/// A window as it is listed.
struct window_state {
    std::string_view name = {};
    window_options const* options = nullptr;
    std::size_t count = 0; ///< values in it now
    std::uint64_t n = 0;   ///< changes since it was made: values taken, clears
    std::uint64_t id = 0;  ///< no other window has had it
};

/// A copy of a window's values, oldest first; copies that are under way are limited altogether.
class dumped_values {
public:
    dumped_values() noexcept = default;
    /// `counted` is the share that so many values have of what copies may hold.
    dumped_values(std::vector<double> values, share counted) noexcept
        : values_(std::move(values)),
          counted_(std::move(counted))
    {}

    std::span<double const> values() const noexcept { return values_; }

private:
    std::vector<double> values_;
    share counted_;
};

/// What came of an operation.
struct result {
    failure why = failure::none;
    bool created = false; ///< open, send: the window was made
    /// open; its options also where terms are not met: those of the window that there is, or is to be
    window_state window = {};
    std::span<yielded const> yields; ///< send: one for each value; next, clear, read: one
    std::size_t taken = 0;           ///< open, send: values that a window has taken in
    dumped_values dumped;            ///< dump; to be moved out
};

} // namespace windowd::window
