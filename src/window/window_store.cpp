// The shards of the shared windows, and what takes more than one of them.
#include "window/window_store.hpp"

#include "window/names.hpp"
#include "window/shard.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <functional>
#include <limits>
#include <mutex>
#include <new>
#include <span>
#include <utility>

namespace windowd::window {

// Locks are taken in this order: subscribing_, the lock of one shard, then those inside shard_commons.
class window_store::state {
public:
    state(register_limits const& limits, window_options defaults, event_writer& writer)
        : state(limits, std::move(defaults), writer, std::make_index_sequence<shard_count>())
    {}

    void configure(register_limits const& limits, window_options defaults) noexcept;
    shard& shard_of(std::string_view name) noexcept { return *shards_for_name(name).data(); }
    void list(std::string_view match, std::string_view after, std::size_t limit, double now, listing& into);
    window_register::followed follow(follower& by, std::string_view pattern);
    bool unfollow(follower& by, std::string_view pattern) noexcept;
    void unfollow_all(follower& by) noexcept;
    std::size_t count() const noexcept { return commons_.windows.load(std::memory_order_relaxed); }
    double close_idle(double now) noexcept;

private:
    // Of sixteen threads that each hold a lock half of the time, one finds the lock that it wants taken one time in ten.
    static constexpr std::size_t shard_count = 64;

    template <std::size_t... Index>
    state(register_limits const& limits, window_options defaults, event_writer& writer,
          std::index_sequence<Index...>)
        : max_patterns_(limits.max_patterns),
          expires_(limits.idle_expiry > 0),
          commons_(std::move(defaults), writer),
          shards_{((void)Index, shard(commons_, limits))...}
    {}

    std::span<shard> shards_for_name(std::string_view name) noexcept
    {
        return std::span(shards_).subspan(std::hash<std::string_view>()(name) % shard_count, 1);
    }
    std::span<shard> shards_for(std::string_view pattern) noexcept
    {
        return is_window_name(pattern) ? shards_for_name(pattern) : std::span(shards_);
    }
    void drop(follower& by, topic& dropped) noexcept;
    void end(topic& ended) noexcept;

    std::mutex subscribing_; // for all that makes and ends topics
    std::size_t max_patterns_;
    std::atomic<bool> expires_;
    shard_commons commons_;
    std::array<shard, shard_count> shards_;
};

void window_store::state::configure(register_limits const& limits, window_options defaults) noexcept
{
    std::lock_guard const lock(subscribing_);
    max_patterns_ = limits.max_patterns;
    expires_ = limits.idle_expiry > 0;
    commons_.defaults.set(std::move(defaults));
    for (auto& each : shards_)
        each.configure(limits);
}

void window_store::state::list(std::string_view match, std::string_view after, std::size_t limit, double now,
                               listing& into)
{
    into.clear();
    for (auto& each : shards_for(match))
        each.list(match, after, limit, now, into);
}

window_register::followed window_store::state::follow(follower& by, std::string_view pattern)
{
    std::lock_guard const lock(subscribing_);
    if (auto* const known = commons_.followers.find(pattern)) {
        commons_.followers.follow(by, *known);
        return {true, known->windows};
    }
    if (!is_window_name(pattern) && commons_.followers.count() >= max_patterns_)
        return {false, 0};
    auto& made = commons_.followers.make(pattern);
    try {
        for (auto& each : shards_for(pattern))
            each.add(made);
        commons_.followers.follow(by, made);
    } catch (std::bad_alloc const&) {
        end(made);
        throw;
    }
    return {true, made.windows};
}

bool window_store::state::unfollow(follower& by, std::string_view pattern) noexcept
{
    std::lock_guard const lock(subscribing_);
    auto* const known = commons_.followers.find(pattern);
    if (known == nullptr || !commons_.followers.follows(by, *known))
        return false;
    drop(by, *known);
    return true;
}

void window_store::state::unfollow_all(follower& by) noexcept
{
    std::lock_guard const lock(subscribing_);
    while (auto* const one = commons_.followers.any_of(by))
        drop(by, *one);
}

void window_store::state::drop(follower& by, topic& dropped) noexcept
{
    commons_.followers.unfollow(by, dropped);
    if (dropped.followers == 0)
        end(dropped);
}

void window_store::state::end(topic& ended) noexcept
{
    auto const taken_out = commons_.followers.take_out(ended);
    for (auto& each : shards_for(ended.pattern))
        each.remove(ended);
}

double window_store::state::close_idle(double now) noexcept
{
    auto due = std::numeric_limits<double>::infinity();
    if (expires_.load(std::memory_order_relaxed)) {
        for (auto& each : shards_)
            due = std::min(due, each.close_idle(now));
    }
    return due;
}

// The store

window_store::window_store(register_limits const& limits, window_options defaults, event_writer& writer)
    : state_(std::make_unique<state>(limits, std::move(defaults), writer))
{}

window_store::~window_store() = default;

void window_store::perform(operation const& asked, answer& into, step_observer* observer) noexcept
{
    state_->shard_of(asked.window).perform(asked, into, observer);
}

void window_store::configure(register_limits const& limits, window_options defaults) noexcept
{
    state_->configure(limits, std::move(defaults));
}

void window_store::list(std::string_view match, std::string_view after, std::size_t limit, double now,
                        listing& into)
{
    state_->list(match, after, limit, now, into);
}

window_register::followed window_store::follow(follower& by, std::string_view pattern)
{
    return state_->follow(by, pattern);
}

bool window_store::unfollow(follower& by, std::string_view pattern) noexcept
{
    return state_->unfollow(by, pattern);
}

void window_store::unfollow_all(follower& by) noexcept
{
    state_->unfollow_all(by);
}

std::size_t window_store::count() const noexcept
{
    return state_->count();
}

double window_store::close_idle(double now) noexcept
{
    return state_->close_idle(now);
}

} // namespace windowd::window
