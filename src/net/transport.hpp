// What carries a session's bytes: a socket, or TLS over one.
#pragma once

#include "net/tls.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/system/error_code.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace windowd::net {

/// A connected socket that is read and written without waiting, encrypted or not. To wait is the owner's part, for
/// what awaited() says.
///
/// What is encrypted goes through OpenSSL itself rather than asio::ssl::stream, whose synchronous
/// functions lose output where a socket does not block, and whose asynchronous ones need 34 KiB a connection.
class transport {
public:
    using error_code = boost::system::error_code;

    /// Encrypted if `settings` is given. Throws std::bad_alloc, only then.
    explicit transport(stream_socket socket, tls_context const* settings = nullptr)
        : socket_(std::move(socket))
    {
        error_code ignored;
        socket_.non_blocking(true, ignored);
        if (settings != nullptr)
            tls_ = std::make_unique<tls_stream>(*settings, socket_.native_handle());
    }

    /// To wait with, and to cancel that.
    stream_socket& socket() noexcept { return socket_; }

    /// Null where it is not encrypted.
    tls_stream* tls() noexcept { return tls_.get(); }

    /// Fails with would_block, eof, or what broke the connection.
    std::size_t read_some(std::span<char> room, error_code& ec) noexcept
    {
        if (tls_ != nullptr) [[unlikely]]
            return tls_->read_some(room, ec);
        return socket_.read_some(boost::asio::buffer(room.data(), room.size()), ec);
    }

    /// Fails with would_block, and is then to be called again with the same bytes, or with what broke the connection.
    std::size_t write_some(std::string_view bytes, error_code& ec) noexcept
    {
        if (tls_ != nullptr) [[unlikely]]
            return tls_->write_some(bytes, ec);
        return socket_.write_some(boost::asio::buffer(bytes), ec);
    }

    /// What the socket is to be waited for after a read, or a write, that would have blocked.
    stream_socket::wait_type awaited(stream_socket::wait_type usual) const noexcept
    {
        return tls_ == nullptr ? usual : tls_->awaited();
    }

    /// Whether there is input already, for which the socket does not become readable.
    bool has_input() const noexcept { return tls_ != nullptr && tls_->buffered() != 0; }

    /// How many bytes at most can be read of what has arrived so far.
    std::size_t available(error_code& ec) noexcept
    {
        return socket_.available(ec) + (tls_ == nullptr ? 0 : tls_->buffered());
    }

    /// Whether nothing but the end is left to read.
    bool input_has_ended() noexcept;

    /// Gives the socket away, without encryption, and is of no use any more.
    stream_socket release() noexcept
    {
        tls_.reset();
        return std::move(socket_);
    }

private:
    stream_socket socket_;
    std::unique_ptr<tls_stream> tls_; // goes before the socket that it is on
};

} // namespace windowd::net
