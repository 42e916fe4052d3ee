// A part of something of which all threads together may have only so much.
#pragma once

#include <atomic>
#include <cstddef>
#include <optional>
#include <utility>

namespace windowd::window {

/// So many of a total that is limited, until it ends. Any thread may take a share and give it back.
class share {
public:
    /// Of nothing.
    share() noexcept = default;
    share(share&& other) noexcept : total_(std::exchange(other.total_, nullptr)), count_(other.count_) {}
    share& operator=(share&& other) noexcept
    {
        auto moved = share(std::move(other));
        std::swap(total_, moved.total_);
        std::swap(count_, moved.count_);
        return *this;
    }
    ~share()
    {
        if (total_ != nullptr)
            total_->fetch_sub(count_, std::memory_order_relaxed);
    }

    /// `total`, which must outlive the share, is higher by `count` while it lives. Nothing where that would be above
    /// the limit.
    static std::optional<share> take(std::atomic<std::size_t>& total, std::size_t count,
                                     std::size_t limit) noexcept
    {
        auto taken = total.load(std::memory_order_relaxed);
        do {
            if (count > limit || taken > limit - count)
                return std::nullopt;
        } while (!total.compare_exchange_weak(taken, taken + count, std::memory_order_relaxed));
        return share(total, count);
    }

private:
    share(std::atomic<std::size_t>& total, std::size_t count) noexcept : total_(&total), count_(count) {}

    std::atomic<std::size_t>* total_ = nullptr;
    std::size_t count_ = 0;
};

} // namespace windowd::window
