// One connection's side of the protocol, without the connection: request bytes in, reply bytes out.
#pragma once

#include "protocol/access.hpp"
#include "protocol/environment.hpp"
#include "protocol/error.hpp"
#include "protocol/event_queue.hpp"
#include "protocol/output_buffer.hpp"
#include "protocol/reply.hpp"
#include "window/operation.hpp"
#include "window/window_register.hpp"
#include "window/window_service.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace windowd::protocol {

/// Turns lines into resumptions of a window service, and what that yields into lines. Knows no sockets: whoever has
/// bytes feeds them in any pieces, and the replies are the same whatever the pieces.
///
///                   ┌ a number: the short way ─────────────┐    ┌ the connection's own service: send, next, throw_
///     bytes ─> lines┤                                      ├─> ─┤                                               ├─> output
///                   └ request_parser ─> scalar, array or op┘    └ a shared window: an operation of the register ┘
///
/// A bare number for a private window is read where it lies, sent, and its answer written in place: no copy, no
/// allocation, no exception.
///
/// The register may give the result of an operation later. Until then no more requests are taken, so that replies
/// come in the order of requests. Events of followed windows come between replies.
///
/// No step takes long, so that one thread serves many: a long dump or array is answered piece by piece, and feed()
/// returns after a request that looks at many windows. But what a shared window is sent in one request is one step.
///
/// Where the environment has an authority, a client may do nothing until it has shown a token, and then what that allows.
///
/// Memory: a line that has not ended, up to max_line, or max_line_without_right; the private window; undelivered events,
/// up to max_event_buffer; nothing else that grows. Output is bounded by the caller, who takes it away: feed() stops when
/// there is output_pause of it, in the middle of a dump too.
class conversation final : private window::asker {
public:
    /// `host` must outlive the conversation; so must `owner`, who is told when pending() has become true by itself.
    explicit conversation(environment& host, waker* owner = nullptr) noexcept
        : host_(host),
          owner_(owner),
          right_(host.access == nullptr ? right::write : right::none)
    {}
    conversation(conversation const&) = delete;
    conversation& operator=(conversation const&) = delete;
    ~conversation();

    /// How much output makes feed() stop: it exceeds that by one reply at most, a dump's by one number, those of numbers
    /// that came together by 64, and before the reply to `unsubscribe` by all events that were waiting.
    static constexpr std::size_t output_pause = std::size_t{64} * 1024;
    /// How much of that may be events, so that requests are taken however many events there are.
    static constexpr std::size_t events_share = output_pause / 2;
    /// How many bytes of events of shared windows, to whomever they go, make feed() stop, so that those who follow
    /// can take them before there are more.
    static constexpr std::uint64_t events_pause = std::uint64_t{64} * 1024;

    /// How long a line may be, if max_line is not less, of a client that may do nothing: ten thousand of them cost little.
    static constexpr std::size_t max_line_without_right = 4096;

    /// Takes request bytes and appends the replies to `out`. Returns how many bytes it has taken: fewer than there
    /// are where `out` is full, or others have to have their turn, or a result has to come, or a try to authenticate
    /// has failed; then call again with the rest, when `out` has been emptied. Throws std::bad_alloc where not even an
    /// error can be written; then the connection has to end.
    std::size_t feed(std::string_view bytes, output_buffer& out);

    /// The input has ended: answers a last line that has no LF, and follows nothing any more. To be called once all
    /// is fed and nothing is pending or waited for; that line may be a dump, so more may be pending afterwards.
    void finish(output_buffer& out);

    /// Whether there is something to do without more to read: call feed(), with nothing or with more bytes.
    bool pending() const noexcept { return has_events() || (in_reply() && !waiting()); }

    /// Whether there are events to write now, not only after a reply that has begun.
    bool has_events() const noexcept { return events_ && !events_->empty() && (waiting() || !in_reply()); }

    /// Whether a request has not been answered to its end: no more are taken until feed() has written the rest.
    bool in_reply() const noexcept { return dump_.has_value() || array_ || late_; }

    /// Whether the rest of a reply is not there yet: the owner is woken when it is.
    bool waiting() const noexcept { return late_ && !late_->done; }

    /// Whether it follows windows: then a client may well have nothing more to say.
    bool is_following() const noexcept { return !patterns_.empty(); }

