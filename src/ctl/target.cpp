// Reading the address and the token file.
#include "ctl/target.hpp"

#include "ctl/failure.hpp"
#include "ctl/text.hpp"
#include "net/address.hpp"

#include <array>
#include <cerrno>
#include <stdexcept>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace windowd::ctl {
namespace {

constexpr std::string_view tls_scheme = "tls://";
constexpr std::size_t max_token_line = 4096; // a token is some dozens of characters

failure bad_address(std::string_view text, std::string_view why)
{
    return {exit_status::bad_usage,
            "--address " + printable(text) +
                ": an address is tcp://HOST:PORT, tls://HOST:PORT, with an IPv6 address "
                "in brackets, or unix:///PATH" +
                std::string(why)};
}

/// The part that tells what is wrong, from a complaint about an address to listen on.
std::string detail_of(std::string_view complaint)
{
    auto const begin = complaint.rfind("; ");
    auto const detail = begin == std::string_view::npos ? std::string_view() : complaint.substr(begin);
    return detail.find("begins with") == std::string_view::npos ? std::string(detail) : std::string();
}

/// A file that is closed at the end.
class open_file {
public:
    explicit open_file(std::string const& path)
        : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK))
    {}
    open_file(open_file const&) = delete;
    open_file& operator=(open_file const&) = delete;
    ~open_file()
    {
        if (descriptor_ >= 0)
            ::close(descriptor_);
    }
    int get() const noexcept { return descriptor_; }

private:
    int descriptor_;
};

} // namespace

target parse_target(std::string_view text)
{
    auto const is_tls = text.starts_with(tls_scheme);
    auto const plain = is_tls ? "tcp://" + std::string(text.substr(tls_scheme.size())) : std::string(text);
    try {
        auto const parsed = net::parse_listen_address(plain);
        if (auto const* const path = std::get_if<net::unix_address>(&parsed))
            return {transport_kind::unix, {}, 0, path->path, printable(text)};
        auto const& tcp = std::get<net::tcp_address>(parsed);
        if (tcp.port == 0)
            throw bad_address(text, "; there is no port 0 to connect to");
        return {is_tls ? transport_kind::tls : transport_kind::tcp, tcp.host, tcp.port, {}, printable(text)};
    } catch (std::invalid_argument const& bad) {
        throw bad_address(text, detail_of(bad.what()));
    }
}

std::string read_token(std::string const& path)
{
    auto const refuse = [&path](std::string const& why) {
        return failure(exit_status::bad_usage, "token file " + printable(path) + ": " + why);
    };
    open_file const file(path);
    struct stat status {};
    if (file.get() < 0 || ::fstat(file.get(), &status) != 0)
        throw refuse(std::generic_category().message(errno));
    if (!S_ISREG(status.st_mode))
        throw refuse("it is no regular file");
    if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        throw refuse("others may read or change it; chmod 600 makes it yours alone");

    std::string text(max_token_line, '\0');
    auto const size = ::read(file.get(), text.data(), text.size());
    if (size < 0)
        throw refuse(std::generic_category().message(errno));
    text.resize(static_cast<std::size_t>(size));
    text.erase(std::min(text.find_first_of("\r\n"), text.size()));
    if (text.empty())
        throw refuse("its first line is the token, and it is empty");
    if (text.size() == max_token_line || text.find_first_of(" \t") != std::string::npos)
        throw refuse("its first line has to be the bare token; a line of the daemon's file (RIGHT TOKEN "
                     "NAME) is none");
    return text;
}

} // namespace windowd::ctl
