// Resumption with next and send: rules 1 to 7 of the generator, and what yields, values and results may be.
#include "nanoservice/support.hpp"

#include <boost/test/unit_test.hpp>

#include <any>
#include <memory>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

using namespace nanoservice_test;

namespace {

generator<int, int> running_total()
{
    for (int total = 0;;)
        total += co_yield total;
}

generator<int> one_two()
{
    co_yield 1;
    co_yield 2;
}

generator<int, int, std::string> ask_once()
{
    int const answer = co_yield 1;
    co_return "answer " + std::to_string(answer);
}

struct number {
    explicit number(int n) : value(n) {}
    int value;
};

struct point {
    point(int h = 0, int v = 0) : x(h), y(v) {}
    int x;
    int y;
};

} // namespace

BOOST_AUTO_TEST_SUITE(resume)

// Rule 1.
BOOST_AUTO_TEST_CASE(next_runs_a_created_generator_to_its_first_yield)
{
    notes happened;
    auto body = [](notes& to) -> generator<int> {
        to.emplace_back("before");
        co_yield 1;
        to.emplace_back("after");
    };
    auto g = body(happened);
    BOOST_TEST(g.state() == generator_state::created);
    BOOST_TEST(happened.empty());
    BOOST_TEST(given(g.next()) == 1);
    BOOST_TEST(g.state() == generator_state::suspended);
    BOOST_TEST(happened == notes{"before"}, boost::test_tools::per_element());
}

// Rule 2.
BOOST_AUTO_TEST_CASE(a_value_sent_before_the_first_yield_is_refused_and_nothing_runs)
{
    auto g = running_total();
    BOOST_CHECK_THROW(g.send(5), not_started);
    BOOST_CHECK_THROW(g.send(0), not_started);
    BOOST_TEST(g.state() == generator_state::created);
    BOOST_TEST(given(g.next()) == 0);
    BOOST_TEST(given(g.send(5)) == 5);
}

// Rule 3.
BOOST_AUTO_TEST_CASE(a_value_sent_is_what_the_yield_expression_gives)
{
    auto g = running_total();
    g.next();
    BOOST_TEST(given(g.send(2)) == 2);
    BOOST_TEST(given(g.send(40)) == 42);
}

// Rule 4.
BOOST_AUTO_TEST_CASE(next_gives_the_yield_expression_a_default_value)
{
    auto g = running_total();
    g.next();
    g.send(7);
    BOOST_TEST(given(g.next()) == 7);
}

// Rule 4.
BOOST_AUTO_TEST_CASE(next_raises_no_value_in_the_body_where_a_value_cannot_be_made_from_nothing)
{
    auto body = []() -> generator<int, number> {
        int shown = 0;
        for (;;) {
            try {
                shown = (co_yield shown).value;
            } catch (no_value const&) {
                shown = -1;
            }
        }
    };
    auto g = body();
    BOOST_TEST(given(g.next()) == 0);
    BOOST_TEST(given(g.next()) == -1);
    BOOST_TEST(given(g.send(number(3))) == 3);
    BOOST_TEST(given(g.next()) == -1);
}

// Rule 4.
BOOST_AUTO_TEST_CASE(no_value_comes_out_where_the_body_does_not_catch_it)
{
    auto body = []() -> generator<int, number> { co_yield (co_yield 1).value; };
    auto g = body();
    g.next();
    BOOST_CHECK_THROW(g.next(), no_value);
    BOOST_TEST(g.state() == generator_state::closed);
}

// Rule 4.
BOOST_AUTO_TEST_CASE(no_value_is_received_as_a_result_too)
{
    auto body = []() -> generator<int, number> {
        auto const received = co_yield as_result(1);
        co_yield received.get_if<no_value>() != nullptr ? 10 : 20;
    };
    auto g = body();
    g.next();
    BOOST_TEST(given(g.next()) == 10);
}

// Rule 5.
BOOST_AUTO_TEST_CASE(what_the_body_returns_is_the_result)
{
    auto g = ask_once();
    BOOST_TEST(!g.result());
    g.next();
    BOOST_TEST(!g.result());
    BOOST_TEST(g.send(42) == nullptr);
    BOOST_TEST(g.state() == generator_state::closed);
    BOOST_TEST_REQUIRE(g.result().has_value());
    BOOST_TEST(*g.result() == "answer 42");
}

