// What can be changed while the server runs: certificates, limits, tokens; and the pause after a token that is not known.
#include "net/server.hpp"
#include "net/support.hpp"
#include "net/tls_support.hpp"
#include "support/not_owned.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>

#include <netinet/in.h>
#include <sys/socket.h>

namespace {

using namespace windowd;
using namespace windowd::test;
using namespace std::chrono_literals;
using net::end_reason;
using protocol::right;

/// Knows one token.
struct one_token final : protocol::authority {
    right check(std::string_view token) const noexcept override
    {
        return token == "secret" ? allows : right::none;
    }
    right allows = right::write;
};

/// Where clients have to show that token.
struct asking_environment : virtual_environment {
    asking_environment() { access = not_owned(tokens); }

    one_token tokens;
};

std::string const wrong = "{\"op\":\"auth\",\"token\":\"guess\"}\n";
std::string const correct = "{\"op\":\"auth\",\"token\":\"secret\"}\n";
std::string const authorized = "{\"authorized\":\"write\"}\n";

/// A connection to the address that a server has told of last.
std::unique_ptr<peer> connected_to(std::string const& told)
{
    auto const where = std::get<net::tls_address>(net::parse_listen_address(told));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(where.port);
    auto const made = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(made, reinterpret_cast<sockaddr const*>(&address), sizeof(address)) != 0)
        throw std::runtime_error("no connection");
    return std::make_unique<peer>(made);
}

bool is_refused(std::string const& reply)
{
    return reply.find("\"unauthorized\"") != std::string::npos && reply.ends_with('\n');
}

} // namespace

BOOST_AUTO_TEST_SUITE(certificates_of_a_server)

BOOST_AUTO_TEST_CASE(are_needed_for_tls)
{
    running_server host;
    BOOST_CHECK_EXCEPTION(
        host.server->listen(net::tls_address{{"127.0.0.1", 0}}), std::runtime_error, [](auto const& why) {
            return std::string(why.what()) ==
                   "cannot listen on tls://127.0.0.1:0: it needs a --tls-certificate and a --tls-key";
        });
}

BOOST_AUTO_TEST_CASE(hold_for_connections_from_then_on)
{
    certificates made;
    made.make("first");
    made.make("second");
    running_server host;
    host.server->use_tls(std::make_shared<net::tls_context>(made.files("first")));
    host.server->listen(net::tls_address{{"127.0.0.1", 0}});
    auto const address = host.events.addresses.back();
    BOOST_TEST(address.starts_with("tls://127.0.0.1:"));

    auto old_connection = connected_to(address);
    tls_peer old(old_connection->descriptor());
    BOOST_TEST(run_until(host.context, [&] { return old.shake_hands(); }));
    old.send("5\n");
    BOOST_TEST(run_until(host.context, [&] { return old.received() == "5\n"; }));
    BOOST_TEST(old.subject() == "first");

    host.server->use_tls(std::make_shared<net::tls_context>(made.files("second")));
    auto new_connection = connected_to(address);
    tls_peer fresh(new_connection->descriptor());
    BOOST_TEST(run_until(host.context, [&] { return fresh.shake_hands(); }));
    fresh.send("1\n");
    BOOST_TEST(run_until(host.context, [&] { return fresh.received() == "1\n"; }));
    BOOST_TEST(fresh.subject() == "second");

    old.send("7\n");
    BOOST_TEST(run_until(host.context, [&] { return old.received() == "5\n6\n"; }));
    old.half_close();
    BOOST_TEST(host.ends(1));
    BOOST_TEST(old.at_end());
    auto const& told = host.events.ended.front();
    BOOST_TEST((told.reason == end_reason::end_of_input));
    BOOST_TEST(told.peer.starts_with("tls://127.0.0.1:"));
    BOOST_TEST(told.bytes_in == 4U);

    host.server->stop();
    BOOST_TEST(host.runs_out_of_work());
    BOOST_TEST(fresh.at_end());
}

