// Sessions of clients that follow windows: they are woken, they lose no more than they must, and they end like others.
#include "net/support.hpp"
#include "support/followed_events.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace windowd;
using namespace windowd::test;
using namespace std::chrono_literals;
using net::end_reason;

constexpr auto never = net::session::clock::time_point::max();

constexpr std::string_view subscribe = "{\"op\":\"subscribe\",\"window\":\"w\"}\n";
constexpr std::string_view subscribed = "{\"subscribed\":\"w\",\"windows\":0}\n";

/// What a session may have taken from the queue of events, and the sockets hold, besides max_event_buffer.
constexpr std::size_t on_its_way = std::size_t{256} * 1024;

std::string send(int value)
{
    return "{\"op\":\"send\",\"window\":\"w\",\"value\":" + std::to_string(value) + "}\n";
}

/// The event of the n-th value, which is n.
std::string yield(int n, std::string_view what)
{
    auto const number = std::to_string(n);
    return R"({"event":"yield","window":"w","n":)" + number + R"(,"value":)" + number + R"(,"yield":)" +
           std::string(what) + "}\n";
}

std::string const opened = "{\"event\":\"open\",\"window\":\"w\",\"n\":0}\n";

/// 1 to `count`, a line each: what is sent, and what a window of one value yields.
std::string numbers(int count)
{
    std::string text;
    for (int i = 1; i <= count; ++i)
        text += std::to_string(i) + "\n";
    return text;
}

/// Lines that are events are taken into account; the others come back.
std::string take_events(std::string_view received, followed_events& events)
{
    std::string replies;
    while (!received.empty()) {
        auto const size = received.find('\n') + 1; // 0 if the line is not whole
        auto const line = received.substr(0, size != 0 ? size : received.size());
        received.remove_prefix(line.size());
        if (size == 0 || !events.take(line))
            replies += line;
    }
    return replies;
}

/// A writer and a follower of window w, in one context.
struct house {
    explicit house(int follower_buffer = 0) : follower(environment, follower_buffer, &context) {}

    void follow()
    {
        follower.client.send(subscribe);
        BOOST_TEST(follower.answers(subscribed));
    }

    /// The writer opens w with room for one value.
    void open()
    {
        writer.client.send("{\"op\":\"open\",\"window\":\"w\",\"size\":1}\n");
        BOOST_TEST(run_until(context, [this] { return writer.client.received().ends_with("\n"); }));
        replies_ = writer.client.received().size();
    }

    /// The writer sends 1 to `count` and gets all replies; `meanwhile` is done again and again.
    template <class Meanwhile>
    bool writes(int count, Meanwhile&& meanwhile)
    {
        auto const input = numbers(count);
        std::size_t sent = 0;
        auto const done = run_until(context, [&] {
            sent += writer.client.send(std::string_view(input).substr(sent));
            meanwhile();
            return writer.client.received().size() - replies_ >= input.size();
        });
        return done && writer.client.received().substr(replies_) == input;
    }
    bool writes(int count)
    {
        return writes(count, [] {});
    }

    /// Runs until the follower's peer has received something that ends so.
    bool follower_gets_to(std::string_view end)
    {
        return run_until(context, [&] { return follower.client.received().ends_with(end); });
    }

    virtual_environment environment;
    boost::asio::io_context context;
    served_session writer{environment, 0, &context};
    served_session follower;

private:
    std::size_t replies_ = 0; // of the writer, before the numbers
};

/// A follower whose peer reads nothing, with more to write to it than the sockets hold.
struct house_of_a_deaf_follower : house {
    house_of_a_deaf_follower() : house(4096)
    {
        follow();
        open();
        BOOST_TEST(writes(count));
        BOOST_TEST(environment.events_lost() == 0U);
        BOOST_TEST(follower->bytes_out() < on_its_way);
    }

    static constexpr int count = 5000;
};

} // namespace

BOOST_AUTO_TEST_SUITE(followers)

BOOST_AUTO_TEST_CASE(one_that_waits_for_input_is_woken_for_each_event)
{
    house in;
    in.follow();
    in.follower.settle();
    in.writer.client.send(send(1));
    auto expected = std::string(subscribed) + opened + yield(1, "1");
    BOOST_TEST(in.follower.answers(expected));
    in.writer.client.send(send(2));
    BOOST_TEST(in.follower.answers(expected += yield(2, "1.5")));
    in.writer.client.send("{\"op\":\"clear\",\"window\":\"w\"}\n{\"op\":\"close\",\"window\":\"w\"}\n");
    BOOST_TEST(in.follower.answers(expected += "{\"event\":\"clear\",\"window\":\"w\",\"n\":3}\n"
                                               "{\"event\":\"close\",\"window\":\"w\",\"n\":4}\n"));
    BOOST_TEST(in.follower->bytes_out() == expected.size());
}

