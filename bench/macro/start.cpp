// How long a server takes from its start to the first answer, and what it keeps in memory then.
#include "exchange.hpp"
#include "measurement.hpp"
#include "scenarios.hpp"
#include "server_process.hpp"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <stdexcept>
#include <system_error>

namespace windowd::bench {
namespace {

/// Tries again and again, without a pause: a pause would count as the server's time.
socket connect_when_possible(boost::asio::io_context& context, std::uint16_t port, child_process& server)
{
    using namespace std::chrono_literals;
    auto const deadline = std::chrono::steady_clock::now() + 30s;
    for (;;) {
        try {
            return connect(context, port);
        } catch (std::system_error const& failure) {
            if (failure.code() != std::errc::connection_refused)
                throw;
        }
        if (server.has_ended())
            throw std::runtime_error("the server has ended");
        if (std::chrono::steady_clock::now() > deadline)
            throw std::runtime_error("the server does not listen");
    }
}

void require_nobody(boost::asio::io_context& context, std::uint16_t port)
{
    try {
        connect(context, port);
    } catch (std::system_error const&) {
        return;
    }
    throw std::runtime_error("somebody listens there already");
}

} // namespace

boost::json::object start_server(settings const& with)
{
    using clock = std::chrono::steady_clock;
    boost::asio::io_context context;
    require_nobody(context, with.port);
    auto const began = clock::now();
    child_process server(with.command);
    auto through = connect_when_possible(context, with.port, server);
    expect_line("5", ask(through, "5\n"));
    auto const seconds = std::chrono::duration<double>(clock::now() - began).count();

    auto result = make_result(1, 1, seconds, cpu_seconds(server.id()));
    wait_until_idle(server.id());
    result["rss_bytes"] = resident_bytes(server.id());
    return result;
}

} // namespace windowd::bench
