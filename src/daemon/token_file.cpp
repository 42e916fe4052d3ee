// Reads tokens, and compares them.
#include "daemon/token_file.hpp"

#include "window/names.hpp"

#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <new>
#include <optional>
#include <stdexcept>
#include <system_error>

#include <endian.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace windowd::daemon {
namespace {

using protocol::right;

constexpr std::string_view blanks = " \t";

// A shorter one may be guessed, however slow the guesses are.
constexpr std::size_t good_token_size = 16;

class descriptor {
public:
    explicit descriptor(int number) noexcept : number_(number) {}
    descriptor(descriptor const&) = delete;
    descriptor& operator=(descriptor const&) = delete;
    ~descriptor()
    {
        if (number_ >= 0)
            close(number_);
    }

    int get() const noexcept { return number_; }

private:
    int number_;
};

/// Text that is overwritten when it is not needed any more.
struct secret {
    std::string text;

    explicit secret(std::size_t size) : text(size, '\0') {}
    secret(secret const&) = delete;
    secret& operator=(secret const&) = delete;
    ~secret() { OPENSSL_cleanse(text.data(), text.size()); }
};

template <class T>
T read_as(char const* bytes) noexcept
{
    T value{};
    std::memcpy(&value, bytes, sizeof value);
    return value;
}

std::string name_of(std::string const& path)
{
    return "the token file " + path;
}

[[noreturn]] void fail_with_errno(std::string const& path)
{
    throw std::runtime_error(name_of(path) +
                             " cannot be read: " + std::error_code(errno, std::generic_category()).message());
}

/// Whether the group's permissions are but the mask of an access control list that lets in nobody else than this process's
/// user: so systemd hands credentials to a service.
bool is_only_for_us(int file)
{
    using header = posix_acl_xattr_header;
    using entry = posix_acl_xattr_entry;
    constexpr std::size_t most = 16; // it takes five
    std::array<char, sizeof(header) + most * sizeof(entry)> list{};
    auto const size = fgetxattr(file, "system.posix_acl_access", list.data(), list.size());
    if (size < static_cast<ssize_t>(sizeof(header)) ||
        le32toh(read_as<header>(list.data()).a_version) != POSIX_ACL_XATTR_VERSION)
        return false;
    auto const end = static_cast<std::size_t>(size);
    for (auto at = sizeof(header); at + sizeof(entry) <= end; at += sizeof(entry)) {
        auto const one = read_as<entry>(&list[at]);
        auto const tag = le16toh(one.e_tag);
        auto const is_ours = tag == ACL_USER && le32toh(one.e_id) == geteuid();
        if (tag != ACL_USER_OBJ && tag != ACL_MASK && !is_ours && one.e_perm != 0)
            return false;
    }
    return true;
}

/// That it is a file that others can neither read nor write. Of what is open, so that it is not another one later.
void check_file(int file, std::string const& path)
{
    struct stat found {};
    if (fstat(file, &found) != 0)
        fail_with_errno(path);
    if (!S_ISREG(found.st_mode))
        throw std::runtime_error(name_of(path) + " is not a regular file");
    auto const for_others = found.st_mode & (S_IRWXG | S_IRWXO);
    if (for_others != 0 && !is_only_for_us(file))
        throw std::runtime_error(name_of(path) +
                                 " is open to others than its owner; this mends it: chmod 600 " + path);
}

/// Reads as much as there is room for, and returns how much that was.
std::size_t read_all(int file, std::string& room, std::string const& path)
{
    std::size_t size = 0;
    while (size < room.size()) {
        auto const got = read(file, room.data() + size, room.size() - size);
        if (got == 0)
            break;
        if (got < 0 && errno != EINTR)
            fail_with_errno(path);
        size += got > 0 ? static_cast<std::size_t>(got) : 0;
    }
    return size;
}

/// Takes the next word off the front of a line; nothing at its end, or where a comment begins.
std::string_view take_word(std::string_view& line)
{
    line.remove_prefix(std::min(line.find_first_not_of(blanks), line.size()));
    if (line.starts_with('#'))
        line = {};
    auto const word = line.substr(0, line.find_first_of(blanks));
    line.remove_prefix(word.size());
    return word;
}

std::optional<right> right_of(std::string_view word)
{
    if (word == "read")
        return right::read;
    if (word == "write")
        return right::write;
    return std::nullopt;
}

/// SHA-256 (FIPS 180-4); false where there is no memory for it.
bool compute_digest(std::string_view text, std::array<unsigned char, 32>& result) noexcept
{
    return EVP_Digest(text.data(), text.size(), result.data(), nullptr, EVP_sha256(), nullptr) == 1;
}

bool is_printable(char c)
{
    return c > ' ' && c <= '~';
}

} // namespace