    /// Whether feed() has stopped since there were many new events, so that those who follow should have their turn.
    bool has_told_much() const noexcept { return has_told_much_; }

    /// Whether a try to authenticate has failed. Then nothing more is taken, and the owner should let some time pass before
    /// it writes the reply and calls forgive(), so that guessing is slow.
    bool has_failed_auth() const noexcept { return auth_failed_; }
    void forgive() noexcept { auth_failed_ = false; }

    /// Whether the client may do anything but show a token.
    bool may_read() const noexcept { return may(right::read); }

    /// The tokens have changed: looks up anew what the client's own allows. If nothing any more, it follows nothing, and its
    /// next request is refused.
    void renew_access();

    /// Whether the contract ends the connection: write what there is, then close. Input is ignored from then on.
    bool ended() const noexcept { return ended_; }

private:
    struct operation;                     // a row of the table of ops
    using outcome = std::optional<error>; // why a request was refused, or nothing

    /// What has to be known of a request for a shared window when its result has come.
    struct question {
        enum class shape : std::uint8_t { yield, yields, lines, dump, closed, window };

        shape what = shape::yield; // of the reply
        bool bare = false;         // a value line, not an object
        std::size_t count = 1;     // of the replies: several only where they are lines
        request_id id = {};
        element::kind first_other =
            element::kind::null; // what the first value is that is neither number nor null
    };

    /// A question whose answer comes later.
    struct late_answer {
        question asked;
        std::string id; // what asked.id refers to
        output_buffer output;
        bool done = false;
    };

    /// A dump in the middle of which the output was full.
    struct dump_progress {
        std::optional<window::dumped_values> copy; // of a shared window; otherwise the own service is asked
        std::size_t count;
        std::size_t written = 0;
    };

    /// An array of values for the private window in the middle of which others have their turn.
    struct array_progress {
        std::vector<element> elements;
        std::optional<double> at;
        question asked;
        std::string id; // what asked.id refers to
        std::size_t next = 0;
        outcome refused;      // the first
        output_buffer yields; // so far; the reply begins otherwise if one is refused
    };

    /// The shared window that the connection has opened.
    struct joined_window {
        std::string name;
        std::uint64_t id;
    };

    /// The shared window that a request is for; id 0: whichever has the name.
    struct target {
        std::string_view name;
        std::uint64_t id;
    };

    // Enough for any reply but arrays, besides its id; taken before a request is done, so that it can be answered.
    static constexpr std::size_t room_for_reply = 2048;

    // In a window; each is computed for each value.
    static constexpr std::size_t max_statistics = 32;

    bool may(right needed) const noexcept { return right_ >= needed; }
    void allow(right what) noexcept;
    // To be called where one of what it looks at has changed.
    void find_short_way() noexcept { has_short_way_ = may(right::write) && (service_ || joined_); }
    error no_right_error() const;
    std::size_t max_line() const noexcept;

    void go_on(output_buffer& out, std::size_t events_end);
    bool may_take_more(output_buffer const& out, std::uint64_t events_end) noexcept;
    char const* take_line(char const* at, char const* end, output_buffer& out);
    char const* read_number_line(char const* at, char const* end, double& value) const noexcept;
    char const* take_send(char const* at, char const* end, output_buffer& out);
    void answer_send(element const& value, output_buffer& out);
    char const* take_run(double first, char const* at, char const* end, output_buffer& out);
    std::size_t most_in_run() const noexcept;
    void send_run(std::span<double const> numbers, output_buffer& out);
    void answer_run(std::span<double const> numbers, output_buffer& out);
    std::span<window::yielded const> yields_of(std::span<double const> numbers);
    void write_number_lines(std::span<window::yielded const> answers, output_buffer& out);
    char const* take_piece(char const* at, char const* end, output_buffer& out);
    template <class Answer>
    bool answer_safely(Answer answer, output_buffer& out, std::size_t requests = 1);
    void answer_line(std::string_view line, output_buffer& out);
    void answer_long_line(std::string_view beginning, output_buffer& out);
    void answer_text(std::string_view line, output_buffer& out);
    void answer_value_line(request const& line, output_buffer& out);
    void answer_scalar(element const& value, output_buffer& out);
    void answer_array(std::vector<element> const& elements, output_buffer& out);
    void answer_other_object(request_id const& id, output_buffer& out);
    void answer_request(request const& line, output_buffer& out);
    void refuse(error const& why, output_buffer& out, request_id const& id = {});
    void refuse_value(error const& why, output_buffer& out, request_id const& id = {});
    void go_on_dumping(output_buffer& out);
    bool is_long(std::vector<element> const& elements) const noexcept;
    void begin_array(std::vector<element> const& elements, std::optional<double> at, question const& asked);
    void go_on_with_array(output_buffer& out);
    void unfollow_all() noexcept;

