// Where the daemon listens: TCP, IPv6, Unix sockets, several at once.
#include "acceptance/client.hpp"
#include "acceptance/daemon_process.hpp"

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <string>

#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

using namespace windowd::test;

bool answers(std::string const& address)
{
    return client(address).ask("5") == "5";
}

std::string socket_address(temporary_folder const& folder)
{
    return "unix://" + (folder.path() / "windowd.sock").string();
}

boost::test_tools::assertion_result machine_has_ipv6(boost::unit_test::test_unit_id)
{
    auto const probe = socket(AF_INET6, SOCK_STREAM, 0);
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_addr = in6addr_loopback;
    auto const has =
        probe >= 0 && bind(probe, reinterpret_cast<sockaddr const*>(&address), sizeof(address)) == 0;
    close(probe);
    return has;
}

/// Runs a daemon that has to fail at once: exit status 1 and a message.
std::string failure_of(std::vector<std::string> const& options)
{
    std::vector<std::string> words{daemon_path()};
    words.insert(words.end(), options.begin(), options.end());
    auto const ended = run_to_end(words);
    BOOST_TEST(ended.end.status == 1);
    return ended.error_text;
}

bool has(std::string const& text, std::string_view part)
{
    return text.find(part) != std::string::npos;
}

} // namespace

BOOST_AUTO_TEST_SUITE(listeners)

BOOST_AUTO_TEST_CASE(port_0_picks_one_and_the_log_says_which)
{
    daemon_process daemon({"--listen=tcp://127.0.0.1:0"});
    BOOST_TEST(daemon.port() != "0");
    BOOST_TEST(answers(daemon.address()));
}

BOOST_AUTO_TEST_CASE(a_unix_socket_serves_and_its_file_is_removed_at_the_end)
{
    temporary_folder const folder;
    auto const address = socket_address(folder);
    daemon_process daemon({"--listen=" + address});
    BOOST_TEST(daemon.address() == address);
    client one(address);
    one.send(numbers(10));
    one.half_close();
    BOOST_TEST(one.read_to_end() == "1\n1.5\n2\n3\n4\n5\n6\n7\n8\n9\n");
    daemon.stop();
    BOOST_TEST(!std::filesystem::exists(folder.path() / "windowd.sock"));
}

BOOST_AUTO_TEST_CASE(ipv6_is_served, *boost::unit_test::precondition(machine_has_ipv6))
{
    daemon_process daemon({"--listen=tcp://[::1]:0"});
    BOOST_TEST(daemon.address().starts_with("tcp://[::1]:"));
    BOOST_TEST(answers(daemon.address()));
}

BOOST_AUTO_TEST_CASE(a_host_name_is_listened_at)
{
    daemon_process daemon({"--listen=tcp://localhost:0"});
    BOOST_TEST(answers(daemon.address()));
}

BOOST_AUTO_TEST_CASE(several_listeners_serve_at_once)
{
    temporary_folder const folder;
    daemon_process daemon(
        {"--listen=tcp://127.0.0.1:0", "--listen", socket_address(folder), "--listen=tcp://127.0.0.1:0"});
    auto const addresses = daemon.addresses(3);
    BOOST_TEST(addresses[0] != addresses[2]);
    for (auto const& address : addresses)
        BOOST_TEST(answers(address));
    daemon.stop();
}

BOOST_AUTO_TEST_CASE(the_file_of_a_daemon_that_was_killed_is_replaced)
{
    temporary_folder const folder;
    auto const address = socket_address(folder);
    {
        daemon_process killed({"--listen=" + address});
        killed.signal(SIGKILL);
        BOOST_TEST(killed.wait_for_exit().signal == SIGKILL);
    }
    BOOST_TEST(std::filesystem::exists(folder.path() / "windowd.sock"));
    daemon_process daemon({"--listen=" + address});
    BOOST_TEST(answers(address));
    daemon.stop();
}

BOOST_AUTO_TEST_CASE(a_unix_socket_where_a_server_listens_is_refused_and_left_alone)
{
    temporary_folder const folder;
    auto const address = socket_address(folder);
    daemon_process daemon({"--listen=" + address});
    auto const complaint = failure_of({"--listen=" + address});
    BOOST_TEST(has(complaint, address));
    BOOST_TEST(has(complaint, "another server listens there"));
    BOOST_TEST(answers(address));
    daemon.stop();
}

BOOST_AUTO_TEST_CASE(a_file_that_is_no_socket_is_left_alone)
{
    temporary_folder const folder;
    auto const file = folder.write("windowd.sock", "precious");
    BOOST_TEST(has(failure_of({"--listen=" + socket_address(folder)}), "not a socket"));
    BOOST_TEST(std::filesystem::file_size(file) == std::string("precious").size());
}

BOOST_AUTO_TEST_CASE(the_file_of_a_server_that_took_over_is_left_alone)
{
    temporary_folder const folder;
    auto const address = socket_address(folder);
    daemon_process first({"--listen=" + address});
    std::filesystem::remove(folder.path() / "windowd.sock");
    daemon_process second({"--listen=" + address});
    first.stop();
    BOOST_TEST(answers(address));
    second.stop();
}

BOOST_AUTO_TEST_CASE(a_port_in_use_is_told_with_exit_status_1)
{
    daemon_process daemon;
    auto const complaint = failure_of({"--listen=" + daemon.address()});
    BOOST_TEST(has(complaint, daemon.address()));
    BOOST_TEST(has(complaint, "in use"));
}

BOOST_AUTO_TEST_CASE(a_listener_that_fails_leaves_no_file_of_the_one_before_it)
{
    temporary_folder const folder;
    daemon_process daemon;
    failure_of({"--listen=" + socket_address(folder), "--listen=" + daemon.address()});
    BOOST_TEST(!std::filesystem::exists(folder.path() / "windowd.sock"));
}

BOOST_AUTO_TEST_CASE(the_port_of_a_daemon_that_stopped_can_be_used_at_once)
{
    daemon_process first;
    auto const address = first.address();
    client one(address);
    BOOST_TEST(one.ask("5") == "5");
    first.stop();
    daemon_process second({"--listen=" + address});
    BOOST_TEST(answers(address));
}

BOOST_AUTO_TEST_SUITE_END()
