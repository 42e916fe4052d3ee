// The shared windows of this process, and what each operation does to them.
#include "window/local_register.hpp"

#include "window/clock.hpp"
#include "window/following.hpp"
#include "window/names.hpp"

#include <boost/multi_index/hashed_index.hpp>
#include <boost/multi_index/key.hpp>
#include <boost/multi_index/ordered_index.hpp>
#include <boost/multi_index/sequenced_index.hpp>
#include <boost/multi_index_container.hpp>

#include <algorithm>
#include <cassert>
#include <functional>
#include <limits>
#include <new>
#include <string>
#include <utility>
#include <variant>

namespace windowd::window {
namespace {

// Yields, or readings, for which memory is kept from one operation to the next: 640 KiB.
constexpr std::size_t kept_yields = 16'384;

bool is_taken(sent const& what, yielded const& answer) noexcept
{
    return what.what() != sent::kind::nothing && answer.refused == refusal::none;
}

struct shared_window {
    std::string name;
    std::uint64_t id;
    window_options options;
    service running;
    std::uint64_t n;
    double last_use;
    std::vector<topic*> topics; // that match the name

    std::string_view key() const noexcept { return name; }
};

namespace index = boost::multi_index;
struct by_name;
struct in_name_order;
struct in_order_of_use;

/// Windows stay where they are until they are closed. Those at the front have been unused for longest.
using window_set = index::multi_index_container<
    shared_window,
    index::indexed_by<index::hashed_unique<index::tag<by_name>, index::key<&shared_window::key>,
                                           std::hash<std::string_view>>,
                      index::ordered_unique<index::tag<in_name_order>, index::key<&shared_window::key>>,
                      index::sequenced<index::tag<in_order_of_use>>>>;

/// The set has const elements for the sake of their keys, which nothing here changes.
shared_window& writable(shared_window const& in_set) noexcept
{
    return const_cast<shared_window&>(in_set);
}

void end(service& ended) noexcept
{
    try {
        ended.close();
    } catch (nanoservice::generator_error const&) {
        assert(false); // a generator may refuse to end; a window's service does not
    }
}

/// What a window's service yields in one operation: copies, since it has its own readings only until it is resumed.
class yield_list {
public:
    /// Takes the memory for so many yields, so that push_back() cannot fail. Throws std::bad_alloc.
    void prepare(std::size_t count, window_options const& options)
    {
        yields_.reserve(count);
        if (options.stats.size() > 1)
            readings_.reserve(count * options.stats.size());
    }

    yielded const& push_back(yielded const& answer) noexcept
    {
        auto& kept = yields_.emplace_back(answer);
        auto const copied = readings_.insert(readings_.end(), answer.readings.begin(), answer.readings.end());
        kept.readings = {copied, readings_.end()};
        return kept;
    }

    void clear() noexcept
    {
        release_or_clear(yields_);
        release_or_clear(readings_);
    }

    std::span<yielded const> all() const noexcept { return yields_; }

private:
    template <class T>
    static void release_or_clear(std::vector<T>& list) noexcept
    {
        list.clear();
        if (list.capacity() > kept_yields)
            std::vector<T>().swap(list);
    }

    std::vector<yielded> yields_;
    std::vector<reading> readings_;
};

} // namespace

class local_register::state {
public:
    state(register_limits const& limits, window_options defaults, event_writer& writer,
          step_observer* observer)
        : limits_(limits),
          defaults_(std::move(defaults)),
          observer_(observer),
          following_(writer)
    {}

    result* perform(operation const& asked);
    std::vector<window_state> list(std::string_view match, std::string_view after, std::size_t limit,
                                   double now);
    followed follow(follower& by, std::string_view pattern);
    bool unfollow(follower& by, std::string_view pattern) noexcept;
    void unfollow_all(follower& by) noexcept;
    void configure(register_limits const& limits, window_options defaults) noexcept
    {
        limits_ = limits;
        defaults_ = std::move(defaults);
    }
    std::size_t count() const noexcept { return windows_.size(); }
    double close_idle(double now) noexcept;

private:
    void perform(operation const& asked, open_window const& what);
    void perform(operation const& asked, send_values const& what);
    void perform(operation const& asked, next_yield const& what);
    void perform(operation const& asked, dump_window const& what);
    void perform(operation const& asked, empty_window const& what);
    void perform(operation const& asked, read_window const& what);
    void perform(operation const& asked, close_window const& what);

