// Certificates by OpenSSL, and a client that never waits.
#include "net/tls_support.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <stdexcept>

#include <fcntl.h>

namespace windowd::test {
namespace {

/// As in the daemon: OpenSSL writes to a connection that its peer has closed.
struct no_sigpipe {
    no_sigpipe() { std::signal(SIGPIPE, SIG_IGN); }
} const ignored;

constexpr auto authority_name = "authority";
constexpr long a_day = 24 * 60 * 60;

using file = std::unique_ptr<std::FILE, decltype(&std::fclose)>;

file created(std::string const& path)
{
    return {std::fopen(path.c_str(), "w"), &std::fclose};
}

void set_name(X509_NAME* name, std::string const& text)
{
    auto const* const bytes = reinterpret_cast<unsigned char const*>(text.c_str());
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, bytes, -1, -1, 0);
}

} // namespace

certificates::certificates() : signer_(nullptr, &EVP_PKEY_free)
{
    make(authority_name);
}

void certificates::make(std::string const& name)
{
    static long serial = 0;
    std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> made(EVP_EC_gen("P-256"), &EVP_PKEY_free);
    std::unique_ptr<X509, decltype(&X509_free)> const one(X509_new(), &X509_free);
    X509_set_version(one.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(one.get()), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(one.get()), -a_day);
    X509_gmtime_adj(X509_getm_notAfter(one.get()), a_day);
    X509_set_pubkey(one.get(), made.get());
    set_name(X509_get_subject_name(one.get()), name);
    set_name(X509_get_issuer_name(one.get()), authority_name);
    auto const is_authority = name == authority_name;
    if (is_authority) {
        auto* const ca = X509V3_EXT_conf_nid(nullptr, nullptr, NID_basic_constraints, "critical,CA:TRUE");
        X509_add_ext(one.get(), ca, -1); // a copy
        X509_EXTENSION_free(ca);
    }
    X509_sign(one.get(), is_authority ? made.get() : signer_.get(), EVP_sha256());
    PEM_write_X509(created(certificate(name)).get(), one.get());
    PEM_write_PrivateKey(created(key(name)).get(), made.get(), nullptr, nullptr, 0, nullptr, nullptr);
    if (is_authority)
        signer_ = std::move(made);
}

tls_peer::tls_peer(int descriptor)
    : context_(SSL_CTX_new(TLS_client_method())),
      stream_(SSL_new(context_.get()))
{
    fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK);
    SSL_set_fd(stream_.get(), descriptor);
    SSL_set_mode(stream_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_set_connect_state(stream_.get());
}

void tls_peer::show(std::string const& certificate, std::string const& key)
{
    if (SSL_use_certificate_file(stream_.get(), certificate.c_str(), SSL_FILETYPE_PEM) != 1 ||
        SSL_use_PrivateKey_file(stream_.get(), key.c_str(), SSL_FILETYPE_PEM) != 1)
        throw std::runtime_error("no certificate to show");
}

void tls_peer::speak(int oldest_version, int newest_version)
{
    SSL_set_security_level(stream_.get(), 0); // old versions are below what OpenSSL takes for safe
    SSL_set_min_proto_version(stream_.get(), oldest_version);
    SSL_set_max_proto_version(stream_.get(), newest_version);
}

bool tls_peer::shake_hands()
{
    ERR_clear_error();
    return SSL_do_handshake(stream_.get()) == 1;
}

std::size_t tls_peer::send(std::string_view bytes)
{
    auto const all = bytes.size();
    std::size_t size = 0;
    while (!bytes.empty() && shake_hands() &&
           SSL_write_ex(stream_.get(), bytes.data(), bytes.size(), &size) == 1)
        bytes.remove_prefix(size);
    return all - bytes.size();
}

std::string const& tls_peer::received()
{
    std::array<char, 65536> buffer{};
    std::size_t size = 0;
    while (shake_hands() && SSL_read_ex(stream_.get(), buffer.data(), buffer.size(), &size) == 1)
        received_.append(buffer.data(), size);
    return received_;
}

bool tls_peer::at_end()
{
    received();
    return (SSL_get_shutdown(stream_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
}

void tls_peer::half_close()
{
    ERR_clear_error();
    SSL_shutdown(stream_.get());
}

void tls_peer::change_keys()
{
    SSL_key_update(stream_.get(), SSL_KEY_UPDATE_REQUESTED);
    shake_hands();
}

std::string tls_peer::subject() const
{
    std::array<char, 64> name{};
    X509_NAME_get_text_by_NID(X509_get_subject_name(SSL_get0_peer_certificate(stream_.get())), NID_commonName,
                              name.data(), name.size());
    return name.data();
}

} // namespace windowd::test
