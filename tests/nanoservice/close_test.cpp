// Closing and destruction: rules 14 to 21 of the generator.
#include "nanoservice/support.hpp"

#include <boost/test/unit_test.hpp>

#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

using namespace nanoservice_test;

namespace {

// Catches generator_exit `times` times, and yields 10, 11, … instead of ending; then returns 99.
generator<int, void, int> stubborn(int times)
{
    int shown = 0;
    for (int caught = 0; caught < times;) {
        try {
            co_yield shown;
        } catch (generator_exit const&) {
            shown = 10 + caught++;
        }
    }
    try {
        co_yield shown;
    } catch (generator_exit const&) {
        co_return 99;
    }
    co_return 0;
}

generator<int, void, int> noisy(notes& to)
{
    noted const local(to, "local");
    try {
        co_yield 1;
    } catch (...) {
        to.emplace_back("handler");
        throw;
    }
    co_return 2;
}

} // namespace

BOOST_AUTO_TEST_SUITE(closing)

// Rule 14.
BOOST_AUTO_TEST_CASE(closing_a_created_generator_does_not_run_its_body)
{
    notes happened;
    tally count;
    auto body = [](notes& to, counted) -> generator<int, void, int> {
        to.emplace_back("ran");
        co_yield 1;
        co_return 2;
    };
    auto g = body(happened, counted(count));
    BOOST_TEST(!g.close());
    BOOST_TEST(g.state() == generator_state::closed);
    BOOST_TEST(happened.empty());
    BOOST_TEST(count.alive() == 0);
    BOOST_TEST(g.next() == nullptr);
}

// Rule 15.
BOOST_AUTO_TEST_CASE(closing_a_closed_generator_does_nothing)
{
    auto g = stubborn(0);
    g.next();
    BOOST_TEST(g.close().value() == 99);
    BOOST_TEST(!g.close());
    BOOST_TEST(!g.close());
    BOOST_TEST(g.state() == generator_state::closed);
}

// Rule 15.
BOOST_AUTO_TEST_CASE(closing_a_generator_that_has_returned_gives_nothing)
{
    auto body = []() -> generator<int, void, int> { co_return 5; };
    auto g = body();
    g.next();
    BOOST_TEST(!g.close());
    BOOST_TEST(g.result().value() == 5);
}

// Rule 15.
BOOST_AUTO_TEST_CASE(closing_a_generator_that_has_failed_gives_nothing)
{
    auto g = stubborn(0);
    g.next();
    BOOST_CHECK_THROW(g.throw_(failure{1}), failure);
    BOOST_TEST(!g.close());
}

// Rule 16.
BOOST_AUTO_TEST_CASE(closing_destroys_the_locals_and_returns_where_the_exit_is_not_caught)
{
    notes happened;
    auto g = noisy(happened);
    g.next();
    BOOST_TEST(!g.close());
    BOOST_TEST(happened == (notes{"handler", "local"}), boost::test_tools::per_element());
    BOOST_TEST(g.state() == generator_state::closed);
    BOOST_TEST(!g.result());
}

// Rule 16.
BOOST_AUTO_TEST_CASE(an_exit_raised_again_through_an_exception_pointer_is_a_quiet_end_too)
{
    auto body = []() -> generator<int> {
        std::exception_ptr caught;
        try {
            co_yield 1;
        } catch (...) {
            caught = std::current_exception();
        }
        std::rethrow_exception(caught);
    };
    auto g = body();
    g.next();
    BOOST_CHECK_NO_THROW(g.close());
    BOOST_TEST(g.state() == generator_state::closed);
}

// Rule 17.
BOOST_AUTO_TEST_CASE(closing_gives_what_the_body_returns_when_it_catches_the_exit)
{
    auto g = stubborn(0);
    g.next();
    BOOST_TEST(g.close().value() == 99);
    BOOST_TEST(g.result().value() == 99);
}

// Rule 17.
BOOST_AUTO_TEST_CASE(closing_gives_a_result_that_only_moves)
{
    auto body = []() -> generator<int, void, std::unique_ptr<int>> {
        auto const received = co_yield as_result(1);
        co_return std::make_unique<int>(received.get_if<generator_exit>() != nullptr ? 3 : 4);
    };
    auto g = body();
    g.next();
    auto const result = g.close();
    BOOST_TEST_REQUIRE(result.has_value());
    BOOST_TEST(**result == 3);
}