// Rule 5.
BOOST_AUTO_TEST_CASE(a_body_may_return_before_it_yields)
{
    auto body = []() -> generator<int, void, int> { co_return 9; };
    auto g = body();
    BOOST_TEST(g.next() == nullptr);
    BOOST_TEST(g.result().value() == 9);
}

// Rule 6.
BOOST_AUTO_TEST_CASE(a_closed_generator_gives_null_to_next_and_send)
{
    auto g = ask_once();
    g.next();
    g.send(1);
    BOOST_TEST(g.next() == nullptr);
    BOOST_TEST(g.send(2) == nullptr);
    BOOST_TEST(g.next() == nullptr);
    BOOST_TEST(g.result().value() == "answer 1");
}

// Rule 7.
BOOST_AUTO_TEST_CASE(an_exception_in_the_body_comes_out_and_closes_the_generator)
{
    auto body = []() -> generator<int, int, int> {
        int const code = co_yield 1;
        throw failure{code};
    };
    auto g = body();
    g.next();
    BOOST_CHECK_EXCEPTION(g.send(3), failure, [](failure const& error) { return error.code == 3; });
    BOOST_TEST(g.state() == generator_state::closed);
    BOOST_TEST(g.next() == nullptr);
    BOOST_TEST(!g.result());
}

// Rule 7.
BOOST_AUTO_TEST_CASE(an_exception_before_the_first_yield_comes_out_of_next)
{
    auto body = [](bool fail) -> generator<int> {
        if (fail)
            throw failure{1};
        co_yield 1;
    };
    auto g = body(true);
    BOOST_CHECK_THROW(g.next(), failure);
    BOOST_TEST(g.state() == generator_state::closed);
}

BOOST_AUTO_TEST_CASE(an_exception_while_locals_are_destroyed_after_co_return_leaves_no_result)
{
    struct bad_farewell {
        ~bad_farewell() noexcept(false) { throw failure{1}; }
    };
    auto body = []() -> generator<int, void, int> {
        bad_farewell const local{};
        co_yield 1;
        co_return 7;
    };
    auto g = body();
    g.next();
    BOOST_CHECK_THROW(g.next(), failure);
    BOOST_TEST(g.state() == generator_state::closed);
    BOOST_TEST(!g.result());
}

BOOST_AUTO_TEST_CASE(state_is_running_inside)
{
    generator<generator_state>* self = nullptr;
    auto body = [](generator<generator_state>*& me) -> generator<generator_state> { co_yield me->state(); };
    auto g = body(self);
    self = &g;
    BOOST_TEST(given(g.next()) == generator_state::running);
}

BOOST_AUTO_TEST_CASE(the_pointer_is_to_the_operand_itself)
{
    int local = 0;
    auto body = [](int& place) -> generator<int> {
        co_yield place;
        std::ignore = co_yield as_result(place);
        std::ignore = co_yield as_result(std::as_const(place));
    };
    auto g = body(local);
    BOOST_TEST(g.next() == &local);
    BOOST_TEST(g.next() == &local);
    BOOST_TEST(g.next() == &local);
}

BOOST_AUTO_TEST_CASE(operands_are_converted)
{
    auto body = []() -> generator<std::string, std::string> {
        char const* const text = "text";
        co_yield text;
        co_yield "literal";
        co_yield {};
        std::ignore = co_yield as_result("received");
        std::ignore = co_yield as_result(text);
        co_yield std::string("temporary");
    };
    auto g = body();
    for (auto const* expected : {"text", "literal", "", "received", "text", "temporary"})
        BOOST_TEST(given(g.next()) == expected);
    BOOST_TEST(g.next() == nullptr);
}

BOOST_AUTO_TEST_CASE(operands_values_and_results_are_made_from_braces)
{
    auto body = []() -> generator<point, point, point> {
        point const received = co_yield {1, 2};
        co_yield {received.y, received.x};
        co_return {5, 6};
    };
    auto g = body();
    BOOST_TEST(given(g.next()).y == 2);
    BOOST_TEST(given(g.send({3, 4})).x == 4);
    BOOST_TEST(g.next() == nullptr);
    BOOST_TEST(g.result().value().y == 6);
}

