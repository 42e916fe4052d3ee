// TLS: what a client, and somebody on the line, can do to the server's end of an encrypted connection.
//
// The first byte of an input chooses the client: a stranger, whose bytes are all that follows, or one that speaks TLS. In
// the second case each byte that follows is a step: the client sends, changes keys or ends; somebody on the line, who
// holds all that it sends, passes it on in pieces, or changes it. Without such a change everything has to arrive and come
// back; with one, what arrives is still the beginning of what was sent, and an end is one that the client has told.
#include "fuzz/fuzzer.hpp"
#include "fuzz/line.hpp"
#include "net/tls.hpp"
#include "net/tls_support.hpp"

#include <boost/asio/error.hpp>
#include <openssl/ssl.h>

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <poll.h>

namespace {

using namespace windowd;
using boost::system::error_code;
using fuzz::choices;
using fuzz::end_of_line;
using fuzz::expect;
namespace error = boost::asio::error;

// So that an input takes milliseconds.
constexpr auto most_steps = 64;

// More than it takes to get the most that these steps can send through the smallest buffers.
constexpr auto most_rounds = 10'000;

net::tls_context const& settings()
{
    static auto const made = [] {
        test::certificates files;
        files.make("localhost");
        return net::tls_context(files.files("localhost"));
    }();
    return made;
}

/// Does what a session does, and sends back what it receives.
class server {
public:
    /// `room`: how much it reads at a time.
    server(end_of_line line, std::size_t room)
        : line_(std::move(line)),
          stream_(settings(), line_.descriptor()),
          room_(room, '\0')
    {
        auto const least = 1; // the kernel makes some KiB of it, so that writes have to wait
        setsockopt(line_.descriptor(), SOL_SOCKET, SO_SNDBUF, &least, sizeof least);
    }

    /// As far as it can. Whoever calls takes away what it sends.
    void go_on()
    {
        if (!handshaken_ && !broken_)
            shake_hands();
        if (!handshaken_)
            return;
        while (write() && !ended_ && (read() || may_go_on())) {
        }
        if (ended_ && !broken_)
            check(tell([&](error_code& ec) { stream_.shut_down(ec); }));
    }

    /// Where the next to be read is said to be the end, it is.
    void look_for_the_end()
    {
        if (!handshaken_ || broken_ || ended_ || !unsent_.empty())
            return;
        if (stream_.input_has_ended()) {
            read();
            expect(ended_, "what was said to be the end is none");
        }
    }

    std::string const& received() const noexcept { return received_; }
    bool handshaken() const noexcept { return handshaken_; }
    bool ended() const noexcept { return ended_; }
    error_code broken() const noexcept { return broken_; }

private:
    void shake_hands()
    {
        auto const failed = tell([&](error_code& ec) { stream_.handshake(ec); });
        handshaken_ = !failed;
        if (failed && failed != error::would_block) {
            broken_ = failed;
            expect(!stream_.why().empty(), "a handshake that fails for no reason");
        }
    }

    /// False where nothing came.
    bool read()
    {
        std::size_t size = 0;
        auto const failed = tell([&](error_code& ec) { size = stream_.read_some(room_, ec); });
        expect(failed ? size == 0 : size > 0 && size <= room_.size(), "a read of another size");
        received_.append(room_, 0, size);
        unsent_.append(room_, 0, size);
        ended_ = failed == error::eof;
        if (!ended_)
            check(failed);
        return size != 0;
    }

    /// Whether a session would not have to wait.
    bool may_go_on() const
    {
        auto const reads = stream_.awaited() == net::stream_socket::wait_read;
        pollfd waited{line_.descriptor(), static_cast<short>(reads ? POLLIN : POLLOUT), 0};
        return (reads && stream_.buffered() > 0) || poll(&waited, 1, 0) > 0;
    }

