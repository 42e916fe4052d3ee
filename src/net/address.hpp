// Where the server listens, as its user writes it.
#pragma once

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace windowd::net {

/// tcp://HOST:PORT: a name, an IPv4 address, or an IPv6 address in brackets; port 0 lets the kernel pick one.
struct tcp_address {
    std::string host;
    std::uint16_t port;
};

/// tls://HOST:PORT: the same, encrypted.
struct tls_address : tcp_address {};

/// unix:///PATH: an absolute path.
struct unix_address {
    std::string path;
};

using listen_address = std::variant<tcp_address, tls_address, unix_address>;

/// Throws std::invalid_argument, whose text says what is accepted.
listen_address parse_listen_address(std::string_view text);

/// The same form again.
std::string to_string(listen_address const& address);

/// A TCP endpoint of a socket of any kind.
boost::asio::ip::tcp::endpoint
to_tcp(boost::asio::generic::stream_protocol::endpoint const& endpoint) noexcept;

/// Whether nobody but this machine can reach it: a loopback address, or a Unix socket.
bool is_local(boost::asio::generic::stream_protocol::endpoint const& endpoint) noexcept;

/// An endpoint of a socket: tcp://127.0.0.1:6920, tls://[::1]:6920, unix:///run/windowd.sock; a Unix client, which has
/// no name, is unix://, and a name that is not in the file system is unix://@NAME. Of a Unix socket it does not tell
/// whether it is encrypted.
std::string to_string(boost::asio::generic::stream_protocol::endpoint const& endpoint,
                      bool encrypted = false);

} // namespace windowd::net
