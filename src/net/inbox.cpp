// Waking sessions in their own thread.
#include "net/inbox.hpp"

#include <boost/asio/post.hpp>

#include <new>

namespace windowd::net {

void inbox::put(member& one) noexcept
{
    auto const lock = std::scoped_lock(mutex_);
    if (!one.is_linked())
        members_.push_back(one);
    if (is_posted_)
        return;
    try {
        boost::asio::post(loop_, [this] { wake_all(); });
        is_posted_ = true;
    } catch (std::bad_alloc const&) { // NOLINT(bugprone-empty-catch): whoever is put in next tries again
    }
}

void inbox::take_out(member& one) noexcept
{
    auto const lock = std::scoped_lock(mutex_);
    members_.erase(members_.iterator_to(one));
}

void inbox::wake_all() noexcept
{
    while (auto* const one = take_one())
        one->woken();
}

/// Null at the end; from then on who is put in posts anew.
inbox::member* inbox::take_one() noexcept
{
    auto const lock = std::scoped_lock(mutex_);
    is_posted_ = !members_.empty();
    if (members_.empty())
        return nullptr;
    auto& first = members_.front();
    members_.pop_front();
    return &first;
}

} // namespace windowd::net
