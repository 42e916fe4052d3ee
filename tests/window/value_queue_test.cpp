// The queue of a window's values: order, memory, and what is left when an allocation fails.
#include "support/allocation_counter.hpp"
#include "window/value_queue.hpp"

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <deque>
#include <new>
#include <random>
#include <ranges>
#include <utility>

namespace {

using windowd::test::allocations;
using windowd::test::allocations_alive;
using windowd::test::failing_allocation;
using windowd::window::value_queue;

constexpr std::size_t block_size = 128;

void fill(value_queue& queue, std::size_t count)
{
    for (std::size_t i = 0; i < count; ++i)
        queue.push_back(static_cast<double>(i));
}

void check_holds(value_queue const& queue, std::deque<double> const& expected)
{
    BOOST_TEST_REQUIRE(queue.size() == expected.size());
    BOOST_TEST(queue.empty() == expected.empty());
    auto differing = std::size_t{0};
    for (std::size_t i = 0; i < expected.size(); ++i)
        differing += queue[i] == expected[i] ? 0 : 1;
    BOOST_TEST(differing == 0U);
}

} // namespace

BOOST_AUTO_TEST_SUITE(value_queues)

BOOST_AUTO_TEST_CASE(values_leave_in_the_order_in_which_they_came)
{
    auto queue = value_queue();
    fill(queue, 1000);
    for (auto i = 0; i < 1000; ++i)
        BOOST_TEST(queue.pop_front() == i);
    BOOST_TEST(queue.empty());
}

BOOST_AUTO_TEST_CASE(a_queue_does_what_a_deque_does_under_random_programs)
{
    for (auto seed = 1U; seed <= 60; ++seed) {
        auto random = std::mt19937(seed);
        auto queue = value_queue();
        auto model = std::deque<double>();
        for (auto phase = 0; phase < 20; ++phase) {
            auto const pushes_in_ten = random() % 11;
            for (auto steps = random() % 1500; steps > 0; --steps) {
                if (random() % 10 < pushes_in_ten) {
                    auto const value = static_cast<double>(random());
                    queue.push_back(value);
                    model.push_back(value);
                } else if (!model.empty()) {
                    BOOST_TEST_REQUIRE(queue.pop_front() == model.front());
                    model.pop_front();
                }
            }
            if (random() % 8 == 0) {
                queue.clear();
                model.clear();
            }
            check_holds(queue, model);
        }
    }
}

BOOST_AUTO_TEST_CASE(every_size_slides_past_every_block_boundary)
{
    for (auto size : {1U, 3U, 15U, 16U, 17U, 127U, 128U, 129U, 255U, 256U, 1023U, 1024U, 1025U}) {
        auto queue = value_queue();
        auto model = std::deque<double>();
        for (auto i = 0U; i < size + 5 * block_size; ++i) {
            queue.push_back(i);
            model.push_back(i);
            if (model.size() > size) {
                BOOST_TEST_REQUIRE(queue.pop_front() == model.front());
                model.pop_front();
            }
        }
        check_holds(queue, model);
    }
}

BOOST_AUTO_TEST_CASE(a_queue_never_pushed_to_owns_no_memory)
{
    auto const before = allocations();
    auto queue = value_queue();
    auto moved = std::move(queue);
    moved.clear();
    BOOST_TEST(allocations() == before);
    BOOST_TEST(moved.empty());
}

