// Connecting, reading and writing as the kernel allows it.
#include "acceptance/load/connection.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <linux/sockios.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace windowd::load {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

// 127.0.0.2 and those after it.
constexpr std::uint32_t first_source = 0x7F000002;
constexpr std::uint32_t sources = 32;

bool would_block(error_code const& ec)
{
    return ec == asio::error::would_block || ec == asio::error::try_again || ec == asio::error::interrupted;
}

asio::generic::stream_protocol::endpoint destination(settings const& chosen, route way)
{
    if (way == route::local)
        return asio::local::stream_protocol::endpoint(chosen.path);
    auto const port = way == route::deferred ? chosen.deferred_port : chosen.port;
    return tcp::endpoint(asio::ip::address_v4::loopback(), port);
}

std::string_view name_of(route way)
{
    return way == route::local ? "a Unix socket" : "TCP";
}

} // namespace

connection::connection(world& run, route way, std::uint64_t number)
    : world_(run),
      route_(way),
      number_(number),
      socket_(run.context())
{
    run.watch(*this);
}

void connection::prepare(bool takes_little)
{
    socket_.open(route_ == route::local ? socket::protocol_type(AF_UNIX, 0) : tcp::v4());
    socket_.non_blocking(true);
    if (takes_little)
        socket_.set_option(asio::socket_base::receive_buffer_size(4096));
    if (route_ == route::local)
        return;
    socket_.set_option(tcp::no_delay(true));
    int const segment = 536; // for those of the loopback the sender's buffer has room for megabytes
    if (takes_little)
        setsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof(segment));
    int const when_connecting = 1; // the port is picked then, and may be one that goes elsewhere too
    setsockopt(socket_.native_handle(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &when_connecting,
               sizeof(when_connecting));
    auto const source = asio::ip::address_v4(first_source + static_cast<std::uint32_t>(number_ % sources));
    socket_.bind(tcp::endpoint(source, 0));
}

/// By hand, since Asio takes the EAGAIN of a Unix listener whose queue is full for a connection on its way.
awaitable<void> connection::open(bool takes_little)
{
    prepare(takes_little);
    auto const to = destination(world_.chosen(), route_);
    auto const give_up = clock::now() + std::chrono::duration<double>(world_.chosen().patience);
    int failed = 0;
    do {
        auto const done = ::connect(socket_.native_handle(), to.data(), static_cast<socklen_t>(to.size()));
        failed = done == 0 ? 0 : errno;
        if (failed == EAGAIN)
            co_await world_.pause(std::chrono::milliseconds(10));
    } while (failed == EAGAIN && clock::now() < give_up);
    if (failed == EINPROGRESS) {
        co_await wait(socket::wait_write);
        socklen_t size = sizeof(failed);
        getsockopt(socket_.native_handle(), SOL_SOCKET, SO_ERROR, &failed, &size);
    }
    if (failed != 0)
        throw failure("connecting to " + std::string(name_of(route_)) + ": " + std::strerror(failed));
}

awaitable<void> connection::arrive(bool takes_little)
{
    auto const began = clock::now();
    co_await open(takes_little);
    co_await send("{\"op\":\"ping\"}\n");
    auto const reply = co_await read_line();
    if (reply != R"({"pong":true})")
        throw failure("the first reply is " + std::string(reply));
    world_.results().first.add(clock::now() - began);
}

awaitable<void> connection::wait(socket::wait_type whatfor)
{
    auto& since = waiting_since_[whatfor == socket::wait_read ? 0 : 1];
    since = clock::now();
    auto const ended = co_await socket_.async_wait(whatfor, asio::as_tuple(asio::use_awaitable));
    static_cast<void>(ended); // the next read or write tells
    since = clock::time_point::max();
    if (too_late_)
        throw failure("nothing happened for " + std::to_string(world_.chosen().patience) + " seconds");
}

void connection::look_at_the_time()
{
    if (world_.over() && std::exchange(half_closes_when_over_, false))
        half_close();
    auto const now = clock::now();
    auto const patience = std::chrono::duration<double>(world_.chosen().patience);
    for (auto const since : waiting_since_)
        too_late_ = too_late_ || (since != clock::time_point::max() && now - since > patience);
    error_code ignored;
    if (too_late_)
        socket_.cancel(ignored);
}

awaitable<void> connection::send(std::string_view bytes)
{
    while (!bytes.empty()) {
        error_code ec;
        bytes.remove_prefix(socket_.write_some(asio::buffer(bytes), ec));
        if (would_block(ec))
            co_await wait(socket::wait_write);
        else if (ec)
            throw failure("sending to " + std::string(name_of(route_)) + ": " + ec.message());
    }
}

std::optional<std::size_t> connection::send_what_fits(std::string_view bytes)
{
    error_code ec;
    auto const sent = socket_.write_some(asio::buffer(bytes), ec);
    if (ec && !would_block(ec))
        return {};
    return sent;
}

std::size_t connection::on_its_way()
{
    int unacknowledged = 0;
    // Through a Unix socket all is there at once.
    if (route_ == route::local || ioctl(socket_.native_handle(), SIOCOUTQ, &unacknowledged) != 0)
        return 0;
    return static_cast<std::size_t>(unacknowledged);
}

std::optional<std::string_view> connection::take_line()
{
    auto const end = received_.find('\n', taken_);
    if (end == std::string::npos)
        return {};
    auto const line = std::string_view(received_).substr(taken_, end - taken_);
    taken_ = end + 1;
    return line;
}

awaitable<bool> connection::receive()
{
    constexpr std::size_t most = std::size_t{64} * 1024;
    static std::array<char, most> into; // for all, since what is read is taken over at once
    received_.erase(0, taken_);
    taken_ = 0;
    while (true) {
        error_code ec;
        auto const size = socket_.read_some(asio::buffer(into), ec);
        if (ec == asio::error::eof)
            co_return false;
        if (ec && !would_block(ec))
            throw failure("reading from " + std::string(name_of(route_)) + ": " + ec.message());
        received_.append(into.data(), size);
        if (!ec)
            co_return true;
        co_await wait(socket::wait_read);
    }
}

awaitable<std::string_view> connection::read_line()
{
    while (true) {
        if (auto const line = take_line())
            co_return *line;
        auto const is_more = co_await receive();
        if (!is_more)
            throw failure("the connection ended before the reply");
    }
}

awaitable<void> connection::read_end()
{
    auto const is_more = co_await receive();
    if (is_more || has_rest())
        throw failure("more came than was asked for: " + received_.substr(0, 100));
}

void connection::half_close()
{
    error_code ignored;
    socket_.shutdown(socket::shutdown_send, ignored);
}

void connection::reset()
{
    error_code ignored;
    socket_.set_option(asio::socket_base::linger(true, 0), ignored);
    socket_.close(ignored);
}

void connection::close()
{
    error_code ignored;
    socket_.close(ignored);
}

} // namespace windowd::load
