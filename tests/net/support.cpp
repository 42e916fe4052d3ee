// Socket pairs, sessions that serve one end of them, and a server.
#include "net/support.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <array>
#include <exception>
#include <stdexcept>
#include <utility>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace windowd::test {

protocol::environment::clock::time_point virtual_time{std::chrono::hours(1)};

protocol::environment::clock::time_point virtual_now() noexcept
{
    return virtual_time;
}

virtual_environment::virtual_environment()
{
    now = virtual_now;
    started = virtual_time;
}

std::size_t peer::send(std::string_view bytes) const
{
    auto const all = bytes.size();
    while (!bytes.empty()) {
        auto const size = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (size <= 0)
            break;
        bytes.remove_prefix(static_cast<std::size_t>(size));
    }
    return all - bytes.size();
}

std::string const& peer::received()
{
    std::array<char, 65536> buffer{};
    for (;;) {
        auto const size = recv(socket_, buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (size == 0)
            at_end_ = true;
        if (size <= 0)
            return received_;
        received_.append(buffer.data(), static_cast<std::size_t>(size));
    }
}

bool peer::at_end()
{
    received();
    return at_end_;
}

void peer::half_close() const
{
    shutdown(socket_, SHUT_WR);
}

void peer::close()
{
    if (socket_ >= 0)
        ::close(std::exchange(socket_, -1));
}

std::array<int, 2> served_session::connected(int buffer)
{
    std::array<int, 2> ends{};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
        throw std::runtime_error("no socket pair");
    if (buffer != 0)
        setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer));
    return ends;
}

served_session::served_session(protocol::environment& environment, int buffer,
                               boost::asio::io_context* shared, net::tls_context const* tls)
    : served_session(environment, connected(buffer), shared, tls)
{}

served_session::served_session(protocol::environment& environment, std::array<int, 2> const& ends,
                               boost::asio::io_context* shared, net::tls_context const* tls)
    : own_context_(shared == nullptr ? std::make_unique<boost::asio::io_context>() : nullptr),
      context(shared == nullptr ? *own_context_ : *shared),
      client(ends[1]),
      woken_(context)
{
    boost::asio::generic::stream_protocol const protocol{boost::asio::local::stream_protocol()};
    net::stream_socket socket(context, protocol, ends[0]);
    auto seat = peers->take(net::peer_id(socket, socket.remote_endpoint()), environment.now());
    session_.emplace(std::move(socket), "unix://", std::move(seat),
                     net::session_host{environment, events, batches_, woken_, neighbours_}, tls);
    boost::asio::co_spawn(context, session_->run(),
                          [this](std::exception_ptr const& exception, net::end_reason reason) {
                              reason_ = exception ? net::end_reason::failed : reason;
                              session_.reset();
                          });
}

bool served_session::runs_to_its_end()
{
    auto const ended = run_until(context, [this] {
        client.received();
        return reason_.has_value();
    });
    client.received();
    return ended;
}

bool served_session::answers(std::string_view all)
{
    return run_until(context, [&] { return client.received() == all; });
}

void served_session::settle()
{
    context.restart();
    while (context.poll() != 0) {
    }
}

running_server::running_server(protocol::limits const& limits, std::chrono::milliseconds shutdown_timeout,
                               std::size_t threads)
{
    environment.limits = limits;
    server = std::make_unique<net::server>(context, environment, events, shutdown_timeout, threads);
    server->listen(net::unix_address{path()});
}

std::unique_ptr<peer> running_server::connect() const
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path().copy(address.sun_path, sizeof(address.sun_path) - 1);
    auto const made = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::connect(made, reinterpret_cast<sockaddr const*>(&address), sizeof(address)) != 0)
        throw std::runtime_error("no connection");
    return std::make_unique<peer>(made);
}

bool running_server::answers(peer& client, std::string const& all)
{
    return run_until(context, [&] { return client.received() == all; });
}

bool running_server::ends(std::size_t connections)
{
    return run_until(context, [&] { return events.ended.size() == connections; });
}

bool running_server::runs_out_of_work()
{
    constexpr auto patience = std::chrono::seconds(20);
    context.restart();
    context.run_for(patience);
    return context.stopped();
}

} // namespace windowd::test
