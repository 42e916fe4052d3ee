// What each operation does to the shared windows of a shard.
#include "window/shard.hpp"

#include "window/names.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <iterator>
#include <limits>
#include <new>
#include <optional>
#include <utility>
#include <variant>

namespace windowd::window {
namespace {

bool is_taken(sent const& what, yielded const& came) noexcept
{
    return what.what() != sent::kind::nothing && came.refused == refusal::none;
}

std::size_t count_of(service& window)
{
    return static_cast<std::size_t>(window.throw_(count_values())->number.value());
}

void end(service& ended) noexcept
{
    try {
        ended.close();
    } catch (nanoservice::generator_error const&) {
        assert(false); // a generator may refuse to end; a window's service does not
    }
}

/// Sends the numbers at the beginning of these in one resumption, some of them if there are many; how many, or 0 where
/// that is not worth it.
std::size_t send_together(service& to, std::span<sent const> values, yield_list& yields)
{
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): written before it is read
    std::array<double, 64> numbers;
    std::size_t count = 0;
    auto const most = std::min(values.size(), numbers.size());
    while (count != most && values[count].what() == sent::kind::number) {
        numbers[count] = values[count].value();
        ++count;
    }
    if (count < 2)
        return 0;
    to.send(sent::numbers({std::span(numbers).first(count), yields.append(count)}));
    return count;
}

} // namespace

void default_options::set(window_options options) noexcept
{
    std::lock_guard const lock(mutex_);
    options_ = std::move(options);
    copy_.reset();
}

std::shared_ptr<window_options const> default_options::get()
{
    std::lock_guard const lock(mutex_);
    if (copy_ == nullptr)
        copy_ = std::make_shared<window_options const>(options_);
    return copy_;
}

void shard::configure(register_limits const& limits) noexcept
{
    std::lock_guard const lock(mutex_);
    limits_ = limits;
}

// NOLINTNEXTLINE(bugprone-exception-escape): a lack of memory is all that is thrown
void shard::perform(operation const& asked, answer& into, step_observer* observer) noexcept
{
    into.clear();
    std::lock_guard const lock(mutex_);
    close_due(asked.now);
    try {
        std::visit([&](auto const& what) { perform(task{asked, into, observer}, what); }, asked.what);
    } catch (std::bad_alloc const&) {
        into.clear();
        into.refuse(failure::out_of_memory);
    }
}

void shard::task::refuse_missing() const noexcept
{
    refuse(asked.id != 0 ? failure::closed : failure::no_such_window);
}

// Operations

void shard::perform(task const& on, open_window const& what)
{
    auto& [came, yields, name, options] = on.into;
    if (auto* const there = find(on.asked))
        return join(on, *there, what);
    if (on.asked.id != 0)
        return on.refuse_missing();
    auto counted = share::take(commons_.windows, 1, limits_.max_windows);
    if (!counted)
        return on.refuse(failure::limit_reached);
    options = options_for(what.terms);
    if (options->min_count > options->size) {
        came.window.options = options.get();
        return on.refuse(failure::min_count_too_large);
    }
    name = on.asked.window;
    auto& made = enter(make(on, options, what.data), *std::move(counted));
    came.created = true;
    came.taken = what.data.size();
    came.window = {name, options.get(), count_of(made.running), made.n, made.id};
    tell(made, {event::kind::open, made.name, made.n});
}

void shard::join(task const& on, shared_window& there, open_window const& what)
{
    auto& [came, yields, name, options] = on.into;
    options = there.options;
    if (!what.data.empty() || contradicts(what.terms, *options)) {
        came.window.options = options.get();
        return on.refuse(failure::mismatch);
    }
    name = there.name;
    touch(there);
    came.window = {name, options.get(), count_of(there.running), there.n, there.id};
}

std::shared_ptr<window_options const> shard::options_for(window_terms const& terms)
{
    auto defaults = commons_.defaults.get();
    if (!terms.size && !terms.min_count && !terms.span && !terms.stats)
        return defaults;
    return std::make_shared<window_options const>(complete(terms, *defaults, limits_.max_window_size));
}

void shard::perform(task const& on, send_values const& what)
{
    auto* const window = find(on.asked);
    if (window == nullptr)
        return on.asked.id != 0 ? on.refuse_missing() : send_to_new(on, what.values);
    if (is_too_much(what.values, *window->options))
        return on.refuse(failure::readings_limit);
    take(on, *window, what.values);
    touch(*window);
    tell_taken(on, *window, what.values);
}

