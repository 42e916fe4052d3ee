// The server and its listeners, in the test's own thread.
#include "net/server.hpp"
#include "net/support.hpp"

#include <boost/asio/post.hpp>
#include <boost/test/unit_test.hpp>

#include <array>
#include <chrono>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

namespace {

using namespace windowd;
using namespace windowd::test;
using namespace std::chrono_literals;
using net::end_reason;

/// More than a Unix socket holds of replies.
std::string flood()
{
    std::string input;
    for (int i = 0; i < 1000; ++i)
        input += "{\"op\":\"help\"}\n";
    return input;
}

} // namespace

BOOST_AUTO_TEST_SUITE(servers)

BOOST_AUTO_TEST_CASE(a_connection_is_served_counted_and_told)
{
    running_server host;
    auto client = host.connect();
    client->send("5\n7\n");
    BOOST_TEST(host.answers(*client, "5\n6\n"));
    BOOST_TEST(host.environment.counters.connections == 1U);
    client->close();
    BOOST_TEST(host.ends(1));
    BOOST_TEST(host.environment.counters.connections == 0U);
    BOOST_TEST(host.environment.counters.accepted == 1U);
    auto const& told = host.events.ended.front();
    BOOST_TEST(told.number == 1U);
    BOOST_TEST(told.peer == "unix://");
    BOOST_TEST((told.reason == end_reason::end_of_input));
    BOOST_TEST(told.bytes_in == 4U);
    BOOST_TEST(told.bytes_out == 4U);
    BOOST_TEST(host.events.opened == 1);
    BOOST_TEST(host.events.failures.empty());
}

BOOST_AUTO_TEST_CASE(where_it_listens_is_told)
{
    running_server host;
    host.server->listen(net::tcp_address{"127.0.0.1", 0});
    BOOST_REQUIRE(host.events.addresses.size() == 2U);
    BOOST_TEST(host.events.addresses[0] == "unix://" + host.path());
    BOOST_TEST(host.events.addresses[1].starts_with("tcp://127.0.0.1:"));
    BOOST_TEST(!host.events.addresses[1].ends_with(":0"));
}

BOOST_AUTO_TEST_CASE(an_address_in_use_is_told_by_name)
{
    running_server host;
    host.server->listen(net::tcp_address{"127.0.0.1", 0});
    auto const taken = host.events.addresses[1];
    BOOST_CHECK_EXCEPTION(
        host.server->listen(net::parse_listen_address(taken)), std::runtime_error,
        [&](auto const& why) { return std::string(why.what()).find(taken) != std::string::npos; });
}

BOOST_AUTO_TEST_CASE(one_connection_too_many_is_turned_away_and_counted)
{
    protocol::limits limits;
    limits.max_connections = 1;
    running_server host(limits);
    auto first = host.connect();
    first->send("5\n");
    BOOST_TEST(host.answers(*first, "5\n"));
    auto second = host.connect();
    BOOST_TEST(run_until(host.context, [&] { return second->at_end(); }));
    BOOST_TEST(second->received().find("limit_reached") != std::string::npos);
    BOOST_TEST(second->received().ends_with('\n'));
    BOOST_TEST(host.environment.counters.turned_away == 1U);
    BOOST_TEST(host.events.turned_away_count == 1);

    first->close();
    BOOST_TEST(host.ends(1));
    auto third = host.connect();
    third->send("9\n");
    BOOST_TEST(host.answers(*third, "9\n"));
}

BOOST_AUTO_TEST_CASE(idle_clients_are_closed_when_their_time_is_over)
{
    protocol::limits limits;
    limits.idle_timeout = 30ms;
    running_server host(limits);
    std::array<std::unique_ptr<peer>, 3> clients{host.connect(), host.connect(), host.connect()};
    BOOST_TEST(host.ends(clients.size()));
    for (auto const& one : clients)
        BOOST_TEST(one->at_end());
    for (auto const& one : host.events.ended)
        BOOST_TEST((one.reason == end_reason::idle));
}

