// Listening sockets that another process has made, and addresses that others than this machine can reach.
#include "net/server.hpp"
#include "net/support.hpp"
#include "net/tls_support.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace {

using namespace windowd;
using namespace windowd::test;
using namespace std::chrono_literals;

/// A listening socket at that address, as another process passes it.
int listening(sockaddr const* address, socklen_t size, int type = SOCK_STREAM)
{
    auto const made = socket(address->sa_family, type | SOCK_CLOEXEC, 0);
    if (bind(made, address, size) != 0 || (type == SOCK_STREAM && listen(made, 8) != 0))
        throw std::runtime_error("no socket to pass");
    return made;
}

int listening_tcp(in_addr_t where)
{
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(where);
    return listening(reinterpret_cast<sockaddr const*>(&address), sizeof(address));
}

struct unix_name {
    explicit unix_name(std::string const& path)
        : size(static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size()))
    {
        address.sun_family = AF_UNIX;
        path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    }
    sockaddr const* get() const { return reinterpret_cast<sockaddr const*>(&address); }

    sockaddr_un address{};
    socklen_t size;
};

/// A connection to wherever that socket listens.
std::unique_ptr<peer> connected_to(int listener)
{
    sockaddr_storage address{};
    socklen_t size = sizeof(address);
    getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
    auto const made = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(made, reinterpret_cast<sockaddr const*>(&address), size) != 0)
        throw std::runtime_error("no connection");
    return std::make_unique<peer>(made);
}

auto const says = [](std::string text) {
    return [text](std::runtime_error const& why) {
        BOOST_TEST_MESSAGE(why.what());
        return std::string(why.what()).find(text) != std::string::npos;
    };
};

} // namespace

BOOST_AUTO_TEST_SUITE(passed_sockets)

BOOST_AUTO_TEST_CASE(connections_to_a_tcp_socket_are_served)
{
    running_server host;
    auto const passed = listening_tcp(INADDR_LOOPBACK);
    auto before = connected_to(passed);
    host.server->adopt(passed, false);
    BOOST_TEST(host.events.addresses.back().starts_with("tcp://127.0.0.1:"));
    before->send("5\n");
    BOOST_TEST(host.answers(*before, "5\n"));
    auto after = connected_to(passed);
    after->send("7\n");
    BOOST_TEST(host.answers(*after, "7\n"));
}

BOOST_AUTO_TEST_CASE(the_file_of_a_unix_socket_is_left_alone)
{
    temporary_folder folder;
    auto const path = (folder.path() / "passed").string();
    unix_name const name(path);
    running_server host;
    auto const passed = listening(name.get(), name.size);
    host.server->adopt(passed, false);
    BOOST_TEST(host.events.addresses.back() == "unix://" + path);
    auto client = connected_to(passed);
    client->send("5\n");
    BOOST_TEST(host.answers(*client, "5\n"));
    host.server->stop();
    BOOST_TEST(host.runs_out_of_work());
    BOOST_TEST(std::filesystem::exists(path));
}

BOOST_AUTO_TEST_CASE(an_abstract_name_is_told_as_others_tell_it)
{
    auto const name = "windowd-test-" + std::to_string(getpid());
    unix_name const address(std::string(1, '\0') + name);
    running_server host;
    auto const passed = listening(address.get(), address.size);
    host.server->adopt(passed, false);
    BOOST_TEST(host.events.addresses.back() == "unix://@" + name);
    auto client = connected_to(passed);
    client->send("5\n");
    BOOST_TEST(host.answers(*client, "5\n"));
}

BOOST_AUTO_TEST_CASE(what_waits_there_at_the_end_is_for_the_next_process)
{
    running_server host;
    auto const passed = listening_tcp(INADDR_LOOPBACK);
    auto const kept = dup(passed); // by the one that passed it
    host.server->adopt(passed, false);
    auto late = connected_to(kept);
    late->send("5\n");
    host.server->stop();
    BOOST_TEST(host.runs_out_of_work());
    BOOST_TEST(!late->at_end());

    running_server next;
    next.server->adopt(kept, false);
    BOOST_TEST(next.answers(*late, "5\n"));
}

BOOST_AUTO_TEST_CASE(encrypted_they_are_served_too)
{
    certificates made;
    made.make("server");
    running_server host;
    auto const passed = listening_tcp(INADDR_LOOPBACK);
    BOOST_CHECK_EXCEPTION(host.server->adopt(passed, true), std::runtime_error, says("--tls-certificate"));
    host.server->use_tls(std::make_shared<net::tls_context>(made.files("server")));
    host.server->adopt(passed, true);
    BOOST_TEST(host.events.addresses.back().starts_with("tls://127.0.0.1:"));
    auto connection = connected_to(passed);
    tls_peer client(connection->descriptor());
    BOOST_TEST(run_until(host.context, [&] { return client.shake_hands(); }));
    client.send("5\n");
    BOOST_TEST(run_until(host.context, [&] { return client.received() == "5\n"; }));
}

BOOST_AUTO_TEST_CASE(what_is_no_listening_stream_socket_is_refused_and_not_taken)
{
    running_server host;
    sockaddr_in any{};
    any.sin_family = AF_INET;
    auto const datagrams = listening(reinterpret_cast<sockaddr const*>(&any), sizeof(any), SOCK_DGRAM);
    BOOST_CHECK_EXCEPTION(host.server->adopt(datagrams, false), std::runtime_error,
                          says("no TCP or Unix stream socket"));
    BOOST_TEST(close(datagrams) == 0);
    auto const silent = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    BOOST_CHECK_EXCEPTION(host.server->adopt(silent, false), std::runtime_error, says("it does not listen"));
    BOOST_TEST(close(silent) == 0);
    BOOST_CHECK_EXCEPTION(host.server->adopt(silent, false), std::runtime_error, says("passed socket"));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(remote_addresses)

BOOST_AUTO_TEST_CASE(are_refused_before_anything_is_bound_unless_they_are_allowed)
{
    running_server host;
    host.server->allow_remote(false);
    BOOST_CHECK_EXCEPTION(
        host.server->listen(net::tcp_address{"0.0.0.0", 0}), std::runtime_error,
        says("cannot listen on tcp://0.0.0.0:0: others than this machine could reach it: give "
             "it a --token-file, or say --insecure"));
    BOOST_CHECK_EXCEPTION(host.server->listen(net::tcp_address{"::", 0}), std::runtime_error,
                          says("tcp://[::]:0"));
    auto const passed = listening_tcp(INADDR_ANY);
    BOOST_CHECK_EXCEPTION(host.server->adopt(passed, false), std::runtime_error,
                          says("cannot listen on tcp://0.0.0.0:"));
    BOOST_TEST(host.events.addresses.size() == 1U); // its Unix socket

    host.server->listen(net::tcp_address{"127.0.0.1", 0});
    host.server->listen(net::tcp_address{"localhost", 0});
    host.server->allow_remote(true);
    host.server->listen(net::tcp_address{"0.0.0.0", 0});
    host.server->adopt(passed, false);
    BOOST_TEST(host.events.addresses.size() >= 5U);
}

BOOST_AUTO_TEST_SUITE_END()
