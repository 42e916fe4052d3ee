// Connections of all manners at once.
#include "acceptance/load/manners.hpp"
#include "acceptance/load/rounds.hpp"

#include <array>
#include <numeric>
#include <string_view>

namespace windowd::load {
namespace {

struct manner {
    std::string_view name;
    std::size_t share; // of 1000 connections
    awaitable<void> (*live)(world& run, std::uint64_t number);
};

constexpr std::array<manner, 13> manners{{
    {"follower", 10, follower},
    {"follower that stops", 5, follower_that_stops},
    {"pipeliner", 20, pipeliner},
    {"one at a time", 305, one_at_a_time},
    {"user of operations", 100, user_of_operations},
    {"byte by byte", 100, byte_by_byte},
    {"half-closer", 100, half_closer},
    {"shared writer", 30, shared_writer},
    {"deaf", 60, deaf},
    {"resetter", 90, resetter},
    {"visitor", 100, visitor},
    {"sender of oversized lines", 40, sender_of_oversized_lines},
    {"sender of garbage", 40, sender_of_garbage},
}};
constexpr std::size_t all_shares = 1000;
static_assert(std::accumulate(manners.begin(), manners.end(), std::size_t{0},
                              [](std::size_t sum, manner const& one) { return sum + one.share; }) ==
              all_shares);

// They come in the first tenth of the time, which is still more of a rush than any restart brings.
constexpr double time_to_come = 0.1;

manner const& manner_of(std::size_t i)
{
    // A prime, so that the manners are mixed from the start.
    auto place = i * 389 % all_shares;
    for (auto const& one : manners) {
        if (place < one.share)
            return one;
        place -= one.share;
    }
    return manners.back();
}

awaitable<void> come(world& run)
{
    auto const total = run.chosen().connections;
    auto const began = clock::now();
    for (std::size_t i = 0; i < total; ++i) {
        auto const share = static_cast<double>(i) / static_cast<double>(total);
        auto const due = std::chrono::duration<double>(run.chosen().seconds * time_to_come * share);
        if (clock::now() - began < due)
            co_await run.pause(std::chrono::milliseconds(1));
        auto const& how = manner_of(i);
        run.spawn(how.name, how.live(run, i));
        run.results().count("clients");
    }
}

} // namespace

void mixed_round(world& run)
{
    run.spawn("coming", come(run));
    run.run();
}

} // namespace windowd::load
