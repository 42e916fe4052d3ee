// TLS over a socket that does not block. OpenSSL's queue of errors belongs to the thread: each operation empties it first.
#include "net/tls.hpp"

#include <boost/asio/error.hpp>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <new>
#include <stdexcept>
#include <system_error>

#include <sys/stat.h>

namespace windowd::net {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

std::runtime_error bad_file(std::string_view option, std::string const& path, std::string const& why)
{
    return std::runtime_error(std::string(option) + " " + path + ": " + why);
}

/// An error of OpenSSL in a form for people.
std::string text_of(unsigned long code)
{
    auto const* const text = ERR_reason_error_string(code);
    return text != nullptr ? text : "error " + std::to_string(ERR_GET_REASON(code)) + " of the TLS library";
}

/// What OpenSSL says of files that are missing is hard to read.
void check_readable(std::string_view option, std::string const& path)
{
    struct stat status {};
    if (stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode))
        throw bad_file(option, path,
                       "it is no regular file"); // to read from a FIFO would wait for its writer
    errno = 0;
    std::ifstream file(path);
    if (!file || file.peek() == std::ifstream::traits_type::eof()) {
        auto const why = errno;
        throw bad_file(option, path,
                       why != 0 ? std::generic_category().message(why) : std::string("the file is empty"));
    }
}

/// Instead of a question on the terminal: notes that one was to be asked.
int no_passphrase(char*, int, int, void* asked)
{
    *static_cast<bool*>(asked) = true;
    return -1;
}

/// Of the errors of an operation on a file the first is the cause.
bool failed_for(int library, int why)
{
    auto const code = ERR_peek_error();
    return ERR_GET_LIB(code) == library && ERR_GET_REASON(code) == why;
}

std::string reason_for(std::string const& expected)
{
    if (failed_for(ERR_LIB_PEM, PEM_R_NO_START_LINE) ||
        failed_for(ERR_LIB_X509, X509_R_NO_CERTIFICATE_OR_CRL_FOUND) ||
        failed_for(ERR_LIB_OSSL_DECODER, ERR_R_UNSUPPORTED))
        return "there is no " + expected + " in PEM form";
    return text_of(ERR_peek_error());
}

void load_certificate(SSL_CTX* context, std::string const& path)
{
    constexpr std::string_view option = "tls-certificate";
    check_readable(option, path);
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(context, path.c_str()) != 1)
        throw bad_file(option, path, reason_for("certificate"));
}

void load_key(SSL_CTX* context, tls_files const& files)
{
    constexpr std::string_view option = "tls-key";
    check_readable(option, files.key);
    bool asked = false;
    SSL_CTX_set_default_passwd_cb(context, no_passphrase);
    SSL_CTX_set_default_passwd_cb_userdata(context, &asked);
    ERR_clear_error();
    auto const read = SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM) == 1;
    SSL_CTX_set_default_passwd_cb_userdata(context, nullptr);
    if (read && SSL_CTX_check_private_key(context) == 1)
        return;
    if (read || failed_for(ERR_LIB_X509, X509_R_KEY_VALUES_MISMATCH) ||
        failed_for(ERR_LIB_X509, X509_R_KEY_TYPE_MISMATCH))
        throw bad_file(option, files.key, "it is not the key of the certificate in " + files.certificate);
    if (asked)
        throw bad_file(option, files.key, "it is encrypted with a passphrase");
    throw bad_file(option, files.key, reason_for("private key"));
}

void load_client_ca(SSL_CTX* context, std::string const& path)
{
    constexpr std::string_view option = "tls-client-ca";
    check_readable(option, path);
    ERR_clear_error();
    if (SSL_CTX_load_verify_locations(context, path.c_str(), nullptr) != 1)
        throw bad_file(option, path, reason_for("certificate"));
    auto* const names = SSL_load_client_CA_file(path.c_str()); // so that clients know which of theirs to show
    if (names == nullptr)
        throw bad_file(option, path, reason_for("certificate"));
    SSL_CTX_set_client_CA_list(context, names);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
}

} // namespace

void tls_context::deleter::operator()(ssl_ctx_st* context) const noexcept
{
    SSL_CTX_free(context);
}

