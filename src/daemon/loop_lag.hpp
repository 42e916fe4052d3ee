// How late the event loop is.
#pragma once

#include "protocol/histogram.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>

namespace windowd::daemon {

/// A timer in the loop that serves clients, and how late it fired each time: as long as a request that comes then waits
/// for its turn.
class loop_lag {
public:
    /// From one timer to the next. A loop that stands still for longer than this is always found out; four wake-ups
    /// a second cost nothing that could be measured.
    static constexpr auto interval = std::chrono::milliseconds(250);

    /// Must outlive the context's run. Any thread may make one, before connections come.
    explicit loop_lag(boost::asio::io_context* context);
    loop_lag(loop_lag const&) = delete;
    loop_lag& operator=(loop_lag const&) = delete;
    ~loop_lag() = default;

    /// Measures no more, so that the loop can run out of work. Any thread may call it.
    void stop();

    /// Any thread may look.
    protocol::histogram const& seen() const noexcept { return seen_; }

private:
    void wait();

    boost::asio::steady_timer timer_;
    protocol::histogram seen_;
    bool stopped_ = false;
};

} // namespace windowd::daemon
