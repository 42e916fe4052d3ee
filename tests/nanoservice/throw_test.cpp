// Exceptions thrown in: rules 8 to 13 of the generator, and what a body can learn of them through as_result.
#include "nanoservice/support.hpp"

#include <boost/test/unit_test.hpp>

#include <concepts>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

using namespace nanoservice_test;

namespace {

// Yields 1, then the code of each failure thrown in.
generator<int, int, int> show_failures()
{
    for (int shown = 1;;) {
        try {
            co_yield shown;
            co_return shown;
        } catch (failure const& error) {
            shown = error.code;
        }
    }
}

generator<int, void, int> one_two()
{
    co_yield 1;
    co_yield 2;
    co_return 3;
}

// Yields what `look` makes of the first thing that it is resumed with.
template <class Look>
generator<std::string> describe(Look look)
{
    std::string description = "?";
    {
        auto const received = co_yield as_result(description);
        description = look(received);
    }
    co_yield description;
}

template <class Look, class E>
std::string described(Look look, E&& error)
{
    auto g = describe(look);
    g.next();
    return given(g.throw_(std::forward<E>(error)));
}

std::string raise(resumption<void> const& received)
{
    received.rethrow();
    return "not reached";
}

template <class E>
concept can_be_thrown = requires(generator<int>& g, E&& error) { g.throw_(std::forward<E>(error)); };

struct only_moves {
    explicit only_moves(int n) : code(std::make_unique<int>(n)) {}
    std::unique_ptr<int> code;
};

struct left {
    virtual ~left() = default;
    int in_left = 1;
};
struct right {
    virtual ~right() = default;
    int in_right = 2;
};
struct both : left, right {};
struct hidden : private left {};
struct twice_left_a : left {};
struct twice_left_b : left {};
struct ambiguous : twice_left_a, twice_left_b {};
struct last final : std::runtime_error {
    using std::runtime_error::runtime_error;
};

} // namespace

BOOST_AUTO_TEST_SUITE(throwing)

// Rule 8.
BOOST_AUTO_TEST_CASE(an_exception_caught_by_the_body_gives_what_it_yields_next)
{
    auto g = show_failures();
    g.next();
    BOOST_TEST(given(g.throw_(failure{5})) == 5);
    BOOST_TEST(given(g.throw_(failure{6})) == 6);
    BOOST_TEST(g.state() == generator_state::suspended);
}

// Rule 9.
BOOST_AUTO_TEST_CASE(an_exception_that_is_not_caught_comes_out_and_closes_the_generator)
{
    auto g = one_two();
    g.next();
    BOOST_CHECK_EXCEPTION(g.throw_(failure{5}), failure,
                          [](failure const& error) { return error.code == 5; });
    BOOST_TEST(g.state() == generator_state::closed);
    BOOST_TEST(!g.result());
}

// Rule 10.
BOOST_AUTO_TEST_CASE(a_body_that_catches_and_returns_gives_null_and_its_result)
{
    auto body = []() -> generator<int, void, int> {
        try {
            co_yield 1;
        } catch (failure const& error) {
            co_return error.code;
        }
        co_return 0;
    };
    auto g = body();
    g.next();
    BOOST_TEST(g.throw_(failure{5}) == nullptr);
    BOOST_TEST(g.result().value() == 5);
}

// Rule 11.
BOOST_AUTO_TEST_CASE(what_the_handler_throws_instead_comes_out)
{
    auto body = []() -> generator<int> {
        try {
            co_yield 1;
        } catch (failure const&) {
            throw named_failure("instead");
        }
    };
    auto g = body();
    g.next();
    BOOST_CHECK_THROW(g.throw_(failure{5}), named_failure);
    BOOST_TEST(g.state() == generator_state::closed);
}

