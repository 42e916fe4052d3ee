// Starting, serving, reloading, stopping.
#include "daemon/application.hpp"

#include "net/spawn.hpp"

#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <utility>

#include <sys/resource.h>
#include <unistd.h>

namespace windowd::daemon {
namespace {

using clock = std::chrono::steady_clock;

// Descriptors that are not connections: listeners, the event loop, standard streams, the log, metrics, with room to
// spare.
constexpr rlim_t other_descriptors = 64;

// How often the service manager is told how it goes: for people who look now and then.
constexpr auto status_interval = std::chrono::seconds(5);

// The names of passed sockets that are not for clients without TLS.
constexpr std::string_view metrics_name = "metrics";
constexpr std::string_view tls_name = "tls";

/// A connection takes a descriptor: the soft limit of 1,024 is historical, for programs that use select().
void raise_descriptor_limit(std::size_t connections, spdlog::logger& log)
{
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < connections + other_descriptors)
        log.warn("max-connections is {}, but this process may open {} files only", connections,
                 limit.rlim_cur);
}

std::string_view name_of(int signal) noexcept
{
    switch (signal) {
    case SIGINT:
        return "SIGINT";
    case SIGHUP:
        return "SIGHUP";
    default:
        return "SIGTERM";
    }
}

std::vector<std::string> addresses_of(options const& settings)
{
    std::vector<std::string> addresses;
    addresses.reserve(settings.listen.size());
    for (auto const& one : settings.listen)
        addresses.push_back(to_string(one));
    return addresses;
}

std::size_t thread_count(options const& settings)
{
    if (settings.threads != 0)
        return settings.threads;
    return std::max(1U, std::thread::hardware_concurrency()); // 0 where that is not known
}

std::string metrics_of(options const& settings)
{
    return settings.metrics ? to_string(*settings.metrics) : std::string();
}

} // namespace

credentials load_credentials(options const& settings)
{
    credentials read;
    if (!settings.token_file.empty()) {
        read.tokens = std::make_shared<token_file const>(read_token_file(settings.token_file));
        read.warnings = read.tokens->warnings();
    }
    if (!settings.tls_certificate.empty())
        read.tls = std::make_shared<net::tls_context const>(
            net::tls_files{settings.tls_certificate, settings.tls_key, settings.tls_client_ca});
    return read;
}

application::application(options settings, std::function<command()> read_again, spdlog::logger& log)
    : settings_(std::move(settings)),
      read_again_(std::move(read_again)),
      log_(log),
      steps_(log),
      events_(log),
      credentials_(load_credentials(settings_)),
      context_(1),
      signals_(context_, {SIGINT, SIGTERM, SIGHUP}, [this](int number) { on_signal(number); }),
      server_(context_, environment_, events_, settings_.shutdown_timeout, thread_count(settings_)),
      beat_timer_(context_),
      beat_interval_(status_interval),
      had_terminal_(isatty(STDIN_FILENO) != 0)
{
    if (manager_.watchdog_interval().count() != 0)
        beat_interval_ = std::min<clock::duration>(beat_interval_, manager_.watchdog_interval());
}

void application::run()
{
    warn(credentials_.warnings);
    use_settings();
    listen();
    if (manager_.listens())
        boost::asio::post(context_, [this] { // by then the loop runs
            manager_.ready();
            beat_after_a_while();
        });
    context_.run();
    // Now it stops. Signs of life are given from here, since a timer would be one more thing to wait for.
    for (context_.restart(); !context_.stopped(); context_.run_for(beat_interval_))
        manager_.alive();
    log_.info("stopped");
}

void application::warn(std::vector<std::string> const& mistakes)
{
    for (auto const& one : mistakes)
        log_.warn("{}", one);
}

/// What can change while the daemon runs, but for what listeners and sessions have to be told.
void application::use_settings()
{
    environment_.configure({settings_.limits, settings_.default_window, credentials_.tokens,
                            log_.should_log(spdlog::level::trace) ? &steps_ : nullptr});
    server_.settings_changed();
    raise_descriptor_limit(settings_.limits.max_connections, log_);
    if (credentials_.tls)
        server_.use_tls(credentials_.tls);
    server_.allow_remote(credentials_.tokens != nullptr || settings_.insecure);
}