void shard::send_to_new(task const& on, std::span<sent const> values)
{
    auto const defaults = commons_.defaults.get();
    if (is_too_much(values, *defaults))
        return on.refuse(failure::readings_limit);
    // Aside, since a request that is refused changes nothing.
    auto made = make(on, defaults, {});
    take(on, made, values);
    auto const is_refused = [](yielded const& one) { return one.refused != refusal::none; };
    if (made.n == 0 && std::ranges::any_of(on.into.came.yields, is_refused))
        return;
    auto counted = share::take(commons_.windows, 1, limits_.max_windows);
    if (!counted) {
        on.into.clear();
        return on.refuse(failure::limit_reached);
    }
    auto const& entered = enter(std::move(made), *std::move(counted));
    on.into.came.created = true;
    tell(entered, {event::kind::open, entered.name, 0});
    tell_taken(on, entered, values);
}

bool shard::is_too_much(std::span<sent const> values, window_options const& options) const noexcept
{
    return values.size() > limits_.max_readings / options.stats.size();
}

/// Throws std::bad_alloc, and then none has been taken.
void shard::take(task const& on, shared_window& window, std::span<sent const> values)
{
    auto& [came, yields, name, options] = on.into;
    yields.prepare(values.size(), *window.options);
    auto const has_one_statistic = window.options->stats.size() == 1;
    for (std::size_t i = 0; i != values.size();) {
        auto const sent_together =
            has_one_statistic ? send_together(window.running, values.subspan(i), yields) : 0;
        if (sent_together == 0)
            yields.push_back(*window.running.send(values[i]));
        i += std::max<std::size_t>(sent_together, 1);
    }
    came.yields = yields.all();
    for (std::size_t i = 0; i != values.size(); ++i)
        came.taken += is_taken(values[i], came.yields[i]) ? 1 : 0;
    window.n += came.taken;
    came.yields = yields.all();
}

/// Each of the values that were taken, the last changes of the window.
void shard::tell_taken(task const& on, shared_window const& window, std::span<sent const> values) noexcept
{
    if (window.topics.empty())
        return;
    auto const& came = on.into.came;
    auto n = window.n - came.taken;
    for (std::size_t i = 0; i < values.size(); ++i) {
        auto const& yielded = came.yields[i];
        if (is_taken(values[i], yielded))
            tell(window, {event::kind::yield, window.name, ++n, values[i].value(), &yielded});
    }
}

/// For an operation that yields once, and fails only before. Null where the window is not there.
template <class Resume>
shard::shared_window* shard::resume(task const& on, Resume resume)
{
    auto* const window = find(on.asked);
    if (window == nullptr) {
        on.refuse_missing();
        return nullptr;
    }
    auto& yields = on.into.yields;
    yields.prepare(1, *window->options);
    yields.push_back(*resume(window->running));
    on.into.came.yields = yields.all();
    touch(*window);
    return window;
}

void shard::perform(task const& on, next_yield const&)
{
    resume(on, [](service& resumed) { return resumed.next(); });
}

void shard::perform(task const& on, read_window const&)
{
    resume(on, [](service& resumed) { return resumed.throw_(read_statistics()); });
}

void shard::perform(task const& on, empty_window const&)
{
    auto* const emptied = resume(on, [](service& resumed) { return resumed.throw_(clear_window()); });
    if (emptied != nullptr)
        tell(*emptied, {event::kind::clear, emptied->name, ++emptied->n});
}

void shard::perform(task const& on, dump_window const&)
{
    auto* const window = find(on.asked);
    if (window == nullptr)
        return on.refuse_missing();
    auto const count = count_of(window->running);
    // The first, and a small one, is let through however much it is.
    auto const limit = count <= limits_.small_dump ? std::numeric_limits<std::size_t>::max()
                                                   : std::max(limits_.max_dumped, count);
    auto counted = share::take(commons_.dumped, count, limit);
    if (!counted)
        return on.refuse(failure::dumps_limit);
    std::vector<double> values;
    values.reserve(count);
    if (window->running.throw_(dump_data())->refused != refusal::none)
        return on.refuse(failure::out_of_memory);
    for (std::size_t i = 0; i < count; ++i)
        values.push_back(window->running.next()->number.value());
    on.into.came.dumped = dumped_values(std::move(values), *std::move(counted));
    touch(*window);
}

