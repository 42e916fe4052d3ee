// What a run has found: failures, counts and reply times.
#pragma once

#include <boost/json/object.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace windowd::load {

/// All reply times of one kind, so that no percentile is an estimate.
class reply_times {
public:
    using duration = std::chrono::steady_clock::duration;

    void add(duration taken);
    /// In milliseconds: how many, p50, p99, max.
    boost::json::object summary() const;

private:
    std::vector<std::uint32_t> microseconds_;
};

class report {
public:
    /// Counts it, and keeps the text of the first ones.
    void fail(std::string_view who, std::string_view why);
    void count(std::string_view what, std::uint64_t times = 1) { counts_[std::string(what)] += times; }

    bool failed() const noexcept { return failed_ != 0; }
    /// Members that are sent to the reader as they are.
    boost::json::object& more() noexcept { return more_; }
    /// One line of JSON on standard output.
    void print() const;

    reply_times first;   ///< of a connection's first request, which comes with it: from connecting on
    reply_times single;  ///< of requests whose client waits for the reply before it sends the next
    reply_times batches; ///< of pipelined requests: from the first byte sent to the last reply
    reply_times own_lag; ///< how late this program was itself, which is a part of the times above

private:
    std::map<std::string, std::uint64_t> counts_;
    std::vector<std::string> failures_;
    std::size_t failed_ = 0;
    boost::json::object more_;
};

} // namespace windowd::load
