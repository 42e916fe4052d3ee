// A number that one thread changes and others may read.
#pragma once

#include <atomic>

namespace windowd::protocol {

/// A number that belongs to one thread, which alone changes it; any other may read it at any time, and gets some recent
/// value. It costs what a plain number costs: no bus is locked, since nobody else writes. A copy is made as it is read.
template <class Number>
class tally {
public:
    tally(Number value = 0) noexcept : value_(value) {}
    tally(tally const& other) noexcept : value_(Number(other)) {}
    tally& operator=(tally const& other) noexcept
    {
        set(other);
        return *this;
    }
    ~tally() = default;

    operator Number() const noexcept { return value_.load(std::memory_order_relaxed); }

    tally& operator+=(Number more) noexcept { return set(*this + more); }
    tally& operator-=(Number less) noexcept { return set(*this - less); }
    Number operator++() noexcept { return *this += 1; }
    Number operator--() noexcept { return *this -= 1; }

private:
    tally& set(Number value) noexcept
    {
        value_.store(value, std::memory_order_relaxed);
        return *this;
    }

    std::atomic<Number> value_;
};

} // namespace windowd::protocol
