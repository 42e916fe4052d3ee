// The part of a server that one thread runs: the sessions of its connections, and their deadlines.
#pragma once

#include "net/inbox.hpp"
#include "net/observer.hpp"
#include "net/peers.hpp"
#include "net/session.hpp"
#include "net/tls.hpp"
#include "protocol/environment.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/intrusive/list.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace windowd::net {

/// How many connections a worker has.
using connection_count = std::shared_ptr<std::atomic<std::size_t>>;

/// What is counted for as long as this lives; moved from, it counts no more.
class place {
public:
    explicit place(connection_count taken) noexcept : taken_(std::move(taken)) { ++*taken_; }
    place(place&& other) noexcept = default;
    place(place const&) = delete;
    place& operator=(place const&) = delete;
    ~place()
    {
        if (taken_ != nullptr)
            --*taken_;
    }

private:
    connection_count taken_; // a connection may be destroyed after the worker
};

/// A connection on its way from the listener to the thread that will serve it.
struct arrival {
    stream_socket socket; ///< of the io_context of that thread
    std::string peer;
    peer_table::seat seat;                  ///< of its peer
    std::uint64_t number;                   ///< counted from 1 since the start
    std::shared_ptr<tls_context const> tls; ///< null: not encrypted
    place taken;                            ///< of connections that there may be
};

/// Serves connections on an io_context that one thread runs. But for load() and context() its functions are for that
/// thread.
class worker {
public:
    /// What it refers to must outlive it and the io_context's run; `events` is called in its thread. `on_rest` is called
    /// once, when it was stopped and has no connection any more.
    worker(boost::asio::io_context& context, protocol::environment& environment, observer& events,
           std::function<void()> on_rest);
    worker(worker const&) = delete;
    worker& operator=(worker const&) = delete;
    ~worker() = default;

    boost::asio::io_context& context() const noexcept { return context_; }

    /// The number of its connections, those on their way to it too: one for each place in there.
    connection_count const& load() const noexcept { return load_; }

    /// Others whose sessions may follow windows that sessions of this one send to; to be called before the first
    /// connection.
    void know(std::vector<boost::asio::io_context*> neighbours) { neighbours_ = std::move(neighbours); }

    /// Throws std::bad_alloc, and the connection is closed.
    void serve(arrival accepted);

    /// To be called when the environment's limits have changed. New timeouts hold for waits that have begun, too.
    void settings_changed();

    /// To be called when the environment's tokens have changed, or it has another authority.
    void renew_access();

    /// Lets every session answer what it has received, and ends them: after the timeout those that their clients keep
    /// waiting too. Returns at once.
    void stop(std::chrono::milliseconds timeout);

private:
    boost::asio::awaitable<void> run(std::unique_ptr<session> served, std::uint64_t number, place taken);
    boost::asio::awaitable<void> watch_deadlines();
    boost::asio::awaitable<void> force_after_timeout();
    session::clock::duration shortest_timeout() const noexcept;
    void give_back_memory() noexcept;
    void rest_if_done();
    void spawn(boost::asio::awaitable<void> coroutine);

    boost::asio::io_context& context_;
    protocol::environment& environment_;
    observer& observer_;
    std::function<void()> on_rest_;
    std::vector<boost::asio::io_context*> neighbours_;
    connection_count load_ = std::make_shared<std::atomic<std::size_t>>(0);
    std::uint64_t most_connections_ = 0; // since memory was given back
    batch_pool batches_;
    inbox inbox_;
    // Sessions belong to their coroutines; here they are only to be found. They leave the list when
    // destroyed.
    boost::intrusive::list<session, boost::intrusive::constant_time_size<false>> sessions_;
    boost::asio::steady_timer deadline_timer_;
    boost::asio::steady_timer shutdown_timer_;
    std::chrono::milliseconds shutdown_timeout_{0};
    bool has_tls_ = false;
    bool stopping_ = false;
};

} // namespace windowd::net
