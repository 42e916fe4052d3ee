// What windowctl is asked to do: its command line, and the two variables that stand in for options.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace windowd::ctl {

enum class command_name { send, dump, read, clear, close, open, windows, follow, top, ping, info };

/// How a window is opened. Numbers are JSON, and the text that the user wrote; empty: not given.
struct window_terms {
    std::string size;
    std::string span;
    std::string min_count;
    std::vector<std::string> stats;
    std::vector<std::string> data;

    bool is_empty() const noexcept
    {
        return size.empty() && span.empty() && min_count.empty() && stats.empty() && data.empty();
    }
};

struct settings {
    command_name command = command_name::ping;
    std::string address;
    std::string token_file; ///< empty: no token
    std::string tls_ca;     ///< empty: the authorities of the system
    std::string tls_certificate;
    std::string tls_key;
    std::chrono::milliseconds timeout{10000};
    bool is_json = false;
    std::string window;              ///< empty: the connection's own
    std::vector<std::string> values; ///< to send: numbers or null; or the one text `-`
    window_terms terms;
    std::string pattern = "*";
    std::optional<std::uint64_t> count; ///< of pings or tables
    std::chrono::milliseconds interval{1000};
};

/// To run with these settings, or to print something and exit.
struct command_line {
    std::optional<settings> run;
    std::string output;    ///< what was asked for (help, the version), for standard output
    std::string complaint; ///< what is wrong, for standard error
    int exit_status = 0;
};

/// Reads the command line, without the program's name.
command_line read_options(std::span<char const* const> arguments);

} // namespace windowd::ctl
