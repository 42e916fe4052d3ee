// Metrics over HTTP, in the thread and event loop of the daemon.
#pragma once

#include "daemon/loop_lag.hpp"
#include "daemon/metrics.hpp"
#include "net/address.hpp"
#include "net/listener.hpp"
#include "net/observer.hpp"
#include "protocol/environment.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <spdlog/logger.h>

#include <chrono>
#include <cstddef>
#include <list>
#include <string>
#include <string_view>
#include <vector>

namespace windowd::daemon {

/// Answers GET and HEAD of /metrics with OpenMetrics text. Whoever can connect may read: it knows neither tokens nor
/// TLS. Nothing that a client sends is repeated in an answer or in the log.
class metrics_server final : private net::observer {
public:
    /// Connections at a time: some Prometheus servers and people with a browser, not a load that could be felt by those
    /// whom the daemon serves. More are closed at once.
    static constexpr std::size_t max_connections = 16;
    /// Bytes of a request's line and header fields. Browsers that bring cookies take 4 KiB.
    static constexpr std::size_t max_header = 8192;

    /// What it refers to must outlive it, and it the run of the loops: it is served in the first, whose thread has the
    /// environment, and the lag of all is measured. `patience`: for a request to come, counted from the answer before it,
    /// and for its answer to be taken; then the connection is closed.
    metrics_server(std::vector<boost::asio::io_context*> const& loops, protocol::environment& environment,
                   spdlog::logger& log, std::chrono::milliseconds patience = std::chrono::seconds(10));
    metrics_server(metrics_server const&) = delete;
    metrics_server& operator=(metrics_server const&) = delete;
    ~metrics_server() = default;

    /// Begins to listen. Throws std::runtime_error, which names the address, where that cannot be done;
    /// also where others than this machine could reach it and `remote_allowed` is false.
    void listen(net::listen_address const& address, bool remote_allowed = true);

    /// The same with a descriptor that listens already, of a TCP or Unix stream socket. It is taken over, unless this
    /// throws.
    void adopt(int descriptor, bool remote_allowed = true);

    /// Ends everything at once, so that the loops can run out of work.
    void stop();

    /// Where it listens, with the ports that were picked.
    std::vector<std::string> addresses() const;

private:
    using stream = boost::beast::basic_stream<boost::asio::generic::stream_protocol>;

    void add(net::stream_acceptor acceptor, net::ownership whose);
    void connected(net::stream_socket socket);
    boost::asio::awaitable<void> serve(stream& client);

    void listening(std::string_view address) noexcept override;
    void accept_failed(std::string_view address, boost::system::error_code const& why) noexcept override;
    void accept_recovered(std::string_view address) noexcept override;
    void failed(std::string_view what) noexcept override;
    // A listener tells none of these.
    void connection_opened(std::uint64_t, std::string_view) noexcept override {}
    void connection_ended(net::connection_summary const&) noexcept override {}
    void turned_away(std::string_view, net::obstacle) noexcept override {}
    void held_back(std::string_view) noexcept override {}
    void auth_failed(std::string_view) noexcept override {}
    void handshake_failed(std::string_view, std::string_view) noexcept override {}

    boost::asio::io_context& context_;
    spdlog::logger& log_;
    std::chrono::milliseconds patience_;
    std::list<loop_lag> lags_; // one a loop
    metrics metrics_;
    std::list<net::listener> listeners_;
    std::list<stream> clients_;
    bool stopping_ = false;
};

} // namespace windowd::daemon
