// What a user can set: on the command line, in the environment, in the configuration file.
#pragma once

#include "net/address.hpp"
#include "protocol/environment.hpp"

#include <spdlog/common.h>

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace windowd::daemon {

/// All settings, with their defaults.
struct options {
    std::vector<net::listen_address> listen{net::tcp_address{"127.0.0.1", 6920}};
    bool listen_is_default = true;              ///< nobody has said where: passed sockets take its place
    std::optional<net::listen_address> metrics; ///< where metrics are served; nothing: nowhere
    std::string token_file;                     ///< of those who may use the service; empty: everyone may
    bool insecure = false;       ///< others than this machine may reach listeners that ask for no token
    std::string tls_certificate; ///< a file in PEM form: the certificate, then those that vouch for it
    std::string tls_key;         ///< of that certificate
    std::string tls_client_ca;   ///< whose certificates clients need; empty: they need none
    protocol::limits limits;
    window::window_options default_window;
    std::size_t threads = 0; ///< that serve clients; 0: as many as there are processors for this process
    std::chrono::milliseconds shutdown_timeout{5000};
    spdlog::level::level_enum log_level = spdlog::level::info;
};

/// What the command line asks for: to run with these options, or to print something and exit.
struct command {
    std::optional<daemon::options> run = {}; ///< with these options; nothing: print and exit
    bool check_only = false;                 ///< not to run: only to say whether one could
    std::string output = {};                 ///< what was asked for (help, the version), for standard output
    std::string complaint = {};              ///< what is wrong
    int exit_status = 0;                     ///< 2 where something is wrong
    std::vector<std::string> warnings = {};  ///< what may be a mistake, for the log
};

/// Reads the command line, without the program's name; then, for what that leaves open, the environment
/// (WINDOWD_MAX_LINE for --max-line); then the configuration file that one of them names. One definition
/// serves all three: a setting has one name, one type, one range.
command read_options(std::span<char const* const> arguments);

} // namespace windowd::daemon
