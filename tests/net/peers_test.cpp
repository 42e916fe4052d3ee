// Limits of each peer: who is one, how refusals add up and are made up for, and what a session and a server do about it.
#include "net/peers.hpp"
#include "net/support.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace windowd;
using namespace windowd::test;
using namespace std::chrono_literals;
using net::obstacle;
using net::peer_limits;
using net::peer_table;
using duration = peer_table::clock::duration;

constexpr auto now = peer_table::clock::time_point(1h);
constexpr peer_limits one_a_second{0, 60};

net::peer_id peer_at(std::string const& address, std::uint16_t port = 1)
{
    return net::peer_id(boost::asio::ip::tcp::endpoint(boost::asio::ip::make_address(address), port));
}

/// The IPv4 address of that number.
net::peer_id peer_numbered(std::uint32_t number)
{
    return net::peer_id(boost::asio::ip::tcp::endpoint(boost::asio::ip::address_v4(number), 1));
}

std::shared_ptr<peer_table> make_table()
{
    return std::make_shared<peer_table>();
}

protocol::limits limited(std::size_t connections, std::size_t refusals)
{
    protocol::limits limits;
    limits.max_connections_per_peer = connections;
    limits.max_refused_per_peer = refusals;
    return limits;
}

std::string repeated(std::string const& text, int times)
{
    std::string all;
    for (int i = 0; i < times; ++i)
        all += text;
    return all;
}

auto lines_in(std::string const& text)
{
    return std::ranges::count(text, '\n');
}

} // namespace

BOOST_AUTO_TEST_SUITE(peers)

BOOST_AUTO_TEST_CASE(an_ipv4_address_is_one_whatever_its_port_and_its_form)
{
    BOOST_TEST((peer_at("192.0.2.1", 1) == peer_at("192.0.2.1", 2)));
    BOOST_TEST((peer_at("192.0.2.1") == peer_at("::ffff:192.0.2.1")));
    BOOST_TEST((peer_at("192.0.2.1") != peer_at("192.0.2.2")));
}

BOOST_AUTO_TEST_CASE(an_ipv6_network_of_64_bits_is_one)
{
    BOOST_TEST((peer_at("2001:db8:1:2::1") == peer_at("2001:db8:1:2:ffff::")));
    BOOST_TEST((peer_at("2001:db8:1:2::1") != peer_at("2001:db8:1:3::1")));
    BOOST_TEST((peer_at("::1") != peer_at("0.0.0.0")));
}

BOOST_AUTO_TEST_CASE(connections_count_until_they_end)
{
    auto const table = make_table();
    peer_limits const two{2, 0};
    auto first = std::optional(table->take(peer_at("192.0.2.1"), now));
    BOOST_TEST(!table->against(peer_at("192.0.2.1"), two, now));
    auto const second = table->take(peer_at("192.0.2.1"), now);
    BOOST_TEST((table->against(peer_at("192.0.2.1"), two, now) == obstacle::peer_is_full));
    BOOST_TEST(!table->against(peer_at("192.0.2.2"), two, now));
    BOOST_TEST(!table->against(peer_at("192.0.2.1"), {0, 0}, now));
    first.reset();
    BOOST_TEST(!table->against(peer_at("192.0.2.1"), two, now));
}

BOOST_AUTO_TEST_CASE(a_seat_that_is_moved_counts_once)
{
    auto const table = make_table();
    {
        auto seat = table->take(peer_at("192.0.2.1"), now);
        auto const moved = std::move(seat);
        BOOST_TEST((table->against(peer_at("192.0.2.1"), {1, 0}, now) == obstacle::peer_is_full));
    }
    BOOST_TEST(table->size() == 0U);
}

BOOST_AUTO_TEST_CASE(a_seat_outlives_the_owner_of_its_table)
{
    auto table = make_table();
    auto seat = table->take(peer_at("192.0.2.1"), now);
    table.reset();
    BOOST_TEST((seat.charge(61, one_a_second, now) == 1s));
}

BOOST_AUTO_TEST_CASE(no_seat_has_no_limits)
{
    peer_table::seat none;
    BOOST_TEST((none.charge(1000, one_a_second, now) == 0s));
}

BOOST_AUTO_TEST_CASE(a_minutes_refusals_are_free_and_come_back_evenly)
{
    auto const table = make_table();
    auto seat = table->take(peer_at("192.0.2.1"), now);
    BOOST_TEST((seat.charge(59, one_a_second, now) == 0s));
    BOOST_TEST((seat.charge(1, one_a_second, now) == 0s));
    BOOST_TEST((seat.charge(1, one_a_second, now) == 1s));
    BOOST_TEST((seat.charge(1, one_a_second, now + 500ms) == 1500ms));
    BOOST_TEST((seat.charge(1, one_a_second, now + 10s) == 0s));
    BOOST_TEST((seat.charge(60, one_a_second, now + 1h) == 0s));
    BOOST_TEST((seat.charge(1, one_a_second, now + 1h) == 1s));
}

