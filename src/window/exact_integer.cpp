// Arithmetic on whole numbers of many words, and quotients and roots of them rounded once.
#include "window/exact_integer.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>

namespace windowd::window {

namespace {

__extension__ using uint128 = unsigned __int128;
__extension__ using int128 = __int128;

std::uint64_t low(uint128 value) noexcept
{
    return static_cast<std::uint64_t>(value);
}

std::uint64_t high(uint128 value) noexcept
{
    return static_cast<std::uint64_t>(value >> 64);
}

uint128 join(std::uint64_t upper, std::uint64_t lower) noexcept
{
    return uint128{upper} << 64 | lower;
}

// out[0, n) += a[0, n) * factor; returns the carry out of it.
std::uint64_t add_product(std::uint64_t* out, std::uint64_t const* a, std::size_t n,
                          std::uint64_t factor) noexcept
{
    auto carry = std::uint64_t{0};
    auto const add = [&](std::size_t i) {
        auto const sum = uint128{a[i]} * factor + out[i] + carry;
        out[i] = low(sum);
        carry = high(sum);
    };
    std::size_t i = 0;
    for (; i + 4 <= n; i += 4) { // not unrolled by the compilers; matters to numbers of many words
        add(i);
        add(i + 1);
        add(i + 2);
        add(i + 3);
    }
    for (; i < n; ++i)
        add(i);
    return carry;
}

// dividend / divisor, for a quotient of one word.
std::uint64_t divide_by_word(uint128 dividend, std::uint64_t divisor) noexcept
{
#if defined(__x86_64__)
    // What the compilers make of it is a call of a function for any divisor.
    auto quotient = low(dividend);
    auto remainder = high(dividend);
    __asm__("divq %[divisor]" : "+a"(quotient), "+d"(remainder) : [divisor] "r"(divisor) : "cc");
    return quotient;
#else
    return low(dividend / divisor);
#endif
}

// out[0, 4) = the square of a number of two words.
void square_two_words(std::uint64_t* out, std::uint64_t first, std::uint64_t second) noexcept
{
    auto const own = uint128{first} * first;
    auto const mixed = uint128{first} * second;
    auto const middle = (mixed << 1) + high(own);
    auto const carry = high(mixed) >> 63 | std::uint64_t{middle < high(own)};
    auto const upper = uint128{second} * second + join(carry, high(middle));
    out[0] = low(own);
    out[1] = low(middle);
    out[2] = low(upper);
    out[3] = high(upper);
}

struct step {
    std::uint64_t quotient;
    uint128 remainder;
};

// The first division step of Knuth's algorithm D (The Art of Computer Programming, 4.3.1), for a divisor of
// two words with its highest bit set, and remainder < divisor: (remainder * 2^64 + next) / divisor.
step divide(uint128 remainder, std::uint64_t next, uint128 divisor) noexcept
{
    auto const first = high(divisor);
    auto const second = low(divisor);
    auto guess = uint128{high(remainder) < first ? divide_by_word(remainder, first) : ~std::uint64_t{0}};
    auto left = remainder - guess * first;
    // The guess is too large by 2 at most; once `left` has a second word, it no longer is.
    while (high(left) == 0 && guess * second > join(low(left), next)) {
        --guess;
        left += first;
    }
    return {low(guess), (left << 64) + next - guess * second};
}

// The root, rounded down, of a number of at least 2^125.
std::uint64_t root_down(uint128 square) noexcept
{
    auto const guess = std::sqrt(static_cast<double>(high(square))) * 0x1p32;
    auto root = guess < 0x1p64 ? static_cast<std::uint64_t>(guess) : ~std::uint64_t{0};
    // The guess is right to 51 bits, so what one step of Newton's method adds is a small number, and doubles
    // are good enough for it.
    auto const error = static_cast<std::int64_t>((square - uint128{root} * root) >> 32);
    auto const correction = static_cast<std::int64_t>(static_cast<double>(error) * 0x1p31 / guess);
    auto const room = static_cast<std::int64_t>(std::min(~root, ~std::uint64_t{0} >> 1));
    root += static_cast<std::uint64_t>(std::min(correction, room));
    while (uint128{root} * root > square)
        --root;
    while (square - uint128{root} * root > 2 * uint128{root})
        ++root;
    return root;
}

// The root of square * 2^exponent, cut off; square is at least 2^126.
leading_bits root_of(uint128 square, int exponent, bool rest) noexcept
{
    if (exponent % 2 != 0) {
        rest = rest || (square & 1) != 0;
        square >>= 1;
        ++exponent;
    }
    auto const root = root_down(square);
    return {root, exponent / 2, rest || uint128{root} * root != square};
}

} // namespace

exact_integer::exact_integer(std::uint64_t value) noexcept // NOLINT(*-member-init): as many as are in use
    : size_(value != 0)
{
    limbs_[0] = value;
}

exact_integer::exact_integer(std::span<std::int64_t const> digits, // NOLINT(*-member-init)
                             std::uint32_t factor) noexcept
    : size_(digits.size() / 2)
{
    assert(digits.size() / 2 + 2 <= capacity);
    // Volatile keeps two digits from being read with one vector instruction (Clang 16 does that), which waits
    // for what was last stored there, one at a time, to reach the cache.
    auto const digit = [&](std::size_t i) {
        return int128{static_cast<std::int64_t const volatile&>(digits[i])};
    };
    auto carry = int128{0};
    for (std::size_t i = 0; i < size_; ++i) {
        carry += digit(2 * i) * factor;
        carry += digit(2 * i + 1) * (std::int64_t{factor} << 32);
        limbs_[i] = static_cast<std::uint64_t>(carry);
        carry >>= 64;
    }
    if (digits.size() % 2 != 0)
        carry += int128{digits.back()} * factor;
    limbs_[size_++] = static_cast<std::uint64_t>(carry);
    limbs_[size_++] = static_cast<std::uint64_t>(carry >> 64);
    if (carry < 0) {
        negative_ = true;
        auto more = true;
        for (std::size_t i = 0; i < size_; ++i) {
            limbs_[i] = ~limbs_[i] + static_cast<std::uint64_t>(more);
            more = more && limbs_[i] == 0;
        }
    }
    trim();
}

exact_integer::exact_integer(exact_integer const& other) noexcept // NOLINT(*-member-init)
    : size_(other.size_),
      negative_(other.negative_)
{
    std::copy_n(other.limbs_.begin(), size_, limbs_.begin());
}

exact_integer& exact_integer::operator=(exact_integer const& other) noexcept
{
    size_ = other.size_;
    negative_ = other.negative_;
    std::copy_n(other.limbs_.begin(), size_, limbs_.begin());
    return *this;
}

void exact_integer::append(std::uint64_t limb) noexcept
{
    if (limb == 0)
        return;
    assert(size_ < capacity);
    limbs_[size_++] = limb;
}

void exact_integer::trim() noexcept
{
    while (size_ > 0 && limbs_[size_ - 1] == 0)
        --size_;
    negative_ = negative_ && size_ != 0;
}

int compare_magnitudes(exact_integer const& a, exact_integer const& b) noexcept
{
    if (a.size_ != b.size_)
        return a.size_ < b.size_ ? -1 : 1;
    for (auto i = a.size_; i-- > 0;)
        if (a.limbs_[i] != b.limbs_[i])
            return a.limbs_[i] < b.limbs_[i] ? -1 : 1;
    return 0;
}

void exact_integer::add_magnitude(exact_integer const& other) noexcept
{
    if (size_ < other.size_) {
        std::fill(limbs_.begin() + size_, limbs_.begin() + other.size_, 0U);
        size_ = other.size_;
    }
    auto carry = std::uint64_t{0};
    for (std::size_t i = 0; i < other.size_; ++i) {
        auto const sum = uint128{limbs_[i]} + other.limbs_[i] + carry;
        limbs_[i] = low(sum);
        carry = high(sum);
    }
    for (auto i = other.size_; carry != 0 && i < size_; ++i)
        carry = static_cast<std::uint64_t>(++limbs_[i] == 0);
    append(carry);
}

// For |*this| >= |other|.
void exact_integer::subtract_magnitude(exact_integer const& other) noexcept
{
    auto borrow = std::uint64_t{0};
    for (std::size_t i = 0; i < other.size_; ++i) {
        auto const difference = uint128{limbs_[i]} - other.limbs_[i] - borrow;
        limbs_[i] = low(difference);
        borrow = high(difference) & 1;
    }
    for (auto i = other.size_; borrow != 0; ++i)
        borrow = static_cast<std::uint64_t>(limbs_[i]-- == 0);
    trim();
}

// For |*this| < |other|: the magnitude becomes |other| - |*this|.
void exact_integer::subtract_from_magnitude(exact_integer const& other) noexcept
{
    auto borrow = std::uint64_t{0};
    for (std::size_t i = 0; i < other.size_; ++i) {
        auto const difference = uint128{other.limbs_[i]} - (i < size_ ? limbs_[i] : 0) - borrow;
        limbs_[i] = low(difference);
        borrow = high(difference) & 1;
    }
    size_ = other.size_;
    trim();
}

void exact_integer::add(exact_integer const& other, bool negative) noexcept
{
    if (other.is_zero())
        return;
    if (is_zero())
        negative_ = negative;
    if (negative_ == negative) {
        add_magnitude(other);
    } else if (compare_magnitudes(*this, other) >= 0) {
        subtract_magnitude(other);
    } else {
        subtract_from_magnitude(other);
        negative_ = negative;
    }
}

exact_integer& exact_integer::operator+=(exact_integer const& other) noexcept
{
    add(other, other.negative_);
    return *this;
}

exact_integer& exact_integer::operator-=(exact_integer const& other) noexcept
{
    add(other, !other.negative_);
    return *this;
}

exact_integer& exact_integer::operator*=(std::uint64_t factor) noexcept
{
    auto carry = std::uint64_t{0};
    for (std::size_t i = 0; i < size_; ++i) {
        auto const product = uint128{limbs_[i]} * factor + carry;
        limbs_[i] = low(product);
        carry = high(product);
    }
    append(carry);
    trim();
    return *this;
}

exact_integer& exact_integer::operator<<=(unsigned bits) noexcept
{
    auto const words = std::size_t{bits / 64};
    *this *= std::uint64_t{1} << bits % 64;
    if (words == 0 || is_zero())
        return *this;
    assert(size_ + words <= capacity);
    std::copy_backward(limbs_.begin(), limbs_.begin() + size_, limbs_.begin() + size_ + words);
    std::fill_n(limbs_.begin(), words, 0U);
    size_ += words;
    return *this;
}

exact_integer operator*(exact_integer const& a, exact_integer const& b) noexcept
{
    assert(a.size_ + b.size_ <= exact_integer::capacity);
    auto result = exact_integer();
    if (a.is_zero() || b.is_zero())
        return result;
    result.size_ = a.size_ + b.size_;
    std::fill_n(result.limbs_.begin(), b.size_, 0U);
    for (std::size_t i = 0; i < a.size_; ++i)
        result.limbs_[i + b.size_] = add_product(&result.limbs_[i], b.limbs_.data(), b.size_, a.limbs_[i]);
    result.negative_ = a.negative_ != b.negative_;
    result.trim();
    return result;
}

exact_integer square(exact_integer const& a) noexcept
{
    assert(2 * a.size_ <= exact_integer::capacity);
    auto result = exact_integer();
    auto const n = a.size_;
    result.size_ = 2 * n;
    auto* const out = result.limbs_.data();
    if (n <= 2) { // as a rule
        if (n != 0)
            square_two_words(out, a.limbs_[0], n == 2 ? a.limbs_[1] : 0);
        result.trim();
        return result;
    }
    std::fill_n(out, n, 0U);
    for (std::size_t i = 0; i < n; ++i)
        out[n + i] = add_product(out + 2 * i + 1, &a.limbs_[i] + 1, n - i - 1, a.limbs_[i]);
    auto carry = std::uint64_t{0};
    auto doubled_out = std::uint64_t{0};
    for (std::size_t i = 0; i < n; ++i) {
        auto const own = uint128{a.limbs_[i]} * a.limbs_[i];
        auto const lower = out[2 * i];
        auto const upper = out[2 * i + 1];
        auto const sum = uint128{lower << 1 | doubled_out} + low(own) + carry;
        auto const next = uint128{upper << 1 | lower >> 63} + high(own) + high(sum);
        doubled_out = upper >> 63;
        out[2 * i] = low(sum);
        out[2 * i + 1] = low(next);
        carry = high(next);
    }
    result.trim();
    return result;
}

exact_integer::top exact_integer::highest_bits() const noexcept
{
    if (is_zero())
        return {};
    auto const limb = [this](std::size_t i) { return i < size_ ? limbs_[size_ - 1 - i] : 0; };
    auto const limbs = std::array{limb(0), limb(1), limb(2), limb(3), limb(4)};
    auto const shift = std::countl_zero(limbs[0]);
    auto const word = [&](std::size_t i) { return limbs[i] << shift | limbs[i + 1] >> 1 >> (63 - shift); };
    auto rest = limbs[4] << shift != 0;
    for (auto i = limbs.size(); i < size_ && !rest; ++i)
        rest = limb(i) != 0;
    return {{word(0), word(1), word(2), word(3)}, static_cast<int>(64 * size_) - shift - 256, rest};
}

leading_bits leading(exact_integer const& a) noexcept
{
    auto const [words, exponent, rest] = a.highest_bits();
    return {words[0], exponent + 192, rest || (words[1] | words[2] | words[3]) != 0};
}

leading_bits quotient(exact_integer const& a, exact_integer const& b) noexcept
{
    assert(!b.is_zero());
    if (a.is_zero())
        return {};
    // Half of the first 192 bits of a, over the first 128 of b: the quotient has 63 or 64.
    auto const [above, exponent_a, rest_a] = a.highest_bits();
    auto const [below, exponent_b, rest_b] = b.highest_bits();
    auto const first = join(above[0], above[1]);
    auto const [guess, remainder] =
        divide(first >> 1, above[1] << 63 | above[2] >> 1, join(below[0], below[1]));
    auto const exponent = exponent_a - exponent_b + 64 + 1 - 128;
    auto const nothing_left_out_of_b = !rest_b && (below[2] | below[3]) == 0;
    if (nothing_left_out_of_b)
        return {guess, exponent, remainder != 0 || rest_a || (above[2] & 1) != 0 || above[3] != 0};
    // What has been left out of b, less than 1, is missing `guess` times: it can use up the remainder.
    if (remainder >= guess)
        return {guess, exponent, true};

    auto left = a;
    auto right = b;
    right *= guess;
    if (exponent < 0)
        left <<= static_cast<unsigned>(-exponent);
    else
        right <<= static_cast<unsigned>(exponent);
    auto const order = compare_magnitudes(left, right);
    return {order < 0 ? guess - 1 : guess, exponent, order != 0};
}

leading_bits quotient(exact_integer const& a, std::uint64_t b) noexcept
{
    assert(b != 0);
    if (a.is_zero())
        return {};
    auto const shift = std::countl_zero(b);
    auto const [words, exponent, rest] = a.highest_bits();
    auto const dividend = join(words[0], words[1]);
    auto const guess = divide_by_word(dividend >> 1, b << shift);
    auto const remainder = (dividend >> 1) - uint128{guess} * (b << shift);
    return {guess, exponent + 128 + 1 + shift,
            remainder != 0 || rest || (words[1] & 1) != 0 || (words[2] | words[3]) != 0};
}

leading_bits root_of_quotient(exact_integer const& a, std::uint64_t b) noexcept
{
    assert(b != 0);
    if (a.is_zero())
        return {};
    auto const shift = std::countl_zero(b);
    auto const divisor = b << shift;
    auto const [words, exponent, rest] = a.highest_bits();
    auto const dividend = join(words[0], words[1]);
    auto const first = divide_by_word(dividend >> 1, divisor);
    auto const remainder = (dividend >> 1) - uint128{first} * divisor;
    auto const next = join(low(remainder), words[1] << 63 | words[2] >> 1);
    auto const second = divide_by_word(next, divisor);
    return root_of(join(first, second), exponent + 64 + 1 + shift,
                   next != uint128{second} * divisor || rest || (words[2] & 1) != 0 || words[3] != 0);
}

leading_bits root(leading_bits const& a) noexcept
{
    return a.mantissa == 0 ? a : root_of(join(a.mantissa, 0), a.exponent - 64, a.rest);
}

leading_bits product(leading_bits const& a, leading_bits const& b) noexcept
{
    auto const exact = uint128{a.mantissa} * b.mantissa;
    if (exact == 0)
        return {};
    auto const shift = std::countl_zero(high(exact));
    auto const shifted = exact << shift;
    return {high(shifted), a.exponent + b.exponent + 64 - shift, a.rest || b.rest || low(shifted) != 0};
}

double nearest_double(leading_bits const& magnitude, bool negative) noexcept
{
    if (magnitude.mantissa == 0)
        return 0.0;
    constexpr auto infinity = std::uint64_t{0x7ff} << 52;
    auto const sign = std::uint64_t{negative} << 63;
    auto const shift = std::countl_zero(magnitude.mantissa);
    auto const mantissa = magnitude.mantissa << shift;
    auto const exponent = magnitude.exponent - shift + 63; // the number is 2^exponent to 2^(exponent + 1)
    if (exponent > 1023)
        return std::bit_cast<double>(sign | infinity);

    // Below 2^-1022 the last place of a double no longer moves: fewer bits are kept, down to none.
    auto const normal = exponent >= -1022;
    auto const lost_bits = normal ? 11 : 11 - 1022 - exponent;
    if (lost_bits > 64)
        return 0.0;
    auto const kept = mantissa >> 1 >> (lost_bits - 1);
    auto const half = std::uint64_t{1} << (lost_bits - 1);
    auto const lost = mantissa & (half | (half - 1));
    auto const up = lost > half || (lost == half && (magnitude.rest || (kept & 1) != 0));
    // A carry out of the mantissa counts the exponent up, as it should, to infinity in the end.
    auto const biased_less_one = normal ? static_cast<std::uint64_t>(exponent + 1022) << 52 : 0;
    auto const bits = biased_less_one + kept + static_cast<std::uint64_t>(up);
    return bits == 0 ? 0.0 : std::bit_cast<double>(sign | bits);
}

} // namespace windowd::window
