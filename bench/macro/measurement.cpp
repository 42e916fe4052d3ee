// Reading the clocks.
#include "measurement.hpp"

#include "server_process.hpp"

#include <unistd.h>

namespace windowd::bench {

double own_cpu_seconds()
{
    return cpu_seconds(getpid());
}

measurement::measurement(std::optional<pid_t> server)
    : server_(server),
      own_cpu_(own_cpu_seconds()),
      server_cpu_(server ? cpu_seconds(*server) : 0),
      began_(std::chrono::steady_clock::now())
{}

boost::json::object measurement::result(std::size_t values, std::size_t checked) const
{
    auto const seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
    auto const own_cpu = own_cpu_seconds() - own_cpu_;
    auto const server_cpu = server_ ? std::optional(cpu_seconds(*server_) - server_cpu_) : std::nullopt;
    auto made = make_result(values, checked, seconds, server_cpu);
    made["client_cpu_seconds"] = own_cpu;
    return made;
}

boost::json::object make_result(std::size_t values, std::size_t checked, double seconds,
                                std::optional<double> server_cpu_seconds)
{
    boost::json::object made;
    made["values"] = values;
    made["seconds"] = seconds;
    made["server_cpu_seconds"] =
        server_cpu_seconds ? boost::json::value(*server_cpu_seconds) : boost::json::value();
    made["values_per_second"] = static_cast<double>(values) / seconds;
    made["checked"] = checked;
    return made;
}

} // namespace windowd::bench