right token_file::check(std::string_view token) const noexcept
{
    digest shown{};
    if (!compute_digest(token, shown))
        return right::none;
    unsigned found = 0;
    for (auto const& one : entries_) {
        auto const is_equal =
            static_cast<unsigned>(CRYPTO_memcmp(one.token.data(), shown.data(), shown.size()) == 0);
        found |= static_cast<unsigned>(one.allows) * is_equal; // no two are equal
    }
    return static_cast<right>(found);
}

/// Fills the tokens, line by line.
class token_file::parser {
public:
    parser(token_file& tokens, std::string const& path) noexcept : tokens_(tokens), path_(path) {}

    void parse(std::string_view text)
    {
        while (!text.empty()) {
            auto line = text.substr(0, text.find('\n'));
            text.remove_prefix(std::min(line.size() + 1, text.size()));
            if (line.ends_with('\r'))
                line.remove_suffix(1);
            ++number_;
            parse_line(line);
        }
        if (tokens_.entries_.empty())
            throw std::runtime_error(name_of(path_) + " has no tokens; a line is: RIGHT TOKEN [NAME]");
    }

private:
    void parse_line(std::string_view line)
    {
        auto const first = take_word(line);
        if (first.empty())
            return;
        auto const allows = right_of(first);
        if (!allows)
            fail("a line begins with 'read' or 'write'");
        auto const token = take_word(line);
        if (token.empty())
            fail("there is no token behind the right");
        if (token.size() > max_token_size || !std::ranges::all_of(token, is_printable))
            fail("a token is 1 to " + std::to_string(max_token_size) + " printable ASCII characters");
        auto const name = take_word(line);
        if (!name.empty() && !window::is_window_name(name))
            fail("a name is 1 to " + std::to_string(window::max_name_size) +
                 " characters of A-Z a-z 0-9 . _ : / -");
        if (!take_word(line).empty())
            fail("there is more than RIGHT TOKEN [NAME]");
        add(token, *allows);
    }

    void add(std::string_view token, right allows)
    {
        if (tokens_.entries_.size() == max_tokens)
            fail("there are more than " + std::to_string(max_tokens) + " tokens");
        entry added{{}, allows};
        if (!compute_digest(token, added.token))
            throw std::bad_alloc();
        auto const [same, is_new] = lines_.emplace(added.token, number_);
        if (!is_new)
            fail("the token is that of line " + std::to_string(same->second));
        tokens_.entries_.push_back(added);
        if (token.size() < good_token_size)
            tokens_.warnings_.push_back(name_of(path_) + ", line " + std::to_string(number_) +
                                        ": a token of fewer than " + std::to_string(good_token_size) +
                                        " characters may be guessed");
    }

    [[noreturn]] void fail(std::string const& why) const
    {
        throw std::runtime_error(name_of(path_) + ", line " + std::to_string(number_) + ": " + why);
    }

    token_file& tokens_;
    std::string const& path_;
    std::size_t number_ = 0;
    std::map<digest, std::size_t> lines_;
};

token_file read_token_file(std::string const& path)
{
    // Without waiting: a FIFO would have to be opened by a writer first.
    descriptor const file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (file.get() < 0)
        fail_with_errno(path);
    check_file(file.get(), path);
    secret content(token_file::max_file_size + 1);
    auto const size = read_all(file.get(), content.text, path);
    if (size > token_file::max_file_size)
        throw std::runtime_error(name_of(path) + " is larger than " +
                                 std::to_string(token_file::max_file_size) + " bytes");
    token_file tokens;
    token_file::parser(tokens, path).parse(std::string_view(content.text).substr(0, size));
    return tokens;
}

} // namespace windowd::daemon
