// What the threads of a server have in common: windows, their events, and counters that are added up.
#include "protocol/environment.hpp"

#include "window/local_register.hpp"
#include "window/window_store.hpp"

#include <mutex>
#include <utility>

namespace windowd::protocol {

struct environment_group {
    std::mutex mutex;
    std::vector<environment const*> members;
    event_formatter events;
    std::atomic<std::uint64_t> events_lost{0};
    std::optional<window::window_store> store; // made by who first needs it
};

void counters::add(counters const& other) noexcept
{
    for (auto const which :
         {&counters::connections, &counters::accepted, &counters::turned_away, &counters::held_back,
          &counters::requests, &counters::values, &counters::refused, &counters::bytes_in,
          &counters::bytes_out, &counters::subscriptions, &counters::auth_failed})
        this->*which += other.*which;
    for (std::size_t i = 0; i != refused_with.size(); ++i)
        refused_with[i] += other.refused_with[i];
    resumption_latency.add(other.resumption_latency);
    reply_latency.add(other.reply_latency);
}

environment::environment() : group(std::make_shared<environment_group>()), events(&group->events)
{
    group->members.push_back(this);
}

environment::environment(environment& first)
    : settings(static_cast<settings const&>(first)),
      now(first.now),
      started(first.started),
      started_at(first.started_at),
      group(first.group),
      events(&group->events)
{
    auto const lock = std::scoped_lock(group->mutex);
    group->members.push_back(this);
}

environment::~environment()
{
    auto const lock = std::scoped_lock(group->mutex);
    std::erase(group->members, this);
}

void environment::configure(settings const& changed)
{
    static_cast<settings&>(*this) = changed;
    if (shared != nullptr)
        shared->configure(limits.windows, default_window);
}

counters environment::all_counters() const
{
    protocol::counters all;
    auto const lock = std::scoped_lock(group->mutex);
    for (auto const* const one : group->members)
        all.add(one->counters);
    return all;
}

std::atomic<std::uint64_t>& environment::events_lost() const noexcept
{
    return group->events_lost;
}

window::window_register& environment::windows()
{
    if (shared != nullptr)
        return *shared;
    auto const lock = std::scoped_lock(group->mutex);
    if (!group->store)
        group->store.emplace(limits.windows, default_window, group->events);
    shared = std::make_unique<window::local_register>(*group->store, observer);
    return *shared;
}

} // namespace windowd::protocol
