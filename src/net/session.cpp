// The life of a connection.
#include "net/session.hpp"

#include "net/as_tuple.hpp"

#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <linux/sockios.h>

#include <algorithm>
#include <limits>
#include <span>
#include <string>
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

/// How long a batch of requests takes, for the counters, and how many of them are refused. It looks at the clock three
/// times, once where there was no request, and not at all where nothing was fed.
class session::stopwatch {
public:
    stopwatch(protocol::environment& environment, bool runs)
        : environment_(environment),
          requests_(environment.counters.requests),
          refused_(environment.counters.refused),
          began_(runs ? environment.now() : clock::time_point())
    {}

    void executed()
    {
        requests_ = environment_.counters.requests - requests_;
        refused_ = environment_.counters.refused - refused_;
        if (requests_ != 0)
            environment_.counters.resumption_latency.add(
                (environment_.now() - began_) / static_cast<clock::duration::rep>(requests_), requests_);
    }

    void written()
    {
        if (requests_ != 0)
            environment_.counters.reply_latency.add(environment_.now() - began_);
    }

    std::uint64_t refused() const noexcept { return refused_; }

private:
    protocol::environment& environment_;
    std::uint64_t requests_; // counted before, and then those of this batch
    std::uint64_t refused_;  // the same
    clock::time_point began_;
};

asio::awaitable<end_reason> session::run()
{
    auto state = progress::going_on;
    if (transport_.tls() != nullptr)
        state = co_await shake_hands();
    token_due_ = environment_.now() + token_timeout;
    while (state == progress::going_on && !stopping_) {
        if (conversation_.pending() || transport_.has_input())
            co_await asio::post(
                transport_.socket().get_executor(),
                asio::bind_allocator(handler_allocator<>(memory_), asio::use_awaitable)); // others come first
        else
            co_await wait(stream_socket::wait_read, waiting::for_input, environment_.now());
        if (!stopping_ && !cut_short_)
            state = co_await read_and_answer(std::numeric_limits<std::size_t>::max());
        else if (cut_short_)
            state = progress::over;
    }
    if (state == progress::going_on)
        co_await answer_rest();
    if (transport_.tls() != nullptr)
        co_await end_encryption();
    if (reason_ == end_reason::contract || reason_ == end_reason::shutdown ||
        reason_ == end_reason::handshake)
        co_await close_gently(transport_.release(), cut_short_);
    co_return reason_;
}

/// A stop meanwhile lets what has come of it be taken in: requests may be behind it.
asio::awaitable<session::progress> session::shake_hands()
{
    auto const began = environment_.now();
    error_code ec = asio::error::would_block;
    while (!cut_short_) {
        transport_.tls()->handshake(ec);
        if (!ec)
            co_return progress::going_on;
        if (!would_block(ec)) {
            observer_.handshake_failed(peer_, transport_.tls()->why());
            co_return over(end_reason::handshake);
        }
        if (stopping_)
            co_return over(end_reason::shutdown);
        co_await wait(stream_socket::wait_read, waiting::for_handshake, began);
    }
    if (reason_ == end_reason::handshake)
        observer_.handshake_failed(peer_, "it took more than " + std::to_string(handshake_timeout.count()) +
                                              " seconds");
    co_return progress::over;
}

/// close_notify: so that the client knows that nothing has been cut off.
asio::awaitable<void> session::end_encryption()
{
    error_code ec;
    transport_.tls()->shut_down(ec);
    while (would_block(ec) && !cut_short_) {
        co_await wait(stream_socket::wait_write, waiting::for_output, environment_.now());
        transport_.tls()->shut_down(ec);
    }
}

/// What the kernel has for us when the server stops. More may come while that is answered, without an end:
/// the rest is not ours any more.
asio::awaitable<void> session::answer_rest()
{
    error_code ec;
    auto left = transport_.available(ec);
    auto state = progress::going_on;
    while (state == progress::going_on && left != 0 && !ec) {
        auto const before = bytes_in_;
        auto const there = transport_.available(ec);
        state = co_await read_and_answer(left);
        auto const read = static_cast<std::size_t>(bytes_in_ - before);
        // TLS has messages of its own among the requests: then nothing is read, and yet there is less to read.
        auto const is_all = read == 0 && transport_.available(ec) >= there;
        left = is_all ? 0 : left - read;
    }
    if (state == progress::going_on && transport_.input_has_ended())
        state = co_await read_and_answer(1);
    while (state == progress::going_on && conversation_.pending()) // events that happened before the end
        state = co_await read_and_answer(0);
    if (state == progress::going_on)
        over(end_reason::shutdown);
}

