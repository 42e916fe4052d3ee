// A client over plain system calls.
#include "acceptance/client.hpp"

#include "net/address.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/json/parse.hpp>
#include <linux/sockios.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>
#include <variant>

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace windowd::test {
namespace {

test_failure system_failure(std::string const& what)
{
    return test_failure(what + ": " + std::strerror(errno));
}

int open_socket(int family, std::optional<int> receive_buffer)
{
    auto const made = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (made < 0)
        throw system_failure("socket");
    if (receive_buffer)
        setsockopt(made, SOL_SOCKET, SO_RCVBUF, &*receive_buffer, sizeof(int));
    return made;
}

void connect_to(int socket, sockaddr const* address, std::size_t size)
{
    if (connect(socket, address, static_cast<socklen_t>(size)) == 0)
        return;
    auto const failure = system_failure("connect");
    close(socket);
    throw failure;
}

int connected_tcp(net::tcp_address const& address, std::optional<int> receive_buffer)
{
    boost::asio::ip::tcp::endpoint const at(boost::asio::ip::make_address(address.host), address.port);
    auto const made = open_socket(at.protocol().family(), receive_buffer);
    connect_to(made, at.data(), at.size());
    int const yes = 1;
    setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &yes,
               sizeof(yes)); // so that the pieces sent are those that arrive
    return made;
}

int connected_unix(net::unix_address const& address, std::optional<int> receive_buffer)
{
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    address.path.copy(at.sun_path, sizeof(at.sun_path) - 1);
    auto const made = open_socket(AF_UNIX, receive_buffer);
    connect_to(made, reinterpret_cast<sockaddr const*>(&at), sizeof(at));
    return made;
}

} // namespace

client::client(std::string const& address, std::optional<int> receive_buffer)
{
    auto const at = net::parse_listen_address(address);
    if (auto const* const tcp = std::get_if<net::tcp_address>(&at))
        socket_ = connected_tcp(*tcp, receive_buffer);
    else
        socket_ = connected_unix(std::get<net::unix_address>(at), receive_buffer);
    fcntl(socket_, F_SETFL, O_NONBLOCK);
}

client::client(client&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)),
      received_(std::move(other.received_)),
      taken_(other.taken_),
      closed_(other.closed_)
{}

client::~client()
{
    close();
}

void client::close()
{
    if (socket_ >= 0)
        ::close(std::exchange(socket_, -1));
}

void client::reset()
{
    linger const at_once{1, 0};
    setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    close();
}

void client::half_close()
{
    shutdown(socket_, SHUT_WR);
}

/// Takes in what is there, or waits for it; false where nothing comes any more.
bool client::receive(deadline const& until)
{
    std::array<char, 65536> buffer{};
    while (!closed_) {
        auto const size = recv(socket_, buffer.data(), buffer.size(), 0);
        if (size > 0) {
            received_.append(buffer.data(), static_cast<std::size_t>(size));
            return true;
        }
        if (size == 0)
            closed_ = closing::end_of_input;
        else if (errno != EAGAIN)
            closed_ = closing::reset;
        else if (wait_for(socket_, POLLIN, until) == 0)
            throw test_failure("the server sends nothing");
    }
    return false;
}

void client::send_some(std::string_view& bytes, deadline const& until)
{
    auto const size = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (size > 0)
        bytes.remove_prefix(static_cast<std::size_t>(size));
    else if (errno != EAGAIN)
        throw system_failure("send");
    else if (wait_for(socket_, POLLIN | POLLOUT, until) == 0)
        throw test_failure("the server takes nothing");
}

void client::send(std::string_view bytes)
{
    deadline const until;
    while (!bytes.empty()) {
        auto const before = bytes.size();
        send_some(bytes, until);
        if (bytes.size() == before &&
            (wait_for(socket_, POLLIN, deadline(std::chrono::seconds(0))) & POLLIN) != 0)
            receive(until);
    }
}

std::size_t client::send_without_reading(std::string_view bytes, wait_clock::duration give_up_after)
{
    auto const all = bytes.size();
    while (!bytes.empty()) {
        auto const size = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (size > 0)
            bytes.remove_prefix(static_cast<std::size_t>(size));
        else if (errno != EAGAIN || wait_for(socket_, POLLOUT, deadline(give_up_after)) == 0)
            break;
    }
    return all - bytes.size();
}

void client::wait_until_received() const
{
    auto const received = eventually([this] {
        int unacknowledged = 0;
        return ioctl(socket_, SIOCOUTQ, &unacknowledged) == 0 && unacknowledged == 0;
    });
    if (!received)
        throw test_failure("the server's kernel does not take what was sent");
}

std::string client::read_line()
{
    deadline const until;
    for (;;) {
        if (auto const end = received_.find('\n', taken_); end != std::string::npos) {
            auto line = received_.substr(taken_, end - taken_);
            taken_ = end + 1;
            if (taken_ == received_.size())
                received_.clear(), taken_ = 0;
            return line;
        }
        if (!receive(until))
            throw test_failure("the connection ended instead of a reply");
    }
}

std::vector<std::string> client::read_lines(std::size_t count)
{
    std::vector<std::string> lines;
    while (lines.size() < count)
        lines.push_back(read_line());
    return lines;
}

std::string client::read_to_end()
{
    if (wait_for_close() == closing::reset)
        throw test_failure("the server reset the connection");
    return received_.substr(taken_);
}

closing client::wait_for_close()
{
    deadline const until;
    while (receive(until)) {
    }
    return *closed_;
}

std::string client::ask(std::string_view line)
{
    send(std::string(line) + "\n");
    return read_line();
}

std::size_t client::info(std::string_view group, std::string_view name)
{
    auto const told = parsed(ask(R"({"op":"info"})"));
    return told.at(group).at(name).to_number<std::size_t>();
}

boost::json::value parsed(std::string const& reply)
{
    boost::json::error_code ec;
    auto value = boost::json::parse(reply, ec);
    if (ec)
        throw test_failure("this reply is no JSON: " + reply);
    return value;
}

std::string code_of(std::string const& reply)
{
    auto const value = parsed(reply);
    auto const* const object = value.if_object();
    auto const* const error = object != nullptr ? object->if_contains("error") : nullptr;
    return error != nullptr ? std::string(error->at("code").as_string()) : std::string();
}

std::string numbers(int count)
{
    std::string text;
    for (int i = 1; i <= count; ++i)
        text += std::to_string(i) + "\n";
    return text;
}

std::vector<std::string> lines_of(std::string const& text)
{
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < text.size();) {
        auto const end = text.find('\n', at);
        lines.push_back(text.substr(at, end - at));
        at = end == std::string::npos ? text.size() : end + 1;
    }
    return lines;
}

void ask_for_a_flood(client& one)
{
    std::string input = "{\"op\":\"open\",\"size\":100000,\"data\":[0";
    for (int i = 1; i < 100'000; ++i)
        input += ",0";
    input += "]}\n";
    for (int i = 0; i < 1000; ++i)
        input += "{\"op\":\"dump\"}\n";
    one.send(input);
}

} // namespace windowd::test
