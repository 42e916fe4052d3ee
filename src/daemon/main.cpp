// The process: options, signals, log, and the server in one thread.
#include "daemon/log.hpp"
#include "daemon/options.hpp"
#include "daemon/signals.hpp"
#include "net/server.hpp"
#include "protocol/environment.hpp"
#include "protocol/version.hpp"

#include <boost/asio/io_context.hpp>

#include <csignal>
#include <exception>
#include <iostream>
#include <span>

#include <sys/resource.h>
#include <unistd.h>

namespace {

using namespace windowd;

// Descriptors that are not connections: listeners, the event loop, standard streams, the log, with room to
// spare.
constexpr rlim_t other_descriptors = 32;

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

int run(daemon::options const& options, spdlog::logger& log)
{
    protocol::environment environment;
    environment.limits = options.limits;
    environment.default_window = options.default_window;
    daemon::step_log steps(log);
    if (log.should_log(spdlog::level::trace))
        environment.observer = &steps;
    daemon::event_log events(log);

    boost::asio::io_context context(1);
    net::server server(context, environment, events, options.shutdown_timeout);
    // Before it listens: who has seen that it does may signal at once.
    daemon::signal_source signals(context, {SIGINT, SIGTERM}, [&](int number) {
        server.stop();
        log.info("{}: answering what has come, then stopping; a second signal stops at once",
                 number == SIGINT ? "SIGINT" : "SIGTERM");
        signals.release();
    });
    for (auto const& address : options.listen)
        server.listen(address);
    context.run();
    log.info("stopped");
    return 0;
}

} // namespace

int main(int argc, char** argv)
{
    auto const command =
        daemon::read_options(std::span<char const* const>(argv, static_cast<std::size_t>(argc)).subspan(1));
    std::cout << command.output << std::flush;
    std::cerr << command.complaint;
    if (!command.run)
        return command.exit_status;

    auto const log = daemon::make_log(command.run->log_level);
    try {
        std::signal(SIGPIPE, SIG_IGN);
        log->info("windowd {} starts as process {}", protocol::version, getpid());
        for (auto const& warning : command.warnings)
            log->warn("{}", warning);
        raise_descriptor_limit(command.run->limits.max_connections, *log);
        return run(*command.run, *log);
    } catch (std::exception const& failure) {
        log->critical("{}", failure.what());
        return 1;
    }
}
