// The window service as a generator: what each resumption yields, what interrupts a dump, what an observer is
// told.
#include "support/allocation_counter.hpp"
#include "window/window_service.hpp"

#include <boost/test/unit_test.hpp>

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
    static constexpr char const* names[] = {"none", "not_a_number", "out_of_memory"};
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

service started(window_options options = {}, std::vector<double> const& data = {},
                step_observer* observer = nullptr)
{
    mean_window window(options);
    for (auto const value : data)
        window.push(value);
    auto made = make_service(std::move(window), observer);
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

std::vector<double> contents(service& of)
{
    auto const length = number_of(of.throw_(dump_data())).value();
    std::vector<double> values;
    for (auto i = 0; i < length; ++i)
        values.push_back(number_of(of.next()).value());
    return values;
}

void check_contents(service& of, std::vector<double> const& expected)
{
    BOOST_TEST(contents(of) == expected, boost::test_tools::per_element());
}

void check_refuses(service& tested, sent const& object)
{
    auto const* const answer = tested.send(object);
    BOOST_TEST_REQUIRE(answer != nullptr);
    BOOST_TEST(answer->refused == refusal::not_a_number);
    BOOST_TEST(!answer->number.has_value());
}

} // namespace

BOOST_AUTO_TEST_SUITE(window_services)

BOOST_AUTO_TEST_CASE(a_service_runs_nothing_before_its_first_next)
{
    recorder observer;
    auto tested = make_service(mean_window({}), &observer);
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
    tested.throw_(clear_window());
    tested.throw_(dump_data());
    tested.send(sent::number(infinity));
    tested.close();
    auto const expected = std::vector{
        step::waiting,                                         // from the start
        step::waiting,                                         // a value
        step::rejected,         step::waiting,                 // no number
        step::providing_length, step::dumping,  step::waiting, // a dump, to its end
        step::reading,          step::waiting,  step::clearing, step::waiting,
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
    BOOST_TEST(contents(tested).size() == 128U);
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

BOOST_AUTO_TEST_SUITE_END()
