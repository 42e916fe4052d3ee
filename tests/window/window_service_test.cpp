// The window service as a generator: what each resumption yields, what interrupts a dump, what an observer is
// told.
#include "support/allocation_counter.hpp"
#include "window/window_service.hpp"

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace windowd::window {

std::ostream& operator<<(std::ostream& out, step taken)
{
    static constexpr char const* names[] = {"waiting", "providing_length", "dumping", "clearing",
                                            "reading", "rejected",         "exiting"};
    return out << names[static_cast<int>(taken)];
}

std::ostream& operator<<(std::ostream& out, refusal why)
{
    static constexpr char const* names[] = {"none", "not_a_number", "out_of_order", "not_timed",
                                            "out_of_memory"};
    return out << names[static_cast<int>(why)];
}

} // namespace windowd::window

namespace {

using nanoservice::generator_exit;
using nanoservice::generator_state;
using namespace windowd::window;
using windowd::test::allocations;
using windowd::test::allocations_alive;
using windowd::test::failing_allocation;

constexpr auto infinity = std::numeric_limits<double>::infinity();

class recorder final : public step_observer {
public:
    void on_step(step taken) noexcept override { steps.push_back(taken); }
    std::vector<step> steps;
};

constexpr windowd::window::clock standing;

service started(window_options options = {}, std::vector<double> const& data = {},
                step_observer* observer = nullptr)
{
    sliding_window window(std::move(options));
    for (auto const value : data)
        window.push(value);
    auto made = make_service(std::move(window), standing, observer);
    made.next();
    return made;
}

/// An empty window of 30 seconds.
service started(windowd::window::clock const& time, step_observer* observer = nullptr)
{
    auto made = make_service(sliding_window({.size = 1000, .span = 30}), time, observer);
    made.next();
    return made;
}

/// Nothing where the service yields nothing; an error where it refuses or ends.
std::optional<double> number_of(yielded const* answer)
{
    if (answer == nullptr)
        throw std::runtime_error("the service has ended");
    if (answer->refused != refusal::none)
        throw std::runtime_error("the service refuses");
    return answer->number;
}

double sent_number(service& to, double value)
{
    return number_of(to.send(sent::number(value))).value();
}

std::vector<double> dump_of(service& of)
{
    auto const length = number_of(of.throw_(dump_data())).value();
    std::vector<double> values;
    for (auto i = 0; i < length; ++i)
        values.push_back(number_of(of.next()).value());
    return values;
}

void check_contents(service& of, std::vector<double> const& expected)
{
    BOOST_TEST(dump_of(of) == expected, boost::test_tools::per_element());
}

void check_refuses(service& tested, sent const& object, refusal why = refusal::not_a_number)
{
    auto const* const answer = tested.send(object);
    BOOST_TEST_REQUIRE(answer != nullptr);
    BOOST_TEST(answer->refused == why);
    BOOST_TEST(!answer->number.has_value());
    BOOST_TEST(answer->readings.empty());
}

double count_in(service& of)
{
    return number_of(of.throw_(count_values())).value();
}

} // namespace

BOOST_AUTO_TEST_SUITE(window_services)

BOOST_AUTO_TEST_CASE(a_service_runs_nothing_before_its_first_next)
{
    recorder observer;
    auto tested = make_service(sliding_window({}), standing, &observer);
    BOOST_TEST((tested.state() == generator_state::created));
    BOOST_TEST(observer.steps.empty());
    BOOST_CHECK_THROW(tested.send(sent::number(1)), nanoservice::not_started);
    BOOST_TEST(!number_of(tested.next()).has_value());
    BOOST_TEST(sent_number(tested, 5) == 5);
}

BOOST_AUTO_TEST_CASE(a_value_sent_yields_the_mean_of_the_last_ones)
{
    auto tested = started();
    BOOST_TEST(sent_number(tested, 5) == 5);
    BOOST_TEST(sent_number(tested, 7) == 6);
    BOOST_TEST(sent_number(tested, 9) == 7);
    BOOST_TEST(sent_number(tested, 11) == 9);
    BOOST_TEST(sent_number(tested, 13) == 11);
}

BOOST_AUTO_TEST_CASE(next_yields_nothing_and_changes_nothing)
{
    auto tested = started();
    sent_number(tested, 5);
    BOOST_TEST(!number_of(tested.next()).has_value());
    BOOST_TEST(!number_of(tested.send(sent())).has_value());
    BOOST_TEST(sent_number(tested, 7) == 6);
}

