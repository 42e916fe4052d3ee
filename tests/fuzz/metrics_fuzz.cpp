// The HTTP server of metrics: any bytes, in any pieces.
//
// The first byte of an input says how large the pieces are for the second of two connections; the first gets it whole. Whatever it is,
// what comes back are whole answers, made of our own words alone, and then the end.
#include "daemon/metrics_server.hpp"
#include "fuzz/fuzzer.hpp"
#include "fuzz/line.hpp"

#include <boost/asio/io_context.hpp>
#include <spdlog/sinks/ostream_sink.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <sys/socket.h>
#include <sys/un.h>

namespace {

using namespace windowd;
using fuzz::end_of_line;
using fuzz::expect;

// So that an input takes milliseconds.
constexpr std::size_t most_pieces = 256;

/// A socket that listens under a name that the kernel picks, in no folder (unix(7), autobind).
class name_without_a_file {
public:
    name_without_a_file() : listening_(make_socket())
    {
        sockaddr_un none{.sun_family = AF_UNIX, .sun_path = {}};
        auto* const address = reinterpret_cast<sockaddr*>(&address_);
        auto const bound =
            bind(listening_.descriptor(), reinterpret_cast<sockaddr*>(&none), sizeof(sa_family_t));
        expect(bound == 0 && listen(listening_.descriptor(), SOMAXCONN) == 0 &&
                   getsockname(listening_.descriptor(), address, &size_) == 0,
               "there is no name to be had");
    }

    /// To be given away.
    int descriptor() const { return dup(listening_.descriptor()); }

    end_of_line connect() const
    {
        auto made = make_socket();
        auto const* const address = reinterpret_cast<sockaddr const*>(&address_);
        expect(::connect(made.descriptor(), address, size_) == 0, "nobody listens");
        return made;
    }

private:
    static end_of_line make_socket()
    {
        return end_of_line(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    }

    end_of_line listening_;
    sockaddr_un address_{};
    socklen_t size_ = sizeof address_;
};

/// The server, in this thread.
class host {
public:
    host()
        : logger_("metrics", std::make_shared<spdlog::sinks::ostream_sink_st>(log_)),
          server_({&context_}, environment_, logger_)
    {
        logger_.set_level(spdlog::level::warn);
        server_.adopt(name_.descriptor());
    }

    /// All that is answered until the server ends the connection.
    std::string answers_to(std::string_view bytes, std::size_t piece)
    {
        auto const line = name_.connect();
        std::string answers;
        while (!bytes.empty()) {
            bytes.remove_prefix(line.send(bytes.substr(0, piece)));
            go_on();
            line.receive(answers);
        }
        line.finish();
        for (auto rounds = 0; line.receive(answers); ++rounds) {
            expect(rounds < 1000, "the connection does not end");
            go_on();
        }
        expect(log_.view().empty(), log_.view());
        return answers;
    }

private:
    void go_on()
    {
        while (context_.poll() != 0) {
        }
    }

    name_without_a_file name_;
    std::ostringstream log_;
    spdlog::logger logger_;
    protocol::environment environment_;
    boost::asio::io_context context_{1};
    daemon::metrics_server server_; // last: it refers to the others
};

// --- What has to hold

std::string_view take_until(std::string_view& text, std::string_view end)
{
    auto const at = text.find(end);
    expect(at != std::string_view::npos, "an answer without an end");
    auto const taken = text.substr(0, at);
    text.remove_prefix(at + end.size());
    return taken;
}

/// Of an answer what does not change with time: all but the numbers of metrics, and their size.
struct answer {
    std::string status;
    std::string body;
    bool closes = false;

    bool operator==(answer const&) const = default;
};

void check_status(std::string_view line)
{
    constexpr std::string_view known[] = {"200 OK",
                                          "400 Bad Request",
                                          "404 Not Found",
                                          "405 Method Not Allowed",
                                          "413 Payload Too Large",
                                          "431 Request Header Fields Too Large"};
    expect(line.starts_with("HTTP/1.0 ") || line.starts_with("HTTP/1.1 "), "another protocol");
    expect(std::ranges::count(known, line.substr(9)) == 1, "a status of no known kind");
}

/// The size of the body.
std::size_t read_fields(std::string_view fields, answer& to)
{
    std::size_t size = 0;
    auto sizes = 0;
    while (!fields.empty()) {
        auto field = take_until(fields, "\r\n");
        auto const name = take_until(field, ": ");
        if (name == "Content-Length") {
            auto const read = std::from_chars(field.data(), field.data() + field.size(), size);
            expect(read.ec == std::errc() && read.ptr == field.data() + field.size(), "a size that is none");
            ++sizes;
        } else if (name == "Connection") {
            to.closes = field == "close";
        } else {
            expect(name == "Content-Type" || (name == "Allow" && field == "GET, HEAD"),
                   "a field of no known name");
        }
    }
    expect(sizes == 1, "an answer has one size");
    return size;
}

/// What HEAD asks for has no body: then the next answer follows, or nothing.
std::string_view take_body(std::string_view& text, std::size_t size)
{
    if (text.empty() || text.starts_with("HTTP/1."))
        return {};
    expect(text.size() >= size, "a body that is not whole");
    auto const body = text.substr(0, size);
    text.remove_prefix(size);
    return body;
}

std::string check_body(std::string_view status, std::string_view body)
{
    if (body.empty() || body == "windowd: its metrics are at /metrics\n")
        return std::string(body);
    if (status.ends_with("200 OK")) {
        expect(body.starts_with("# ") && body.ends_with("\n# EOF\n"), "metrics that are not whole");
        return "metrics";
    }
    expect(body == std::string(status.substr(13)) + "\n", "a refusal in other words");
    return std::string(body);
}

std::vector<answer> read_answers(std::string_view text)
{
    std::vector<answer> all;
    while (!text.empty()) {
        expect(all.empty() || !all.back().closes, "an answer after the last");
        answer read;
        read.status = take_until(text, "\r\n");
        check_status(read.status);
        auto const end = text.find("\r\n\r\n");
        expect(end != std::string_view::npos, "an answer without an end");
        auto const size = read_fields(text.substr(0, end + 2), read);
        text.remove_prefix(end + 4);
        read.body = check_body(read.status, take_body(text, size));
        all.push_back(std::move(read));
    }
    return all;
}

/// Without the refusal of what is no request: Boost.Beast finds out early or late, and in one that never ends perhaps not at
/// all, as the pieces have it.
std::vector<answer> to_requests(std::vector<answer> answers)
{
    if (!answers.empty() && (answers.back().status.starts_with("HTTP/1.1 400 ") ||
                             answers.back().status.starts_with("HTTP/1.1 431 "))) {
        expect(answers.back().closes, "a connection goes on behind what is no request");
        answers.pop_back();
    }
    return answers;
}

} // namespace

int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    static host tested;
    auto input = fuzz::choices(fuzz::text_of(data, size));
    auto const least = static_cast<std::size_t>(1 + input(256));
    auto const bytes = input.rest();
    auto const piece = std::max(least, bytes.size() / most_pieces);
    auto const whole = read_answers(tested.answers_to(bytes, bytes.size()));
    auto const cut = read_answers(tested.answers_to(bytes, piece));
    auto const lines = static_cast<std::size_t>(std::ranges::count(bytes, '\n'));
    expect(whole.size() <= lines / 2 + 1, "more answers than there can be requests");
    expect(to_requests(cut) == to_requests(whole), "the pieces change the answers");
    return 0;
}
