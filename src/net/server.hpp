// The server: listeners, the sessions of their connections, the deadlines of those, and an orderly end.
#pragma once

#include "net/address.hpp"
#include "net/listener.hpp"
#include "net/observer.hpp"
#include "net/session.hpp"
#include "net/tls.hpp"
#include "protocol/environment.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/intrusive/list.hpp>

#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <string>

namespace windowd::net {

/// Serves connections on an io_context that one thread runs. The io_context runs out of work when the server
/// has been stopped and the last connection has ended.
class server {
public:
    /// What it refers to must outlive it and the io_context's run. `shutdown_timeout` bounds stop().
    server(boost::asio::io_context& context, protocol::environment& environment, observer& events,
           std::chrono::milliseconds shutdown_timeout);
    server(server const&) = delete;
    server& operator=(server const&) = delete;
    ~server() = default;

    /// Whether addresses may be listened at that others than this machine can reach, from now on. They may at first.
    void allow_remote(bool allowed) noexcept { remote_allowed_ = allowed; }

    /// What encrypted connections use that are accepted from now on; those there are keep theirs. Not null.
    void use_tls(std::shared_ptr<tls_context const> settings);

    /// Begins to listen. Throws std::runtime_error, which names the address, where that cannot be done, or must not be:
    /// others than this machine could reach it, or there are no TLS settings.
    void listen(listen_address const& address);

    /// Begins to accept from a socket that listens already and is not ours, such as one of systemd: a stream socket, TCP
    /// or Unix. At the end connections that wait there, and its file, are left alone. Takes the descriptor; throws
    /// std::runtime_error as listen() does, and has not taken it.
    void adopt(int descriptor, bool encrypted);

    /// How long stop() may take, from now on.
    void allow_for_shutdown(std::chrono::milliseconds timeout) noexcept { shutdown_timeout_ = timeout; }

    /// To be called when the environment's limits have changed. New timeouts hold for waits that have begun, too.
    void settings_changed();

    /// To be called when the environment's tokens have changed, or it has another authority.
    void renew_access();

    /// Accepts no more, lets every session answer what it has received, and ends them: after the shutdown
    /// timeout those that their clients keep waiting too. Returns at once.
    void stop();

private:
    boost::asio::awaitable<void> serve(std::unique_ptr<session> served);
    boost::asio::awaitable<void> turn_away(stream_socket socket);
    boost::asio::awaitable<void> watch_deadlines();
    boost::asio::awaitable<void> watch_windows();
    boost::asio::awaitable<void> force_after_timeout();
    session::clock::duration shortest_timeout() const noexcept;
    void accept_from(stream_acceptor listening, ownership whose, bool encrypted);
    void connected(stream_socket socket, std::string peer, bool encrypted);
    void check_tls(std::string const& address) const;
    void spawn(boost::asio::awaitable<void> coroutine);

    boost::asio::io_context& context_;
    protocol::environment& environment_;
    observer& observer_;
    std::chrono::milliseconds shutdown_timeout_;
    std::shared_ptr<tls_context const> tls_;
    bool remote_allowed_ = true;
    batch_pool batches_;
    std::list<listener> listeners_;
    // Sessions belong to their coroutines; here they are only to be found. They leave the list when
    // destroyed.
    boost::intrusive::list<session, boost::intrusive::constant_time_size<false>> sessions_;
    boost::asio::steady_timer deadline_timer_;
    boost::asio::steady_timer window_timer_;
    boost::asio::steady_timer shutdown_timer_;
    std::size_t turning_away_ = 0;
    bool stopping_ = false;
};

} // namespace windowd::net