BOOST_AUTO_TEST_CASE(a_window_may_come_with_values)
{
    auto tested = started({.size = 3}, {1, 2, 3, 4});
    check_contents(tested, {2, 3, 4});
    BOOST_TEST(sent_number(tested, 5) == 4);
}

BOOST_AUTO_TEST_CASE(fewer_values_than_min_count_yield_nothing)
{
    auto tested = started({.size = 3, .min_count = 2});
    BOOST_TEST(!number_of(tested.send(sent::number(1))).has_value());
    BOOST_TEST(!number_of(tested.throw_(read_statistics())).has_value());
    BOOST_TEST(sent_number(tested, 2) == 1.5);
    BOOST_TEST(number_of(tested.throw_(read_statistics())).value() == 1.5);
}

BOOST_AUTO_TEST_CASE(what_is_no_finite_number_is_refused_and_the_window_is_as_it_was)
{
    auto tested = started({}, {1, 2});
    check_refuses(tested, sent::other());
    check_refuses(tested, sent::number(infinity));
    check_refuses(tested, sent::number(-infinity));
    check_refuses(tested, sent::number(std::numeric_limits<double>::quiet_NaN()));
    check_contents(tested, {1, 2});
    BOOST_TEST(sent_number(tested, 3) == 2);
}

BOOST_AUTO_TEST_CASE(clear_empties_the_window)
{
    auto tested = started({}, {1, 2});
    BOOST_TEST(!number_of(tested.throw_(clear_window())).has_value());
    check_contents(tested, {});
    BOOST_TEST(sent_number(tested, 8) == 8);
}

BOOST_AUTO_TEST_CASE(reading_changes_nothing)
{
    auto tested = started();
    BOOST_TEST(!number_of(tested.throw_(read_statistics())).has_value());
    sent_number(tested, 1);
    sent_number(tested, 2);
    BOOST_TEST(number_of(tested.throw_(read_statistics())).value() == 1.5);
    BOOST_TEST(number_of(tested.throw_(read_statistics())).value() == 1.5);
    check_contents(tested, {1, 2});
}

BOOST_AUTO_TEST_CASE(a_dump_yields_the_length_then_the_values_then_nothing)
{
    auto tested = started({}, {1, 2, 3});
    BOOST_TEST(number_of(tested.throw_(dump_data())).value() == 3);
    BOOST_TEST(number_of(tested.next()).value() == 1);
    BOOST_TEST(number_of(tested.next()).value() == 2);
    BOOST_TEST(number_of(tested.send(sent())).value() == 3); // sending nothing is next
    BOOST_TEST(!number_of(tested.next()).has_value());
    BOOST_TEST(!number_of(tested.next()).has_value());
    BOOST_TEST(sent_number(tested, 7) == 4);
}

BOOST_AUTO_TEST_CASE(the_dump_of_an_empty_window_is_its_length)
{
    auto tested = started();
    BOOST_TEST(number_of(tested.throw_(dump_data())).value() == 0);
    BOOST_TEST(!number_of(tested.next()).has_value());
    BOOST_TEST(number_of(tested.throw_(dump_data())).value() == 0);
    BOOST_TEST(sent_number(tested, 5) == 5);
    check_contents(tested, {5});
}

// At each place of a dump of three: after the length, and after each value.
BOOST_AUTO_TEST_CASE(a_value_sent_during_a_dump_ends_it_and_is_taken)
{
    for (auto taken = 0; taken <= 3; ++taken) {
        auto tested = started({}, {1, 2, 3});
        tested.throw_(dump_data());
        for (auto i = 0; i < taken; ++i)
            tested.next();
        BOOST_TEST(sent_number(tested, 7) == 4);
        check_contents(tested, {2, 3, 7});
    }
}

BOOST_AUTO_TEST_CASE(no_number_sent_during_a_dump_ends_it_and_is_refused)
{
    for (auto taken = 0; taken <= 3; ++taken) {
        auto tested = started({}, {1, 2, 3});
        tested.throw_(dump_data());
        for (auto i = 0; i < taken; ++i)
            tested.next();
        check_refuses(tested, sent::other());
        BOOST_TEST(!number_of(tested.next()).has_value());
        check_contents(tested, {1, 2, 3});
    }
}

