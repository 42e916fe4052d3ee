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
};

/// A server whose clock stands still at `uptime` after its start.
struct server : protocol::environment {
    explicit server(setup const& with = {}, std::chrono::milliseconds uptime = {});
};

/// One connection as a session drives it: it feeds, takes the output away, and feeds on.
class connection {
public:
    explicit connection(protocol::environment& host) : conversation_(host) {}

    /// Sends bytes, `chunk` at a time, and returns all the replies.
    std::string send(std::string_view bytes, std::size_t chunk = std::string_view::npos);
    /// Ends the input and returns the replies that were still owed.
    std::string finish();
    bool ended() const noexcept { return conversation_.ended(); }
    /// The most output that there was at once.
    std::size_t largest_output() const noexcept { return largest_output_; }

private:
    void take_output(std::string& replies);

    protocol::conversation conversation_;
    protocol::output_buffer out_;
    std::size_t largest_output_ = 0;
};

/// What a connection was answered, a reply a line.
struct conversed {
    std::vector<std::string> replies;
    bool ended = false; ///< the contract has ended the connection
    protocol::counters counters;
};

/// A whole connection: `input`, then its end. Checks that there is one reply for each request, each a whole
/// line of valid JSON, and that they are the same whether the input comes at once or in chunks of 1 to 69
/// bytes.
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
boost::json::value parsed(std::string_view reply);
std::string code_of(std::string_view reply);
std::string message_of(std::string_view reply);

/// `from,` … `to`, with that between the numbers.
std::string sequence(int from, int to, std::string_view between);

std::string repeated(std::string_view text, std::size_t times);

} // namespace windowd::test