// Rule 12.
BOOST_AUTO_TEST_CASE(an_exception_thrown_into_a_created_generator_is_raised_at_the_caller_and_closes_it)
{
    notes happened;
    tally count;
    auto body = [](notes& to, counted) -> generator<int> {
        to.emplace_back("ran");
        try {
            co_yield 1;
        } catch (failure const&) {
            to.emplace_back("caught");
        }
    };
    auto g = body(happened, counted(count));
    BOOST_CHECK_THROW(g.throw_(failure{5}), failure);
    BOOST_TEST(happened.empty());
    BOOST_TEST(g.state() == generator_state::closed);
    BOOST_TEST(count.alive() == 0);
    auto other = body(happened, counted(count));
    BOOST_CHECK_THROW(other.throw_(std::make_exception_ptr(failure{5})), failure);
    BOOST_TEST(other.next() == nullptr);
    auto exiting = body(happened, counted(count));
    BOOST_CHECK_THROW(exiting.throw_(generator_exit{}), generator_exit);
    BOOST_TEST(happened.empty());
}

// Rule 13.
BOOST_AUTO_TEST_CASE(an_exception_thrown_into_a_closed_generator_is_raised_at_the_caller)
{
    auto g = one_two();
    g.close();
    BOOST_CHECK_THROW(g.throw_(failure{5}), failure);
    BOOST_CHECK_THROW(g.throw_(std::make_exception_ptr(failure{6})), failure);
    BOOST_CHECK_THROW(g.throw_(generator_exit{}), generator_exit);
    BOOST_TEST(g.state() == generator_state::closed);
}

BOOST_AUTO_TEST_CASE(an_exception_pointer_raises_what_it_points_to)
{
    auto g = show_failures();
    g.next();
    auto const pointer = std::make_exception_ptr(failure{7});
    BOOST_TEST(given(g.throw_(pointer)) == 7);
    BOOST_TEST(given(g.throw_(pointer)) == 7);
    BOOST_CHECK_THROW(g.throw_(std::make_exception_ptr(named_failure("out"))), named_failure);
}

BOOST_AUTO_TEST_CASE(the_very_object_that_an_exception_pointer_points_to_comes_out)
{
    auto g = one_two();
    g.next();
    auto const pointer = std::make_exception_ptr(failure{7});
    failure const* object = nullptr;
    try {
        std::rethrow_exception(pointer);
    } catch (failure const& error) {
        object = &error;
    }
    BOOST_CHECK_EXCEPTION(g.throw_(pointer), failure, [&](failure const& error) { return &error == object; });
}

BOOST_AUTO_TEST_CASE(a_null_exception_pointer_is_an_invalid_argument_and_nothing_happens)
{
    auto g = one_two();
    BOOST_CHECK_THROW(g.throw_(std::exception_ptr()), std::invalid_argument);
    BOOST_TEST(g.state() == generator_state::created);
    g.next();
    BOOST_CHECK_THROW(g.throw_(nullptr), std::invalid_argument);
    BOOST_TEST(given(g.next()) == 2);
}

BOOST_AUTO_TEST_CASE(a_handler_of_a_base_catches_what_was_thrown_in)
{
    auto body = []() -> generator<std::string> {
        std::string shown;
        for (;;) {
            try {
                co_yield shown;
            } catch (std::exception const& error) {
                shown = error.what();
            }
        }
    };
    auto g = body();
    g.next();
    BOOST_TEST(given(g.throw_(named_failure("a name"))) == "a name");
    named_failure const constant("constant");
    BOOST_TEST(given(g.throw_(constant)) == "constant");
    named_failure lvalue("lvalue");
    BOOST_TEST(given(g.throw_(lvalue)) == "lvalue");
    BOOST_TEST(lvalue.what() == "lvalue");
    BOOST_CHECK_THROW(g.throw_(generator_exit{}), generator_exit); // not a std::exception
}

BOOST_AUTO_TEST_CASE(an_exception_that_only_moves_is_thrown_in)
{
    auto body = []() -> generator<int> {
        int shown = 1;
        for (;;) {
            try {
                co_yield shown;
            } catch (only_moves const& error) {
                shown = *error.code;
            }
        }
    };
    auto g = body();
    g.next();
    BOOST_TEST(given(g.throw_(only_moves(4))) == 4);
    only_moves lvalue(5);
    BOOST_TEST(given(g.throw_(std::move(lvalue))) == 5);
    static_assert(can_be_thrown<only_moves>);
    static_assert(!can_be_thrown<only_moves&>);
    static_assert(!can_be_thrown<only_moves const&>);
}