BOOST_AUTO_TEST_CASE(one_that_has_unsubscribed_is_not_told_any_more)
{
    house in;
    in.follow();
    in.follower.client.send("{\"op\":\"unsubscribe\",\"window\":\"w\"}\n");
    auto const expected = std::string(subscribed) + "{\"unsubscribed\":\"w\"}\n";
    BOOST_TEST(in.follower.answers(expected));
    in.writer.client.send(send(1));
    BOOST_TEST(in.writer.answers("{\"yield\":1}\n"));
    in.follower.settle();
    BOOST_TEST(in.follower.client.received() == expected);
}

BOOST_AUTO_TEST_CASE(one_that_has_sent_half_a_line_is_woken_too_and_the_line_goes_on)
{
    house in;
    in.follow();
    in.follower.client.send("1");
    in.follower.settle();
    in.writer.client.send(send(1));
    auto expected = std::string(subscribed) + opened + yield(1, "1");
    BOOST_TEST(in.follower.answers(expected));
    in.follower.client.send("2\n");
    BOOST_TEST(in.follower.answers(expected += "12\n"));
}

BOOST_AUTO_TEST_CASE(events_that_come_while_a_reply_is_written_come_after_it_and_never_in_it)
{
    constexpr int count = 30'000;
    house in(4096);
    in.follow();
    std::string zeros = "[0";
    for (int i = 1; i < count; ++i)
        zeros += ",0";
    zeros += "]";
    in.follower.client.send("{\"op\":\"open\",\"size\":30000,\"data\":" + zeros + "}\n{\"op\":\"dump\"}\n");
    in.follower.settle();
    in.writer.client.send(send(1) + send(2));
    BOOST_TEST(in.writer.answers("{\"yield\":1}\n{\"yield\":1.5}\n"));
    BOOST_TEST(in.follower->bytes_out() < zeros.size());
    auto const events = opened + yield(1, "1") + yield(2, "1.5");
    BOOST_TEST(in.follower_gets_to(events));
    auto const& received = in.follower.client.received();
    BOOST_TEST(received.ends_with("{\"yield\":30000,\"dump\":" + zeros + "}\n" + events));
}

BOOST_AUTO_TEST_CASE(a_burst_of_more_than_a_batch_of_output_arrives_whole)
{
    constexpr int count = 5000;
    house in;
    in.follow();
    in.open();
    std::string values = "[1";
    for (int i = 2; i <= count; ++i)
        values += "," + std::to_string(i);
    in.writer.client.send(values + "]\n"); // all are taken in one step
    BOOST_TEST(in.follower_gets_to(yield(count, std::to_string(count))));
    followed_events told;
    BOOST_TEST(take_events(in.follower.client.received(), told) == subscribed);
    BOOST_TEST(told.in_order());
    BOOST_TEST(told.received() == count + 1U);
    BOOST_TEST(in.follower->bytes_out() > 2 * protocol::conversation::output_pause);
    BOOST_TEST(in.environment.events_lost() == 0U);
}

BOOST_AUTO_TEST_CASE(one_that_also_sends_gets_its_replies_in_order_between_the_events)
{
    constexpr int count = 20'000;
    house in;
    in.environment.limits.max_event_buffer = std::size_t{1} << 30;
    in.environment.default_window.size = 1;
    in.follow();
    in.open();
    auto const own = numbers(count);
    std::size_t sent = 0;
    auto& client = in.follower.client;
    BOOST_TEST(in.writes(count, [&] {
        sent += client.send(std::string_view(own).substr(sent));
        client.received();
    }));
    auto whole = subscribed.size() + own.size() + opened.size();
    for (int i = 1; i <= count; ++i)
        whole += yield(i, std::to_string(i)).size();
    BOOST_TEST(run_until(in.context, [&] {
        sent += client.send(std::string_view(own).substr(sent));
        return client.received().size() >= whole;
    }));
    followed_events told;
    BOOST_TEST((take_events(client.received(), told) == std::string(subscribed) + own));
    BOOST_TEST(told.in_order());
    BOOST_TEST(told.received() == count + 1U);
    BOOST_TEST(told.lost() == 0U);
}

BOOST_AUTO_TEST_CASE(one_that_sends_to_the_window_it_follows_gets_each_event_right_after_its_reply)
{
    house in;
    in.follow();
    in.follower.client.send(send(1) + send(2) + "5\n");
    BOOST_TEST(in.follower.answers(std::string(subscribed) + "{\"yield\":1}\n" + opened + yield(1, "1") +
                                   "{\"yield\":1.5}\n" + yield(2, "1.5") + "5\n"));
}

