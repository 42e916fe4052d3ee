// Delegation to generators and ranges (elements_of): rules 24 to 33 of the generator.
#include "nanoservice/support.hpp"

#include <boost/test/unit_test.hpp>

#include <exception>
#include <list>
#include <memory>
#include <ranges>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

using namespace nanoservice_test;

namespace {

using service = generator<int, int, int>;

// Yields first what it is given, then the sum of all sent; a negative value ends it. A failure's code is
// yielded.
service sums(int total = 0)
{
    for (;;) {
        try {
            int const sent = co_yield total;
            if (sent < 0)
                co_return total;
            total += sent;
        } catch (failure const& error) {
            total = error.code;
        }
    }
}

service wrapped(service inner)
{
    int const returned = co_yield elements_of(std::move(inner));
    co_return returned + 100;
}

service wrapped_times(int times, service inner)
{
    for (int i = 0; i < times; ++i)
        inner = wrapped(std::move(inner));
    return inner;
}

// Delegates to `inner`, notes what comes out of it, and yields 1000 after an exception.
service watching(service inner, notes& to)
{
    noted const local(to, "outer destroyed");
    try {
        int const returned = co_yield elements_of(std::move(inner));
        to.push_back("returned " + std::to_string(returned));
    } catch (failure const& error) {
        to.push_back("failure " + std::to_string(error.code));
    } catch (not_sendable const&) {
        to.emplace_back("not sendable");
    } catch (ignored_exit const&) {
        to.emplace_back("ignored exit");
    } catch (no_value const&) {
        to.emplace_back("no value");
    } catch (generator_exit const&) {
        to.emplace_back("exit");
        throw;
    }
    co_yield 1000;
    co_return 1;
}

// What `on_exit` does when it is told to exit.
enum class answer { pass, return_value, fail, yield };

service on_exit(answer how, notes& to)
{
    noted const local(to, "inner destroyed");
    try {
        co_yield 1;
    } catch (generator_exit const&) {
        to.emplace_back("inner exit");
        if (how == answer::pass)
            throw;
        if (how == answer::return_value)
            co_return 5;
        if (how == answer::fail)
            throw failure{6};
    }
    co_yield 7;
    co_return 8;
}

template <class Range>
generator<int, int> walk(Range range)
{
    int shown = -1;
    try {
        co_yield elements_of(std::move(range));
    } catch (not_sendable const&) {
        shown = -2;
    } catch (failure const& error) {
        shown = error.code;
    }
    co_yield shown;
}

generator<int, int> plain_walk(std::vector<int> numbers)
{
    co_yield elements_of(std::move(numbers));
}

std::vector<int> numbers_to(int last)
{
    std::vector<int> numbers;
    for (int number = 1; number <= last; ++number)
        numbers.push_back(number);
    return numbers;
}

std::vector<int> rest_of(auto&& g)
{
    std::vector<int> all;
    while (auto const* const element = g.next())
        all.push_back(*element);
    return all;
}

} // namespace

BOOST_AUTO_TEST_SUITE(delegation)

// Rule 24. That it takes constant time is measured by the benchmark, and by the tests of deep chains.
BOOST_AUTO_TEST_CASE(next_send_and_throw_reach_the_innermost)
{
    for (int depth : {1, 2, 10}) {
        auto g = wrapped_times(depth, sums(1));
        BOOST_TEST(given(g.next()) == 1);
        BOOST_TEST(given(g.send(5)) == 6);
        BOOST_TEST(given(g.next()) == 6);
        BOOST_TEST(given(g.throw_(failure{20})) == 20);
        BOOST_TEST(given(g.throw_(std::make_exception_ptr(failure{30}))) == 30);
        BOOST_TEST(g.send(-1) == nullptr);
        BOOST_TEST(g.result().value() == 30 + 100 * depth);
    }
}

