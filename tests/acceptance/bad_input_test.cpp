// Input that is no request: each kind has its documented answer, leaves the window as it was and the
// connection alive.
#include "acceptance/client.hpp"
#include "acceptance/daemon_process.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <string>
#include <string_view>

namespace {

using namespace windowd::test;
using namespace std::string_view_literals;

constexpr auto dump = R"({"op":"dump"})";
constexpr auto seven_nine_eleven = R"({"yield":3,"dump":[7,9,11]})";

struct bad_line {
    std::string_view sent;
    std::string_view code;
};

constexpr std::array bad_lines{
    // garbage
    bad_line{"\x80\x81\xFE\xFF"sv, "bad_json"},
    bad_line{"\x7F\x45\x4C\x46\x02\x01\x01\0\0\x03"sv, "bad_json"},
    bad_line{"hello"sv, "bad_json"},
    bad_line{"help"sv, "bad_json"},
    bad_line{"5 6"sv, "bad_json"},
    bad_line{"5,6"sv, "bad_json"},
    bad_line{"[5,]"sv, "bad_json"},
    bad_line{"[5"sv, "bad_json"},
    bad_line{"{'op':'dump'}"sv, "bad_json"},
    bad_line{R"({"op":"dump"} x)"sv, "bad_json"},
    bad_line{"\xEF\xBB\xBF"
             "5"sv,
             "bad_json"},
    // text that is not UTF-8, or no text
    bad_line{"\"\xFF\""sv, "bad_json"},
    bad_line{"\"\xC3\x28\""sv, "bad_json"},
    bad_line{"{\"op\":\"ping\",\"id\":\"\xED\xA0\x80\"}"sv, "bad_json"},
    bad_line{"{\"\xC0\xAF\":1}"sv, "bad_json"},
    bad_line{R"("\ud800")"sv, "bad_json"},
    bad_line{R"("\udc00x")"sv, "bad_json"},
    bad_line{R"({"op":"ping","id":"\ud800"})"sv, "bad_json"},
    // NUL bytes
    bad_line{"\0"sv, "bad_json"},
    bad_line{"5\0"sv, "bad_json"},
    bad_line{"\0"
             "5"sv,
             "bad_json"},
    bad_line{"[5,\0]"sv, "bad_json"},
    bad_line{"\"a\0b\""sv, "bad_json"},
    // numbers that are none
    bad_line{"NaN"sv, "bad_json"},
    bad_line{"Infinity"sv, "bad_json"},
    bad_line{"-Infinity"sv, "bad_json"},
    bad_line{"[NaN]"sv, "bad_json"},
    bad_line{"01"sv, "bad_json"},
    bad_line{"+1"sv, "bad_json"},
    bad_line{".5"sv, "bad_json"},
    bad_line{"-"sv, "bad_json"},
    bad_line{"1."sv, "bad_json"},
    bad_line{"1e"sv, "bad_json"},
    bad_line{"0x10"sv, "bad_json"},
    bad_line{"1_000"sv, "bad_json"},
    // numbers beyond the range
    bad_line{"1e400"sv, "out_of_range"},
    bad_line{"-1e400"sv, "out_of_range"},
    bad_line{"[1e400]"sv, "out_of_range"},
    bad_line{R"({"op":"send","value":1e400})"sv, "out_of_range"},
    bad_line{R"({"op":"open","data":[1,1e999]})"sv, "out_of_range"},
    // values that are no numbers
    bad_line{"true"sv, "not_a_number"},
    bad_line{R"("unexpected")"sv, "not_a_number"},
    bad_line{"{}"sv, "not_a_number"},
    bad_line{R"({"value":5})"sv, "not_a_number"},
    bad_line{"[[5]]"sv, "not_a_number"},
    bad_line{R"({"op":"send","value":"5"})"sv, "not_a_number"},
    // members: twice, unknown, missing, of the wrong type
    bad_line{R"({"op":"clear","op":"clear"})"sv, "bad_json"},
    bad_line{R"({"op":"send","value":1,"value":2})"sv, "bad_json"},
    bad_line{R"({"op":"clear","now":true})"sv, "unknown_member"},
    bad_line{R"({"op":"open","sise":5})"sv, "unknown_member"},
    bad_line{R"({"op":"send","data":[1]})"sv, "unknown_member"},
    bad_line{R"({"op":"send"})"sv, "missing_member"},
    bad_line{R"({"op":"throw"})"sv, "missing_member"},
    bad_line{R"({"op":5})"sv, "bad_member"},
    bad_line{R"({"op":null})"sv, "bad_member"},
    bad_line{R"({"op":"send","values":5})"sv, "bad_member"},
    bad_line{R"({"op":"send","value":1,"values":[1]})"sv, "bad_member"},
    bad_line{R"({"op":"open","size":"3"})"sv, "bad_member"},
    bad_line{R"({"op":"open","size":0})"sv, "bad_member"},
    bad_line{R"({"op":"open","size":-1})"sv, "bad_member"},
    bad_line{R"({"op":"open","size":2.5})"sv, "bad_member"},
    bad_line{R"({"op":"open","data":[1,"x"]})"sv, "bad_member"},
    bad_line{R"({"op":"throw","exception":5})"sv, "bad_member"},
    bad_line{R"({"op":"clear","id":1.5})"sv, "bad_member"},
    // requests that there are not
    bad_line{R"({"op":"drop"})"sv, "unknown_op"},
    bad_line{R"({"op":"CLEAR"})"sv, "unknown_op"},
    bad_line{R"({"op":"throw","exception":"KeyError"})"sv, "unknown_exception"},
    // protocols that this is not; on a connection's first line HTTP ends it
    bad_line{"GET / HTTP/1.1"sv, "bad_json"},
    bad_line{"\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03"sv, "bad_json"},
    bad_line{"SSH-2.0-OpenSSH_9.2"sv, "bad_json"},
};

/// A connection whose window has 7, 9 and 11 in it.
client with_values(daemon_process const& daemon)
{
    client one(daemon.address());
    BOOST_TEST(one.ask("[5,7,9,11]") == "[5,6,7,9]");
    return one;
}

} // namespace

