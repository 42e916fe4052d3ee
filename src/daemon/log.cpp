// The words of the log. spdlog's functions do not throw: what cannot be written is told once and lost.
#include "daemon/log.hpp"

#include <spdlog/sinks/stdout_color_sinks.h>

namespace windowd::daemon {
namespace {

std::string_view to_string(window::step taken) noexcept
{
    switch (taken) {
    case window::step::waiting:
        return "waiting";
    case window::step::providing_length:
        return "providing length";
    case window::step::dumping:
        return "dumping";
    case window::step::clearing:
        return "clearing";
    case window::step::reading:
        return "reading";
    case window::step::rejected:
        return "rejected";
    case window::step::exiting:
        break;
    }
    return "exiting";
}

} // namespace

std::shared_ptr<spdlog::logger> make_log(spdlog::level::level_enum level)
{
    auto log =
        std::make_shared<spdlog::logger>("windowd", std::make_shared<spdlog::sinks::stderr_color_sink_st>());
    log->set_level(level);
    log->set_pattern("%Y-%m-%d %H:%M:%S.%e %^%l%$ %v");
    return log;
}

void event_log::listening(std::string_view address) noexcept
{
    log_.info("listening on {}", address);
}

void event_log::accept_failed(std::string_view address, boost::system::error_code const& why) noexcept
{
    log_.warn("cannot accept on {}: {}; will try again", address, why.message());
}

void event_log::accept_recovered(std::string_view address) noexcept
{
    log_.info("accepting on {} again", address);
}

void event_log::connection_opened(std::uint64_t number, std::string_view peer) noexcept
{
    log_.trace("connection {} from {}", number, peer);
}

void event_log::connection_ended(net::connection_summary const& ended) noexcept
{
    log_.debug("connection {} from {} ended: {}; {} bytes in, {} out", ended.number, ended.peer,
               net::to_string(ended.reason), ended.bytes_in, ended.bytes_out);
}

void event_log::turned_away(std::string_view peer) noexcept
{
    auto const now = std::chrono::steady_clock::now();
    ++turned_away_unsaid_;
    if (now - last_turned_away_ < std::chrono::seconds(1))
        return;
    last_turned_away_ = now;
    log_.warn("too many connections: {} turned away, the last from {}", turned_away_unsaid_, peer);
    turned_away_unsaid_ = 0;
}

void event_log::failed(std::string_view what) noexcept
{
    log_.error("a connection failed: {}", what);
}

void step_log::on_step(window::step taken) noexcept
{
    log_.trace("{}", to_string(taken));
}

} // namespace windowd::daemon
