// What conversations share with the server that they are part of: limits, defaults, counters, scratch memory.
#pragma once

#include "protocol/request_parser.hpp"
#include "window/mean_window.hpp"
#include "window/window_service.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace windowd::protocol {

/// The limits in force, as `info` tells them. A duration of 0 is no limit.
struct limits {
    std::size_t max_connections = 10'000;        ///< at a time; more are answered limit_reached and closed
    std::size_t max_line = std::size_t{1} << 20; ///< bytes of a request line, without its end; 64 or more
    std::size_t max_window_size = 10'000'000;    ///< values of a window, at 8 bytes each: up to 2^31 - 1
    std::chrono::milliseconds idle_timeout{0};   ///< a connection that sends nothing for so long is closed
    /// A connection that takes nothing of its replies for so long is closed.
    std::chrono::milliseconds write_timeout{60'000};
};

/// What has happened since the start, as `info` tells it.
struct counters {
    std::size_t connections = 0;   ///< open now
    std::uint64_t accepted = 0;    ///< connections, those refused not counted
    std::uint64_t turned_away = 0; ///< connections, for their number
    std::uint64_t requests = 0;    ///< lines answered
    std::uint64_t values = 0;      ///< numbers taken in by windows
    std::uint64_t refused = 0;     ///< requests answered with an error
};

/// One a thread: nothing here is synchronised. Must outlive the conversations that refer to it.
struct environment {
    using clock = std::chrono::steady_clock;

    protocol::limits limits;
    window::window_options default_window;
    protocol::counters counters;
    window::step_observer* observer = nullptr; ///< told the steps of all services, for a trace; may be null
    clock::time_point (*now)() noexcept = clock::now;
    clock::time_point started = now();
    request_parser parser; ///< scratch: one line is parsed at a time
};

} // namespace windowd::protocol
