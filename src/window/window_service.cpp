// The body of the window service, and that of the dump that it delegates to.
#include "window/window_service.hpp"

#include <cmath>
#include <new>
#include <optional>
#include <utility>

namespace windowd::window {
namespace {

using nanoservice::as_result;
using nanoservice::elements_of;
using nanoservice::resumption;
using dump_generator = nanoservice::generator<yielded, sent, resumption<sent>>;

constexpr auto unobserved = [](step) noexcept {};

bool is_next(resumption<sent> const& in) noexcept
{
    return in.has_value() && in->what() == sent::kind::nothing;
}

// In a template, GCC 12 takes `x = co_yield y` for an assignment from an overloaded function: here, the value
// of every co_yield initialises a variable of its own.

/// Yields the length and then the elements; returns the resumption that ended it, for the service to handle:
/// the one after the last element, or the first that was no next().
template <class Observe>
dump_generator dump(sliding_window const& window, Observe observe)
{
    observe(step::providing_length);
    auto const in = co_yield as_result(yielded(static_cast<double>(window.count())));
    if (window.count() == 0 || !is_next(in))
        co_return in;
    observe(step::dumping);
    for (std::size_t i = 0;;) {
        auto const then = co_yield as_result(yielded(window[i]));
        if (++i == window.count() || !is_next(then))
            co_return then;
    }
}

/// Nothing where there is no memory for a dump.
template <class Observe>
std::optional<dump_generator> try_to_dump(sliding_window const& window, Observe observe) noexcept
{
    try {
        return dump(window, observe);
    } catch (std::bad_alloc const&) {
        return std::nullopt;
    }
}

// An answer is written where it is yielded from, member by member: copied as a block, it would wait for its parts to
// reach the cache (8 ns a send).

void read(sliding_window& window, yielded& answer) noexcept
{
    answer.number.reset();
    answer.readings = {};
    answer.refused = refusal::none;
    if (window.options().stats.size() > 1)
        answer.readings = window.readings();
    else if (auto const value = window.first_reading())
        answer.number = *value;
}

/// Why a number with a time of its own is not taken, or none. What it finds does not depend on whether the window was
/// read since time has emptied it.
refusal push_at(sliding_window& window, sent const& number, double now)
{
    if (!std::isfinite(number.at()))
        return refusal::not_a_number;
    window.advance_to(now);
    switch (window.push_at(number.value(), number.at())) {
    case taken::out_of_order:
        return refusal::out_of_order;
    case taken::not_timed:
        return refusal::not_timed;
    case taken::yes:
        break;
    }
    return refusal::none;
}

refusal push_arrived(sliding_window& window, double number, double now)
{
    if (!std::isfinite(number))
        return refusal::not_a_number;
    window.push(number, now);
    return refusal::none;
}

refusal push(sliding_window& window, sent const& object, double now)
{
    if (object.what() == sent::kind::number)
        return push_arrived(window, object.value(), now);
    if (object.what() == sent::kind::number_at && std::isfinite(object.value()))
        return push_at(window, object, now);
    return refusal::not_a_number;
}

/// Answers what was sent and is pushed by that.
template <class Push, class Observe>
void answer_push(sliding_window& window, yielded& answer, Push push_it, Observe observe) noexcept
{
    auto refused = refusal::out_of_memory;
    try {
        refused = push_it();
    } catch (std::bad_alloc const&) { // NOLINT(bugprone-empty-catch): that is what it says already
    }
    if (refused == refusal::none) {
        read(window, answer);
    } else {
        observe(step::rejected);
        answer = yielded(refused);
    }
}

template <class Observe>
void take_run(sliding_window& window, number_run const& run, double now, Observe observe) noexcept
{
    auto* answer = run.answers;
    for (auto const number : run.numbers) {
        if (answer != run.answers)
            observe(step::waiting);
        answer_push(
            window, *answer, [&] { return push_arrived(window, number, now); }, observe);
        ++answer;
    }
}

template <class Observe>
void take(sliding_window& window, sent const& object, double now, yielded& answer, Observe observe) noexcept
{
    if (object.what() == sent::kind::numbers) {
        take_run(window, object.run(), now, observe);
        answer = {};
    } else {
        answer_push(
            window, answer, [&] { return push(window, object, now); }, observe);
    }
}

template <class Observe>
service serve(sliding_window window, clock const& time, Observe observe)
{
    yielded answer;
    for (;;) {
        observe(step::waiting);
        auto in = co_yield as_result(answer);
        while (in.template get_if<dump_data>() != nullptr) {
            window.advance_to(time.now());
            auto dumped = try_to_dump(window, observe);
            if (!dumped)
                break;
            try {
                auto const ended_by = co_yield elements_of(*std::move(dumped));
                in = ended_by;
            } catch (nanoservice::generator_exit const&) {
                observe(step::exiting); // it comes here once it has ended the dump
                co_return;
            }
        }
        if (is_next(in)) {
            answer = {};
        } else if (in.has_value()) {
            take(window, *in, time.now(), answer, observe);
        } else if (in.template get_if<clear_window>() != nullptr) {
            observe(step::clearing);
            window.clear();
            answer = {};
        } else if (in.template get_if<read_statistics>() != nullptr) {
            observe(step::reading);
            window.advance_to(time.now());
            read(window, answer);
        } else if (in.template get_if<count_values>() != nullptr) {
            observe(step::reading);
            window.advance_to(time.now());
            answer = yielded(static_cast<double>(window.count()));
        } else if (in.template get_if<dump_data>() != nullptr) {
            observe(step::rejected);
            answer = yielded(refusal::out_of_memory);
        } else {
            observe(step::exiting);
            if (in.template get_if<nanoservice::generator_exit>() != nullptr)
                co_return;
            in.rethrow();
        }
    }
}

} // namespace

service make_service(sliding_window window, clock const& time, step_observer* observer)
{
    if (observer == nullptr)
        return serve(std::move(window), time, unobserved);
    return serve(std::move(window), time, [observer](step taken) noexcept { observer->on_step(taken); });
}

service start_service(sliding_window window, clock const& time, step_observer* observer)
{
    auto started = make_service(std::move(window), time, observer);
    started.next();
    return started;
}

} // namespace windowd::window
