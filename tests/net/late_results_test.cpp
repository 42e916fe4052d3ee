// Sessions whose requests are answered by a register that takes its time: replies stay in order, nothing piles up, and
// whoever waits can be ended.
#include "net/support.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <deque>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace windowd;
using namespace windowd::test;
using net::end_reason;

/// Performs nothing: a test says when an operation has finished, and with what.
class slow_register final : public window::window_register {
public:
    window::result* perform(window::operation const& asked, window::asker& by) override
    {
        asked_.emplace_back(asked.window);
        waiting_.push_back(&by);
        return nullptr;
    }
    void forget(window::asker& by) noexcept override
    {
        forgotten_ += waiting_.size();
        std::erase(waiting_, &by);
        forgotten_ -= waiting_.size();
    }
    void configure(window::register_limits const&, window::window_options) noexcept override {}
    std::vector<window::window_state> list(std::string_view, std::string_view, std::size_t, double) override
    {
        return {};
    }
    followed follow(window::follower& by, std::string_view) override
    {
        follower_ = &by;
        return {true, 0};
    }
    bool unfollow(window::follower&, std::string_view) noexcept override
    {
        return std::exchange(follower_, nullptr) != nullptr;
    }
    void unfollow_all(window::follower&) noexcept override { follower_ = nullptr; }
    std::size_t count() const noexcept override { return 0; }
    double close_idle(double) noexcept override { return std::numeric_limits<double>::infinity(); }

    /// The operation that was asked for first has yielded that.
    void finish(double yield)
    {
        window::yielded const one(yield);
        window::result came;
        came.yields = {&one, 1};
        finish(came);
    }
    void finish(window::result& came)
    {
        BOOST_REQUIRE(!waiting_.empty());
        auto* const first = waiting_.front();
        waiting_.pop_front();
        first->finished(came);
    }
    void tell_follower(std::string const& event)
    {
        follower_->deliver(std::make_shared<std::string const>(event));
    }

    std::size_t waiting() const noexcept { return waiting_.size(); }
    std::size_t forgotten() const noexcept { return forgotten_; }
    std::vector<std::string> const& asked() const noexcept { return asked_; }

private:
    std::vector<std::string> asked_; // names
    std::deque<window::asker*> waiting_;
    std::size_t forgotten_ = 0;
    window::follower* follower_ = nullptr;
};

/// An environment with such a register.
struct slow_environment : virtual_environment {
    slow_environment() { shared = std::make_unique<slow_register>(); }
    slow_register& windows() { return static_cast<slow_register&>(*shared); }
};

std::string send_to(std::string_view window, int id)
{
    return "{\"op\":\"send\",\"window\":\"" + std::string(window) +
           "\",\"value\":1,\"id\":" + std::to_string(id) + "}\n";
}

} // namespace

BOOST_AUTO_TEST_SUITE(late_results)

BOOST_AUTO_TEST_CASE(replies_come_in_the_order_of_requests)
{
    slow_environment environment;
    served_session served(environment);
    served.client.send("1\n" + send_to("a", 1) + "3\n" + send_to("b", 2) + send_to("c", 3) + "5\n");
    std::string expected = "1\n";
    BOOST_TEST(served.answers(expected));
    served.settle();
    BOOST_TEST(environment.windows().asked() == std::vector<std::string>{"a"}); // one at a time
    environment.windows().finish(10);
    BOOST_TEST(served.answers(expected += "{\"id\":1,\"yield\":10}\n2\n"));
    BOOST_TEST(environment.windows().asked() == (std::vector<std::string>{"a", "b"}));
    environment.windows().finish(20);
    BOOST_TEST(served.answers(expected += "{\"id\":2,\"yield\":20}\n"));
    environment.windows().finish(30);
    BOOST_TEST(served.answers(expected += "{\"id\":3,\"yield\":30}\n3\n"));
    BOOST_TEST(environment.windows().forgotten() == 0U);
}

