// From counters, the register and /proc to metrics.
#include "daemon/metrics.hpp"

#include "protocol/version.hpp"

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <system_error>
#include <utility>

#include <sys/resource.h>
#include <unistd.h>

namespace windowd::daemon {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using families = std::vector<MetricFamily>;

template <class Number>
void add_counter(families& to, char const* name, char const* help, Number value)
{
    ClientMetric metric;
    metric.counter.value = static_cast<double>(value);
    to.push_back({name, help, MetricType::Counter, {std::move(metric)}});
}

template <class Number>
void add_gauge(families& to, char const* name, char const* help, Number value)
{
    ClientMetric metric;
    metric.gauge.value = static_cast<double>(value);
    to.push_back({name, help, MetricType::Gauge, {std::move(metric)}});
}

void add_histogram(families& to, char const* name, char const* help, protocol::histogram const& seen)
{
    ClientMetric metric;
    auto& histogram = metric.histogram;
    for (std::size_t i = 0; i != seen.counts().size(); ++i) {
        histogram.sample_count += seen.counts()[i];
        auto const bound = i < protocol::histogram::bounds.size()
                             ? static_cast<double>(protocol::histogram::bounds[i]) / 1e9
                             : std::numeric_limits<double>::infinity();
        histogram.bucket.push_back({histogram.sample_count, bound});
    }
    histogram.sample_sum = seen.sum();
    to.push_back({name, help, MetricType::Histogram, {std::move(metric)}});
}

void add_build(families& to)
{
    ClientMetric metric;
    metric.label.push_back({"version", std::string(protocol::version)});
    metric.gauge.value = 1;
    to.push_back(
        {"windowd_build_info", "The version that runs; always 1.", MetricType::Gauge, {std::move(metric)}});
}

/// Also the codes that have not come up yet, so that the first refusal is seen as an increase.
void add_refused(families& to, protocol::counters const& counted)
{
    MetricFamily family{"windowd_requests_refused_total",
                        "Requests answered with an error, by the error's code.",
                        MetricType::Counter,
                        {}};
    for (std::size_t i = 0; i != counted.refused_with.size(); ++i) {
        auto& metric = family.metric.emplace_back();
        metric.label.push_back(
            {"code", std::string(protocol::to_string(static_cast<protocol::error_code>(i)))});
        metric.counter.value = static_cast<double>(counted.refused_with[i]);
    }
    to.push_back(std::move(family));
}

void add_traffic(families& to, protocol::counters const& counted)
{
    add_gauge(to, "windowd_connections", "Connections open now.", counted.connections);
    add_counter(to, "windowd_connections_accepted_total", "Connections accepted.", counted.accepted);
    add_counter(to, "windowd_connections_turned_away_total",
                "Connections closed at once, for there were too many, or too much of their peer was refused.",
                counted.turned_away);
    add_counter(to, "windowd_connections_held_back_total",
                "Times that a connection had to wait, for too many requests of its peer were refused.",
                counted.held_back);
    add_counter(to, "windowd_requests_total", "Request lines answered, with an error or without.",
                counted.requests);
    add_refused(to, counted);
    add_counter(to, "windowd_values_total", "Numbers taken in by windows.", counted.values);
    add_counter(to, "windowd_received_bytes_total", "Bytes received from clients.", counted.bytes_in);
    add_counter(to, "windowd_sent_bytes_total", "Bytes sent to clients.", counted.bytes_out);
    add_counter(to, "windowd_auth_failures_total", "Tries with a token that is not known.",
                counted.auth_failed);
}

double seconds(timeval const& time)
{
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

/// The names and meanings are those that Prometheus' own client libraries have. What the system does not tell is left
/// out rather than told as 0.
void add_process(families& to, std::size_t descriptors)
{
    rusage used{};
    if (getrusage(RUSAGE_SELF, &used) == 0)
        add_counter(to, "process_cpu_seconds_total", "Processor time used, by the system for it too.",
                    seconds(used.ru_utime) + seconds(used.ru_stime));
    std::ifstream statm("/proc/self/statm");
    std::size_t size = 0;
    std::size_t resident = 0;
    statm >> size >> resident; // in pages
    if (statm)
        add_gauge(to, "process_resident_memory_bytes", "Memory in use, without what is swapped out.",
                  resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE)));
    if (descriptors != 0)
        add_gauge(to, "process_open_fds", "Open file descriptors, as of 10 seconds ago at most.",
                  descriptors);
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        add_gauge(to, "process_max_fds", "File descriptors that may be open.", limit.rlim_cur);
}

} // namespace

/// 0 where that is not known.
std::size_t metrics::open_descriptors() const
{
    constexpr auto lasts = std::chrono::seconds(10);
    auto const now = std::chrono::steady_clock::now();
    if (descriptors_ != 0 && now - descriptors_counted_at_ < lasts)
        return descriptors_;
    std::error_code failed;
    std::filesystem::directory_iterator const listed("/proc/self/fd", failed);
    // One of them is that which lists them.
    descriptors_ = failed ? 0 : static_cast<std::size_t>(std::distance(begin(listed), end(listed))) - 1;
    descriptors_counted_at_ = now;
    return descriptors_;
}

families metrics::Collect() const
{
    auto const counted = environment_.all_counters();
    protocol::histogram lag;
    for (auto const* const one : loop_lags_)
        lag.add(*one);
    families all;
    add_build(all);
    add_gauge(all, "windowd_start_time_seconds", "When the daemon started, in seconds since 1970.",
              environment_.started_at);
    add_traffic(all, counted);
    add_histogram(
        all, "windowd_resumption_latency_seconds",
        "How long requests took to be executed; the mean of each batch, once for each of its requests.",
        counted.resumption_latency);
    add_histogram(all, "windowd_reply_latency_seconds",
                  "From when a batch of requests was read until its replies were with the kernel.",
                  counted.reply_latency);
    add_gauge(all, "windowd_windows", "Shared windows there are now.", environment_.windows().count());
    add_gauge(all, "windowd_subscriptions", "Patterns that connections follow now.", counted.subscriptions);
    add_counter(all, "windowd_events_lost_total", "Events lost by connections that read too slowly.",
                environment_.events_lost().load());
    add_histogram(all, "windowd_loop_lag_seconds",
                  "How late event loops came to a timer, each four times a second.", lag);
    add_process(all, open_descriptors());
    return all;
}

} // namespace windowd::daemon
