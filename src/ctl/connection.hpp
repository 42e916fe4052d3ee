// A conversation with the daemon: lines out, lines in.
#pragma once

#include "ctl/transport.hpp"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace windowd::ctl {

/// The code and message of a reply that refuses, as `code: message`, printable; nothing for any other reply.
std::optional<std::string> refusal_of(std::string_view reply);

/// Its work is done in run_one(), by the caller's thread. Lost connections and answers that do not come in time are
/// thrown as failures.
class connection {
public:
    using clock = std::chrono::steady_clock;
    using event_handler = std::function<void(std::string_view)>;

    connection(boost::asio::io_context& context, target const& to, tls_files const& files,
               std::chrono::milliseconds timeout);

    /// Appends whole lines to what is to be sent.
    void send(std::string_view lines) { outgoing_ += lines; }
    /// Bytes that are not sent yet.
    std::size_t unsent() const noexcept { return outgoing_.size() + in_flight_.size(); }

    /// A line that has come, without its end; valid until the next call of any other function.
    std::optional<std::string_view> next_line();
    /// Waits for one thing to happen: a read, a write, or what else the context has, until then.
    void run_one(std::optional<clock::time_point> until = std::nullopt);
    /// The same, while an answer is due since that time: throws when it is too late.
    void run_one_due(clock::time_point since);

    /// The next reply, as next_line(); events that come before it go to the handler.
    std::string_view reply();
    /// Sends a line and waits for its reply. A refusal is thrown as a failure.
    std::string_view request(std::string_view line);
    void on_event(event_handler handler) { on_event_ = std::move(handler); }
    /// Hands over the events that have come.
    void take_events();

    std::string const& address() const noexcept { return address_; }

private:
    void start_reading();
    void start_writing();
    [[noreturn]] void fail(std::string const& why) const;

    boost::asio::io_context& context_;
    std::string address_;
    std::chrono::milliseconds timeout_;
    std::unique_ptr<transport> transport_;
    event_handler on_event_;

    // [0, begin_) is done with, [begin_, searched_) has no end of line, and [.., end_) has come.
    std::vector<char> input_;
    std::size_t begin_ = 0;
    std::size_t searched_ = 0;
    std::size_t end_ = 0;
    bool is_reading_ = false;
    bool has_line_ = true; // perhaps: then reading can wait

    std::string outgoing_;
    std::string in_flight_;
    bool is_writing_ = false;
    boost::system::error_code broken_;
};

} // namespace windowd::ctl
