// Whole numbers of many words, for the exact ends of the moments: what is left is one rounding.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace windowd::window {

/// A whole number of any sign and up to 9216 bits, on the stack: just the arithmetic that the moments of a
/// window need. Nothing allocates. The caller sees to it that results fit; a debug build checks.
///
/// Sums, comparisons and products with a word take time in the words in use, products of two numbers in the
/// product of their words (schoolbook: ordinary data has 2 to 8 words, for which nothing is faster).
class exact_integer {
public:
    /// What the largest window of the widest values needs: 4 * 2100 bits of a fourth power, 4 * 31 of the
    /// number of values, 62 + 128 of factors and of the alignment in a division; and some to spare.
    static constexpr std::size_t capacity = 144;

    /// Zero.
    exact_integer() noexcept : size_(0) {} // NOLINT(*-member-init): there are as many limbs as are in use
    explicit exact_integer(std::uint64_t value) noexcept;

    /// The sum of digits[i] * 2^(32 * i), times the factor, which is less than 2^31. A digit may be any
    /// number of 64 bits.
    exact_integer(std::span<std::int64_t const> digits, std::uint32_t factor) noexcept;

    exact_integer(exact_integer const& other) noexcept;
    exact_integer& operator=(exact_integer const& other) noexcept;
    ~exact_integer() = default;

    bool is_zero() const noexcept { return size_ == 0; }
    bool is_negative() const noexcept { return negative_; }

    void negate() noexcept { negative_ = !negative_ && size_ != 0; }
    exact_integer& operator+=(exact_integer const& other) noexcept;
    exact_integer& operator-=(exact_integer const& other) noexcept;
    exact_integer& operator*=(std::uint64_t factor) noexcept;
    exact_integer& operator<<=(unsigned bits) noexcept;

    friend exact_integer operator*(exact_integer const& a, exact_integer const& b) noexcept;

    /// a * a, in about half the time.
    friend exact_integer square(exact_integer const& a) noexcept;

    /// Less than 0, 0 or more than 0 as |a| is less than, equal to or more than |b|.
    friend int compare_magnitudes(exact_integer const& a, exact_integer const& b) noexcept;

    /// The highest 256 bits of the magnitude, most significant word first: the magnitude is that number times
    /// 2^exponent, and less than 2^exponent more if `rest`. The highest bit is 1, or the magnitude is 0.
    struct top {
        std::array<std::uint64_t, 4> words;
        int exponent;
        bool rest;
    };
    top highest_bits() const noexcept;

private:
    void add(exact_integer const& other, bool negative) noexcept;
    void add_magnitude(exact_integer const& other) noexcept;
    void subtract_magnitude(exact_integer const& other) noexcept;
    void subtract_from_magnitude(exact_integer const& other) noexcept;
    void append(std::uint64_t limb) noexcept;
    void trim() noexcept;

    // The magnitude is the sum of limbs_[i] * 2^(64 * i), i < size_; the limbs from size_ on mean nothing.
    // The last limb in use is not 0, and zero is not negative.
    std::array<std::uint64_t, capacity> limbs_;
    std::size_t size_;
    bool negative_ = false;
};

/// A real number that is not negative, cut off after 63 or 64 significant bits: it lies in
/// [mantissa, mantissa + 1) * 2^exponent; it is mantissa * 2^exponent itself where `rest` is false.
/// The mantissa is at least 2^62; or 0, and then the number is 0.
struct leading_bits {
    std::uint64_t mantissa = 0;
    int exponent = 0;
    bool rest = false;
};

/// |a|, cut off.
leading_bits leading(exact_integer const& a) noexcept;

/// |a| / |b|, cut off just as its exact value would be. b is not 0.
/// One division of the leading words; where these do not decide (some 2^-64 of all cases, and quotients that
/// come out even), one exact comparison.
leading_bits quotient(exact_integer const& a, exact_integer const& b) noexcept;
leading_bits quotient(exact_integer const& a, std::uint64_t b) noexcept;

/// The square root of |a| / b, cut off just as its exact value would be. b is not 0.
leading_bits root_of_quotient(exact_integer const& a, std::uint64_t b) noexcept;

/// The square root; less than that of the number itself by 2 * 2^-62 of it at most.
leading_bits root(leading_bits const& a) noexcept;

/// The product; less than the product of the numbers themselves by 3 * 2^-62 of it at most.
leading_bits product(leading_bits const& a, leading_bits const& b) noexcept;

/// The nearest double, ties to even, also below the normal range; infinite beyond the range. Zero is +0.0.
double nearest_double(leading_bits const& magnitude, bool negative) noexcept;

} // namespace windowd::window
