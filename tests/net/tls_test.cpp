// Sessions over TLS: all that they do without, the handshake, and files that are refused.
#include "net/session.hpp"
#include "net/support.hpp"
#include "net/tls_support.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>

namespace {

using namespace windowd;
using namespace windowd::test;
using namespace std::chrono_literals;
using net::end_reason;

std::string repeated(std::string_view text, int times)
{
    std::string all;
    for (int i = 0; i < times; ++i)
        all += text;
    return all;
}

std::string numbers(int count)
{
    std::string all;
    for (int i = 0; i < count; ++i)
        all += std::to_string(i) + "\n";
    return all;
}

certificates& shared_certificates()
{
    static certificates made;
    static bool const once = [] {
        made.make("server");
        return true;
    }();
    static_cast<void>(once);
    return made;
}

/// A session with TLS and its client.
struct encrypted_session {
    explicit encrypted_session(protocol::environment& environment, int buffer = 0,
                               boost::asio::io_context* shared = nullptr, std::string const& client_ca = {})
        : settings(with_client_ca(client_ca)),
          served(environment, buffer, shared, &settings),
          client(served.client.descriptor())
    {}

    static net::tls_files with_client_ca(std::string const& client_ca)
    {
        auto files = shared_certificates().files("server");
        files.client_ca = client_ca;
        return files;
    }

    bool shakes_hands()
    {
        auto const done = run_until(served.context, [this] { return client.shake_hands(); });
        served.settle();
        return done;
    }
    bool answers(std::string const& all)
    {
        return run_until(served.context, [&] { return client.received() == all; });
    }
    bool ends()
    {
        auto const ended = run_until(served.context, [this] {
            client.received();
            return served.reason().has_value();
        });
        client.received();
        return ended;
    }
    /// Sends and receives until that much has come.
    bool exchanges(std::string_view input, std::size_t output)
    {
        return run_until(served.context, [&] {
            input.remove_prefix(client.send(input));
            return client.received().size() >= output;
        });
    }

    net::tls_context settings;
    served_session served;
    tls_peer client;
};

/// Whether the message of the exception that making the settings throws has all that.
bool refused(net::tls_files const& files, std::string_view file, std::string_view why)
{
    try {
        net::tls_context const settings(files);
    } catch (std::runtime_error const& failure) {
        std::string const message = failure.what();
        BOOST_TEST_MESSAGE(message);
        return message.find(file) != std::string::npos && message.find(why) != std::string::npos;
    }
    return false;
}

} // namespace

BOOST_AUTO_TEST_SUITE(tls_session)

BOOST_AUTO_TEST_CASE(it_answers_and_ends_with_the_clients_close_notify)
{
    virtual_environment environment;
    encrypted_session one(environment);
    BOOST_TEST(one.shakes_hands());
    one.client.send("5\n7\n");
    BOOST_TEST(one.answers("5\n6\n"));
    BOOST_TEST(one.served->bytes_in() == 4U);
    BOOST_TEST(one.served->bytes_out() == 4U);
    one.client.send("9"); // a last line without its end
    one.client.half_close();
    BOOST_TEST(one.ends());
    BOOST_TEST(one.client.received() == "5\n6\n7\n");
    BOOST_TEST(one.client.at_end());
    BOOST_TEST((one.served.reason() == end_reason::end_of_input));
}

BOOST_AUTO_TEST_CASE(it_answers_tls_1_2_too)
{
    virtual_environment environment;
    encrypted_session one(environment);
    one.client.speak(TLS1_2_VERSION, TLS1_2_VERSION);
    BOOST_TEST(one.shakes_hands());
    one.client.send("5\n");
    BOOST_TEST(one.answers("5\n"));
}

BOOST_AUTO_TEST_CASE(an_end_without_close_notify_is_a_broken_connection)
{
    virtual_environment environment;
    encrypted_session one(environment);
    BOOST_TEST(one.shakes_hands());
    one.client.send("5\n7");
    one.served.client.half_close();
    BOOST_TEST(one.ends());
    BOOST_TEST((one.served.reason() == end_reason::reset));
    BOOST_TEST(one.client.received() == "5\n");
}

BOOST_AUTO_TEST_CASE(many_small_records_and_changes_of_keys_between_them_are_all_answered)
{
    constexpr int count = 2000;
    virtual_environment environment;
    environment.default_window.size = 1;
    encrypted_session one(environment);
    BOOST_TEST(one.shakes_hands());
    std::string expected;
    for (int i = 0; i < count; ++i) {
        auto const line = std::to_string(i) + "\n";
        expected += line;
        if (i % 100 == 0)
            one.client.change_keys();
        BOOST_TEST(one.exchanges(line, i % 10 == 0 ? expected.size() : 0));
    }
    BOOST_TEST(one.answers(expected));
}