tls_context::tls_context(tls_files const& files) : context_(SSL_CTX_new(TLS_server_method()))
{
    constexpr std::array<unsigned char, 7> name{'w', 'i', 'n', 'd', 'o', 'w', 'd'};
    auto* const context = context_.get();
    if (context == nullptr)
        throw std::bad_alloc();
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    // A part of a batch may be written, and the batch may have moved when the rest is; idle connections are many.
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    // Or a client that sends nothing but changes of keys, as fast as it can, would never let a read return.
    SSL_CTX_clear_mode(context, SSL_MODE_AUTO_RETRY);
    // Tickets do the same with no memory here; they need a name where clients have certificates.
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_session_id_context(context, name.data(), name.size());
    load_certificate(context, files.certificate);
    load_key(context, files);
    if (!files.client_ca.empty())
        load_client_ca(context, files.client_ca);
}

void tls_stream::deleter::operator()(ssl_st* stream) const noexcept
{
    SSL_free(stream);
}

tls_stream::tls_stream(tls_context const& settings, int descriptor)
    : stream_(SSL_new(settings.context_.get()))
{
    ERR_clear_error();
    if (stream_ == nullptr || SSL_set_fd(stream_.get(), descriptor) != 1)
        throw std::bad_alloc();
    SSL_set_accept_state(stream_.get());
}

/// What an operation's result means. Its errno must still be there.
error_code tls_stream::error_of(int result) noexcept
{
    auto const number = errno;
    switch (SSL_get_error(stream_.get(), result)) {
    case SSL_ERROR_NONE:
        return {};
    case SSL_ERROR_WANT_READ:
        awaited_ = stream_socket::wait_read;
        return asio::error::would_block;
    case SSL_ERROR_WANT_WRITE:
        awaited_ = stream_socket::wait_write;
        return asio::error::would_block;
    case SSL_ERROR_ZERO_RETURN:
        return asio::error::eof;
    case SSL_ERROR_SYSCALL:
        broken_ = number != 0 ? error_code(number, boost::system::system_category())
                              : error_code(asio::error::connection_reset);
        return broken_;
    default:
        broken_ = asio::error::connection_aborted;
        return broken_;
    }
}

void tls_stream::handshake(error_code& ec) noexcept
{
    ERR_clear_error();
    ec = error_of(SSL_do_handshake(stream_.get()));
}

std::size_t tls_stream::read_some(std::span<char> room, error_code& ec) noexcept
{
    std::size_t size = 0;
    ec = broken_;
    if (ec || room.empty())
        return 0;
    ERR_clear_error();
    auto const result = SSL_read_ex(stream_.get(), room.data(), room.size(), &size);
    if (result != 1)
        ec = error_of(result);
    else
        awaited_ = stream_socket::wait_read;
    return size;
}

std::size_t tls_stream::write_some(std::string_view bytes, error_code& ec) noexcept
{
    std::size_t size = 0;
    ec = broken_;
    if (ec)
        return 0;
    ERR_clear_error();
    auto const result = SSL_write_ex(stream_.get(), bytes.data(), bytes.size(), &size);
    if (result != 1)
        ec = error_of(result);
    else
        awaited_ = stream_socket::wait_read; // whatever a read had to write has been written too
    return size;
}

void tls_stream::shut_down(error_code& ec) noexcept
{
    ec = broken_;
    if (ec || SSL_is_init_finished(stream_.get()) == 0)
        return;
    ERR_clear_error();
    auto const result = SSL_shutdown(stream_.get());
    if (result < 0)
        ec = error_of(result);
}

std::size_t tls_stream::buffered() const noexcept
{
    return static_cast<std::size_t>(SSL_pending(stream_.get()));
}

bool tls_stream::input_has_ended() noexcept
{
    char next = 0;
    std::size_t size = 0;
    if (broken_)
        return false;
    ERR_clear_error();
    auto const result = SSL_peek_ex(stream_.get(), &next, 1, &size);
    return result != 1 && error_of(result) == asio::error::eof;
}

std::string tls_stream::why() const
{
    if (auto const refused = SSL_get_verify_result(stream_.get()); refused != X509_V_OK)
        return std::string("the client's certificate was refused: ") + X509_verify_cert_error_string(refused);
    if (auto const code = ERR_peek_last_error(); code != 0)
        return text_of(code);
    return broken_.message();
}

} // namespace windowd::net
