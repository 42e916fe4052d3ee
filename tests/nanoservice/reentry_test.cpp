// Calls of a generator from inside itself: rules 22 and 23, and calls by destructors while it ends.
#include "nanoservice/support.hpp"

#include <boost/test/unit_test.hpp>

#include <exception>
#include <functional>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

using namespace nanoservice_test;

namespace {

using service = generator<int, int, int>;
using act = std::function<void(service&)>;

std::vector<act> every_call()
{
    return {
        [](service& g) { g.next(); },
        [](service& g) { g.send(1); },
        [](service& g) { g.throw_(failure{1}); },
        [](service& g) { g.throw_(generator_exit{}); },
        [](service& g) { g.throw_(std::make_exception_ptr(failure{1})); },
        [](service& g) { g.close(); },
    };
}

// Does `inside` to `self`, yields 1 where that was refused, and lives on.
service caller_of(service*& self, act inside)
{
    int shown = 0;
    try {
        inside(*self);
    } catch (already_executing const&) {
        shown = 1;
    }
    co_yield shown;
    co_yield 2;
    co_return 3;
}

service careless_caller_of(service*& self, act inside)
{
    co_yield 1;
    inside(*self);
    co_yield 2;
    co_return 3;
}

service delegating(service inner)
{
    co_yield 0;
    co_return co_yield elements_of(std::move(inner));
}

// Calls a generator when it is destroyed.
class caller {
public:
    caller(service*& self, notes& to) : self_(&self), to_(&to) {}
    caller(caller&& other) noexcept : self_(std::exchange(other.self_, nullptr)), to_(other.to_) {}
    caller(caller const&) = delete;
    caller& operator=(caller const&) = delete;
    ~caller()
    {
        if (self_ == nullptr)
            return;
        try {
            auto& g = **self_;
            auto const state = g.state();
            to_->emplace_back(g.next() == nullptr && state == generator_state::closed ? "closed" : "alive");
        } catch (already_executing const&) {
            to_->emplace_back("refused");
        }
    }

private:
    service** self_;
    notes* to_;
};

service with_calling_local(service*& self, notes& to)
{
    caller const local(self, to);
    co_yield 1;
    co_return 2;
}

service with_calling_parameter(caller)
{
    co_yield 1;
    co_return 2;
}

} // namespace

BOOST_AUTO_TEST_SUITE(reentry)

// Rule 22.
BOOST_AUTO_TEST_CASE(any_call_from_inside_is_refused_there_and_the_generator_lives_on)
{
    for (auto const& inside : every_call()) {
        service* self = nullptr;
        auto g = caller_of(self, inside);
        self = &g;
        BOOST_TEST(given(g.next()) == 1);
        BOOST_TEST(g.state() == generator_state::suspended);
        BOOST_TEST(given(g.next()) == 2);
        BOOST_TEST(g.next() == nullptr);
        BOOST_TEST(g.result().value() == 3);
    }
}

// Rule 22.
BOOST_AUTO_TEST_CASE(a_refusal_that_is_not_caught_comes_out_of_the_outer_call)
{
    for (auto const& inside : every_call()) {
        service* self = nullptr;
        auto g = careless_caller_of(self, inside);
        self = &g;
        g.next();
        BOOST_CHECK_THROW(g.next(), already_executing);
        BOOST_TEST(g.state() == generator_state::closed);
    }
}

// Rule 22.
BOOST_AUTO_TEST_CASE(a_call_from_a_range_that_is_delegated_to_is_refused)
{
    service* self = nullptr;
    auto body = [](service*& me) -> service {
        std::vector<int> const numbers{1, 2};
        auto reentrant = numbers | std::views::transform([&me](int n) { return n + *me->next(); });
        int shown = 0;
        try {
            co_yield elements_of(reentrant);
        } catch (already_executing const&) {
            shown = 7;
        }
        co_yield shown;
        co_return 1;
    };
    auto g = body(self);
    self = &g;
    BOOST_TEST(given(g.next()) == 7);
    BOOST_TEST(g.next() == nullptr);
    BOOST_TEST(g.result().value() == 1);
}

