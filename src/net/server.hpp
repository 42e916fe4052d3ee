// The server: listeners, the sessions of their connections, the deadlines of those, and an orderly end.
#pragma once

#include "net/address.hpp"
#include "net/listener.hpp"
#include "net/observer.hpp"
#include "net/session.hpp"
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

    /// Begins to listen. Throws std::runtime_error, which names the address, where that cannot be done.
    void listen(listen_address const& address);

    /// Accepts no more, lets every session answer what it has received, and ends them: after the shutdown
    /// timeout those that their clients keep waiting too. Returns at once.
    void stop();

private:
    boost::asio::awaitable<void> serve(std::unique_ptr<session> served, std::string peer);
    boost::asio::awaitable<void> turn_away(stream_socket socket);
    boost::asio::awaitable<void> watch_deadlines();
    boost::asio::awaitable<void> watch_windows();
    boost::asio::awaitable<void> force_after_timeout();
    void connected(stream_socket socket, std::string peer);
    void spawn(boost::asio::awaitable<void> coroutine);

    boost::asio::io_context& context_;
    protocol::environment& environment_;
    observer& observer_;
    std::chrono::milliseconds shutdown_timeout_;
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
