// The queue of a connection's events, and how an event is written.
#include "protocol/event_formatter.hpp"
#include "protocol/event_queue.hpp"
#include "support/allocation_counter.hpp"

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace {

using windowd::protocol::event_formatter;
using windowd::protocol::event_queue;
using windowd::protocol::output_buffer;
using windowd::test::failing_allocation;
using windowd::window::event;
using windowd::window::event_text;
using windowd::window::reading;
using windowd::window::yielded;

constexpr std::size_t plenty = 1'000'000;
constexpr auto everything = std::numeric_limits<std::size_t>::max();

struct counting_waker final : windowd::protocol::waker {
    void wake() noexcept override { ++wakes; }
    int wakes = 0;
};

/// A queue, with all that it needs.
struct tested_queue {
    explicit tested_queue(std::size_t max_bytes) : queue(max_bytes, lost, &waker) {}

    void deliver(std::string_view text) { queue.deliver(std::make_shared<std::string const>(text)); }
    std::string written(std::size_t enough = everything)
    {
        output_buffer out;
        queue.write_to(out, enough);
        return std::string(out.view());
    }

    std::atomic<std::uint64_t> lost = 0;
    counting_waker waker;
    event_queue queue;
};

std::string notice(int count)
{
    return R"({"event":"lost","count":)" + std::to_string(count) + "}\n";
}

} // namespace

BOOST_AUTO_TEST_SUITE(event_queues)

BOOST_AUTO_TEST_CASE(events_come_out_in_the_order_in_which_they_went_in)
{
    tested_queue tested(plenty);
    BOOST_TEST(tested.queue.empty());
    BOOST_TEST(tested.written() == "");
    tested.deliver("1\n");
    tested.deliver("2\n");
    BOOST_TEST(!tested.queue.empty());
    BOOST_TEST(tested.written() == "1\n2\n");
    BOOST_TEST(tested.queue.empty());
    tested.deliver("3\n");
    BOOST_TEST(tested.written() == "3\n");
    BOOST_TEST(tested.lost == 0U);
}

BOOST_AUTO_TEST_CASE(so_many_are_written_that_there_is_enough)
{
    tested_queue tested(plenty);
    for (auto const* text : {"aaaa", "bbbb", "cccc"})
        tested.deliver(text);
    output_buffer out;
    out.append("12345");
    tested.queue.write_to(out, 5);
    BOOST_TEST(out.view() == "12345");
    tested.queue.write_to(out, 6);
    BOOST_TEST(out.view() == "12345aaaa");
    tested.queue.write_to(out, 10);
    BOOST_TEST(out.view() == "12345aaaabbbb");
    BOOST_TEST(!tested.queue.empty());
    tested.queue.write_to(out, 100);
    BOOST_TEST(out.view() == "12345aaaabbbbcccc");
    BOOST_TEST(tested.queue.empty());
}

BOOST_AUTO_TEST_CASE(who_waits_is_woken_once_for_an_empty_queue)
{
    tested_queue tested(plenty);
    tested.deliver("1\n");
    BOOST_TEST(tested.waker.wakes == 1);
    tested.deliver("2\n");
    BOOST_TEST(tested.waker.wakes == 1);
    tested.written();
    BOOST_TEST(tested.waker.wakes == 1);
    tested.deliver("3\n");
    BOOST_TEST(tested.waker.wakes == 2);
}

BOOST_AUTO_TEST_CASE(nobody_has_to_wait)
{
    std::atomic<std::uint64_t> lost = 0;
    event_queue tested(plenty, lost, nullptr);
    tested.deliver(std::make_shared<std::string const>("1\n"));
    BOOST_TEST(!tested.empty());
}

BOOST_AUTO_TEST_CASE(the_oldest_events_are_lost_where_there_are_too_many_and_that_is_told_first)
{
    tested_queue tested(1000);
    for (auto i = 0; i < 100; ++i)
        tested.deliver(std::to_string(i) + "\n");
    auto const text = tested.written();
    auto const kept = static_cast<int>(100 - tested.lost);
    BOOST_TEST(kept > 0);
    BOOST_TEST(kept <= 10); // an event costs more than its text
    std::string expected = notice(100 - kept);
    for (auto i = 100 - kept; i < 100; ++i)
        expected += std::to_string(i) + "\n";
    BOOST_TEST(text == expected);
    BOOST_TEST(tested.waker.wakes == 1);

    tested.deliver("later\n");
    BOOST_TEST(tested.written() == "later\n"); // and once
}

