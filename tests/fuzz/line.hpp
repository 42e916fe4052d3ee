// A connection within the process: two sockets that are joined, and do not block.
#pragma once

#include "fuzz/fuzzer.hpp"

#include <array>
#include <cerrno>
#include <string>
#include <string_view>
#include <utility>

#include <sys/socket.h>
#include <unistd.h>

namespace windowd::fuzz {

/// Owns a socket, or nothing: -1.
class end_of_line {
public:
    end_of_line() noexcept = default;
    explicit end_of_line(int socket) noexcept : socket_(socket) {}
    end_of_line(end_of_line const&) = delete;
    end_of_line& operator=(end_of_line const&) = delete;
    end_of_line(end_of_line&& other) noexcept : socket_(std::exchange(other.socket_, -1)) {}
    end_of_line& operator=(end_of_line&& other) noexcept
    {
        std::swap(socket_, other.socket_);
        return *this;
    }
    ~end_of_line() { close(); }

    int descriptor() const noexcept { return socket_; }
    void close() noexcept
    {
        if (socket_ >= 0)
            ::close(std::exchange(socket_, -1));
    }
    /// How many of them fit.
    std::size_t send(std::string_view bytes) const
    {
        auto const sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        return sent < 0 ? 0 : static_cast<std::size_t>(sent);
    }
    /// Says that no more will be sent.
    void finish() const noexcept { shutdown(socket_, SHUT_WR); }
    /// Appends what has come; false where no more can come.
    bool receive(std::string& to) const
    {
        std::array<char, 4096> room{};
        for (;;) {
            auto const got = recv(socket_, room.data(), room.size(), MSG_DONTWAIT);
            if (got <= 0)
                return got < 0 && errno == EAGAIN;
            to.append(room.data(), static_cast<std::size_t>(got));
        }
    }

private:
    int socket_ = -1;
};

inline std::pair<end_of_line, end_of_line> make_line()
{
    std::array<int, 2> ends{};
    expect(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) == 0,
           "there are no sockets to be had");
    return {end_of_line(ends[0]), end_of_line(ends[1])};
}

} // namespace windowd::fuzz
