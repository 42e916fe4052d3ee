// Reading signals from their descriptor.
#include "daemon/signals.hpp"

#include <boost/system/system_error.hpp>

#include <cerrno>
#include <utility>

#include <pthread.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace windowd::daemon {

signal_source::signal_source(boost::asio::io_context& context, std::initializer_list<int> numbers,
                             handler on_signal)
    : descriptor_(context),
      on_signal_(std::move(on_signal))
{
    sigemptyset(&numbers_);
    for (auto const number : numbers)
        sigaddset(&numbers_, number);
    auto const descriptor = signalfd(-1, &numbers_, SFD_NONBLOCK | SFD_CLOEXEC);
    if (descriptor < 0)
        throw boost::system::system_error(errno, boost::system::system_category(), "signalfd");
    descriptor_.assign(descriptor);
    pthread_sigmask(SIG_BLOCK, &numbers_, nullptr);
    wait();
}

void signal_source::wait()
{
    descriptor_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                           [this](boost::system::error_code const& cancelled) {
                               if (!cancelled)
                                   take();
                           });
}

void signal_source::take()
{
    signalfd_siginfo came{};
    if (read(descriptor_.native_handle(), &came, sizeof came) == sizeof came)
        on_signal_(static_cast<int>(came.ssi_signo));
    if (descriptor_.is_open())
        wait();
}

void signal_source::release() noexcept
{
    if (!descriptor_.is_open())
        return;
    boost::system::error_code ignored;
    descriptor_.close(ignored);
    pthread_sigmask(SIG_UNBLOCK, &numbers_, nullptr);
}

} // namespace windowd::daemon
