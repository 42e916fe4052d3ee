// Sessions over a socket pair: replies, a peer that does not read, deadlines, and the ways to end.
#include "net/session.hpp"
#include "net/support.hpp"

#include <boost/asio/post.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <string>

namespace {

using namespace windowd;
using namespace windowd::test;
using namespace std::chrono_literals;
using net::end_reason;

constexpr auto never = net::session::clock::time_point::max();

std::string repeated(std::string_view text, int times)
{
    std::string all;
    for (int i = 0; i < times; ++i)
        all += text;
    return all;
}

/// `count` zeros in an array.
std::string zeros(int count)
{
    return "[0" + repeated(",0", count - 1) + "]";
}

/// A peer that has asked for more than the sockets hold and reads nothing, until the session waits for it.
void make_wait_to_write(served_session& served)
{
    served.client.send("{\"op\":\"open\",\"size\":10000,\"data\":" + zeros(10'000) + "}\n" +
                       repeated("{\"op\":\"dump\"}\n", 100));
    served.settle();
}

} // namespace

BOOST_AUTO_TEST_SUITE(session)

BOOST_AUTO_TEST_CASE(it_answers_and_ends_with_the_input)
{
    virtual_environment environment;
    served_session served(environment);
    served.client.send("5\n7\n{\"op\":\"dump\"}\n");
    BOOST_TEST(served.answers("5\n6\n{\"yield\":2,\"dump\":[5,7]}\n"));
    served.client.half_close();
    BOOST_TEST(served.runs_to_its_end());
    BOOST_TEST((served.reason() == end_reason::end_of_input));
    BOOST_TEST(served.client.at_end());
}

BOOST_AUTO_TEST_CASE(it_counts_the_bytes)
{
    virtual_environment environment;
    served_session served(environment);
    served.client.send("5\n-12.5\n");
    BOOST_TEST(served.answers("5\n-3.75\n"));
    BOOST_TEST(served->bytes_in() == 8U);
    BOOST_TEST(served->bytes_out() == 8U);
}

BOOST_AUTO_TEST_CASE(lines_may_come_in_pieces)
{
    virtual_environment environment;
    served_session served(environment);
    for (char const c : std::string("[5,7]\r\n9\n")) {
        served.client.send({&c, 1});
        served.settle();
    }
    BOOST_TEST(served.answers("[5,6]\n7\n"));
}

BOOST_AUTO_TEST_CASE(input_of_many_batches_is_answered_in_order)
{
    virtual_environment environment;
    environment.default_window.size = 1;
    served_session served(environment);
    std::string input;
    for (int i = 0; i < 100'000; ++i)
        input += std::to_string(i) + "\n";
    std::size_t sent = 0;
    BOOST_TEST(run_until(served.context, [&] {
        sent += served.client.send(std::string_view(input).substr(sent));
        return served.client.received().size() == input.size();
    }));
    BOOST_TEST((served.client.received() == input));
}

BOOST_AUTO_TEST_CASE(a_reply_larger_than_any_buffer_arrives_whole)
{
    virtual_environment environment;
    served_session served(environment, 4096);
    auto const input = zeros(200'000) + "\n5\n";
    std::size_t sent = 0;
    auto const expected = zeros(200'000) + "\n1.6666666666666667\n";
    BOOST_TEST(run_until(served.context, [&] {
        sent += served.client.send(std::string_view(input).substr(sent));
        return served.client.received().size() >= expected.size();
    }));
    BOOST_TEST((served.client.received() == expected));
}

BOOST_AUTO_TEST_CASE(a_peer_that_does_not_read_is_not_read_either)
{
    constexpr std::size_t bound = std::size_t{512} * 1024; // what the system keeps, and a batch
    virtual_environment environment;
    served_session served(environment, 4096);
    std::string const input = repeated("{\"op\":\"help\"}\n", 100'000);
    std::size_t sent = 0;
    for (std::size_t before = 1; before != sent;) {
        before = sent;
        sent += served.client.send(std::string_view(input).substr(sent));
        served.settle();
    }
    BOOST_TEST(sent < bound);
    BOOST_TEST(served->bytes_in() <= std::size_t{64} * 1024);
    BOOST_TEST(!served.reason());

    // And when it reads again, nothing is missing.
    served.client.half_close();
    auto const whole = sent / std::string("{\"op\":\"help\"}\n").size();
    BOOST_TEST(served.runs_to_its_end());
    std::size_t lines = 0;
    for (char const c : served.client.received())
        lines += c == '\n' ? 1U : 0U;
    BOOST_TEST((lines == whole || lines == whole + 1)); // a last line may have been cut
}

BOOST_AUTO_TEST_CASE(two_sessions_take_turns_when_one_has_much_to_answer)
{
    virtual_environment environment;
    served_session served(environment);
    served.client.send(repeated("{\"op\":\"help\"}\n", 1000));
    bool other = false;
    boost::asio::post(served.context, [&other] { other = true; });
    BOOST_TEST(run_until(served.context, [&] { return other; }));
    BOOST_TEST(served.client.received().size() < 1'000'000U);
}

BOOST_AUTO_TEST_CASE(an_http_request_ends_it)
{
    virtual_environment environment;
    served_session served(environment);
    served.client.send("GET / HTTP/1.1\r\n\r\n5\n");
    BOOST_TEST(served.runs_to_its_end());
    BOOST_TEST((served.reason() == end_reason::contract));
    BOOST_TEST(served.client.received().find('\n') == served.client.received().size() - 1);
    BOOST_TEST(served.client.at_end());
}

BOOST_AUTO_TEST_CASE(a_peer_that_vanishes_while_it_waits_to_write_ends_it)
{
    virtual_environment environment;
    served_session served(environment, 4096);
    make_wait_to_write(served);
    served.client.close();
    BOOST_TEST(served.runs_to_its_end());
    BOOST_TEST((served.reason() == end_reason::reset));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(session_deadlines)

BOOST_AUTO_TEST_CASE(there_is_none_without_timeouts)
{
    virtual_environment environment;
    environment.limits.idle_timeout = 0s;
    environment.limits.write_timeout = 0s;
    served_session served(environment, 4096);
    served.settle();
    BOOST_TEST((served->deadline() == never));
    make_wait_to_write(served);
    BOOST_TEST((served->deadline() == never));
}

BOOST_AUTO_TEST_CASE(that_of_an_idle_client_is_the_idle_timeout_after_its_last_byte)
{
    virtual_environment environment;
    environment.limits.idle_timeout = 60s;
    served_session served(environment);
    served.settle();
    BOOST_TEST((served->deadline() == virtual_time + 60s));
    virtual_time += 59s;
    served.client.send("5");
    served.settle();
    BOOST_TEST((served->deadline() == virtual_time + 60s));
    served.client.send("\n");
    BOOST_TEST(served.answers("5\n"));
    BOOST_TEST((served->deadline() == virtual_time + 60s));
}

BOOST_AUTO_TEST_CASE(that_of_a_client_that_does_not_read_is_the_write_timeout_after_it_last_did)
{
    virtual_environment environment;
    environment.limits.idle_timeout = 1s;
    environment.limits.write_timeout = 60s;
    served_session served(environment, 4096);
    make_wait_to_write(served);
    BOOST_TEST((served->deadline() == virtual_time + 60s));
    virtual_time += 59s;
    served.client.received();
    served.settle();
    BOOST_TEST((served->deadline() == virtual_time + 60s));
}

BOOST_AUTO_TEST_CASE(an_idle_client_that_has_expired_is_closed)
{
    virtual_environment environment;
    environment.limits.idle_timeout = 60s;
    served_session served(environment);
    served.client.send("5\n");
    BOOST_TEST(served.answers("5\n"));
    served->expire();
    BOOST_TEST(served.runs_to_its_end());
    BOOST_TEST((served.reason() == end_reason::idle));
    BOOST_TEST(served.client.received() == "5\n");
    BOOST_TEST(served.client.at_end());
}

BOOST_AUTO_TEST_CASE(a_client_that_does_not_read_and_has_expired_is_closed)
{
    virtual_environment environment;
    served_session served(environment, 4096);
    make_wait_to_write(served);
    served->expire();
    BOOST_TEST(served.runs_to_its_end());
    BOOST_TEST((served.reason() == end_reason::not_reading));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(session_end)

BOOST_AUTO_TEST_CASE(stopped_while_idle_it_ends)
{
    virtual_environment environment;
    served_session served(environment);
    served.settle();
    served->stop();
    BOOST_TEST(served.runs_to_its_end());
    BOOST_TEST((served.reason() == end_reason::shutdown));
    BOOST_TEST(served.client.received() == "");
    BOOST_TEST(served.client.at_end());
}

BOOST_AUTO_TEST_CASE(stopped_before_it_runs_it_answers_what_has_come)
{
    virtual_environment environment;
    served_session served(environment);
    served.client.send("5\n7\n9");
    served->stop();
    BOOST_TEST(served.runs_to_its_end());
    BOOST_TEST((served.reason() == end_reason::shutdown));
    BOOST_TEST(served.client.received() == "5\n6\n");
}

BOOST_AUTO_TEST_CASE(stopped_when_input_has_come_it_answers_that)
{
    virtual_environment environment;
    environment.default_window.size = 1;
    served_session served(environment);
    served.settle();
    std::string input;
    for (int i = 0; i < 20'000; ++i)
        input += std::to_string(i) + "\n";
    input.resize(served.client.send(input));
    input.resize(input.rfind('\n') + 1);
    served->stop();
    BOOST_TEST(served.runs_to_its_end());
    BOOST_TEST((served.client.received() == input));
    BOOST_TEST((served.reason() == end_reason::shutdown));
}

BOOST_AUTO_TEST_CASE(stopped_when_the_input_has_ended_it_answers_a_last_line_without_lf)
{
    virtual_environment environment;
    served_session served(environment);
    served.settle();
    served.client.send("5\n7");
    served.client.half_close();
    served->stop();
    BOOST_TEST(served.runs_to_its_end());
    BOOST_TEST(served.client.received() == "5\n6\n");
}

BOOST_AUTO_TEST_CASE(stopped_while_it_waits_to_write_it_writes_all_it_owes)
{
    virtual_environment environment;
    served_session served(environment, 4096);
    make_wait_to_write(served);
    served->stop();
    BOOST_TEST(served.runs_to_its_end());
    BOOST_TEST((served.reason() == end_reason::shutdown));
    std::size_t lines = 0;
    for (char const c : served.client.received())
        lines += c == '\n' ? 1U : 0U;
    BOOST_TEST(lines >= 2U);
    BOOST_TEST(served.client.received().ends_with("0]}\n"));
}

BOOST_AUTO_TEST_CASE(forced_it_ends_whatever_it_waits_for)
{
    virtual_environment environment;
    served_session idle(environment);
    idle.settle();
    idle->force();
    BOOST_TEST(idle.runs_to_its_end());
    BOOST_TEST((idle.reason() == end_reason::forced));

    served_session writing(environment, 4096);
    make_wait_to_write(writing);
    writing->stop();
    writing.settle();
    BOOST_TEST(!writing.reason());
    writing->force();
    BOOST_TEST(writing.runs_to_its_end());
    BOOST_TEST((writing.reason() == end_reason::forced));
}

BOOST_AUTO_TEST_CASE(forced_before_it_runs_it_ends)
{
    virtual_environment environment;
    served_session served(environment);
    served.client.send("5\n");
    served->force();
    BOOST_TEST(served.runs_to_its_end());
    BOOST_TEST((served.reason() == end_reason::forced));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(batches)

BOOST_AUTO_TEST_CASE(one_that_was_given_back_is_lent_again_empty)
{
    net::batch_pool pool;
    auto lent = pool.take();
    auto const* const first = lent.get();
    lent->output.append("replies");
    pool.give_back(std::move(lent));
    auto const again = pool.take();
    BOOST_TEST(again.get() == first);
    BOOST_TEST(again->output.empty());
}

BOOST_AUTO_TEST_CASE(the_memory_of_a_long_reply_is_not_kept)
{
    constexpr std::size_t long_reply = std::size_t{10} << 20;
    net::batch_pool pool;
    auto lent = pool.take();
    lent->output.append(std::string(long_reply, 'x'));
    pool.give_back(std::move(lent));
    BOOST_TEST(pool.take()->output.capacity() < long_reply);
}

BOOST_AUTO_TEST_SUITE_END()
