// What is written to the log, and at which level.
#pragma once

#include "net/observer.hpp"
#include "window/window_service.hpp"

#include <boost/system/error_code.hpp>
#include <spdlog/logger.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>

namespace windowd::daemon {

/// A log on standard error. Peers, reasons and numbers are written, never what clients send.
std::shared_ptr<spdlog::logger> make_log(spdlog::level::level_enum level);

/// Writes the server's events: notable ones at `info` and above, one line a connection at `debug`.
class event_log final : public net::observer {
public:
    explicit event_log(spdlog::logger& log) noexcept : log_(log) {}
    event_log(event_log const&) = delete;
    event_log& operator=(event_log const&) = delete;
    ~event_log() { tell_turned_away(); }

    void listening(std::string_view address) noexcept override;
    void accept_failed(std::string_view address, boost::system::error_code const& why) noexcept override;
    void accept_recovered(std::string_view address) noexcept override;
    void connection_opened(std::uint64_t number, std::string_view peer) noexcept override;
    void connection_ended(net::connection_summary const& ended) noexcept override;
    /// At most one line a second: a flood of clients is no flood of lines. Those not told at once are counted in a
    /// later line.
    void turned_away(std::string_view peer) noexcept override;
    void failed(std::string_view what) noexcept override;

private:
    void tell_turned_away() noexcept;

    spdlog::logger& log_;
    std::chrono::steady_clock::time_point last_told_{};
    std::uint64_t turned_away_ = 0; // and not told yet
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
