// Metrics as text: OpenMetrics 1.0.
#pragma once

#include <prometheus/metric_family.h>

#include <span>
#include <string>
#include <string_view>

namespace windowd::daemon {

/// What HTTP calls the text.
inline constexpr std::string_view openmetrics_type =
    "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Writes counters, gauges and histograms, in the order given, with the end mark; a family of another type throws
/// std::invalid_argument. A counter's name may end in `_total` or not; a histogram's last bucket is the infinite one.
/// Units are those of the names: seconds and bytes. Names of families and labels must be valid; other text may be
/// anything in UTF-8. Time stamps are not written: what is scraped is as of now.
///
/// prometheus-cpp's own serializer writes the format before this one.
/// https://prometheus.io/docs/specs/om/open_metrics_spec/
std::string to_openmetrics(std::span<prometheus::MetricFamily const> families);

} // namespace windowd::daemon
