// The register of shared windows: the only way to them.
#pragma once

#include "window/operation.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace windowd::window {

/// Something that happened to a shared window.
struct event {
    enum class kind : std::uint8_t { open, yield, clear, close };

    kind what;
    std::string_view window;
    std::uint64_t n;                 ///< the change's own; of an open: with how many values it began
    double value = 0;                ///< yield: what was taken
    yielded const* yields = nullptr; ///< yield
};

/// An event as all who follow the window get it.
using event_text = std::shared_ptr<std::string const>;

/// Writes events, each once however many follow. Called by any thread that uses the windows, by one at a time. Must not
/// call the register. Throws std::bad_alloc.
class event_writer {
public:
    virtual event_text write(event const& happened) = 0;

protected:
    ~event_writer() = default;
};

/// Who follows windows.
class follower {
public:
    /// Called by any thread that uses the windows, by one at a time, with the events of each window in order. Must not
    /// call the register, and be short: others wait. A null text: there was an event, but no memory to write it.
    virtual void deliver(event_text const& happened) noexcept = 0;

protected:
    ~follower() = default;

private:
    friend class following;
    std::uint64_t last_event_ = 0; // so that two patterns that match do not give the same event twice
};

/// Who asked for an operation that takes a while.
class asker {
public:
    /// Told once, some time after perform() has returned nothing. The result is valid during the call.
    virtual void finished(result& came) noexcept = 0;

protected:
    ~asker() = default;
};

/// What a local register may hold.
struct register_limits {
    std::size_t max_windows = 10'000;
    std::size_t max_window_size = 10'000'000; ///< values of a window
    double idle_expiry = 0;           ///< seconds after which a window that nobody used is closed; 0: never
    std::size_t max_patterns = 1'000; ///< different patterns with a `*` that are followed at a time
    /// Statistics that one request may ask for: its values times the statistics of the window. They are all there
    /// before the first is sent.
    std::size_t max_readings = std::size_t{1} << 20;
    /// Values that dumps may hold altogether; the first dump, and small ones, are always let through.
    std::size_t max_dumped = 20'000'000;
    std::size_t small_dump = 8192; ///< values: 64 KiB
};

/// Shared windows by name, as one thread has them: not thread-safe, but others may use the same windows through registers
/// of their own. Each operation is indivisible, and has one result; those of one asker are performed in the order asked.
/// Limits are for all threads together.
class window_register {
public:
    window_register() = default;
    window_register(window_register const&) = delete;
    window_register& operator=(window_register const&) = delete;
    virtual ~window_register() = default;

    /// The result, valid until the next call, where it is there at once. Otherwise null: `by` is told the result
    /// later, and asks nothing else before. Throws std::bad_alloc, and then nothing has changed.
    virtual result* perform(operation const& asked, asker& by) = 0;
    /// Nothing is told to `by` any more; what it has asked for may still happen.
    virtual void forget(asker& by) noexcept = 0;

    /// From now on these limits and defaults hold. Windows, followers and dumps that are there already stay, even where there
    /// are more of them than the limits allow now.
    virtual void configure(register_limits const& limits, window_options defaults) noexcept = 0;

    /// The windows whose names match, in name order, from the first that comes after `after`; `limit` at most, and
    /// one more to show that there are more. Each is as it was at some time during the call, one that was there all the
    /// time is not missing. Names and options are valid until the next call of anything here.
    virtual std::vector<window_state> list(std::string_view match, std::string_view after, std::size_t limit,
                                           double now) = 0;

    struct followed {
        bool done;           ///< false: too many patterns are followed already, of all followers
        std::size_t windows; ///< that match now
    };
    /// From now on `by` is told what happens to windows whose names match the pattern, those made later too. Each
    /// event once, however many patterns match. To follow the same pattern again changes nothing.
    virtual followed follow(follower& by, std::string_view pattern) = 0;
    /// False if it did not follow that.
    virtual bool unfollow(follower& by, std::string_view pattern) noexcept = 0;
    /// Ends all that it follows: once this has returned, no thread tells it anything.
    virtual void unfollow_all(follower& by) noexcept = 0;

    /// How many windows there are.
    virtual std::size_t count() const noexcept = 0;

    /// Closes the windows that nobody has used for as long as the limits say. Every operation does this first for the
    /// window that it is about, and list() for all; call it too as time passes, by one thread or by each. Returns when the
    /// next one will be due, in seconds since 1970; infinity for never.
    virtual double close_idle(double now) noexcept = 0;
};

} // namespace windowd::window