BOOST_AUTO_TEST_CASE(a_signal_during_a_dump_ends_it_and_is_handled)
{
    for (auto taken = 0; taken <= 3; ++taken) {
        auto tested = started({}, {1, 2, 3});
        auto const begin = [&] {
            tested.throw_(dump_data());
            for (auto i = 0; i < taken; ++i)
                tested.next();
        };
        begin();
        BOOST_TEST(number_of(tested.throw_(read_statistics())).value() == 2);
        begin();
        check_contents(tested, {1, 2, 3}); // another dump, from its beginning
        begin();
        begin();
        BOOST_TEST(!number_of(tested.throw_(clear_window())).has_value());
        check_contents(tested, {});
    }
}

BOOST_AUTO_TEST_CASE(a_thousand_dumps_in_a_row_need_the_memory_of_one)
{
    auto tested = started({}, {1, 2, 3});
    tested.throw_(dump_data());
    auto const before = allocations_alive();
    for (auto i = 0; i < 1000; ++i)
        BOOST_TEST_REQUIRE(number_of(tested.throw_(dump_data())).value() == 3);
    BOOST_TEST(allocations_alive() == before);
}

BOOST_AUTO_TEST_CASE(close_ends_the_service_wherever_it_is)
{
    for (auto taken = -1; taken <= 3; ++taken) {
        recorder observer;
        auto tested = started({}, {1, 2, 3}, &observer);
        if (taken >= 0)
            tested.throw_(dump_data());
        for (auto i = 0; i < taken; ++i)
            tested.next();
        tested.close();
        BOOST_TEST((tested.state() == generator_state::closed));
        BOOST_TEST(tested.next() == nullptr);
        BOOST_TEST(tested.send(sent::number(1)) == nullptr);
        BOOST_TEST(observer.steps.back() == step::exiting);
        tested.close();
    }
}

BOOST_AUTO_TEST_CASE(generator_exit_thrown_in_ends_the_service_wherever_it_is)
{
    for (auto taken = -1; taken <= 3; ++taken) {
        recorder observer;
        auto tested = started({}, {1, 2, 3}, &observer);
        if (taken >= 0)
            tested.throw_(dump_data());
        for (auto i = 0; i < taken; ++i)
            tested.next();
        BOOST_TEST(tested.throw_(generator_exit()) == nullptr);
        BOOST_TEST((tested.state() == generator_state::closed));
        BOOST_TEST(observer.steps.back() == step::exiting);
    }
}

BOOST_AUTO_TEST_CASE(an_exception_that_is_not_declared_comes_out_and_ends_the_service)
{
    for (auto dumping : {false, true}) {
        recorder observer;
        auto tested = started({}, {1, 2, 3}, &observer);
        if (dumping)
            tested.throw_(dump_data());
        BOOST_CHECK_THROW(tested.throw_(std::out_of_range("not declared")), std::out_of_range);
        BOOST_TEST((tested.state() == generator_state::closed));
        BOOST_TEST(observer.steps.back() == step::exiting);
    }
}

BOOST_AUTO_TEST_CASE(signals_may_come_as_exception_pointers)
{
    auto tested = started({}, {1, 2});
    BOOST_TEST(number_of(tested.throw_(std::make_exception_ptr(dump_data()))).value() == 2);
    BOOST_TEST(number_of(tested.next()).value() == 1);
    BOOST_TEST(number_of(tested.throw_(std::make_exception_ptr(read_statistics()))).value() == 1.5);
}

