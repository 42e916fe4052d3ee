// The words of the log, and the level of each.
#include "daemon/log.hpp"

#include <boost/asio/error.hpp>
#include <boost/test/unit_test.hpp>
#include <spdlog/sinks/ostream_sink.h>

#include <memory>
#include <sstream>
#include <string>

namespace {

using namespace windowd;

/// A log whose lines are in `text`: level and words.
struct kept_log {
    explicit kept_log(spdlog::level::level_enum level)
        : logger("test", std::make_shared<spdlog::sinks::ostream_sink_st>(text))
    {
        logger.set_level(level);
        logger.set_pattern("%l %v");
    }

    std::ostringstream text;
    spdlog::logger logger;
};

void tell_everything(net::observer& events)
{
    events.listening("tcp://127.0.0.1:6920");
    events.accept_failed("tcp://127.0.0.1:6920", boost::asio::error::no_descriptors);
    events.accept_recovered("tcp://127.0.0.1:6920");
    events.connection_opened(1, "tcp://127.0.0.1:1");
    events.connection_ended({1, "tcp://127.0.0.1:1", net::end_reason::end_of_input, 20, 30});
    events.turned_away("tcp://127.0.0.1:2", net::obstacle::server_is_full);
    events.turned_away("tcp://127.0.0.1:5", net::obstacle::peer_is_full);
    events.turned_away("tcp://127.0.0.1:6", net::obstacle::peer_is_held_back);
    events.held_back("tcp://127.0.0.1:7");
    events.auth_failed("tcp://127.0.0.1:3");
    events.handshake_failed("tls://127.0.0.1:4", "it speaks something else");
    events.failed("no memory");
}

constexpr auto warnings =
    "warning cannot accept on tcp://127.0.0.1:6920: Too many open files; will try again\n";

} // namespace

BOOST_AUTO_TEST_SUITE(event_logs)

BOOST_AUTO_TEST_CASE(every_event_is_a_line_at_its_level)
{
    kept_log log(spdlog::level::trace);
    daemon::event_log events(log.logger);
    tell_everything(events);
    BOOST_TEST(
        log.text.str() ==
        "info listening on tcp://127.0.0.1:6920\n" + std::string(warnings) +
            "info accepting on tcp://127.0.0.1:6920 again\n"
            "trace connection 1 from tcp://127.0.0.1:1\n"
            "debug connection 1 from tcp://127.0.0.1:1 ended: end of input; 20 bytes in, 30 out\n"
            "warning too many connections: 1 turned away, the last from tcp://127.0.0.1:2\n"
            "warning too many connections of one peer: 1 turned away, the last from tcp://127.0.0.1:5\n"
            "warning too many refused requests of one peer: 1 turned away, the last from tcp://127.0.0.1:6\n"
            "warning too many refused requests of one peer: tcp://127.0.0.1:7 waits\n"
            "warning unknown token from tcp://127.0.0.1:3\n"
            "warning TLS handshake with tls://127.0.0.1:4 failed: it speaks something else\n"
            "error a connection failed: no memory\n");
}

BOOST_AUTO_TEST_CASE(a_level_hides_those_below)
{
    kept_log log(spdlog::level::err);
    daemon::event_log events(log.logger);
    tell_everything(events);
    BOOST_TEST(log.text.str() == "error a connection failed: no memory\n");
    kept_log off(spdlog::level::off);
    daemon::event_log silent(off.logger);
    tell_everything(silent);
    BOOST_TEST(off.text.str() == "");
}

BOOST_AUTO_TEST_CASE(every_reason_has_words_of_its_own)
{
    using net::end_reason;
    kept_log log(spdlog::level::debug);
    daemon::event_log events(log.logger);
    for (auto const reason :
         {end_reason::end_of_input, end_reason::reset, end_reason::contract, end_reason::idle,
          end_reason::not_reading, end_reason::shutdown, end_reason::forced, end_reason::failed})
        events.connection_ended({1, "p", reason, 0, 0});
    std::string expected;
    for (auto const* const words :
         {"end of input", "connection reset", "not a client of windowd", "idle timeout", "write timeout",
          "shutdown", "shutdown timeout", "failure"})
        expected += "debug connection 1 from p ended: " + std::string(words) + "; 0 bytes in, 0 out\n";
    BOOST_TEST(log.text.str() == expected);
}

BOOST_AUTO_TEST_CASE(clients_turned_away_at_once_are_one_line)
{
    kept_log log(spdlog::level::trace);
    std::string const first = "warning too many connections: 1 turned away, the last from p\n";
    {
        daemon::event_log events(log.logger);
        for (int i = 0; i < 100; ++i)
            events.turned_away("p", net::obstacle::server_is_full);
        BOOST_TEST(log.text.str() == first);
    }
    BOOST_TEST(log.text.str() == first + "warning too many connections: 99 more turned away\n");
}

BOOST_AUTO_TEST_CASE(a_loud_guesser_does_not_hide_others)
{
    kept_log log(spdlog::level::trace);
    {
        daemon::event_log events(log.logger);
        for (int i = 0; i < 100; ++i)
            events.auth_failed("tcp://127.0.0.1:" + std::to_string(i));
        events.auth_failed("tcp://127.0.0.11:5");
    }
    BOOST_TEST(log.text.str() ==
               "warning unknown token from tcp://127.0.0.1:0\n"
               "warning unknown token: 100 more tries, from tcp://127.0.0.1 tcp://127.0.0.11\n");
}

BOOST_AUTO_TEST_CASE(a_flood_of_one_kind_is_one_line_and_hides_no_other)
{
    kept_log log(spdlog::level::trace);
    std::string expected;
    {
        daemon::event_log events(log.logger);
        for (int i = 0; i < 100; ++i)
            tell_everything(events);
        events.tell_rest(); // too soon
        auto const lines = log.text.str();
        for (auto const* const words :
             {"cannot accept on", "connections: 1 turned away",
              "peer: 1 turned away, the last from tcp://127.0.0.1:5", "requests of one peer: 1 turned away",
              " waits", "unknown token", "handshakes failed", "a connection failed: ", "accepting on"})
            BOOST_TEST(lines.find(words) == lines.rfind(words), words);
    }
    auto const lines = log.text.str();
    for (auto const* const rest :
         {"cannot accept: 99 more", "too many connections: 99 more turned away",
          "connections of one peer: 99 more turned away", "requests of one peer: 99 more turned away",
          "99 more waits", "99 more tries", "99 more handshakes failed", "failed 99 more times"})
        BOOST_TEST(lines.find(rest) != std::string::npos, rest);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(step_logs)

BOOST_AUTO_TEST_CASE(every_step_is_a_line_at_trace)
{
    using window::step;
    kept_log log(spdlog::level::trace);
    daemon::step_log steps(log.logger);
    for (auto const taken : {step::waiting, step::providing_length, step::dumping, step::clearing,
                             step::reading, step::rejected, step::exiting})
        steps.on_step(taken);
    BOOST_TEST(log.text.str() == "trace waiting\ntrace providing length\ntrace dumping\ntrace clearing\n"
                                 "trace reading\ntrace rejected\ntrace exiting\n");
}

BOOST_AUTO_TEST_CASE(above_trace_there_is_none)
{
    kept_log log(spdlog::level::debug);
    daemon::step_log steps(log.logger);
    steps.on_step(window::step::waiting);
    BOOST_TEST(log.text.str() == "");
}

BOOST_AUTO_TEST_SUITE_END()
