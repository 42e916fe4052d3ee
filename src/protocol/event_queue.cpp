// Events in, lines out, and a notice for what was lost in between.
#include "protocol/event_queue.hpp"

#include "protocol/json_writer.hpp"

#include <new>
#include <utility>

namespace windowd::protocol {
namespace {

// Of an event, besides its text: the string, its count of owners, the place in the queue, the allocator's words.
constexpr std::size_t overhead = 96;

std::size_t cost_of(window::event_text const& event)
{
    return event->size() + overhead;
}

} // namespace

void event_queue::deliver(window::event_text const& happened) noexcept
{
    std::unique_lock lock(mutex_);
    auto const was_empty = is_empty();
    put(happened);
    lock.unlock();
    if (was_empty && waker_ != nullptr)
        waker_->wake();
}

void event_queue::put(window::event_text const& happened) noexcept
{
    try {
        if (happened == nullptr)
            throw std::bad_alloc();
        queue_.push_back(happened);
        bytes_ += cost_of(happened);
    } catch (std::bad_alloc const&) {
        // Nothing older is to come after it: it takes the place of all that is kept.
        while (!queue_.empty())
            lose_oldest();
        ++lost_;
        ++lost_by_all_;
    }
    while (bytes_ > max_bytes_)
        lose_oldest();
}

void event_queue::lose_oldest() noexcept
{
    bytes_ -= cost_of(queue_.front());
    queue_.pop_front();
    ++lost_;
    ++lost_by_all_;
}

void event_queue::write_to(output_buffer& out, std::size_t enough)
{
    auto const lock = std::scoped_lock(mutex_);
    if (lost_ != 0 && out.size() < enough) {
        auto const start = out.size();
        try {
            json_writer notice(out);
            notice.begin_object();
            notice.key("event").string("lost");
            notice.key("count").integer(lost_);
            notice.end_object();
            out.append('\n');
        } catch (std::bad_alloc const&) {
            out.truncate(start);
            throw;
        }
        lost_ = 0;
    }
    while (!queue_.empty() && out.size() < enough) {
        out.append(*queue_.front());
        bytes_ -= cost_of(queue_.front());
        queue_.pop_front();
    }
}

} // namespace windowd::protocol
