// What the server does with connections from accept to end.
#include "net/server.hpp"

#include "net/as_tuple.hpp"
#include "net/spawn.hpp"
#include "protocol/error.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <exception>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <variant>

#include <unistd.h>

namespace windowd::net {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using std::chrono::milliseconds;

// Windows that are due this soon are closed together.
constexpr auto expiry_step = milliseconds(10);

// Clients that were told that there are too many of them, and are being closed gently. What comes on top of
// these is closed at once, and its line may be lost where it has sent something already.
constexpr std::size_t max_turning_away = 64;

std::string words_of(obstacle what, protocol::limits const& limits)
{
    switch (what) {
    case obstacle::server_is_full:
        return "the server has as many connections as it may, which is " +
               std::to_string(limits.max_connections) + "; try again later";
    case obstacle::peer_is_full:
        return "you have as many connections as a peer may, which is " +
               std::to_string(limits.max_connections_per_peer) + "; close one, or try again later";
    case obstacle::peer_is_held_back:
        break;
    }
    return "too many of your requests were refused, more than " +
           std::to_string(limits.max_refused_per_peer) + " a minute; try again later";
}

/// The same connection, for another loop. Throws boost::system::system_error, and it is closed.
stream_socket moved(stream_socket socket, asio::io_context& to)
{
    auto const protocol = socket.local_endpoint().protocol();
    stream_socket there(to);
    auto const descriptor = socket.release();
    error_code failed;
    there.assign(protocol, descriptor, failed);
    if (failed) {
        close(descriptor);
        throw boost::system::system_error(failed);
    }
    return there;
}

} // namespace

/// A thread beyond the first.
class server::worker_thread {
public:
    worker_thread(protocol::environment& first, observer& events, asio::io_context& home,
                  std::function<void()> const& on_rest)
        : environment_(first),
          working_(asio::make_work_guard(context_)),
          worker_(context_, environment_, events, on_rest),
          thread_([this, &events, running = asio::make_work_guard(home)] { run(events); })
    {}
    worker_thread(worker_thread const&) = delete;
    worker_thread& operator=(worker_thread const&) = delete;
    ~worker_thread()
    {
        context_.stop();
        thread_.join();
    }

    protocol::environment& environment() noexcept { return environment_; }
    net::worker& worker() noexcept { return worker_; }

    /// Its loop ends when it has no work any more.
    void let_go() noexcept { working_.reset(); }

private:
    void run(observer& events)
    {
        for (;;) {
            try {
                context_.run();
                return;
            } catch (std::exception const& failure) { // what a handler throws ends no other connection
                events.failed(failure.what());
            }
        }
    }

    protocol::environment environment_; // its own thread's, once that runs
    asio::io_context context_{1};
    asio::executor_work_guard<asio::io_context::executor_type> working_;
    net::worker worker_;
    std::thread thread_; // last: it uses the rest
};

server::server(asio::io_context& context, protocol::environment& environment, observer& events,
               milliseconds shutdown_timeout, std::size_t threads)
    : context_(context),
      environment_(environment),
      observer_(events),
      shutdown_timeout_(shutdown_timeout),
      first_(context, environment, events, [this] { rests(); }),
      working_(threads),
      window_timer_(context)
{
    while (threads_.size() + 1 < threads)
        threads_.emplace_back(environment_, events, context_, [this] { rests(); });
    auto const all = contexts();
    in_all_threads([all](worker& each) {
        auto others = all;
        std::erase(others, &each.context());
        each.know(std::move(others));
    });
    spawn(watch_windows());
}

server::~server() = default;

/// Calls it with each worker, in that one's thread: soon, and before any connection that is accepted later gets there.
template <class Action>
void server::in_all_threads(Action action)
{
    action(first_);
    for (auto& one : threads_)
        asio::post(one.worker().context(), [&one, action]() mutable { action(one.worker()); });
}

std::vector<asio::io_context*> server::contexts()
{
    std::vector<asio::io_context*> all{&context_};
    for (auto& one : threads_)
        all.push_back(&one.worker().context());
    return all;
}