BOOST_AUTO_TEST_CASE(operands_that_only_move_are_yielded)
{
    using pointer = std::unique_ptr<int const>;
    auto body = []() -> generator<pointer> {
        co_yield std::make_unique<int const>(1);
        auto local = std::make_unique<int const>(2);
        co_yield local;
        std::ignore = co_yield as_result(local);
        std::ignore = co_yield as_result(std::make_unique<int const>(3));
        co_yield std::make_unique<int>(4);
        std::ignore = co_yield as_result(std::make_unique<int>(5));
    };
    auto g = body();
    for (int expected : {1, 2, 2, 3, 4, 5})
        BOOST_TEST(*given(g.next()) == expected);
}

BOOST_AUTO_TEST_CASE(a_yield_type_that_takes_anything_does_not_swallow_the_wrappers)
{
    auto inner = []() -> generator<std::any> { co_yield 2; };
    auto body = [](auto from) -> generator<std::any> {
        [[maybe_unused]] auto const received = co_yield as_result(1);
        co_yield elements_of(from());
        co_yield std::any(3);
    };
    auto g = body(inner);
    for (int expected : {1, 2, 3}) {
        auto const* const number = std::any_cast<int>(g.next());
        BOOST_TEST_REQUIRE(number != nullptr);
        BOOST_TEST(*number == expected);
    }
}

BOOST_AUTO_TEST_CASE(sent_values_are_converted)
{
    auto body = []() -> generator<std::string, std::string> {
        std::string received;
        for (;;)
            received = co_yield received;
    };
    auto g = body();
    g.next();
    BOOST_TEST(given(g.send("literal")) == "literal");
    BOOST_TEST(given(g.send({2, 'y'})) == "\2y");
    BOOST_TEST(given(g.send({})) == "");
    std::string const constant = "constant";
    BOOST_TEST(given(g.send(constant)) == "constant");
    std::string lvalue = "lvalue";
    BOOST_TEST(given(g.send(lvalue)) == "lvalue");
    BOOST_TEST(lvalue == "lvalue");
    BOOST_TEST(given(g.send(std::move(lvalue))) == "lvalue");
}

BOOST_AUTO_TEST_CASE(values_that_only_move_are_sent)
{
    auto body = []() -> generator<int, std::unique_ptr<int>> {
        int shown = 0;
        for (bool turn = false;; turn = !turn) {
            if (turn) {
                auto const received = co_yield shown;
                shown = received ? *received : -1;
            } else {
                auto const received = co_yield as_result(shown);
                shown = *received ? **received : -1;
            }
        }
    };
    auto g = body();
    g.next();
    BOOST_TEST(given(g.send(std::make_unique<int>(1))) == 1);
    BOOST_TEST(given(g.send(std::make_unique<int>(2))) == 2);
    BOOST_TEST(given(g.send(nullptr)) == -1);
    BOOST_TEST(given(g.next()) == -1);
}

BOOST_AUTO_TEST_CASE(what_was_yielded_may_be_sent_back)
{
    auto body = []() -> generator<std::string, std::string> {
        std::string text = "a";
        for (;;)
            text += co_yield text;
    };
    auto g = body();
    auto const* const yielded = g.next();
    BOOST_TEST(given(g.send(*yielded)) == "aa");
}

BOOST_AUTO_TEST_CASE(a_value_received_as_a_result_is_reached_as_through_a_pointer)
{
    auto body = []() -> generator<std::string, std::string> {
        auto received = co_yield as_result("");
        auto const& constant = received;
        BOOST_TEST(received.has_value());
        BOOST_TEST(received->size() == constant->size());
        received->push_back('!');
        std::string const copy = *constant;
        std::string const moved = *std::move(received);
        BOOST_TEST(copy == moved);
        co_yield moved;
    };
    auto g = body();
    g.next();
    BOOST_TEST(given(g.send("value")) == "value!");
}

BOOST_AUTO_TEST_CASE(as_result_tells_that_next_resumed_where_nothing_can_be_sent)
{
    auto body = []() -> generator<int> {
        auto const received = co_yield as_result(1);
        co_yield received.has_value() ? 2 : 3;
    };
    auto g = body();
    g.next();
    BOOST_TEST(given(g.next()) == 2);
}

BOOST_AUTO_TEST_CASE(results_are_moved_and_converted)
{
    auto moved = []() -> generator<int, void, std::unique_ptr<int>> {
        auto local = std::make_unique<int>(1);
        co_yield 0;
        co_return local;
    };
    auto converted = []() -> generator<int, void, std::string> {
        co_yield 0;
        co_return "text";
    };
    auto a = moved();
    auto b = converted();
    a.next();
    b.next();
    BOOST_TEST(a.next() == nullptr);
    BOOST_TEST(b.next() == nullptr);
    BOOST_TEST(*a.result().value() == 1);
    BOOST_TEST(b.result().value() == "text");
}

