// The life of a connection.
#include "net/session.hpp"

#include "net/as_tuple.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <linux/sockios.h>

#include <algorithm>
#include <limits>
#include <utility>

#include <sys/ioctl.h>
#include <sys/socket.h>

namespace windowd::net {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

// A long reply's buffer is not kept for the short ones after it: twice what makes a conversation pause.
constexpr std::size_t kept_output = 2 * protocol::conversation::output_pause;

// Rounds of output in a turn: more than a few writers at full speed fill in theirs.
constexpr int event_rounds = 32;

bool would_block(error_code const& ec)
{
    return ec == asio::error::would_block || ec == asio::error::try_again || ec == asio::error::interrupted;
}

} // namespace

std::unique_ptr<batch> batch_pool::take()
{
    if (spare_ != nullptr)
        return std::move(spare_);
    return std::make_unique_for_overwrite<batch>();
}

void batch_pool::give_back(std::unique_ptr<batch> used) noexcept
{
    used->output.clear();
    if (used->output.capacity() > kept_output)
        used->output = {};
    spare_ = std::move(used);
}

asio::awaitable<end_reason> session::run()
{
    error_code ignored;
    socket_.non_blocking(true, ignored);
    auto state = progress::going_on;
    while (state == progress::going_on && !stopping_) {
        if (conversation_.pending()) {
            co_await asio::post(socket_.get_executor(), asio::use_awaitable); // others come first
        } else {
            // Who follows windows may well have nothing more to say.
            auto const timeout = conversation_.is_following() ? std::chrono::milliseconds(0)
                                                              : environment_.limits.idle_timeout;
            waiting_to_read_ = true;
            co_await wait(stream_socket::wait_read, timeout);
            waiting_to_read_ = false;
        }
        if (!stopping_ && !cut_short_)
            state = co_await read_and_answer(std::numeric_limits<std::size_t>::max());
        else if (cut_short_)
            state = progress::over;
    }
    if (state == progress::going_on)
        co_await answer_rest();
    if (reason_ == end_reason::contract || reason_ == end_reason::shutdown)
        co_await close_gently(std::move(socket_));
    co_return reason_;
}

/// What the kernel has for us when the server stops. More may come while that is answered, without an end:
/// the rest is not ours any more.
asio::awaitable<void> session::answer_rest()
{
    error_code ec;
    auto left = socket_.available(ec);
    auto state = progress::going_on;
    while (state == progress::going_on && left != 0 && !ec) {
        auto const before = bytes_in_;
        state = co_await read_and_answer(left);
        auto const read = static_cast<std::size_t>(bytes_in_ - before);
        left = read == 0 ? 0 : left - read;
    }
    if (state == progress::going_on && input_has_ended())
        state = co_await read_and_answer(1);
    while (state == progress::going_on && conversation_.pending()) // events that happened before the end
        state = co_await read_and_answer(0);
    if (state == progress::going_on)
        over(end_reason::shutdown);
}

/// Whether nothing but the end is left to read: then a last line without LF counts.
bool session::input_has_ended() noexcept
{
    char next = 0;
    error_code ec;
    socket_.receive(asio::buffer(&next, 1), stream_socket::message_peek, ec);
    return ec == asio::error::eof;
}

/// Reads once, `most` bytes at most, and writes the replies.
asio::awaitable<session::progress> session::read_and_answer(std::size_t most)
{
    auto lent = batches_.take();
    error_code ec;
    auto const room = asio::buffer(lent->input, most);
    auto const size = socket_.read_some(room, ec);
    auto state = progress::going_on;
    if (!ec) {
        bytes_in_ += size;
        state = co_await answer(*lent, std::string_view(lent->input.data(), size));
    } else if (ec == asio::error::eof) {
        state = co_await finish(*lent);
    } else if (!would_block(ec)) {
        state = over(end_reason::reset);
    } else if (conversation_.pending()) {
        state = co_await answer(*lent, {});
    }
    batches_.give_back(std::move(lent));
    co_return state;
}

