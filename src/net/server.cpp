// What the server does with connections from accept to end.
#include "net/server.hpp"

#include "net/as_tuple.hpp"
#include "protocol/conversation.hpp"
#include "protocol/error.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <exception>
#include <utility>

namespace windowd::net {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using std::chrono::milliseconds;

// Deadlines that are this close are looked at together.
constexpr auto deadline_step = milliseconds(10);

// Clients that were told that there are too many of them, and are being closed gently. What comes on top of
// these is closed at once, and its line may be lost where it has sent something already.
constexpr std::size_t max_turning_away = 64;

std::string text_of(std::exception_ptr const& exception)
{
    try {
        std::rethrow_exception(exception);
    } catch (std::exception const& known) {
        return known.what();
    } catch (...) {
        return "an exception of unknown type";
    }
}

} // namespace

server::server(asio::io_context& context, protocol::environment& environment, observer& events,
               milliseconds shutdown_timeout)
    : context_(context),
      environment_(environment),
      observer_(events),
      shutdown_timeout_(shutdown_timeout),
      deadline_timer_(context),
      window_timer_(context),
      shutdown_timer_(context)
{
    spawn(watch_deadlines());
    spawn(watch_windows());
}

void server::listen(listen_address const& address)
{
    for (auto& acceptor : listen_at(context_, address)) {
        auto on_connection = [this](stream_socket socket, std::string peer) {
            connected(std::move(socket), std::move(peer));
        };
        auto& added = listeners_.emplace_back(std::move(acceptor), observer_, std::move(on_connection));
        spawn(added.run());
    }
}

void server::stop()
{
    if (std::exchange(stopping_, true))
        return;
    for (auto& one : listeners_)
        one.stop();
    deadline_timer_.cancel();
    window_timer_.cancel();
    for (auto& one : sessions_)
        one.stop();
    if (!sessions_.empty())
        spawn(force_after_timeout());
}

void server::connected(stream_socket socket, std::string peer)
{
    if (environment_.counters.connections >= environment_.limits.max_connections) {
        ++environment_.counters.turned_away;
        observer_.turned_away(peer);
        spawn(turn_away(std::move(socket)));
        return;
    }
    auto accepted = std::make_unique<session>(std::move(socket), environment_, batches_);
    sessions_.push_back(*accepted);
    if (stopping_) { // accepted just before, when there was perhaps no other to wait for
        accepted->stop();
        spawn(force_after_timeout());
    }
    spawn(serve(std::move(accepted), std::move(peer)));
}

asio::awaitable<void> server::serve(std::unique_ptr<session> served, std::string peer)
{
    ++environment_.counters.connections;
    auto const number = ++environment_.counters.accepted;
    observer_.connection_opened(number, peer);
    auto reason = end_reason::failed;
    try {
        reason = co_await served->run();
    } catch (std::exception const& failure) {
        observer_.failed(failure.what());
    }
    --environment_.counters.connections;
    observer_.connection_ended({number, std::move(peer), reason, served->bytes_in(), served->bytes_out()});
    served.reset();
    if (sessions_.empty())
        shutdown_timer_.cancel();
}

asio::awaitable<void> server::turn_away(stream_socket socket)
{
    protocol::output_buffer line;
    protocol::write_error_line(
        {protocol::error_code::limit_reached, "the server has as many connections as it may, which is " +
                                                  std::to_string(environment_.limits.max_connections) +
                                                  "; try again later"},
        line);
    error_code ignored;
    socket.non_blocking(true, ignored);
    socket.write_some(asio::buffer(line.view()), ignored); // a new socket's buffer has room for it
    if (turning_away_ == max_turning_away)
        co_return;
    ++turning_away_;
    co_await close_gently(std::move(socket));
    --turning_away_;
}

/// One timer for all sessions: it wakes for the first of their deadlines, and at least every shortest
/// timeout, since no deadline that is set later comes before that.
asio::awaitable<void> server::watch_deadlines()
{
    auto shortest = session::clock::duration::max();
    for (auto const timeout : {environment_.limits.idle_timeout, environment_.limits.write_timeout})
        if (timeout.count() != 0)
            shortest = std::min<session::clock::duration>(shortest, timeout);
    while (!stopping_ && shortest != session::clock::duration::max()) {
        auto const now = environment_.now();
        auto next = now + shortest;
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

/// Closes shared windows that nobody uses, when they are due. One that is made meanwhile is not due before that.
asio::awaitable<void> server::watch_windows()
{
    auto const expiry = environment_.limits.windows.idle_expiry;
    while (!stopping_ && expiry > 0) {
        environment_.tick();
        auto const now = environment_.time.now();
        auto const rest = std::min(environment_.windows().close_idle(now) - now, expiry);
        auto const pause =
            std::chrono::duration_cast<session::clock::duration>(std::chrono::duration<double>(rest));
        window_timer_.expires_after(std::max<session::clock::duration>(pause, deadline_step));
        auto const waited = co_await window_timer_.async_wait(as_tuple);
        static_cast<void>(waited);
    }
}

asio::awaitable<void> server::force_after_timeout()
{
    if (sessions_.empty())
        co_return; // the last one has ended since, and cannot wake the timer any more
    shutdown_timer_.expires_after(shutdown_timeout_);
    auto const [cancelled] = co_await shutdown_timer_.async_wait(as_tuple);
    if (!cancelled)
        for (auto& one : sessions_)
            one.force();
}

/// What fails in one coroutine is told, and ends that one alone.
void server::spawn(asio::awaitable<void> coroutine)
{
    asio::co_spawn(context_, std::move(coroutine), [this](std::exception_ptr const& exception) {
        if (exception)
            observer_.failed(text_of(exception));
    });
}

} // namespace windowd::net
