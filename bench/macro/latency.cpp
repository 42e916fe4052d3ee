// One value at a time: how long its answer takes.
#include "busy_load.hpp"
#include "exchange.hpp"
#include "measurement.hpp"
#include "scenarios.hpp"
#include "workload.hpp"

#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace windowd::bench {
namespace {

/// Takes the first line off, with its end.
std::string_view take_line(std::string_view& text)
{
    auto const line = text.substr(0, text.find('\n') + 1);
    text.remove_prefix(line.size());
    return line;
}

/// Microseconds from before each request was sent until its reply was there.
std::vector<double> round_trips(socket& through, workload const& work)
{
    using clock = std::chrono::steady_clock;
    std::vector<double> times;
    times.reserve(work.lines);
    auto requests = std::string_view(work.requests);
    auto replies = std::string_view(work.replies);
    while (!requests.empty()) {
        auto const request = take_line(requests);
        auto const began = clock::now();
        auto const reply = ask(through, request);
        times.push_back(std::chrono::duration<double, std::micro>(clock::now() - began).count());
        auto const expected = take_line(replies);
        expect_line(expected.substr(0, expected.size() - 1), reply);
    }
    return times;
}

/// The least of the sorted times that the given share of them does not exceed.
double quantile(std::vector<double> const& sorted, double share)
{
    auto const rank = static_cast<std::size_t>(share * static_cast<double>(sorted.size()));
    return sorted.at(std::min(rank, sorted.size() - 1));
}

void add_times(boost::json::object& result, std::vector<double> times)
{
    std::ranges::sort(times);
    result["p50_us"] = quantile(times, 0.50);
    result["p99_us"] = quantile(times, 0.99);
    result["max_us"] = times.back();
}

} // namespace

boost::json::object measure_latency(settings const& with)
{
    value_source source("integers");
    auto const model = make_model(with.expect);
    auto const warmup = bare_values(with.warmup, source, *model);
    auto const timed = bare_values(with.round_trips, source, *model);
    boost::asio::io_context context;
    auto through = connect(context, with.port);
    std::optional<busy_load> others;
    if (with.busy != 0)
        others.emplace(with.port, with.expect, with.busy, with.busy_rate);
    round_trips(through, warmup);

    auto const answered_before = others ? others->answered() : 0;
    measurement const measured(with.server);
    auto times = round_trips(through, timed);
    auto const busy = others ? others->answered() - answered_before : 0;
    auto result = measured.result(timed.values, timed.lines);
    if (others) {
        others->stop();
        result["busy_connections"] = with.busy;
        result["busy_checked"] = busy;
        result["busy_rate"] = static_cast<double>(busy) / result["seconds"].as_double();
    }
    add_times(result, std::move(times));
    return result;
}

} // namespace windowd::bench
