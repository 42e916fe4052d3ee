// Pipelining without a deadlock.
#include "exchange.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/address_v4.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/error_code.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <system_error>
#include <vector>

#include <poll.h>

namespace windowd::bench {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

// Few system calls, and yet small enough for the cache.
constexpr std::size_t piece = std::size_t{256} * 1024;
constexpr int patience_ms = 30'000;

/// What could be sent at once is taken from `requests`.
void send_some(talk& in)
{
    error_code ec;
    in.requests.remove_prefix(in.through.write_some(asio::buffer(in.requests.substr(0, piece)), ec));
    if (ec && ec != asio::error::would_block)
        throw std::system_error(ec, "cannot send");
}

void read_some(talk& in, std::vector<char>& buffer)
{
    error_code ec;
    auto const size = in.through.read_some(asio::buffer(buffer), ec);
    if (ec == asio::error::eof)
        throw wrong_reply("the server has closed the connection");
    if (ec && ec != asio::error::would_block)
        throw std::system_error(ec, "cannot read");
    in.replies.take({buffer.data(), size});
}

bool is_done(talk const& in)
{
    return in.requests.empty() && in.replies.is_done();
}

/// Waits until some can go on.
std::vector<pollfd> ready(std::span<talk const> talks)
{
    std::vector<pollfd> waits;
    for (auto const& each : talks) {
        auto const events = is_done(each) ? 0 : each.requests.empty() ? POLLIN : POLLIN | POLLOUT;
        waits.push_back({each.through.lowest_layer().native_handle(), static_cast<short>(events), 0});
    }
    auto const count = ::poll(waits.data(), waits.size(), patience_ms);
    if (count < 0 && errno != EINTR)
        throw std::system_error(errno, std::system_category(), "poll");
    if (count == 0)
        throw wrong_reply("the server neither reads nor answers");
    return waits;
}

} // namespace

socket connect(asio::io_context& context, std::uint16_t port)
{
    socket made(context, tcp::v4());
    error_code ec;
    made.connect({asio::ip::address_v4::loopback(), port}, ec);
    // TCP lets a socket connect to itself, if nobody listens and the kernel picks that very port.
    if (!ec && made.local_endpoint() == made.remote_endpoint())
        ec = asio::error::connection_refused;
    if (ec)
        throw std::system_error(ec, "cannot connect");
    made.set_option(tcp::no_delay(true));
    return made;
}

std::string ask(socket& to, std::string_view line)
{
    asio::write(to, asio::buffer(line));
    std::string reply;
    std::array<char, 4096> buffer{};
    while (!reply.ends_with('\n')) {
        error_code ec;
        reply.append(buffer.data(), to.read_some(asio::buffer(buffer), ec));
        if (ec)
            throw wrong_reply("no answer to " + std::string(line.substr(0, line.find('\n'))) + ": " +
                              ec.message());
    }
    reply.pop_back();
    if (reply.find('\n') != std::string::npos)
        throw wrong_reply("more than one reply: " + reply);
    return reply;
}

void exchange(std::span<talk> talks)
{
    std::vector<char> buffer(piece);
    for (auto const& each : talks)
        each.through.non_blocking(true);
    while (!std::ranges::all_of(talks, is_done)) {
        auto const waits = ready(talks);
        for (std::size_t i = 0; i < waits.size(); ++i) {
            if ((waits[i].revents & POLLOUT) != 0)
                send_some(talks[i]);
            if ((waits[i].revents & ~POLLOUT) != 0)
                read_some(talks[i], buffer);
        }
    }
}

void exchange(socket& through, workload const& work)
{
    exact_replies check(work.replies);
    talk one{through, work.requests, check};
    exchange({&one, 1});
    through.non_blocking(false);
}

void hang_up(socket& through)
{
    std::array<char, 80> more{};
    error_code ec;
    through.shutdown(socket::shutdown_send, ec);
    auto const size = through.read_some(asio::buffer(more), ec);
    if (size != 0)
        throw wrong_reply("there are more replies than requests: " + std::string(more.data(), size));
    if (ec != asio::error::eof)
        throw std::system_error(ec, "cannot read");
}

} // namespace windowd::bench
