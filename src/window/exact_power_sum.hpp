// Exact sums of powers, and of products, of the numbers in a sliding window.
#pragma once

#include "window/exact_integer.hpp"

#include <array>
#include <bit>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace windowd::window {

/// A finite double taken apart: (sign ? -1 : 1) * mantissa * 2^(exponent - exponent_bias).
struct double_parts {
    /// Puts 2^0 to 2^31 in one position (see exponent_range), so that numbers of everyday size take one or
    /// two.
    static constexpr int exponent_bias = 1076;

    explicit double_parts(double value) noexcept
    {
        assert(std::isfinite(value));
        auto const bits = std::bit_cast<std::uint64_t>(value);
        auto const biased = static_cast<unsigned>(bits >> 52) & 0x7ff;
        auto const normal = static_cast<unsigned>(biased != 0);
        mantissa = (bits & 0xf'ffff'ffff'ffff) | std::uint64_t{normal} << 52;
        exponent = biased + 2 - normal;
        sign = static_cast<std::int64_t>(bits) >> 63;
    }

    unsigned position() const noexcept { return exponent / 32; }

    std::uint64_t mantissa; // less than 2^53
    unsigned exponent;      // 2..2047
    std::int64_t sign;      // 0 or -1
};

/// Which exponents the numbers in a window have, counted by `position` (exponent / 32), zeros left out. So an
/// outlier that has left no longer makes the range wide. Constant time; at most 2^32 - 1 numbers.
class exponent_range {
public:
    void add(double_parts const& number) noexcept
    {
        auto const nonzero = static_cast<unsigned>(number.mantissa != 0);
        uses_[number.position()] += nonzero;
        live_ |= std::uint64_t{nonzero} << number.position();
    }
    void remove(double_parts const& number) noexcept
    {
        uses_[number.position()] -= static_cast<unsigned>(number.mantissa != 0);
        live_ &= ~(std::uint64_t{uses_[number.position()] == 0} << number.position());
    }

    /// The least and the greatest position; 0 both if there is none.
    unsigned lowest() const noexcept
    {
        return live_ == 0 ? 0 : static_cast<unsigned>(std::countr_zero(live_));
    }
    unsigned highest() const noexcept
    {
        return live_ == 0 ? 0 : static_cast<unsigned>(std::bit_width(live_)) - 1;
    }

    bool operator==(exponent_range const&) const = default;

private:
    std::array<std::uint32_t, 64> uses_{};
    std::uint64_t live_ = 0; // bit p is set where uses_[p] is not 0
};

/// The exact sum of a changing collection of products, each of `Factors` finite doubles.
///
/// After R. M. Neal, "Fast exact summation using small and large superaccumulators" (2015), in the form that
/// exact_sum has: digits of 32 bits are added to chunks of 64 with no carry ever propagated, so that removing
/// a product subtracts just what adding it added, and nothing is left of it. A product of k factors has at
/// most 53 * k bits: it takes 3, 5, 6 or 8 digits. Adding and removing take constant time, reading takes time
/// in the range asked for. Nothing allocates. At most 2^31 - 1 products at a time.
template <unsigned Factors>
class exact_product_sum {
public:
    /// A product of mantissas, least word first.
    using magnitude = std::array<std::uint64_t, (53 * Factors + 63) / 64>;

    /// Adds the product of these mantissas, whose exponents have the sum `exponent`; negated if `sign` is -1,
    /// not if it is 0. What was added with one sign is removed by adding it with the other.
    void add(magnitude const& product, unsigned exponent, std::int64_t sign) noexcept
    {
        add_words(product, &chunks_[exponent / 32], exponent % 32, sign,
                  std::make_index_sequence<word_count>());
    }

    /// The sum times `factor`, less than 2^31, in units of 2^(32 * lowest - Factors * exponent_bias).
    /// `lowest` and `highest` are the sums of the factors' lowest and highest positions.
    exact_integer value(unsigned lowest, unsigned highest, std::size_t factor = 1) const noexcept
    {
        // Exponents of up to 31 each above their positions add up to less than Factors positions.
        auto const end = highest + (Factors - 1) + digit_count;
        return {std::span(chunks_).subspan(lowest, end - lowest), static_cast<std::uint32_t>(factor)};
    }

    bool operator==(exact_product_sum const&) const = default;

private:
    static constexpr std::size_t digit_count = (53 * Factors + 31 + 31) / 32;
    static constexpr std::size_t word_count = (digit_count + 1) / 2;
    static constexpr std::size_t chunk_count = Factors * 63 + (Factors - 1) + digit_count;

    // Word I of the product shifted left, two digits; the last may be one. A fold, not a loop: compilers do
    // not unroll that, and twice as long it takes.
    template <std::size_t... I>
    static void add_words(magnitude const& product, std::int64_t* chunk, unsigned shift, std::int64_t sign,
                          std::index_sequence<I...> /*words*/) noexcept
    {
        auto const word = [&](std::size_t i) {
            auto const own = i < product.size() ? product[i] << shift : 0;
            return i == 0 ? own : own | product[i - 1] >> 1 >> (63 - shift);
        };
        auto const add_word = [&](std::size_t i, std::uint64_t digits) {
            bump(chunk[2 * i], with_sign(digits & 0xffff'ffff, sign));
            if (2 * i + 1 < digit_count)
                bump(chunk[2 * i + 1], with_sign(digits >> 32, sign));
        };
        (add_word(I, word(I)), ...);
    }

    // Volatile keeps two chunks from being added to with one vector instruction (GCC 12 does that), which
    // waits for what was last stored there to reach the cache (25 ns more for a variance).
    static void bump(std::int64_t volatile& chunk, std::int64_t digit) noexcept { chunk = chunk + digit; }

    static std::int64_t with_sign(std::uint64_t digit, std::int64_t sign) noexcept
    {
        return (static_cast<std::int64_t>(digit) ^ sign) - sign;
    }

    // The sum is that of chunks_[i] * 2^(32 * i - Factors * exponent_bias). Each is less than 2^63 for up to
    // 2^31 - 1 products, and 0 where no product present has a digit.
    std::array<std::int64_t, chunk_count> chunks_{};
};

} // namespace windowd::window
