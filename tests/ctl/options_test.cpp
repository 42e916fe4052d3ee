// Tests the command line, the address, the requests that come of them, and what a refusal is.
#include "ctl/connection.hpp"
#include "ctl/failure.hpp"
#include "ctl/options.hpp"
#include "ctl/request.hpp"
#include "ctl/target.hpp"
#include "support/temporary_folder.hpp"

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <string>
#include <vector>

using namespace windowd::ctl;

namespace {

settings settings_of(std::vector<char const*> const& arguments)
{
    auto const read = read_options(arguments);
    BOOST_TEST_REQUIRE(read.run.has_value(), read.complaint);
    return *read.run;
}

std::string complaint_about(std::string_view address)
{
    try {
        parse_target(address);
    } catch (failure const& bad) {
        BOOST_TEST((bad.status() == exit_status::bad_usage));
        return bad.what();
    }
    return {};
}

} // namespace

BOOST_AUTO_TEST_SUITE(command_lines)

BOOST_AUTO_TEST_CASE(options_of_the_connection_stand_before_and_behind_the_command)
{
    BOOST_TEST(settings_of({"--address=unix:///a", "ping"}).address == "unix:///a");
    BOOST_TEST(settings_of({"ping", "--address", "unix:///a"}).address == "unix:///a");
    BOOST_TEST(settings_of({"--address=unix:///a", "ping", "--address=unix:///b"}).address == "unix:///b");
    BOOST_TEST((settings_of({"ping", "--timeout=0.25"}).timeout == std::chrono::milliseconds(250)));
    BOOST_TEST(settings_of({"info", "--json"}).is_json);
}

BOOST_AUTO_TEST_CASE(values_are_kept_as_they_are_written)
{
    auto const set = settings_of({"send", "-5", "1e3", "0.10", "null", "--window=w", "-0.5"});
    BOOST_TEST((set.values == std::vector<std::string>{"-5", "1e3", "0.10", "null", "-0.5"}));
    BOOST_TEST(set.window == "w");
    BOOST_TEST((settings_of({"send", "-"}).values == std::vector<std::string>{"-"}));
}

BOOST_AUTO_TEST_CASE(terms_make_an_open_request)
{
    auto const set = settings_of({"open", "--window=w\"", "--size=60", "--span=2.50", "--stats=mean,p95",
                                  "--min-count=2", "--data=-5,1e3"});
    BOOST_TEST(open_request(set.window, set.terms) ==
               "{\"op\":\"open\",\"window\":\"w\\\"\",\"size\":60,\"span\":2.50,"
               "\"min_count\":2,\"stats\":[\"mean\",\"p95\"],\"data\":[-5,1e3]}\n");
    BOOST_TEST(open_request("", {}) == "{\"op\":\"open\"}\n");
    BOOST_TEST(settings_of({"send", "5"}).terms.is_empty());
}

BOOST_AUTO_TEST_CASE(a_count_that_is_not_given_is_none)
{
    BOOST_TEST(!settings_of({"top"}).count.has_value());
    BOOST_TEST((settings_of({"top", "--count=3", "cpu*"}).count == 3U));
    BOOST_TEST(settings_of({"top", "--count=3", "cpu*"}).pattern == "cpu*");
    BOOST_TEST(settings_of({"windows"}).pattern == "*");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(targets)

BOOST_AUTO_TEST_CASE(an_address_has_one_of_three_forms)
{
    auto const tcp = parse_target("tcp://example.org:6920");
    BOOST_TEST((tcp.kind == transport_kind::tcp && tcp.host == "example.org" && tcp.port == 6920));
    auto const tls = parse_target("tls://[::1]:1");
    BOOST_TEST((tls.kind == transport_kind::tls && tls.host == "::1" && tls.port == 1));
    auto const local = parse_target("unix:///run/windowd.sock");
    BOOST_TEST((local.kind == transport_kind::unix && local.path == "/run/windowd.sock"));
}

BOOST_AUTO_TEST_CASE(what_is_wrong_with_an_address_is_told)
{
    for (auto const* const bad :
         {"", "localhost", "http://a:1", "tcp://a", "tls://a:x", "unix://a", "tls://::1:5"})
        BOOST_TEST(complaint_about(bad).find("tls://HOST:PORT") != std::string::npos, bad);
    BOOST_TEST(complaint_about("tls://a").find("the port is missing") != std::string::npos);
    BOOST_TEST(complaint_about("\x1b").find('\x1b') == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_token_is_the_first_line_of_a_file_of_ones_own)
{
    windowd::test::temporary_folder const folder;
    auto const write = [&folder](std::string const& text) {
        auto const file = folder.write("token", text);
        std::filesystem::permissions(file, std::filesystem::perms::owner_read |
                                               std::filesystem::perms::owner_write);
        return file;
    };
    BOOST_TEST(read_token(write("secret")) == "secret");
    BOOST_TEST(read_token(write("secret\r\nmore\n")) == "secret");
    for (auto const& bad :
         {std::string(), std::string("\nsecret"), std::string("write secret"), std::string(5000, 'x')})
        BOOST_CHECK_THROW(read_token(write(bad)), failure);
    auto const file = write("secret");
    std::filesystem::permissions(file, std::filesystem::perms::group_read,
                                 std::filesystem::perm_options::add);
    BOOST_CHECK_THROW(read_token(file), failure);
    BOOST_CHECK_THROW(read_token(folder.path().string()), failure);
    BOOST_CHECK_THROW(read_token(file + ".none"), failure);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(refusals)

BOOST_AUTO_TEST_CASE(an_error_is_its_code_and_message)
{
    BOOST_TEST((refusal_of(R"({"error":{"code":"closed","message":"it \"is\""}})") == R"(closed: it "is")"));
    BOOST_TEST((refusal_of(R"({"yield":null,"error":{"code":"x\u001b","message":"y"}})") == "x\\x1b: y"));
    BOOST_TEST((refusal_of(R"({"error":{}})") == "?: ?"));
}

BOOST_AUTO_TEST_CASE(other_replies_refuse_nothing)
{
    for (auto const* const reply :
         {"5", R"({"yield":5})", R"({"a":{"error":{"code":"x"}}})", R"({"yield":"\"error\":"})"})
        BOOST_TEST(!refusal_of(reply).has_value(), reply);
}

BOOST_AUTO_TEST_SUITE_END()
