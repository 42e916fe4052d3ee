// Connections that are busy while something else is measured.
#pragma once

#include "server_model.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>
#include <thread>

namespace windowd::bench {

/// Connections that each send a value, await the reply and check it, and so on, in a thread of their own. Each has its
/// turn at equal intervals, one behind the other, so that all together send at a rate; who is late catches up.
class busy_load {
public:
    using clock = std::chrono::steady_clock;

    /// `rate`: requests a second of all `connections` together. `server`: see make_model. Throws what connect() does.
    busy_load(std::uint16_t port, std::string const& server, std::size_t connections, double rate);
    busy_load(busy_load const&) = delete;
    busy_load& operator=(busy_load const&) = delete;
    ~busy_load();

    /// How many replies have come so far, all of them as they should be.
    std::uint64_t answered() const noexcept { return answered_; }

    /// Ends it. Throws what went wrong meanwhile, if anything did.
    void stop();

private:
    boost::asio::awaitable<void> keep_busy(boost::asio::ip::tcp::socket through, clock::time_point first,
                                           clock::duration interval, std::string const& server,
                                           unsigned seed);

    std::atomic<std::uint64_t> answered_ = 0;
    std::exception_ptr failure_;
    std::string server_;
    boost::asio::io_context context_{1};
    std::thread thread_;
};

} // namespace windowd::bench
