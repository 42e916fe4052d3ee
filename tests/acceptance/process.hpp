// A process that a test starts, watches and ends.
#pragma once

#include "acceptance/patience.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/types.h>

namespace windowd::test {

/// How a process ended.
struct ending {
    int status = 0; ///< its exit status, -1 where a signal ended it
    int signal = 0; ///< that signal, or 0
};

using variables = std::vector<std::pair<std::string, std::string>>;

/// Owns a child process and the pipes of its standard output and standard error. Kills it when destroyed.
class process {
public:
    /// The child has the test's environment without WINDOWD_… variables, and `environment` besides.
    explicit process(std::vector<std::string> const& command, variables const& environment = {});
    process(process const&) = delete;
    process& operator=(process const&) = delete;
    ~process();

    pid_t id() const noexcept { return id_; }
    void signal(int number) const;
    bool runs() const;

    /// Reads both pipes until what came to standard error has `wanted` behind the first `from` bytes; returns
    /// its position. Throws test_failure at the end of the pipe or of the patience.
    std::size_t wait_for_error_text(std::string_view wanted, std::size_t from = 0);
    /// Reads what there is, waits for the end of the process, and tells how it ended.
    ending wait_for_exit();

    /// What came so far; the wait functions and drain() read more.
    std::string const& output() const noexcept { return output_; }
    std::string const& error_text() const noexcept { return error_text_; }
    /// Reads what is there already.
    void drain();

    /// The peak of the resident memory so far, in bytes.
    std::size_t peak_memory() const;
    /// How many descriptors are open.
    std::size_t descriptors() const;
    /// Whether so many are soon: one thread may count a connection as gone before another sees its descriptor closed.
    bool returns_to_descriptors(std::size_t expected) const;
    /// Processor time used so far.
    std::chrono::milliseconds processor_time() const;

private:
    bool read_pipes(deadline const& until);

    pid_t id_ = -1;
    int ended_ = -1; // a descriptor that is readable when the process has ended
    int output_pipe_ = -1;
    int error_pipe_ = -1;
    std::string output_;
    std::string error_text_;
};

/// What a finished command printed, and how it ended.
struct finished {
    std::string output;
    std::string error_text;
    ending end;
};

/// Runs a command to its end.
finished run_to_end(std::vector<std::string> const& command, variables const& environment = {});

} // namespace windowd::test
