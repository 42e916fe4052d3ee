// Connections to a server, and pipelining through them.
#pragma once

#include "reply_check.hpp"
#include "workload.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace windowd::bench {

using socket = boost::asio::ip::tcp::socket;

/// A connection to that port of 127.0.0.1, without Nagle's delay. Throws std::system_error.
socket connect(boost::asio::io_context& context, std::uint16_t port);

/// Sends one line, which must have its line end, and waits for one back: without its line end. Throws wrong_reply where
/// the server hangs up or says more. For sockets that block.
std::string ask(socket& to, std::string_view line);

/// What one connection has to send, and who looks at what comes back. Refers to both.
struct talk {
    socket& through;
    std::string_view requests;
    reply_check& replies;
};

/// Sends and reads on all of them at once, in large pieces, never waiting for one side alone, until all has come back that
/// has to. From then on the sockets do not block. Throws wrong_reply, also where nothing moves for half a
/// minute, and std::system_error.
void exchange(std::span<talk> talks);

/// The same with one connection, which afterwards blocks as before.
void exchange(socket& through, workload const& work);

/// Ends the connection, and waits until the server does so too. Throws wrong_reply where it says anything more, and
/// std::system_error. For sockets that block.
void hang_up(socket& through);

} // namespace windowd::bench