void application::listen()
{
    auto has_listener = false;
    for (auto const& passed : take_passed_sockets()) {
        adopt(passed);
        has_listener = has_listener || passed.name != metrics_name;
    }
    if (!has_listener || !settings_.listen_is_default)
        for (auto const& address : settings_.listen)
            server_.listen(address);
    if (settings_.metrics)
        metrics().listen(*settings_.metrics, settings_.insecure);
}

void application::adopt(passed_socket const& passed)
{
    if (passed.name == metrics_name)
        metrics().adopt(passed.descriptor, settings_.insecure);
    else
        server_.adopt(passed.descriptor, passed.name.starts_with(tls_name));
}

metrics_server& application::metrics()
{
    if (!metrics_)
        metrics_.emplace(server_.contexts(), environment_, log_);
    return *metrics_;
}

void application::on_signal(int number)
{
    // A shell that ends hangs up too: then nobody is left who could stop a daemon in the foreground.
    auto const is_hangup = had_terminal_ && isatty(STDIN_FILENO) == 0;
    if (number == SIGHUP && !is_hangup)
        reload();
    else
        stop(number);
}

void application::stop(int number)
{
    log_.info("{}: answering what has come, then stopping; a second signal stops at once", name_of(number));
    manager_.stopping();
    beat_timer_.cancel();
    if (metrics_)
        metrics_->stop();
    server_.stop();
    context_.stop();              // for run(), which goes on with it
    std::signal(SIGHUP, SIG_IGN); // what is being stopped has nothing to read anew, and must not end by that
    signals_.release();           // last: another signal that has come already ends it here
}

void application::reload()
{
    manager_.reloading();
    try {
        change_settings(read_again_());
        log_.info("SIGHUP: the settings have been read anew");
    } catch (std::exception const& mistake) {
        log_.error("SIGHUP: {}; the settings stay as they were", mistake.what());
        manager_.status("the settings were not read anew, since there is a mistake: see the log");
        status_at_ = clock::now(); // it stands there for a while
    }
    manager_.ready();
}

/// Throws where anything is wrong, and has not changed anything then.
void application::change_settings(command const& read)
{
    if (!read.run)
        throw std::runtime_error(read.complaint);
    auto changed = *read.run;
    auto files = load_credentials(changed);
    // Or a listener that was closed to strangers would be open, by a line that somebody has lost.
    if (credentials_.tokens && !files.tokens)
        throw std::runtime_error("a token file cannot be taken away while the daemon runs");
    if (credentials_.tls && !files.tls)
        throw std::runtime_error("a certificate cannot be taken away while the daemon runs");
    warn(read.warnings);
    warn(files.warnings);
    if (addresses_of(changed) != addresses_of(settings_) || metrics_of(changed) != metrics_of(settings_) ||
        changed.insecure != settings_.insecure)
        log_.warn("where to listen, and to whom, is read at the start only: that change has to wait for the "
                  "next one");
    if (changed.threads != settings_.threads)
        log_.warn(
            "the number of threads is read at the start only: that change has to wait for the next one");

    log_.set_level(changed.log_level);
    settings_ = std::move(changed);
    credentials_ = std::move(files);
    use_settings();
    server_.allow_for_shutdown(settings_.shutdown_timeout);
    server_.renew_access();
}

void application::beat_after_a_while()
{
    beat();
    beat_timer_.expires_after(beat_interval_);
    beat_timer_.async_wait([this](boost::system::error_code const& cancelled) {
        if (!cancelled)
            beat_after_a_while();
    });
}

/// A sign of life when the loops of all threads have come by: none as long as one of them hangs.
boost::asio::awaitable<void> application::prove_alive()
{
    is_proving_ = true;
    co_await server_.pass_all_threads();
    manager_.alive();
    is_proving_ = false;
}

void application::beat()
{
    if (manager_.watchdog_interval().count() != 0 && !is_proving_)
        net::spawn(context_, prove_alive(), events_);
    auto const now = clock::now();
    if (now - status_at_ < status_interval)
        return;
    auto const counters = environment_.all_counters();
    auto const values = static_cast<double>(counters.values - values_told_);
    auto const rate = values / std::chrono::duration<double>(now - status_at_).count();
    manager_.status(fmt::format("{} connections, {:.0f} values/s",
                                static_cast<std::uint64_t>(counters.connections), rate));
    values_told_ = counters.values;
    status_at_ = now;
    events_.tell_rest();
}

} // namespace windowd::daemon
