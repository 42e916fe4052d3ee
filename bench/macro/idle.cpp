// What connections cost that do nothing.
#include "exchange.hpp"
#include "measurement.hpp"
#include "scenarios.hpp"
#include "server_process.hpp"

#include <boost/asio/io_context.hpp>

#include <cerrno>
#include <chrono>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include <sys/resource.h>

namespace windowd::bench {
namespace {

/// As many descriptors as this process may have.
void allow_descriptors(std::size_t needed)
{
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        throw std::system_error(errno, std::system_category(), "getrlimit");
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        throw std::system_error(errno, std::system_category(), "setrlimit");
    if (limit.rlim_cur < needed)
        throw std::runtime_error("only " + std::to_string(limit.rlim_cur) + " descriptors are allowed, not " +
                                 std::to_string(needed));
}

/// Until the server has accepted them all: that a client is connected means only that the kernel has.
void wait_for_descriptors(pid_t server, std::size_t count)
{
    using namespace std::chrono_literals;
    auto const deadline = std::chrono::steady_clock::now() + 30s;
    while (open_descriptors(server) < count) {
        if (std::chrono::steady_clock::now() > deadline)
            throw std::runtime_error("the server has not accepted all connections");
        std::this_thread::sleep_for(10ms);
    }
}

/// They end with a reset: a usual end would leave each port in use for a minute, and there are not that many.
std::vector<socket> open_connections(boost::asio::io_context& context, settings const& with)
{
    std::vector<socket> made;
    for (std::size_t i = 0; i < with.idle; ++i) {
        made.push_back(connect(context, with.port));
        made.back().set_option(socket::linger(true, 0));
        if (with.used)
            expect_line("5", ask(made.back(), "5\n"));
    }
    return made;
}

} // namespace

boost::json::object keep_idle_connections(settings const& with)
{
    constexpr std::size_t others = 50; // descriptors of this process
    allow_descriptors(with.idle + others);
    auto const server = with.server.value();
    wait_until_idle(server);
    auto const before = resident_bytes(server);
    auto const descriptors = open_descriptors(server);

    measurement const measured(server);
    boost::asio::io_context context;
    auto const sockets = open_connections(context, with);
    wait_for_descriptors(server, descriptors + with.idle);
    auto const answered = with.used ? with.idle : 0;
    auto result = measured.result(answered, answered);
    wait_until_idle(server);
    auto const after = resident_bytes(server);

    result["connections"] = sockets.size();
    result["used"] = with.used;
    result["rss_before_bytes"] = before;
    result["rss_bytes"] = after;
    result["bytes_per_connection"] =
        (static_cast<double>(after) - static_cast<double>(before)) / static_cast<double>(sockets.size());
    return result;
}

} // namespace windowd::bench