    /// Whether all is written. As long as it is not, nothing is read: OpenSSL could not answer a change of keys, and breaks
    /// the connection.
    bool write()
    {
        error_code failed;
        while (!unsent_.empty() && !failed) {
            std::size_t size = 0;
            failed = tell([&](error_code& ec) { size = stream_.write_some(unsent_, ec); });
            expect(failed ? size == 0 : size > 0 && size <= unsent_.size(), "a write of another size");
            unsent_.erase(0, size);
            check(failed);
        }
        return unsent_.empty() && !broken_;
    }

    /// Notes what breaks the connection; it stays broken.
    void check(error_code const& failed)
    {
        if (!failed || failed == error::would_block)
            return;
        broken_ = failed;
        error_code again;
        expect(stream_.read_some(room_, again) == 0 && again == broken_, "it is read on when it is broken");
        expect(stream_.write_some("x", again) == 0 && again == broken_, "it is written on when it is broken");
    }

    template <class Operation>
    error_code tell(Operation operation)
    {
        error_code failed;
        operation(failed);
        auto const awaited = stream_.awaited();
        expect(failed != error::would_block || awaited == net::stream_socket::wait_read ||
                   awaited == net::stream_socket::wait_write,
               "it waits for nothing");
        return failed;
    }

    end_of_line line_;
    net::tls_stream stream_;
    std::string room_;
    std::string received_;
    std::string unsent_;
    bool handshaken_ = false;
    bool ended_ = false;
    error_code broken_;
};

// --- A stranger

struct answer {
    std::string bytes;
    error_code broken;
    bool operator==(answer const&) const = default;
};

answer answer_to(std::string_view bytes, std::size_t piece)
{
    auto [ours, line] = fuzz::make_line();
    server tested(std::move(line), 64);
    answer got;
    while (!bytes.empty() && !tested.broken()) {
        bytes.remove_prefix(ours.send(bytes.substr(0, piece)));
        tested.go_on();
        ours.receive(got.bytes);
    }
    ours.finish();
    tested.go_on();
    expect(!tested.handshaken() && tested.received().empty(), "a stranger is taken for a client");
    expect(tested.broken().failed(), "a stranger is waited for who has gone");
    got.broken = tested.broken();
    return got;
}

/// A greeting is answered with random numbers, a refusal always with the same.
bool is_refusal(answer const& got)
{
    constexpr auto alert = '\x15';
    return got.bytes.empty() || got.bytes.front() == alert;
}

void try_stranger(choices& input)
{
    auto const piece = static_cast<std::size_t>(1 + input(256));
    auto const whole = answer_to(input.rest(), input.rest().size());
    auto const cut = answer_to(input.rest(), piece);
    expect(is_refusal(whole) == is_refusal(cut), "the pieces change whether it is answered");
    if (is_refusal(whole))
        expect(whole == cut, "the pieces change the answer");
}

// --- A client, and somebody on the line

class connection {
public:
    explicit connection(choices& input) : connection(input, fuzz::make_line(), fuzz::make_line()) {}

    void step(choices& input)
    {
        switch (input(16)) {
        case 0:
        case 1:
            return send(static_cast<std::size_t>(1 + input(256)) * (input(8) == 0 ? 64 : 1));
        case 2:
            return client_.change_keys();
        case 3:
            return end();
        case 4:
            return tested_.look_for_the_end();
        case 5:
            return change(input);
        case 6:
            return add(input);
        case 7:
            return remove(input);
        case 8:
            return cut();
        case 9:
        case 10:
            return pass(static_cast<std::size_t>(1 + input(256)));
        default:
            return pass(std::string::npos);
        }
    }

    void finish()
    {
        for (auto rounds = 0; !is_changed_ && !settled(); ++rounds) {
            expect(rounds < most_rounds, "the connection gets no further");
            pass(std::string::npos);
        }
        auto const& got = tested_.received();
        expect(sent_.starts_with(got), "the server receives what nobody sent");
        if (tested_.ended())
            expect(has_ended_ && got == sent_, "an end that nobody told");
        if (!is_changed_)
            return;
        cut(); // and what the client makes of that is its own affair
    }

private:
    using line = std::pair<end_of_line, end_of_line>;

