// The busy connections, a coroutine each.
#include "busy_load.hpp"

#include "exchange.hpp"
#include "reply_check.hpp"
#include "workload.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <utility>
#include <vector>

namespace windowd::bench {

namespace asio = boost::asio;

busy_load::busy_load(std::uint16_t port, std::string const& server, std::size_t connections, double rate)
    : server_(server)
{
    auto const between = std::chrono::duration_cast<clock::duration>(std::chrono::duration<double>(1 / rate));
    auto const interval = between * static_cast<clock::rep>(connections);
    std::vector<socket> sockets;
    for (std::size_t i = 0; i < connections; ++i)
        sockets.push_back(connect(context_, port));
    auto first = clock::now();
    for (std::size_t i = 0; i < connections; ++i, first += between)
        asio::co_spawn(context_,
                       keep_busy(std::move(sockets[i]), first, interval, server_, static_cast<unsigned>(i)),
                       [this](std::exception_ptr const& failure) {
                           failure_ = failure;
                           context_.stop();
                       });
    thread_ = std::thread([this] { context_.run(); });
}

busy_load::~busy_load()
{
    context_.stop();
    if (thread_.joinable())
        thread_.join();
}

void busy_load::stop()
{
    context_.stop();
    thread_.join();
    if (failure_)
        std::rethrow_exception(failure_);
}

asio::awaitable<void> busy_load::keep_busy(socket through, clock::time_point first, clock::duration interval,
                                           std::string const& server, unsigned seed)
{
    value_source source("integers", seed);
    auto const model = make_model(server);
    asio::steady_timer timer(context_);
    std::string came;
    for (auto turn = first;; turn += interval) {
        timer.expires_at(turn);
        co_await timer.async_wait(asio::use_awaitable);
        auto const work = bare_values(1, source, *model);
        co_await asio::async_write(through, asio::buffer(work.requests), asio::use_awaitable);
        came.clear();
        co_await asio::async_read_until(through, asio::dynamic_buffer(came), '\n', asio::use_awaitable);
        expect_line(work.replies, came);
        ++answered_;
    }
}

} // namespace windowd::bench
