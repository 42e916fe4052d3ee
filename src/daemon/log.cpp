// The words of the log. spdlog's functions do not throw: what cannot be written is told once and lost.
#include "daemon/log.hpp"

#include <spdlog/sinks/stdout_color_sinks.h>

#include <utility>

namespace windowd::daemon {
namespace {

// Between two lines on clients that are turned away.
constexpr auto quiet_time = std::chrono::seconds(1);

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
    if (std::chrono::steady_clock::now() - last_told_ >= quiet_time)
        tell_turned_away(); // a place is free again: the flood is over for now
}

void event_log::turned_away(std::string_view peer) noexcept
{
    ++turned_away_;
    auto const now = std::chrono::steady_clock::now();
    if (now - last_told_ < quiet_time)
        return;
    log_.warn("too many connections: {} turned away, the last from {}", std::exchange(turned_away_, 0), peer);
    last_told_ = now;
}

void event_log::tell_turned_away() noexcept
{
    if (turned_away_ == 0)
        return;
    log_.warn("too many connections: {} more turned away", std::exchange(turned_away_, 0));
    last_told_ = std::chrono::steady_clock::now();
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
