// Waiting for standard input together with sockets, without a change to it: it is shared with the shell and others,
// for whom a non-blocking terminal would be a trap.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <functional>

namespace windowd::ctl {

/// Waits until a descriptor can be read. Files, which no event loop takes, always can.
class readiness {
public:
    readiness(boost::asio::io_context& context, int descriptor);

    /// Calls it once, from the context; not again while one waits.
    void async_wait(std::function<void()> ready);
    bool is_waiting() const noexcept { return is_waiting_; }

private:
    boost::asio::io_context& context_;
    boost::asio::posix::stream_descriptor epoll_; // what Asio makes non-blocking is this one
    bool is_file_ = false;
    bool is_waiting_ = false;
};

} // namespace windowd::ctl
