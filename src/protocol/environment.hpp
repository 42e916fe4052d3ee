// What conversations share with the server that they are part of: limits, defaults, counters, shared windows, the
// time, scratch memory.
#pragma once

#include "protocol/access.hpp"
#include "protocol/error.hpp"
#include "protocol/event_formatter.hpp"
#include "protocol/histogram.hpp"
#include "protocol/request_parser.hpp"
#include "window/clock.hpp"
#include "window/sliding_window.hpp"
#include "window/window_register.hpp"
#include "window/window_service.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace windowd::protocol {

/// The limits in force, as `info` tells them. A duration of 0 is no limit.
struct limits {
    std::size_t max_connections = 10'000;        ///< at a time; more are answered limit_reached and closed
    std::size_t max_line = std::size_t{1} << 20; ///< bytes of a request line, without its end; 64 or more
    window::register_limits windows;             ///< the window sizes hold for private windows too
    /// Bytes of undelivered events that are kept for a connection.
    std::size_t max_event_buffer = std::size_t{4} << 20;
    std::size_t max_subscriptions = 64;        ///< patterns that a connection may follow at a time
    std::chrono::milliseconds idle_timeout{0}; ///< a connection that sends nothing for so long is closed
    /// A connection that takes nothing of its replies for so long is closed.
    std::chrono::milliseconds write_timeout{60'000};
};

/// What has happened since the start, as `info` tells it.
struct counters {
    std::size_t connections = 0;                                ///< open now
    std::uint64_t accepted = 0;                                 ///< connections, those refused not counted
    std::uint64_t turned_away = 0;                              ///< connections, for their number
    std::uint64_t requests = 0;                                 ///< lines answered
    std::uint64_t values = 0;                                   ///< numbers taken in by windows
    std::uint64_t refused = 0;                                  ///< requests answered with an error
    std::array<std::uint64_t, error_code_count> refused_with{}; ///< the same, by code
    std::uint64_t bytes_in = 0;                                 ///< from clients
    std::uint64_t bytes_out = 0;                                ///< to clients
    std::size_t subscriptions = 0;                              ///< patterns that connections follow now
    std::uint64_t events_lost = 0;                              ///< by connections that read too slowly
    std::uint64_t auth_failed = 0;                              ///< tries with a token that is not known
    /// How long requests took to be executed: the mean of each batch of requests, counted once for each of them.
    histogram resumption_latency;
    /// From when a batch of requests was read until its replies were with the kernel, once a batch.
    histogram reply_latency;

    void count_refused(error_code code) noexcept
    {
        ++refused;
        ++refused_with[static_cast<std::size_t>(code)];
    }
};

/// One a thread: nothing here is synchronised. Must outlive the conversations that refer to it.
struct environment {
    using clock = std::chrono::steady_clock;

    environment() = default;
    environment(environment const&) = delete;
    environment& operator=(environment const&) = delete;
    ~environment() = default;

    protocol::limits limits;
    window::window_options default_window;
    protocol::counters counters;
    /// Asked what a token allows. Null: everyone may do everything, without a token.
    authority const* access = nullptr;
    window::step_observer* observer = nullptr; ///< told the steps of all services, for a trace; may be null
    clock::time_point (*now)() noexcept = clock::now;
    clock::time_point started = now();
    /// When that was, in seconds since 1970. From then on time is what `now` says: where someone sets the system's
    /// clock, windows of time do not jump.
    double started_at =
        std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
    window::clock time;               ///< as of the last tick
    event_formatter events;           ///< of shared windows
    request_parser parser;            ///< scratch: one line is parsed at a time
    std::vector<window::sent> values; ///< scratch: of one request

    /// Lets windows know what time it is. To be called before each batch of requests.
    void tick() noexcept
    {
        time.advance_to(started_at + std::chrono::duration<double>(now() - started).count());
    }

    /// Changes the settings while conversations go on. What is there already stays, even beyond a new limit.
    void configure(protocol::limits const& new_limits, window::window_options const& new_default_window);

    /// The register: `shared`, or if there is none yet a local one, with the settings above.
    window::window_register& windows();
    std::unique_ptr<window::window_register> shared;
};

} // namespace windowd::protocol
