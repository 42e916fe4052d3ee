// The daemon while it runs: what it serves, how it is told to stop or to read its settings anew, and what it tells.
#pragma once

#include "daemon/log.hpp"
#include "daemon/metrics_server.hpp"
#include "daemon/options.hpp"
#include "daemon/service_manager.hpp"
#include "daemon/signals.hpp"
#include "daemon/token_file.hpp"
#include "net/server.hpp"
#include "net/tls.hpp"
#include "protocol/environment.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <spdlog/logger.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace windowd::daemon {

/// What the files say that settings name.
struct credentials {
    std::shared_ptr<token_file const> tokens;    ///< null: everyone may do everything
    std::shared_ptr<net::tls_context const> tls; ///< null: there is no TLS
    std::vector<std::string> warnings;           ///< what may be a mistake, for the log
};

/// Reads those files, all of them or none. Throws std::runtime_error, which names the file and says what is wrong.
credentials load_credentials(options const& settings);

/// Serves until SIGINT or SIGTERM, or until the terminal in whose foreground it runs is gone. Other SIGHUPs have it read its settings and their files anew: limits, log level, tokens and
/// certificates change without a connection being dropped; a mistake anywhere is logged, and nothing changes.
///
/// All but serving clients happens in one thread, which serves some of them too. The watchdog gets its signs of life only
/// while the loops of all threads go round: one that hangs is enough for none.
class application {
public:
    /// `read_again` reads the settings as they are then, from where `settings` came from. Throws std::runtime_error where
    /// a file that they name is no good.
    application(options settings, std::function<command()> read_again, spdlog::logger& log);
    application(application const&) = delete;
    application& operator=(application const&) = delete;
    ~application() = default;

    /// To be called once. Throws std::runtime_error where it cannot serve.
    void run();

private:
    void use_settings();
    void warn(std::vector<std::string> const& mistakes);
    void listen();
    void adopt(passed_socket const& passed);
    metrics_server& metrics();
    void on_signal(int number);
    void stop(int number);
    void reload();
    void change_settings(command const& read);
    void beat_after_a_while();
    void beat();
    boost::asio::awaitable<void> prove_alive();

    options settings_;
    std::function<command()> read_again_;
    spdlog::logger& log_;
    protocol::environment environment_;
    step_log steps_;
    event_log events_;
    credentials credentials_; // before signals_: files are read while signals still end the process
    service_manager manager_;
    boost::asio::io_context context_;
    signal_source signals_;
    net::server server_;
    std::optional<metrics_server> metrics_; // where somebody may want them
    boost::asio::steady_timer beat_timer_;
    std::chrono::steady_clock::duration beat_interval_;
    std::chrono::steady_clock::time_point status_at_{};
    std::uint64_t values_told_ = 0; // in the last status
    bool is_proving_ = false;       // that all threads are alive
    bool had_terminal_;
};

} // namespace windowd::daemon
