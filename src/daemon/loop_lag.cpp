// Measuring how late the event loop is.
#include "daemon/loop_lag.hpp"

namespace windowd::daemon {

void loop_lag::wait()
{
    timer_.expires_after(interval); // from now: what was missed while the loop stood still is not made up for
    timer_.async_wait([this](boost::system::error_code const& cancelled) {
        if (cancelled || stopped_) // it may have fired just before it was cancelled
            return;
        seen_.add(boost::asio::steady_timer::clock_type::now() - timer_.expiry());
        wait();
    });
}

} // namespace windowd::daemon