// Rule 24.
BOOST_AUTO_TEST_CASE(the_innermost_receives_what_is_thrown_in_without_copies)
{
    struct program {
        static generator<int> innermost(void const*& seen)
        {
            auto const received = co_yield as_result(1);
            seen = received.get_if<failure>();
            co_yield 2;
        }
        static generator<int> outer(void const*& seen, int depth)
        {
            if (depth == 0)
                co_yield elements_of(innermost(seen));
            else
                co_yield elements_of(outer(seen, depth - 1));
        }
    };
    void const* seen = nullptr;
    auto g = program::outer(seen, 5);
    g.next();
    failure const error{3};
    BOOST_TEST(given(g.throw_(error)) == 2);
    BOOST_TEST(seen == &error);
}

// Rule 25.
BOOST_AUTO_TEST_CASE(an_exception_of_the_subgenerator_comes_out_at_the_delegating_yield)
{
    notes happened;
    auto fails = []() -> service {
        int const code = co_yield 1;
        throw failure{code};
    };
    auto g = watching(fails(), happened);
    g.next();
    BOOST_TEST(given(g.send(4)) == 1000);
    BOOST_TEST(happened == notes{"failure 4"}, boost::test_tools::per_element());
    BOOST_TEST(g.next() == nullptr);
}

// Rule 25.
BOOST_AUTO_TEST_CASE(an_exception_that_nobody_catches_closes_the_whole_chain)
{
    auto g = wrapped_times(5, wrapped(sums()));
    g.next();
    BOOST_CHECK_THROW(g.throw_(named_failure("through")), named_failure);
    BOOST_TEST(g.state() == generator_state::closed);
}

// Rule 26.
BOOST_AUTO_TEST_CASE(what_the_subgenerator_returns_is_the_value_of_the_delegating_yield)
{
    notes happened;
    auto g = watching(sums(3), happened);
    g.next();
    BOOST_TEST(given(g.send(-1)) == 1000);
    BOOST_TEST(happened == notes{"returned 3"}, boost::test_tools::per_element());
}

// Rule 26.
BOOST_AUTO_TEST_CASE(a_value_that_only_moves_is_returned_to_the_delegator)
{
    using owning = generator<int, void, std::unique_ptr<int>>;
    auto inner = []() -> owning {
        co_yield 1;
        co_return std::make_unique<int>(2);
    };
    auto outer = [](owning from) -> generator<int> {
        auto const returned = co_yield elements_of(std::move(from));
        co_yield *returned;
    };
    auto g = outer(inner());
    BOOST_TEST(rest_of(g) == (std::vector{1, 2}), boost::test_tools::per_element());
}

// Rule 26.
BOOST_AUTO_TEST_CASE(the_results_of_several_delegations_meet_in_one_expression)
{
    auto body = []() -> service {
        int a = 0;
        int b = 0;
        int c = 0;
        (a = co_yield elements_of(sums(1))), (b = co_yield 50), (c = co_yield elements_of(sums(2)));
        co_return a + b + c;
    };
    auto g = body();
    BOOST_TEST(given(g.next()) == 1);
    BOOST_TEST(given(g.send(-1)) == 50);
    BOOST_TEST(given(g.send(7)) == 2);
    BOOST_TEST(g.send(-1) == nullptr);
    BOOST_TEST(g.result().value() == 1 + 7 + 2);
}

// Destruction while a finished subgenerator still belongs to the expression that goes on.
BOOST_AUTO_TEST_CASE(a_generator_is_destroyed_in_the_middle_of_an_expression_of_delegations)
{
    notes happened;
    {
        auto body = [](notes& to) -> service {
            int a = 0;
            int b = 0;
            (a = co_yield elements_of(on_exit(answer::pass, to))), (b = co_yield 50);
            co_return a + b;
        };
        auto g = body(happened);
        g.next();
        BOOST_TEST(given(g.next()) == 7);
        BOOST_TEST(given(g.next()) == 50);
    }
    BOOST_TEST(happened == notes{"inner destroyed"}, boost::test_tools::per_element());
}

