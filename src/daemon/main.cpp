// The process: from the command line to the application that runs, and to an exit status.
#include "daemon/application.hpp"
#include "daemon/log.hpp"
#include "daemon/options.hpp"
#include "protocol/version.hpp"

#include <csignal>
#include <cstddef>
#include <exception>
#include <iostream>
#include <span>

#include <unistd.h>

namespace {

using namespace windowd;

// The exit status by which a service manager knows that starting again will not help.
constexpr int bad_usage = 2;

/// For --check-config: the files that settings name are part of them.
int check(daemon::options const& settings)
{
    try {
        for (auto const& warning : daemon::load_credentials(settings).warnings)
            std::cerr << "windowd: " << warning << '\n';
        std::cout << "the configuration is valid\n";
        return 0;
    } catch (std::exception const& mistake) {
        std::cerr << "windowd: " << mistake.what() << '\n';
        return bad_usage;
    }
}

} // namespace

int main(int argc, char** argv)
try {
    auto const arguments = std::span<char const* const>(argv, static_cast<std::size_t>(argc)).subspan(1);
    auto const read = [arguments] { return daemon::read_options(arguments); };
    auto const command = read();
    std::cout << command.output << std::flush;
    if (!command.complaint.empty())
        std::cerr << "windowd: " << command.complaint << "; windowd --help lists the options\n";
    if (!command.run)
        return command.exit_status;
    if (command.check_only)
        return check(*command.run);

    auto const log = daemon::make_log(command.run->log_level);
    try {
        std::signal(SIGPIPE, SIG_IGN);
        log->info("windowd {} starts as process {}", protocol::version, getpid());
        for (auto const& warning : command.warnings)
            log->warn("{}", warning);
        daemon::application(*command.run, read, *log).run();
        return 0;
    } catch (std::exception const& failure) {
        log->critical("{}", failure.what());
        return 1;
    }
} catch (std::exception const& failure) { // there is no log yet, or no more
    std::cerr << "windowd: " << failure.what() << '\n';
    return 1;
}
