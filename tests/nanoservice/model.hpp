// Generators that delegate to each other as a program says, and an interpreter of PEP 342 and PEP 380 to compare them with.
//
// A program is a list of steps. Two things run it: `execute`, a coroutine, and `model`, a plain object that
// does by recursion what the PEPs say. Both note what every step receives; the notes and the outcomes have to
// be equal.
#pragma once

#include "nanoservice/support.hpp"

#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <ostream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace nanoservice_test {

using service = generator<int, int, int>;

// Codes of the exceptions of a program: of failures, as they are; of the library's own, these.
inline constexpr int exit_code = -1;
inline constexpr int ignored_code = -2;
inline constexpr int not_sendable_code = -3;
inline constexpr int no_value_code = -4;
inline constexpr int not_started_code = -5;

// Of a generator that has ended without a result, and is resumed once more.
inline constexpr int no_result = -6;

enum class kind { yield, yield_as_result, delegate, range, fail, finish };
enum class handler { pass, go_on, finish, fail };

struct program;
struct step {
    kind what = kind::yield;
    handler on_error = handler::pass;
    int number =
        0; // what is yielded, returned or thrown; of a range, its length; of a delegation, resumptions before
    std::unique_ptr<program> child;
};
struct program {
    std::vector<step> steps;
};

// --- The coroutine
// -------------------------------------------------------------------------------------------------

inline std::vector<int> elements(int length)
{
    std::vector<int> all;
    for (int i = 0; i < length; ++i)
        all.push_back(i);
    return all;
}

inline service execute(program const& steps, notes& to, int& alive);

// A generator that has been resumed as often as the step says.
inline service child_of(step const& what, notes& to, int& alive)
{
    auto child = execute(*what.child, to, alive);
    for (int i = 0; i < what.number; ++i)
        child.next();
    return child;
}

template <class Act>
std::optional<int> code_of(Act act)
{
    try {
        act();
    } catch (failure const& error) {
        return error.code;
    } catch (generator_exit const&) {
        return exit_code;
    } catch (ignored_exit const&) {
        return ignored_code;
    } catch (not_sendable const&) {
        return not_sendable_code;
    } catch (no_value const&) {
        return no_value_code;
    } catch (not_started const&) {
        return not_started_code;
    }
    return std::nullopt;
}

struct living {
    explicit living(int& count) : count_(count) { ++count_; }
    living(living const&) = delete;
    living& operator=(living const&) = delete;
    ~living() { --count_; }

private:
    int& count_;
};

inline service execute(program const& steps, notes& to, int& alive)
{
    living const local(alive);
    for (auto const& now : steps.steps) {
        std::exception_ptr error;
        int value = 0;
        try {
            if (now.what == kind::yield) {
                value = co_yield now.number;
            } else if (now.what == kind::yield_as_result) {
                auto const received = co_yield as_result(now.number);
                if (!received.has_value())
                    received.rethrow();
                value = *received;
            } else if (now.what == kind::delegate) {
                value = co_yield elements_of(child_of(now, to, alive));
            } else if (now.what == kind::range) {
                co_yield elements_of(elements(now.number));
            } else if (now.what == kind::fail) {
                throw failure{now.number};
            } else {
                co_return now.number;
            }
        } catch (...) {
            error = std::current_exception();
        }
        if (!error) {
            to.push_back("value " + std::to_string(value));
            continue;
        }
        auto const code = code_of([&] { std::rethrow_exception(error); });
        to.push_back("error " + std::to_string(code.value()));
        if (now.on_error == handler::pass)
            std::rethrow_exception(error);
        if (now.on_error == handler::finish)
            co_return 77;
        if (now.on_error == handler::fail)
            throw failure{78};
    }
    co_return 0;
}

// --- The model
// -----------------------------------------------------------------------------------------------------

struct outcome {
    enum { yielded, returned, raised } what;
    int number;
    bool operator==(outcome const&) const = default;
};

inline std::ostream& operator<<(std::ostream& out, outcome const& o)
{
    return out << (o.what == outcome::yielded    ? "yielded "
                   : o.what == outcome::returned ? "returned "
                                                 : "raised ")
               << o.number;
}

struct event {
    enum { next, send, raise } what;
    int number;
};

class model {
public:
    model(program const& steps, notes& to) : steps_(steps.steps), notes_(to) {}

    bool closed() const { return state_ == generator_state::closed; }
    std::optional<int> result() const { return result_; }

