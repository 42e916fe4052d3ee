// Making listening sockets and accepting from them.
#include "net/listener.hpp"

#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/errc.hpp>

#include <algorithm>
#include <array>
#include <stdexcept>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace windowd::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using unix_protocol = asio::local::stream_protocol;

constexpr auto first_pause = std::chrono::milliseconds(10);
constexpr auto longest_pause = std::chrono::milliseconds(1000);

// And then those who are connected have their turn.
constexpr int accepts_a_turn = 16;

std::runtime_error cannot_listen(std::string const& address, std::string const& why)
{
    return std::runtime_error("cannot listen on " + address + ": " + why);
}

std::runtime_error cannot_listen(listen_address const& address, std::string const& why)
{
    return cannot_listen(to_string(address), why);
}

constexpr auto reachable =
    "others than this machine could reach it: give it a --token-file, or say --insecure";

void check(error_code const& ec, listen_address const& address)
{
    if (ec)
        throw cannot_listen(address, ec.message());
}

stream_acceptor listen_at_endpoint(asio::io_context& context, stream_acceptor::endpoint_type const& endpoint,
                                   listen_address const& address)
{
    error_code ec;
    stream_acceptor acceptor(context);
    acceptor.open(endpoint.protocol(), ec);
    check(ec, address);
    if (endpoint.protocol().family() != AF_UNIX)
        acceptor.set_option(stream_acceptor::reuse_address(true), ec);
    if (endpoint.protocol().family() == AF_INET6)
        acceptor.set_option(asio::ip::v6_only(true), ec); // so that 0.0.0.0 and [::] can both be given
    check(ec, address);
    acceptor.bind(endpoint, ec);
    check(ec, address);
    acceptor.listen(stream_acceptor::max_listen_connections, ec);
    check(ec, address);
    acceptor.non_blocking(true, ec);
    check(ec, address);
    return acceptor;
}

/// `where` is the host and port of `address`.
std::vector<stream_acceptor> listen_at_tcp(asio::io_context& context, tcp_address const& where,
                                           listen_address const& address, bool remote_allowed)
{
    error_code ec;
    tcp::resolver resolver(context);
    auto const flags = tcp::resolver::passive | tcp::resolver::numeric_service;
    auto const found = resolver.resolve(where.host, std::to_string(where.port), flags, ec);
    check(ec, address);
    if (!remote_allowed)
        for (auto const& entry : found)
            if (!is_local(entry.endpoint()))
                throw cannot_listen(address, reachable);
    std::vector<stream_acceptor> acceptors;
    auto port = where.port;
    for (auto const& entry : found) {
        acceptors.push_back(
            listen_at_endpoint(context, tcp::endpoint(entry.endpoint().address(), port), address));
        // A port that was picked for the first address of a name is that of the others too.
        port = to_tcp(acceptors.back().local_endpoint()).port();
    }
    return acceptors;
}

/// A server that has died leaves its socket's file: it is in the way of bind(), and nobody answers there.
void remove_stale_socket(asio::io_context& context, unix_address const& address)
{
    struct stat status {};
    if (lstat(address.path.c_str(), &status) != 0)
        return;
    if (!S_ISSOCK(status.st_mode))
        throw cannot_listen(address, "there is a file that is not a socket");
    error_code ec;
    unix_protocol::socket probe(context);
    probe.open(unix_protocol(), ec);
    probe.non_blocking(true, ec);
    probe.connect(unix_protocol::endpoint(address.path), ec);
    if (!ec || ec == asio::error::would_block) // or one whose queue of connections is full
        throw cannot_listen(address, "another server listens there");
    if (ec == asio::error::connection_refused)
        unlink(address.path.c_str());
}

std::pair<std::uint64_t, std::uint64_t> identity_of(std::string const& path)
{
    struct stat status {};
    if (lstat(path.c_str(), &status) != 0)
        return {};
    return {status.st_dev, status.st_ino};
}

/// The trouble of one connection, or the end of listening: no reason to wait before the next accept.
bool is_passing(error_code const& ec)
{
    return ec == asio::error::operation_aborted || ec == asio::error::connection_aborted ||
           ec == asio::error::would_block || ec == asio::error::interrupted;
}

} // namespace

std::vector<stream_acceptor> listen_at(asio::io_context& context, listen_address const& address,
                                       bool remote_allowed)
{
    if (auto const* const plain = std::get_if<tcp_address>(&address))
        return listen_at_tcp(context, *plain, address, remote_allowed);
    if (auto const* const encrypted = std::get_if<tls_address>(&address))
        return listen_at_tcp(context, *encrypted, address, remote_allowed);
    auto const& local = std::get<unix_address>(address);
    remove_stale_socket(context, local);
    std::vector<stream_acceptor> acceptors;
    acceptors.push_back(listen_at_endpoint(context, unix_protocol::endpoint(local.path), address));
    return acceptors;
}