BOOST_AUTO_TEST_CASE(failed_handshakes_are_told_counted_and_closed)
{
    certificates made;
    made.make("server");
    running_server host;
    host.server->use_tls(std::make_shared<net::tls_context>(made.files("server")));
    host.server->listen(net::tls_address{{"127.0.0.1", 0}});
    auto client = connected_to(host.events.addresses.back());
    client->send("GET / HTTP/1.1\r\n\r\n");
    BOOST_TEST(host.ends(1));
    BOOST_TEST((host.events.ended.front().reason == end_reason::handshake));
    BOOST_TEST(host.events.handshake_failures.size() == 1U);
    BOOST_TEST(host.environment.counters.accepted == 1U);
    BOOST_TEST(host.environment.counters.connections == 0U);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(changed_limits)

BOOST_AUTO_TEST_CASE(an_idle_timeout_holds_for_who_is_idle_already)
{
    protocol::limits limits;
    limits.write_timeout = 0s;
    running_server host(limits);
    auto client = host.connect();
    client->send("5\n");
    BOOST_TEST(host.answers(*client, "5\n"));
    host.environment.limits.idle_timeout = 30ms;
    host.server->settings_changed();
    BOOST_TEST(host.ends(1));
    BOOST_TEST((host.events.ended.front().reason == end_reason::idle));
}

BOOST_AUTO_TEST_CASE(a_session_goes_by_the_timeout_in_force)
{
    virtual_environment environment;
    environment.limits.idle_timeout = 60s;
    served_session served(environment);
    served.settle();
    BOOST_TEST((served->deadline() == virtual_time + 60s));
    environment.limits.idle_timeout = 5s;
    BOOST_TEST((served->deadline() == virtual_time + 5s));
    environment.limits.idle_timeout = 0s;
    BOOST_TEST((served->deadline() == net::session::clock::time_point::max()));
}

BOOST_AUTO_TEST_CASE(fewer_connections_are_refused_from_then_on_and_those_there_are_stay)
{
    running_server host;
    std::array<std::unique_ptr<peer>, 2> clients{host.connect(), host.connect()};
    for (auto const& one : clients) {
        one->send("5\n");
        BOOST_TEST(host.answers(*one, "5\n"));
    }
    host.environment.limits.max_connections = 1;
    host.server->settings_changed();
    auto third = host.connect();
    BOOST_TEST(run_until(host.context, [&] { return third->at_end(); }));
    BOOST_TEST(third->received().find("limit_reached") != std::string::npos);
    clients[0]->send("7\n");
    BOOST_TEST(host.answers(*clients[0], "5\n6\n"));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(failed_authentication)

BOOST_AUTO_TEST_CASE(is_told_and_answered_after_a_second)
{
    asking_environment environment;
    served_session served(environment);
    served.client.send(wrong + correct + "5\n");
    served.settle();
    BOOST_TEST(served.events.auth_failures.size() == 1U);
    BOOST_TEST(served.client.received() == "");
    BOOST_TEST((served->deadline() == virtual_time + 1s));
    served->expire(); // the pause is over, not the connection
    BOOST_TEST(run_until(served.context, [&] { return served.client.received().ends_with("\n5\n"); }));
    auto const& all = served.client.received();
    auto const first = all.substr(0, all.find('\n') + 1);
    BOOST_TEST(is_refused(first));
    BOOST_TEST(all.substr(first.size()) == authorized + "5\n");
    BOOST_TEST(served.events.auth_failures.size() == 1U);
}

BOOST_AUTO_TEST_CASE(takes_that_second_in_a_server)
{
    one_token tokens;
    running_server host;
    host.environment.access = not_owned(tokens);
    host.server->renew_access();
    auto client = host.connect();
    auto const began = std::chrono::steady_clock::now();
    client->send(wrong);
    BOOST_TEST(run_until(host.context, [&] { return is_refused(client->received()); }));
    BOOST_TEST((std::chrono::steady_clock::now() - began >= 1s));
}

BOOST_AUTO_TEST_CASE(on_a_last_line_without_lf_is_answered_after_a_second_too)
{
    asking_environment environment;
    served_session served(environment);
    served.client.send(wrong.substr(0, wrong.size() - 1));
    served.client.half_close();
    served.settle();
    BOOST_TEST(served.client.received() == "");
    served->expire();
    BOOST_TEST(served.runs_to_its_end());
    BOOST_TEST(is_refused(served.client.received()));
    BOOST_TEST((served.reason() == end_reason::end_of_input));
}

BOOST_AUTO_TEST_CASE(stopped_all_that_has_come_is_answered_at_once)
{
    asking_environment environment;
    served_session served(environment);
    served.client.send(wrong + correct + "5\n");
    served.settle();
    served->stop();
    BOOST_TEST(served.runs_to_its_end());
    BOOST_TEST(is_refused(served.client.received()));
    BOOST_TEST(served.client.received().ends_with(authorized + "5\n"));
    BOOST_TEST((served.reason() == end_reason::shutdown));
}

BOOST_AUTO_TEST_CASE(a_new_client_has_ten_seconds_to_show_a_token)
{
    asking_environment environment;
    served_session silent(environment);
    silent.settle();
    BOOST_TEST((silent->deadline() == virtual_time + 10s));
    silent->expire();
    BOOST_TEST(silent.runs_to_its_end());
    BOOST_TEST((silent.reason() == end_reason::no_token));

    served_session known(environment);
    known.client.send(correct);
    BOOST_TEST(run_until(known.context, [&] { return known.client.received() == authorized; }));
    known.settle();
    BOOST_TEST((known->deadline() == net::session::clock::time_point::max()));
}

BOOST_AUTO_TEST_CASE(a_client_from_before_has_all_the_time)
{
    one_token tokens;
    virtual_environment environment;
    served_session served(environment);
    served.settle();
    environment.access = not_owned(tokens);
    served->renew_access();
    BOOST_TEST((served->deadline() == net::session::clock::time_point::max()));
}

BOOST_AUTO_TEST_CASE(forced_it_ends)
{
    asking_environment environment;
    served_session served(environment);
    served.client.send(wrong);
    served.settle();
    served->force();
    BOOST_TEST(served.runs_to_its_end());
    BOOST_TEST(served.client.received() == "");
    BOOST_TEST((served.reason() == end_reason::forced));
}

BOOST_AUTO_TEST_CASE(events_do_not_shorten_the_pause)
{
    asking_environment environment;
    boost::asio::io_context context;
    served_session follower(environment, 0, &context);
    served_session writer(environment, 0, &context);
    follower.client.send(correct + "{\"op\":\"subscribe\",\"window\":\"w\"}\n");
    auto const subscribed = authorized + "{\"subscribed\":\"w\",\"windows\":0}\n";
    BOOST_TEST(follower.answers(subscribed));
    follower.client.send(wrong);
    follower.settle();
    writer.client.send(correct + "{\"op\":\"send\",\"window\":\"w\",\"value\":5}\n");
    BOOST_TEST(writer.answers(authorized + "{\"yield\":5}\n"));
    follower.settle();
    BOOST_TEST(follower.client.received() == subscribed);
    BOOST_TEST((follower->deadline() == virtual_time + 1s));
    follower->expire();
    follower.client.half_close();
    writer.client.half_close();
    BOOST_TEST(follower.runs_to_its_end());
    BOOST_TEST(writer.runs_to_its_end());
}

BOOST_AUTO_TEST_CASE(tokens_that_are_taken_away_end_what_they_allowed)
{
    one_token tokens;
    running_server host;
    host.environment.access = not_owned(tokens);
    auto client = host.connect();
    client->send(correct + "5\n");
    BOOST_TEST(host.answers(*client, authorized + "5\n"));
    tokens.allows = right::none;
    host.server->renew_access();
    client->send("7\n");
    BOOST_TEST(run_until(host.context, [&] { return is_refused(client->received()); }));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(session_counters)

BOOST_AUTO_TEST_CASE(bytes_and_latencies_are_counted)
{
    virtual_environment environment;
    served_session served(environment);
    served.client.send("5\n7\n");
    BOOST_TEST(served.answers("5\n6\n"));
    served.client.send(" \n"); // no request
    served.settle();
    auto const& counters = environment.counters;
    BOOST_TEST(counters.bytes_in == 6U);
    BOOST_TEST(counters.bytes_out == 4U);
    // In virtual time, all takes none: the first range.
    BOOST_TEST(counters.resumption_latency.counts().front() == 2U);
    BOOST_TEST(counters.reply_latency.counts().front() == 1U);
    served.client.send("9");
    served.client.half_close();
    BOOST_TEST(served.runs_to_its_end());
    BOOST_TEST(counters.resumption_latency.counts().front() == 3U);
    BOOST_TEST(counters.reply_latency.counts().front() == 2U);
}

BOOST_AUTO_TEST_CASE(a_reply_that_the_client_does_not_take_is_slow)
{
    virtual_environment environment;
    served_session served(environment, 4096);
    std::string input;
    for (int i = 0; i < 1000; ++i)
        input += "{\"op\":\"help\"}\n";
    served.client.send(input);
    served.client.half_close();
    served.settle();
    virtual_time += 20s;
    BOOST_TEST(served.runs_to_its_end());
    BOOST_TEST(environment.counters.reply_latency.counts().back() == 1U);
    BOOST_TEST(environment.counters.resumption_latency.counts().front() == 1000U);
}

BOOST_AUTO_TEST_SUITE_END()