BOOST_AUTO_TEST_CASE(one_whose_peer_does_not_read_loses_the_oldest_events_and_is_told_so_in_their_place)
{
    constexpr int count = 20'000;
    constexpr std::size_t buffer = 400'000; // more than one turn of the writer makes, less than all
    house in(4096);
    in.environment.limits.max_event_buffer = buffer;
    served_session healthy(in.environment, 0, &in.context);
    healthy.client.send(subscribe);
    BOOST_TEST(healthy.answers(subscribed));
    in.follow();
    in.open();
    BOOST_TEST(in.writes(count, [&] { healthy.client.received(); })); // the writer waits for nobody
    auto const last = yield(count, std::to_string(count));
    BOOST_TEST(run_until(in.context, [&] { return healthy.client.received().ends_with(last); }));
    auto const lost = in.environment.events_lost().load();
    BOOST_TEST(lost > 0U);

    BOOST_TEST(in.follower_gets_to(last));
    followed_events told;
    followed_events told_healthy;
    BOOST_TEST(take_events(in.follower.client.received(), told) == subscribed);
    BOOST_TEST(take_events(healthy.client.received(), told_healthy) == subscribed);
    BOOST_TEST(told.in_order());
    BOOST_TEST(told.received() + told.lost() == count + 1U);
    BOOST_TEST(told_healthy.in_order());
    BOOST_TEST(told_healthy.received() + told_healthy.lost() == count + 1U);
    BOOST_TEST(told.lost() + told_healthy.lost() == lost);
    BOOST_TEST(told_healthy.lost() == 0U);
    BOOST_TEST(in.follower.client.received().size() < buffer + on_its_way);

    // It is in the present again.
    in.writer.client.send("7\n");
    BOOST_TEST(in.follower_gets_to("\"n\":20001,\"value\":7,\"yield\":7}\n"));
    take_events(in.follower.client.received().substr(in.follower.client.received().rfind("{\"event\"")),
                told);
    BOOST_TEST(told.in_order());
}

BOOST_AUTO_TEST_CASE(one_whose_peer_vanishes_is_ended_by_its_next_event)
{
    house in;
    in.follow();
    in.follower.client.close();
    in.writer.client.send(send(1) + send(2));
    BOOST_TEST(in.writer.answers("{\"yield\":1}\n{\"yield\":1.5}\n"));
    BOOST_TEST(in.follower.runs_to_its_end());
    BOOST_TEST(in.environment.counters.subscriptions == 0U);
}

