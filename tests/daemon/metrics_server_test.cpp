// What is answered over HTTP, and what becomes of clients that ask for something else.
#include "daemon/metrics_server.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <boost/test/unit_test.hpp>
#include <spdlog/sinks/ostream_sink.h>

#include <chrono>
#include <filesystem>
#include <list>
#include <memory>
#include <sstream>
#include <string>
#include <thread>

#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

namespace {

using namespace windowd;
using namespace std::chrono_literals;
namespace asio = boost::asio;
using asio::ip::tcp;

/// A metrics server in a thread of its own.
class running_server {
public:
    explicit running_server(std::chrono::milliseconds patience = 60s)
        : logger_("test", std::make_shared<spdlog::sinks::ostream_sink_st>(text_)),
          server({&context_}, environment_, logger_, patience)
    {
        logger_.set_pattern("%l %v");
        environment_.counters.values = 42;
        server.listen(net::tcp_address{"127.0.0.1", 0});
        port_ = std::get<net::tcp_address>(net::parse_listen_address(server.addresses().at(0))).port;
    }
    running_server(running_server const&) = delete;
    running_server& operator=(running_server const&) = delete;
    ~running_server() { stop(); }

    void start()
    {
        thread_ = std::thread([this] { context_.run(); });
    }

    /// Returns when the loop has run out of work.
    void stop()
    {
        if (!thread_.joinable())
            return;
        asio::post(context_, [this] { server.stop(); });
        thread_.join();
    }

    tcp::endpoint endpoint() const { return {asio::ip::address_v4::loopback(), port_}; }
    std::string log() const { return text_.str(); }

private:
    std::ostringstream text_;
    spdlog::logger logger_;
    protocol::environment environment_;
    asio::io_context context_{1};
    std::thread thread_;
    std::uint16_t port_ = 0;

public:
    daemon::metrics_server server; // last: it refers to the others
};

/// A connection that waits for what it reads, with a deadline.
class client {
public:
    explicit client(asio::generic::stream_protocol::endpoint const& server) : socket_(context_)
    {
        socket_.connect(server);
        timeval const deadline{60, 0};
        setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline);
    }

    void send(std::string const& text) { asio::write(socket_, asio::buffer(text)); }

    /// All until the server closes.
    std::string rest()
    {
        std::string text;
        boost::system::error_code ended;
        asio::read(socket_, asio::dynamic_buffer(text), ended);
        BOOST_TEST((ended == asio::error::eof || ended == asio::error::connection_reset), ended.message());
        return text;
    }

    /// An answer that ends with the given text.
    std::string until(std::string const& end)
    {
        std::string text;
        while (!text.ends_with(end)) {
            char c = 0;
            asio::read(socket_, asio::buffer(&c, 1));
            text += c;
        }
        return text;
    }

private:
    asio::io_context context_;
    asio::generic::stream_protocol::socket socket_;
};

std::string answer_to(running_server const& server, std::string const& request)
{
    client asking(server.endpoint());
    asking.send(request);
    return asking.rest();
}

std::string with_close(std::string const& line)
{
    return line + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
}

std::string status_line(std::string const& answer)
{
    return answer.substr(0, answer.find("\r\n"));
}

