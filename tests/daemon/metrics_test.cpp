// What the daemon tells of itself, with counters made up.
#include "daemon/loop_lag.hpp"
#include "daemon/metrics.hpp"
#include "daemon/openmetrics.hpp"
#include "protocol/version.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <numeric>
#include <string>
#include <thread>

namespace {

using namespace windowd;
using namespace std::chrono_literals;

struct fixture {
    std::string text() const
    {
        return daemon::to_openmetrics(daemon::metrics(environment, {&lag, &other_lag}).Collect());
    }

    /// The lines of a family, with the description's first; empty if there is none.
    std::string family(std::string const& name) const
    {
        auto const all = text();
        auto const start = all.find("# TYPE " + name + " ");
        return start == std::string::npos
                 ? ""
                 : all.substr(start, all.find("# ", all.find("\n" + name, start)) - start);
    }

    /// What stands behind a name, or -1.
    double value(std::string const& name) const
    {
        auto const all = text();
        auto const start = all.find("\n" + name + " ");
        return start == std::string::npos ? -1 : std::stod(all.substr(start + name.size() + 2));
    }

    mutable protocol::environment environment;
    protocol::histogram lag;
    protocol::histogram other_lag; // of another thread
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(metrics, fixture)

BOOST_AUTO_TEST_CASE(the_build_is_told_by_a_label)
{
    BOOST_TEST(family("windowd_build_info") == "# TYPE windowd_build_info gauge\n"
                                               "# HELP windowd_build_info The version that runs; always 1.\n"
                                               "windowd_build_info{version=\"" +
                                                   std::string(protocol::version) + "\"} 1\n");
}

BOOST_AUTO_TEST_CASE(the_start_is_told_in_seconds_since_1970)
{
    environment.started_at = 1700000000.25;
    BOOST_TEST(family("windowd_start_time_seconds") ==
               "# TYPE windowd_start_time_seconds gauge\n"
               "# UNIT windowd_start_time_seconds seconds\n"
               "# HELP windowd_start_time_seconds When the daemon started, in seconds since 1970.\n"
               "windowd_start_time_seconds 1700000000.25\n");
}

BOOST_AUTO_TEST_CASE(every_counter_is_told_under_its_own_name)
{
    auto& counted = environment.counters;
    counted.connections = 1;
    counted.accepted = 2;
    counted.turned_away = 3;
    counted.held_back = 10;
    counted.requests = 4;
    counted.values = 5;
    counted.bytes_in = 6;
    counted.bytes_out = 7;
    counted.auth_failed = 8;
    counted.subscriptions = 9;
    environment.events_lost() = 10'000'000'000;
    auto const expected = {std::pair("windowd_connections", 1.0),
                           std::pair("windowd_connections_accepted_total", 2.0),
                           std::pair("windowd_connections_turned_away_total", 3.0),
                           std::pair("windowd_connections_held_back_total", 10.0),
                           std::pair("windowd_requests_total", 4.0),
                           std::pair("windowd_values_total", 5.0),
                           std::pair("windowd_received_bytes_total", 6.0),
                           std::pair("windowd_sent_bytes_total", 7.0),
                           std::pair("windowd_auth_failures_total", 8.0),
                           std::pair("windowd_subscriptions", 9.0),
                           std::pair("windowd_events_lost_total", 1e10)};
    for (auto const& [name, number] : expected)
        BOOST_TEST(value(name) == number, name << " is " << value(name));
}

BOOST_AUTO_TEST_CASE(bytes_are_told_with_their_unit)
{
    environment.counters.bytes_in = 12;
    BOOST_TEST(family("windowd_received_bytes") ==
               "# TYPE windowd_received_bytes counter\n"
               "# UNIT windowd_received_bytes bytes\n"
               "# HELP windowd_received_bytes Bytes received from clients.\n"
               "windowd_received_bytes_total 12\n");
}

BOOST_AUTO_TEST_CASE(refusals_are_told_by_code_and_codes_that_never_came_up_too)
{
    environment.counters.count_refused(protocol::error_code::bad_member);
    environment.counters.count_refused(protocol::error_code::bad_member);
    environment.counters.count_refused(protocol::error_code::internal);
    std::string expected =
        "# TYPE windowd_requests_refused counter\n"
        "# HELP windowd_requests_refused Requests answered with an error, by the error's code.\n";
    for (std::size_t i = 0; i != protocol::error_code_count; ++i) {
        auto const code = static_cast<protocol::error_code>(i);
        auto const* const times = code == protocol::error_code::bad_member ? "2"
                                : code == protocol::error_code::internal   ? "1"
                                                                           : "0";
        expected +=
            "windowd_requests_refused_total{code=\"" + std::string(to_string(code)) + "\"} " + times + "\n";
    }
    BOOST_TEST(family("windowd_requests_refused") == expected);
}

BOOST_AUTO_TEST_CASE(windows_are_those_of_the_register)
{
    BOOST_TEST(value("windowd_windows") == 0);
}

BOOST_AUTO_TEST_CASE(histograms_are_cumulated_up_to_infinity)
{
    environment.counters.resumption_latency.add(10ns, 3);
    environment.counters.resumption_latency.add(20ns);
    environment.counters.resumption_latency.add(20s);
    auto const text = family("windowd_resumption_latency_seconds");
    BOOST_TEST(text.find("_bucket{le=\"1e-08\"} 3\n") != std::string::npos);
    BOOST_TEST(text.find("_bucket{le=\"2.5e-08\"} 4\n") != std::string::npos);
    BOOST_TEST(text.find("_bucket{le=\"0.00025\"} 4\n") != std::string::npos);
    BOOST_TEST(text.find("_bucket{le=\"10.0\"} 4\n") != std::string::npos);
    BOOST_TEST(text.find("_bucket{le=\"+Inf\"} 5\n") != std::string::npos);
    BOOST_TEST(text.ends_with("windowd_resumption_latency_seconds_count 5\n"
                              "windowd_resumption_latency_seconds_sum 20.00000005\n"));
    environment.counters.reply_latency.add(1ms);
    lag.add(2ms);
    other_lag.add(2ms);
    BOOST_TEST(value("windowd_reply_latency_seconds_count") == 1);
    BOOST_TEST(value("windowd_loop_lag_seconds_count") == 2);
    BOOST_TEST(value("windowd_loop_lag_seconds_sum") == 0.004);
}

BOOST_AUTO_TEST_CASE(the_process_is_told_under_the_names_that_all_programs_have)
{
    BOOST_TEST(value("process_resident_memory_bytes") > 1e6);
    BOOST_TEST(value("process_resident_memory_bytes") < 1e12);
    BOOST_TEST(value("process_open_fds") >= 3);
    BOOST_TEST(value("process_max_fds") > value("process_open_fds"));
    BOOST_TEST(value("process_cpu_seconds_total") > 0);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(loop_lags)

BOOST_AUTO_TEST_CASE(a_loop_that_stands_still_is_late_for_its_timer)
{
    boost::asio::io_context context;
    daemon::loop_lag lag(&context);
    context.run_one(); // sets its timer
    auto const due = std::chrono::steady_clock::now() + daemon::loop_lag::interval;
    boost::asio::post(context, [due] {
        while (std::chrono::steady_clock::now() < due + 100ms)
            std::this_thread::yield();
    });
    context.run_one(); // stands still
    context.run_one(); // the timer
    auto const& counts = lag.seen().counts();
    BOOST_TEST(std::accumulate(counts.begin(), counts.end(), 0U) == 1);
    BOOST_TEST(lag.seen().sum() > 0.09);
}

BOOST_AUTO_TEST_CASE(once_stopped_it_lets_the_loop_end)
{
    boost::asio::io_context context;
    daemon::loop_lag lag(&context);
    boost::asio::post(context, [&] { lag.stop(); });
    context.run();
    BOOST_TEST(lag.seen().sum() == 0);
}

BOOST_AUTO_TEST_SUITE_END()