    target own_shared() const noexcept { return {joined_->name, joined_->id}; }
    void ask(target const& to, window::operation& what, question const& asked, output_buffer& out);
    void send_to(target const& to, std::span<element const> values, std::optional<double> at, question asked,
                 output_buffer& out);
    void finished(window::result& came) noexcept override;
    void answer(window::result& came, question const& asked, output_buffer& out);
    void answer_bare(window::result& came, question const& asked, outcome const& refused, output_buffer& out);
    static outcome first_refused(window::result const& came, question const& asked);
    bool is_for_shared(request const& line, operation const& row) const noexcept;
    void ask_shared(request const& line, operation const& row, request_id const& id, output_buffer& out);
    outcome read_open(request const& line, window::window_terms& terms, std::vector<double>& data) const;

    outcome send(request const& line, json_writer& reply);
    outcome next(request const& line, json_writer& reply);
    outcome dump(request const& line, json_writer& reply);
    outcome clear(request const& line, json_writer& reply);
    outcome read(request const& line, json_writer& reply);
    outcome close(request const& line, json_writer& reply);
    outcome open(request const& line, json_writer& reply);
    outcome windows(request const& line, json_writer& reply);
    outcome subscribe(request const& line, json_writer& reply);
    outcome unsubscribe(request const& line, json_writer& reply);
    outcome auth(request const& line, json_writer& reply);
    outcome ping(request const& line, json_writer& reply);
    outcome info(request const& line, json_writer& reply);
    outcome help(request const& line, json_writer& reply);
    outcome check_size(std::vector<element> const& elements) const;
    outcome send_all(std::vector<element> const& elements, std::optional<double> at, json_writer& reply);
    void send_elements(std::span<element const> elements, std::size_t next, std::optional<double> at,
                       json_writer& reply, outcome& first_refused);
    void write_yields_of(std::span<double const> numbers, std::size_t index, json_writer& reply,
                         outcome& first_refused);
    outcome send_one(element const& value, std::optional<double> at, json_writer& reply);

    window::service& own_service();
    void own(window::sliding_window window);
    bool closed() { return own_service().state() == nanoservice::generator_state::closed; }

    static std::span<operation const> operations() noexcept;
    static operation const* thrown(request const& line) noexcept;
    outcome find_operation(request const& line, operation const*& found) const;
    static outcome check_members(request const& line, operation const& asked);

    environment& host_;
    waker* owner_;
    // The connection's own window is joined_, or else service_, made when first needed: an idle connection has none.
    std::optional<window::service> service_;
    std::size_t service_statistics_ = 1; // that it yields
    std::optional<joined_window> joined_;
    std::string
        to_join_; // the name of the one that is being opened: once it is there nothing can fail any more
    std::string partial_; // the beginning of a line that has not ended, max_line + 1 bytes at most
    std::optional<dump_progress> dump_;
    std::unique_ptr<array_progress> array_;
    std::unique_ptr<late_answer> late_;
    std::unique_ptr<event_queue> events_; // made by the first subscription
    std::vector<std::string> patterns_;   // that it follows
    std::string token_;                   // the last that was good, to be looked up again
    std::size_t reply_start_ = 0;         // in the output: if it fails, what is behind that is taken back
    right right_;
    bool has_short_way_ = false; // open to numbers: there is a window, and the right to change it
    bool has_worked_ = false;    // so long that others have their turn before the next line
    bool has_told_much_ = false;
    bool is_followed_ = false; // the window that numbers were last sent to
    bool discarding_ = false;  // in a line that was too long and is answered already; then partial_ is empty
    bool first_line_ = true;
    bool auth_failed_ = false;
    bool ended_ = false;
};

} // namespace windowd::protocol