/// Feeds and writes at least once, until all input is answered. Where the client takes them at once, a turn has several
/// rounds of events: those who make them have turns too.
asio::awaitable<session::progress> session::answer(batch& lent, std::string_view input)
{
    had_to_wait_ = false;
    for (int round = 1;; ++round) {
        auto const only_events = conversation_.has_events() && !had_to_wait_ && round != event_rounds;
        input.remove_prefix(conversation_.feed(only_events ? std::string_view() : input, lent.output));
        auto const state = co_await write(lent.output.view());
        if (state == progress::over)
            co_return state;
        lent.output.clear();
        if (only_events)
            continue;
        if (conversation_.waiting() && !conversation_.pending())
            co_await wait_for_result();
        else if (!input.empty() || conversation_.in_reply())
            co_await asio::post(socket_.get_executor(), asio::use_awaitable); // others come first
        else
            break;
        if (cut_short_)
            co_return progress::over;
        had_to_wait_ = false;
        round = 0;
    }
    co_return conversation_.ended() ? over(end_reason::contract) : progress::going_on;
}

asio::awaitable<session::progress> session::finish(batch& lent)
{
    conversation_.finish(lent.output);
    auto state = co_await write(lent.output.view());
    lent.output.clear();
    while (state == progress::going_on && (conversation_.pending() || conversation_.waiting()))
        state = co_await answer(lent, {});
    co_return state == progress::going_on ? over(end_reason::end_of_input) : state;
}

asio::awaitable<session::progress> session::write(std::string_view output)
{
    while (!output.empty()) {
        error_code ec;
        auto const size = socket_.write_some(asio::buffer(output), ec);
        bytes_out_ += size;
        output.remove_prefix(size);
        if (would_block(ec)) {
            had_to_wait_ = true;
            co_await wait(stream_socket::wait_write, environment_.limits.write_timeout);
        } else if (ec) {
            co_return over(end_reason::reset);
        }
        if (cut_short_)
            co_return progress::over;
    }
    co_return progress::going_on;
}

/// Whether it was what was waited for, an error or a call to stop that ended it is for the next read or write
/// to tell.
asio::awaitable<void> session::wait(stream_socket::wait_type for_what, std::chrono::milliseconds timeout)
{
    if (timeout.count() != 0)
        deadline_ = environment_.now() + timeout;
    auto const ended = co_await socket_.async_wait(for_what, as_tuple);
    static_cast<void>(ended);
    deadline_ = clock::time_point::max();
}

/// Until it is there, or there is an event to write meanwhile.
asio::awaitable<void> session::wait_for_result()
{
    asio::steady_timer timer(socket_.get_executor(), asio::steady_timer::time_point::max());
    result_timer_ = &timer;
    auto const ended = co_await timer.async_wait(as_tuple);
    static_cast<void>(ended);
    result_timer_ = nullptr;
}

void session::wake() noexcept
{
    error_code ignored;
    if (waiting_to_read_)
        socket_.cancel(ignored);
    if (result_timer_ != nullptr)
        result_timer_->cancel();
}

session::progress session::over(end_reason why) noexcept
{
    if (!cut_short_)
        reason_ = why;
    return progress::over;
}

void session::stop() noexcept
{
    stopping_ = true;
    error_code ignored;
    if (waiting_to_read_)
        socket_.cancel(ignored);
}

void session::force() noexcept
{
    cut_short_ = true;
    reason_ = end_reason::forced;
    error_code ignored;
    socket_.cancel(ignored);
    if (result_timer_ != nullptr)
        result_timer_->cancel();
}

void session::expire() noexcept
{
    cut_short_ = true;
    reason_ = waiting_to_read_ ? end_reason::idle : end_reason::not_reading;
    deadline_ = clock::time_point::max();
    error_code ignored;
    socket_.cancel(ignored);
}

asio::awaitable<void> close_gently(stream_socket socket)
{
    constexpr auto pause = std::chrono::milliseconds(10);
    constexpr int rounds = 100;
    constexpr int reads_a_round = 64; // and then others have their turn, however fast the client sends
    error_code ec;
    socket.non_blocking(true, ec);
    socket.shutdown(stream_socket::shutdown_send, ec);
    auto const is_tcp =
        socket.local_endpoint(ec).protocol().family() != AF_UNIX; // closing that loses nothing
    std::array<char, 4096> discarded{};
    asio::steady_timer timer(socket.get_executor());
    for (int round = 0; is_tcp && !ec && round < rounds; ++round) {
        for (int reads = 0; !ec && reads < reads_a_round; ++reads)
            socket.read_some(asio::buffer(discarded), ec);
        int unacknowledged = 0;
        if (ec && !would_block(ec))
            break;
        if (ioctl(socket.native_handle(), SIOCOUTQ, &unacknowledged) == 0 && unacknowledged == 0)
            break;
        timer.expires_after(pause);
        auto const waited = co_await timer.async_wait(as_tuple);
        ec = std::get<0>(waited);
    }
}

} // namespace windowd::net
