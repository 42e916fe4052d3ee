// Connecting, with a time limit over all its steps.
#include "ctl/transport.hpp"

#include "ctl/failure.hpp"
#include "ctl/text.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include <optional>
#include <utility>

namespace windowd::ctl {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using unix_protocol = asio::local::stream_protocol;
using clock = std::chrono::steady_clock;

template <typename Stream>
class stream_transport : public transport {
public:
    explicit stream_transport(Stream stream) : stream_(std::move(stream)) {}

    void async_read_some(asio::mutable_buffer into, handler done) override
    {
        stream_.async_read_some(into, std::move(done));
    }
    void async_write(asio::const_buffer from, handler done) override
    {
        asio::async_write(stream_, from, std::move(done));
    }

private:
    Stream stream_;
};

/// The context outlives the stream.
class tls_transport final : public transport {
public:
    tls_transport(asio::ssl::context context, tcp::socket socket)
        : context_(std::move(context)),
          stream_(std::move(socket), context_)
    {}

    asio::ssl::stream<tcp::socket>& stream() noexcept { return stream_; }
    void async_read_some(asio::mutable_buffer into, handler done) override
    {
        stream_.async_read_some(into, std::move(done));
    }
    void async_write(asio::const_buffer from, handler done) override
    {
        asio::async_write(stream_, from, std::move(done));
    }

private:
    asio::ssl::context context_;
    asio::ssl::stream<tcp::socket> stream_;
};

/// The steps of one connection.
class connector {
public:
    connector(asio::io_context& context, target const& to, std::chrono::milliseconds timeout)
        : context_(context),
          to_(to),
          deadline_(clock::now() + timeout)
    {}

    tcp::socket connect_tcp()
    {
        tcp::resolver resolver(context_);
        tcp::resolver::results_type found;
        run([&](auto done) {
            resolver.async_resolve(
                to_.host, std::to_string(to_.port), tcp::resolver::numeric_service,
                [&found, done](error_code const& error, tcp::resolver::results_type results) {
                    found = std::move(results);
                    done(error);
                });
        });
        tcp::socket socket(context_);
        run([&](auto done) {
            asio::async_connect(socket, found, [done](error_code const& error, auto const&) { done(error); });
        });
        error_code ignored;
        socket.set_option(tcp::no_delay(true), ignored);
        return socket;
    }

    unix_protocol::socket connect_unix()
    {
        unix_protocol::socket socket(context_);
        run([&](auto done) { socket.async_connect(unix_protocol::endpoint(to_.path), done); });
        return socket;
    }

    void shake_hands(asio::ssl::stream<tcp::socket>& stream)
    {
        run([&](auto done) { stream.async_handshake(asio::ssl::stream_base::client, done); });
    }

private:
    template <typename Start>
    void run(Start start)
    {
        std::optional<error_code> result;
        start([&result](error_code const& error) { result = error; });
        context_.restart();
        while (!result && clock::now() < deadline_)
            context_.run_one_until(deadline_);
        if (!result)
            throw failure(exit_status::unreachable, "cannot connect to " + to_.text + ": no answer in time");
        if (*result)
            throw failure(exit_status::unreachable,
                          "cannot connect to " + to_.text + ": " + printable(result->message()));
    }

    asio::io_context& context_;
    target const& to_;
    clock::time_point deadline_;
};

void use_files(asio::ssl::context& context, tls_files const& files)
{
    auto const check = [](error_code const& error, char const* option, std::string const& file) {
        if (error)
            throw failure(exit_status::bad_usage,
                          std::string(option) + " " + printable(file) + ": " + printable(error.message()));
    };
    error_code error;
    if (files.authorities.empty())
        context.set_default_verify_paths(error);
    else
        context.load_verify_file(files.authorities, error);
    check(error, "--tls-ca", files.authorities);
    if (!files.certificate.empty())
        context.use_certificate_chain_file(files.certificate, error);
    check(error, "--tls-certificate", files.certificate);
    if (!files.key.empty())
        context.use_private_key_file(files.key, asio::ssl::context::pem, error);
    check(error, "--tls-key", files.key);
}

std::unique_ptr<transport> connect_tls(connector& steps, target const& to, tls_files const& files)
{
    asio::ssl::context context(asio::ssl::context::tls_client);
    SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
    context.set_verify_mode(asio::ssl::verify_peer);
    use_files(context, files);
    auto secured = std::make_unique<tls_transport>(std::move(context), steps.connect_tcp());
    auto& stream = secured->stream();
    // OpenSSL's own check, and not Asio's host_name_verification, which does not say why it fails.
    auto* const ssl = stream.native_handle();
    error_code is_no_address;
    asio::ip::make_address(to.host, is_no_address);
    if (is_no_address) {
        SSL_set1_host(ssl, to.host.c_str());
        // SNI is for names alone (RFC 6066, section 3).
        SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, std::string(to.host).data());
    } else {
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), to.host.c_str());
    }
    try {
        steps.shake_hands(stream);
    } catch (failure const& failed) {
        auto const result = SSL_get_verify_result(ssl);
        if (result == X509_V_OK)
            throw;
        throw failure(failed.status(),
                      std::string(failed.what()) + ": " + X509_verify_cert_error_string(result));
    }
    return secured;
}

} // namespace

std::unique_ptr<transport> connect(asio::io_context& context, target const& to, tls_files const& files,
                                   std::chrono::milliseconds timeout)
{
    connector steps(context, to, timeout);
    switch (to.kind) {
    case transport_kind::tls:
        return connect_tls(steps, to, files);
    case transport_kind::unix:
        return std::make_unique<stream_transport<unix_protocol::socket>>(steps.connect_unix());
    case transport_kind::tcp:
        break;
    }
    return std::make_unique<stream_transport<tcp::socket>>(steps.connect_tcp());
}

} // namespace windowd::ctl
