// What can be measured. Each scenario returns the JSON object that `measure` prints, and throws wrong_reply or another
// exception where something is not as it should be.
#pragma once

#include <boost/json/object.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace windowd::bench {

/// What the command line says; each scenario looks at what concerns it.
struct settings {
    std::uint16_t port = 0;           ///< of the server, at 127.0.0.1
    std::optional<pid_t> server;      ///< its process, for its CPU time and memory
    std::string expect = "windowd";   ///< what it has to answer: as windowd, naive or echo
    std::string kind = "integers";    ///< of the values; see value_source
    std::size_t count = 1'000'000;    ///< of values that are timed
    std::size_t round_trips = 20'000; ///< the same, where each awaits the answer to the last
    std::size_t warmup = 0;           ///< of values before those
    std::size_t array_size = 1000;    ///< values a line
    std::size_t windows = 10'000;     ///< shared windows
    std::size_t window_size = 3;      ///< values that the window keeps
    std::string stat = "mean";        ///< its statistic
    std::size_t connections = 8;      ///< at once, to one shared window
    std::size_t idle = 10'000;        ///< connections that do nothing
    std::size_t busy = 0;             ///< further connections that are busy meanwhile
    double busy_rate = 20'000;        ///< requests a second of all those together
    bool used = false;                ///< idle connections have sent a value before
    std::vector<std::string> command; ///< that starts the server
};

using scenario = boost::json::object (*)(settings const&);

// In this process, without a server: our own limit.
boost::json::object feed_conversation(settings const& with);
boost::json::object run_plain_loop(settings const& with);

// One connection, pipelined.
boost::json::object send_bare_values(settings const& with);
boost::json::object send_arrays(settings const& with);
boost::json::object send_operations(settings const& with);
boost::json::object send_to_named_windows(settings const& with);
boost::json::object send_to_sized_window(settings const& with);

// Several connections, one shared window.
boost::json::object share_a_window(settings const& with);

// One value at a time.
boost::json::object measure_latency(settings const& with);

// Memory, and how long a start takes.
boost::json::object keep_idle_connections(settings const& with);
boost::json::object start_server(settings const& with);

} // namespace windowd::bench