BOOST_AUTO_TEST_CASE(a_session_that_waits_for_one_reads_no_more)
{
    slow_environment environment;
    environment.default_window.size = 1;
    served_session served(environment);
    served.client.send(send_to("w", 1));
    served.settle();
    std::string input;
    for (int i = 0; i < 90'000; ++i)
        input += std::to_string(i) + "\n";
    std::size_t sent = 0;
    for (auto before = input.size(); before != sent;) {
        before = sent;
        sent += served.client.send(std::string_view(input).substr(sent));
        served.settle();
    }
    BOOST_TEST(sent < input.size());
    BOOST_TEST(served->bytes_in() == send_to("w", 1).size());
    BOOST_TEST(served.client.received() == "");

    environment.windows().finish(1);
    auto const expected = "{\"id\":1,\"yield\":1}\n" + input;
    BOOST_TEST(run_until(served.context, [&] {
        sent += served.client.send(std::string_view(input).substr(sent));
        return served.client.received().size() >= expected.size();
    }));
    BOOST_TEST((served.client.received() == expected));
}

BOOST_AUTO_TEST_CASE(a_session_that_waits_keeps_nobody_else_waiting)
{
    slow_environment environment;
    boost::asio::io_context context;
    served_session waiting(environment, 0, &context);
    served_session other(environment, 0, &context);
    waiting.client.send(send_to("w", 1));
    waiting.settle();
    other.client.send("5\n");
    BOOST_TEST(other.answers("5\n"));
    BOOST_TEST(waiting.client.received() == "");
}

BOOST_AUTO_TEST_CASE(a_late_dump_of_more_than_a_batch_of_output_is_written_whole)
{
    constexpr std::size_t count = 50'000;
    slow_environment environment;
    served_session served(environment, 4096);
    served.client.send("{\"op\":\"dump\",\"window\":\"w\"}\n5\n");
    served.settle();
    std::atomic<std::size_t> total = 0;
    window::result came;
    came.dumped = window::dumped_values(std::vector<double>(count, 7),
                                        window::share::take(total, count, count).value());
    BOOST_TEST(total == count);
    environment.windows().finish(came);
    std::string expected = "{\"yield\":50000,\"dump\":[7";
    for (std::size_t i = 1; i < count; ++i)
        expected += ",7";
    expected += "]}\n5\n";
    BOOST_TEST(run_until(served.context, [&] { return served.client.received().size() >= expected.size(); }));
    BOOST_TEST((served.client.received() == expected));
    BOOST_TEST(total == 0U);
}

BOOST_AUTO_TEST_CASE(events_are_told_while_a_result_is_waited_for)
{
    slow_environment environment;
    served_session served(environment);
    served.client.send("{\"op\":\"subscribe\",\"window\":\"w\"}\n" + send_to("w", 1) + "5\n");
    std::string expected = "{\"subscribed\":\"w\",\"windows\":0}\n";
    BOOST_TEST(served.answers(expected));
    served.settle();
    environment.windows().tell_follower("{\"event\":1}\n");
    BOOST_TEST(served.answers(expected += "{\"event\":1}\n"));
    served.settle();
    environment.windows().tell_follower("{\"event\":2}\n");
    environment.windows().finish(3);
    environment.windows().tell_follower("{\"event\":3}\n");
    BOOST_TEST(served.answers(expected += "{\"id\":1,\"yield\":3}\n{\"event\":2}\n{\"event\":3}\n5\n"));
}

BOOST_AUTO_TEST_CASE(a_result_that_comes_while_events_are_written_is_not_missed)
{
    slow_environment environment;
    served_session served(environment, 4096);
    served.client.send("{\"op\":\"subscribe\",\"window\":\"w\"}\n" + send_to("w", 1));
    BOOST_TEST(served.answers("{\"subscribed\":\"w\",\"windows\":0}\n"));
    served.settle();
    environment.windows().tell_follower("{\"event\":\"" + std::string(100'000, 'x') + "\"}\n");
    served.settle(); // it waits for its peer now
    environment.windows().finish(3);
    BOOST_TEST(run_until(served.context, [&] {
        return served.client.received().ends_with("xxx\"}\n{\"id\":1,\"yield\":3}\n");
    }));
}

BOOST_AUTO_TEST_CASE(a_last_line_without_lf_is_answered_late)
{
    slow_environment environment;
    served_session served(environment);
    auto const line = send_to("w", 1);
    served.client.send("5\n" + line.substr(0, line.size() - 1));
    served.client.half_close();
    BOOST_TEST(served.answers("5\n"));
    served.settle();
    BOOST_TEST(!served.reason());
    environment.windows().finish(3);
    BOOST_TEST(served.runs_to_its_end());
    BOOST_TEST((served.reason() == end_reason::end_of_input));
    BOOST_TEST(served.client.received() == "5\n{\"id\":1,\"yield\":3}\n");
}

BOOST_AUTO_TEST_CASE(a_client_that_has_no_more_to_say_gets_its_late_replies)
{
    slow_environment environment;
    served_session served(environment);
    served.client.send(send_to("w", 1) + "5\n" + send_to("w", 2));
    served.client.half_close();
    served.settle();
    environment.windows().finish(3);
    BOOST_TEST(served.answers("{\"id\":1,\"yield\":3}\n5\n"));
    environment.windows().finish(4);
    BOOST_TEST(served.runs_to_its_end());
    BOOST_TEST((served.reason() == end_reason::end_of_input));
    BOOST_TEST(served.client.received() == "{\"id\":1,\"yield\":3}\n5\n{\"id\":2,\"yield\":4}\n");
}

BOOST_AUTO_TEST_CASE(stopped_while_it_waits_a_session_answers_what_has_come_and_ends)
{
    slow_environment environment;
    served_session served(environment);
    served.client.send(send_to("w", 1) + "5\n");
    served.settle();
    served.client.send(send_to("w", 2));
    served->stop();
    served.settle();
    BOOST_TEST(!served.reason());
    environment.windows().finish(3);
    served.settle();
    environment.windows().finish(4);
    BOOST_TEST(served.runs_to_its_end());
    BOOST_TEST((served.reason() == end_reason::shutdown));
    BOOST_TEST(served.client.received() == "{\"id\":1,\"yield\":3}\n5\n{\"id\":2,\"yield\":4}\n");
}

BOOST_AUTO_TEST_CASE(forced_while_it_waits_a_session_ends_and_is_forgotten)
{
    slow_environment environment;
    served_session served(environment);
    served.client.send(send_to("w", 1) + "5\n");
    served.settle();
    served->stop();
    served->force();
    served.settle();
    BOOST_TEST((served.reason() == end_reason::forced));
    BOOST_TEST(environment.windows().forgotten() == 1U);
    BOOST_TEST(environment.windows().waiting() == 0U);
}

BOOST_AUTO_TEST_CASE(forced_when_the_result_has_just_come_a_session_ends)
{
    slow_environment environment;
    served_session served(environment);
    served.client.send(send_to("w", 1));
    served.settle();
    environment.windows().finish(3);
    served->force();
    served.settle();
    BOOST_TEST((served.reason() == end_reason::forced));
    BOOST_TEST(environment.windows().forgotten() == 0U);
}

BOOST_AUTO_TEST_CASE(a_client_that_vanishes_meanwhile_ends_it_when_the_result_has_come)
{
    slow_environment environment;
    served_session served(environment);
    served.client.send(send_to("w", 1) + send_to("w", 2));
    served.settle();
    served.client.close();
    served.settle();
    environment.windows().finish(3);
    BOOST_TEST(served.runs_to_its_end());
    BOOST_TEST((served.reason() == end_reason::reset));
    BOOST_TEST(environment.windows().waiting() == 0U);
}

BOOST_AUTO_TEST_CASE(a_session_that_is_destroyed_while_it_waits_is_forgotten)
{
    slow_environment environment;
    {
        served_session served(environment);
        served.client.send(send_to("w", 1));
        served.settle();
        BOOST_TEST(environment.windows().waiting() == 1U);
    }
    BOOST_TEST(environment.windows().forgotten() == 1U);
    BOOST_TEST(environment.windows().waiting() == 0U);
}

BOOST_AUTO_TEST_CASE(there_is_no_deadline_for_who_is_kept_waiting_by_the_server)
{
    slow_environment environment;
    environment.limits.idle_timeout = std::chrono::seconds(60);
    environment.limits.write_timeout = std::chrono::seconds(60);
    served_session served(environment);
    served.client.send(send_to("w", 1));
    served.settle();
    BOOST_TEST((served->deadline() == net::session::clock::time_point::max()));
    environment.windows().finish(3);
    BOOST_TEST(served.answers("{\"id\":1,\"yield\":3}\n"));
    BOOST_TEST((served->deadline() == virtual_time + std::chrono::seconds(60)));
}

BOOST_AUTO_TEST_CASE(a_server_that_is_stopped_waits_for_results_until_the_shutdown_timeout)
{
    running_server host({}, std::chrono::milliseconds(30));
    host.environment.shared = std::make_unique<slow_register>();
    auto& windows = static_cast<slow_register&>(*host.environment.shared);
    auto answered = host.connect();
    answered->send(send_to("w", 1));
    BOOST_TEST(run_until(host.context, [&] { return windows.waiting() == 1; }));
    auto forgotten = host.connect();
    forgotten->send(send_to("w", 2));
    BOOST_TEST(run_until(host.context, [&] { return windows.waiting() == 2; }));
    host.server->stop();
    windows.finish(3);
    BOOST_TEST(host.runs_out_of_work());
    BOOST_TEST(answered->received() == "{\"id\":1,\"yield\":3}\n");
    BOOST_TEST(forgotten->received() == "");
    BOOST_TEST(forgotten->at_end());
    BOOST_TEST(windows.forgotten() == 1U);
    BOOST_TEST((host.events.ended.back().reason == end_reason::forced));
}

BOOST_AUTO_TEST_SUITE_END()