    outcome resume(event with)
    {
        if (state_ == generator_state::closed)
            return with.what == event::raise ? outcome{outcome::raised, with.number}
                                             : outcome{outcome::returned, result_.value_or(no_result)};
        bool const first = state_ == generator_state::created;
        if (first && with.what == event::send)
            return {outcome::raised, not_started_code};
        if (first && with.what == event::raise)
            return end({outcome::raised, with.number});
        state_ = generator_state::suspended;
        return first ? begin_steps() : go_on(with);
    }

    // PEP 342, and the value that CPython 3.13 gives. `returned` with no result is that nothing is given.
    std::optional<outcome> close()
    {
        if (state_ != generator_state::suspended) {
            state_ = generator_state::closed;
            return std::nullopt;
        }
        auto const answer = resume({event::raise, exit_code});
        if (answer.what == outcome::yielded)
            return outcome{outcome::raised, ignored_code};
        if (answer == outcome{outcome::raised, exit_code})
            return std::nullopt;
        return answer;
    }

private:
    outcome go_on(event with)
    {
        auto const& now = steps_[at_];
        if (child_) {
            if (with.what == event::raise && with.number == exit_code) {
                auto const answer = child_->close();
                if (answer && answer->what == outcome::raised)
                    with.number = answer->number;
            } else {
                auto const answer = child_->resume(with);
                if (answer.what == outcome::yielded)
                    return answer;
                with = {answer.what == outcome::raised ? event::raise : event::send, answer.number};
            }
            child_.reset();
        } else if (now.what == kind::range) {
            if (with.what == event::next && ++element_ < now.number)
                return {outcome::yielded, element_};
            if (with.what == event::send)
                with = {event::raise, not_sendable_code};
        }
        return receive(with);
    }

    // The end of a step, and what follows it.
    outcome receive(event with)
    {
        if (with.what != event::raise) {
            bool const has_value = with.what == event::send && steps_[at_].what != kind::range;
            notes_.push_back("value " + std::to_string(has_value ? with.number : 0));
            ++at_;
            return begin_steps();
        }
        notes_.push_back("error " + std::to_string(with.number));
        switch (steps_[at_].on_error) {
        case handler::pass:
            return end({outcome::raised, with.number});
        case handler::finish:
            return end({outcome::returned, 77});
        case handler::fail:
            return end({outcome::raised, 78});
        case handler::go_on:
            break;
        }
        ++at_;
        return begin_steps();
    }

    outcome begin_steps()
    {
        if (at_ == steps_.size())
            return end({outcome::returned, 0});
        auto const& now = steps_[at_];
        switch (now.what) {
        case kind::yield:
        case kind::yield_as_result:
            return {outcome::yielded, now.number};
        case kind::fail:
            return receive({event::raise, now.number});
        case kind::finish:
            return end({outcome::returned, now.number});
        case kind::range:
            element_ = -1;
            return go_on({event::next, 0});
        case kind::delegate:
            break;
        }
        return begin_delegation(now);
    }

    outcome begin_delegation(step const& now)
    {
        child_ = std::make_unique<model>(*now.child, notes_);
        for (int i = 0; i < now.number && !child_->closed(); ++i) {
            auto const answer = child_->resume({event::next, 0});
            if (answer.what == outcome::raised) {
                child_.reset();
                return receive({event::raise, answer.number});
            }
        }
        if (child_->closed()) {
            int const value = child_->result().value();
            child_.reset();
            return receive({event::send, value});
        }
        return go_on({event::next, 0});
    }

    outcome end(outcome how)
    {
        state_ = generator_state::closed;
        if (how.what == outcome::returned)
            result_ = how.number;
        return how;
    }

    std::vector<step> const& steps_;
    notes& notes_;
    std::size_t at_ = 0;
    int element_ = -1;
    std::unique_ptr<model> child_;
    generator_state state_ = generator_state::created;
    std::optional<int> result_;
};

// --- Random programs and resumptions
// -------------------------------------------------------------------------------

/// `below` gives a number from 0 to one less than its argument.
template <class Choose>
program random_program(Choose& below, int depth)
{
    program made;
    int const length = below(5);
    for (int i = 0; i < length; ++i) {
        step now;
        int const choice = below(20);
        now.what = choice < 5  ? kind::yield
                 : choice < 7  ? kind::yield_as_result
                 : choice < 15 ? kind::delegate
                 : choice < 18 ? kind::range
                 : choice < 19 ? kind::fail
                               : kind::finish;
        if (now.what == kind::delegate && depth == 0)
            now.what = kind::yield;
        now.on_error = static_cast<handler>(below(4));
        now.number = now.what == kind::delegate ? below(3) * below(2) : below(4);
        if (now.what == kind::delegate)
            now.child = std::make_unique<program>(random_program(below, depth - 1));
        made.steps.push_back(std::move(now));
    }
    return made;
}

