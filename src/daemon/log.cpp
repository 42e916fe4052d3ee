// The words of the log. spdlog's functions do not throw: what cannot be written is told once and lost.
#include "daemon/log.hpp"

#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/sinks/systemd_sink.h>

#include <array>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <mutex>
#include <string>
#include <tuple>
#include <utility>

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace windowd::daemon {
namespace {

// Between two lines of one kind.
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

/// Whether that is the stream that systemd names in JOURNAL_STREAM as "device:inode" (systemd.exec(5)), and not a file or
/// pipe that the output was sent to since.
bool leads_to_the_journal(int descriptor)
{
    // NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread so far, and nothing has changed the environment
    auto const* const stream = std::getenv("JOURNAL_STREAM");
    struct stat status {};
    if (stream == nullptr || fstat(descriptor, &status) != 0)
        return false;
    return stream == std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
}

/// Leaves out what would have to wait: where the reader of the log stands still, the service shall not. A pipe that can
/// be written to takes 4096 bytes (pipe(7)), and no line is that long.
class unwaiting_sink final : public spdlog::sinks::base_sink<std::mutex> {
protected:
    void sink_it_(spdlog::details::log_msg const& message) override
    {
        pollfd stream{STDERR_FILENO, POLLOUT, 0};
        if (poll(&stream, 1, 0) == 1 && (stream.revents & POLLOUT) != 0)
            to_.log(message);
    }
    void flush_() override { to_.flush(); }
    void set_pattern_(std::string const& pattern) override { to_.set_pattern(pattern); }
    void set_formatter_(std::unique_ptr<spdlog::formatter> formatter) override
    {
        to_.set_formatter(std::move(formatter));
    }

private:
    spdlog::sinks::stderr_color_sink_st to_;
};

/// Behind a line that stands for several. On the stack: events are told without memory too.
struct last_of {
    explicit last_of(std::uint64_t times)
    {
        if (times != 1)
            fmt::format_to(std::back_inserter(text), "; the last of {}", times);
    }
    operator std::string_view() const noexcept { return {text.data(), text.size()}; }

    fmt::memory_buffer text;
};

} // namespace

std::shared_ptr<spdlog::logger> make_log(spdlog::level::level_enum level)
{
    std::shared_ptr<spdlog::logger> log;
    if (leads_to_the_journal(STDERR_FILENO)) {
        log = std::make_shared<spdlog::logger>("windowd", std::make_shared<spdlog::sinks::systemd_sink_mt>());
    } else {
        log = std::make_shared<spdlog::logger>("windowd", std::make_shared<unwaiting_sink>());
        log->set_pattern("%Y-%m-%d %H:%M:%S.%e %^%l%$ %v");
    }
    log->set_level(level);
    return log;
}

event_log::~event_log()
{
    tell_rest(clock::time_point::max());
}

void event_log::listening(std::string_view address) noexcept
{
    log_.info("listening on {}", address);
}

void event_log::accept_failed(std::string_view address, boost::system::error_code const& why) noexcept
{
    auto const lock = std::scoped_lock(mutex_);
    std::array<char, 128> text{}; // a string would take memory, which may be what there is too little of
    if (count(kind::accept_failed) != 0)
        log_.warn("cannot accept on {}: {}; will try again", address, why.message(text.data(), text.size()));
}

void event_log::accept_recovered(std::string_view address) noexcept
{
    auto const lock = std::scoped_lock(mutex_);
    if (floods_[static_cast<std::size_t>(kind::accept_failed)].untold == 0)
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
    tell_rest();
}

void event_log::turned_away(std::string_view peer, net::obstacle why) noexcept
{
    auto const lock = std::scoped_lock(mutex_);
    switch (why) {
    case net::obstacle::server_is_full:
        if (auto const times = count(kind::server_full); times != 0)
            log_.warn("too many connections: {} turned away, the last from {}", times, peer);
        break;
    case net::obstacle::peer_is_full:
        if (auto const times = count(kind::peer_full); times != 0)
            log_.warn("too many connections of one peer: {} turned away, the last from {}", times, peer);
        break;
    case net::obstacle::peer_is_held_back:
        if (auto const times = count(kind::turned_away_held_back); times != 0)
            log_.warn("too many refused requests of one peer: {} turned away, the last from {}", times, peer);
        break;
    }
}

void event_log::held_back(std::string_view peer) noexcept
{
    auto const lock = std::scoped_lock(mutex_);
    if (auto const times = count(kind::held_back); times != 0)
        log_.warn("too many refused requests of one peer: {} waits{}", peer,
                  std::string_view(last_of(times)));
}

void event_log::auth_failed(std::string_view peer) noexcept
{
    auto const lock = std::scoped_lock(mutex_);
    note_guesser(peer);
    auto const times = count(kind::auth_failed);
    if (times == 0)
        return;
    if (times == 1)
        log_.warn("unknown token from {}", peer);
    else
        log_.warn("unknown token from {}; the last of {}, from{}", peer, times, guessers());
    guessers_.clear();
}

void event_log::handshake_failed(std::string_view peer, std::string_view why) noexcept
{
    auto const lock = std::scoped_lock(mutex_);
    if (auto const times = count(kind::handshake_failed); times != 0)
        log_.warn("TLS handshake with {} failed: {}{}", peer, why, std::string_view(last_of(times)));
}

void event_log::failed(std::string_view what) noexcept
{
    auto const lock = std::scoped_lock(mutex_);
    if (auto const times = count(kind::failed); times != 0)
        log_.error("a connection failed: {}{}", what, std::string_view(last_of(times)));
}

/// The hosts of those who have guessed since the last line, so that a loud one does not hide others; as many as a line
/// holds.
void event_log::note_guesser(std::string_view peer) noexcept
{
    constexpr std::size_t most = 400; // of the 500 bytes that the buffer has in itself
    auto const host = peer.substr(0, peer.rfind(':'));
    auto const told = std::string_view(guessers_.data(), guessers_.size());
    auto const at = told.find(host);
    auto const is_whole =
        at != std::string_view::npos && (at + host.size() == told.size() || told[at + host.size()] == ' ');
    if (is_whole || told.size() + host.size() + 1 > most)
        return;
    guessers_.push_back(' ');
    guessers_.append(host.data(), host.data() + host.size());
}

std::string_view event_log::guessers() const noexcept
{
    return {guessers_.data(), guessers_.size()};
}

/// Counts one more; how many are to be told now, or 0 where it is too soon for another line.
std::uint64_t event_log::count(kind what) noexcept
{
    auto& counted = floods_[static_cast<std::size_t>(what)];
    ++counted.untold;
    auto const now = clock::now();
    if (now - counted.told_at < quiet_time)
        return 0;
    counted.told_at = now;
    return std::exchange(counted.untold, 0);
}

void event_log::tell_rest() noexcept
{
    auto const lock = std::scoped_lock(mutex_);
    tell_rest(clock::now() - quiet_time);
}

void event_log::tell_rest(clock::time_point told_before) noexcept
{
    static constexpr std::array<std::string_view, std::tuple_size_v<decltype(floods_)>> words{
        "cannot accept: {} more times",
        "too many connections: {} more turned away",
        "too many connections of one peer: {} more turned away",
        "too many refused requests of one peer: {} more turned away",
        "too many refused requests of one peer: {} more waits",
        "unknown token: {} more tries, from{}",
        "TLS: {} more handshakes failed",
        "a connection failed {} more times"};
    for (std::size_t i = 0; i < floods_.size(); ++i) {
        auto& counted = floods_[i];
        if (counted.untold == 0 || counted.told_at > told_before)
            continue;
        log_.warn(fmt::runtime(words[i]), std::exchange(counted.untold, 0), guessers());
        counted.told_at = clock::now();
        if (i == static_cast<std::size_t>(kind::auth_failed))
            guessers_.clear();
    }
}

void step_log::on_step(window::step taken) noexcept
{
    log_.trace("{}", to_string(taken));
}

} // namespace windowd::daemon
