// What the server tells whoever runs it. The room of the network itself writes no logs.
#pragma once

#include "net/peers.hpp"

#include <boost/system/error_code.hpp>

#include <cstdint>
#include <exception>
#include <string>
#include <string_view>

namespace windowd::net {

/// Why a connection ended.
enum class end_reason : std::uint8_t {
    end_of_input, ///< the client sent all it had, and was answered
    reset,        ///< the connection broke
    handshake,    ///< there was to be TLS, and it did not come to that
    contract,     ///< the protocol ends it: an HTTP request
    no_token,     ///< the client showed no token in time
    idle,         ///< the client sent nothing for longer than the idle timeout
    not_reading,  ///< the client took nothing of its replies for longer than the write timeout
    shutdown,     ///< the server is stopping; what had come was answered
    forced,       ///< the server was stopping, and the time for that was over
    failed,       ///< an exception, such as a lack of memory
};

std::string_view to_string(end_reason reason) noexcept;

/// What an exception says, for observer::failed().
std::string text_of(std::exception_ptr const& exception);

/// A connection that has ended.
struct connection_summary {
    std::uint64_t number; ///< counted from 1 since the start
    std::string peer;
    end_reason reason;
    std::uint64_t bytes_in;
    std::uint64_t bytes_out;
};

/// Told of events as they happen, by any thread of the server. Functions must not throw, and do not wait for long.
class observer {
public:
    /// The server listens; `address` has the port that was picked.
    virtual void listening(std::string_view address) noexcept = 0;
    /// No connection can be accepted for now. Told once until accept_recovered.
    virtual void accept_failed(std::string_view address, boost::system::error_code const& why) noexcept = 0;
    virtual void accept_recovered(std::string_view address) noexcept = 0;
    virtual void connection_opened(std::uint64_t number, std::string_view peer) noexcept = 0;
    virtual void connection_ended(connection_summary const& ended) noexcept = 0;
    /// A client was turned away.
    virtual void turned_away(std::string_view peer, obstacle why) noexcept = 0;
    /// A client has to wait, since too many requests of its peer have been refused.
    virtual void held_back(std::string_view peer) noexcept = 0;
    /// A client showed a token that is not known.
    virtual void auth_failed(std::string_view peer) noexcept = 0;
    /// A client did not get to an encrypted connection: it spoke something else, or its certificate was refused.
    virtual void handshake_failed(std::string_view peer, std::string_view why) noexcept = 0;
    /// Something that should not happen did; the server goes on.
    virtual void failed(std::string_view what) noexcept = 0;

protected:
    observer() = default;
    observer(observer const&) = default;
    observer& operator=(observer const&) = default;
    ~observer() = default;
};

} // namespace windowd::net