BOOST_AUTO_TEST_CASE(an_exception_whose_copy_throws_is_replaced_by_what_that_throws)
{
    struct fragile {
        fragile() = default;
        fragile(fragile const&) { throw failure{9}; }
    };
    auto g = show_failures();
    g.next();
    BOOST_TEST(given(g.throw_(fragile{})) == 9);
}

BOOST_AUTO_TEST_CASE(strings_and_numbers_are_thrown_as_they_are_in_cpp)
{
    auto body = []() -> generator<std::string> {
        std::string shown;
        for (;;) {
            try {
                co_yield shown;
            } catch (char const* text) {
                shown = text;
            } catch (int number) {
                shown = std::to_string(number);
            }
        }
    };
    auto g = body();
    g.next();
    BOOST_TEST(given(g.throw_("text")) == "text");
    BOOST_TEST(given(g.throw_(42)) == "42");
    int const constant = 43;
    BOOST_TEST(given(g.throw_(constant)) == "43");
}

BOOST_AUTO_TEST_CASE(what_was_yielded_may_be_thrown_back)
{
    auto body = []() -> generator<failure> {
        int code = 1;
        for (;;) {
            try {
                co_yield failure{code};
            } catch (failure const& error) {
                code = error.code + 1;
            }
        }
    };
    auto g = body();
    g.next();
    BOOST_TEST(given(g.throw_(given(g.next()))).code == 2);
}

BOOST_AUTO_TEST_CASE(a_generator_is_resumed_while_its_caller_handles_an_exception)
{
    auto g = show_failures();
    g.next();
    try {
        throw named_failure("outside");
    } catch (named_failure const&) {
        BOOST_TEST(given(g.throw_(failure{2})) == 2);
        BOOST_TEST(given(g.throw_(failure{3})) == 3);
        BOOST_CHECK_THROW(throw, named_failure);
    }
}

BOOST_AUTO_TEST_CASE(as_result_shows_the_very_object_thrown_in)
{
    failure error{5};
    void const* seen = nullptr;
    auto look = [&seen](auto const& received) {
        seen = received.template get_if<failure>();
        return std::string(received.has_value() ? "value" : "exception");
    };
    BOOST_TEST(described(look, error) == "exception");
    BOOST_TEST(seen == &error);
}

BOOST_AUTO_TEST_CASE(get_if_finds_public_bases_where_they_are)
{
    auto look = [](auto const& received) {
        auto const* const l = received.template get_if<left>();
        auto const* const r = received.template get_if<right>();
        auto const* const b = received.template get_if<both>();
        BOOST_TEST_REQUIRE((l != nullptr && r != nullptr && b != nullptr));
        return std::to_string(l->in_left) + std::to_string(r->in_right);
    };
    BOOST_TEST(described(look, both{}) == "12");
    BOOST_TEST(described(look, std::make_exception_ptr(both{})) == "12");
}

BOOST_AUTO_TEST_CASE(get_if_finds_a_base_only_where_a_handler_would)
{
    auto look = [](auto const& received) {
        return std::string(received.template get_if<left>() != nullptr ? "left" : "none");
    };
    BOOST_TEST(described(look, left{}) == "left");
    BOOST_TEST(described(look, hidden{}) == "none");
    BOOST_TEST(described(look, ambiguous{}) == "none");
    BOOST_TEST(described(look, std::make_exception_ptr(hidden{})) == "none");
    BOOST_TEST(described(look, std::make_exception_ptr(ambiguous{})) == "none");
    BOOST_TEST(described(look, right{}) == "none");
    BOOST_TEST(described(look, 1) == "none");
    BOOST_TEST(described(look, "text") == "none");
}

BOOST_AUTO_TEST_CASE(get_if_finds_final_classes_and_their_bases)
{
    auto look = [](auto const& received) {
        BOOST_TEST(received.template get_if<generator_exit>() == nullptr);
        auto const* const exact = received.template get_if<last>();
        auto const* const base = received.template get_if<std::exception>();
        BOOST_TEST_REQUIRE((exact != nullptr && base != nullptr));
        BOOST_TEST(static_cast<std::exception const*>(exact) == base);
        return std::string(base->what());
    };
    BOOST_TEST(described(look, last("typed")) == "typed");
    BOOST_TEST(described(look, std::make_exception_ptr(last("pointer"))) == "pointer");
}

