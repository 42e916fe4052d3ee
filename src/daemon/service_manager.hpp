// What systemd, or another manager that speaks its protocol, gives to this process and is told by it. Without one
// nothing is given, and what is told goes nowhere.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace windowd::daemon {

/// A socket that listens already: sd_listen_fds_with_names(3).
struct passed_socket {
    int descriptor;   ///< to be owned by who takes it
    std::string name; ///< FileDescriptorName= of the socket unit
};

/// Takes the sockets that were passed, once: a process that is started later does not find them. Throws
/// std::runtime_error where they are announced wrongly.
std::vector<passed_socket> take_passed_sockets();

/// Tells the manager how the service is doing: sd_notify(3). Nothing here throws; what cannot be told is lost.
class service_manager {
public:
    /// Reads from the environment who is to be told, and how often.
    service_manager() noexcept;

    /// Whether anybody listens.
    bool listens() const noexcept { return listens_; }
    /// The service answers; after reloading() too.
    void ready() noexcept;
    /// Settings are being read anew; ends with ready().
    void reloading() noexcept;
    void stopping() noexcept;
    /// A line for people, of any words.
    void status(std::string_view words) noexcept;

    /// How often alive() has to be called: half of what the manager allows; 0 where it does not watch.
    std::chrono::microseconds watchdog_interval() const noexcept { return watchdog_interval_; }
    void alive() noexcept;

private:
    bool listens_;
    std::chrono::microseconds watchdog_interval_{0};
};

} // namespace windowd::daemon