BOOST_AUTO_TEST_CASE(a_queue_is_bounded_in_bytes_whatever_the_size_of_the_events)
{
    for (std::size_t const size : {1U, 10U, 100U, 1000U, 9000U}) {
        tested_queue tested(10'000);
        auto const before = windowd::test::allocations_alive();
        for (auto i = 0; i < 10'000; ++i)
            tested.deliver(std::string(size, 'x'));
        auto const text = tested.written(1); // the notice
        BOOST_TEST(text == notice(static_cast<int>(tested.lost)));
        auto const kept = 10'000 - tested.lost;
        BOOST_TEST(kept >= 1U);
        BOOST_TEST(kept * (size + 16) <= 10'000U);
        BOOST_TEST(windowd::test::allocations_alive() - before <= 3 * kept + 8);
    }
}

BOOST_AUTO_TEST_CASE(what_can_be_kept_again_is_kept_once_the_older_ones_are_written)
{
    tested_queue tested(500);
    for (auto round = 0; round < 100; ++round) {
        for (auto i = 0; i < 3; ++i)
            tested.deliver("text\n");
        BOOST_TEST(tested.written() == "text\ntext\ntext\n");
    }
    BOOST_TEST(tested.lost == 0U);
}

BOOST_AUTO_TEST_CASE(an_event_that_is_larger_than_the_queue_is_lost_with_those_before_it)
{
    tested_queue tested(1000);
    tested.deliver("1\n");
    tested.deliver(std::string(2000, 'x'));
    BOOST_TEST(!tested.queue.empty());
    tested.deliver("2\n");
    BOOST_TEST(tested.written() == notice(2) + "2\n");
    BOOST_TEST(tested.lost == 2U);
}

BOOST_AUTO_TEST_CASE(a_queue_without_room_tells_only_what_was_lost)
{
    tested_queue tested(0);
    tested.deliver("1\n");
    BOOST_TEST(!tested.queue.empty());
    tested.deliver("2\n");
    BOOST_TEST(tested.waker.wakes == 1);
    BOOST_TEST(tested.written() == notice(2));
    BOOST_TEST(tested.queue.empty());
}

BOOST_AUTO_TEST_CASE(an_event_that_could_not_be_written_is_lost_with_those_before_it)
{
    tested_queue tested(plenty);
    tested.deliver("1\n");
    tested.queue.deliver(nullptr);
    tested.deliver("3\n");
    BOOST_TEST(tested.written() == notice(2) + "3\n");
    BOOST_TEST(tested.lost == 2U);
    tested.queue.deliver(nullptr);
    BOOST_TEST(!tested.queue.empty());
    BOOST_TEST(tested.waker.wakes == 2);
    BOOST_TEST(tested.written() == notice(1));
}

BOOST_AUTO_TEST_CASE(a_notice_waits_until_there_is_room_and_counts_all_that_is_lost_by_then)
{
    tested_queue tested(0);
    output_buffer out;
    out.append("full");
    for (auto i = 0; i < 3; ++i) {
        tested.deliver("x");
        tested.queue.write_to(out, 4);
    }
    BOOST_TEST(out.view() == "full");
    tested.queue.write_to(out, 5);
    BOOST_TEST(out.view() == "full" + notice(3));
}

BOOST_AUTO_TEST_CASE(losses_of_all_queues_are_counted_together)
{
    std::atomic<std::uint64_t> lost = 0;
    event_queue one(0, lost, nullptr);
    event_queue other(0, lost, nullptr);
    auto const text = std::make_shared<std::string const>("x");
    one.deliver(text);
    other.deliver(text);
    other.deliver(text);
    BOOST_TEST(lost == 3U);
}

BOOST_AUTO_TEST_CASE(the_text_of_an_event_is_shared_and_not_copied)
{
    auto const text = std::make_shared<std::string const>(1000, 'x');
    {
        std::atomic<std::uint64_t> lost = 0;
        event_queue one(plenty, lost, nullptr);
        event_queue other(plenty, lost, nullptr);
        one.deliver(text);
        other.deliver(text);
        BOOST_TEST(text.use_count() == 3);
        output_buffer out;
        one.write_to(out, everything);
        BOOST_TEST(text.use_count() == 2);
    }
    BOOST_TEST(text.use_count() == 1);
}

BOOST_AUTO_TEST_CASE(without_memory_for_an_event_it_is_lost_with_those_before_it_and_none_comes_out_of_order)
{
    constexpr auto before = 200;
    auto const late = std::make_shared<std::string const>("late\n");
    auto failures = 0;
    for (auto filled = 0; filled < before; ++filled) {
        tested_queue tested(plenty);
        for (auto i = 0; i < filled; ++i)
            tested.deliver(std::to_string(i) + "\n");
        auto failed = false;
        {
            failing_allocation const failure(1);
            tested.queue.deliver(late);
            failed = failure.happened();
        }
        tested.deliver("after\n");
        auto const text = tested.written();
        if (failed) {
            ++failures;
            BOOST_TEST(text == notice(filled + 1) + "after\n");
        } else {
            BOOST_TEST(text.ends_with("late\nafter\n"));
            BOOST_TEST(tested.lost == 0U);
        }
    }
    BOOST_TEST(failures > 0);
}

BOOST_AUTO_TEST_CASE(without_memory_to_write_what_was_not_written_is_still_there)
{
    std::string const long_event = std::string(5000, 'x') + "\n";
    auto failed = true;
    for (std::size_t nth = 1; failed; ++nth) {
        BOOST_TEST_REQUIRE(nth < 100U);
        tested_queue tested(20'000);
        for (auto i = 0; i < 10; ++i)
            tested.deliver(long_event);
        auto const kept = 10 - tested.lost;
        output_buffer out;
        {
            failing_allocation const failure(nth);
            try {
                tested.queue.write_to(out, everything);
            } catch (std::bad_alloc const&) {
            }
            failed = failure.happened();
        }
        tested.queue.write_to(out, everything);
        auto expected = notice(static_cast<int>(tested.lost));
        for (std::uint64_t i = 0; i < kept; ++i)
            expected += long_event;
        BOOST_TEST((out.view() == expected), "allocation " << nth);
    }
}

BOOST_AUTO_TEST_CASE(a_notice_for_which_there_is_no_memory_is_not_written_in_part)
{
    for (std::size_t const room : {0U, 1U, 10U, 20U, 28U}) {
        tested_queue tested(0);
        tested.deliver("x");
        output_buffer out;
        out.prepare(100);
        auto const written = std::string(out.capacity() - room, 'x');
        out.append(written);
        {
            failing_allocation const failure(1);
            BOOST_CHECK_THROW(tested.queue.write_to(out, everything), std::bad_alloc);
        }
        BOOST_TEST((out.view() == written));
        tested.queue.write_to(out, everything);
        BOOST_TEST((out.view() == written + notice(1)));
    }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(event_formatters)

BOOST_AUTO_TEST_CASE(an_event_is_a_line)
{
    event_formatter tested;
    auto const six = yielded(6.0);
    auto const written = [&](event const& happened) { return *tested.write(happened); };
    BOOST_TEST(written({event::kind::yield, "cpu.load", 101, 5, &six}) ==
               "{\"event\":\"yield\",\"window\":\"cpu.load\",\"n\":101,\"value\":5,\"yield\":6}\n");
    BOOST_TEST(written({event::kind::open, "a:b/c", 0}) ==
               "{\"event\":\"open\",\"window\":\"a:b/c\",\"n\":0}\n");
    BOOST_TEST(written({event::kind::clear, "w", 7}) == "{\"event\":\"clear\",\"window\":\"w\",\"n\":7}\n");
    BOOST_TEST(written({event::kind::close, "w", std::numeric_limits<std::uint64_t>::max()}) ==
               "{\"event\":\"close\",\"window\":\"w\",\"n\":18446744073709551615}\n");
}

BOOST_AUTO_TEST_CASE(a_yield_is_written_as_in_a_reply)
{
    event_formatter tested;
    auto const nothing = yielded();
    BOOST_TEST(tested.write({event::kind::yield, "w", 1, -0.0, &nothing})
                   ->ends_with("\"value\":-0,\"yield\":null}\n"));
    std::vector<reading> const readings{{"mean", 6.5}, {"std", std::nullopt}};
    auto const several = yielded(readings);
    BOOST_TEST(tested.write({event::kind::yield, "w", 1, 1e300, &several})
                   ->ends_with("\"value\":1e+300,\"yield\":{\"mean\":6.5,\"std\":null}}\n"));
}

BOOST_AUTO_TEST_CASE(its_bytes_are_counted)
{
    event_formatter tested;
    BOOST_TEST(tested.bytes() == 0U);
    auto const one = tested.write({event::kind::open, "w", 0});
    BOOST_TEST(tested.bytes() == one->size());
    auto const other = tested.write({event::kind::clear, "a.longer.name", 1});
    BOOST_TEST(tested.bytes() == one->size() + other->size());
}

BOOST_AUTO_TEST_CASE(a_text_stays_when_others_are_written)
{
    event_formatter tested;
    auto const one = tested.write({event::kind::open, "w", 0});
    tested.write({event::kind::close, "another", 1});
    BOOST_TEST(*one == "{\"event\":\"open\",\"window\":\"w\",\"n\":0}\n");
}

BOOST_AUTO_TEST_CASE(without_memory_it_throws_and_can_be_used_again)
{
    auto failed = true;
    for (std::size_t nth = 1; failed; ++nth) {
        BOOST_TEST_REQUIRE(nth < 100U);
        event_formatter tested;
        {
            failing_allocation const failure(nth);
            try {
                tested.write({event::kind::clear, "w", 1});
            } catch (std::bad_alloc const&) {
            }
            failed = failure.happened();
        }
        BOOST_TEST(*tested.write({event::kind::open, "w", 0}) ==
                   "{\"event\":\"open\",\"window\":\"w\",\"n\":0}\n");
    }
}

BOOST_AUTO_TEST_SUITE_END()
