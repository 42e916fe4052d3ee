// The shared windows of this process, for all its threads.
#pragma once

#include "window/answer.hpp"
#include "window/window_register.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace windowd::window {

/// A window as it was when it was listed.
struct listed_window {
    std::shared_ptr<window_options const> options;
    std::size_t count;
    std::uint64_t n;
    std::uint64_t id;
};
/// By name.
using listing = std::map<std::string, listed_window, std::less<>>;

/// The shared windows of this process. Any thread may use them, through a local_register of its own. Meanings are those
/// of window_register, where not told otherwise.
///
/// Windows are spread over shards by a hash of their names, each with a lock of its own: threads that use different
/// windows seldom meet, and those that use one window are served one after the other.
///
/// Besides what the window's service does, an operation on a window that there is takes constant time, and allocates
/// nothing but the copy of a dump; what is kept for the yields of a batch is released if it was a large one. A new
/// window takes time for each pattern that is followed. To follow a pattern that nobody follows yet, or to be the last
/// to follow it, takes time for each window whose name begins as the pattern does, a shard at a time.
class window_store {
public:
    /// `writer` must outlive it, and so must the observers that it is given. `defaults` is what windows are made with
    /// that are not opened but sent to, and what opening leaves out.
    window_store(register_limits const& limits, window_options defaults, event_writer& writer);
    window_store(window_store const&) = delete;
    window_store& operator=(window_store const&) = delete;
    ~window_store();

    /// `observer` is told the steps of the window, where this makes one, as long as there is that window, by any
    /// thread. What it is given is told to no other. Never fails: where memory runs out, the answer says so.
    void perform(operation const& asked, answer& into, step_observer* observer) noexcept;
    void configure(register_limits const& limits, window_options defaults) noexcept;
    /// Each window is as it was at some time during the call, and one that was there all the time is in the list.
    /// Throws std::bad_alloc.
    void list(std::string_view match, std::string_view after, std::size_t limit, double now, listing& into);
    /// Each of these three waits while another thread is in one of them.
    window_register::followed follow(follower& by, std::string_view pattern);
    bool unfollow(follower& by, std::string_view pattern) noexcept;
    void unfollow_all(follower& by) noexcept;
    std::size_t count() const noexcept;
    double close_idle(double now) noexcept;

private:
    class state;
    std::unique_ptr<state> state_;
};

} // namespace windowd::window