    shared_window* find(operation const& asked) noexcept;
    void refuse(failure why) noexcept { result_.why = why; }
    void refuse_missing(operation const& asked) noexcept;
    void join(shared_window& there, open_window const& what);
    void send_to_new(std::string_view name, std::span<sent const> values);
    bool is_too_much(std::span<sent const> values, window_options const& options) const noexcept
    {
        return values.size() > limits_.max_readings / options.stats.size();
    }
    void take(shared_window& window, std::span<sent const> values);
    void tell_taken(shared_window const& window, std::span<sent const> values) noexcept;
    template <class Resume>
    shared_window* resume(operation const& asked, Resume resume);

    shared_window make(std::string_view name, window_options const& options, std::span<double const> data);
    shared_window& enter(shared_window&& made);
    void touch(shared_window& used) noexcept;
    void close(shared_window& ended) noexcept;
    window_state state_of(shared_window& window);
    void drop(follower& by, topic& dropped) noexcept;
    template <class Visit>
    void visit_matches(std::string_view pattern, std::string_view after, Visit visit);

    register_limits limits_;
    window_options defaults_;
    step_observer* observer_;
    clock clock_;
    following following_;
    window_set windows_;
    std::uint64_t last_id_ = 0;
    std::size_t dumped_ = 0; // values that dumps hold
    yield_list yields_;
    window_options wanted_; // by who has to be told that they cannot be
    result result_;
};

result* local_register::state::perform(operation const& asked)
{
    close_idle(asked.now);
    yields_.clear();
    result_ = {};
    try {
        std::visit([&](auto const& what) { perform(asked, what); }, asked.what);
    } catch (std::bad_alloc const&) {
        result_ = {};
        refuse(failure::out_of_memory);
    }
    return &result_;
}

/// Null if it is not there (any more).
shared_window* local_register::state::find(operation const& asked) noexcept
{
    auto const& names = windows_.get<by_name>();
    auto const found = names.find(asked.window);
    if (found == names.end() || (asked.id != 0 && asked.id != found->id))
        return nullptr;
    return &writable(*found);
}

void local_register::state::refuse_missing(operation const& asked) noexcept
{
    refuse(asked.id != 0 ? failure::closed : failure::no_such_window);
}

// Operations

void local_register::state::perform(operation const& asked, open_window const& what)
{
    if (auto* const there = find(asked))
        return join(*there, what);
    if (asked.id != 0)
        return refuse_missing(asked);
    if (windows_.size() >= limits_.max_windows)
        return refuse(failure::limit_reached);
    wanted_ = complete(what.terms, defaults_, limits_.max_window_size);
    if (wanted_.min_count > wanted_.size) {
        result_.window.options = &wanted_;
        return refuse(failure::min_count_too_large);
    }
    auto& made = enter(make(asked.window, wanted_, what.data));
    result_.created = true;
    result_.taken = what.data.size();
    result_.window = state_of(made);
    following_.tell(made.topics, {event::kind::open, made.name, made.n});
}

void local_register::state::join(shared_window& there, open_window const& what)
{
    if (!what.data.empty() || contradicts(what.terms, there.options)) {
        result_.window.options = &there.options;
        return refuse(failure::mismatch);
    }
    touch(there);
    result_.window = state_of(there);
}

void local_register::state::perform(operation const& asked, send_values const& what)
{
    auto* const window = find(asked);
    if (window == nullptr)
        return asked.id != 0 ? refuse_missing(asked) : send_to_new(asked.window, what.values);
    if (is_too_much(what.values, window->options))
        return refuse(failure::readings_limit);
    take(*window, what.values);
    touch(*window);
    tell_taken(*window, what.values);
}

void local_register::state::send_to_new(std::string_view name, std::span<sent const> values)
{
    if (is_too_much(values, defaults_))
        return refuse(failure::readings_limit);
    // Aside, since a request that is refused changes nothing.
    auto made = make(name, defaults_, {});
    take(made, values);
    auto const is_refused = [](yielded const& one) { return one.refused != refusal::none; };
    if (made.n == 0 && std::ranges::any_of(result_.yields, is_refused))
        return;
    if (windows_.size() >= limits_.max_windows) {
        result_ = {};
        return refuse(failure::limit_reached);
    }
    auto const& entered = enter(std::move(made));
    result_.created = true;
    following_.tell(entered.topics, {event::kind::open, entered.name, 0});
    tell_taken(entered, values);
}

/// Throws std::bad_alloc, and then none has been taken.
void local_register::state::take(shared_window& window, std::span<sent const> values)
{
    yields_.prepare(values.size(), window.options);
    for (auto const& value : values) {
        auto const& answer = yields_.push_back(*window.running.send(value));
        result_.taken += is_taken(value, answer) ? 1 : 0;
    }
    window.n += result_.taken;
    result_.yields = yields_.all();
}

/// Each of the values that were taken, the last changes of the window.
void local_register::state::tell_taken(shared_window const& window, std::span<sent const> values) noexcept
{
    if (window.topics.empty())
        return;
    auto n = window.n - result_.taken;
    for (std::size_t i = 0; i < values.size(); ++i) {
        auto const& answer = result_.yields[i];
        if (is_taken(values[i], answer))
            following_.tell(window.topics,
                            {event::kind::yield, window.name, ++n, values[i].value(), &answer});
    }
}

/// For an operation that yields once, and fails only before. Null where the window is not there.
template <class Resume>
shared_window* local_register::state::resume(operation const& asked, Resume resume)
{
    auto* const window = find(asked);
    if (window == nullptr) {
        refuse_missing(asked);
        return nullptr;
    }
    yields_.prepare(1, window->options);
    yields_.push_back(*resume(window->running));
    result_.yields = yields_.all();
    touch(*window);
    return window;
}

void local_register::state::perform(operation const& asked, next_yield const&)
{
    resume(asked, [](service& resumed) { return resumed.next(); });
}

void local_register::state::perform(operation const& asked, read_window const&)
{
    resume(asked, [](service& resumed) { return resumed.throw_(read_statistics()); });
}

void local_register::state::perform(operation const& asked, empty_window const&)
{
    auto* const emptied = resume(asked, [](service& resumed) { return resumed.throw_(clear_window()); });
    if (emptied != nullptr)
        following_.tell(emptied->topics, {event::kind::clear, emptied->name, ++emptied->n});
}

void local_register::state::perform(operation const& asked, dump_window const&)
{
    auto* const window = find(asked);
    if (window == nullptr)
        return refuse_missing(asked);
    auto const count = state_of(*window).count;
    if (count > limits_.small_dump && dumped_ != 0 && dumped_ + count > limits_.max_dumped)
        return refuse(failure::dumps_limit);
    std::vector<double> values;
    values.reserve(count);
    if (window->running.throw_(dump_data())->refused != refusal::none)
        return refuse(failure::out_of_memory);
    for (std::size_t i = 0; i < count; ++i)
        values.push_back(window->running.next()->number.value());
    result_.dumped = dumped_values(std::move(values), dumped_);
    touch(*window);
}

void local_register::state::perform(operation const& asked, close_window const&)
{
    auto* const window = find(asked);
    if (window == nullptr)
        return refuse_missing(asked);
    close(*window);
}

// Windows

/// A window that is not in the set yet.
shared_window local_register::state::make(std::string_view name, window_options const& options,
                                          std::span<double const> data)
{
    sliding_window window(options);
    for (auto const value : data)
        window.push(value, clock_.now());
    auto started = start_service(std::move(window), clock_, observer_);
    return {std::string(name), 0, options, std::move(started), data.size(), 0, {}};
}

/// Throws std::bad_alloc, and then nothing has changed.
shared_window& local_register::state::enter(shared_window&& made)
{
    made.id = last_id_ + 1;
    made.last_use = clock_.now();
    made.topics = following_.matching(made.name);
    auto& entered = writable(*windows_.insert(std::move(made)).first);
    ++last_id_;
    for (auto* const matched : entered.topics)
        ++matched->windows;
    return entered;
}

void local_register::state::touch(shared_window& used) noexcept
{
    if (limits_.idle_expiry <= 0)
        return;
    used.last_use = clock_.now();
    auto& in_order = windows_.get<in_order_of_use>();
    in_order.relocate(in_order.end(), in_order.iterator_to(used));
}

void local_register::state::close(shared_window& ended) noexcept
{
    end(ended.running);
    for (auto* const matched : ended.topics)
        --matched->windows;
    // Out of the set before its end is told, and there until then.
    auto const taken_out = windows_.extract(windows_.iterator_to(ended));
    following_.tell(ended.topics, {event::kind::close, ended.name, ended.n + 1});
}

window_state local_register::state::state_of(shared_window& window)
{
    auto const count = window.running.throw_(count_values())->number.value();
    return {window.name, &window.options, static_cast<std::size_t>(count), window.n, window.id};
}

/// Every operation and every list begins with this.
double local_register::state::close_idle(double now) noexcept
{
    assert(!following_.is_telling());
    clock_.advance_to(now);
    auto const& in_order = windows_.get<in_order_of_use>();
    while (limits_.idle_expiry > 0 && !in_order.empty()) {
        auto const due = in_order.front().last_use + limits_.idle_expiry;
        if (due > clock_.now())
            return due;
        close(writable(in_order.front()));
    }
    return std::numeric_limits<double>::infinity();
}

/// Calls `visit` with the windows whose names match, in name order, from the first that comes after `after`, until it
/// returns false. O(log windows), and constant time for each that begins as the pattern does.
template <class Visit>
void local_register::state::visit_matches(std::string_view pattern, std::string_view after, Visit visit)
{
    auto const beginning = pattern.substr(0, pattern.find('*'));
    auto const is_name = beginning.size() == pattern.size();
    auto const& names = windows_.get<in_name_order>();
    auto at = beginning > after ? names.lower_bound(beginning) : names.upper_bound(after);
    for (; at != names.end() && at->key().starts_with(beginning); ++at) {
        if (matches(pattern, at->name) && !visit(writable(*at)))
            return;
        if (is_name)
            return;
    }
}

std::vector<window_state> local_register::state::list(std::string_view match, std::string_view after,
                                                      std::size_t limit, double now)
{
    close_idle(now);
    std::vector<window_state> found;
    visit_matches(match, after, [&](shared_window& window) {
        found.push_back(state_of(window));
        return found.size() <= limit;
    });
    return found;
}

// Followers

window_register::followed local_register::state::follow(follower& by, std::string_view pattern)
{
    assert(!following_.is_telling());
    if (following_.find(pattern) != nullptr)
        return {true, following_.follow(by, pattern).windows};
    if (!is_window_name(pattern) && following_.count() >= limits_.max_patterns)
        return {false, 0};
    std::size_t count = 0;
    visit_matches(pattern, "", [&](shared_window& window) {
        if (window.topics.size() == window.topics.capacity())
            window.topics.reserve(2 * window.topics.size() + 1);
        ++count;
        return true;
    });
    auto& made = following_.follow(by, pattern);
    made.windows = count;
    visit_matches(pattern, "", [&](shared_window& window) {
        window.topics.push_back(&made); // there is room
        return true;
    });
    return {true, count};
}

bool local_register::state::unfollow(follower& by, std::string_view pattern) noexcept
{
    assert(!following_.is_telling());
    auto* const known = following_.find(pattern);
    if (known == nullptr || !following_.follows(by, *known))
        return false;
    drop(by, *known);
    return true;
}

void local_register::state::unfollow_all(follower& by) noexcept
{
    assert(!following_.is_telling());
    while (auto* const one = following_.any_of(by))
        drop(by, *one);
}

void local_register::state::drop(follower& by, topic& dropped) noexcept
{
    following_.unfollow(by, dropped);
    if (dropped.followers != 0)
        return;
    visit_matches(dropped.pattern, "", [&](shared_window& window) {
        std::erase(window.topics, &dropped);
        if (window.topics.empty())
            std::vector<topic*>().swap(window.topics); // an assignment would keep the memory
        return true;
    });
    following_.end(dropped);
}

// The register

local_register::local_register(register_limits const& limits, window_options defaults, event_writer& writer,
                               step_observer* observer)
    : state_(std::make_unique<state>(limits, std::move(defaults), writer, observer))
{}

local_register::~local_register() = default;

result* local_register::perform(operation const& asked, asker&)
{
    return state_->perform(asked);
}

void local_register::forget(asker&) noexcept {} // nobody has to wait

void local_register::configure(register_limits const& limits, window_options defaults) noexcept
{
    state_->configure(limits, std::move(defaults));
}

std::vector<window_state> local_register::list(std::string_view match, std::string_view after,
                                               std::size_t limit, double now)
{
    return state_->list(match, after, limit, now);
}

window_register::followed local_register::follow(follower& by, std::string_view pattern)
{
    return state_->follow(by, pattern);
}

bool local_register::unfollow(follower& by, std::string_view pattern) noexcept
{
    return state_->unfollow(by, pattern);
}

void local_register::unfollow_all(follower& by) noexcept
{
    state_->unfollow_all(by);
}

std::size_t local_register::count() const noexcept
{
    return state_->count();
}

double local_register::close_idle(double now) noexcept
{
    return state_->close_idle(now);
}

} // namespace windowd::window