inline outcome resumed(service& g, event with)
{
    int const* yielded = nullptr;
    auto const code = code_of([&] {
        if (with.what == event::next)
            yielded = g.next();
        else if (with.what == event::send)
            yielded = g.send(with.number);
        else if (with.number == exit_code)
            yielded = g.throw_(generator_exit());
        else if (with.number % 2 == 0)
            yielded = g.throw_(failure{with.number});
        else
            yielded = g.throw_(std::make_exception_ptr(failure{with.number}));
    });
    if (code)
        return {outcome::raised, *code};
    if (yielded != nullptr)
        return {outcome::yielded, *yielded};
    return {outcome::returned, g.result().value_or(no_result)};
}

inline std::optional<outcome> closed(service& g)
{
    std::optional<int> result;
    if (auto const code = code_of([&] { result = g.close(); }))
        return outcome{outcome::raised, *code};
    if (result)
        return outcome{outcome::returned, *result};
    return std::nullopt;
}

/// How often each thing happened, so that no test can pass by trying nothing.
struct coverage {
    int yields = 0, returns = 0, errors = 0, closes = 0, ignored = 0;
};

/// A generator and its model, which are resumed alike.
class compared {
public:
    explicit compared(program const& steps)
        : expected_(steps, from_model_),
          tested_(execute(steps, from_generator_, alive_))
    {}

    /// Does one thing to both, chosen by `below`, and tells how they differ then; nothing if they do not.
    template <class Choose>
    std::string step(Choose& below, int number, coverage& seen)
    {
        int const choice = below(20);
        if (choice == 19)
            return close(seen);
        event const with = choice < 9  ? event{event::next, 0}
                         : choice < 15 ? event{event::send, 10 + number}
                         : choice < 18 ? event{event::raise, 100 + number}
                                       : event{event::raise, exit_code};
        auto const wanted = expected_.resume(with);
        auto const seen_outcome = resumed(tested_, with);
        ++(wanted.what == outcome::yielded    ? seen.yields
           : wanted.what == outcome::returned ? seen.returns
                                              : seen.errors);
        return difference(seen_outcome, wanted);
    }

    /// The tested one somewhere else.
    void move()
    {
        auto moved = std::move(tested_);
        tested_ = std::move(moved);
    }

    bool closed() const { return expected_.closed(); }

    /// Of what is in frames that have not ended.
    int alive() const { return alive_; }

private:
    std::string close(coverage& seen)
    {
        auto const wanted = expected_.close();
        auto const seen_outcome = nanoservice_test::closed(tested_);
        ++seen.closes;
        seen.ignored += wanted == outcome{outcome::raised, ignored_code};
        return difference(seen_outcome, wanted);
    }

    template <class Outcome>
    std::string difference(Outcome const& seen, Outcome const& wanted) const
    {
        if (seen != wanted)
            return "it gave " + text_of(seen) + ", not " + text_of(wanted);
        if ((tested_.state() == generator_state::closed) != expected_.closed())
            return expected_.closed() ? "it is not closed" : "it is closed";
        if (from_generator_ != from_model_)
            return "its steps received " + text_of(from_generator_) + ", not " + text_of(from_model_);
        if (expected_.closed() && alive_ != 0)
            return "it is closed, and something in it lives";
        return {};
    }

    static std::string text_of(outcome const& o)
    {
        std::ostringstream text;
        text << o;
        return text.str();
    }
    static std::string text_of(std::optional<outcome> const& o) { return o ? text_of(*o) : "nothing"; }
    static std::string text_of(notes const& all)
    {
        std::string text;
        for (auto const& note : all)
            text.append(text.empty() ? "" : ", ").append(note);
        return text;
    }

    notes from_model_;
    notes from_generator_;
    int alive_ = 0;
    model expected_;
    service tested_;
};

/// A random program, and random resumptions of it: tells how the generator and its model differ, or nothing.
template <class Choose>
std::string difference(Choose& below, int depth, int most_steps, coverage& seen)
{
    auto const steps = random_program(below, depth);
    compared pair(steps);
    std::string different;
    int after_the_end = 2;
    for (int i = 0; i < most_steps && different.empty() && after_the_end != 0; ++i) {
        if (below(8) == 1)
            pair.move();
        different = pair.step(below, i, seen);
        after_the_end -= pair.closed() ? 1 : 0;
    }
    return different;
}

} // namespace nanoservice_test
