// The servers that windowd is compared with.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstddef>

namespace windowd::bench {

/// What both read at once.
constexpr std::size_t yardstick_buffer = std::size_t{64} * 1024;

/// Sends back what comes: what the kernel and Asio cost without anything being done. Ends with the connection.
boost::asio::awaitable<void> serve_echo(boost::asio::ip::tcp::socket socket);

/// The mean of the last three numbers for each line, as a good programmer would write it in an hour: std::from_chars, a
/// running sum (which drifts where sums are not exact), std::to_chars, one write for each read. Ends with the connection,
/// or with a line that is no number.
boost::asio::awaitable<void> serve_naive(boost::asio::ip::tcp::socket socket);

} // namespace windowd::bench
