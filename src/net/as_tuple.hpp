// How the coroutines of this room wait: for a tuple that begins with the error.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace windowd::net {

/// Completion token of an operation that is awaited and tells its error rather than throw it: errors of sockets are
/// ordinary here.
inline constexpr auto as_tuple = boost::asio::as_tuple(boost::asio::use_awaitable);

} // namespace windowd::net
