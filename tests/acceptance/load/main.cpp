// Load for a daemon that runs, from outside: windowd-load mixed|shutdown|restart OPTIONS
// Prints one line of JSON, and ends with 1 if anything was not as it has to be.
#include "acceptance/load/rounds.hpp"

#include <CLI/CLI.hpp>

#include <exception>
#include <iostream>
#include <limits>

#include <signal.h>
#include <sys/resource.h>

namespace {

using namespace windowd::load;

void allow_descriptors(std::size_t connections)
{
    constexpr std::size_t others = 64;
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < connections + others)
        throw failure("this system allows " + std::to_string(limit.rlim_cur) + " descriptors only");
}

void define(CLI::App& app, settings& chosen)
{
    app.add_option("--port", chosen.port, "of the daemon, at 127.0.0.1")->required();
    app.add_option("--deferred-port", chosen.deferred_port, "of its listener that gets the first bytes too");
    app.add_option("--path", chosen.path, "of its Unix socket")->required();
    app.add_option("--connections", chosen.connections, "at a time")->required();
    app.add_option("--seconds", chosen.seconds, "how long")->capture_default_str();
    app.add_option("--patience", chosen.patience, "how long one reply may take")->capture_default_str();
    app.add_option("--daemon", chosen.daemon, "its process");
    app.add_flag("--slow", chosen.slow, "connections of a shutdown read slowly");
    app.require_subcommand(1);
    app.fallthrough();
}

int run(int argc, char** argv)
{
    settings chosen;
    CLI::App app{"Load for windowd."};
    define(app, chosen);
    void (*round)(world&) = nullptr;
    app.add_subcommand("mixed", "all manners")->callback([&round] { round = mixed_round; });
    app.add_subcommand("shutdown", "SIGTERM meanwhile")->callback([&round] { round = shutdown_round; });
    app.add_subcommand("restart", "to the end of standard input")->callback([&round] {
        round = restart_round;
    });
    CLI11_PARSE(app, argc, argv);
    if (round == restart_round)
        chosen.seconds = std::numeric_limits<std::int32_t>::max();
    allow_descriptors(chosen.connections);
    world all(chosen);
    round(all);
    all.results().print();
    return all.results().failed() ? 1 : 0;
}

} // namespace

int main(int argc, char** argv)
{
    try {
        signal(SIGPIPE, SIG_IGN);
        return run(argc, argv);
    } catch (std::exception const& why) {
        std::cerr << "windowd-load: " << why.what() << '\n';
        return 2;
    }
}
