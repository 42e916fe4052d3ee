// A connected stream of bytes: TCP, TLS over TCP, or a Unix socket.
#pragma once

#include "ctl/target.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/system/error_code.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

namespace windowd::ctl {

/// What a TLS client may bring along. Empty names: the system's authorities, no certificate of its own.
struct tls_files {
    std::string authorities; ///< PEM: whom to trust, instead of those that the system trusts
    std::string certificate; ///< PEM: the client's chain
    std::string key;         ///< PEM: its key
};

/// One read and one write may be under way at once.
class transport {
public:
    using handler = std::function<void(boost::system::error_code const&, std::size_t)>;

    transport() = default;
    transport(transport const&) = delete;
    transport& operator=(transport const&) = delete;
    virtual ~transport() = default;

    virtual void async_read_some(boost::asio::mutable_buffer into, handler done) = 0;
    /// All of it.
    virtual void async_write(boost::asio::const_buffer from, handler done) = 0;
};

/// Connects, and shakes hands where it is TLS, 1.2 or later; the server's certificate has to be trusted and to name
/// the host. Throws a failure: unreachable, or bad usage where one of the files cannot be read.
std::unique_ptr<transport> connect(boost::asio::io_context& context, target const& to, tls_files const& files,
                                   std::chrono::milliseconds timeout);

} // namespace windowd::ctl
