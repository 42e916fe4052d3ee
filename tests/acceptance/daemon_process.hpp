// The built daemon, run by a test.
#pragma once

#include "acceptance/process.hpp"
#include "support/temporary_folder.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace windowd::test {

/// The path of the daemon that is tested: the environment variable WINDOWD.
std::string daemon_path();

/// A daemon that runs and listens.
class daemon_process : public process {
public:
    /// Starts it with these options, on a port that the system picks unless they say where to listen.
    explicit daemon_process(std::vector<std::string> const& options = {}, variables const& environment = {});
    /// The same, when it may open so many descriptors only.
    static std::vector<std::string> limited(std::size_t descriptors,
                                            std::vector<std::string> const& options = {});

    /// Takes a whole command, as limited() gives.
    struct command_line {
        std::vector<std::string> words;
    };
    explicit daemon_process(command_line const& command);

    /// Of the first listener, as the log has it: tcp://127.0.0.1:34567.
    std::string const& address() const noexcept { return addresses_.front(); }
    /// Waits until it listens at so many addresses, and returns them.
    std::vector<std::string> const& addresses(std::size_t count);
    std::string port() const;

    /// Sends SIGTERM and checks that the daemon ends with status 0.
    void stop();

private:
    std::vector<std::string> addresses_;
    std::size_t log_read_ = 0;
};

} // namespace windowd::test
