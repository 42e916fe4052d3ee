// Some of the shared windows, and what each operation does to them.
#pragma once

#include "window/answer.hpp"
#include "window/clock.hpp"
#include "window/following.hpp"
#include "window/share.hpp"
#include "window/window_store.hpp"

#include <boost/multi_index/hashed_index.hpp>
#include <boost/multi_index/key.hpp>
#include <boost/multi_index/ordered_index.hpp>
#include <boost/multi_index/sequenced_index.hpp>
#include <boost/multi_index_container.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace windowd::window {

/// What windows are made with where nothing else is said. Windows that are made alike share one copy of it. Any thread
/// may use it.
class default_options {
public:
    explicit default_options(window_options options) noexcept : options_(std::move(options)) {}

    void set(window_options options) noexcept;
    /// Throws std::bad_alloc.
    std::shared_ptr<window_options const> get();

private:
    std::mutex mutex_;
    window_options options_;
    std::shared_ptr<window_options const> copy_; // made when it is first asked for, since set() must not fail
};

/// What all shards have in common.
struct shard_commons {
    shard_commons(window_options options, event_writer& writer)
        : defaults(std::move(options)),
          followers(writer)
    {}

    std::atomic<std::size_t> windows = 0;
    std::atomic<std::size_t> dumped = 0; ///< values that dumps hold
    std::atomic<std::uint64_t> last_id = 0;
    default_options defaults;
    following followers;
};

/// A lock, and the windows that it guards. Any thread may use it; a follower is told what happens while the lock is held.
class alignas(64) shard { // a cache line: no thread waits for what another writes to the next one
public:
    /// `commons` must outlive it.
    shard(shard_commons& commons, register_limits const& limits) : commons_(commons), limits_(limits) {}
    shard(shard const&) = delete;
    shard& operator=(shard const&) = delete;
    ~shard() = default;

    void configure(register_limits const& limits) noexcept;
    /// Of a window whose name belongs here.
    // NOLINTNEXTLINE(bugprone-exception-escape): a lack of memory is all that is thrown
    void perform(operation const& asked, answer& into, step_observer* observer) noexcept;
    /// Adds those that match and come after `after` to the list, which keeps the first of all, one more than the limit.
    /// Throws std::bad_alloc.
    void list(std::string_view match, std::string_view after, std::size_t limit, double now, listing& into);
    /// Windows that match a new topic have it from now on; those that are made meanwhile may have it already. Throws
    /// std::bad_alloc, and then some have it.
    void add(topic& made);
    /// No window has the topic any more.
    void remove(topic& ended) noexcept;
    double close_idle(double now) noexcept;

private:
    struct shared_window {
        std::string name;
        std::uint64_t id;
        std::shared_ptr<window_options const> options;
        service running;
        std::uint64_t n;
        double last_use;
        std::vector<topic*> topics; // that match the name
        share counted;              // among all windows

        std::string_view key() const noexcept { return name; }
    };

    struct by_name;
    struct in_name_order;
    struct in_order_of_use;
    /// Windows stay where they are until they are closed. Those at the front have been unused for longest.
    using window_set = boost::multi_index_container<
        shared_window, boost::multi_index::indexed_by<
                           boost::multi_index::hashed_unique<boost::multi_index::tag<by_name>,
                                                             boost::multi_index::key<&shared_window::key>,
                                                             std::hash<std::string_view>>,
                           boost::multi_index::ordered_unique<boost::multi_index::tag<in_name_order>,
                                                              boost::multi_index::key<&shared_window::key>>,
                           boost::multi_index::sequenced<boost::multi_index::tag<in_order_of_use>>>>;

    /// An operation under way, under the lock.
    struct task {
        operation const& asked;
        answer& into;
        step_observer* observer;

        void refuse(failure why) const noexcept { into.refuse(why); }
        void refuse_missing() const noexcept;
    };
    void perform(task const& on, open_window const& what);
    void perform(task const& on, send_values const& what);
    void perform(task const& on, next_yield const& what);
    void perform(task const& on, dump_window const& what);
    void perform(task const& on, empty_window const& what);
    void perform(task const& on, read_window const& what);
    void perform(task const& on, close_window const& what);

    void join(task const& on, shared_window& there, open_window const& what);
    void send_to_new(task const& on, std::span<sent const> values);
    bool is_too_much(std::span<sent const> values, window_options const& options) const noexcept;
    void take(task const& on, shared_window& window, std::span<sent const> values);
    void tell_taken(task const& on, shared_window const& window, std::span<sent const> values) noexcept;
    template <class Resume>
    shared_window* resume(task const& on, Resume resume);
    std::shared_ptr<window_options const> options_for(window_terms const& terms);

    static shared_window& writable(shared_window const& in_set) noexcept;
    shared_window* find(operation const& asked) noexcept;
    shared_window make(task const& on, std::shared_ptr<window_options const> options,
                       std::span<double const> data);
    shared_window& enter(shared_window&& made, share counted);
    void touch(shared_window& used) noexcept;
    void close(shared_window& ended) noexcept;
    double close_due(double now) noexcept;
    void tell(shared_window const& window, event const& happened) noexcept;
    template <class Visit>
    void visit_matches(std::string_view pattern, std::string_view after, Visit visit);

    std::mutex mutex_;
    shard_commons& commons_;
    register_limits limits_;
    clock clock_;
    window_set windows_;
};

} // namespace windowd::window