// Rule 27.
BOOST_AUTO_TEST_CASE(a_subgenerator_that_yields_nothing_adds_nothing)
{
    auto empty = []() -> service { co_return 4; };
    auto body = [](service inner) -> service {
        int const returned = co_yield elements_of(std::move(inner));
        co_yield returned;
        co_return 0;
    };
    auto g = body(empty());
    BOOST_TEST(given(g.next()) == 4);
    BOOST_TEST(g.next() == nullptr);
}

// Rule 27.
BOOST_AUTO_TEST_CASE(an_empty_range_adds_nothing)
{
    BOOST_TEST(rest_of(walk(std::vector<int>())) == std::vector{-1}, boost::test_tools::per_element());
}

// Rule 28.
BOOST_AUTO_TEST_CASE(a_subgenerator_that_has_started_goes_on_where_it_is)
{
    auto inner = sums(1);
    inner.next();
    inner.send(4);
    auto g = wrapped(std::move(inner));
    BOOST_TEST(given(g.next()) == 5); // resumed with next, which adds nothing
    BOOST_TEST(given(g.send(2)) == 7);
}

// Rule 28.
BOOST_AUTO_TEST_CASE(a_subgenerator_that_itself_delegates_goes_on_in_its_innermost)
{
    auto inner = wrapped_times(3, sums(1));
    inner.next();
    inner.send(4);
    auto g = wrapped_times(2, std::move(inner));
    BOOST_TEST(given(g.next()) == 5);
    BOOST_TEST(given(g.send(2)) == 7);
    BOOST_TEST(given(g.throw_(failure{9})) == 9);
    BOOST_TEST(g.send(-1) == nullptr);
    BOOST_TEST(g.result().value() == 9 + 500);
}

