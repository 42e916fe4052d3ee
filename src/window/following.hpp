// Who follows which shared windows, and how they are told what happens.
#pragma once

#include "window/window_register.hpp"

#include <boost/multi_index/composite_key.hpp>
#include <boost/multi_index/hashed_index.hpp>
#include <boost/multi_index/key.hpp>
#include <boost/multi_index/ordered_index.hpp>
#include <boost/multi_index_container.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace windowd::window {

/// A pattern of names that someone follows.
struct topic {
    std::string_view pattern;
    std::atomic<std::size_t> windows = 0; ///< whose names match; whoever has the windows counts them
    std::size_t followers = 0;
};

/// Topics and their followers. It knows no windows: each window has the list of the topics that it matches, so that
/// an event costs those who are told, and nothing if there are none.
///
/// Any thread may call matching() and tell() at any time; all else is for one thread at a time. Inside is a lock, which is
/// held while an event is written and delivered, and while no other lock is taken.
class following {
    using topic_map = std::map<std::string, topic, std::less<>>;

public:
    /// `writer` must outlive it. Throws std::bad_alloc.
    explicit following(event_writer& writer) : writer_(writer) {}

    /// How many topics are for more than one name: those that each new window has to be compared with.
    std::size_t count() const noexcept { return patterns_.size(); }
    /// Null if nobody follows that pattern. O(log topics).
    topic* find(std::string_view pattern) noexcept;
    /// The topics that a window of that name matches. O(count()). Throws std::bad_alloc.
    std::vector<topic*> matching(std::string_view name);

    /// Makes the topic, which nobody follows yet. Throws std::bad_alloc.
    topic& make(std::string_view pattern);
    /// To follow it again changes nothing. Throws std::bad_alloc, and then nothing has changed. O(log subscriptions), as
    /// all that follows.
    void follow(follower& by, topic& followed);
    bool follows(follower& by, topic& followed) const noexcept;
    /// Some topic that it follows, or null.
    topic* any_of(follower& by) const noexcept;
    /// It must follow that, and is not told of it any more. A topic that it was the last to follow is still there.
    void unfollow(follower& by, topic& followed) noexcept;
    /// Ends a topic without followers: no more window matches it, and it lives as long as what is returned; no window's
    /// list may have it longer.
    topic_map::node_type take_out(topic& ended) noexcept;

    /// Writes the event once and tells each follower of the topics once. Never fails: where there is no memory to write
    /// it, they are told that.
    void tell(std::vector<topic*> const& topics, event const& happened) noexcept;

private:
    struct subscription {
        follower* by;
        topic* to;
    };
    struct by_follower;
    struct by_topic;
    using subscription_set = boost::multi_index_container<
        subscription,
        boost::multi_index::indexed_by<
            boost::multi_index::ordered_unique<boost::multi_index::tag<by_follower>,
                                               boost::multi_index::key<&subscription::by, &subscription::to>>,
            boost::multi_index::hashed_non_unique<boost::multi_index::tag<by_topic>,
                                                  boost::multi_index::key<&subscription::to>>>>;

    event_text write(event const& happened) noexcept;

    topic_map& map_of(std::string_view pattern) noexcept;

    std::mutex mutex_; // of what is below: for who changes it, and who is not the one thread that may
    event_writer& writer_;
    topic_map names_;    // topics without a star
    topic_map patterns_; // the others
    subscription_set subscriptions_;
    std::uint64_t events_ = 0; // told so far
};

} // namespace windowd::window
