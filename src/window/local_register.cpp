// What one thread asks of the shared windows, handed on to the store that all have.
#include "window/local_register.hpp"

#include <utility>

namespace windowd::window {

result* local_register::perform(operation const& asked, asker&)
{
    store_.perform(asked, answer_, observer_);
    return &answer_.came;
}

void local_register::forget(asker&) noexcept {} // nobody has to wait

void local_register::configure(register_limits const& limits, window_options defaults) noexcept
{
    store_.configure(limits, std::move(defaults));
}

std::vector<window_state> local_register::list(std::string_view match, std::string_view after,
                                               std::size_t limit, double now)
{
    store_.list(match, after, limit, now, listing_);
    std::vector<window_state> found;
    found.reserve(listing_.size());
    for (auto const& [name, one] : listing_)
        found.push_back({name, one.options.get(), one.count, one.n, one.id});
    return found;
}

window_register::followed local_register::follow(follower& by, std::string_view pattern)
{
    return store_.follow(by, pattern);
}

bool local_register::unfollow(follower& by, std::string_view pattern) noexcept
{
    return store_.unfollow(by, pattern);
}

void local_register::unfollow_all(follower& by) noexcept
{
    store_.unfollow_all(by);
}

std::size_t local_register::count() const noexcept
{
    return store_.count();
}

double local_register::close_idle(double now) noexcept
{
    return store_.close_idle(now);
}

} // namespace windowd::window
