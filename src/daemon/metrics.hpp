// What the daemon tells of itself to those who watch it; docs/metrics.md is the list.
#pragma once

#include "protocol/environment.hpp"
#include "protocol/histogram.hpp"

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <chrono>
#include <cstddef>
#include <utility>
#include <vector>

namespace windowd::daemon {

/// Makes metrics of the counters at the time they are asked for, of all threads together.
class metrics final : public prometheus::Collectable {
public:
    /// What they refer to must outlive it. `loop_lags`: how late the event loop of each thread was.
    metrics(protocol::environment& environment, std::vector<protocol::histogram const*> loop_lags) noexcept
        : environment_(environment),
          loop_lags_(std::move(loop_lags))
    {}

    /// Every metric, always in the same order. To be called in the thread of the environment.
    std::vector<prometheus::MetricFamily> Collect() const override; // NOLINT(readability-identifier-naming)

private:
    std::size_t open_descriptors() const;

    protocol::environment& environment_;
    std::vector<protocol::histogram const*> loop_lags_;
    // To count descriptors takes time for each of them, and everybody waits meanwhile.
    mutable std::chrono::steady_clock::time_point descriptors_counted_at_{};
    mutable std::size_t descriptors_ = 0;
};

} // namespace windowd::daemon