asio::awaitable<void> server::pass_all_threads()
{
    for (auto* const context : contexts())
        co_await asio::post(*context, asio::use_awaitable);
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
    auto on_connection = [this, encrypted](stream_socket socket, peer_id const& who, std::string peer) {
        connected(std::move(socket), who, std::move(peer), encrypted);
    };
    auto& added = listeners_.emplace_back(std::move(listening), whose, encrypted, observer_, on_connection);
    added.start();
}

void server::settings_changed()
{
    protocol::settings const changed(static_cast<protocol::settings const&>(environment_));
    window_timer_.cancel();
    first_.settings_changed();
    for (auto& one : threads_)
        asio::post(one.worker().context(), [&one, changed] {
            one.environment().configure(changed);
            one.worker().settings_changed();
        });
}

void server::renew_access()
{
    in_all_threads([](worker& each) { each.renew_access(); });
}

void server::stop()
{
    if (std::exchange(stopping_, true))
        return;
    window_timer_.cancel();
    for (auto& one : listeners_)
        one.stop();
    in_all_threads([timeout = shutdown_timeout_](worker& each) { each.stop(timeout); });
}

/// Called by each worker in its thread, when it has nothing left to do. Others may have, and pass by its loop: it goes on
/// until none has.
void server::rests() noexcept
{
    if (--working_ == 0)
        for (auto& one : threads_)
            one.let_go();
}

/// Connections in all threads.
std::size_t server::load() noexcept
{
    std::size_t all = *first_.load();
    for (auto& one : threads_)
        all += *one.worker().load();
    return all;
}

worker& server::least_loaded() noexcept
{
    auto* least = &first_;
    for (auto& one : threads_)
        if (*one.worker().load() < *least->load())
            least = &one.worker();
    return *least;
}

/// What is in the way of one more connection, if anything.
std::optional<obstacle> server::obstacle_of(peer_id const& who)
{
    if (load() >= environment_.limits.max_connections)
        return obstacle::server_is_full;
    return peers_->against(who, limits_of_peers(environment_.limits), environment_.now());
}

void server::connected(stream_socket socket, peer_id const& who, std::string peer, bool encrypted)
{
    if (auto const why = obstacle_of(who)) {
        turn_away(std::move(socket), peer, encrypted, *why);
        return;
    }
    auto& chosen = least_loaded();
    auto const is_here = &chosen == &first_;
    arrival accepted{is_here ? std::move(socket) : moved(std::move(socket), chosen.context()),
                     std::move(peer),
                     peers_->take(who, environment_.now()),
                     ++environment_.counters.accepted,
                     encrypted ? tls_ : nullptr,
                     place(chosen.load())};
    if (is_here)
        chosen.serve(std::move(accepted));
    else
        asio::post(chosen.context(), [&chosen, handed_over = std::move(accepted)]() mutable {
            chosen.serve(std::move(handed_over));
        });
}

void server::turn_away(stream_socket socket, std::string const& peer, bool encrypted, obstacle why)
{
    ++environment_.counters.turned_away;
    observer_.turned_away(peer, why);
    if (!encrypted) // a handshake would be too much for what there is too much of
        spawn(say_goodbye(std::move(socket), why));
}

asio::awaitable<void> server::say_goodbye(stream_socket socket, obstacle why)
{
    static constexpr bool never = false; // there is no more to take than a line
    protocol::output_buffer line;
    protocol::write_error_line({protocol::error_code::limit_reached, words_of(why, environment_.limits)},
                               line);
    error_code ignored;
    socket.non_blocking(true, ignored);
    socket.write_some(asio::buffer(line.view()), ignored); // a new socket's buffer has room for it
    if (turning_away_ == max_turning_away)
        co_return;
    ++turning_away_;
    co_await close_gently(std::move(socket), never);
    --turning_away_;
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
            window_timer_.expires_after(std::max<session::clock::duration>(pause, expiry_step));
        }
        auto const waited = co_await window_timer_.async_wait(as_tuple);
        static_cast<void>(waited);
    }
}

void server::spawn(asio::awaitable<void> coroutine)
{
    net::spawn(context_, std::move(coroutine), observer_);
}

} // namespace windowd::net
