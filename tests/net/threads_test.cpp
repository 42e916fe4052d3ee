// A server with several threads: connections spread over them, windows that they share, followers in other threads, and
// the end.
#include "net/server.hpp"
#include "net/support.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace {

using namespace windowd;
using namespace windowd::test;

constexpr std::size_t threads = 4;

/// Until the condition holds for what clients have received: sessions run in threads that are not driven from here.
template <class Condition>
bool comes_true(running_server& host, Condition&& holds)
{
    boost::asio::steady_timer look(host.context);
    return run_until(host.context, [&] {
        look.expires_after(std::chrono::milliseconds(1));
        look.async_wait([](boost::system::error_code const&) {});
        return holds();
    });
}

bool gets(running_server& host, peer& client, std::string const& all)
{
    return comes_true(host, [&] { return client.received() == all; });
}

struct threaded_server : running_server {
    threaded_server() : running_server({}, std::chrono::hours(1), threads) {}

    std::vector<std::unique_ptr<peer>> connect(std::size_t count) const
    {
        std::vector<std::unique_ptr<peer>> clients(count);
        std::ranges::generate(clients, [this] { return running_server::connect(); });
        return clients;
    }

    /// Ends the server, and waits until its last connection has ended.
    bool stops()
    {
        server->stop();
        context.restart();
        context.run();
        return environment.all_counters().connections == 0U;
    }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(threads_of_a_server, threaded_server)

BOOST_AUTO_TEST_CASE(connections_are_spread_evenly)
{
    auto const clients = connect(2 * threads);
    for (auto const& client : clients) {
        client->send("5\n");
        BOOST_TEST(gets(*this, *client, "5\n"));
    }
    BOOST_TEST(server->contexts().size() == threads);
    BOOST_TEST(environment.counters.requests == 2U); // in this thread
    BOOST_TEST(environment.all_counters().requests == 2U * threads);
    BOOST_TEST(environment.all_counters().connections == 2U * threads);
    BOOST_TEST(stops());
}

BOOST_AUTO_TEST_CASE(a_place_that_has_become_free_is_taken_again)
{
    auto clients = connect(threads);
    for (auto const& client : clients) {
        client->send("5\n");
        BOOST_TEST(gets(*this, *client, "5\n"));
    }
    clients.at(1)->close();
    BOOST_TEST(comes_true(*this, [&] { return environment.all_counters().connections == threads - 1; }));
    auto const next = running_server::connect();
    next->send("7\n");
    BOOST_TEST(gets(*this, *next, "7\n"));
    BOOST_TEST(environment.counters.requests == 1U); // it went where there was one less
    BOOST_TEST(stops());
}

BOOST_AUTO_TEST_CASE(the_limit_of_connections_is_that_of_all_threads)
{
    environment.limits.max_connections = threads + 1;
    auto const clients = connect(threads + 2);
    BOOST_TEST(comes_true(*this, [&] { return clients.back()->at_end(); }));
    BOOST_TEST(clients.back()->received().starts_with(R"({"error":{"code":"limit_reached")"));
    BOOST_TEST(environment.all_counters().turned_away == 1U);
    BOOST_TEST(stops());
}

BOOST_AUTO_TEST_CASE(a_shared_window_takes_the_values_of_all_threads_each_once)
{
    constexpr std::size_t values = 1000;
    auto const clients = connect(threads);
    std::string ones;
    for (std::size_t i = 0; i < values; ++i)
        ones += "1\n";
    auto const opened = R"({"op":"open","window":"w","size":100000,"stats":["sum"],"id":0})"
                        "\n";
    for (auto const& client : clients)
        client->send(opened + ones);
    for (auto const& client : clients)
        BOOST_TEST(comes_true(*this, [&] {
            auto const& all = client->received();
            return std::ranges::count(all, '\n') == static_cast<std::ptrdiff_t>(values + 1);
        }));
    auto const asker = running_server::connect();
    asker->send(R"({"op":"read","window":"w"})"
                "\n");
    BOOST_TEST(gets(*this, *asker, "{\"yield\":" + std::to_string(values * threads) + "}\n"));
    BOOST_TEST(stops());
}

BOOST_AUTO_TEST_CASE(followers_in_all_threads_get_every_event_in_order)
{
    constexpr std::size_t values = 20'000; // of whose events a follower's buffer holds all
    auto const followers = connect(threads);
    for (auto const& follower : followers) {
        follower->send(R"({"op":"subscribe","window":"w"})"
                       "\n");
        BOOST_TEST(gets(*this, *follower, "{\"subscribed\":\"w\",\"windows\":0}\n"));
    }
    auto const writer = running_server::connect();
    std::string numbers;
    for (std::size_t i = 1; i <= values; ++i)
        numbers += std::to_string(i) + "\n";
    writer->send(R"({"op":"open","window":"w","size":1})"
                 "\n");
    auto to_send = std::string_view(numbers);
    auto const last = R"("n":)" + std::to_string(values) + R"(,"value":)" + std::to_string(values) +
                      R"(,"yield":)" + std::to_string(values) + "}\n";
    BOOST_TEST(comes_true(*this, [&] {
        to_send.remove_prefix(writer->send(to_send));
        writer->received();
        return std::ranges::all_of(
            followers, [&](auto const& follower) { return follower->received().ends_with(last); });
    }));
    std::string expected =
        "{\"subscribed\":\"w\",\"windows\":0}\n{\"event\":\"open\",\"window\":\"w\",\"n\":0}\n";
    for (std::size_t i = 1; i <= values; ++i) {
        auto const text = std::to_string(i);
        expected += R"({"event":"yield","window":"w","n":)" + text + R"(,"value":)" + text + R"(,"yield":)" +
                    text + "}\n";
    }
    for (auto const& follower : followers)
        BOOST_TEST((follower->received() == expected));
    BOOST_TEST(environment.events_lost() == 0U);
    BOOST_TEST(stops());
}

BOOST_AUTO_TEST_CASE(changed_settings_hold_in_all_threads)
{
    environment.default_window.size = 1;
    server->settings_changed();
    auto const clients = connect(threads);
    for (auto const& client : clients) {
        client->send("1\n2\n");
        BOOST_TEST(gets(*this, *client, "1\n2\n"));
    }
    BOOST_TEST(stops());
}

BOOST_AUTO_TEST_CASE(it_passes_all_threads)
{
    auto passed = false;
    boost::asio::co_spawn(context, server->pass_all_threads(),
                          [&](std::exception_ptr const& failed) { passed = !failed; });
    BOOST_TEST(run_until(context, [&] { return passed; }));
    BOOST_TEST(stops());
}

BOOST_AUTO_TEST_CASE(stopping_answers_what_has_come_in_every_thread)
{
    auto const clients = connect(2 * threads);
    for (auto const& client : clients) {
        client->send("1\n");
        BOOST_TEST(gets(*this, *client, "1\n"));
    }
    for (auto const& client : clients)
        client->send("2\n3\n");
    BOOST_TEST(stops());
    for (auto const& client : clients) {
        BOOST_TEST(client->received() == "1\n1.5\n2\n");
        BOOST_TEST(client->at_end());
    }
}

BOOST_AUTO_TEST_CASE(a_server_ends_also_without_a_stop)
{
    auto const clients = connect(threads);
    clients.front()->send("1\n");
    BOOST_TEST(gets(*this, *clients.front(), "1\n"));
}

BOOST_AUTO_TEST_SUITE_END()
