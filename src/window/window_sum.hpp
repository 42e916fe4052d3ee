// The exact sum of the values in a window, in little memory where that will do.
#pragma once

#include "window/exact_sum.hpp"
#include "window/value_queue.hpp"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace windowd::window {

/// What exact_sum is, for the values of a window. Everyday numbers in a small window need only 128 bits, in place: one
/// integer, in units of a power of two that follows the values. Where that does not do, an exact_sum of 800 bytes
/// takes over, until clear(). Constant time, but for the taking over, once: that of adding the values of a small
/// window.
class window_sum {
public:
    /// Never for more values than that at a time. Throws std::bad_alloc.
    explicit window_sum(std::size_t max_count);

    /// Before add(value), and before values are taken out to make room for it: takes the memory. `present`: the values
    /// that are in it. Throws std::bad_alloc, and then nothing has changed.
    void prepare(double value, value_queue const& present)
    {
        if (!wide_ && !fits(split(value)))
            widen(present);
    }
    void add(double value) noexcept;
    /// It must be present.
    void remove(double value) noexcept;
    /// Releases the memory of a small window.
    void clear() noexcept;

    // As those of exact_sum.
    double value() const noexcept { return wide_ ? wide_->value() : exact_sum::scale(total_, base_); }
    double mean(std::size_t count) const noexcept
    {
        return wide_ ? wide_->mean(count) : value() / static_cast<double>(count);
    }

private:
    __extension__ using int128 = __int128;

    /// mantissa * 2^(exponent - 1076), as exact_sum has it; its position is exponent / 32.
    struct parts {
        std::int64_t mantissa;
        unsigned exponent;

        unsigned position() const noexcept { return exponent / 32; }
    };
    static parts split(double value) noexcept;

    bool fits(parts const& value) const noexcept;
    void widen(value_queue const& present);
    void move_base(unsigned position) noexcept;
    bool is_zero() const noexcept { return (uses_[0] | uses_[1]) == 0; }

    // A mantissa has 53 bits, two positions make it 53 + 63 at most, and so many values add 10: less than 2^126.
    static constexpr std::size_t max_narrow = 1024;
    // The sum of what is below this position is far from the greatest double, so it needs no care.
    static constexpr unsigned position_limit = 62;

    // Unless it is wide: the sum is total_ * 2^(32 * base_ - 1076), and uses_ counts the values other than zero at
    // position base_ and base_ + 1, where all of them are.
    int128 total_ = 0;
    std::array<std::uint32_t, 2> uses_{};
    unsigned base_ = 0;
    bool is_small_; // may be narrow
    std::unique_ptr<exact_sum> wide_;
};

inline window_sum::parts window_sum::split(double value) noexcept
{
    auto const bits = std::bit_cast<std::uint64_t>(value);
    auto const biased = static_cast<unsigned>(bits >> 52) & 0x7ff;
    auto const normal = static_cast<unsigned>(biased != 0);
    auto const magnitude = (bits & 0xf'ffff'ffff'ffff) | std::uint64_t{normal} << 52;
    auto const sign = static_cast<std::int64_t>(bits) >> 63;
    return {(static_cast<std::int64_t>(magnitude) ^ sign) - sign, biased + 2 - normal};
}

/// As long as no value is added, removing others does not change that it fits.
inline bool window_sum::fits(parts const& value) const noexcept
{
    auto const position = value.position();
    if (position - base_ <= 1 || value.mantissa == 0)
        return position < position_limit;
    return position < position_limit && (is_zero() || (position + 1 == base_ && uses_[1] == 0) ||
                                         (position == base_ + 2 && uses_[0] == 0));
}

inline void window_sum::add(double value) noexcept
{
    if (wide_)
        return wide_->add(value);
    auto const added = split(value);
    if (added.mantissa == 0)
        return;
    if (added.position() - base_ > 1)
        move_base(added.position());
    total_ += int128{added.mantissa} << (added.exponent - 32 * base_);
    ++uses_[added.position() - base_];
}

inline void window_sum::remove(double value) noexcept
{
    if (wide_)
        return wide_->remove(value);
    auto const removed = split(value);
    if (removed.mantissa == 0)
        return;
    total_ -= int128{removed.mantissa} << (removed.exponent - 32 * base_);
    --uses_[removed.position() - base_];
}

} // namespace windowd::window
