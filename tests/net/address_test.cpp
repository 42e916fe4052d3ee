// Addresses: what is accepted, what is refused, and that writing one gives what was read.
#include "net/address.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/test/unit_test.hpp>

#include <stdexcept>
#include <string>
#include <variant>

namespace {

using namespace windowd::net;
namespace asio = boost::asio;

constexpr std::size_t longest_path = 107;

} // namespace

BOOST_AUTO_TEST_SUITE(addresses)

BOOST_AUTO_TEST_CASE(a_tcp_address_has_a_host_and_a_port)
{
    auto const read = std::get<tcp_address>(parse_listen_address("tcp://127.0.0.1:6920"));
    BOOST_TEST(read.host == "127.0.0.1");
    BOOST_TEST(read.port == 6920);
    BOOST_TEST(std::get<tcp_address>(parse_listen_address("tcp://some-host.example:0")).port == 0);
    BOOST_TEST(std::get<tcp_address>(parse_listen_address("tcp://h:65535")).port == 65535);
}

BOOST_AUTO_TEST_CASE(an_ipv6_address_stands_in_brackets)
{
    auto const read = std::get<tcp_address>(parse_listen_address("tcp://[::1]:6920"));
    BOOST_TEST(read.host == "::1");
    BOOST_TEST(read.port == 6920);
}

BOOST_AUTO_TEST_CASE(a_tls_address_has_the_form_of_a_tcp_address)
{
    auto const read = std::get<tls_address>(parse_listen_address("tls://[::1]:6921"));
    BOOST_TEST(read.host == "::1");
    BOOST_TEST(read.port == 6921);
    BOOST_CHECK_THROW(parse_listen_address("tls://::1:6921"), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(a_unix_address_is_an_absolute_path)
{
    BOOST_TEST(std::get<unix_address>(parse_listen_address("unix:///run/windowd.sock")).path ==
               "/run/windowd.sock");
    BOOST_TEST(std::get<unix_address>(parse_listen_address("unix:///tmp/a b:c,d")).path == "/tmp/a b:c,d");
}

BOOST_AUTO_TEST_CASE(what_was_read_is_written_the_same)
{
    for (auto const* const text :
         {"tcp://127.0.0.1:6920", "tcp://[::1]:6920", "tcp://localhost:0", "tcp://[::]:1",
          "tls://0.0.0.0:6921", "tls://[::1]:1", "unix:///run/windowd.sock"})
        BOOST_TEST(to_string(parse_listen_address(text)) == text);
}

BOOST_AUTO_TEST_CASE(anything_else_is_refused)
{
    for (auto const* const text : {"",
                                   "127.0.0.1:6920",
                                   "localhost",
                                   "6920",
                                   "udp://127.0.0.1:1",
                                   "TCP://127.0.0.1:1",
                                   "tcp:/127.0.0.1:1",
                                   "tcp://",
                                   "tcp://127.0.0.1",
                                   "tcp://127.0.0.1:",
                                   "tcp://:6920",
                                   "tcp://[]:6920",
                                   "tcp://::1:6920",
                                   "tcp://[::1:6920",
                                   "tcp://::1]:6920",
                                   "tcp://[[::1]]:6920",
                                   "tcp://[a]b]:6920",
                                   "tcp://h:65536",
                                   "tcp://h:-1",
                                   "tcp://h:+1",
                                   "tcp://h: 1",
                                   "tcp://h:1 ",
                                   "tcp://h:1/",
                                   "tcp://h:http",
                                   "tcp://h:0x10",
                                   "tcp://a b:1",
                                   "tcp://a/b:1",
                                   "tcp://h:99999999999999999999",
                                   "unix://",
                                   "unix://windowd.sock",
                                   "unix:/run/windowd.sock"})
        BOOST_CHECK_THROW(parse_listen_address(text), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(a_refusal_tells_all_forms)
{
    BOOST_CHECK_EXCEPTION(parse_listen_address("localhost"), std::invalid_argument, [](auto const& refused) {
        std::string const message = refused.what();
        return message.find("tcp://HOST:PORT") != std::string::npos &&
               message.find("tls://HOST:PORT") != std::string::npos &&
               message.find("unix:///PATH") != std::string::npos;
    });
}

BOOST_AUTO_TEST_CASE(a_path_is_as_long_as_the_system_takes)
{
    std::string const longest = "unix:///" + std::string(longest_path - 1, 'x');
    BOOST_TEST(to_string(parse_listen_address(longest)) == longest);
    BOOST_CHECK_THROW(parse_listen_address(longest + "x"), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(endpoints_are_written_as_addresses)
{
    using generic = asio::generic::stream_protocol::endpoint;
    using asio::ip::tcp;
    using asio::local::stream_protocol;
    BOOST_TEST(to_string(generic(tcp::endpoint(asio::ip::make_address("127.0.0.1"), 1))) ==
               "tcp://127.0.0.1:1");
    BOOST_TEST(to_string(generic(tcp::endpoint(asio::ip::make_address("::1"), 65535))) ==
               "tcp://[::1]:65535");
    BOOST_TEST(to_string(generic(stream_protocol::endpoint("/run/w.sock"))) == "unix:///run/w.sock");
    BOOST_TEST(to_string(generic(stream_protocol::endpoint())) == "unix://");
    std::string const longest = "/" + std::string(longest_path - 1, 'x');
    BOOST_TEST(to_string(generic(stream_protocol::endpoint(longest))) == "unix://" + longest);
    BOOST_TEST(to_string(generic(tcp::endpoint(asio::ip::make_address("::1"), 1)), true) == "tls://[::1]:1");
    BOOST_TEST(to_string(generic(stream_protocol::endpoint(std::string("\0a\0b", 4)))) == "unix://@a@b");
}

BOOST_AUTO_TEST_CASE(local_is_what_only_this_machine_can_reach)
{
    using generic = asio::generic::stream_protocol::endpoint;
    using asio::ip::tcp;
    for (auto const* const address : {"127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1"})
        BOOST_TEST(is_local(generic(tcp::endpoint(asio::ip::make_address(address), 1))));
    for (auto const* const address : {"0.0.0.0", "126.255.255.255", "192.168.0.1", "::", "::2", "fe80::1",
                                      "::ffff:10.0.0.1", "::ffff:0.0.0.0"})
        BOOST_TEST(!is_local(generic(tcp::endpoint(asio::ip::make_address(address), 1))));
    BOOST_TEST(is_local(generic(asio::local::stream_protocol::endpoint("/run/w.sock"))));
}

BOOST_AUTO_TEST_SUITE_END()
