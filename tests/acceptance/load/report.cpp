// Adding up, and printing for the program that has started this one.
#include "acceptance/load/report.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <iostream>

namespace windowd::load {
namespace {

namespace json = boost::json;

constexpr std::size_t kept_failures = 20;

} // namespace

void reply_times::add(duration taken)
{
    auto const whole = std::chrono::ceil<std::chrono::microseconds>(taken).count();
    microseconds_.push_back(static_cast<std::uint32_t>(whole));
}

json::object reply_times::summary() const
{
    if (microseconds_.empty())
        return {{"count", 0}};
    auto sorted = microseconds_;
    std::ranges::sort(sorted);
    auto const at = [&sorted](std::size_t percent) {
        return sorted[(sorted.size() - 1) * percent / 100] / 1000.0;
    };
    return {{"count", sorted.size()}, {"p50_ms", at(50)}, {"p99_ms", at(99)}, {"max_ms", at(100)}};
}

void report::fail(std::string_view who, std::string_view why)
{
    ++failed_;
    if (failures_.size() < kept_failures)
        failures_.push_back(std::string(who) + ": " + std::string(why));
}

void report::print() const
{
    auto all = more_;
    json::object counts;
    for (auto const& [what, times] : counts_)
        counts[what] = times;
    all["counts"] = counts;
    all["failed"] = failed_;
    all["failures"] = json::array(failures_.begin(), failures_.end());
    all["first"] = first.summary();
    all["single"] = single.summary();
    all["batches"] = batches.summary();
    all["own_lag"] = own_lag.summary();
    std::cout << all << std::endl;
}

} // namespace windowd::load
