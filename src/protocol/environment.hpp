// What conversations share with the server that they are part of: limits, defaults, counters, shared windows, the
// time, scratch memory.
#pragma once

#include "protocol/access.hpp"
#include "protocol/error.hpp"
#include "protocol/event_formatter.hpp"
#include "protocol/histogram.hpp"
#include "protocol/request_parser.hpp"
#include "protocol/tally.hpp"
#include "window/clock.hpp"
#include "window/sliding_window.hpp"
#include "window/window_register.hpp"
#include "window/window_service.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace windowd::protocol {

/// The limits in force, as `info` tells them. A duration of 0 is no limit.
struct limits {
    std::size_t max_connections = 10'000;     ///< at a time; more are answered limit_reached and closed
    std::size_t max_connections_per_peer = 0; ///< the same of one peer; 0: no limit of its own
    /// Requests of one peer that may be refused in a minute; then it is held back. 0: any number.
    std::size_t max_refused_per_peer = 0;
    std::size_t max_line = std::size_t{1} << 20; ///< bytes of a request line, without its end; 64 or more
    window::register_limits windows;             ///< the window sizes hold for private windows too
    /// Bytes of undelivered events that are kept for a connection.
    std::size_t max_event_buffer = std::size_t{4} << 20;
    std::size_t max_subscriptions = 64;        ///< patterns that a connection may follow at a time
    std::chrono::milliseconds idle_timeout{0}; ///< a connection that sends nothing for so long is closed
    /// A connection that takes nothing of its replies for so long is closed.
    std::chrono::milliseconds write_timeout{60'000};
};

/// What has happened since the start, as `info` tells it. One thread counts, any may read.
struct counters {
    using number = tally<std::uint64_t>;

    number connections; ///< open now
    number accepted;    ///< connections, those refused not counted
    number turned_away; ///< connections that were too many, or of a peer held back
    number held_back;   ///< times that a connection had to wait for what was refused
    number requests;    ///< lines answered
    number values;      ///< numbers taken in by windows
    number refused;     ///< requests answered with an error
    std::array<number, error_code_count> refused_with; ///< the same, by code
    number bytes_in;                                   ///< from clients
    number bytes_out;                                  ///< to clients
    number subscriptions;                              ///< patterns that connections follow now
    number auth_failed;                                ///< tries with a token that is not known
    /// How long requests took to be executed: the mean of each batch of requests, counted once for each of them.
    histogram resumption_latency;
    /// From when a batch of requests was read until its replies were with the kernel, once a batch.
    histogram reply_latency;

    void count_refused(error_code code) noexcept
    {
        ++refused;
        ++refused_with[static_cast<std::size_t>(code)];
    }

    /// Takes in what another one has counted.
    void add(counters const& other) noexcept;
};

/// What the environments of all threads of a server have in common.
struct environment_group;

/// What may change while a server runs.
struct settings {
    protocol::limits limits;
    window::window_options default_window;
    /// Asked what a token allows. Null: everyone may do everything, without a token.
    std::shared_ptr<authority const> access;
    window::step_observer* observer = nullptr; ///< told the steps of all services, for a trace; may be null
};

/// How many numbers are taken together at most.
inline constexpr std::size_t max_run = 64;

/// One a thread, and only used there: nothing here is synchronised. Those of one server have the shared windows in common.
/// Must outlive the conversations that refer to it.
struct environment : settings {
    using clock = std::chrono::steady_clock;

    /// The first of a server, or its only one.
    environment();
    /// For another thread: with the settings, the windows and the time of `first`, in whose thread this is called.
    explicit environment(environment& first);
    environment(environment const&) = delete;
    environment& operator=(environment const&) = delete;
    ~environment();

    protocol::counters counters;
    clock::time_point (*now)() noexcept = clock::now;
    clock::time_point started = now();
    /// When that was, in seconds since 1970. From then on time is what `now` says: where someone sets the system's
    /// clock, windows of time do not jump.
    double started_at =
        std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
    window::clock time;               ///< as of the last tick
    request_parser parser;            ///< scratch: one line is parsed at a time
    std::vector<window::sent> values; ///< scratch: of one request
    // Scratch: numbers that are taken together, and what they yield. By then what is done once for all costs little, and
    // others who use a window do not wait for long.
    std::array<double, max_run> numbers{};
    std::array<window::yielded, max_run> answers;

    /// Lets windows know what time it is. To be called before each batch of requests.
    void tick() noexcept
    {
        time.advance_to(started_at + std::chrono::duration<double>(now() - started).count());
    }

    /// Changes the settings while conversations go on. What is there already stays, even beyond a new limit.
    void configure(settings const& changed);

    /// The counters of all threads together. Any thread may ask.
    protocol::counters all_counters() const;
    /// How many events have been lost by connections that read too slowly, and how many bytes of events have been
    /// written, each event once, since the start, in all threads.
    std::atomic<std::uint64_t>& events_lost() const noexcept;
    std::uint64_t event_bytes() const noexcept { return events->bytes(); }

    /// The register: `shared`, or if there is none yet a local one, with the settings above.
    window::window_register& windows();
    std::unique_ptr<window::window_register> shared;

    // For its own functions.
    std::shared_ptr<environment_group> group;
    event_formatter const* events; ///< the group's
};

} // namespace windowd::protocol
