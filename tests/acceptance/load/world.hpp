// What all clients of a run share: the event loop, where the daemon listens, when the run is over, the report.
#pragma once

#include "acceptance/load/report.hpp"
#include "acceptance/load/values.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace windowd::load {

using clock = std::chrono::steady_clock;
using boost::asio::awaitable;

struct settings {
    std::uint16_t port = 0;          ///< of the daemon, at 127.0.0.1
    std::uint16_t deferred_port = 0; ///< of its listener that gets connections with their first bytes
    std::string path;                ///< of its Unix socket
    std::size_t connections = 100;
    double seconds = 1;
    double patience = 30; ///< seconds: what takes longer has failed
    bool slow = false;    ///< whether they read slowly, where it is their choice
    int daemon = 0;       ///< its process
};

class connection;

class world {
public:
    explicit world(settings const& chosen);
    world(world const&) = delete;
    world& operator=(world const&) = delete;
    ~world();

    settings const& chosen() const noexcept { return settings_; }
    boost::asio::io_context& context() noexcept { return context_; }
    report& results() noexcept { return report_; }

    /// Whether clients should come to their end.
    bool over() const noexcept { return clock::now() >= ends_; }
    void end() noexcept { ends_ = clock::now(); }

    awaitable<void> pause(clock::duration length);

    /// Starts a client. What it throws is a failure of the run.
    void spawn(std::string_view who, awaitable<void> client);

    /// Runs until all clients have ended.
    void run();

    /// Is told of each connection, so that it does not wait for ever.
    void watch(connection& one);

private:
    awaitable<void> watch_patience();
    awaitable<void> watch_lag();

    settings settings_;
    boost::asio::io_context context_{1};
    report report_;
    clock::time_point ends_;
    std::size_t running_ = 0;
    struct watched;
    std::unique_ptr<watched> watched_;
};

} // namespace windowd::load
