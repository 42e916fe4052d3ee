// HTTP: what is answered to whom, and when a connection ends.
#include "daemon/metrics_server.hpp"

#include "daemon/openmetrics.hpp"
#include "net/as_tuple.hpp"

#include <boost/algorithm/string/case_conv.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/serializer.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include <array>
#include <exception>
#include <utility>

namespace windowd::daemon {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::generic::stream_protocol;
using boost::system::error_code;
using parser = http::request_parser<http::empty_body>;
using response = http::response<http::string_body>;

// For the client to see that the connection is closed, after an answer to what was not read to its end.
constexpr auto closing_time = std::chrono::seconds(1);

constexpr std::string_view plain_text = "text/plain; charset=utf-8";

response make_response(http::status status, std::string_view type, std::string body)
{
    response made(status, 11); // HTTP/1.1
    made.set(http::field::content_type, {type.data(), type.size()});
    made.body() = std::move(body);
    return made;
}

response refusal(http::status status)
{
    return make_response(status, plain_text, std::string(http::obsolete_reason(status)) + "\n");
}

/// Of what could not be read: the answer, or for a connection that just ended, none.
http::status status_of(error_code const& failed)
{
    if (failed == http::error::header_limit || failed == http::error::buffer_overflow)
        return http::status::request_header_fields_too_large;
    auto const is_http = failed.category() == make_error_code(http::error::bad_method).category();
    if (!is_http || failed == http::error::end_of_stream || failed == http::error::partial_message)
        return http::status::unknown;
    return http::status::bad_request;
}

std::vector<protocol::histogram const*> histograms_of(std::list<loop_lag> const& lags)
{
    std::vector<protocol::histogram const*> all;
    for (auto const& one : lags)
        all.push_back(&one.seen());
    return all;
}

bool has_body(parser const& request)
{
    return request.chunked() || request.content_length().value_or(0) != 0;
}

/// Whether it asks for a host of another name than one that leads to this machine by itself. A page can do that: its own
/// name servers give this machine's address for its name, and its browser then lets it read the answers (DNS rebinding).
bool is_for_another_host(parser const& request)
{
    auto const header = request.get()[http::field::host];
    auto const host = std::string_view(header.data(), header.size());
    if (host.empty() || host.front() == '[')
        return false;
    auto const name = boost::algorithm::to_lower_copy(std::string(host.substr(0, host.rfind(':'))));
    error_code is_name;
    asio::ip::make_address(name, is_name);
    return is_name && name != "localhost" && !name.ends_with(".localhost");
}

/// Whether the client has come over this machine's loopback network.
bool is_on_loopback(stream_protocol::socket const& client)
{
    error_code failed;
    auto const here = client.local_endpoint(failed);
    return !failed && here.protocol().family() != AF_UNIX && net::is_local(here);
}

/// Of a request whose header was read.
response answer(parser const& request, bool on_loopback, metrics const& current)
{
    auto const& header = request.get();
    if (on_loopback && is_for_another_host(request))
        return refusal(http::status::misdirected_request);
    if (header.method() != http::verb::get && header.method() != http::verb::head) {
        auto refused = refusal(http::status::method_not_allowed);
        refused.set(http::field::allow, "GET, HEAD");
        return refused;
    }
    if (has_body(request))
        return refusal(http::status::payload_too_large);
    auto const target = std::string_view(header.target().data(), header.target().size());
    auto const path = target.substr(0, target.find('?'));
    if (path == "/metrics")
        return make_response(http::status::ok, openmetrics_type, to_openmetrics(current.Collect()));
    if (path == "/")
        return make_response(http::status::ok, plain_text, "windowd: its metrics are at /metrics\n");
    return refusal(http::status::not_found);
}

template <class Stream>
asio::awaitable<error_code> write(Stream& client, response& answered, bool header_only)
{
    answered.prepare_payload();
    http::response_serializer<http::string_body> serializer(answered);
    if (header_only) {
        auto const [failed, size] = co_await http::async_write_header(client, serializer, net::as_tuple);
        co_return failed;
    }
    auto const [failed, size] = co_await http::async_write(client, serializer, net::as_tuple);
    co_return failed;
}

/// To close with unread input makes TCP throw away the answer that is still on its way.
template <class Stream>
asio::awaitable<void> close_gently(Stream& client)
{
    error_code failed;
    client.socket().shutdown(stream_protocol::socket::shutdown_send, failed);
    client.expires_after(closing_time);
    std::array<char, 1024> unread; // NOLINT(cppcoreguidelines-pro-type-member-init): nobody looks at it
    while (!failed) {
        auto const [ended, size] = co_await client.async_read_some(asio::buffer(unread), net::as_tuple);
        failed = ended;
    }
}

} // namespace

