// Reading and writing addresses.
#include "net/address.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <stdexcept>
#include <system_error>

#include <sys/socket.h>
#include <sys/un.h>

namespace windowd::net {
namespace {

constexpr std::string_view tcp_scheme = "tcp://";
constexpr std::string_view unix_scheme = "unix://";

// What sun_path holds, without the NUL at its end.
constexpr std::size_t max_path = sizeof(sockaddr_un::sun_path) - 1;

std::invalid_argument bad_address(std::string_view what)
{
    return std::invalid_argument(
        "an address to listen on is tcp://HOST:PORT, with an IPv6 address in brackets, or "
        "unix:///PATH; " +
        std::string(what));
}

tcp_address parse_tcp(std::string_view text)
{
    auto const colon = text.rfind(':');
    if (colon == std::string_view::npos)
        throw bad_address("the port is missing");
    auto host = text.substr(0, colon);
    auto const digits = text.substr(colon + 1);
    if (host.starts_with('[') && host.ends_with(']'))
        host = host.substr(1, host.size() - 2);
    else if (host.find_first_of(":[]") != std::string_view::npos)
        throw bad_address("an IPv6 address stands in brackets");
    if (host.empty() || host.find_first_of("/ ") != std::string_view::npos)
        throw bad_address("the host is missing or malformed");
    std::uint16_t port = 0;
    auto const* const end = digits.data() + digits.size();
    if (auto const read = std::from_chars(digits.data(), end, port);
        digits.empty() || read.ec != std::errc() || read.ptr != end)
        throw bad_address("a port is a number from 0 to 65535");
    return {std::string(host), port};
}

unix_address parse_unix(std::string_view path)
{
    if (!path.starts_with('/'))
        throw bad_address("the path of a Unix socket is absolute");
    if (path.size() > max_path)
        throw bad_address("the path of a Unix socket has at most " + std::to_string(max_path) + " bytes");
    return {std::string(path)};
}

std::string tcp_to_string(std::string const& host, unsigned port)
{
    auto const bracketed = host.find(':') != std::string::npos ? "[" + host + "]" : host;
    return std::string(tcp_scheme) + bracketed + ":" + std::to_string(port);
}

} // namespace

listen_address parse_listen_address(std::string_view text)
{
    if (text.starts_with(tcp_scheme))
        return parse_tcp(text.substr(tcp_scheme.size()));
    if (text.starts_with(unix_scheme))
        return parse_unix(text.substr(unix_scheme.size()));
    throw bad_address("it begins with tcp:// or unix://");
}

std::string to_string(listen_address const& address)
{
    if (auto const* const tcp = std::get_if<tcp_address>(&address))
        return tcp_to_string(tcp->host, tcp->port);
    return std::string(unix_scheme) + std::get<unix_address>(address).path;
}

boost::asio::ip::tcp::endpoint
to_tcp(boost::asio::generic::stream_protocol::endpoint const& endpoint) noexcept
{
    boost::asio::ip::tcp::endpoint tcp;
    std::memcpy(tcp.data(), endpoint.data(), std::min(endpoint.size(), tcp.capacity()));
    return tcp;
}

std::string to_string(boost::asio::generic::stream_protocol::endpoint const& endpoint)
{
    auto const family = endpoint.protocol().family();
    if (family == AF_UNIX) {
        sockaddr_un address{};
        std::memcpy(&address, endpoint.data(), std::min(endpoint.size(), sizeof(address) - 1));
        return std::string(unix_scheme) + address.sun_path;
    }
    auto const tcp = to_tcp(endpoint);
    return tcp_to_string(tcp.address().to_string(), tcp.port());
}

} // namespace windowd::net
