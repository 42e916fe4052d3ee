// What the tests of the network share: a server's surroundings with a clock of their own, a peer on the other end of
// a socket pair, and a whole server.
#pragma once

#include "net/observer.hpp"
#include "net/server.hpp"
#include "net/session.hpp"
#include "protocol/environment.hpp"
#include "support/temporary_folder.hpp"

#include <boost/asio/io_context.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace windowd::test {

/// What virtual_now() gives. Set it before the environment is made.
extern protocol::environment::clock::time_point virtual_time;

protocol::environment::clock::time_point virtual_now() noexcept;

/// An environment whose time only moves when a test moves virtual_time.
struct virtual_environment : protocol::environment {
    virtual_environment();
};

/// Notes what it is told, by any thread; to be looked at when no other has anything to tell.
struct recorder : net::observer {
    void listening(std::string_view address) noexcept override { note(addresses, address); }
    void accept_failed(std::string_view, boost::system::error_code const&) noexcept override
    {
        ++accept_failures;
    }
    void accept_recovered(std::string_view) noexcept override { ++accept_recoveries; }
    void connection_opened(std::uint64_t, std::string_view) noexcept override
    {
        auto const lock = std::scoped_lock(mutex);
        ++opened;
    }
    void connection_ended(net::connection_summary const& one) noexcept override { note(ended, one); }
    void turned_away(std::string_view, net::obstacle why) noexcept override
    {
        ++turned_away_count;
        last_obstacle = why;
    }
    void held_back(std::string_view peer) noexcept override { note(held_back_peers, peer); }
    void auth_failed(std::string_view peer) noexcept override { note(auth_failures, peer); }
    void handshake_failed(std::string_view, std::string_view why) noexcept override
    {
        note(handshake_failures, why);
    }
    void failed(std::string_view what) noexcept override { note(failures, what); }

    void note(auto& list, auto const& what)
    {
        auto const lock = std::scoped_lock(mutex);
        list.emplace_back(what);
    }

    std::mutex mutex;
    std::vector<std::string> addresses;
    std::vector<net::connection_summary> ended;
    std::vector<std::string> failures;
    std::vector<std::string> auth_failures; // the peers
    std::vector<std::string> handshake_failures;
    std::vector<std::string> held_back_peers;
    std::optional<net::obstacle> last_obstacle;
    int opened = 0;
    int turned_away_count = 0;
    int accept_failures = 0;
    int accept_recoveries = 0;
};

/// Runs handlers that are ready, or become ready soon, until the condition holds; false when that takes too
/// long.
template <class Condition>
bool run_until(boost::asio::io_context& context, Condition&& holds)
{
    constexpr auto patience = std::chrono::seconds(20);
    auto const end = std::chrono::steady_clock::now() + patience;
    context.restart();
    while (!holds() && std::chrono::steady_clock::now() < end)
        if (context.run_one_until(end) == 0)
            return holds();
    return holds();
}

/// The client's end of a connection: never waits.
class peer {
public:
    explicit peer(int socket) noexcept : socket_(socket) {}
    peer(peer const&) = delete;
    peer& operator=(peer const&) = delete;
    ~peer() { close(); }

    /// Sends what the socket takes at once; returns how much that was.
    std::size_t send(std::string_view bytes) const;
    /// Takes in what is there, and returns all that came so far.
    std::string const& received();
    /// Whether the other end has closed; received() comes first.
    bool at_end();
    void half_close() const;
    int descriptor() const noexcept { return socket_; }
    void close();

private:
    int socket_;
    std::string received_;
    bool at_end_ = false;
};

/// A session that serves one end of a socket pair, and the peer at the other.
class served_session {
    std::unique_ptr<boost::asio::io_context> own_context_; // null where it shares one

public:
    /// `buffer`: bytes that the system keeps of what the session writes; 0 for its default. `shared`: a context that
    /// other sessions run in too; it is not to be run any more when the session has been destroyed before its end.
    /// `tls`: the session is encrypted; the peer is not.
    explicit served_session(protocol::environment& environment, int buffer = 0,
                            boost::asio::io_context* shared = nullptr, net::tls_context const* tls = nullptr);

    net::session& operator*() noexcept { return *session_; }
    net::session* operator->() noexcept { return &*session_; }
    std::optional<net::end_reason> reason() const noexcept { return reason_; }

    /// Until it has ended and the peer has all that it wrote.
    bool runs_to_its_end();
    /// Until the peer has received that.
    bool answers(std::string_view all);
    /// Until nothing happens by itself any more.
    void settle();

    boost::asio::io_context& context;
    recorder events;
    std::shared_ptr<net::peer_table> peers = std::make_shared<net::peer_table>(); // of this session alone
    peer client;

private:
    served_session(protocol::environment& environment, std::array<int, 2> const& ends,
                   boost::asio::io_context* shared, net::tls_context const* tls);
    static std::array<int, 2> connected(int buffer);

    net::batch_pool batches_;
    net::inbox woken_;
    std::vector<boost::asio::io_context*> neighbours_; // none
    std::optional<net::session> session_;
    std::optional<net::end_reason> reason_;
};

/// A server on a Unix socket of its own. Its clock is the real one: its timers are.
class running_server {
public:
    explicit running_server(protocol::limits const& limits = {},
                            std::chrono::milliseconds shutdown_timeout = std::chrono::hours(1),
                            std::size_t threads = 1);
    running_server(running_server const&) = delete;
    running_server& operator=(running_server const&) = delete;
    ~running_server() = default;

    std::string path() const { return (folder_.path() / "s").string(); }
    std::unique_ptr<peer> connect() const;

    /// Until the peer has received that.
    bool answers(peer& client, std::string const& all);
    /// Until so many connections have ended.
    bool ends(std::size_t connections);
    /// Until the context has no work left.
    bool runs_out_of_work();

    protocol::environment environment;
    recorder events;
    boost::asio::io_context context{1};
    std::unique_ptr<net::server> server; // goes before the context, as in the daemon

private:
    temporary_folder folder_;
};

} // namespace windowd::test
