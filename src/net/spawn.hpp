// Starting coroutines whose failures are told.
#pragma once

#include "net/observer.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>
#include <utility>

namespace windowd::net {

/// Starts a coroutine on the context. What fails in it is told, and ends it alone. `events` must outlive it.
inline void spawn(boost::asio::io_context& context, boost::asio::awaitable<void> coroutine, observer& events)
{
    boost::asio::co_spawn(context, std::move(coroutine), [&events](std::exception_ptr const& exception) {
        if (exception)
            events.failed(text_of(exception));
    });
}

} // namespace windowd::net
