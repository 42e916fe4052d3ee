// Who may do what: rights, and where they come from.
#pragma once

#include <cstdint>
#include <string_view>

namespace windowd::protocol {

/// What a connection may do.
enum class right : std::uint8_t {
    none,  ///< nothing but `auth`
    read,  ///< what changes no window: read, dump, subscribe, unsubscribe, windows, info, help, ping
    write, ///< everything
};

/// Knows the tokens.
class authority {
public:
    /// What the bearer of `token` may do; none for a token that it does not know. Takes the same time for all
    /// tokens of a length.
    virtual right check(std::string_view token) const noexcept = 0;

protected:
    authority() = default;
    authority(authority const&) = default;
    authority& operator=(authority const&) = default;
    ~authority() = default;
};

} // namespace windowd::protocol