BOOST_AUTO_TEST_CASE(clients_that_do_not_read_are_closed_when_their_time_is_over)
{
    protocol::limits limits;
    limits.write_timeout = 30ms;
    running_server host(limits);
    auto deaf = host.connect();
    auto other = host.connect();
    deaf->send(flood());
    BOOST_TEST(host.ends(1));
    BOOST_TEST((host.events.ended.front().reason == end_reason::not_reading));
    other->send("5\n");
    BOOST_TEST(host.answers(*other, "5\n"));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(stopping_a_server)

BOOST_AUTO_TEST_CASE(leaves_the_context_without_work_and_the_path_without_a_file)
{
    running_server host;
    auto client = host.connect();
    client->send("5\n");
    BOOST_TEST(host.answers(*client, "5\n"));
    host.server->stop();
    BOOST_TEST(host.runs_out_of_work());
    BOOST_TEST(!std::filesystem::exists(host.path()));
    BOOST_TEST(client->at_end());
    BOOST_TEST((host.events.ended.front().reason == end_reason::shutdown));
    host.server->stop(); // again, with nothing to do
    BOOST_TEST(host.runs_out_of_work());
}

BOOST_AUTO_TEST_CASE(before_it_ever_ran_leaves_the_context_without_work)
{
    running_server host;
    host.server->stop();
    BOOST_TEST(host.runs_out_of_work());
}

BOOST_AUTO_TEST_CASE(with_deadlines_set_leaves_the_context_without_work)
{
    protocol::limits limits;
    limits.idle_timeout = 1h;
    running_server host(limits);
    auto client = host.connect();
    client->send("5\n");
    BOOST_TEST(host.answers(*client, "5\n"));
    host.server->stop();
    BOOST_TEST(host.runs_out_of_work());
}

BOOST_AUTO_TEST_CASE(answers_what_came_also_to_those_that_were_not_accepted_yet)
{
    running_server host;
    auto accepted = host.connect();
    accepted->send("5\n");
    BOOST_TEST(host.answers(*accepted, "5\n"));
    auto waiting = host.connect();
    accepted->send("7\n");
    waiting->send("1\n3");
    waiting->half_close();
    host.server->stop();
    BOOST_TEST(host.runs_out_of_work());
    BOOST_TEST(accepted->received() == "5\n6\n");
    BOOST_TEST(waiting->received() == "1\n2\n");
}

BOOST_AUTO_TEST_CASE(with_a_client_that_does_not_read_takes_the_shutdown_timeout)
{
    running_server host({}, 30ms);
    auto deaf = host.connect();
    deaf->send(flood());
    run_until(host.context, [&] { return host.environment.counters.requests > 10; });
    host.server->stop();
    BOOST_TEST(host.runs_out_of_work());
    BOOST_TEST((host.events.ended.front().reason == end_reason::forced));
}

BOOST_AUTO_TEST_CASE(is_over_as_soon_as_the_last_client_has_read)
{
    running_server host({}, 1h);
    auto slow = host.connect();
    slow->send(flood());
    run_until(host.context, [&] { return host.environment.counters.requests > 10; });
    host.server->stop();
    host.context.restart();
    host.context.poll();
    BOOST_TEST(host.events.ended.empty());
    BOOST_TEST(run_until(host.context, [&] { return slow->at_end(); }));
    BOOST_TEST(host.runs_out_of_work());
    BOOST_TEST((host.events.ended.front().reason == end_reason::shutdown));
    BOOST_TEST(slow->received().ends_with("]}\n"));
}

BOOST_AUTO_TEST_CASE(a_client_that_connects_just_then_cannot_delay_it)
{
    running_server host({}, 30ms);
    host.environment.limits.write_timeout = 0s;
    host.context.poll(); // the listener waits
    auto deaf = host.connect();
    deaf->send(flood());
    boost::asio::post(host.context, [&host] { host.server->stop(); });
    BOOST_TEST(host.runs_out_of_work());
    BOOST_TEST(host.events.ended.size() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(listening_at)

BOOST_AUTO_TEST_CASE(a_path_in_no_folder_is_told_by_name)
{
    boost::asio::io_context context;
    BOOST_CHECK_EXCEPTION(net::listen_at(context, net::unix_address{"/nonexistent/windowd.sock"}),
                          std::runtime_error, [](auto const& why) {
                              return std::string(why.what()).find("/nonexistent/windowd.sock") !=
                                     std::string::npos;
                          });
}

BOOST_AUTO_TEST_CASE(a_name_with_several_addresses_gives_them_all_one_port)
{
    boost::asio::io_context context;
    auto const acceptors = net::listen_at(context, net::tcp_address{"localhost", 0});
    BOOST_REQUIRE(!acceptors.empty());
    auto const port = net::to_tcp(acceptors.front().local_endpoint()).port();
    BOOST_TEST(port != 0);
    for (auto const& one : acceptors)
        BOOST_TEST(net::to_tcp(one.local_endpoint()).port() == port);
}

BOOST_AUTO_TEST_SUITE_END()