// Rule 17.
BOOST_AUTO_TEST_CASE(closing_gives_nothing_where_there_is_nothing_to_return)
{
    static_assert(std::is_void_v<decltype(std::declval<generator<int>&>().close())>);
    static_assert(
        std::is_same_v<decltype(std::declval<generator<int, int, int>&>().close()), std::optional<int>>);
    auto body = []() -> generator<int> { std::ignore = co_yield as_result(1); };
    auto g = body();
    g.next();
    g.close();
    BOOST_TEST(g.state() == generator_state::closed);
}

// Rule 18.
BOOST_AUTO_TEST_CASE(a_body_that_yields_when_told_to_exit_is_an_error_and_may_be_closed_again)
{
    auto g = stubborn(2);
    g.next();
    BOOST_CHECK_THROW(g.close(), ignored_exit);
    BOOST_TEST(g.state() == generator_state::suspended);
    BOOST_CHECK_THROW(g.close(), ignored_exit);
    BOOST_TEST(g.close().value() == 99);
}

// Rule 19.
BOOST_AUTO_TEST_CASE(another_exception_while_it_is_closed_comes_out)
{
    auto body = []() -> generator<int, void, int> {
        try {
            co_yield 1;
        } catch (generator_exit const&) {
            throw failure{7};
        }
        co_return 1;
    };
    auto g = body();
    g.next();
    BOOST_CHECK_EXCEPTION(g.close(), failure, [](failure const& error) { return error.code == 7; });
    BOOST_TEST(g.state() == generator_state::closed);
    BOOST_TEST(!g.close());
}

// Rule 20.
BOOST_AUTO_TEST_CASE(an_exit_thrown_in_that_is_answered_with_a_yield_gives_that_value)
{
    auto g = stubborn(2);
    g.next();
    BOOST_TEST(given(g.throw_(generator_exit{})) == 10);
    BOOST_TEST(given(g.throw_(std::make_exception_ptr(generator_exit{}))) == 11);
}

// Rule 20: and one that is not caught comes out, as any exception does.
BOOST_AUTO_TEST_CASE(an_exit_thrown_in_that_is_not_caught_comes_out)
{
    notes happened;
    auto g = noisy(happened);
    g.next();
    BOOST_CHECK_THROW(g.throw_(generator_exit{}), generator_exit);
    auto again = noisy(happened);
    again.next();
    BOOST_CHECK_THROW(again.throw_(std::make_exception_ptr(generator_exit{})), generator_exit);
}

// Rule 21.
BOOST_AUTO_TEST_CASE(destruction_destroys_the_frames_innermost_first_and_runs_no_handler)
{
    struct program {
        static generator<int> nested(notes& to, int depth)
        {
            noted const local(to, std::to_string(depth));
            try {
                if (depth > 0)
                    co_yield elements_of(nested(to, depth - 1));
                co_yield depth;
            } catch (...) {
                to.emplace_back("handler");
                throw;
            }
        }
    };
    static_assert(std::is_nothrow_destructible_v<generator<int>>);
    notes happened;
    {
        auto g = program::nested(happened, 3);
        g.next();
    }
    BOOST_TEST(happened == (notes{"0", "1", "2", "3"}), boost::test_tools::per_element());
}

// Rule 21.
BOOST_AUTO_TEST_CASE(destruction_of_one_that_would_yield_on_exit_is_quiet)
{
    BOOST_CHECK_NO_THROW({
        auto g = stubborn(100);
        g.next();
    });
}

// Rule 21.
BOOST_AUTO_TEST_CASE(destruction_during_the_unwinding_of_the_caller_is_quiet)
{
    notes happened;
    try {
        auto g = noisy(happened);
        g.next();
        throw failure{1};
    } catch (failure const&) {
        happened.emplace_back("caller");
    }
    BOOST_TEST(happened == (notes{"local", "caller"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_generator_is_closed_while_the_caller_handles_an_exception)
{
    auto g = stubborn(0);
    g.next();
    try {
        throw failure{1};
    } catch (failure const&) {
        BOOST_TEST(g.close().value() == 99);
        BOOST_CHECK_THROW(throw, failure);
    }
}

BOOST_AUTO_TEST_SUITE_END()