    connection(choices& input, line to_client, line to_server)
        : clients_(std::move(to_client.first)),
          held_at_(std::move(to_client.second)),
          servers_(std::move(to_server.first)),
          client_(clients_.descriptor()),
          tested_(std::move(to_server.second), static_cast<std::size_t>(1 + input(256)) * 16)
    {
        if (input(2) == 1)
            client_.speak(TLS1_2_VERSION, TLS1_2_VERSION);
    }

    void send(std::size_t size)
    {
        hold(); // so that all of it fits
        std::string text;
        for (std::size_t i = 0; i < size; ++i)
            text += static_cast<char>((sent_.size() + i) * 2654435761 >> 16);
        sent_.append(text, 0, client_.send(text));
    }

    /// Once, and only when it has begun: before, there is nothing to end.
    void end()
    {
        if (has_ended_ || !client_.shake_hands())
            return;
        client_.half_close();
        has_ended_ = true;
    }

    /// So much of what the client has sent goes to the server, and all that this sends to the client.
    void pass(std::size_t size)
    {
        hold();
        if (!is_cut_)
            held_.erase(0, servers_.send(std::string_view(held_).substr(0, size)));
        tested_.go_on();
        std::string back;
        servers_.receive(back);
        expect(held_at_.send(back) == back.size(), "the line to the client is full");
        client_.received();
    }
    void hold()
    {
        client_.shake_hands();
        held_at_.receive(held_);
    }

    bool settled()
    {
        hold();
        return held_.empty() && !tested_.broken() && tested_.received() == sent_ &&
               tested_.ended() == has_ended_ && client_.received() == sent_ && client_.at_end() == has_ended_;
    }

    void change(choices& input)
    {
        hold();
        auto const at = position(input);
        auto const bits = static_cast<char>(1 << input(8));
        if (at >= held_.size())
            return;
        held_[at] = static_cast<char>(held_[at] ^ bits);
        is_changed_ = true;
    }
    void add(choices& input)
    {
        hold();
        auto const at = std::min(position(input), held_.size());
        for (auto left = 1 + input(16); left != 0; --left)
            held_.insert(held_.begin() + static_cast<std::ptrdiff_t>(at), static_cast<char>(input.byte()));
        is_changed_ = true;
    }
    void remove(choices& input)
    {
        hold();
        auto const at = std::min(position(input), held_.size());
        held_.erase(at, static_cast<std::size_t>(1 + input(256)));
        is_changed_ = true;
    }
    std::size_t position(choices& input) const
    {
        auto const of_256 = static_cast<std::size_t>(input(256));
        return input(2) == 0 ? of_256 : held_.size() * of_256 / 256;
    }
    void cut()
    {
        servers_.finish();
        is_cut_ = true;
        is_changed_ = true;
        for (auto rounds = 0; !tested_.broken() && !tested_.ended(); ++rounds) {
            expect(rounds < most_rounds, "a connection that is cut is waited for");
            pass(0);
        }
    }

    end_of_line clients_;
    end_of_line held_at_; // the other end of the client's line
    end_of_line servers_; // the other end of the server's line
    test::tls_peer client_;
    server tested_;
    std::string held_;
    std::string sent_;
    bool has_ended_ = false;
    bool is_changed_ = false;
    bool is_cut_ = false;
};

void try_client(choices& input)
{
    connection tested(input);
    for (auto step = 0; step < most_steps && !input.empty(); ++step)
        tested.step(input);
    tested.finish();
}

} // namespace

int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    auto input = choices(fuzz::text_of(data, size));
    if (input(4) == 0)
        try_stranger(input);
    else
        try_client(input);
    return 0;
}
