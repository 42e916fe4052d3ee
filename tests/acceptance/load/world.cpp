// Starting clients, and watching that none waits for ever.
#include "acceptance/load/world.hpp"

#include "acceptance/load/connection.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <exception>
#include <utility>

namespace windowd::load {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;

clock::duration seconds(double count)
{
    return std::chrono::duration_cast<clock::duration>(std::chrono::duration<double>(count));
}

} // namespace

struct world::watched {
    boost::intrusive::list<connection, boost::intrusive::constant_time_size<false>> connections;
};

world::world(settings const& chosen)
    : settings_(chosen),
      ends_(clock::now() + seconds(chosen.seconds)),
      watched_(std::make_unique<watched>())
{}

world::~world() = default;

awaitable<void> world::pause(clock::duration length)
{
    asio::steady_timer timer(context_, length);
    co_await timer.async_wait(asio::use_awaitable);
}

void world::spawn(std::string_view who, awaitable<void> client)
{
    ++running_;
    asio::co_spawn(context_, std::move(client), [this, who](std::exception_ptr const& thrown) {
        --running_;
        try {
            if (thrown)
                std::rethrow_exception(thrown);
        } catch (std::exception const& why) {
            report_.fail(who, why.what());
        }
    });
}

void world::watch(connection& one)
{
    watched_->connections.push_back(one);
}

awaitable<void> world::watch_patience()
{
    while (running_ != 0) {
        co_await pause(milliseconds(100));
        for (auto& one : watched_->connections)
            one.look_at_the_time();
    }
}

awaitable<void> world::watch_lag()
{
    while (running_ != 0) {
        auto const due = clock::now() + milliseconds(10);
        co_await pause(milliseconds(10));
        report_.own_lag.add(clock::now() - due);
    }
}

void world::run()
{
    asio::co_spawn(context_, watch_patience(), asio::detached);
    asio::co_spawn(context_, watch_lag(), asio::detached);
    context_.run();
}

} // namespace windowd::load