BOOST_AUTO_TEST_CASE(an_observer_is_told_each_step_in_order)
{
    recorder observer;
    auto tested = started({}, {}, &observer);
    tested.send(sent::number(1));
    tested.send(sent::other());
    tested.throw_(dump_data());
    tested.next();
    tested.next();
    tested.throw_(read_statistics());
    tested.throw_(count_values());
    tested.throw_(clear_window());
    tested.throw_(dump_data());
    tested.send(sent::number(infinity));
    tested.close();
    auto const expected = std::vector{
        step::waiting,                                         // from the start
        step::waiting,                                         // a value
        step::rejected,         step::waiting,                 // no number
        step::providing_length, step::dumping,  step::waiting, // a dump, to its end
        step::reading,          step::waiting,                 // the statistic
        step::reading,          step::waiting,                 // the count
        step::clearing,         step::waiting,                 //
        step::providing_length, step::rejected, step::waiting, // an empty dump, ended by what is refused
        step::exiting};
    BOOST_TEST(observer.steps == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_send_allocates_nothing_once_the_window_is_full)
{
    auto tested = started({.size = 100});
    for (auto i = 0; i < 1000; ++i)
        sent_number(tested, i);
    auto const before = allocations();
    for (auto i = 0; i < 1000; ++i)
        sent_number(tested, i);
    tested.throw_(read_statistics());
    tested.next();
    tested.send(sent::other());
    BOOST_TEST(allocations() == before);
}

BOOST_AUTO_TEST_CASE(a_value_for_which_there_is_no_memory_is_refused_and_the_service_lives)
{
    auto tested = started({.size = 1000});
    for (auto i = 1; i <= 128; ++i) // a full block
        sent_number(tested, i);
    yielded const* answer = nullptr;
    {
        failing_allocation const failure(1);
        answer = tested.send(sent::number(5));
    }
    BOOST_TEST_REQUIRE(answer != nullptr);
    BOOST_TEST(answer->refused == refusal::out_of_memory);
    BOOST_TEST(!answer->number.has_value());
    BOOST_TEST(number_of(tested.throw_(read_statistics())).value() == 64.5);
    BOOST_TEST(dump_of(tested).size() == 128U);
    BOOST_TEST(sent_number(tested, 64.5) == 64.5);
}

BOOST_AUTO_TEST_CASE(a_dump_for_which_there_is_no_memory_is_refused_and_nothing_is_lost)
{
    recorder observer;
    auto tested = started({}, {1, 2, 3}, &observer);
    for (auto const dumping : {false, true}) {
        if (dumping)
            tested.throw_(dump_data());
        observer.steps.reserve(100);
        yielded const* answer = nullptr;
        {
            failing_allocation const failure(1);
            answer = tested.throw_(dump_data());
        }
        BOOST_TEST_REQUIRE(answer != nullptr);
        BOOST_TEST(answer->refused == refusal::out_of_memory);
        BOOST_TEST(observer.steps[observer.steps.size() - 2] == step::rejected);
        check_contents(tested, {1, 2, 3});
    }
}

BOOST_AUTO_TEST_CASE(a_service_that_is_destroyed_in_the_middle_of_a_dump_leaves_nothing_behind)
{
    auto const before = allocations_alive();
    {
        auto tested = started({}, {1, 2, 3});
        tested.throw_(dump_data());
        tested.next();
    }
    BOOST_TEST(allocations_alive() == before);
}

BOOST_AUTO_TEST_CASE(the_values_kept_can_be_counted)
{
    auto tested = started({.size = 2});
    BOOST_TEST(count_in(tested) == 0);
    for (auto const value : {5, 7, 9})
        sent_number(tested, value);
    BOOST_TEST(count_in(tested) == 2);
    tested.throw_(dump_data());
    BOOST_TEST(count_in(tested) == 2); // which ends the dump
    BOOST_TEST(!number_of(tested.next()).has_value());
}

BOOST_AUTO_TEST_CASE(several_statistics_are_yielded_together)
{
    auto tested = started({.size = 3, .stats = {find_statistic("mean"), find_statistic("std")}});
    auto const check = [](yielded const* answer, double mean, std::optional<double> const& deviation) {
        BOOST_TEST_REQUIRE(answer != nullptr);
        BOOST_TEST(answer->refused == refusal::none);
        BOOST_TEST(!answer->number.has_value());
        BOOST_TEST_REQUIRE(answer->readings.size() == 2U);
        BOOST_TEST(answer->readings[0].name == "mean");
        BOOST_TEST(answer->readings[0].value.value() == mean);
        BOOST_TEST(answer->readings[1].name == "std");
        BOOST_TEST((answer->readings[1].value == deviation));
    };
    check(tested.send(sent::number(5)), 5, std::nullopt);
    check(tested.send(sent::number(7)), 6, std::sqrt(2.0));
    check(tested.throw_(read_statistics()), 6, std::sqrt(2.0));
    check_refuses(tested, sent::other());
    BOOST_TEST(count_in(tested) == 2);
    BOOST_TEST(tested.next()->readings.empty());
    BOOST_TEST(tested.throw_(clear_window())->readings.empty());
    check(tested.send(sent::number(1)), 1, std::nullopt);
}

BOOST_AUTO_TEST_CASE(several_statistics_of_too_few_values_yield_nothing_together)
{
    auto tested = started({.min_count = 2, .stats = {find_statistic("max"), find_statistic("count")}});
    for (auto const* const answer : {tested.throw_(read_statistics()), tested.send(sent::number(5))}) {
        BOOST_TEST(!number_of(answer).has_value());
        BOOST_TEST(answer->readings.empty());
    }
    BOOST_TEST(tested.send(sent::number(7))->readings.size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_value_arrives_at_the_time_that_the_clock_tells)
{
    windowd::window::clock time;
    time.advance_to(100);
    auto tested = started(time);
    sent_number(tested, 1);
    time.advance_to(110);
    BOOST_TEST(sent_number(tested, 3) == 2);
    time.advance_to(130);
    BOOST_TEST(sent_number(tested, 5) == 4);
    check_contents(tested, {3, 5});
}

BOOST_AUTO_TEST_CASE(what_is_read_dumped_and_counted_is_what_is_in_the_window_now)
{
    windowd::window::clock time;
    time.advance_to(100);
    for (auto which = 0; which < 3; ++which) {
        auto tested = started(time);
        sent_number(tested, 1);
        time.advance_to(time.now() + 20);
        sent_number(tested, 3);
        time.advance_to(time.now() + 10);
        if (which == 0)
            BOOST_TEST(number_of(tested.throw_(read_statistics())).value() == 3);
        else if (which == 1)
            check_contents(tested, {3});
        else
            BOOST_TEST(count_in(tested) == 1);
        time.advance_to(time.now() + 20);
        if (which == 0)
            BOOST_TEST(!number_of(tested.throw_(read_statistics())).has_value());
        else if (which == 1)
            check_contents(tested, {});
        else
            BOOST_TEST(count_in(tested) == 0);
    }
}

BOOST_AUTO_TEST_CASE(a_dump_is_of_the_moment_when_it_was_asked_for)
{
    windowd::window::clock time;
    auto tested = started(time);
    for (auto const value : {1, 2, 3})
        sent_number(tested, value);
    BOOST_TEST(number_of(tested.throw_(dump_data())).value() == 3);
    BOOST_TEST(number_of(tested.next()).value() == 1);
    time.advance_to(1000);
    BOOST_TEST(number_of(tested.next()).value() == 2);
    BOOST_TEST(number_of(tested.next()).value() == 3);
    check_contents(tested, {});
}

BOOST_AUTO_TEST_CASE(a_value_may_come_with_a_time_of_its_own)
{
    windowd::window::clock time;
    time.advance_to(1e9);
    auto tested = started(time);
    BOOST_TEST(number_of(tested.send(sent::number_at(1, 100))).value() == 1);
    BOOST_TEST(number_of(tested.send(sent::number_at(3, 110))).value() == 2);
    BOOST_TEST(number_of(tested.send(sent::number_at(5, 135))).value() == 4);
    time.advance_to(2e9);
    check_contents(tested, {3, 5});
    check_refuses(tested, sent::number_at(7, 134), refusal::out_of_order);
    check_refuses(tested, sent::number_at(7, infinity));
    check_refuses(tested, sent::number_at(7, -infinity));
    check_refuses(tested, sent::number_at(7, std::numeric_limits<double>::quiet_NaN()));
    check_refuses(tested, sent::number_at(infinity, 136));
    check_contents(tested, {3, 5});
}

BOOST_AUTO_TEST_CASE(a_time_is_refused_by_a_window_that_is_not_one_of_time)
{
    auto tested = started({}, {1, 2});
    check_refuses(tested, sent::number_at(3, 1e9), refusal::not_timed);
    check_contents(tested, {1, 2});
}

// Else whether a value is taken would depend on whether somebody has read the window before.
BOOST_AUTO_TEST_CASE(a_window_that_time_has_emptied_takes_any_time_whether_it_was_read_since_or_not)
{
    for (auto const read : {false, true}) {
        windowd::window::clock time;
        time.advance_to(100);
        auto tested = started(time);
        sent_number(tested, 1);
        time.advance_to(110);
        sent_number(tested, 3);
        time.advance_to(130);
        if (read)
            tested.throw_(read_statistics());
        BOOST_TEST(number_of(tested.send(sent::number_at(5, 112))).value() == 4);
        sent_number(tested, 7);
        time.advance_to(160);
        if (read)
            tested.throw_(read_statistics());
        BOOST_TEST(number_of(tested.send(sent::number_at(9, 50))).value() == 9);
    }
}

BOOST_AUTO_TEST_CASE(a_value_of_a_window_of_time_for_which_there_is_no_memory_is_refused_too)
{
    windowd::window::clock time;
    time.advance_to(100);
    auto tested = started(time);
    for (auto i = 0; i < 128; ++i) // full blocks
        sent_number(tested, 64);
    for (auto const& object : {sent::number(5), sent::number_at(5, 200)}) {
        auto const failure = failing_allocation(1);
        check_refuses(tested, object, refusal::out_of_memory);
    }
    BOOST_TEST(count_in(tested) == 128);
    BOOST_TEST(sent_number(tested, 193) == 65);
}

BOOST_AUTO_TEST_SUITE_END()