BOOST_AUTO_TEST_CASE(a_queue_of_constant_size_allocates_nothing)
{
    using slide = void (*)(value_queue&);
    slide const push_and_pop = [](value_queue& queue) {
        queue.push_back(1);
        queue.pop_front();
    };
    slide const pop_and_push = [](value_queue& queue) {
        queue.pop_front();
        queue.push_back(1);
    };
    slide const prepare_pop_and_push = [](value_queue& queue) {
        queue.prepare_push();
        queue.pop_front();
        queue.push_prepared(1);
    };
    for (std::size_t const size : {1U, 3U, 127U, 128U, 129U, 1000U, 100'000U}) {
        for (auto const step : {push_and_pop, pop_and_push, prepare_pop_and_push}) {
            auto queue = value_queue();
            fill(queue, size);
            for (std::size_t i = 0; i < 2 * block_size; ++i) // until the spare block is there
                step(queue);
            auto const before = allocations();
            for (std::size_t i = 0; i < 100 * block_size; ++i)
                step(queue);
            auto const taken = allocations() - before;
            BOOST_TEST(taken == 0U, taken << " allocations at size " << size);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_push_that_was_prepared_takes_no_memory_whatever_is_popped_before_it)
{
    for (auto seed = 1U; seed <= 20; ++seed) {
        auto random = std::mt19937(seed);
        auto queue = value_queue();
        auto model = std::deque<double>();
        for (auto steps = 0; steps < 5000; ++steps) {
            queue.prepare_push();
            for (auto pops = random() % 200 == 0 ? random() % 600 : 0; pops > 0 && !model.empty(); --pops) {
                BOOST_TEST_REQUIRE(queue.pop_front() == model.front());
                model.pop_front();
            }
            auto const before = allocations();
            queue.push_prepared(steps);
            auto const taken = allocations() - before;
            BOOST_TEST_REQUIRE(taken == 0U);
            model.push_back(steps);
        }
        check_holds(queue, model);
    }
}

BOOST_AUTO_TEST_CASE(memory_grows_a_block_at_a_time)
{
    constexpr std::size_t in_place = 16;
    auto queue = value_queue();
    auto const before = allocations_alive();
    for (std::size_t count = 1; count <= 10'000; ++count) {
        queue.push_back(0);
        auto const blocks = (count + block_size - 1) / block_size;
        auto const taken = allocations_alive() - before;
        BOOST_TEST_REQUIRE(taken == (count <= in_place ? 0 : blocks + 1),
                           "with the directory, at " << count << ": " << taken);
    }
}

BOOST_AUTO_TEST_CASE(memory_shrinks_with_the_size_but_for_one_spare_block)
{
    auto const before = allocations_alive();
    auto queue = value_queue();
    fill(queue, 100'000);
    while (queue.size() > 3)
        queue.pop_front();
    auto const directory = std::size_t{1};
    auto const spare = std::size_t{1};
    auto taken = allocations_alive() - before;
    BOOST_TEST(taken <= directory + 2 + spare);

    while (!queue.empty())
        queue.pop_front();
    taken = allocations_alive() - before;
    BOOST_TEST(taken <= directory + 1 + spare);
}

BOOST_AUTO_TEST_CASE(clear_releases_all_memory_and_the_queue_can_be_used_again)
{
    auto const before = allocations_alive();
    auto queue = value_queue();
    fill(queue, 5000);
    for (auto i = 0; i < 1000; ++i)
        queue.pop_front();
    queue.clear();
    auto const after = allocations_alive();
    BOOST_TEST(after == before);
    BOOST_TEST(queue.empty());

    fill(queue, 300);
    BOOST_TEST(queue.size() == 300U);
    BOOST_TEST(queue[299] == 299);
}

BOOST_AUTO_TEST_CASE(a_failed_allocation_leaves_the_queue_as_it_was)
{
    // Every size before which a block is needed, with the directory to be doubled first or not; every one of
    // its allocations fails in turn.
    for (auto popped : {std::size_t{0}, std::size_t{1}, std::size_t{100}, std::size_t{127}}) {
        auto queue = value_queue();
        auto model = std::deque<double>();
        auto failures = 0;
        for (std::size_t i = 0; i < 20 * block_size; ++i) {
            for (std::size_t nth = 1;; ++nth) {
                auto const fails = failing_allocation(nth);
                try {
                    queue.push_back(static_cast<double>(i));
                    break;
                } catch (std::bad_alloc const&) {
                    ++failures;
                }
                BOOST_TEST_REQUIRE(queue.size() == model.size());
            }
            model.push_back(static_cast<double>(i));
            if (i < popped) {
                queue.pop_front();
                model.pop_front();
            }
        }
        check_holds(queue, model);
        BOOST_TEST(failures >= 20);
    }
}

BOOST_AUTO_TEST_CASE(a_queue_is_usable_while_memory_is_short_and_goes_on_when_it_is_back)
{
    auto queue = value_queue();
    fill(queue, 2 * block_size);
    {
        auto const fails = failing_allocation(1);
        BOOST_CHECK_THROW(queue.push_back(-1), std::bad_alloc);
    }
    BOOST_TEST(queue.pop_front() == 0);
    BOOST_TEST(queue[0] == 1);
    queue.push_back(-2);
    BOOST_TEST(queue.size() == 2 * block_size);
    BOOST_TEST(queue[2 * block_size - 1] == -2);
}

BOOST_AUTO_TEST_CASE(a_moved_queue_takes_the_values_along_and_leaves_an_empty_one)
{
    auto source = value_queue();
    fill(source, 500);
    source.pop_front();
    auto target = std::move(source);
    BOOST_TEST(target.size() == 499U);
    BOOST_TEST(target[0] == 1);

    BOOST_TEST(source.empty()); // NOLINT(bugprone-use-after-move): its state is what is tested
    source.push_back(7);        // NOLINT(clang-analyzer-cplusplus.Move): and that it can be used
    BOOST_TEST(source[0] == 7);

    target = std::move(source);
    BOOST_TEST(target.size() == 1U);
    BOOST_TEST(target.pop_front() == 7);
}

BOOST_AUTO_TEST_SUITE_END()
