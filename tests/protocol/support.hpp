// What the tests of conversations share: a connection without sockets, whose replies must not depend on the
// pieces in which the requests come.
#pragma once

#include "protocol/conversation.hpp"

#include <boost/json/value.hpp>

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace windowd::test {

/// What a server is set up with.
struct setup {
    protocol::limits limits = {};
    window::window_options default_window = {};
    std::shared_ptr<protocol::authority const> access = {};
};

/// When servers start, in seconds since 1970, unless they are up for longer.
inline constexpr double start_of_time = 1'000'000;

/// A server with a clock of the test's: it stands still, `uptime` after the server's start, unless it is moved. One
/// at a time.
struct server : protocol::environment {
    explicit server(setup const& with = {}, std::chrono::milliseconds uptime = {});

    static void pass(std::chrono::milliseconds time) noexcept;
};

/// One connection as a session drives it: it feeds, takes the output away, and feeds on.
class connection final : private protocol::waker {
public:
    explicit connection(protocol::environment& host) : conversation_(host, this) {}

    /// Sends bytes, `chunk` at a time, and returns all that comes back. Where a result has to come first, the rest
    /// is held for the next call.
    std::string send(std::string_view bytes, std::size_t chunk = std::string_view::npos);
    /// What comes without sending more, or for what is held.
    std::string receive() { return send({}); }
    /// Ends the input and returns the replies that were still owed.
    std::string finish();
    bool ended() const noexcept { return conversation_.ended(); }
    /// The most output that there was at once.
    std::size_t largest_output() const noexcept { return largest_output_; }
    /// How often it was told that there is something to write.
    int wakes() const noexcept { return wakes_; }

    /// How often a try to authenticate has failed. Each is forgiven at once.
    int failed_auths() const noexcept { return failed_auths_; }
    void renew_access() { conversation_.renew_access(); }

    protocol::conversation const& tested() const noexcept { return conversation_; }

private:
    void wake() noexcept override { ++wakes_; }
    void drive(std::string_view& input, std::string& replies);
    void take_output(std::string& replies);
    void forgive() noexcept;

    protocol::conversation conversation_;
    protocol::output_buffer out_;
    std::string held_;
    std::size_t largest_output_ = 0;
    int wakes_ = 0;
    int failed_auths_ = 0;
};

/// What a connection was answered.
struct conversed {
    std::vector<std::string> lines;   ///< all, in order
    std::vector<std::string> replies; ///< those that are no events
    std::vector<std::string> events;
    bool ended = false; ///< the contract has ended the connection
    protocol::counters counters;
};

/// A whole connection: `input`, then its end. Checks that there is one reply for each request, that each line is whole
/// and valid JSON, and that they are the same whether the input comes at once or in chunks of 1 to 69 bytes.
conversed converse(std::string_view input, setup const& with = {});

/// The replies to `input`, all of which is checked as converse() does.
std::vector<std::string> replies_to(std::string_view input, setup const& with = {});

/// Checks that these are the replies to `input`, to the letter.
void check_replies(std::string_view input, std::vector<std::string> const& expected, setup const& with = {});

/// Checks that `line` (without its end) is refused with that error, that this changes nothing, and that the
/// connection lives on. Returns the error.
boost::json::object check_refused(std::string_view line, std::string_view code, setup const& with = {});

/// The number of lines that are to be answered: those of more than spaces and tabs.
std::size_t requests_in(std::string_view input);

std::vector<std::string> lines_of(std::string_view text);
bool is_event(std::string_view line);
/// The lines that are no events, and those that are.
std::vector<std::string> replies_in(std::string_view text);
std::vector<std::string> events_in(std::string_view text);
boost::json::value parsed(std::string_view reply);
std::string code_of(std::string_view reply);
std::string message_of(std::string_view reply);

/// A request line that names a window, with more members if it has any.
std::string named(std::string_view op, std::string_view window, std::string_view members = {});

/// Members of an `open`: a window that is full of so many values, which are six digits long, from 100001 on.
std::string filled(int count);

/// `from,` … `to`, with that between the numbers.
std::string sequence(int from, int to, std::string_view between);

std::string repeated(std::string_view text, std::size_t times);

} // namespace windowd::test
