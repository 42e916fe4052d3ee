// One connection's side of the protocol, without the connection: request bytes in, reply bytes out.
#pragma once

#include "protocol/environment.hpp"
#include "protocol/error.hpp"
#include "protocol/output_buffer.hpp"
#include "window/window_service.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace windowd::protocol {

class json_writer;

/// Turns lines into resumptions of the connection's window service, and what that yields into lines. Knows no
/// sockets: whoever has bytes feeds them in any pieces, and the replies are the same whatever the pieces.
///
///                   ┌ a number: the short way ──────────────┐
///     bytes ─> lines┤                                       ├─> send, next, throw_ or close ─> output
///                   └ request_parser ─> scalar, array or op ┘
///
/// A bare number is read where it lies, sent, and its answer written in place: no copy, no allocation, no
/// exception.
///
/// Memory: a line that has not ended, up to max_line; the window; nothing else that grows. Output is bounded
/// by the caller, who takes it away: feed() stops when there is output_pause of it, in the middle of a dump
/// too.
class conversation {
public:
    /// `host` must outlive the conversation.
    explicit conversation(environment& host) noexcept : host_(host) {}

    /// How much output makes feed() stop: it exceeds that by one reply at most, a dump's by one number.
    static constexpr std::size_t output_pause = std::size_t{64} * 1024;

    /// Takes request bytes and appends the replies to `out`. Returns how many bytes it has taken: fewer than
    /// there are where `out` is full; then call again with the rest, when `out` has been emptied. Throws
    /// std::bad_alloc where not even an error can be written; then the connection has to end.
    std::size_t feed(std::string_view bytes, output_buffer& out);

    /// The input has ended: answers a last line that has no LF. To be called once all is fed and nothing is
    /// pending; that line may be a dump, so more may be pending afterwards.
    void finish(output_buffer& out);

    /// Whether there is more to write before more is read: call feed() again, with nothing or with more
    /// bytes.
    bool pending() const noexcept { return dump_.has_value(); }

    /// Whether the contract ends the connection: write what there is, then close. Input is ignored from then
    /// on.
    bool ended() const noexcept { return ended_; }

private:
    struct operation;                     // a row of the table of ops
    using outcome = std::optional<error>; // why a request was refused, or nothing

    /// A dump in the middle of which the output was full.
    struct dump_progress {
        std::size_t left;
        bool begun;
    };

    char const* take_line(char const* at, char const* end, output_buffer& out);
    char const* take_piece(char const* at, char const* end, output_buffer& out);
    void answer_number(double value, output_buffer& out);
    void answer_line(std::string_view line, output_buffer& out);
    void answer_long_line(std::string_view beginning, output_buffer& out);
    void answer_text(std::string_view line, output_buffer& out);
    void answer_scalar(element const& value, output_buffer& out);
    void answer_array(std::vector<element> const& elements, output_buffer& out);
    void answer_object(request const& line, output_buffer& out);
    void refuse(error const& why, output_buffer& out, request const* line = nullptr);
    void refuse_value(error const& why, output_buffer& out, request const* line = nullptr);
    void go_on_dumping(output_buffer& out);

    outcome send(request const& line, json_writer& reply);
    outcome next(request const& line, json_writer& reply);
    outcome throw_in(request const& line, json_writer& reply);
    outcome dump(request const& line, json_writer& reply);
    outcome clear(request const& line, json_writer& reply);
    outcome read(request const& line, json_writer& reply);
    outcome close(request const& line, json_writer& reply);
    outcome open(request const& line, json_writer& reply);
    outcome ping(request const& line, json_writer& reply);
    outcome info(request const& line, json_writer& reply);
    outcome help(request const& line, json_writer& reply);
    outcome send_all(std::vector<element> const& elements, json_writer& reply);
    outcome send_one(element const& value, json_writer& reply);

    window::service& own_service();
    bool closed() { return own_service().state() == nanoservice::generator_state::closed; }

    static std::span<operation const> operations() noexcept;
    static outcome find_operation(request const& line, operation const*& found);
    static outcome check_members(request const& line, operation const& asked);

    environment& host_;
    std::optional<window::service> service_; // made when first needed: an idle connection has none
    std::string partial_; // the beginning of a line that has not ended, max_line + 1 bytes at most
    std::optional<dump_progress> dump_;
    bool discarding_ = false; // in a line that was too long and is answered already; then partial_ is empty
    bool first_line_ = true;
    bool ended_ = false;
};

/// A line that tells an error, for connections that have no conversation.
void write_error_line(error const& why, output_buffer& out);

} // namespace windowd::protocol
