// A client's connection, for coroutines.
#pragma once

#include "acceptance/load/world.hpp"

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/intrusive/list.hpp>

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace windowd::load {

enum class route : std::uint8_t { tcp, deferred, local };

/// One connection, from a source address that depends on its number: one address has not ports enough for all.
/// What goes wrong, or takes longer than the patience, throws a failure. One may read while another writes.
class connection
    : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
public:
    connection(world& run, route way, std::uint64_t number);
    /// By whatever route it is the number's turn: every fourth goes through the Unix socket.
    connection(world& run, std::uint64_t number)
        : connection(run, number % 4 == 3 ? route::local : route::tcp, number)
    {}
    connection(connection const&) = delete;
    connection& operator=(connection const&) = delete;
    ~connection() = default;

    /// Connects. `takes_little`: keeps little of what it does not read, and lets the daemon's kernel keep little.
    awaitable<void> open(bool takes_little = false);
    /// Connects and has a request answered, whose time is reported as that of a first one.
    awaitable<void> arrive(bool takes_little = false);

    awaitable<void> send(std::string_view bytes);
    /// What the kernel takes now; nothing where the connection has ended.
    std::optional<std::size_t> send_what_fits(std::string_view bytes);
    awaitable<void> wait_until_writable() { return wait(socket::wait_write); }
    /// How much of what was sent the other side's kernel does not have yet, in bytes.
    std::size_t on_its_way();

    /// A line that has come, without its LF. It is there until the next call.
    std::optional<std::string_view> take_line();
    /// Waits for more; false at the end of input.
    awaitable<bool> receive();
    awaitable<std::string_view> read_line();
    /// Throws a failure where it is not the end that comes.
    awaitable<void> read_end();
    /// Whether a part of a line, or more, has come that was not taken.
    bool has_rest() const noexcept { return taken_ != received_.size(); }

    void half_close();
    void reset();
    void close();

    /// For a client that reads until then, and to the end of what is still to come.
    void half_close_when_over() noexcept { half_closes_when_over_ = true; }

    /// To be called now and then: ends what waits for longer than the patience.
    void look_at_the_time();

private:
    using socket = boost::asio::generic::stream_protocol::socket;

    void prepare(bool takes_little);
    awaitable<void> wait(socket::wait_type whatfor);

    world& world_;
    route route_;
    std::uint64_t number_;
    socket socket_;
    std::string received_;
    std::size_t taken_ = 0;
    std::array<clock::time_point, 2> waiting_since_{clock::time_point::max(), clock::time_point::max()};
    bool too_late_ = false;
    bool half_closes_when_over_ = false;
};

} // namespace windowd::load
