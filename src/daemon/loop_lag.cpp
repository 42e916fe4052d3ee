// Measuring how late the event loop is.
#include "daemon/loop_lag.hpp"

#include <boost/asio/dispatch.hpp>

namespace windowd::daemon {

loop_lag::loop_lag(boost::asio::io_context* context) : timer_(*context)
{
    boost::asio::dispatch(*context, [this] { wait(); });
}

void loop_lag::stop()
{
    boost::asio::dispatch(timer_.get_executor(), [this] {
        stopped_ = true;
        timer_.cancel();
    });
}

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
