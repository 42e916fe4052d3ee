// TLS by OpenSSL: the settings of a server, and the encryption of one connection.
#pragma once

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/system/error_code.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct ssl_ctx_st; // OpenSSL's SSL_CTX
struct ssl_st;     // OpenSSL's SSL

namespace windowd::net {

using stream_socket = boost::asio::generic::stream_protocol::socket;

/// Where a server's certificates are, all of them in PEM form.
struct tls_files {
    std::string certificate; ///< the server's, and behind it those that it is signed with
    std::string key;         ///< of that certificate, without a passphrase
    std::string client_ca;   ///< who signs clients' certificates; empty: clients need none
};

/// What a server's encrypted connections have in common: TLS 1.2 or later, without renegotiation and compression.
class tls_context {
public:
    /// Reads the files. Throws std::runtime_error, which names the file and says what is wrong with it.
    explicit tls_context(tls_files const& files);

private:
    friend class tls_stream;

    struct deleter {
        void operator()(ssl_ctx_st* context) const noexcept;
    };

    std::unique_ptr<ssl_ctx_st, deleter> context_;
};

/// The server's end of one encrypted connection. It never waits: what would have to wait fails with would_block, and
/// awaited() tells for what. Between two operations that had nothing left to do it keeps no buffers.
///
/// SIGPIPE is to be ignored by the process: OpenSSL writes to sockets as if they were files.
class tls_stream {
public:
    /// `descriptor` is a connected socket that does not block, and is open for as long as this exists. The settings may
    /// go. Throws std::bad_alloc.
    tls_stream(tls_context const& settings, int descriptor);

    /// Comes first, and again until it does not fail with would_block.
    void handshake(boost::system::error_code& ec) noexcept;

    /// Reads what fits of the next record: behind it may be what breaks the connection, and then nothing could be answered
    /// any more. Fails with eof where the client has said that it sends no more; a connection
    /// that ended without that is broken.
    std::size_t read_some(std::span<char> room, boost::system::error_code& ec) noexcept;

    /// Writes a part of it. What follows would_block is another write, which begins with the same bytes: after a read OpenSSL
    /// would break the connection, if the client has changed keys meanwhile.
    std::size_t write_some(std::string_view bytes, boost::system::error_code& ec) noexcept;

    /// Tells the client that no more will come. Nothing where the connection is broken.
    void shut_down(boost::system::error_code& ec) noexcept;

    /// Bytes that have been read from the socket already: it does not become readable for them.
    std::size_t buffered() const noexcept;

    /// Whether the next to be read is the end.
    bool input_has_ended() noexcept;

    /// What the socket is to be waited for, after would_block.
    stream_socket::wait_type awaited() const noexcept { return awaited_; }

    /// Why the handshake failed, in words of ours or OpenSSL's, none of the client's. To be called right after.
    std::string why() const;

private:
    struct deleter {
        void operator()(ssl_st* stream) const noexcept;
    };

    boost::system::error_code error_of(int result) noexcept;

    std::unique_ptr<ssl_st, deleter> stream_;
    stream_socket::wait_type awaited_ = stream_socket::wait_read;
    boost::system::error_code broken_; // what broke the connection: OpenSSL then refuses to be called again
};

} // namespace windowd::net
