// The events that a connection follows and has not been given yet.
#pragma once

#include "protocol/output_buffer.hpp"
#include "window/window_register.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>

namespace windowd::protocol {

/// Told that there is something to write for a connection that may be waiting for something to read.
class waker {
public:
    /// Any thread may call it; it must not call back.
    virtual void wake() noexcept = 0;

protected:
    ~waker() = default;
};

/// A bounded queue: when it is full the oldest events are lost, and whoever reads it is told how many, where they
/// would have been. The texts are shared with the other followers. Each step takes constant time, for each event
/// that it loses too. Events come from any thread; the rest is for the thread of the one who reads it.
class event_queue final : public window::follower {
public:
    /// Keeps events of `max_bytes` at most, what it costs to keep them included. `lost` counts the lost events of
    /// all queues. `awaiting` is woken when there is something in an empty queue; it may be null. Both must outlive
    /// the queue. Throws std::bad_alloc.
    event_queue(std::size_t max_bytes, std::atomic<std::uint64_t>& lost, waker* awaiting)
        : max_bytes_(max_bytes),
          lost_by_all_(lost),
          waker_(awaiting)
    {}
    event_queue(event_queue const&) = delete;
    event_queue& operator=(event_queue const&) = delete;
    ~event_queue() = default;

    void deliver(window::event_text const& happened) noexcept override;

    bool empty() const noexcept
    {
        auto const lock = std::scoped_lock(mutex_);
        return is_empty();
    }

    /// How many bytes it has to write, at most.
    std::size_t size() const noexcept
    {
        auto const lock = std::scoped_lock(mutex_);
        return bytes_ + notice_room;
    }

    /// Moves events to the end of `out`, which then has at least `enough` bytes if there are so many. Throws
    /// std::bad_alloc; what was not moved is still there.
    void write_to(output_buffer& out, std::size_t enough);

private:
    static constexpr std::size_t notice_room = 512; // of what was lost

    bool is_empty() const noexcept { return queue_.empty() && lost_ == 0; }
    void put(window::event_text const& happened) noexcept;
    void lose_oldest() noexcept;

    mutable std::mutex mutex_;
    std::deque<window::event_text> queue_;
    std::size_t bytes_ = 0; // that the events in queue_ cost
    std::size_t max_bytes_;
    std::uint64_t lost_ = 0; // before the first in queue_, since the last notice
    std::atomic<std::uint64_t>& lost_by_all_;
    waker* waker_;
};

} // namespace windowd::protocol
