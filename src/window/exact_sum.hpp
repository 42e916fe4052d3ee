// The exact sum and mean of the numbers in a sliding window.
#pragma once

#include <array>
#include <bit>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace windowd::window {

/// The exact sum of a changing collection of finite doubles: nothing is rounded until it is read, so what has
/// left the collection leaves no trace, and the order of arrival does not matter.
///
/// After R. M. Neal, "Fast exact summation using small and large superaccumulators" (2015), with two changes
/// that suit a window. Digits are added without ever propagating a carry, so that removing a value subtracts
/// just what adding it added. And the digits in use are counted, so that reading looks at them alone: an
/// outlier costs nothing once it has left.
///
/// Every operation takes constant time in the worst case: adding and removing touch three chunks, reading at
/// most 66. Nothing allocates. At most 2^31 - 1 values at a time. Expects the rounding mode "to nearest", as
/// C++ does.
class exact_sum {
public:
    /// Takes in a finite value.
    void add(double value) noexcept;

    /// Takes out a finite value that is present: one that was added and not yet removed.
    void remove(double value) noexcept;

    void clear() noexcept { *this = {}; }

    /// The sum, correctly rounded (to nearest, ties to even). A sum of zero is +0.0, as Python's math.fsum
    /// has it. Infinite, with the right sign, where the sum rounds to beyond the range of a double.
    double value() const noexcept;

    /// The mean. `count` is the number of values present (zeros too), at least 1.
    /// Where value() is finite this is value() / count, Python's math.fsum(w) / len(w) bit for bit. Elsewhere
    /// it is the exact quotient, correctly rounded. Always finite.
    double mean(std::size_t count) const noexcept;

    /// True if both hold the same values (zeros aside), whatever has passed through before.
    bool operator==(exact_sum const&) const = default;

private:
    friend class window_sum;
    struct expansion;
    struct digits;
    __extension__ using int128 = __int128;

    static constexpr unsigned position_count = 64;
    static constexpr unsigned chunk_count = position_count + 3; // a value takes three; the last stays 0

    static digits split(double value) noexcept;
    static double scale(int128 total, unsigned position) noexcept;
    double wide_value() const noexcept;
    double wide_mean(std::size_t count) const noexcept;

    // A finite double is mantissa * 2^(exponent - 1076), exponent 2..2047. Its position is exponent / 32; the
    // mantissa, shifted left by exponent % 32, has at most 84 bits: three digits of 32 bits, in two's
    // complement, so that the lower two are never negative and the upper one is -2^20..2^20. (The offset 1076
    // puts 2^0..2^31 in one position.)
    //
    //   chunks_[i] is the sum of the digits that the values present have at i;
    //   uses_[p]   is the number of values present, other than zero, whose position is p;
    //   live_      has bit p set where uses_[p] is not 0.
    //
    // So the sum is that of chunks_[i] * 2^(32 * i - 1076); |chunks_[i]| < 2^63 - 2^32 for up to 2^31 - 1
    // values; and a chunk that no live position covers is 0.
    std::array<std::int64_t, chunk_count> chunks_{};
    std::array<std::uint32_t, position_count> uses_{};
    std::uint64_t live_ = 0;
};

struct exact_sum::digits {
    std::size_t position;
    std::uint32_t low, middle;
    std::int64_t high;
    bool nonzero;
};

inline exact_sum::digits exact_sum::split(double value) noexcept
{
    assert(std::isfinite(value));
    auto const bits = std::bit_cast<std::uint64_t>(value);
    auto const biased = static_cast<unsigned>(bits >> 52) & 0x7ff;
    auto const normal = static_cast<unsigned>(biased != 0);
    auto const exponent = biased + 2 - normal;
    auto const magnitude = (bits & 0xf'ffff'ffff'ffff) | std::uint64_t{normal} << 52;
    auto const sign = static_cast<std::int64_t>(bits) >> 63;
    auto const mantissa = (static_cast<std::int64_t>(magnitude) ^ sign) - sign;
    auto const shift = exponent % 32;
    auto const upper = mantissa >> (32 - shift);
    return {exponent / 32, static_cast<std::uint32_t>(mantissa << shift), static_cast<std::uint32_t>(upper),
            upper >> 32, magnitude != 0};
}

inline void exact_sum::add(double value) noexcept
{
    auto const [position, low, middle, high, nonzero] = split(value);
    chunks_[position] += low;
    chunks_[position + 1] += middle;
    chunks_[position + 2] += high;
    uses_[position] += nonzero;
    live_ |= std::uint64_t{nonzero} << position;
}

inline void exact_sum::remove(double value) noexcept
{
    auto const [position, low, middle, high, nonzero] = split(value);
    chunks_[position] -= low;
    chunks_[position + 1] -= middle;
    chunks_[position + 2] -= high;
    uses_[position] -= nonzero;
    live_ &= ~(std::uint64_t{uses_[position] == 0} << position);
}

/// total * 2^(32 * position - 1076), correctly rounded, for |total| < 2^127 and a position of 0..63.
///
/// One addition of two exact products does the rounding; the multiplication after it is by a power of two.
/// Nothing is rounded twice: a result below 2^-1022 is a sum of doubles, a multiple of 2^-1074, so it has at
/// most 52 significant bits and neither step rounds it.
inline double exact_sum::scale(int128 total, unsigned position) noexcept
{
    auto exponent = 32 * position + 1;
    auto const both_parts_are_exact = static_cast<std::uint64_t>((total >> 64) + (1LL << 42)) < 1ULL << 43;
    if (!both_parts_are_exact) { // |total| is 2^106 or more: the lowest 21 bits can only decide a tie
        auto const lost = (static_cast<std::uint64_t>(total) & ((1ULL << 21) - 1)) != 0;
        total = total >> 21 | static_cast<int>(lost);
        exponent += 21;
    }
    auto const upper = static_cast<double>(static_cast<std::int64_t>(total >> 53));
    auto const lower = static_cast<double>(static_cast<std::int64_t>(total) & ((1LL << 53) - 1));
    return (upper * 0x1p-1 + lower * 0x1p-54) * std::bit_cast<double>(std::uint64_t{exponent} << 52);
}

inline double exact_sum::value() const noexcept
{
    if (live_ == 0)
        return 0.0;
    auto const lowest = static_cast<unsigned>(std::countr_zero(live_));
    if (live_ >> lowest > 3)
        return wide_value();

    // One position, or two neighbours: usual for numbers of everyday size. The fourth chunk is 0 if it is
    // one.
    auto const* const chunk = &chunks_[lowest];
    auto const top = chunk[3] + (chunk[2] >> 32);
    auto const fits_127_bits = static_cast<std::uint64_t>(top + (1LL << 30)) < 1ULL << 31;
    if (!fits_127_bits)
        return wide_value();
    auto const upper = top * (1LL << 32) + static_cast<std::uint32_t>(chunk[2]);
    return scale((int128{upper} << 64) + (int128{chunk[1]} << 32) + chunk[0], lowest);
}

inline double exact_sum::mean(std::size_t count) const noexcept
{
    assert(count >= 1);
    auto const sum = value();
    return std::isfinite(sum) ? sum / static_cast<double>(count) : wide_mean(count);
}

} // namespace windowd::window