// Rule 23.
BOOST_AUTO_TEST_CASE(a_call_of_the_outermost_from_the_innermost_is_refused)
{
    for (auto const& inside : every_call()) {
        service* self = nullptr;
        auto g = delegating(delegating(caller_of(self, inside)));
        self = &g;
        BOOST_TEST(given(g.next()) == 0);
        BOOST_TEST(given(g.next()) == 0);
        BOOST_TEST(given(g.next()) == 1);
        BOOST_TEST(given(g.next()) == 2);
        BOOST_TEST(g.next() == nullptr);
        BOOST_TEST(g.result().value() == 3);
    }
}

// Rule 23.
BOOST_AUTO_TEST_CASE(a_call_through_another_generator_that_runs_is_refused)
{
    auto relay = [](service*& other) -> service {
        co_yield *other->next();
        co_return 0;
    };
    service* first = nullptr;
    service* second = nullptr;
    auto a = relay(second);
    auto b = relay(first);
    first = &a;
    second = &b;
    BOOST_CHECK_THROW(a.next(), already_executing);
    BOOST_TEST(a.state() == generator_state::closed);
    BOOST_TEST(b.state() == generator_state::closed);
}

// Rule 23.
BOOST_AUTO_TEST_CASE(a_call_while_the_delegates_are_closed_is_refused)
{
    service* self = nullptr;
    notes happened;
    auto g = delegating(with_calling_local(self, happened));
    self = &g;
    g.next();
    g.next();
    BOOST_TEST(!g.close());
    BOOST_TEST(happened == notes{"refused"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_local_that_calls_while_the_body_ends_is_refused)
{
    service* self = nullptr;
    notes happened;
    auto g = with_calling_local(self, happened);
    self = &g;
    g.next();
    BOOST_TEST(g.next() == nullptr);
    BOOST_TEST(g.result().value() == 2);
    BOOST_TEST(happened == notes{"refused"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_parameter_that_calls_while_the_frame_is_freed_finds_it_closed)
{
    service* self = nullptr;
    notes happened;
    {
        auto returned = with_calling_parameter(caller(self, happened));
        self = &returned;
        returned.next();
        BOOST_TEST(returned.next() == nullptr);
        BOOST_TEST(returned.result().value() == 2);
    }
    {
        auto closed = with_calling_parameter(caller(self, happened));
        self = &closed;
        closed.next();
        closed.close();
    }
    {
        auto never_started = with_calling_parameter(caller(self, happened));
        self = &never_started;
        never_started.close();
    }
    {
        auto thrown_into = with_calling_parameter(caller(self, happened));
        self = &thrown_into;
        BOOST_CHECK_THROW(thrown_into.throw_(failure{1}), failure);
    }
    BOOST_TEST(happened == (notes{"closed", "closed", "closed", "closed"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_local_that_calls_while_the_generator_is_destroyed_finds_it_closed)
{
    service* self = nullptr;
    notes happened;
    {
        auto g = with_calling_local(self, happened);
        self = &g;
        g.next();
    }
    {
        auto g = delegating(with_calling_local(self, happened));
        self = &g;
        g.next();
        g.next();
    }
    {
        auto g = with_calling_local(self, happened);
        self = &g;
        g.next();
        g = service(delegating(service(std::move(g)))); // destroys what was moved from, which is closed
        BOOST_TEST(given(g.next()) == 0);
    }
    BOOST_TEST(happened == (notes{"closed", "closed", "closed"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(another_generator_of_the_same_kind_may_be_run_from_inside)
{
    auto make = []() -> generator<int> {
        co_yield 1;
        co_yield 2;
    };
    auto sums = [](auto from) -> generator<int> {
        for (auto a = from(); auto const* x = a.next();)
            for (auto b = from(); auto const* y = b.next();)
                co_yield *x * 10 + *y;
    };
    auto g = sums(make);
    for (int expected : {11, 12, 21, 22})
        BOOST_TEST(given(g.next()) == expected);
    BOOST_TEST(g.next() == nullptr);
}

BOOST_AUTO_TEST_SUITE_END()
