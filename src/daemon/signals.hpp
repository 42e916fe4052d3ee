// Signals as events of the loop.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <functional>
#include <initializer_list>

#include <signal.h>

namespace windowd::daemon {

/// Takes signals out of a signalfd(2): they are blocked from the constructor on, so none interrupts anything and none
/// is lost, whenever it comes. (A handler, as asio::signal_set has one, can be cut off between taking a signal and
/// telling the loop of it, and the thread sanitizer puts handlers off.) To be made before there are other threads,
/// which have to inherit what is blocked.
class signal_source {
public:
    using handler = std::function<void(int number)>;

    /// `on_signal` is called in the loop, for each signal until release(). Throws boost::system::system_error.
    signal_source(boost::asio::io_context& context, std::initializer_list<int> numbers, handler on_signal);
    signal_source(signal_source const&) = delete;
    signal_source& operator=(signal_source const&) = delete;
    ~signal_source() { release(); }

    /// Leaves the signals to the kernel again, which acts whatever this process is busy with; at once on those that
    /// have come meanwhile. May be called by the handler.
    void release() noexcept;

private:
    void wait();
    void take();

    sigset_t numbers_{};
    boost::asio::posix::stream_descriptor descriptor_;
    handler on_signal_;
};

} // namespace windowd::daemon
