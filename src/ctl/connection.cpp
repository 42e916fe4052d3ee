// Buffers on both sides of a transport.
#include "ctl/connection.hpp"

#include "ctl/failure.hpp"
#include "ctl/json_text.hpp"
#include "ctl/text.hpp"

#include <boost/asio/error.hpp>

#include <algorithm>
#include <cstring>
#include <utility>

namespace windowd::ctl {
namespace {

constexpr std::size_t read_size = 65536;

// A dump of the largest window that a daemon allows by default is a line of some 200 MB.
constexpr std::size_t max_reply = std::size_t{1} << 30;

bool is_event(std::string_view line) noexcept
{
    return line.starts_with(R"({"event":)");
}

} // namespace

std::optional<std::string> refusal_of(std::string_view reply)
{
    // The largest replies have no error: nothing is built for them.
    if (reply.find(R"("error":)") == std::string_view::npos)
        return std::nullopt;
    auto const error = json_member_of(reply, "error");
    if (!error || !error->starts_with('{'))
        return std::nullopt;
    auto const part = [&error](std::string_view name) {
        return printable(json_plain(json_member_of(*error, name).value_or("?")));
    };
    return part("code") + ": " + part("message");
}

connection::connection(boost::asio::io_context& context, target const& to, tls_files const& files,
                       std::chrono::milliseconds timeout)
    : context_(context),
      address_(to.text),
      timeout_(timeout),
      transport_(connect(context, to, files, timeout))
{}

std::optional<std::string_view> connection::next_line()
{
    auto const* const data = input_.data();
    auto const* const found =
        end_ == searched_ ? nullptr
                          : static_cast<char const*>(std::memchr(data + searched_, '\n', end_ - searched_));
    has_line_ = found != nullptr;
    if (found == nullptr) {
        searched_ = end_;
        return std::nullopt;
    }
    auto const length = static_cast<std::size_t>(found - data) - begin_;
    std::string_view line(data + begin_, length);
    begin_ = searched_ = begin_ + length + 1;
    if (line.ends_with('\r'))
        line.remove_suffix(1);
    return line;
}

void connection::run_one(std::optional<clock::time_point> until)
{
    start_writing();
    if (!has_line_)
        start_reading();
    if (context_.stopped())
        context_.restart();
    if (until)
        context_.run_one_until(*until);
    else
        context_.run_one();
    has_line_ = has_line_ || searched_ != end_;
    if (!broken_ || has_line_)
        return;
    fail(broken_ == boost::asio::error::eof ? "the daemon has closed the connection"
                                            : "lost the connection: " + printable(broken_.message()));
}

void connection::run_one_due(clock::time_point since)
{
    auto const deadline = since + timeout_;
    if (clock::now() >= deadline)
        fail("no answer in time");
    run_one(deadline);
}

std::string_view connection::reply()
{
    for (auto since = clock::now();; run_one_due(since)) {
        while (auto const line = next_line()) {
            if (!is_json(*line))
                fail("what answers there is no windowd");
            if (!is_event(*line))
                return *line;
            if (on_event_)
                on_event_(*line);
            since = clock::now();
        }
    }
}

std::string_view connection::request(std::string_view line)
{
    send(line);
    auto const answer = reply();
    if (auto const refusal = refusal_of(answer))
        throw failure(exit_status::refused, *refusal);
    return answer;
}

void connection::take_events()
{
    while (auto const line = next_line()) {
        if (!is_json(*line))
            fail("what answers there is no windowd");
        if (on_event_ && is_event(*line))
            on_event_(*line);
    }
}

void connection::start_reading()
{
    if (is_reading_ || broken_)
        return;
    if (begin_ == end_)
        begin_ = searched_ = end_ = 0;
    if (input_.size() - end_ < read_size && begin_ != 0) {
        std::copy(input_.begin() + static_cast<std::ptrdiff_t>(begin_),
                  input_.begin() + static_cast<std::ptrdiff_t>(end_), input_.begin());
        end_ -= begin_;
        searched_ -= begin_;
        begin_ = 0;
    }
    if (end_ > max_reply)
        fail("its reply is longer than any should be");
    if (input_.size() - end_ < read_size)
        input_.resize(std::max(2 * input_.size(), 2 * read_size));
    is_reading_ = true;
    transport_->async_read_some(boost::asio::buffer(input_.data() + end_, input_.size() - end_),
                                [this](boost::system::error_code const& error, std::size_t size) {
                                    is_reading_ = false;
                                    end_ += size;
                                    broken_ = error;
                                });
}

void connection::start_writing()
{
    if (is_writing_ || outgoing_.empty() || broken_)
        return;
    in_flight_.swap(outgoing_);
    is_writing_ = true;
    transport_->async_write(boost::asio::buffer(in_flight_),
                            [this](boost::system::error_code const&, std::size_t) {
                                // A failure shows when reading, behind the last replies: why it is may be in one.
                                is_writing_ = false;
                                in_flight_.clear();
                            });
}

void connection::fail(std::string const& why) const
{
    throw failure(exit_status::unreachable, address_ + ": " + why);
}

} // namespace windowd::ctl