BOOST_AUTO_TEST_CASE(nobody_has_to_wait_for_more_than_a_minute)
{
    auto const table = make_table();
    auto seat = table->take(peer_at("192.0.2.1"), now);
    BOOST_TEST((seat.charge(UINT64_MAX, one_a_second, now) == 1min));
    BOOST_TEST((seat.charge(100'000, {0, 1}, now) == 1min));
    BOOST_TEST((seat.charge(UINT64_MAX, {0, 1'000'000}, now) == 1min));
}

BOOST_AUTO_TEST_CASE(connections_of_a_peer_share_what_it_may)
{
    auto const table = make_table();
    auto one = table->take(peer_at("192.0.2.1"), now);
    auto other = table->take(peer_at("192.0.2.1"), now);
    auto stranger = table->take(peer_at("192.0.2.2"), now);
    BOOST_TEST((one.charge(60, one_a_second, now) == 0s));
    BOOST_TEST((other.charge(2, one_a_second, now) == 2s));
    BOOST_TEST((stranger.charge(2, one_a_second, now) == 0s));
}

BOOST_AUTO_TEST_CASE(without_a_limit_nothing_is_counted)
{
    auto const table = make_table();
    auto seat = table->take(peer_at("192.0.2.1"), now);
    BOOST_TEST((seat.charge(1000, {0, 0}, now) == 0s));
    BOOST_TEST((seat.charge(1, one_a_second, now) == 0s));
}

BOOST_AUTO_TEST_CASE(who_has_to_wait_gets_no_new_connection_till_then)
{
    auto const table = make_table();
    {
        auto seat = table->take(peer_at("192.0.2.1"), now);
        BOOST_TEST((seat.charge(65, one_a_second, now) == 5s));
    }
    auto const against = [&](auto when) {
        return table->against(peer_at("192.0.2.1"), one_a_second, now + when);
    };
    BOOST_TEST((against(0s) == obstacle::peer_is_held_back));
    BOOST_TEST((against(4999ms) == obstacle::peer_is_held_back));
    BOOST_TEST(!against(5s));
    BOOST_TEST(!table->against(peer_at("192.0.2.1"), {0, 0}, now));
}

BOOST_AUTO_TEST_CASE(who_has_had_nothing_refused_is_forgotten_at_once)
{
    auto const table = make_table();
    for (std::uint32_t i = 0; i < 10; ++i)
        table->take(peer_numbered(i), now);
    BOOST_TEST(table->size() == 0U);
}

BOOST_AUTO_TEST_CASE(the_gone_are_remembered_in_bounded_memory)
{
    auto const table = make_table();
    std::vector<peer_table::seat> present;
    for (std::uint32_t i = 0; i < 100; ++i)
        present.push_back(table->take(peer_numbered(i), now));
    std::size_t most = 0;
    for (std::uint32_t i = 1000; i < 10'000; ++i) {
        table->take(peer_numbered(i), now).charge(61, one_a_second, now);
        most = std::max(most, table->size());
    }
    BOOST_TEST(most > 1000U);
    BOOST_TEST(most <= 1202U);
    BOOST_TEST((present.front().charge(61, one_a_second, now) == 1s));
    BOOST_TEST((table->against(peer_numbered(9999), one_a_second, now) == obstacle::peer_is_held_back));
}

BOOST_AUTO_TEST_CASE(of_the_gone_those_are_forgotten_first_who_owe_nothing)
{
    auto const table = make_table();
    constexpr std::uint32_t debtor = 1'000'000;
    table->take(peer_numbered(debtor), now + 1h).charge(61, one_a_second, now + 1h);
    for (std::uint32_t i = 0; i < 3000; ++i)
        table->take(peer_numbered(i), now + 1h).charge(1, one_a_second, now);
    BOOST_TEST(
        (table->against(peer_numbered(debtor), one_a_second, now + 1h) == obstacle::peer_is_held_back));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(peers_that_are_held_back)

BOOST_AUTO_TEST_CASE(get_the_reply_and_then_have_to_wait)
{
    virtual_environment environment;
    environment.limits = limited(0, 60);
    served_session served(environment);
    served.client.send(repeated("x\n", 65) + "5\n");
    served.settle();
    BOOST_TEST(lines_in(served.client.received()) == 66);
    BOOST_TEST(served.client.received().ends_with("\n5\n"));
    BOOST_TEST(environment.counters.held_back == 1U);
    BOOST_TEST(served.events.held_back_peers == std::vector<std::string>{"unix://"},
               boost::test_tools::per_element());
    BOOST_TEST((served->deadline() == virtual_time + 5s));

    served.client.send("7\n");
    served.settle();
    BOOST_TEST(!served.client.received().ends_with("\n6\n"));
    served->expire(); // the wait is over, not the connection
    BOOST_TEST(run_until(served.context, [&] { return served.client.received().ends_with("\n6\n"); }));
    BOOST_TEST(environment.counters.held_back == 1U);
}

BOOST_AUTO_TEST_CASE(wait_for_a_second_at_least)
{
    virtual_environment environment;
    environment.limits = limited(0, 600);
    served_session served(environment);
    served.client.send(repeated("x\n", 601));
    served.settle();
    BOOST_TEST((served->deadline() == virtual_time + 1s));
}

BOOST_AUTO_TEST_CASE(do_not_wait_where_nothing_more_is_refused)
{
    virtual_environment environment;
    environment.limits = limited(0, 2);
    served_session served(environment);
    served.client.send("x\nx\n1\n");
    BOOST_TEST(run_until(served.context, [&] { return served.client.received().ends_with("\n1\n"); }));
    served.client.send("3\n");
    BOOST_TEST(run_until(served.context, [&] { return served.client.received().ends_with("\n2\n"); }));
    BOOST_TEST(environment.counters.held_back == 0U);
}

BOOST_AUTO_TEST_CASE(end_with_the_server_when_all_that_has_come_is_answered)
{
    virtual_environment environment;
    environment.limits = limited(0, 1);
    served_session served(environment);
    served.client.send("x\nx\n");
    served.settle();
    served.client.send("5\nx\n7\n");
    served->stop();
    BOOST_TEST(served.runs_to_its_end());
    BOOST_TEST(lines_in(served.client.received()) == 5);
    BOOST_TEST(served.client.received().ends_with("\n6\n"));
    BOOST_TEST((served.reason() == net::end_reason::shutdown));
}

BOOST_AUTO_TEST_CASE(end_at_once_when_they_are_forced)
{
    virtual_environment environment;
    environment.limits = limited(0, 1);
    served_session served(environment);
    served.client.send("x\nx\n");
    served.settle();
    served->force();
    BOOST_TEST(served.runs_to_its_end());
    BOOST_TEST(lines_in(served.client.received()) == 2);
    BOOST_TEST((served.reason() == net::end_reason::forced));
}

BOOST_AUTO_TEST_CASE(need_not_wait_at_the_end_of_their_input)
{
    virtual_environment environment;
    environment.limits = limited(0, 1);
    served_session served(environment);
    served.client.send("x\n");
    BOOST_TEST(run_until(served.context, [&] { return lines_in(served.client.received()) == 1; }));
    served.client.send("x");
    served.client.half_close();
    BOOST_TEST(run_until(served.context,
                         [&] { return lines_in(served.client.received()) == 2 && served.reason(); }));
    BOOST_TEST((served.reason() == net::end_reason::end_of_input));
}

BOOST_AUTO_TEST_CASE(are_turned_away_by_a_server_and_others_go_on)
{
    running_server host(limited(0, 2));
    auto first = host.connect();
    auto second = host.connect();
    second->send("1\n");
    BOOST_TEST(host.answers(*second, "1\n"));
    first->send("x\nx\nx\n");
    BOOST_TEST(run_until(host.context, [&] { return lines_in(first->received()) == 3; }));
    auto third = host.connect();
    BOOST_TEST(run_until(host.context, [&] { return third->at_end(); }));
    BOOST_TEST(
        third->received() ==
        "{\"error\":{\"code\":\"limit_reached\",\"message\":\"too many of your requests were refused, more "
        "than 2 a minute; try again later\"}}\n");
    BOOST_TEST((host.events.last_obstacle == obstacle::peer_is_held_back));
    BOOST_TEST(host.environment.counters.turned_away == 1U);
    second->send("3\n");
    BOOST_TEST(host.answers(*second, "1\n2\n"));
}

BOOST_AUTO_TEST_CASE(are_served_by_a_server_when_they_have_waited)
{
    running_server host(limited(0, 600));
    auto client = host.connect();
    auto const began = std::chrono::steady_clock::now();
    client->send(repeated("x\n", 601) + "5\n");
    BOOST_TEST(run_until(host.context, [&] { return client->received().ends_with("\n5\n"); }));
    client->send("7\n");
    BOOST_TEST(run_until(host.context, [&] { return client->received().ends_with("\n6\n"); }));
    BOOST_TEST((std::chrono::steady_clock::now() - began >= 1s));
}

BOOST_AUTO_TEST_CASE(are_turned_away_beyond_as_many_connections_as_one_may_have)
{
    running_server host(limited(2, 0), 1h, 2);
    std::array<std::unique_ptr<peer>, 2> const clients{host.connect(), host.connect()};
    for (auto const& one : clients) {
        one->send("5\n");
        BOOST_TEST(host.answers(*one, "5\n"));
    }
    auto third = host.connect();
    BOOST_TEST(run_until(host.context, [&] { return third->at_end(); }));
    BOOST_TEST(third->received() == "{\"error\":{\"code\":\"limit_reached\",\"message\":\"you have as many "
                                    "connections as a peer may, which "
                                    "is 2; close one, or try again later\"}}\n");
    BOOST_TEST((host.events.last_obstacle == obstacle::peer_is_full));
    clients[0]->close();
    BOOST_TEST(host.ends(1));
    BOOST_TEST(run_until(host.context, [&] {
        auto const again = host.connect();
        again->send("9\n");
        return run_until(host.context, [&] { return again->received() == "9\n" || again->at_end(); }) &&
               again->received() == "9\n";
    }));
}

BOOST_AUTO_TEST_SUITE_END()