BOOST_AUTO_TEST_CASE(one_whose_peer_vanishes_while_it_waits_to_write_is_ended)
{
    house_of_a_deaf_follower in;
    in.follower.client.close();
    BOOST_TEST(in.follower.runs_to_its_end());
    BOOST_TEST((in.follower.reason() == end_reason::reset));
    BOOST_TEST(in.environment.counters.subscriptions == 0U);
    in.writer.client.send("7\n"); // and nobody is there to be told
    BOOST_TEST(run_until(in.context, [&] { return in.writer.client.received().ends_with("\n7\n"); }));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(followers_deadlines)

BOOST_AUTO_TEST_CASE(one_that_only_listens_is_not_idle)
{
    house in;
    in.environment.limits.idle_timeout = 60s;
    in.follower.settle();
    BOOST_TEST((in.follower->deadline() == virtual_time + 60s));
    in.follow();
    in.follower.settle();
    BOOST_TEST((in.follower->deadline() == never));
    BOOST_TEST((in.writer->deadline() == virtual_time + 60s));
    in.writer.client.send(send(1));
    BOOST_TEST(in.follower.answers(std::string(subscribed) + opened + yield(1, "1")));
    in.follower.settle();
    BOOST_TEST((in.follower->deadline() == never));
}

BOOST_AUTO_TEST_CASE(one_that_has_unsubscribed_is)
{
    house in;
    in.environment.limits.idle_timeout = 60s;
    in.follow();
    in.follower.client.send("{\"op\":\"unsubscribe\",\"window\":\"w\"}\n");
    in.follower.settle();
    BOOST_TEST((in.follower->deadline() == virtual_time + 60s));
}

BOOST_AUTO_TEST_CASE(one_whose_peer_takes_no_events_has_the_write_timeout)
{
    house in(4096);
    in.environment.limits.write_timeout = 60s;
    in.follow();
    in.open();
    BOOST_TEST(in.writes(5000));
    BOOST_TEST((in.follower->deadline() == virtual_time + 60s));
    virtual_time += 59s;
    in.follower.client.received();
    in.follower.settle();
    BOOST_TEST((in.follower->deadline() == virtual_time + 60s));
    in.follower->expire();
    BOOST_TEST(in.follower.runs_to_its_end());
    BOOST_TEST((in.follower.reason() == end_reason::not_reading));
}

BOOST_AUTO_TEST_CASE(of_the_clients_of_a_server_only_those_that_do_not_follow_are_closed_for_silence)
{
    protocol::limits limits;
    limits.idle_timeout = 30ms;
    running_server host(limits);
    auto follower = host.connect();
    auto silent = host.connect();
    follower->send(subscribe);
    BOOST_TEST(host.ends(1));
    BOOST_TEST(silent->at_end());
    BOOST_TEST((host.events.ended.front().reason == end_reason::idle));
    auto writer = host.connect();
    writer->send(send(1));
    BOOST_TEST(host.answers(*follower, std::string(subscribed) + opened + yield(1, "1")));
    BOOST_TEST(host.ends(2)); // the writer, later than that
    BOOST_TEST(!follower->at_end());
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(followers_end)

BOOST_AUTO_TEST_CASE(one_whose_client_has_no_more_to_say_gets_what_is_queued_and_ends)
{
    house_of_a_deaf_follower in;
    in.follower.client.half_close();
    in.follower.settle();
    BOOST_TEST(!in.follower.reason());
    BOOST_TEST(in.follower.runs_to_its_end());
    BOOST_TEST((in.follower.reason() == end_reason::end_of_input));
    followed_events told;
    BOOST_TEST(take_events(in.follower.client.received(), told) == subscribed);
    BOOST_TEST(told.in_order());
    BOOST_TEST(told.received() == in.count + 1U);
    BOOST_TEST(in.environment.counters.subscriptions == 0U);
}

BOOST_AUTO_TEST_CASE(one_that_follows_with_its_last_words_is_answered_and_ends)
{
    house in;
    in.follower.client.send(send(1) + std::string(subscribe.substr(0, subscribe.size() - 1)));
    in.follower.client.half_close();
    BOOST_TEST(in.follower.runs_to_its_end());
    BOOST_TEST((in.follower.reason() == end_reason::end_of_input));
    BOOST_TEST(in.follower.client.received() == "{\"yield\":1}\n{\"subscribed\":\"w\",\"windows\":1}\n");
}

BOOST_AUTO_TEST_CASE(one_that_sends_and_follows_with_its_last_words_gets_that_event)
{
    house in;
    auto const last = send(1);
    in.follower.client.send(std::string(subscribe) + last.substr(0, last.size() - 1));
    in.follower.client.half_close();
    BOOST_TEST(in.follower.runs_to_its_end());
    BOOST_TEST(in.follower.client.received() ==
               std::string(subscribed) + "{\"yield\":1}\n" + opened + yield(1, "1"));
}

BOOST_AUTO_TEST_CASE(stopped_while_it_waits_for_events_it_ends)
{
    house in;
    in.follow();
    in.follower.settle();
    in.follower->stop();
    BOOST_TEST(in.follower.runs_to_its_end());
    BOOST_TEST((in.follower.reason() == end_reason::shutdown));
    BOOST_TEST(in.follower.client.received() == subscribed);
    BOOST_TEST(in.follower.client.at_end());
}

BOOST_AUTO_TEST_CASE(stopped_with_events_queued_it_writes_them_and_ends)
{
    house_of_a_deaf_follower in;
    in.follower->stop();
    in.follower.settle();
    BOOST_TEST(!in.follower.reason());
    BOOST_TEST(in.follower.runs_to_its_end());
    BOOST_TEST((in.follower.reason() == end_reason::shutdown));
    followed_events told;
    BOOST_TEST(take_events(in.follower.client.received(), told) == subscribed);
    BOOST_TEST(told.in_order());
    BOOST_TEST(told.received() == in.count + 1U);
}

BOOST_AUTO_TEST_CASE(an_event_just_after_it_was_stopped_or_forced_or_has_expired_does_no_harm)
{
    using step = void (*)(net::session&);
    for (auto const& [end, why] : std::vector<std::pair<step, end_reason>>{
             {[](net::session& one) { one.stop(); }, end_reason::shutdown},
             {[](net::session& one) { one.force(); }, end_reason::forced},
             {[](net::session& one) { one.expire(); }, end_reason::idle}}) {
        house in;
        in.follow();
        in.follower.settle();
        in.writer.client.send(send(1));
        run_until(in.context, [&] { return in.environment.counters.values == 1; });
        end(*in.follower); // woken, and not yet running again
        in.writer.client.send(send(2));
        BOOST_TEST(in.writer.answers("{\"yield\":1}\n{\"yield\":1.5}\n"));
        BOOST_TEST(in.follower.runs_to_its_end());
        BOOST_TEST((in.follower.reason() == why));
        BOOST_TEST(in.environment.counters.subscriptions == 0U);
        in.writer.client.send(send(3));
        BOOST_TEST(in.writer.answers("{\"yield\":1}\n{\"yield\":1.5}\n{\"yield\":2}\n"));
    }
}

BOOST_AUTO_TEST_CASE(forced_while_its_peer_takes_no_events_it_ends_at_once)
{
    house_of_a_deaf_follower in;
    in.follower->stop();
    in.follower.settle();
    in.follower->force();
    in.follower.settle();
    BOOST_TEST((in.follower.reason() == end_reason::forced));
    BOOST_TEST(in.environment.counters.subscriptions == 0U);
}

BOOST_AUTO_TEST_CASE(a_server_that_is_stopped_ends_its_followers)
{
    running_server host;
    auto follower = host.connect();
    follower->send(subscribe);
    auto writer = host.connect();
    BOOST_TEST(host.answers(*follower, std::string(subscribed)));
    writer->send(send(1));
    BOOST_TEST(host.answers(*writer, "{\"yield\":1}\n"));
    host.server->stop();
    BOOST_TEST(host.runs_out_of_work());
    BOOST_TEST(follower->received() == std::string(subscribed) + opened + yield(1, "1"));
    BOOST_TEST(follower->at_end());
    for (auto const& one : host.events.ended)
        BOOST_TEST((one.reason == end_reason::shutdown));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(expiry_of_windows)

BOOST_AUTO_TEST_CASE(a_window_that_nobody_uses_is_closed_when_its_time_is_over_without_any_request)
{
    protocol::limits limits;
    limits.windows.idle_expiry = 0.05;
    running_server host(limits);
    auto follower = host.connect();
    follower->send(subscribe);
    BOOST_TEST(host.answers(*follower, std::string(subscribed)));
    auto writer = host.connect();
    auto const before = std::chrono::steady_clock::now();
    writer->send(send(1));
    BOOST_TEST(host.answers(*follower, std::string(subscribed) + opened + yield(1, "1") +
                                           "{\"event\":\"close\",\"window\":\"w\",\"n\":2}\n"));
    BOOST_TEST((std::chrono::steady_clock::now() - before >= 50ms));
    BOOST_TEST(host.environment.windows().count() == 0U);
    writer->send("{\"op\":\"read\",\"window\":\"w\"}\n");
    BOOST_TEST(run_until(host.context,
                         [&] { return writer->received().find("no_such_window") != std::string::npos; }));
}

BOOST_AUTO_TEST_CASE(each_window_is_closed_at_its_own_time)
{
    constexpr int count = 20;
    protocol::limits limits;
    limits.windows.idle_expiry = 0.03;
    running_server host(limits);
    auto follower = host.connect();
    follower->send("{\"op\":\"subscribe\",\"window\":\"*\"}\n");
    BOOST_TEST(run_until(host.context, [&] { return !follower->received().empty(); }));
    auto writer = host.connect();
    for (int i = 0; i < count; ++i) {
        writer->send("{\"op\":\"send\",\"window\":\"" + std::to_string(i) + "\",\"value\":1}\n");
        BOOST_TEST(run_until(host.context, [&] {
            return follower->received().find("\"window\":\"" + std::to_string(i) + "\",\"n\":1") !=
                   std::string::npos;
        }));
    }
    BOOST_TEST(run_until(host.context, [&] { return host.environment.windows().count() == 0; }));
    BOOST_TEST(run_until(host.context, [&] {
        std::size_t closed = 0;
        for (auto at = follower->received().find("\"close\""); at != std::string::npos;
             at = follower->received().find("\"close\"", at + 1))
            ++closed;
        return closed == count;
    }));
}

BOOST_AUTO_TEST_CASE(a_server_that_waits_for_the_next_to_expire_stops_at_once)
{
    protocol::limits limits;
    limits.windows.idle_expiry = 3600;
    running_server host(limits);
    auto writer = host.connect();
    writer->send(send(1));
    BOOST_TEST(host.answers(*writer, "{\"yield\":1}\n"));
    host.server->stop();
    BOOST_TEST(host.runs_out_of_work());
    BOOST_TEST(host.environment.windows().count() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
