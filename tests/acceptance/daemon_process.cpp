// Starting the daemon and finding out where it listens.
#include "acceptance/daemon_process.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include <signal.h>
#include <unistd.h>

namespace windowd::test {
namespace {

std::vector<std::string> command_of(std::vector<std::string> const& options)
{
    std::vector<std::string> words{daemon_path()};
    auto const says_where = [](std::string const& option) {
        return option.starts_with("--listen") || option.starts_with("--config");
    };
    if (std::ranges::none_of(options, says_where))
        words.emplace_back("--listen=tcp://127.0.0.1:0");
    words.insert(words.end(), options.begin(), options.end());
    return words;
}

} // namespace

std::string daemon_path()
{
    auto const* const path = std::getenv("WINDOWD");
    if (path == nullptr)
        throw test_failure("the environment variable WINDOWD has to name the daemon to test");
    return path;
}

daemon_process::daemon_process(std::vector<std::string> const& options, variables const& environment)
    : process(command_of(options), environment)
{
    addresses(1);
}

daemon_process::daemon_process(command_line const& command) : process(command.words)
{
    addresses(1);
}

std::vector<std::string> daemon_process::limited(std::size_t descriptors,
                                                 std::vector<std::string> const& options)
{
    std::vector<std::string> words{"/bin/sh", "-c", R"(ulimit -n "$0" && exec "$@")",
                                   std::to_string(descriptors)};
    auto const daemon = command_of(options);
    words.insert(words.end(), daemon.begin(), daemon.end());
    return words;
}

std::vector<std::string> const& daemon_process::addresses(std::size_t count)
{
    constexpr std::string_view words = "listening on ";
    while (addresses_.size() < count) {
        auto const at = wait_for_error_text(words, log_read_) + words.size();
        log_read_ = wait_for_error_text("\n", at);
        addresses_.push_back(error_text().substr(at, log_read_ - at));
    }
    return addresses_;
}

std::string daemon_process::port() const
{
    return address().substr(address().rfind(':') + 1);
}

void daemon_process::stop()
{
    signal(SIGTERM);
    auto const end = wait_for_exit();
    BOOST_TEST(end.status == 0, "status " << end.status << ", having written:\n" << error_text());
    BOOST_TEST(end.signal == 0);
}

} // namespace windowd::test
