// A listening socket, and accepting from it.
#pragma once

#include "net/address.hpp"
#include "net/handler_memory.hpp"
#include "net/observer.hpp"
#include "net/peers.hpp"
#include "net/session.hpp"

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace windowd::net {

using stream_acceptor = boost::asio::basic_socket_acceptor<boost::asio::generic::stream_protocol>;

/// Takes a connection that was accepted, who is at its other end, and the address of that.
using connection_handler = std::function<void(stream_socket, peer_id, std::string)>;

/// Whose a listening socket is.
enum class ownership : std::uint8_t {
    ours, ///< made here: the file of a Unix socket goes with it
    passed, ///< another process has it too: its file, and connections that wait at the end, are for the next one
};

/// One listening socket. Closes it, and removes the file of a Unix socket of ours, when destroyed.
class listener {
public:
    /// Takes a socket that listens. `on_connection` is called in the executor's thread for each connection. `encrypted`
    /// is only for the names of addresses.
    listener(stream_acceptor listening, ownership whose, bool encrypted, observer& events,
             connection_handler on_connection);
    listener(listener const&) = delete;
    listener& operator=(listener const&) = delete;
    ~listener();

    /// Accepts until stop(). Where the system lacks descriptors or memory, it waits 10 ms, doubling to 1 s,
    /// and goes on: this is no coroutine, since to wait must not take memory. To be called once; the listener must live
    /// as long as the executor runs.
    void start() { wait(); }

    /// Hands out the connections that have been made already, if the socket is ours, then closes.
    void stop() noexcept;

    /// With the port that was picked.
    std::string const& address() const noexcept { return address_; }

private:
    void wait();
    void accept_some();
    void back_off(boost::system::error_code const& why);
    boost::system::error_code accept_one() noexcept;
    void accepted(stream_socket socket, stream_acceptor::endpoint_type const& peer);
    void remove_file() noexcept;

    stream_acceptor acceptor_;
    observer& observer_;
    connection_handler on_connection_;
    ownership ownership_;
    bool encrypted_;
    bool is_unix_;
    std::string address_;
    std::string path_; // of a Unix socket's file to be removed, else empty
    std::pair<std::uint64_t, std::uint64_t>
        file_; // device and inode of that: another server may have replaced it
    boost::asio::steady_timer timer_;
    std::shared_ptr<handler_memory> memory_ = std::make_shared<handler_memory>(); // it waits or pauses
    std::chrono::milliseconds pause_{0};                                          // 0: accepting goes well
    bool stopping_ = false;
};

/// Makes sockets that listen at `address`: one, or one for each address that a host name has. Throws
/// std::runtime_error, which names the address; also where others than this machine could reach one of them and
/// `remote_allowed` is false. A Unix socket that no server listens at any more is replaced.
std::vector<stream_acceptor> listen_at(boost::asio::io_context& context, listen_address const& address,
                                       bool remote_allowed = true);

/// The same for a socket that listens already, with `descriptor`, which is ours from then on. Throws
/// std::runtime_error, and the descriptor stays the caller's: it is no such socket, or reachable where it must not be.
stream_acceptor adopt_listening(boost::asio::io_context& context, int descriptor, bool remote_allowed = true);

} // namespace windowd::net
