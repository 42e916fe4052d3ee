// What came of an operation on a shared window, and the memory for it.
#pragma once

#include "window/operation.hpp"

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace windowd::window {

/// What a window's service yields in one operation: copies, since it has its own readings only until it is resumed.
class yield_list {
public:
    /// Takes the memory for so many yields, so that push_back() cannot fail. Throws std::bad_alloc.
    void prepare(std::size_t count, window_options const& options)
    {
        yields_.reserve(count);
        if (options.stats.size() > 1)
            readings_.reserve(count * options.stats.size());
    }

    yielded const& push_back(yielded const& yields) noexcept
    {
        auto& kept = yields_.emplace_back(yields);
        auto const copied = readings_.insert(readings_.end(), yields.readings.begin(), yields.readings.end());
        kept.readings = {copied, readings_.end()};
        return kept;
    }

    /// The same for so many at once, each without readings, to be written there.
    yielded* append(std::size_t count) noexcept
    {
        auto const before = yields_.size();
        yields_.resize(before + count);
        return yields_.data() + before;
    }

    /// Keeps the memory, unless it is that of a large batch.
    void clear() noexcept
    {
        release_or_clear(yields_);
        release_or_clear(readings_);
    }

    std::span<yielded const> all() const noexcept { return yields_; }

private:
    static constexpr std::size_t kept_count = 16'384; // yields, or readings: 640 KiB

    template <class T>
    static void release_or_clear(std::vector<T>& list) noexcept
    {
        list.clear();
        if (list.capacity() > kept_count)
            std::vector<T>().swap(list);
    }

    std::vector<yielded> yields_;
    std::vector<reading> readings_;
};

/// The result of an operation with all that it refers to, so that it stays as it is while other threads use the window.
struct answer {
    result came;
    yield_list yields;
    std::string name;
    std::shared_ptr<window_options const> options;

    void refuse(failure why) noexcept { came.why = why; }
    /// For the next operation.
    void clear() noexcept
    {
        came = {};
        yields.clear();
        options.reset();
    }
};

} // namespace windowd::window
