// The numbers in a window, oldest first.
#pragma once

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace windowd::window {

/// A first-in first-out queue of doubles whose memory follows its size, and whose every step is short.
///
///   directory_:  [ · | · | b1 | b2 | b3 | · | · | · ]      a ring; its size is a power of two
///                          |    |    |
///                       ..xxxx xxxx xx....                 blocks of 128 values
///                         head_       tail_
///
/// Up to 16 values are in place. For more, memory is taken a block of 1 KiB at a time, as values arrive, and given
/// back as they leave, but for one spare block: at a constant size the tail fills the blocks that the head has left,
/// and nothing is allocated. The directory costs 8 bytes for each block of the largest size so far; clear() gives
/// that back too. A queue that never had more than 16 values owns no memory.
///
/// Operations take constant time, but for two. push_back doubles a full directory: the last time on the way
/// to 10 million values this copies 512 KiB of pointers, 0.6 ms. clear() takes time for each block: 7 ms for
/// 10 million.
class value_queue {
public:
    value_queue() noexcept = default;
    value_queue(value_queue&& other) noexcept { swap(other); }
    value_queue& operator=(value_queue&& other) noexcept
    {
        value_queue(std::move(other)).swap(*this);
        return *this;
    }
    ~value_queue() = default;

    std::size_t size() const noexcept { return tail_ - head_; }
    bool empty() const noexcept { return head_ == tail_; }

    /// Where memory runs out: std::bad_alloc, and the queue is as it was.
    void push_back(double value)
    {
        prepare_push();
        push_prepared(value);
    }

    /// push_back in two steps: the first takes the memory, and is the one that can fail; values may be popped in
    /// between.
    void prepare_push()
    {
        if (is_in_place() ? size() == few_.size() : tail_ % block_size == 0)
            prepare_block();
    }
    void push_prepared(double value) noexcept
    {
        at(tail_) = value;
        ++tail_;
    }

    /// Takes out the oldest value. The queue must not be empty.
    double pop_front() noexcept
    {
        assert(!empty());
        auto const value = at(head_);
        ++head_;
        if (!is_in_place() && head_ % block_size == 0)
            spare_ = std::move(directory_[slot(head_ - 1)]);
        return value;
    }

    /// The value at `index`, counted from the oldest, 0; less than size().
    double operator[](std::size_t index) const noexcept
    {
        assert(index < size());
        return at(head_ + index);
    }

    /// Empties the queue and releases its memory.
    void clear() noexcept { *this = {}; }

    void swap(value_queue& other) noexcept
    {
        std::swap(directory_, other.directory_);
        std::swap(spare_, other.spare_);
        std::swap(head_, other.head_);
        std::swap(tail_, other.tail_);
        std::swap(few_, other.few_);
    }

private:
    static constexpr std::size_t block_size = 128; // 1 KiB: few allocations, little waste in a small window
    static constexpr std::size_t first_directory = 8; // one cache line of pointers
    using block = std::array<double, block_size>;

    bool is_in_place() const noexcept { return directory_.empty(); }
    std::size_t slot(std::size_t number) const noexcept
    {
        return number / block_size & (directory_.size() - 1);
    }
    double const& at(std::size_t number) const noexcept
    {
        return is_in_place() ? few_[number % few_.size()] : (*directory_[slot(number)])[number % block_size];
    }
    double& at(std::size_t number) noexcept { return const_cast<double&>(std::as_const(*this).at(number)); }

    void prepare_block()
    {
        if (is_in_place())
            return move_to_block();
        if ((tail_ - head_ / block_size * block_size) / block_size == directory_.size())
            enlarge_directory();
        auto& next = directory_[slot(tail_)];
        if (!next)
            next = spare_ ? std::move(spare_) : std::make_unique_for_overwrite<block>();
    }

    void move_to_block()
    {
        auto first = std::make_unique_for_overwrite<block>();
        for (std::size_t i = 0; i < few_.size(); ++i)
            (*first)[i] = (*this)[i];
        directory_.resize(first_directory);
        directory_.front() = std::move(first);
        head_ = 0;
        tail_ = few_.size();
    }

    void enlarge_directory()
    {
        auto old = std::vector<std::unique_ptr<block>>(std::max(first_directory, 2 * directory_.size()));
        directory_.swap(old);
        for (std::size_t i = 0, number = head_; i < old.size(); ++i, number += block_size)
            directory_[slot(number)] = std::move(old[number / block_size & (old.size() - 1)]);
    }

    // Values are numbered in the order pushed; the queue holds the numbers in [head_, tail_). Without a directory,
    // number n is at few_[n % 16]. Otherwise it is in block n / 128, which is in the directory at that number modulo
    // its size. The directory holds just the blocks from that of head_ to that of the last value, and that of tail_ if it was
    // prepared. (Numbers may wrap around: all the moduli are powers of two.)
    //
    // Not a position and a size: pop_front would change both, Clang 16 does that with one vector instruction,
    // which waits for the last push to reach the cache (10 ns more for a push and a pop).
    std::vector<std::unique_ptr<block>> directory_;
    std::unique_ptr<block> spare_;
    std::size_t head_ = 0;
    std::size_t tail_ = 0;
    std::array<double, 16> few_{};
};

} // namespace windowd::window
