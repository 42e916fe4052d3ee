// How long things took, counted in ranges: a histogram as OpenMetrics has it.
#pragma once

#include "protocol/tally.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace windowd::protocol {

/// Counts durations in ranges whose bounds are 1, 2.5 and 5 times the powers of ten from 10 ns to 10 s. Fixed in size,
/// neither allocates nor locks; to add takes some nanoseconds. One thread adds, any may read.
class histogram {
public:
    using duration = std::chrono::nanoseconds;

    /// The upper bounds of the ranges, in nanoseconds, each itself part of its range; what is longer than the last is
    /// in one more range.
    static constexpr std::array<std::int64_t, 28> bounds{
        10,          25,          50,          100,           250,           500,           1'000,
        2'500,       5'000,       10'000,      25'000,        50'000,        100'000,       250'000,
        500'000,     1'000'000,   2'500'000,   5'000'000,     10'000'000,    25'000'000,    50'000'000,
        100'000'000, 250'000'000, 500'000'000, 1'000'000'000, 2'500'000'000, 5'000'000'000, 10'000'000'000};

    /// `times` durations of `each`, which is 0 or more.
    void add(duration each, std::uint64_t times = 1) noexcept
    {
        auto const* const range = std::ranges::lower_bound(bounds, each.count());
        counts_[static_cast<std::size_t>(range - bounds.begin())] += times;
        sum_ += static_cast<double>(each.count()) * static_cast<double>(times);
    }

    /// Takes in all that another one has counted.
    void add(histogram const& other) noexcept
    {
        for (std::size_t i = 0; i != counts_.size(); ++i)
            counts_[i] += other.counts_[i];
        sum_ += other.sum_;
    }

    /// How many fell into each range, the one beyond the last bound at the end; not cumulated.
    std::array<tally<std::uint64_t>, bounds.size() + 1> const& counts() const noexcept { return counts_; }
    /// Of all durations, in seconds.
    double sum() const noexcept { return sum_ / 1e9; }

private:
    std::array<tally<std::uint64_t>, bounds.size() + 1> counts_{};
    tally<double> sum_ = 0; // in nanoseconds
};

} // namespace windowd::protocol
