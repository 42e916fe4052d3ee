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
dump_generator dump(mean_window const& window, Observe observe)
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
std::optional<dump_generator> try_to_dump(mean_window const& window, Observe observe) noexcept
{
    try {
        return dump(window, observe);
    } catch (std::bad_alloc const&) {
        return std::nullopt;
    }
}

template <class Observe>
yielded take(mean_window& window, sent const& object, Observe observe) noexcept
{
    switch (object.what()) {
    case sent::kind::nothing:
        return {};
    case sent::kind::number:
        if (!std::isfinite(object.value()))
            break;
        try {
            window.push(object.value());
        } catch (std::bad_alloc const&) {
            observe(step::rejected);
            return yielded(refusal::out_of_memory);
        }
        return window.mean();
    case sent::kind::other:
        break;
    }
    observe(step::rejected);
    return yielded(refusal::not_a_number);
}

template <class Observe>
service serve(mean_window window, Observe observe)
{
    yielded answer;
    for (;;) {
        observe(step::waiting);
        auto in = co_yield as_result(answer);
        while (in.template get_if<dump_data>() != nullptr) {
            auto contents = try_to_dump(window, observe);
            if (!contents)
                break;
            try {
                auto const ended_by = co_yield elements_of(*std::move(contents));
                in = ended_by;
            } catch (nanoservice::generator_exit const&) {
                observe(step::exiting); // it comes here once it has ended the dump
                co_return;
            }
        }
        if (in.has_value()) {
            answer = take(window, *in, observe);
        } else if (in.template get_if<clear_window>() != nullptr) {
            observe(step::clearing);
            window.clear();
            answer = {};
        } else if (in.template get_if<read_statistics>() != nullptr) {
            observe(step::reading);
            answer = window.mean();
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

service make_service(mean_window window, step_observer* observer)
{
    if (observer == nullptr)
        return serve(std::move(window), unobserved);
    return serve(std::move(window), [observer](step taken) noexcept { observer->on_step(taken); });
}

} // namespace windowd::window
