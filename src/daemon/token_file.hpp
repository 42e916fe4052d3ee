// The file of tokens: who may read, who may write.
#pragma once

#include "protocol/access.hpp"

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace windowd::daemon {

/// The tokens of a file, as it was when it was read. Made by read_token_file().
///
/// A line is `RIGHT TOKEN [NAME]`, with blanks between: RIGHT is `read` or `write`; TOKEN is 1 to 1024 printable ASCII
/// characters; NAME, for people, is as the names of windows are. `#` at the beginning of a line or after a blank starts a
/// comment. A CR at the end of a line is ignored.
///
/// The tokens themselves are not kept, only their SHA-256 digests: what memory holds opens no door.
class token_file final : public protocol::authority {
public:
    static constexpr std::size_t max_tokens = 10'000;
    static constexpr std::size_t max_token_size = 1024;
    static constexpr std::size_t max_file_size = std::size_t{1} << 20; ///< bytes

    /// Compares with all tokens, in a time that depends on the length of `token` and the number of tokens alone: 0.2 ms for
    /// 10,000. Where there is no memory to compute the digest, no token is known.
    protocol::right check(std::string_view token) const noexcept override;

    std::size_t size() const noexcept { return entries_.size(); }

    /// What may be a mistake, for the log. No token is in it.
    std::vector<std::string> const& warnings() const noexcept { return warnings_; }

private:
    friend token_file read_token_file(std::string const& path);
    class parser;

    using digest = std::array<unsigned char, 32>;

    struct entry {
        digest token;
        protocol::right allows;
    };

    token_file() = default;

    std::vector<entry> entries_;
    std::vector<std::string> warnings_;
};

/// Reads the file at `path`: a regular file, or a link to one. Nobody may have any permission for it but its owner and, by
/// an access control list, the user of this process. Throws std::runtime_error, which tells the file and the line, and no
/// token.
token_file read_token_file(std::string const& path);

} // namespace windowd::daemon
