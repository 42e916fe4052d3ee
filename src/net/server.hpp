// The server: listeners, the threads that serve their connections, and an orderly end.
#pragma once

#include "net/address.hpp"
#include "net/listener.hpp"
#include "net/observer.hpp"
#include "net/peers.hpp"
#include "net/tls.hpp"
#include "net/worker.hpp"
#include "protocol/environment.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace windowd::net {

/// Serves connections in one thread or several, each with an io_context of its own. Connections are spread evenly, and
/// what a private window does concerns its thread alone.
///
/// Listens and is told what to do in the first thread, which runs the io_context that it was given; that one runs out
/// of work when the server has been stopped and the last connection of all has ended.
class server {
public:
    /// What it refers to must outlive it and the io_context's run; `events` is called in all threads. Threads beyond the
    /// first are started here, with the signal mask that there is, and with copies of the environment.
    /// `shutdown_timeout` bounds stop(). Throws std::system_error where there are no threads to be had.
    server(boost::asio::io_context& context, protocol::environment& environment, observer& events,
           std::chrono::milliseconds shutdown_timeout, std::size_t threads = 1);
    server(server const&) = delete;
    server& operator=(server const&) = delete;
    ~server();

    /// Whether addresses may be listened at that others than this machine can reach, from now on. They may at first.
    void allow_remote(bool allowed) noexcept { remote_allowed_ = allowed; }

    /// What encrypted connections use that are accepted from now on; those there are keep theirs. Not null.
    void use_tls(std::shared_ptr<tls_context const> settings) noexcept { tls_ = std::move(settings); }

    /// Begins to listen. Throws std::runtime_error, which names the address, where that cannot be done, or must not be:
    /// others than this machine could reach it, or there are no TLS settings.
    void listen(listen_address const& address);

    /// Begins to accept from a socket that listens already and is not ours, such as one of systemd: a stream socket, TCP
    /// or Unix. At the end connections that wait there, and its file, are left alone. Takes the descriptor; throws
    /// std::runtime_error as listen() does, and has not taken it.
    void adopt(int descriptor, bool encrypted);

    /// How long stop() may take, from now on.
    void allow_for_shutdown(std::chrono::milliseconds timeout) noexcept { shutdown_timeout_ = timeout; }

    /// To be called when the environment's settings have changed: all threads take them over. New timeouts hold for
    /// waits that have begun, too.
    void settings_changed();

    /// To be called, after that, when its tokens have changed, or it has another authority.
    void renew_access();

    /// The io_context of each thread, the one that was given first.
    std::vector<boost::asio::io_context*> contexts();

    /// Ends when the loop of each thread has come by: one that hangs makes it wait. To be awaited in the first thread.
    boost::asio::awaitable<void> pass_all_threads();

    /// Accepts no more, lets every session answer what it has received, and ends them: after the shutdown
    /// timeout those that their clients keep waiting too. Returns at once.
    void stop();

private:
    class worker_thread;

    template <class Action>
    void in_all_threads(Action action);
    std::size_t load() noexcept;
    worker& least_loaded() noexcept;
    std::optional<obstacle> obstacle_of(peer_id const& who);
    void turn_away(stream_socket socket, std::string const& peer, bool encrypted, obstacle why);
    boost::asio::awaitable<void> say_goodbye(stream_socket socket, obstacle why);
    boost::asio::awaitable<void> watch_windows();
    void accept_from(stream_acceptor listening, ownership whose, bool encrypted);
    void connected(stream_socket socket, peer_id const& who, std::string peer, bool encrypted);
    void rests() noexcept;
    void check_tls(std::string const& address) const;
    void spawn(boost::asio::awaitable<void> coroutine);

    boost::asio::io_context& context_;
    protocol::environment& environment_;
    observer& observer_;
    std::chrono::milliseconds shutdown_timeout_;
    std::shared_ptr<tls_context const> tls_;
    bool remote_allowed_ = true;
    std::shared_ptr<peer_table> peers_ = std::make_shared<peer_table>();
    std::list<listener> listeners_;
    worker first_;
    std::list<worker_thread> threads_; // the others
    std::atomic<std::size_t> working_; // workers that do not rest yet
    boost::asio::steady_timer window_timer_;
    std::size_t turning_away_ = 0;
    bool stopping_ = false;
};

} // namespace windowd::net