BOOST_AUTO_TEST_CASE(input_of_many_batches_is_answered_in_order)
{
    virtual_environment environment;
    environment.default_window.size = 1;
    encrypted_session one(environment);
    auto const input = numbers(100'000);
    BOOST_TEST(one.exchanges(input, input.size()));
    BOOST_TEST((one.client.received() == input));
}

BOOST_AUTO_TEST_CASE(a_dump_of_a_million_values_arrives_whole)
{
    constexpr int count = 1'000'000;
    virtual_environment environment;
    encrypted_session one(environment, 4096);
    auto const open = "{\"op\":\"open\",\"size\":" + std::to_string(count) + "}\n";
    BOOST_TEST(one.exchanges(open, 1));
    BOOST_TEST(run_until(one.served.context, [&] { return one.client.received().ends_with('\n'); }));
    auto const before = one.client.received().size();
    auto const zeros = "[0" + repeated(",0", 99'999) + "]\n";
    auto const sent = repeated(zeros, count / 100'000);
    BOOST_TEST(one.exchanges(sent, before + sent.size()));
    auto const dump = "{\"yield\":1000000,\"dump\":[0" + repeated(",0", count - 1) + "]}\n";
    BOOST_TEST(one.exchanges("{\"op\":\"dump\"}\n", before + sent.size() + dump.size()));
    BOOST_TEST((one.client.received().substr(before + sent.size()) == dump));
}

BOOST_AUTO_TEST_CASE(a_client_that_does_not_read_is_not_read_either_and_misses_nothing)
{
    constexpr std::size_t bound = std::size_t{512} * 1024;
    virtual_environment environment;
    environment.limits.write_timeout = 60s;
    encrypted_session one(environment, 4096);
    BOOST_TEST(one.shakes_hands());
    std::string const request = "{\"op\":\"help\"}\n";
    auto const input = repeated(request, 100'000);
    std::size_t sent = 0;
    for (std::size_t before = 1; before != sent;) {
        before = sent;
        sent += one.client.send(std::string_view(input).substr(sent));
        one.served.settle();
    }
    BOOST_TEST(sent < bound);
    BOOST_TEST((one.served->deadline() == virtual_time + 60s));
    std::size_t const whole = sent / request.size();
    BOOST_TEST(run_until(one.served.context, [&] {
        auto const& all = one.client.received();
        return !all.empty() && all.size() == whole * (all.find('\n') + 1);
    }));
}

BOOST_AUTO_TEST_CASE(an_event_wakes_it_while_it_waits_for_input)
{
    virtual_environment environment;
    boost::asio::io_context context;
    encrypted_session follower(environment, 0, &context);
    served_session writer(environment, 0, &context);
    BOOST_TEST(follower.shakes_hands());
    follower.client.send("{\"op\":\"subscribe\",\"window\":\"w\"}\n");
    std::string const subscribed = "{\"subscribed\":\"w\",\"windows\":0}\n";
    BOOST_TEST(follower.answers(subscribed));
    writer.client.send("{\"op\":\"send\",\"window\":\"w\",\"value\":5}\n");
    BOOST_TEST(run_until(context, [&] {
        return follower.client.received().find("\"event\":\"yield\"") != std::string::npos;
    }));
    follower.client.half_close();
    writer.client.half_close();
    BOOST_TEST(follower.ends());
    BOOST_TEST(writer.runs_to_its_end());
}

BOOST_AUTO_TEST_CASE(an_http_request_inside_ends_it_with_a_reply)
{
    virtual_environment environment;
    encrypted_session one(environment);
    BOOST_TEST(one.shakes_hands());
    one.client.send("GET / HTTP/1.1\r\n\r\n5\n");
    BOOST_TEST(one.ends());
    BOOST_TEST((one.served.reason() == end_reason::contract));
    BOOST_TEST(one.client.received().ends_with("\n"));
    BOOST_TEST(one.client.at_end());
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(tls_session_end)

BOOST_AUTO_TEST_CASE(stopped_it_answers_what_has_come_and_says_that_this_is_all)
{
    virtual_environment environment;
    environment.default_window.size = 1;
    encrypted_session one(environment);
    BOOST_TEST(one.shakes_hands());
    auto input = numbers(20'000);
    input.resize(one.client.send(input));
    input.resize(input.rfind('\n') + 1);
    BOOST_TEST(input.size() > 64U * 1024);
    one.served->stop();
    BOOST_TEST(one.ends());
    BOOST_TEST((one.client.received() == input));
    BOOST_TEST(one.client.at_end());
    BOOST_TEST((one.served.reason() == end_reason::shutdown));
}

BOOST_AUTO_TEST_CASE(stopped_when_the_input_has_ended_it_answers_a_last_line_without_lf)
{
    virtual_environment environment;
    encrypted_session one(environment);
    BOOST_TEST(one.shakes_hands());
    one.client.send("5\n7");
    one.client.half_close();
    one.served->stop();
    BOOST_TEST(one.ends());
    BOOST_TEST(one.client.received() == "5\n6\n");
}

BOOST_AUTO_TEST_CASE(stopped_it_answers_what_lies_behind_a_change_of_keys)
{
    virtual_environment environment;
    encrypted_session one(environment);
    BOOST_TEST(one.shakes_hands());
    one.client.send("5\n");
    one.client.change_keys();
    one.client.send("7\n");
    one.client.change_keys();
    one.client.send("9\n");
    one.served->stop();
    BOOST_TEST(one.ends());
    BOOST_TEST(one.client.received() == "5\n6\n7\n");
}

BOOST_AUTO_TEST_CASE(stopped_in_the_handshake_it_ends_and_blames_nobody)
{
    virtual_environment environment;
    encrypted_session one(environment);
    one.served.settle();
    one.served->stop();
    BOOST_TEST(one.ends());
    BOOST_TEST((one.served.reason() == end_reason::shutdown));
    BOOST_TEST(one.served.events.handshake_failures.empty());
}

BOOST_AUTO_TEST_CASE(stopped_when_requests_lie_behind_the_last_of_the_handshake_it_answers_them)
{
    virtual_environment environment;
    encrypted_session one(environment);
    one.client.shake_hands();
    one.served.settle();
    BOOST_TEST(one.client.send("5\n") == 2U); // with the client's last part
    one.served->stop();
    BOOST_TEST(one.ends());
    BOOST_TEST(one.client.received() == "5\n");
}

BOOST_AUTO_TEST_CASE(forced_it_ends_whatever_it_waits_for)
{
    virtual_environment environment;
    encrypted_session in_handshake(environment);
    in_handshake.served.settle();
    in_handshake.served->force();
    BOOST_TEST(in_handshake.ends());
    BOOST_TEST((in_handshake.served.reason() == end_reason::forced));
    BOOST_TEST(in_handshake.served.events.handshake_failures.empty());

    encrypted_session writing(environment, 4096);
    BOOST_TEST(writing.shakes_hands());
    writing.client.send(repeated("{\"op\":\"help\"}\n", 1000));
    writing.served.settle();
    writing.served->stop();
    writing.served.settle();
    BOOST_TEST(!writing.served.reason());
    writing.served->force();
    BOOST_TEST(writing.ends());
    BOOST_TEST((writing.served.reason() == end_reason::forced));
}

BOOST_AUTO_TEST_CASE(an_idle_client_that_has_expired_is_told_the_end)
{
    virtual_environment environment;
    environment.limits.idle_timeout = 60s;
    encrypted_session one(environment);
    BOOST_TEST(one.shakes_hands());
    BOOST_TEST((one.served->deadline() == virtual_time + 60s));
    one.served->expire();
    BOOST_TEST(one.ends());
    BOOST_TEST(one.client.at_end());
    BOOST_TEST((one.served.reason() == end_reason::idle));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(tls_handshake)

BOOST_AUTO_TEST_CASE(has_ten_seconds_from_its_beginning)
{
    virtual_environment environment;
    encrypted_session one(environment);
    one.served.settle();
    auto const deadline = virtual_time + 10s;
    BOOST_TEST((one.served->deadline() == deadline));
    virtual_time += 9s;
    one.served.client.send("\x16\x03\x01"); // the beginning of a record
    one.served.settle();
    BOOST_TEST((one.served->deadline() == deadline));
    one.served->expire();
    BOOST_TEST(one.served.runs_to_its_end());
    BOOST_TEST((one.served.reason() == end_reason::handshake));
    BOOST_TEST(one.served.events.handshake_failures ==
                   std::vector<std::string>{"it took more than 10 seconds"},
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(fails_where_something_else_is_spoken)
{
    virtual_environment environment;
    for (auto const* const text : {"{\"op\":\"ping\"}\n", "5\n5\n5\n5\n5\n5\n", "GET / HTTP/1.1\r\n\r\n"}) {
        encrypted_session one(environment);
        one.served.client.send(text);
        BOOST_TEST(one.served.runs_to_its_end());
        BOOST_TEST((one.served.reason() == end_reason::handshake));
        BOOST_REQUIRE(one.served.events.handshake_failures.size() == 1U);
        auto const& why = one.served.events.handshake_failures.front();
        BOOST_TEST((why == "wrong version number" || why == "http request"));
        BOOST_TEST(environment.counters.requests == 0U);
    }
}

BOOST_AUTO_TEST_CASE(fails_where_the_client_leaves)
{
    virtual_environment environment;
    encrypted_session one(environment);
    one.served.client.close();
    BOOST_TEST(run_until(one.served.context, [&] { return one.served.reason().has_value(); }));
    BOOST_TEST((one.served.reason() == end_reason::handshake));
    BOOST_TEST(one.served.events.handshake_failures.size() == 1U);
}

BOOST_AUTO_TEST_CASE(fails_with_a_version_that_is_too_old)
{
    virtual_environment environment;
    encrypted_session one(environment);
    one.client.speak(TLS1_VERSION, TLS1_1_VERSION);
    BOOST_TEST(run_until(one.served.context, [&] {
        one.client.shake_hands();
        return one.served.reason().has_value();
    }));
    BOOST_TEST((one.served.reason() == end_reason::handshake));
    BOOST_TEST(one.served.events.handshake_failures == std::vector<std::string>{"unsupported protocol"},
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(asks_for_a_certificate_where_it_is_to_and_takes_those_of_the_authority_alone)
{
    auto& ours = shared_certificates();
    ours.make("client");
    certificates strangers;
    strangers.make("client");
    virtual_environment environment;

    encrypted_session known(environment, 0, nullptr, ours.authority());
    known.client.show(ours.certificate("client"), ours.key("client"));
    known.client.send("5\n");
    BOOST_TEST(known.exchanges("5\n", 2));
    BOOST_TEST(known.answers("5\n"));

    encrypted_session nobody(environment, 0, nullptr, ours.authority());
    BOOST_TEST(nobody.ends());
    BOOST_TEST((nobody.served.reason() == end_reason::handshake));
    BOOST_TEST(nobody.served.events.handshake_failures ==
                   std::vector<std::string>{"peer did not return a certificate"},
               boost::test_tools::per_element());

    encrypted_session stranger(environment, 0, nullptr, ours.authority());
    stranger.client.show(strangers.certificate("client"), strangers.key("client"));
    BOOST_TEST(stranger.ends());
    BOOST_TEST((stranger.served.reason() == end_reason::handshake));
    BOOST_REQUIRE(stranger.served.events.handshake_failures.size() == 1U);
    BOOST_TEST(stranger.served.events.handshake_failures.front().starts_with(
        "the client's certificate was refused: "));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(tls_settings)

BOOST_AUTO_TEST_CASE(a_file_that_is_missing_is_told_by_name)
{
    auto const& made = shared_certificates();
    auto const missing = made.path("missing");
    auto const why = "No such file or directory";
    BOOST_TEST(refused({missing, made.key("server"), {}}, "tls-certificate " + missing, why));
    BOOST_TEST(refused({made.certificate("server"), missing, {}}, "tls-key " + missing, why));
    BOOST_TEST(
        refused({made.certificate("server"), made.key("server"), missing}, "tls-client-ca " + missing, why));
}

BOOST_AUTO_TEST_CASE(a_file_of_another_kind_is_told_by_name)
{
    auto const& made = shared_certificates();
    auto const certificate = made.certificate("server");
    auto const key = made.key("server");
    BOOST_TEST(refused({key, key, {}}, "tls-certificate " + key, "no certificate in PEM form"));
    BOOST_TEST(
        refused({certificate, certificate, {}}, "tls-key " + certificate, "no private key in PEM form"));
    BOOST_TEST(refused({certificate, key, key}, "tls-client-ca " + key, "no certificate"));
    auto const empty = made.path("empty");
    std::ofstream{empty};
    BOOST_TEST(refused({empty, key, {}}, "tls-certificate " + empty, "the file is empty"));
    auto const folder = std::filesystem::path(key).parent_path().string();
    BOOST_TEST(refused({folder, key, {}}, "tls-certificate " + folder, "Is a directory"));
}

BOOST_AUTO_TEST_CASE(a_key_of_another_certificate_is_refused)
{
    auto& made = shared_certificates();
    made.make("other");
    BOOST_TEST(refused({made.certificate("server"), made.key("other"), {}}, made.key("other"),
                       "not the key of the certificate in " + made.certificate("server")));
}

BOOST_AUTO_TEST_CASE(a_key_with_a_passphrase_is_refused_without_asking_for_it)
{
    auto const& made = shared_certificates();
    auto const locked = made.path("locked.key");
    std::string const command =
        "openssl pkey -aes256 -passout pass:secret -in '" + made.key("server") + "' -out '" + locked + "'";
    BOOST_REQUIRE(std::system(command.c_str()) == 0);
    BOOST_TEST(refused({made.certificate("server"), locked, {}}, locked, "encrypted with a passphrase"));
}

BOOST_AUTO_TEST_SUITE_END()
