// The exact sum read the long way: where it does not fit in 128 bits, or is beyond the range of a double.
#include "window/exact_sum.hpp"

#include <algorithm>
#include <functional>

namespace windowd::window {

/// The sum with its carries propagated: head * 2^(32 * end) and each digit[i] * 2^(32 * i), i in [begin,
/// end), together, times 2^-1076. As in two's complement, only the head can be negative.
struct exact_sum::expansion {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): only the digits in use are written, and read
    explicit expansion(exact_sum const& sum) noexcept
        : begin(static_cast<unsigned>(std::countr_zero(sum.live_))),
          end(static_cast<unsigned>(std::bit_width(sum.live_)) + 2)
    {
        for (auto i = begin; i < end; ++i) {
            head += sum.chunks_[i];
            digit[i] = static_cast<std::uint32_t>(head);
            head >>= 32;
        }
    }

    /// Long division of a sum beyond the range, by less than 2^31. `rest` tells whether there is a remainder.
    void divide(std::int64_t divisor) noexcept
    {
        // The quotient is at least 2^993: below the digit of 2^908 there is nothing but what decides a tie.
        auto const lowest = std::min(begin, position_count - 2);
        std::fill(digit.begin() + lowest, digit.begin() + begin, 0U);
        begin = lowest;
        auto remainder = head % divisor;
        head /= divisor;
        if (remainder < 0) {
            remainder += divisor;
            --head;
        }
        for (auto i = end; i-- > begin;) {
            auto const dividend = remainder << 32 | digit[i];
            digit[i] = static_cast<std::uint32_t>(dividend / divisor);
            remainder = dividend % divisor;
        }
        rest = remainder != 0;
    }

    /// The nearest double. Takes digits from the top until what is below them can only decide a tie.
    double rounded() const noexcept
    {
        auto total = int128{head};
        auto i = end;
        auto const enough = int128{1} << 62;
        while (i > begin && (i >= position_count || (-enough < total && total < enough)))
            total = total << 32 | digit[--i];
        auto const lost = std::any_of(digit.begin() + begin, digit.begin() + i, std::identity());
        return scale(total | static_cast<int>(lost || rest), i);
    }

    std::array<std::uint32_t, chunk_count> digit;
    unsigned begin;
    unsigned end;
    std::int64_t head = 0;
    bool rest = false;
};

double exact_sum::wide_value() const noexcept
{
    return expansion(*this).rounded();
}

double exact_sum::wide_mean(std::size_t count) const noexcept
{
    auto quotient = expansion(*this);
    quotient.divide(static_cast<std::int64_t>(count));
    return quotient.rounded();
}

} // namespace windowd::window