struct fixture {
    fixture() { server.start(); }
    running_server server;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(metrics_servers, fixture)

BOOST_AUTO_TEST_CASE(metrics_are_openmetrics_text)
{
    auto const answer = answer_to(server, with_close("GET /metrics"));
    BOOST_TEST(status_line(answer) == "HTTP/1.1 200 OK");
    BOOST_TEST(
        answer.find("\r\nContent-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n") !=
        std::string::npos);
    BOOST_TEST(answer.find("\nwindowd_values_total 42\n") != std::string::npos);
    BOOST_TEST(answer.ends_with("# EOF\n"));
    BOOST_TEST(answer.find("Access-Control") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_query_changes_nothing)
{
    BOOST_TEST(answer_to(server, with_close("GET /metrics?name=x")).ends_with("# EOF\n"));
}

BOOST_AUTO_TEST_CASE(head_is_told_the_size_alone)
{
    auto const answer = answer_to(server, with_close("HEAD /metrics"));
    BOOST_TEST(status_line(answer) == "HTTP/1.1 200 OK");
    BOOST_TEST(answer.find("\r\nContent-Length: ") != std::string::npos);
    BOOST_TEST(answer.find("\r\nContent-Length: 0\r\n") == std::string::npos);
    BOOST_TEST(answer.ends_with("\r\n\r\n"));
}

BOOST_AUTO_TEST_CASE(the_root_says_where_metrics_are)
{
    BOOST_TEST(
        answer_to(server, with_close("GET /")).ends_with("\r\n\r\nwindowd: its metrics are at /metrics\n"));
}

BOOST_AUTO_TEST_CASE(another_path_is_not_found_and_not_repeated)
{
    for (std::string const path : {"/secret", "/metrics/", "//metrics", "metrics", "*"}) {
        auto const answer = answer_to(server, with_close("GET " + path));
        BOOST_TEST(status_line(answer) == "HTTP/1.1 404 Not Found");
        BOOST_TEST(answer.ends_with("\r\n\r\nNot Found\n"));
    }
}

BOOST_AUTO_TEST_CASE(another_method_is_told_which_there_are)
{
    for (std::string const method : {"POST", "PUT", "DELETE", "OPTIONS", "CONNECT", "FROB"}) {
        auto const answer = answer_to(server, with_close(method + " /metrics"));
        BOOST_TEST(status_line(answer) == "HTTP/1.1 405 Method Not Allowed");
        BOOST_TEST(answer.find("\r\nAllow: GET, HEAD\r\n") != std::string::npos);
    }
}

BOOST_AUTO_TEST_CASE(a_connection_serves_one_request_after_another)
{
    client asking(server.endpoint());
    for (int i = 0; i != 3; ++i) {
        asking.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
        BOOST_TEST(status_line(asking.until("# EOF\n")) == "HTTP/1.1 200 OK");
    }
    asking.send("GET / HTTP/1.1\r\n\r\n" + with_close("GET /metrics")); // at once
    auto const answers = asking.rest();
    BOOST_TEST(answers.find("at /metrics\nHTTP/1.1 200 OK\r\n") != std::string::npos);
    BOOST_TEST(answers.ends_with("# EOF\n"));
}

BOOST_AUTO_TEST_CASE(http_1_0_closes)
{
    auto const answer = answer_to(server, "GET /metrics HTTP/1.0\r\n\r\n");
    BOOST_TEST(status_line(answer) == "HTTP/1.0 200 OK");
    BOOST_TEST(answer.ends_with("# EOF\n"));
}

BOOST_AUTO_TEST_CASE(a_body_is_refused)
{
    for (std::string const field :
         {"Content-Length: 5", "Content-Length: 9999999999999", "Transfer-Encoding: chunked"}) {
        auto const answer = answer_to(server, "GET /metrics HTTP/1.1\r\n" + field + "\r\n\r\n5\r\nhello\r\n");
        BOOST_TEST(status_line(answer) == "HTTP/1.1 413 Payload Too Large");
        BOOST_TEST(answer.find("\r\nConnection: close\r\n") != std::string::npos);
    }
}

BOOST_AUTO_TEST_CASE(an_empty_body_is_none)
{
    auto const answer = answer_to(server, "GET / HTTP/1.1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    BOOST_TEST(status_line(answer) == "HTTP/1.1 200 OK");
}

BOOST_AUTO_TEST_CASE(a_header_has_a_bound)
{
    std::string const begin = "GET / HTTP/1.1\r\nConnection: close\r\nA: ";
    std::string const end = "\r\n\r\n";
    auto const rest = daemon::metrics_server::max_header - begin.size() - end.size();
    BOOST_TEST(status_line(answer_to(server, begin + std::string(rest - 1, 'x') + end)) == "HTTP/1.1 200 OK");
    for (auto const more : {daemon::metrics_server::max_header, std::size_t{100'000}}) {
        auto const answer = answer_to(server, begin + std::string(rest + more, 'x') + end);
        BOOST_TEST(status_line(answer) == "HTTP/1.1 431 Request Header Fields Too Large");
    }
    BOOST_TEST(status_line(answer_to(server, "GET /" + std::string(20'000, 'x'))) ==
               "HTTP/1.1 431 Request Header Fields Too Large");
}

BOOST_AUTO_TEST_CASE(what_is_not_http_is_a_bad_request_and_not_repeated)
{
    for (std::string const text : {"{\"op\":\"info\"}\n", "GET /metrics\r\n\r\n", "GET / HTTP/9.9\r\n\r\n",
                                   "\x16\x03\x01\x02\r\n\r\n", "GET / HTTP/1.1\r\nno colon\r\n\r\n"}) {
        auto const answer = answer_to(server, text);
        BOOST_TEST(status_line(answer) == "HTTP/1.1 400 Bad Request");
        BOOST_TEST(answer.ends_with("\r\n\r\nBad Request\n"));
    }
    BOOST_TEST(answer_to(server, with_close("GET /metrics")).ends_with("# EOF\n"));
}

BOOST_AUTO_TEST_CASE(on_loopback_a_host_of_another_name_is_not_answered)
{
    auto const status_for = [this](std::string const& host) {
        return status_line(
            answer_to(server, "GET /metrics HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n"));
    };
    for (auto const* const host :
         {"rebound.example", "rebound.example:6921", "127.0.0.1.example", "a:b:c", ":1"})
        BOOST_TEST(status_for(host) == "HTTP/1.1 421 Misdirected Request", host);
    for (auto const* const host :
         {"127.0.0.1", "127.0.0.1:6921", "[::1]:6921", "LocalHost:6921", "box.localhost", "192.0.2.1", ""})
        BOOST_TEST(status_for(host) == "HTTP/1.1 200 OK", host);
}

BOOST_AUTO_TEST_CASE(a_client_that_leaves_amid_a_request_harms_nobody)
{
    for (std::string const text : {"", "GET", "GET /metrics HTTP/1.1\r\nHo"}) {
        client leaving(server.endpoint());
        leaving.send(text);
    }
    BOOST_TEST(answer_to(server, with_close("GET /metrics")).ends_with("# EOF\n"));
}

BOOST_AUTO_TEST_CASE(connections_beyond_the_most_are_closed)
{
    std::list<client> open;
    for (std::size_t i = 0; i != daemon::metrics_server::max_connections; ++i) {
        open.emplace_back(server.endpoint()).send("GET / HTTP/1.1\r\n\r\n");
        open.back().until("at /metrics\n");
    }
    client one_more(server.endpoint());
    BOOST_TEST(one_more.rest().empty());
    open.front().send("GET / HTTP/1.1\r\n\r\n");
    BOOST_TEST(status_line(open.front().until("at /metrics\n")) == "HTTP/1.1 200 OK");
}

BOOST_AUTO_TEST_CASE(stopping_ends_clients_that_wait_and_the_loop)
{
    client silent(server.endpoint());
    client slow(server.endpoint());
    slow.send("GET /");
    client kept(server.endpoint());
    kept.send("GET / HTTP/1.1\r\n\r\n");
    kept.until("at /metrics\n");
    server.stop();
    for (auto* const one : {&silent, &slow, &kept})
        BOOST_TEST(one->rest().empty());
    BOOST_TEST(server.log() ==
               "info metrics on tcp://127.0.0.1:" + std::to_string(server.endpoint().port()) + "/metrics\n");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(metrics_listeners)

BOOST_AUTO_TEST_CASE(a_client_that_sends_no_request_is_closed_when_patience_ends)
{
    running_server server(50ms);
    server.start();
    client silent(server.endpoint());
    BOOST_TEST(silent.rest().empty());
    client slow(server.endpoint());
    slow.send("GET /metrics HTTP/1.1\r\n");
    BOOST_TEST(slow.rest().empty());
}

BOOST_AUTO_TEST_CASE(a_unix_socket_serves_too_and_its_file_goes_with_it)
{
    auto const path = std::filesystem::temp_directory_path() / ("metrics-test-" + std::to_string(getpid()));
    running_server server;
    server.server.listen(net::unix_address{path.string()});
    BOOST_TEST(server.server.addresses().at(1) == "unix://" + path.string());
    server.start();
    client asking(asio::local::stream_protocol::endpoint(path.string()));
    asking.send(with_close("GET /metrics"));
    BOOST_TEST(asking.rest().ends_with("# EOF\n"));
    server.stop();
    BOOST_TEST(!exists(path));
}

BOOST_AUTO_TEST_CASE(a_descriptor_that_listens_is_adopted)
{
    asio::io_context context;
    tcp::acceptor passed(context, {asio::ip::address_v4::loopback(), 0});
    auto const endpoint = passed.local_endpoint();
    running_server server;
    server.server.adopt(passed.release());
    BOOST_TEST(server.server.addresses().at(1) == "tcp://127.0.0.1:" + std::to_string(endpoint.port()));
    server.start();
    client asking(endpoint);
    asking.send(with_close("GET /metrics"));
    BOOST_TEST(asking.rest().ends_with("# EOF\n"));
}

BOOST_AUTO_TEST_CASE(a_descriptor_that_does_not_listen_stays_the_callers)
{
    asio::io_context context;
    tcp::socket not_listening(context, tcp::v4());
    running_server server;
    BOOST_CHECK_THROW(server.server.adopt(not_listening.native_handle()), std::runtime_error);
    BOOST_TEST(not_listening.is_open());
    BOOST_TEST(not_listening.available() == 0);
    BOOST_CHECK_THROW(server.server.adopt(-1), std::runtime_error);
    auto const taken = server.endpoint().port();
    BOOST_CHECK_THROW(server.server.listen(net::tcp_address{"127.0.0.1", taken}), std::runtime_error);
}

BOOST_AUTO_TEST_SUITE_END()