stream_acceptor adopt_listening(asio::io_context& context, int descriptor, bool remote_allowed)
{
    auto const passed = "passed socket " + std::to_string(descriptor);
    auto const option = [descriptor](int name) {
        int value = -1;
        socklen_t size = sizeof(value);
        return getsockopt(descriptor, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
    };
    auto const family = option(SO_DOMAIN);
    if (option(SO_TYPE) != SOCK_STREAM || (family != AF_INET && family != AF_INET6 && family != AF_UNIX))
        throw cannot_listen(passed, "it is no TCP or Unix stream socket");
    if (option(SO_ACCEPTCONN) != 1)
        throw cannot_listen(passed, "it does not listen");
    stream_acceptor::endpoint_type address;
    auto size = static_cast<socklen_t>(address.capacity());
    getsockname(descriptor, address.data(), &size);
    address.resize(size);
    if (!remote_allowed && !is_local(address))
        throw cannot_listen(to_string(address), reachable);
    error_code ec;
    stream_acceptor acceptor(context);
    acceptor.assign(address.protocol(), descriptor, ec);
    if (ec)
        throw cannot_listen(passed, ec.message());
    acceptor.non_blocking(true, ec);
    return acceptor;
}

listener::listener(stream_acceptor listening, ownership whose, bool encrypted, observer& events,
                   connection_handler on_connection)
    : acceptor_(std::move(listening)),
      observer_(events),
      on_connection_(std::move(on_connection)),
      ownership_(whose),
      encrypted_(encrypted),
      is_unix_(acceptor_.local_endpoint().protocol().family() == AF_UNIX),
      address_(to_string(acceptor_.local_endpoint(), encrypted)),
      timer_(acceptor_.get_executor())
{
    if (is_unix_ && whose == ownership::ours) {
        path_ = std::get<unix_address>(parse_listen_address(address_)).path;
        file_ = identity_of(path_);
    }
    // Or Asio keeps such an error from us, and with it the connections behind, until the next one comes.
    error_code ignored;
    acceptor_.set_option(stream_acceptor::enable_connection_aborted(true), ignored);
    observer_.listening(address_);
}

listener::~listener()
{
    remove_file();
}

void listener::wait()
{
    auto ready = [this](error_code const& ended) {
        if (ended != asio::error::operation_aborted)
            accept_some();
    };
    acceptor_.async_wait(stream_acceptor::wait_read,
                         asio::bind_allocator(handler_allocator<>(memory_), std::move(ready)));
}

void listener::accept_some()
{
    error_code ec;
    for (int i = 0; i != accepts_a_turn && !ec && !stopping_; ++i)
        ec = accept_one();
    if (stopping_)
        return;
    if (ec && !is_passing(ec))
        back_off(ec);
    else
        wait();
}

void listener::back_off(error_code const& why)
{
    if (pause_.count() == 0)
        observer_.accept_failed(address_, why);
    pause_ = std::clamp(2 * pause_, first_pause, longest_pause);
    auto over = [this](error_code const& ended) {
        if (ended != asio::error::operation_aborted)
            wait();
    };
    try {
        timer_.expires_after(pause_);
        timer_.async_wait(asio::bind_allocator(handler_allocator<>(memory_), std::move(over)));
    } catch (std::exception const&) {
        wait(); // the list of timers has no room: then it is tried again at once
    }
}

/// Where there is no memory for the connection, it is closed.
error_code listener::accept_one() noexcept
try {
    error_code ec;
    stream_acceptor::endpoint_type peer;
    auto socket = acceptor_.accept(peer, ec);
    if (!ec)
        accepted(std::move(socket), peer);
    return ec;
} catch (std::exception const&) {
    return boost::system::errc::make_error_code(boost::system::errc::not_enough_memory);
}

void listener::accepted(stream_socket socket, stream_acceptor::endpoint_type const& peer)
{
    error_code ignored;
    if (!is_unix_) {
        socket.set_option(tcp::no_delay(true), ignored);             // replies are written a batch at a time
        socket.set_option(stream_socket::keep_alive(true), ignored); // finds clients that have vanished
    }
    // A Unix client may have bound its socket to a path of its choice, which does not belong in a log.
    auto const who = peer_id(socket, peer);
    on_connection_(std::move(socket), who, is_unix_ ? "unix://" : to_string(peer, encrypted_));
    if (pause_.count() != 0)
        observer_.accept_recovered(address_);
    pause_ = {};
}

void listener::stop() noexcept
{
    stopping_ = true;
    error_code ec;
    while (!ec && ownership_ == ownership::ours)
        ec = accept_one();
    remove_file();
    acceptor_.close(ec);
    timer_.cancel();
}

void listener::remove_file() noexcept
{
    if (!path_.empty() && identity_of(path_) == file_)
        unlink(path_.c_str());
    path_.clear();
}

} // namespace windowd::net
