// A client that does what it is told, also what no well-behaved one does.
#pragma once

#include "acceptance/patience.hpp"

#include <boost/json/value.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace windowd::test {

/// How a connection ended, as the client sees it.
enum class closing { end_of_input, reset };

/// One connection. What takes longer than the patience throws test_failure.
class client {
public:
    /// `address` as the daemon's log has it. `receive_buffer`: bytes, for a client that takes little at a
    /// time.
    explicit client(std::string const& address, std::optional<int> receive_buffer = {});
    client(client&& other) noexcept;
    client& operator=(client&&) = delete;
    ~client();

    /// Sends all of it. Takes in replies meanwhile where the server waits for that.
    void send(std::string_view bytes);
    /// Sends what the server takes, reading nothing; returns how much that was.
    std::size_t send_without_reading(std::string_view bytes, wait_clock::duration give_up_after);

    /// Waits until the server's kernel has all that was sent.
    void wait_until_received() const;

    /// The next line, without its LF. Throws at the end of input.
    std::string read_line();
    std::vector<std::string> read_lines(std::size_t count);
    /// All that still comes until the server closes.
    std::string read_to_end();
    /// Reads to the end, which is also allowed to be a reset.
    closing wait_for_close();

    /// Sends a line and returns the reply.
    std::string ask(std::string_view line);
    /// A member of info's reply, such as {"counters", "requests"}.
    std::size_t info(std::string_view group, std::string_view name);

    /// Sends no more: nc -N.
    void half_close();
    /// Ends the connection with RST.
    void reset();
    /// Ends the connection.
    void close();

private:
    bool receive(deadline const& until);
    void send_some(std::string_view& bytes, deadline const& until);

    int socket_ = -1;
    std::string received_;
    std::size_t taken_ = 0; // of received_
    std::optional<closing> closed_;
};

/// The code of a reply's error; empty where there is none.
std::string code_of(std::string const& reply);
/// A reply as a value. Throws where it is no JSON.
boost::json::value parsed(std::string const& reply);
/// 1 to `count`, a line each.
std::string numbers(int count);
std::vector<std::string> lines_of(std::string const& text);

/// Asks for far more than any socket buffer holds, and reads nothing of it.
void ask_for_a_flood(client& one);

} // namespace windowd::test