// Rule 28.
BOOST_AUTO_TEST_CASE(a_subgenerator_in_the_middle_of_a_range_goes_on_there)
{
    auto inner = walk(std::vector{1, 2, 3});
    inner.next();
    auto outer = [](generator<int, int> from) -> generator<int, int> {
        co_yield elements_of(std::move(from));
    };
    BOOST_TEST(rest_of(outer(std::move(inner))) == (std::vector{2, 3, -1}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_subgenerator_that_has_returned_gives_its_result_at_once)
{
    auto inner = sums(6);
    inner.next();
    inner.send(-1);
    notes happened;
    auto g = watching(std::move(inner), happened);
    BOOST_TEST(given(g.next()) == 1000);
    BOOST_TEST(happened == notes{"returned 6"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_subgenerator_that_was_closed_without_returning_raises_no_value)
{
    auto inner = sums(6);
    inner.close();
    notes happened;
    auto g = watching(std::move(inner), happened);
    BOOST_TEST(given(g.next()) == 1000);
    auto moved_from = sums(6);
    auto const elsewhere = std::move(moved_from);
    auto other = watching(std::move(moved_from), happened);
    BOOST_TEST(given(other.next()) == 1000);
    BOOST_TEST(happened == (notes{"no value", "no value"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_closed_subgenerator_that_returns_nothing_adds_nothing)
{
    auto one = []() -> generator<int> { co_yield 1; };
    auto body = [](generator<int> from) -> generator<int> {
        co_yield elements_of(std::move(from));
        co_yield 2;
    };
    auto inner = one();
    inner.close();
    BOOST_TEST(rest_of(body(std::move(inner))) == std::vector{2}, boost::test_tools::per_element());
}

// Rule 29.
BOOST_AUTO_TEST_CASE(next_walks_a_range)
{
    BOOST_TEST(rest_of(walk(std::vector{1, 2, 3})) == (std::vector{1, 2, 3, -1}),
               boost::test_tools::per_element());
}

// Rule 29.
BOOST_AUTO_TEST_CASE(a_value_sent_while_a_range_is_walked_is_refused_in_the_delegator)
{
    auto g = walk(std::vector{1, 2, 3});
    g.next();
    BOOST_TEST(given(g.send(5)) == -2);
    BOOST_TEST(g.next() == nullptr);
}

// Rule 29.
BOOST_AUTO_TEST_CASE(a_refused_value_that_is_not_caught_comes_out)
{
    auto g = plain_walk(numbers_to(2));
    g.next();
    BOOST_CHECK_THROW(g.send(5), not_sendable);
    BOOST_TEST(g.state() == generator_state::closed);
}

// Rule 29.
BOOST_AUTO_TEST_CASE(an_exception_thrown_in_while_a_range_is_walked_is_raised_in_the_delegator)
{
    auto g = walk(std::vector{1, 2, 3});
    g.next();
    BOOST_TEST(given(g.throw_(failure{8})) == 8);
    auto other = walk(std::vector{1, 2, 3});
    other.next();
    BOOST_TEST(given(other.throw_(std::make_exception_ptr(failure{9}))) == 9);
    auto last = walk(std::vector{1, 2, 3});
    last.next();
    BOOST_CHECK_THROW(last.throw_(generator_exit{}), generator_exit);
}

// Rule 29.
BOOST_AUTO_TEST_CASE(a_range_is_walked_below_several_delegators)
{
    notes happened;
    auto inner = []() -> service {
        co_yield elements_of(numbers_to(2));
        co_return 3;
    };
    auto g = watching(wrapped(inner()), happened);
    BOOST_TEST(given(g.next()) == 1);
    BOOST_TEST(given(g.send(1)) == 1000);
    BOOST_TEST(happened == notes{"not sendable"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(an_exception_of_the_range_is_raised_in_the_delegator)
{
    auto body = []() -> service {
        auto fails_at_two = [](int n) {
            if (n == 2)
                throw failure{6};
            return n;
        };
        std::vector<int> const numbers{1, 2, 3};
        int caught = 0;
        try {
            co_yield elements_of(numbers | std::views::transform(fails_at_two));
        } catch (failure const& error) {
            caught = error.code;
        }
        co_yield caught;
        co_return 9;
    };
    auto g = wrapped(body());
    BOOST_TEST(given(g.next()) == 1);
    BOOST_TEST(given(g.next()) == 6);
    BOOST_TEST(g.next() == nullptr); // an error that was caught does not come back
    BOOST_TEST(g.result().value() == 109);
}

BOOST_AUTO_TEST_CASE(ranges_are_referred_to_where_they_are_lvalues_and_owned_otherwise)
{
    auto body = [](std::list<int>& lvalue) -> generator<int> {
        co_yield elements_of(lvalue);
        co_yield elements_of(std::as_const(lvalue));
        co_yield elements_of(std::list<int>(2, 3));
        int const array[] = {5, 6};
        co_yield elements_of(array);
    };
    std::list<int> numbers{1, 2};
    auto g = body(numbers);
    BOOST_TEST(g.next() == &numbers.front());
    BOOST_TEST(g.next() == &numbers.back());
    BOOST_TEST(g.next() == &numbers.front());
    BOOST_TEST(rest_of(g) == (std::vector{2, 3, 3, 5, 6}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(elements_are_converted)
{
    auto body = []() -> generator<std::string> {
        std::vector<char const*> const letters{"a", "b"};
        co_yield elements_of(letters);
        std::string const text = "cd";
        co_yield elements_of(text | std::views::transform([](char c) { return std::string(2, c); }));
    };
    auto g = body();
    for (auto const* expected : {"a", "b", "cc", "dd"})
        BOOST_TEST(given(g.next()) == expected);
    BOOST_TEST(g.next() == nullptr);
}

BOOST_AUTO_TEST_CASE(proxies_and_prvalues_of_a_view_are_elements)
{
    auto bits = []() -> generator<bool> { co_yield elements_of(std::vector<bool>(2, true)); };
    auto b = bits();
    BOOST_TEST(given(b.next()));
    BOOST_TEST(given(b.next()));
    BOOST_TEST(b.next() == nullptr);
    auto numbers = []() -> generator<int> { co_yield elements_of(std::views::iota(1, 4)); };
    BOOST_TEST(rest_of(numbers()) == (std::vector{1, 2, 3}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_range_that_can_be_walked_once_is_walked_element_by_element)
{
    std::istringstream in("1 2 3");
    auto body = [](std::istringstream& from) -> generator<int> {
        co_yield elements_of(std::views::istream<int>(from));
    };
    auto g = body(in);
    BOOST_TEST(given(g.next()) == 1);
    BOOST_TEST(in.tellg() == 1); // no element is read before it is asked for
    BOOST_TEST(rest_of(g) == (std::vector{2, 3}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_range_of_what_only_moves_is_owned_and_its_elements_pointed_to)
{
    auto body = []() -> generator<std::unique_ptr<int>> {
        std::vector<std::unique_ptr<int>> numbers;
        numbers.push_back(std::make_unique<int>(1));
        numbers.push_back(std::make_unique<int>(2));
        co_yield elements_of(std::move(numbers));
    };
    auto g = body();
    BOOST_TEST(*given(g.next()) == 1);
    BOOST_TEST(*given(g.next()) == 2);
    BOOST_TEST(g.next() == nullptr);
}

// Rule 30.
BOOST_AUTO_TEST_CASE(closing_exits_the_innermost_first)
{
    notes happened;
    auto g = watching(on_exit(answer::pass, happened), happened);
    g.next();
    BOOST_TEST(!g.close());
    BOOST_TEST(happened == (notes{"inner exit", "inner destroyed", "exit", "outer destroyed"}),
               boost::test_tools::per_element());
}

// Rule 30.
BOOST_AUTO_TEST_CASE(what_the_subgenerator_returns_on_exit_is_dropped_and_the_exit_goes_on_in_the_outer)
{
    notes happened;
    auto g = watching(on_exit(answer::return_value, happened), happened);
    g.next();
    BOOST_TEST(!g.close());
    BOOST_TEST(happened == (notes{"inner exit", "inner destroyed", "exit", "outer destroyed"}),
               boost::test_tools::per_element());
}

// Rule 30.
BOOST_AUTO_TEST_CASE(an_exit_thrown_in_closes_the_subgenerators_and_comes_out)
{
    for (bool pointer : {false, true}) {
        notes happened;
        auto g = watching(wrapped(on_exit(answer::pass, happened)), happened);
        g.next();
        if (pointer)
            BOOST_CHECK_THROW(g.throw_(std::make_exception_ptr(generator_exit{})), generator_exit);
        else
            BOOST_CHECK_THROW(g.throw_(generator_exit{}), generator_exit);
        BOOST_TEST(happened == (notes{"inner exit", "inner destroyed", "exit", "outer destroyed"}),
                   boost::test_tools::per_element());
    }
}

// Rule 30.
BOOST_AUTO_TEST_CASE(a_range_is_dropped_when_its_delegator_is_closed)
{
    auto body = [](notes& to) -> service {
        try {
            co_yield elements_of(numbers_to(2));
        } catch (generator_exit const&) {
            to.emplace_back("exit");
        }
        co_return 2;
    };
    notes happened;
    auto g = body(happened);
    g.next();
    BOOST_TEST(g.close().value() == 2);
    auto nested = wrapped(body(happened));
    nested.next();
    BOOST_TEST(!nested.close());
    BOOST_TEST(happened == (notes{"exit", "exit"}), boost::test_tools::per_element());
}

// Rule 31.
BOOST_AUTO_TEST_CASE(what_the_subgenerator_throws_on_exit_is_raised_in_the_outer_instead)
{
    notes happened;
    auto caught = watching(on_exit(answer::fail, happened), happened);
    caught.next();
    BOOST_TEST(given(caught.throw_(generator_exit{})) == 1000);
    BOOST_TEST(happened == (notes{"inner exit", "inner destroyed", "failure 6"}),
               boost::test_tools::per_element());
    auto not_caught = wrapped_times(3, on_exit(answer::fail, happened));
    not_caught.next();
    BOOST_CHECK_THROW(not_caught.close(), failure);
    BOOST_TEST(not_caught.state() == generator_state::closed);
}

// Rule 31: an error that one in the middle catches, so that it ends quietly, goes no further.
BOOST_AUTO_TEST_CASE(an_outer_that_ends_quietly_after_an_error_on_exit_lets_the_exit_go_on)
{
    auto quiet = [](service inner) -> service {
        try {
            co_yield elements_of(std::move(inner));
        } catch (failure const&) {
        }
        co_return 1;
    };
    notes happened;
    auto g = watching(quiet(on_exit(answer::fail, happened)), happened);
    g.next();
    BOOST_TEST(!g.close());
    BOOST_TEST(happened == (notes{"inner exit", "inner destroyed", "exit", "outer destroyed"}),
               boost::test_tools::per_element());
}

// Rule 32.
BOOST_AUTO_TEST_CASE(a_subgenerator_that_yields_on_exit_is_dropped_and_the_outer_gets_ignored_exit)
{
    notes happened;
    auto g = wrapped(on_exit(answer::yield, happened));
    g.next();
    BOOST_CHECK_THROW(g.close(), ignored_exit);
    BOOST_TEST(g.state() == generator_state::closed);
    BOOST_TEST(happened == (notes{"inner exit", "inner destroyed"}), boost::test_tools::per_element());
}

// Rule 32: also where it answers with a delegation of its own.
BOOST_AUTO_TEST_CASE(a_subgenerator_that_delegates_on_exit_is_dropped_with_what_it_delegates_to)
{
    notes happened;
    auto inner = [](notes& to) -> service {
        noted const local(to, "inner destroyed");
        bool exited = false;
        try {
            co_yield 1;
        } catch (generator_exit const&) {
            exited = true;
        }
        if (exited)
            co_yield elements_of(wrapped(on_exit(answer::pass, to)));
        co_return 2;
    };
    auto g = watching(inner(happened), happened);
    g.next();
    BOOST_TEST(given(g.throw_(generator_exit{})) == 1000);
    // "inner destroyed" twice: of what it delegated to, and its own; no handler ran.
    BOOST_TEST(happened == (notes{"inner destroyed", "inner destroyed", "ignored exit"}),
               boost::test_tools::per_element());
}

// Rule 33.
BOOST_AUTO_TEST_CASE(an_outer_that_catches_ignored_exit_and_yields_has_ignored_the_exit_itself)
{
    notes happened;
    auto closed = watching(on_exit(answer::yield, happened), happened);
    closed.next();
    BOOST_CHECK_THROW(closed.close(), ignored_exit);
    BOOST_TEST(closed.state() == generator_state::suspended);
    BOOST_TEST(!closed.close());
    BOOST_TEST(closed.state() == generator_state::closed);
}

// Rule 33.
BOOST_AUTO_TEST_CASE(an_exit_thrown_into_an_outer_that_catches_ignored_exit_gives_what_it_yields)
{
    notes happened;
    auto g = watching(on_exit(answer::yield, happened), happened);
    g.next();
    BOOST_TEST(given(g.throw_(generator_exit{})) == 1000);
    BOOST_TEST(g.next() == nullptr);
    BOOST_TEST(g.result().value() == 1);
}

BOOST_AUTO_TEST_CASE(an_exit_caught_by_an_outer_lets_it_go_on)
{
    auto body = [](notes& to) -> service {
        try {
            co_yield elements_of(wrapped(on_exit(answer::pass, to)));
        } catch (generator_exit const&) {
            to.emplace_back("caught");
        }
        co_yield elements_of(sums(40));
        co_return 3;
    };
    notes happened;
    auto g = body(happened);
    g.next();
    BOOST_TEST(given(g.throw_(generator_exit{})) == 40);
    BOOST_TEST(given(g.send(2)) == 42);
    BOOST_TEST(g.send(-1) == nullptr);
    BOOST_TEST(g.result().value() == 3);
    BOOST_TEST(happened == (notes{"inner exit", "inner destroyed", "caught"}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
