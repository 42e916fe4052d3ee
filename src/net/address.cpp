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
constexpr std::string_view tls_scheme = "tls://";
constexpr std::string_view unix_scheme = "unix://";

// What sun_path holds, without the NUL at its end.
constexpr std::size_t max_path = sizeof(sockaddr_un::sun_path) - 1;

std::invalid_argument bad_address(std::string_view what)
{
    return std::invalid_argument(
        "an address to listen on is tcp://HOST:PORT or tls://HOST:PORT, with an IPv6 address in brackets, or "
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
    if (host.empty() || host.find_first_of("/ []") != std::string_view::npos)
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

std::string tcp_to_string(std::string_view scheme, std::string const& host, unsigned port)
{
    auto const bracketed = host.find(':') != std::string::npos ? "[" + host + "]" : host;
    return std::string(scheme) + bracketed + ":" + std::to_string(port);
}

/// A path ends with a NUL; an abstract name begins with one, and may have more.
std::string unix_name(boost::asio::generic::stream_protocol::endpoint const& endpoint)
{
    sockaddr_un address{};
    auto const size = std::min(endpoint.size(), sizeof(address) - 1);
    std::memcpy(&address, endpoint.data(), size);
    constexpr auto start = offsetof(sockaddr_un, sun_path);
    if (size <= start || address.sun_path[0] != '\0')
        return address.sun_path;
    std::string name(address.sun_path, size - start);
    std::ranges::replace(name, '\0', '@');
    return name;
}

} // namespace

listen_address parse_listen_address(std::string_view text)
{
    if (text.starts_with(tcp_scheme))
        return parse_tcp(text.substr(tcp_scheme.size()));
    if (text.starts_with(tls_scheme))
        return tls_address{parse_tcp(text.substr(tls_scheme.size()))};
    if (text.starts_with(unix_scheme))
        return parse_unix(text.substr(unix_scheme.size()));
    throw bad_address("it begins with tcp://, tls:// or unix://");
}

std::string to_string(listen_address const& address)
{
    if (auto const* const tcp = std::get_if<tcp_address>(&address))
        return tcp_to_string(tcp_scheme, tcp->host, tcp->port);
    if (auto const* const tls = std::get_if<tls_address>(&address))
        return tcp_to_string(tls_scheme, tls->host, tls->port);
    return std::string(unix_scheme) + std::get<unix_address>(address).path;
}

boost::asio::ip::tcp::endpoint
to_tcp(boost::asio::generic::stream_protocol::endpoint const& endpoint) noexcept
{
    boost::asio::ip::tcp::endpoint tcp;
    std::memcpy(tcp.data(), endpoint.data(), std::min(endpoint.size(), tcp.capacity()));
    return tcp;
}

bool is_local(boost::asio::generic::stream_protocol::endpoint const& endpoint) noexcept
{
    if (endpoint.protocol().family() == AF_UNIX)
        return true;
    auto const address = to_tcp(endpoint).address();
    if (address.is_v6() && address.to_v6().is_v4_mapped())
        return boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, address.to_v6()).is_loopback();
    return address.is_loopback();
}

std::string to_string(boost::asio::generic::stream_protocol::endpoint const& endpoint, bool encrypted)
{
    if (endpoint.protocol().family() == AF_UNIX)
        return std::string(unix_scheme) + unix_name(endpoint);
    auto const tcp = to_tcp(endpoint);
    return tcp_to_string(encrypted ? tls_scheme : tcp_scheme, tcp.address().to_string(), tcp.port());
}

} // namespace windowd::net
