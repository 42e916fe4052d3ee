// An epoll descriptor of its own between Asio and the one that is waited for.
#include "ctl/readiness.hpp"

#include "ctl/failure.hpp"

#include <boost/asio/post.hpp>

#include <cerrno>
#include <system_error>
#include <utility>

#include <sys/epoll.h>

namespace windowd::ctl {

readiness::readiness(boost::asio::io_context& context, int descriptor)
    : context_(context),
      epoll_(context, ::epoll_create1(EPOLL_CLOEXEC))
{
    epoll_event interest{};
    interest.events = EPOLLIN;
    if (::epoll_ctl(epoll_.native_handle(), EPOLL_CTL_ADD, descriptor, &interest) == 0)
        return;
    if (errno != EPERM)
        throw failure(exit_status::unreachable,
                      "cannot read standard input: " + std::generic_category().message(errno));
    is_file_ = true;
}

void readiness::async_wait(std::function<void()> ready)
{
    is_waiting_ = true;
    auto done = [this, ready = std::move(ready)] {
        is_waiting_ = false;
        ready();
    };
    if (is_file_)
        boost::asio::post(context_, std::move(done));
    else
        epoll_.async_wait(boost::asio::posix::descriptor_base::wait_read,
                          [done = std::move(done)](boost::system::error_code const& error) {
                              if (!error)
                                  done();
                          });
}

} // namespace windowd::ctl
