// Deep chains of delegation: rule 34 of the generator. All on a stack that would not hold a byte for each
// level.
#include "nanoservice/support.hpp"

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <exception>
#include <functional>
#include <ranges>
#include <stdexcept>
#include <utility>

#include <pthread.h>

using namespace nanoservice_test;

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define WINDOWD_TEST_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define WINDOWD_TEST_SANITIZED 1
#endif
#endif
#ifdef WINDOWD_TEST_SANITIZED
constexpr int depth = 100'000; // a sanitizer makes every throw and every frame several times as dear
#else
constexpr int depth = 1'000'000;
#endif

// Less than one byte for each of a million levels.
constexpr std::size_t stack_bytes = 512 * 1024;

using service = generator<int, int, int>;

/// Runs `work` on a small stack; throws what it throws.
void on_a_small_stack(std::function<void()> work)
{
    struct task {
        std::function<void()> work;
        std::exception_ptr error;
        static void* run(void* self)
        {
            auto& that = *static_cast<task*>(self);
            try {
                that.work();
            } catch (...) {
                that.error = std::current_exception();
            }
            return nullptr;
        }
    };
    task what{std::move(work), nullptr};
    pthread_attr_t attributes;
    pthread_t thread;
    if (pthread_attr_init(&attributes) != 0 || pthread_attr_setstacksize(&attributes, stack_bytes) != 0 ||
        pthread_create(&thread, &attributes, task::run, &what) != 0)
        throw std::runtime_error("cannot start a thread with a small stack");
    pthread_attr_destroy(&attributes);
    pthread_join(thread, nullptr);
    if (what.error)
        std::rethrow_exception(what.error);
}

// Gives back what is sent; a failure's code is yielded; a negative value ends it.
service echo()
{
    for (int shown = 1; shown >= 0;) {
        try {
            shown = co_yield shown;
        } catch (failure const& error) {
            shown = error.code;
        }
    }
    co_return 0;
}

// Each level starts the next one: the chain is built in one resumption.
service outside_in(int levels)
{
    if (levels == 0) {
        int const returned = co_yield elements_of(echo());
        co_return returned;
    }
    int const returned = co_yield elements_of(outside_in(levels - 1));
    co_return returned + 1;
}

// A level around a generator that has started.
service around(service inner)
{
    int const returned = co_yield elements_of(std::move(inner));
    co_return returned + 1;
}

service inside_out(int levels)
{
    auto g = echo();
    g.next();
    for (int level = 0; level < levels; ++level) {
        g = around(std::move(g));
        if (g.next() == nullptr)
            throw std::runtime_error("a level ended");
    }
    return g;
}

service started_outside_in()
{
    auto g = outside_in(depth);
    given(g.next());
    return g;
}

// One that answers an exit with a yield, at every level.
service stubborn(int levels)
{
    try {
        if (levels > 0)
            co_yield elements_of(stubborn(levels - 1));
        else
            co_yield 1;
    } catch (ignored_exit const&) {
    } catch (generator_exit const&) {
    }
    co_yield 2;
    co_return 3;
}

} // namespace

BOOST_AUTO_TEST_SUITE(depth_of_delegation)

// Rule 34.
BOOST_AUTO_TEST_CASE(a_deep_chain_is_built_resumed_and_destroyed)
{
    on_a_small_stack([] {
        auto g = started_outside_in();
        for (int value = 2; value < 1000; ++value)
            BOOST_TEST(given(g.send(value)) == value);
        BOOST_TEST(given(g.throw_(failure{5})) == 5);
        BOOST_TEST(given(g.next()) == 0);
    });
}

// Rule 34.
BOOST_AUTO_TEST_CASE(a_deep_chain_returns_through_all_its_levels)
{
    on_a_small_stack([] {
        auto g = started_outside_in();
        BOOST_TEST(g.send(-1) == nullptr);
        BOOST_TEST(g.result().value() == depth);
    });
}

// Rule 34.
BOOST_AUTO_TEST_CASE(an_exception_unwinds_a_deep_chain)
{
    on_a_small_stack([] {
        auto g = started_outside_in();
        BOOST_CHECK_THROW(g.throw_(named_failure("through all")), named_failure);
        BOOST_TEST(g.state() == generator_state::closed);
    });
}

// Rule 34.
BOOST_AUTO_TEST_CASE(a_deep_chain_is_closed)
{
    on_a_small_stack([] {
        auto g = started_outside_in();
        BOOST_TEST(!g.close());
        BOOST_TEST(g.state() == generator_state::closed);
    });
}

// Rule 34.
BOOST_AUTO_TEST_CASE(a_deep_chain_that_ignores_its_exit_is_closed_level_by_level)
{
    on_a_small_stack([] {
        auto g = stubborn(depth / 10);
        g.next();
        BOOST_TEST(given(g.throw_(generator_exit{})) == 2);
        BOOST_TEST(g.next() == nullptr);
        BOOST_TEST(g.result().value() == 3);
    });
}

// Rules 28 and 34.
BOOST_AUTO_TEST_CASE(a_deep_chain_is_built_from_the_inside_out_and_destroyed)
{
    on_a_small_stack([] {
        auto g = inside_out(depth);
        BOOST_TEST(given(g.send(7)) == 7);
        BOOST_TEST(given(g.throw_(failure{5})) == 5);
    });
}

// Rules 28 and 34.
BOOST_AUTO_TEST_CASE(a_deep_chain_built_from_the_inside_out_returns_through_all_its_levels)
{
    on_a_small_stack([] {
        auto g = inside_out(depth);
        BOOST_TEST(g.send(-1) == nullptr);
        BOOST_TEST(g.result().value() == depth);
    });
}

// Rules 28 and 34.
BOOST_AUTO_TEST_CASE(a_deep_chain_built_from_the_inside_out_is_closed)
{
    on_a_small_stack([] {
        auto g = inside_out(depth / 10);
        BOOST_TEST(!g.close());
    });
}

BOOST_AUTO_TEST_CASE(a_deep_chain_yields_from_a_range)
{
    struct program {
        static generator<int> range_below(int levels)
        {
            if (levels > 0)
                co_yield elements_of(range_below(levels - 1));
            else
                co_yield elements_of(std::views::iota(1, 3));
        }
    };
    on_a_small_stack([] {
        auto g = program::range_below(depth);
        BOOST_TEST(given(g.next()) == 1);
        BOOST_TEST(given(g.next()) == 2);
        BOOST_TEST(g.next() == nullptr);
    });
}

BOOST_AUTO_TEST_SUITE_END()
