// The bare echo server.
#include "yardsticks.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <vector>

namespace windowd::bench {

namespace asio = boost::asio;

asio::awaitable<void> serve_echo(asio::ip::tcp::socket socket)
{
    std::vector<char> bytes(yardstick_buffer);
    for (;;) {
        auto const size = co_await socket.async_read_some(asio::buffer(bytes), asio::use_awaitable);
        co_await asio::async_write(socket, asio::buffer(bytes, size), asio::use_awaitable);
    }
}

} // namespace windowd::bench
