// Finite doubles as integers in the same order.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>

namespace windowd::window {

/// The integer that stands for a finite double where numbers are kept in order: two compare as their integers
/// do, and -0.0 is less than 0.0. So each bit pattern has a place of its own, one can be found again just as
/// it came, and a comparison takes one cycle. (The totalOrder of IEEE 754-2019, 5.10.)
using ordered_value = std::int64_t;

constexpr ordered_value to_ordered(double value) noexcept
{
    auto const bits = std::bit_cast<std::int64_t>(value);
    return bits ^ (bits >> 63 & std::numeric_limits<std::int64_t>::max());
}

constexpr double from_ordered(ordered_value value) noexcept
{
    return std::bit_cast<double>(value ^ (value >> 63 & std::numeric_limits<std::int64_t>::max()));
}

} // namespace windowd::window