void shard::perform(task const& on, close_window const&)
{
    auto* const window = find(on.asked);
    if (window == nullptr)
        return on.refuse_missing();
    close(*window);
}

// Windows

/// The set has const elements for the sake of their keys, which nothing here changes.
shard::shared_window& shard::writable(shared_window const& in_set) noexcept
{
    return const_cast<shared_window&>(in_set);
}

/// Null if it is not there (any more).
shard::shared_window* shard::find(operation const& asked) noexcept
{
    auto const& names = windows_.get<by_name>();
    auto const found = names.find(asked.window);
    if (found == names.end() || (asked.id != 0 && asked.id != found->id))
        return nullptr;
    return &writable(*found);
}

/// A window that is not in the set yet.
shard::shared_window shard::make(task const& on, std::shared_ptr<window_options const> options,
                                 std::span<double const> data)
{
    sliding_window window(*options);
    for (auto const value : data)
        window.push(value, clock_.now());
    auto started = start_service(std::move(window), clock_, on.observer);
    return {.name = std::string(on.asked.window),
            .id = 0,
            .options = std::move(options),
            .running = std::move(started),
            .n = data.size(),
            .last_use = 0,
            .topics = {},
            .counted = {}};
}

/// Throws std::bad_alloc, and then nothing has changed.
shard::shared_window& shard::enter(shared_window&& made, share counted)
{
    made.id = commons_.last_id.fetch_add(1, std::memory_order_relaxed) + 1;
    made.last_use = clock_.now();
    made.topics = commons_.followers.matching(made.name);
    made.counted = std::move(counted);
    auto& entered = writable(*windows_.insert(std::move(made)).first);
    for (auto* const matched : entered.topics)
        ++matched->windows;
    return entered;
}

void shard::touch(shared_window& used) noexcept
{
    if (limits_.idle_expiry <= 0)
        return;
    used.last_use = clock_.now();
    auto& in_order = windows_.get<in_order_of_use>();
    in_order.relocate(in_order.end(), in_order.iterator_to(used));
}

void shard::close(shared_window& ended) noexcept
{
    end(ended.running);
    for (auto* const matched : ended.topics)
        --matched->windows;
    // Out of the set before its end is told, and there until then.
    auto const taken_out = windows_.extract(windows_.iterator_to(ended));
    tell(ended, {event::kind::close, ended.name, ended.n + 1});
}

void shard::tell(shared_window const& window, event const& happened) noexcept
{
    if (!window.topics.empty())
        commons_.followers.tell(window.topics, happened);
}

double shard::close_idle(double now) noexcept
{
    std::lock_guard const lock(mutex_);
    return close_due(now);
}

/// Every operation and every list begins with this, under the lock.
double shard::close_due(double now) noexcept
{
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
void shard::visit_matches(std::string_view pattern, std::string_view after, Visit visit)
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

void shard::list(std::string_view match, std::string_view after, std::size_t limit, double now, listing& into)
{
    std::lock_guard const lock(mutex_);
    close_due(now);
    visit_matches(match, after, [&](shared_window& window) {
        auto const is_full = into.size() > limit;
        if (is_full && window.key() > std::prev(into.end())->first)
            return false;
        into.try_emplace(window.name,
                         listed_window{window.options, count_of(window.running), window.n, window.id});
        if (is_full)
            into.erase(std::prev(into.end()));
        return true;
    });
}

// Followers

void shard::add(topic& made)
{
    std::lock_guard const lock(mutex_);
    visit_matches(made.pattern, "", [&](shared_window& window) {
        if (std::ranges::find(window.topics, &made) == window.topics.end()) {
            window.topics.push_back(&made);
            ++made.windows;
        }
        return true;
    });
}

void shard::remove(topic& ended) noexcept
{
    std::lock_guard const lock(mutex_);
    visit_matches(ended.pattern, "", [&](shared_window& window) {
        std::erase(window.topics, &ended);
        if (window.topics.empty())
            std::vector<topic*>().swap(window.topics); // an assignment would keep the memory
        return true;
    });
}

} // namespace windowd::window
