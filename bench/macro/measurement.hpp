// Time and CPU time from one point to another.
#pragma once

#include <boost/json/object.hpp>

#include <chrono>
#include <cstddef>
#include <optional>

#include <sys/types.h>

namespace windowd::bench {

/// Of this process, in seconds.
double own_cpu_seconds();

/// Begins when it is made, and ends with result().
class measurement {
public:
    /// `server` is whose CPU time counts too, if there is one.
    explicit measurement(std::optional<pid_t> server);

    /// The members that all scenarios have but "scenario" itself: for so many values sent, and replies compared.
    boost::json::object result(std::size_t values, std::size_t checked) const;

private:
    std::optional<pid_t> server_;
    double own_cpu_;
    double server_cpu_;
    std::chrono::steady_clock::time_point began_; // last: what is before it takes time
};

/// The members that all scenarios have, from times that are known. No server: its CPU time is null.
boost::json::object make_result(std::size_t values, std::size_t checked, double seconds,
                                std::optional<double> server_cpu_seconds);

} // namespace windowd::bench
