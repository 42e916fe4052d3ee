// Looking at what comes next on a socket.
#include "net/transport.hpp"

#include <boost/asio/error.hpp>

namespace windowd::net {

bool transport::input_has_ended() noexcept
{
    if (tls_ != nullptr)
        return tls_->input_has_ended();
    char next = 0;
    error_code ec;
    socket_.receive(boost::asio::buffer(&next, 1), stream_socket::message_peek, ec);
    return ec == boost::asio::error::eof;
}

} // namespace windowd::net