/// Reads once, `most` bytes at most, and writes the replies.
asio::awaitable<session::progress> session::read_and_answer(std::size_t most)
{
    auto lent = batches_.take();
    error_code ec;
    auto const room = std::span(lent->input).first(std::min(most, lent->input.size()));
    auto const size = transport_.read_some(room, ec);
    auto state = progress::going_on;
    if (!ec) {
        bytes_in_ += size;
        environment_.counters.bytes_in += size;
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
        auto const fed = only_events ? std::string_view() : input;
        stopwatch watch(environment_, !fed.empty());
        input.remove_prefix(conversation_.feed(fed, lent.output));
        auto const state = co_await deliver(lent, watch);
        if (state == progress::over)
            co_return state;
        if (owed_.count() != 0 && !conversation_.ended()) [[unlikely]] {
            co_await hold_back();
            if (cut_short_)
                co_return progress::over;
        }
        if (only_events)
            continue;
        if (conversation_.waiting() && !conversation_.pending())
            co_await wait_for_timer(waiting::for_nothing); // until it is there, or there is an event
        else if (!input.empty() || conversation_.in_reply())
            co_await let_others_go_first();
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
    stopwatch watch(environment_, true);
    conversation_.finish(lent.output);
    auto state = co_await deliver(lent, watch);
    while (state == progress::going_on && (conversation_.pending() || conversation_.waiting()))
        state = co_await answer(lent, {});
    co_return state == progress::going_on ? over(end_reason::end_of_input) : state;
}

/// Writes the replies to what was fed, after a pause where one of them refuses a token.
asio::awaitable<session::progress> session::deliver(batch& lent, stopwatch& watch)
{
    watch.executed();
    if (watch.refused() != 0) [[unlikely]]
        owed_ = seat_.charge(watch.refused(), limits_of_peers(environment_.limits), environment_.now());
    if (conversation_.has_failed_auth()) [[unlikely]] {
        co_await pause_after_failed_auth();
        if (cut_short_)
            co_return progress::over;
    }
    auto output = lent.output.view();
    while (!output.empty()) {
        error_code ec;
        auto const size = transport_.write_some(output, ec);
        bytes_out_ += size;
        environment_.counters.bytes_out += size;
        output.remove_prefix(size);
        if (would_block(ec)) {
            had_to_wait_ = true;
            co_await wait(stream_socket::wait_write, waiting::for_output, environment_.now());
        } else if (ec) {
            co_return over(end_reason::reset);
        }
        if (cut_short_)
            co_return progress::over;
    }
    lent.output.clear();
    watch.written();
    co_return progress::going_on;
}

/// Whether it was what was waited for, an error or a call to stop that ended it is for the next read or write
/// to tell.
asio::awaitable<void> session::wait(stream_socket::wait_type usual, waiting whatfor, clock::time_point since)
{
    waiting_since_ = since;
    waiting_ = whatfor;
    is_stranger_ = is_stranger_ && !conversation_.may_read();
    auto const ended = co_await transport_.socket().async_wait(
        transport_.awaited(usual), asio::bind_allocator(handler_allocator<>(memory_), as_tuple));
    static_cast<void>(ended);
    waiting_ = waiting::for_nothing;
}

/// After many events also the sessions of other threads: those who follow get them before there are more.
asio::awaitable<void> session::let_others_go_first()
{
    if (conversation_.has_told_much())
        for (auto* const neighbour : neighbours_)
            co_await asio::post(*neighbour, asio::use_awaitable); // there, and then back here
    co_await asio::post(transport_.socket().get_executor(),
                        asio::bind_allocator(handler_allocator<>(memory_), asio::use_awaitable));
}

/// Until somebody cancels it.
asio::awaitable<void> session::wait_for_timer(waiting whatfor)
{
    asio::steady_timer timer(transport_.socket().get_executor(), asio::steady_timer::time_point::max());
    timer_ = &timer;
    waiting_since_ = environment_.now();
    waiting_ = whatfor;
    auto const ended =
        co_await timer.async_wait(asio::bind_allocator(handler_allocator<>(memory_), as_tuple));
    static_cast<void>(ended);
    waiting_ = waiting::for_nothing;
    timer_ = nullptr;
}

/// Unless the server stops.
asio::awaitable<void> session::pause_for(clock::duration pause)
{
    if (stopping_ || cut_short_)
        co_return;
    pause_ = std::max<clock::duration>(pause, least_pause);
    co_await wait_for_timer(waiting::for_pause);
}

asio::awaitable<void> session::pause_after_failed_auth()
{
    observer_.auth_failed(peer_);
    co_await pause_for(least_pause);
    conversation_.forgive();
}

/// Where too many requests have been refused, before more are taken. Nothing is lost by that, but time.
asio::awaitable<void> session::hold_back()
{
    ++environment_.counters.held_back;
    observer_.held_back(peer_);
    co_await pause_for(std::exchange(owed_, clock::duration::zero()));
}

session::clock::time_point session::deadline() const noexcept
{
    if (waiting_ == waiting::for_input && is_stranger_)
        return token_due_;
    clock::duration timeout{0};
    switch (waiting_) {
    case waiting::for_nothing:
        break;
    case waiting::for_handshake:
        timeout = handshake_timeout;
        break;
    case waiting::for_input: // who follows windows may well have nothing more to say
        timeout = conversation_.is_following() ? clock::duration(0) : environment_.limits.idle_timeout;
        break;
    case waiting::for_output:
        timeout = environment_.limits.write_timeout;
        break;
    case waiting::for_pause:
        timeout = pause_;
        break;
    }
    return timeout.count() == 0 ? clock::time_point::max() : waiting_since_ + timeout;
}

/// Wakes the coroutine, whatever it waits for.
void session::end_waiting() noexcept
{
    error_code ignored;
    transport_.socket().cancel(ignored);
    if (timer_ != nullptr)
        timer_->cancel();
}

void session::woken() noexcept
{
    if (waiting_ == waiting::for_input || (timer_ != nullptr && waiting_ != waiting::for_pause))
        end_waiting();
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
    if (waiting_ == waiting::for_input || waiting_ == waiting::for_handshake ||
        waiting_ == waiting::for_pause)
        end_waiting();
}

void session::force() noexcept
{
    cut_short_ = true;
    reason_ = end_reason::forced;
    end_waiting();
}

void session::expire() noexcept
{
    auto const ended = std::exchange(waiting_, waiting::for_nothing); // once
    end_waiting();
    if (ended == waiting::for_pause)
        return;
    cut_short_ = true;
    if (ended == waiting::for_handshake)
        reason_ = end_reason::handshake;
    else if (ended == waiting::for_input)
        reason_ = is_stranger_ ? end_reason::no_token : end_reason::idle;
    else
        reason_ = end_reason::not_reading;
}

asio::awaitable<void> close_gently(stream_socket socket, bool const& cut_short)
{
    constexpr auto pause = std::chrono::milliseconds(10);
    constexpr int patience = 100;     // pauses in which the client takes nothing
    constexpr int reads_a_round = 64; // and then others have their turn, however fast the client sends
    error_code ec;
    socket.non_blocking(true, ec);
    std::array<char, 4096> discarded{};
    auto const is_tcp = socket.local_endpoint(ec).protocol().family() != AF_UNIX;
    if (!is_tcp) // to close one with unread input would be a reset for a client that has read all; now no more comes
        for (socket.shutdown(stream_socket::shutdown_both, ec); !ec;)
            socket.read_some(asio::buffer(discarded), ec);
    else
        socket.shutdown(stream_socket::shutdown_send, ec);
    asio::steady_timer timer(socket.get_executor());
    int left = std::numeric_limits<int>::max();
    for (int idle = 0; is_tcp && !ec && idle < patience && !cut_short; ++idle) {
        for (int reads = 0; !ec && reads < reads_a_round; ++reads)
            socket.read_some(asio::buffer(discarded), ec);
        int unacknowledged = 0;
        if (ec && !would_block(ec))
            break;
        if (ioctl(socket.native_handle(), SIOCOUTQ, &unacknowledged) == 0 && unacknowledged == 0)
            break;
        if (unacknowledged < std::exchange(left, unacknowledged))
            idle = 0;
        timer.expires_after(pause);
        auto const waited = co_await timer.async_wait(as_tuple);
        ec = std::get<0>(waited);
    }
}

} // namespace windowd::net
