// What is written to the log, and at which level.
#pragma once

#include "net/observer.hpp"
#include "window/window_service.hpp"

#include <boost/system/error_code.hpp>
#include <fmt/format.h>
#include <spdlog/logger.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>

namespace windowd::daemon {

/// A log in the journal, with its levels, where standard error leads there (systemd's JOURNAL_STREAM); else on standard
/// error. Peers, reasons and numbers are written, never what clients send.
std::shared_ptr<spdlog::logger> make_log(spdlog::level::level_enum level);

/// Writes the server's events: notable ones at `info` and above, one line a connection at `debug`.
///
/// Of what clients can cause again and again each kind has at most one line a second: a flood of clients is no flood of
/// lines. What is not told at once is counted in a later line. Any thread may tell it.
class event_log final : public net::observer {
public:
    explicit event_log(spdlog::logger& log) noexcept : log_(log) {}
    event_log(event_log const&) = delete;
    event_log& operator=(event_log const&) = delete;
    ~event_log();

    void listening(std::string_view address) noexcept override;
    void accept_failed(std::string_view address, boost::system::error_code const& why) noexcept override;
    void accept_recovered(std::string_view address) noexcept override;
    void connection_opened(std::uint64_t number, std::string_view peer) noexcept override;
    void connection_ended(net::connection_summary const& ended) noexcept override;
    void turned_away(std::string_view peer, net::obstacle why) noexcept override;
    void held_back(std::string_view peer) noexcept override;
    void auth_failed(std::string_view peer) noexcept override;
    void handshake_failed(std::string_view peer, std::string_view why) noexcept override;
    void failed(std::string_view what) noexcept override;

    /// Counts what has not been told yet, once a second has passed since the last line of its kind. Called by itself
    /// whenever a connection ends.
    void tell_rest() noexcept;

private:
    enum class kind : std::uint8_t {
        accept_failed,
        server_full,
        peer_full,
        turned_away_held_back,
        held_back,
        auth_failed,
        handshake_failed,
        failed
    };
    using clock = std::chrono::steady_clock;

    /// What happens again and again.
    struct flood {
        std::uint64_t untold = 0;
        clock::time_point told_at{};
    };

    // All these with the mutex held.
    std::uint64_t count(kind what) noexcept;
    void note_guesser(std::string_view peer) noexcept;
    std::string_view guessers() const noexcept;
    void tell_rest(clock::time_point told_before) noexcept;

    spdlog::logger& log_;
    std::mutex mutex_; // of what follows
    std::array<flood, static_cast<std::size_t>(kind::failed) + 1> floods_;
    fmt::memory_buffer guessers_;
};

/// Writes the steps of window services at `trace`. Given to services only when that level is on.
class step_log final : public window::step_observer {
public:
    explicit step_log(spdlog::logger& log) noexcept : log_(log) {}
    void on_step(window::step taken) noexcept override;

private:
    spdlog::logger& log_;
};

} // namespace windowd::daemon
