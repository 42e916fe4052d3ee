// Subscriptions, and the telling of events.
#include "window/following.hpp"

#include "window/names.hpp"

#include <cassert>
#include <new>
#include <tuple>
#include <utility>

namespace windowd::window {

following::topic_map& following::map_of(std::string_view pattern) noexcept
{
    return is_window_name(pattern) ? names_ : patterns_;
}

topic* following::find(std::string_view pattern) noexcept
{
    auto& map = map_of(pattern);
    auto const found = map.find(pattern);
    return found == map.end() ? nullptr : &found->second;
}

std::vector<topic*> following::matching(std::string_view name)
{
    std::lock_guard const lock(mutex_);
    std::vector<topic*> found;
    if (auto const named = names_.find(name); named != names_.end())
        found.push_back(&named->second);
    for (auto& [pattern, one] : patterns_) {
        if (matches(pattern, name))
            found.push_back(&one);
    }
    return found;
}

topic& following::make(std::string_view pattern)
{
    auto name = std::string(pattern);
    std::lock_guard const lock(mutex_);
    auto& [key, made] = *map_of(pattern).try_emplace(std::move(name)).first;
    made.pattern = key;
    return made;
}

void following::follow(follower& by, topic& followed)
{
    std::lock_guard const lock(mutex_);
    if (any_of(by) == nullptr)
        by.last_event_ = 0; // it may have followed another register's windows
    if (subscriptions_.insert({&by, &followed}).second)
        ++followed.followers;
}

bool following::follows(follower& by, topic& followed) const noexcept
{
    auto const& sorted = subscriptions_.get<by_follower>();
    return sorted.find(std::tuple(&by, &followed)) != sorted.end();
}

topic* following::any_of(follower& by) const noexcept
{
    auto const& sorted = subscriptions_.get<by_follower>();
    auto const found = sorted.lower_bound(std::tuple(&by));
    return found != sorted.end() && found->by == &by ? found->to : nullptr;
}

void following::unfollow(follower& by, topic& followed) noexcept
{
    assert(follows(by, followed));
    std::lock_guard const lock(mutex_);
    auto& sorted = subscriptions_.get<by_follower>();
    sorted.erase(sorted.find(std::tuple(&by, &followed)));
    --followed.followers;
}

following::topic_map::node_type following::take_out(topic& ended) noexcept
{
    assert(ended.followers == 0);
    std::lock_guard const lock(mutex_);
    auto& map = map_of(ended.pattern);
    return map.extract(map.find(ended.pattern));
}

void following::tell(std::vector<topic*> const& topics, event const& happened) noexcept
{
    std::lock_guard const lock(mutex_);
    ++events_;
    auto const text = write(happened);
    for (auto* const one : topics) {
        auto const [begin, end] = subscriptions_.get<by_topic>().equal_range(one);
        for (auto each = begin; each != end; ++each) {
            if (each->by->last_event_ == events_)
                continue;
            each->by->last_event_ = events_;
            each->by->deliver(text);
        }
    }
}

event_text following::write(event const& happened) noexcept
{
    try {
        return writer_.write(happened);
    } catch (std::bad_alloc const&) {
        return nullptr;
    }
}

} // namespace windowd::window
