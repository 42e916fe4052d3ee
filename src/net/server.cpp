// What the server does with connections from accept to end.
#include "net/server.hpp"

#include "net/as_tuple.hpp"
#include "protocol/conversation.hpp"
#include "protocol/error.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <exception>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>

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

void server::use_tls(std::shared_ptr<tls_context const> settings)
{
    tls_ = std::move(settings);
    settings_changed(); // handshakes have a timeout of their own
}

void server::check_tls(std::string const& address) const
{
    if (tls_ == nullptr)
        throw std::runtime_error("cannot listen on " + address +
                                 ": it needs a --tls-certificate and a --tls-key");
}

void server::listen(listen_address const& address)
{
    auto const encrypted = std::holds_alternative<tls_address>(address);
    if (encrypted)
        check_tls(to_string(address));
    for (auto& acceptor : listen_at(context_, address, remote_allowed_))
        accept_from(std::move(acceptor), ownership::ours, encrypted);
}

void server::adopt(int descriptor, bool encrypted)
{
    if (encrypted)
        check_tls("passed socket " + std::to_string(descriptor));
    accept_from(adopt_listening(context_, descriptor, remote_allowed_), ownership::passed, encrypted);
}

void server::accept_from(stream_acceptor listening, ownership whose, bool encrypted)
{
    auto on_connection = [this, encrypted](stream_socket socket, std::string peer) {
        connected(std::move(socket), std::move(peer), encrypted);
    };
    auto& added = listeners_.emplace_back(std::move(listening), whose, encrypted, observer_, on_connection);
    spawn(added.run());
}

void server::settings_changed()
{
    deadline_timer_.cancel();
    window_timer_.cancel();
}

void server::renew_access()
{
    for (auto& one : sessions_)
        one.renew_access();
    settings_changed(); // where tokens are asked for, there are pauses to end
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

void server::connected(stream_socket socket, std::string peer, bool encrypted)
{
    if (environment_.counters.connections >= environment_.limits.max_connections) {
        ++environment_.counters.turned_away;
        observer_.turned_away(peer);
        if (!encrypted) // a handshake would be too much for what there is too much of
            spawn(turn_away(std::move(socket)));
        return;
    }
    auto accepted = std::make_unique<session>(std::move(socket), std::move(peer), environment_, batches_,
                                              observer_, encrypted ? tls_.get() : nullptr);
    sessions_.push_back(*accepted);
    if (stopping_) { // accepted just before, when there was perhaps no other to wait for
        accepted->stop();
        spawn(force_after_timeout());
    }
    spawn(serve(std::move(accepted)));
}

asio::awaitable<void> server::serve(std::unique_ptr<session> served)
{
    ++environment_.counters.connections;
    auto const number = ++environment_.counters.accepted;
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

session::clock::duration server::shortest_timeout() const noexcept
{
    auto shortest = session::clock::duration::max();
    for (auto const timeout : {environment_.limits.idle_timeout, environment_.limits.write_timeout})
        if (timeout.count() != 0)
            shortest = std::min<session::clock::duration>(shortest, timeout);
    if (tls_ != nullptr)
        shortest = std::min<session::clock::duration>(shortest, session::handshake_timeout);
    if (environment_.access != nullptr)
        shortest = std::min<session::clock::duration>(shortest, session::auth_pause);
    return shortest;
}

/// One timer for all sessions: it wakes for the first of their deadlines, and at least every shortest
/// timeout, since no deadline that is set later comes before that.
asio::awaitable<void> server::watch_deadlines()
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

/// Closes shared windows that nobody uses, when they are due. One that is made meanwhile is not due before that.
asio::awaitable<void> server::watch_windows()
{
    while (!stopping_) {
        auto const expiry = environment_.limits.windows.idle_expiry;
        window_timer_.expires_at(asio::steady_timer::time_point::max());
        if (expiry > 0) {
            environment_.tick();
            auto const now = environment_.time.now();
            auto const rest = std::min(environment_.windows().close_idle(now) - now, expiry);
            auto const pause =
                std::chrono::duration_cast<session::clock::duration>(std::chrono::duration<double>(rest));
            window_timer_.expires_after(std::max<session::clock::duration>(pause, deadline_step));
        }
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
