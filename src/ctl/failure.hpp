// How windowctl ends when it cannot do what it was asked.
#pragma once

#include <stdexcept>
#include <string>

namespace windowd::ctl {

/// The exit statuses that scripts rely on; windowctl(1) documents them.
enum class exit_status {
    success = 0,
    refused = 1,   ///< the daemon refused something, or a line was no number
    bad_usage = 2, ///< the command line is wrong, or a file that it names
    unreachable =
        3, ///< no connection, a lost one, no answer in time, no trust; or output that cannot be written
};

/// Ends the command. The text is for people; it is made printable where it comes from the daemon.
class failure : public std::runtime_error {
public:
    failure(exit_status status, std::string const& why) : std::runtime_error(why), status_(status) {}
    exit_status status() const noexcept { return status_; }

private:
    exit_status status_;
};

} // namespace windowd::ctl
