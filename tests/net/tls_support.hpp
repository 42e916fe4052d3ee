// TLS for the tests of the network: certificates of their own, and a client.
#pragma once

#include "net/tls.hpp"
#include "support/temporary_folder.hpp"

#include <openssl/ssl.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace windowd::test {

/// Certificates and keys in a folder of their own, signed by an authority of their own.
class certificates {
public:
    certificates();

    /// Makes NAME.crt and NAME.key, of the subject NAME.
    void make(std::string const& name);
    std::string certificate(std::string const& name) const { return path(name + ".crt"); }
    std::string key(std::string const& name) const { return path(name + ".key"); }
    std::string authority() const { return certificate("authority"); }
    std::string path(std::string const& file) const { return (folder_.path() / file).string(); }

    /// For a server with the certificate NAME.
    net::tls_files files(std::string const& name) const { return {certificate(name), key(name), {}}; }

private:
    temporary_folder folder_;
    std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> signer_;
};

/// What a TLS client does with a connection that is somebody else's. Never waits: each function goes as far as it can, by
/// way of the handshake first.
class tls_peer {
public:
    explicit tls_peer(int descriptor);

    void show(std::string const& certificate, std::string const& key);
    void speak(int oldest_version, int newest_version);

    bool shake_hands();
    std::size_t send(std::string_view bytes);
    std::string const& received();
    /// Whether the other side has said that this is all.
    bool at_end();
    /// Says that this is all.
    void half_close();
    void change_keys();
    /// Of the server's certificate.
    std::string subject() const;

private:
    struct deleter {
        void operator()(SSL* stream) const noexcept { SSL_free(stream); }
        void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
    };

    std::unique_ptr<SSL_CTX, deleter> context_;
    std::unique_ptr<SSL, deleter> stream_;
    std::string received_;
};

} // namespace windowd::test