BOOST_AUTO_TEST_CASE(a_result_whose_move_throws_comes_out_as_that_and_the_generator_is_closed)
{
    struct fragile {
        explicit fragile(int n) : moves_left(n) {}
        fragile(fragile&& other) : moves_left(other.moves_left - 1)
        {
            if (moves_left < 0)
                throw failure{8};
        }
        int moves_left;
    };
    auto body = [](int moves) -> generator<int, void, fragile> {
        co_yield 0;
        co_return fragile(moves);
    };
    auto into_the_promise = body(0);
    into_the_promise.next();
    BOOST_CHECK_THROW(into_the_promise.next(), failure);
    BOOST_TEST(into_the_promise.state() == generator_state::closed);
    BOOST_TEST(!into_the_promise.result());

    auto into_the_generator = body(1);
    into_the_generator.next();
    BOOST_CHECK_THROW(into_the_generator.next(), failure);
    BOOST_TEST(into_the_generator.state() == generator_state::closed);
    BOOST_TEST(!into_the_generator.result());
    BOOST_TEST(into_the_generator.next() == nullptr);

    auto well = body(2);
    well.next();
    BOOST_TEST(well.next() == nullptr);
    BOOST_TEST(well.result().has_value());
}

BOOST_AUTO_TEST_CASE(a_result_need_not_be_assignable)
{
    struct constant {
        int const value;
        explicit constant(int n) : value(n) {}
    };
    auto body = []() -> generator<int, void, constant> {
        co_yield 0;
        co_return constant(4);
    };
    auto g = body();
    g.next();
    BOOST_TEST(g.next() == nullptr);
    auto const moved = std::move(g);
    BOOST_TEST(std::move(g).result().has_value() == false);
}

BOOST_AUTO_TEST_CASE(generators_move_but_do_not_copy)
{
    static_assert(std::is_nothrow_move_constructible_v<generator<int>>);
    static_assert(std::is_nothrow_move_assignable_v<generator<int, int, std::string>>);
    static_assert(!std::is_copy_constructible_v<generator<int>>);
    static_assert(!std::is_copy_assignable_v<generator<int>>);

    auto first = running_total();
    first.next();
    first.send(5);
    auto second = std::move(first);
    BOOST_TEST(first.state() == generator_state::closed);
    BOOST_TEST(first.next() == nullptr);
    BOOST_TEST(given(second.send(1)) == 6);
    first = std::move(second);
    BOOST_TEST(given(first.send(1)) == 7);
    BOOST_TEST(second.next() == nullptr);
}

BOOST_AUTO_TEST_CASE(a_result_moves_with_its_generator)
{
    auto from = ask_once();
    from.next();
    from.send(1);
    auto to = std::move(from);
    BOOST_TEST(!from.result());
    BOOST_TEST(to.result().value() == "answer 1");
    from = std::move(to);
    BOOST_TEST(!to.result());
    BOOST_TEST(from.result().value() == "answer 1");
}

BOOST_AUTO_TEST_CASE(assignment_destroys_what_was_there)
{
    notes happened;
    auto body = [](notes& to, char const* name) -> generator<int> {
        noted const local(to, name);
        co_yield 1;
        co_yield 2;
    };
    auto a = body(happened, "a");
    auto b = body(happened, "b");
    a.next();
    b.next();
    a = std::move(b);
    BOOST_TEST(happened == notes{"a"}, boost::test_tools::per_element());
    BOOST_TEST(given(a.next()) == 2);
}

BOOST_AUTO_TEST_CASE(assignment_to_itself_changes_nothing)
{
    auto g = one_two();
    g.next();
    auto& same = g;
    g = std::move(same);
    BOOST_TEST(given(g.next()) == 2);
}

BOOST_AUTO_TEST_CASE(a_closed_generator_has_freed_its_locals_and_parameters)
{
    tally count;
    auto body = [](counted, tally& in) -> generator<int> {
        counted const local(in);
        co_yield 1;
    };
    auto g = body(counted(count), count);
    g.next();
    BOOST_TEST(count.alive() == 2);
    BOOST_TEST(g.next() == nullptr);
    BOOST_TEST(count.alive() == 0);
}

BOOST_AUTO_TEST_SUITE_END()
