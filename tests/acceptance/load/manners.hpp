// The ways in which clients behave. Each function is the life of one connection.
#pragma once

#include "acceptance/load/world.hpp"

#include <cstdint>

namespace windowd::load {

/// Of well-behaved clients, which check every reply and take its time. `number` is another for each connection.
awaitable<void> pipeliner(world& run, std::uint64_t number);
awaitable<void> one_at_a_time(world& run, std::uint64_t number);
awaitable<void> user_of_operations(world& run, std::uint64_t number);
awaitable<void> byte_by_byte(world& run, std::uint64_t number);
awaitable<void> half_closer(world& run, std::uint64_t number);

/// Of those that do what nobody should. Where they are owed replies, they check them.
awaitable<void> deaf(world& run, std::uint64_t number);
awaitable<void> resetter(world& run, std::uint64_t number);
awaitable<void> visitor(world& run, std::uint64_t number);
awaitable<void> sender_of_oversized_lines(world& run, std::uint64_t number);
awaitable<void> sender_of_garbage(world& run, std::uint64_t number);

/// Of those that share windows: who follows one finds its events in order, whoever writes. The one that stops reads
/// nothing for half of the run, and has to be told exactly how much it lost.
awaitable<void> shared_writer(world& run, std::uint64_t number);
awaitable<void> follower(world& run, std::uint64_t number);
awaitable<void> follower_that_stops(world& run, std::uint64_t number);

} // namespace windowd::load
