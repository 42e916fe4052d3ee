// What a server's process uses, seen from outside.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <sys/types.h>

namespace windowd::bench {

/// Of all its threads since it started, in seconds. Throws std::system_error.
double cpu_seconds(pid_t process);

/// In bytes, shared pages too: Rss of /proc/PID/smaps_rollup. Throws std::runtime_error.
std::size_t resident_bytes(pid_t process);

/// How many descriptors it has open. Throws std::filesystem::filesystem_error.
std::size_t open_descriptors(pid_t process);

/// Waits until it has stopped doing anything: until it has used no more CPU time for some time. Throws
/// std::runtime_error where that takes more than half a minute.
void wait_until_idle(pid_t process);

/// A process that was started here, and is killed at the end.
class child_process {
public:
    /// `command`: the program, and its arguments. What it writes is thrown away. Throws std::system_error.
    explicit child_process(std::vector<std::string> const& command);
    child_process(child_process const&) = delete;
    child_process& operator=(child_process const&) = delete;
    ~child_process();

    pid_t id() const noexcept { return id_; }
    bool has_ended() noexcept;

private:
    pid_t id_ = -1;
    bool ended_ = false;
};

} // namespace windowd::bench