metrics_server::metrics_server(std::vector<asio::io_context*> const& loops,
                               protocol::environment& environment, spdlog::logger& log,
                               std::chrono::milliseconds patience)
    : context_(*loops.front()),
      log_(log),
      patience_(patience),
      lags_(loops.begin(), loops.end()),
      metrics_(environment, histograms_of(lags_))
{}

void metrics_server::listen(net::listen_address const& address, bool remote_allowed)
{
    for (auto& acceptor : net::listen_at(context_, address, remote_allowed))
        add(std::move(acceptor), net::ownership::ours);
}

void metrics_server::adopt(int descriptor, bool remote_allowed)
{
    add(net::adopt_listening(context_, descriptor, remote_allowed), net::ownership::passed);
}

void metrics_server::add(net::stream_acceptor acceptor, net::ownership whose)
{
    auto on_connection = [this](net::stream_socket socket, net::peer_id const&, std::string const&) {
        connected(std::move(socket));
    };
    net::observer& events = *this;
    listeners_.emplace_back(std::move(acceptor), whose, false, events, std::move(on_connection)).start();
}

void metrics_server::stop()
{
    stopping_ = true;
    for (auto& one : lags_)
        one.stop();
    for (auto& one : listeners_)
        one.stop();
    for (auto& one : clients_)
        one.close();
}

std::vector<std::string> metrics_server::addresses() const
{
    std::vector<std::string> all;
    for (auto const& one : listeners_)
        all.push_back(one.address());
    return all;
}

void metrics_server::connected(net::stream_socket socket)
{
    if (stopping_ || clients_.size() >= max_connections)
        return;
    auto const client = clients_.emplace(clients_.end(), std::move(socket));
    asio::co_spawn(context_, serve(*client), [this, client](std::exception_ptr const& exception) {
        if (exception)
            failed(net::text_of(exception));
        clients_.erase(client);
    });
}

asio::awaitable<void> metrics_server::serve(stream& client)
{
    boost::beast::flat_buffer input(max_header);
    auto const on_loopback = is_on_loopback(client.socket());
    auto going_on = true;
    while (going_on && !stopping_) {
        client.expires_after(patience_);
        parser request;
        request.header_limit(max_header);
        request.body_limit(boost::none); // has_body tells, with an answer of ours
        auto const [failed, size] = co_await http::async_read_header(client, input, request, net::as_tuple);
        if (failed && status_of(failed) == http::status::unknown)
            co_return;
        auto answered = failed ? refusal(status_of(failed)) : answer(request, on_loopback, metrics_);
        going_on = !failed && request.keep_alive() && !has_body(request);
        answered.version(failed ? 11 : request.get().version());
        answered.keep_alive(going_on);
        client.expires_after(patience_);
        auto const header_only = !failed && request.get().method() == http::verb::head;
        auto const not_written = co_await write(client, answered, header_only);
        if (not_written)
            co_return;
    }
    co_await close_gently(client);
}

void metrics_server::listening(std::string_view address) noexcept
{
    log_.info("metrics on {}{}", address, address.starts_with("unix:") ? "" : "/metrics");
}

void metrics_server::accept_failed(std::string_view address, error_code const& why) noexcept
{
    std::array<char, 128> text{}; // a string would take memory, which may be what there is too little of
    log_.warn("cannot accept on {}: {}; will try again", address, why.message(text.data(), text.size()));
}

void metrics_server::accept_recovered(std::string_view address) noexcept
{
    log_.info("accepting on {} again", address);
}

void metrics_server::failed(std::string_view what) noexcept
{
    log_.error("a connection for metrics failed: {}", what);
}

} // namespace windowd::daemon