BOOST_AUTO_TEST_CASE(get_if_finds_numbers_by_their_very_type)
{
    auto look = [](auto const& received) {
        BOOST_TEST(received.template get_if<long>() == nullptr);
        auto const* const number = received.template get_if<int>();
        return std::to_string(number != nullptr ? *number : -1);
    };
    BOOST_TEST(described(look, 7) == "7");
    BOOST_TEST(described(look, std::make_exception_ptr(8)) == "8");
    BOOST_TEST(described(look, 9U) == "-1");
}

BOOST_AUTO_TEST_CASE(get_if_is_null_where_next_resumed)
{
    auto g = describe([](auto const& received) {
        BOOST_TEST(received.has_value());
        return std::string(received.template get_if<std::exception>() == nullptr ? "null" : "found");
    });
    g.next();
    BOOST_TEST(given(g.next()) == "null");
}

BOOST_AUTO_TEST_CASE(rethrow_raises_what_was_received_as_often_as_wanted)
{
    auto look = [](auto const& received) {
        for (int time = 0; time < 3; ++time)
            BOOST_CHECK_EXCEPTION(received.rethrow(), failure,
                                  [](auto const& error) { return error.code == 6; });
        return std::string("done");
    };
    BOOST_TEST(described(look, failure{6}) == "done");
    BOOST_TEST(described(look, std::make_exception_ptr(failure{6})) == "done");
}

BOOST_AUTO_TEST_CASE(rethrow_of_what_only_moves_moves_it)
{
    auto look = [](auto const& received) {
        try {
            received.rethrow();
        } catch (only_moves const& error) {
            return std::to_string(*error.code);
        }
    };
    BOOST_TEST(described(look, only_moves(6)) == "6");
}

BOOST_AUTO_TEST_CASE(what_is_rethrown_and_not_caught_comes_out)
{
    auto g = describe(raise);
    g.next();
    BOOST_CHECK_THROW(g.throw_(failure{1}), failure);
    BOOST_TEST(g.state() == generator_state::closed);
}

BOOST_AUTO_TEST_CASE(rethrow_without_an_exception_is_a_generator_error)
{
    auto nothing_sent = describe(raise);
    nothing_sent.next();
    BOOST_CHECK_THROW(nothing_sent.next(), generator_error);

    auto body = []() -> generator<int, int> {
        auto const received = co_yield as_result(1);
        received.rethrow();
    };
    auto g = body();
    g.next();
    BOOST_CHECK_THROW(g.send(1), generator_error);
}

BOOST_AUTO_TEST_CASE(throwing_copies_an_exception_once_and_receiving_it_not_at_all)
{
    tally thrown_count;
    auto received =
        describe([](auto const& r) { return std::string(r.has_value() ? "value" : "exception"); });
    received.next();
    {
        counted const error(thrown_count);
        BOOST_TEST(given(received.throw_(error)) == "exception");
        BOOST_TEST(thrown_count.copied == 0);
        auto raised = one_two();
        raised.next();
        BOOST_CHECK_THROW(raised.throw_(error), counted);
        BOOST_TEST(thrown_count.copied == 1);
    }
    BOOST_TEST(thrown_count.alive() == 0);
}

BOOST_AUTO_TEST_CASE(the_errors_of_use_are_logic_errors_of_one_family)
{
    static_assert(std::derived_from<generator_error, std::logic_error>);
    static_assert(std::derived_from<already_executing, generator_error>);
    static_assert(std::derived_from<not_started, generator_error>);
    static_assert(std::derived_from<ignored_exit, generator_error>);
    static_assert(std::derived_from<not_sendable, generator_error>);
    static_assert(std::derived_from<no_value, generator_error>);
    static_assert(!std::derived_from<generator_exit, std::exception>);
    BOOST_TEST(std::string(ignored_exit().what()) == "generator ignored generator_exit");
}

BOOST_AUTO_TEST_SUITE_END()
