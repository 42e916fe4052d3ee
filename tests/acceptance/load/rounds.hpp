// The runs that this program can do.
#pragma once

#include "acceptance/load/world.hpp"

namespace windowd::load {

/// Connections of all manners, for so many seconds.
void mixed_round(world& run);

/// Connections that pipeline numbered requests at full speed, until the daemon ends: after so many seconds it gets
/// SIGTERM. What its kernel had by then is to be answered, and then comes a clean end.
void shutdown_round(world& run);

/// Clients that come, ask and go, until standard input ends, while daemons follow each other behind listening sockets
/// that stay. Nobody is refused. A connection that ends without a reply is told with its times, in nanoseconds of the
/// monotonic clock: when it was being opened, and when the kernel of the other side had its request. Through the
/// deferred port there are none such, since a daemon gets a connection there together with its request.
void restart_round(world& run);

} // namespace windowd::load