BOOST_AUTO_TEST_SUITE(bad_input)

BOOST_AUTO_TEST_CASE(a_bad_line_is_refused_and_changes_nothing)
{
    daemon_process daemon;
    auto one = with_values(daemon);
    for (auto const& [sent, code] : bad_lines) {
        BOOST_TEST_CONTEXT(sent)
        {
            BOOST_TEST(code_of(one.ask(sent)) == code);
            BOOST_TEST(one.ask(dump) == seven_nine_eleven);
        }
    }
    daemon.stop();
}

BOOST_AUTO_TEST_CASE(a_bad_last_line_without_lf_is_refused_too)
{
    daemon_process daemon;
    for (auto const& [sent, code] : bad_lines) {
        BOOST_TEST_CONTEXT(sent)
        {
            auto one = with_values(daemon);
            one.send(sent);
            one.half_close();
            BOOST_TEST(code_of(one.read_to_end()) == code);
        }
    }
}

BOOST_AUTO_TEST_CASE(what_is_refused_is_never_echoed)
{
    daemon_process daemon;
    client one(daemon.address());
    for (auto const* const line :
         {"XYZZY", R"("XYZZY")", R"({"op":"XYZZY"})", R"({"op":"ping","XYZZY":1})",
          R"({"op":"throw","exception":"XYZZY"})", R"({"op":"open","stats":["XYZZY"]})"})
        BOOST_TEST(one.ask(line).find("XYZZY") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(refused_elements_of_an_array_yield_null_and_the_others_count)
{
    daemon_process daemon;
    client one(daemon.address());
    auto const reply = parsed(one.ask(R"([5,"x",7,1e400])"));
    BOOST_TEST(reply.at("yield") == parsed("[5,null,6,null]"));
    BOOST_TEST(reply.at("error").at("code").as_string() == "not_a_number");
    BOOST_TEST(reply.at("error").at("index").to_number<int>() == 1);
    BOOST_TEST(one.ask(dump) == R"({"yield":2,"dump":[5,7]})");
}

BOOST_AUTO_TEST_CASE(nesting_is_read_32_deep_and_refused_beyond)
{
    daemon_process daemon;
    auto one = with_values(daemon);
    auto const nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
    BOOST_TEST(code_of(one.ask(nested(32))) == "not_a_number");
    BOOST_TEST(code_of(one.ask(nested(33))) == "bad_json");
    BOOST_TEST(code_of(one.ask(nested(500'000))) == "bad_json");
    BOOST_TEST(code_of(one.ask(std::string(1'000'000, '['))) == "bad_json");
    std::string objects;
    for (int i = 0; i < 100'000; ++i)
        objects += R"({"a":)";
    BOOST_TEST(code_of(one.ask(objects)) == "bad_json");
    BOOST_TEST(one.ask(dump) == seven_nine_eleven);
}

BOOST_AUTO_TEST_CASE(a_line_of_a_hundred_megabytes_is_discarded_in_constant_memory)
{
    daemon_process daemon;
    auto one = with_values(daemon);
    auto const before = daemon.peak_memory();
    std::string const megabyte(1'000'000, '1');
    for (int i = 0; i < 100; ++i)
        one.send(megabyte);
    one.send("\n");
    BOOST_TEST(code_of(one.read_line()) == "line_too_long");
    BOOST_TEST(one.ask(dump) == seven_nine_eleven);
    constexpr std::size_t room = std::size_t{16} << 20; // the limit of a line is 1 MiB
    BOOST_TEST(daemon.peak_memory() < before + room);
}

BOOST_AUTO_TEST_CASE(a_number_of_a_hundred_thousand_digits_is_read_right)
{
    daemon_process daemon({"--window-size=1"});
    client one(daemon.address());
    BOOST_TEST(one.ask("0." + std::string(100'000, '3')) == "0.3333333333333333");
    BOOST_TEST(code_of(one.ask(std::string(100'000, '9'))) == "out_of_range");
    BOOST_TEST(one.ask("1" + std::string(100'000, '0') + "e-100000") == "1");
}

BOOST_AUTO_TEST_CASE(an_http_request_ends_the_connection_and_its_body_is_not_executed)
{
    daemon_process daemon;
    client browser(daemon.address());
    browser.send("POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 4\r\n\r\n5\n7\n");
    auto const told = lines_of(browser.read_to_end());
    BOOST_REQUIRE(told.size() == 1U);
    BOOST_TEST(code_of(told[0]) == "bad_json");
    client other(daemon.address());
    BOOST_TEST(other.info("counters", "values") == 0U);
}

BOOST_AUTO_TEST_CASE(the_answer_to_an_http_request_arrives_though_the_client_sends_on)
{
    daemon_process daemon;
    for (int i = 0; i < 20; ++i) {
        client browser(daemon.address());
        browser.send_without_reading("POST / HTTP/1.1\r\n\r\n" + std::string(1'000'000, 'x'),
                                     std::chrono::milliseconds(0));
        BOOST_TEST(code_of(browser.read_line()) == "bad_json");
    }
    client other(daemon.address());
    BOOST_TEST(eventually([&] { return other.info("counters", "connections") == 1U; }));
}

BOOST_AUTO_TEST_CASE(a_tls_hello_is_told_that_this_is_plain_text)
{
    daemon_process daemon;
    client one(daemon.address());
    one.send("\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03"sv);
    one.half_close();
    auto const reply = one.read_to_end();
    BOOST_TEST(code_of(reply) == "bad_json");
    BOOST_TEST(reply.find("TLS") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
