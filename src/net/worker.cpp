// What a thread does with its connections from their arrival to their end.
#include "net/worker.hpp"

#include "net/as_tuple.hpp"
#include "net/spawn.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include <malloc.h>

namespace windowd::net {
namespace {

namespace asio = boost::asio;

// Deadlines that are this close are looked at together.
constexpr auto deadline_step = std::chrono::milliseconds(10);

} // namespace

worker::worker(asio::io_context& context, protocol::environment& environment, observer& events,
               std::function<void()> on_rest)
    : context_(context),
      environment_(environment),
      observer_(events),
      on_rest_(std::move(on_rest)),
      inbox_(context),
      deadline_timer_(context),
      shutdown_timer_(context)
{
    spawn(watch_deadlines());
}

void worker::serve(arrival accepted)
{
    if (accepted.tls != nullptr && !std::exchange(has_tls_, true))
        settings_changed(); // handshakes have a timeout of their own
    auto served = std::make_unique<session>(
        std::move(accepted.socket), std::move(accepted.peer), std::move(accepted.seat),
        session_host{environment_, observer_, batches_, inbox_, neighbours_}, accepted.tls.get());
    sessions_.push_back(*served);
    if (stopping_) // accepted just before
        served->stop();
    spawn(run(std::move(served), accepted.number, std::move(accepted.taken)));
}

asio::awaitable<void> worker::run(std::unique_ptr<session> served, std::uint64_t number, place taken)
{
    auto const held = std::move(taken); // until the end of this
    most_connections_ = std::max(most_connections_, ++environment_.counters.connections);
    observer_.connection_opened(number, served->peer());
    auto reason = end_reason::failed;
    try {
        reason = co_await served->run();
    } catch (std::exception const& failure) {
        observer_.failed(failure.what());
    }
    --environment_.counters.connections;
    observer_.connection_ended({number, served->peer(), reason, served->bytes_in(), served->bytes_out()});
    served.reset();
    give_back_memory();
    rest_if_done();
}

/// What many connections have left lies free between what is in use, and the allocator keeps it until it is told. Each
/// time that half of them are gone, so that it costs little.
void worker::give_back_memory() noexcept
{
    constexpr std::uint64_t few = 256;
    if (environment_.counters.connections > most_connections_ / 2 || most_connections_ < few)
        return;
    malloc_trim(0);
    most_connections_ = environment_.counters.connections;
}

void worker::settings_changed()
{
    deadline_timer_.cancel();
}

void worker::renew_access()
{
    for (auto& one : sessions_)
        one.renew_access();
    settings_changed(); // where tokens are asked for, there are pauses to end
}

void worker::stop(std::chrono::milliseconds timeout)
{
    stopping_ = true;
    shutdown_timeout_ = timeout;
    deadline_timer_.cancel();
    for (auto& one : sessions_)
        one.stop();
    if (!sessions_.empty())
        spawn(force_after_timeout());
    rest_if_done();
}

void worker::rest_if_done()
{
    if (!stopping_ || !sessions_.empty())
        return;
    shutdown_timer_.cancel();
    if (auto const tell = std::exchange(on_rest_, nullptr))
        tell();
}

session::clock::duration worker::shortest_timeout() const noexcept
{
    auto shortest = session::clock::duration::max();
    for (auto const timeout : {environment_.limits.idle_timeout, environment_.limits.write_timeout})
        if (timeout.count() != 0)
            shortest = std::min<session::clock::duration>(shortest, timeout);
    if (has_tls_)
        shortest = std::min<session::clock::duration>(shortest, session::handshake_timeout);
    if (environment_.access != nullptr || environment_.limits.max_refused_per_peer != 0)
        shortest = std::min<session::clock::duration>(shortest, session::least_pause);
    return shortest;
}

/// One timer for all sessions: it wakes for the first of their deadlines, and at least every shortest
/// timeout, since no deadline that is set later comes before that.
asio::awaitable<void> worker::watch_deadlines()
{
    while (!stopping_) {
        auto const now = environment_.now();
        auto const shortest = shortest_timeout();
        auto next =
            shortest == session::clock::duration::max() ? session::clock::time_point::max() : now + shortest;
        for (auto& one : sessions_) {
            if (one.deadline() <= now)
                one.expire();
            else
                next = std::min(next, one.deadline());
        }
        deadline_timer_.expires_at(std::max(next, now + deadline_step));
        auto const waited = co_await deadline_timer_.async_wait(as_tuple);
        static_cast<void>(waited);
    }
}

asio::awaitable<void> worker::force_after_timeout()
{
    if (sessions_.empty())
        co_return; // the last one has ended since, and cannot wake the timer any more
    shutdown_timer_.expires_after(shutdown_timeout_);
    auto const [cancelled] = co_await shutdown_timer_.async_wait(as_tuple);
    if (!cancelled)
        for (auto& one : sessions_)
            one.force();
}

void worker::spawn(asio::awaitable<void> coroutine)
{
    net::spawn(context_, std::move(coroutine), observer_);
}

} // namespace windowd::net
