// Whom windowctl talks to, and with which credentials.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace windowd::ctl {

enum class transport_kind { tcp, tls, unix };

/// A daemon's address as its user writes it: tcp://HOST:PORT, tls://HOST:PORT or unix:///PATH.
struct target {
    transport_kind kind;
    std::string host; ///< for tcp and tls
    std::uint16_t port = 0;
    std::string path; ///< for unix
    std::string text; ///< as it was written, made printable
};

/// Throws a failure of bad usage, whose text says what is accepted.
target parse_target(std::string_view text);

/// The first line of the file, without its end. Throws a failure of bad usage where there is none, where it is no
/// regular file, or where its group or others may do anything with it.
std::string read_token(std::string const& path);

} // namespace windowd::ctl
