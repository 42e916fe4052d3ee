// A connection: one coroutine that reads what has come, feeds it to a conversation, and writes the replies.
#pragma once

#include "net/handler_memory.hpp"
#include "net/inbox.hpp"
#include "net/observer.hpp"
#include "net/peers.hpp"
#include "net/transport.hpp"
#include "protocol/conversation.hpp"
#include "protocol/output_buffer.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/intrusive/list.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace windowd::net {

/// The memory of one batch: what was read, and the replies to it.
struct batch { // NOLINT(cppcoreguidelines-pro-type-member-init): it is read into before it is read from
    std::array<char, std::size_t{64} * 1024> input;
    protocol::output_buffer output;
};

/// Lends batches to the sessions of a thread. A session has one from when its input is there until its
/// replies are written, so that idle connections have none; most of the time one serves them all.
class batch_pool {
public:
    std::unique_ptr<batch> take();
    void give_back(std::unique_ptr<batch> used) noexcept;

private:
    std::unique_ptr<batch> spare_;
};

/// What a session uses of the worker that it belongs to, which outlives it.
struct session_host {
    protocol::environment& environment;
    observer& events;
    batch_pool& batches;
    inbox& woken;
    /// The loops of other threads.
    std::vector<boost::asio::io_context*> const& neighbours;
};

/// One connection. Read, feed, write; read again when the replies are with the kernel: a client that does not
/// read stops its own input, and nothing piles up here.
///
/// It waits until there is something to read, and only then takes memory to read into. Waiting is what goes
/// through the event loop; reading and writing are tried at once, which most of the time is all.
///
/// Events of windows that the client follows wake it from that wait. They are written as the client takes them: while
/// a write waits, they stay with the conversation, which loses the oldest when there are too many.
///
/// With TLS, the handshake comes before all that, and the client's close_notify is the end of its input: what it sent
/// is answered, and a close_notify of ours says that this is all.
class session final
    : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>,
      private inbox::member,
      private protocol::waker {
public:
    using clock = protocol::environment::clock;

    /// How long a client may take from its connection to the end of the handshake: many times what a slow network needs
    /// for its few messages, and short for somebody who wants to hold connections without showing a certificate.
    static constexpr std::chrono::seconds handshake_timeout{10};
    /// How long the answer to a token that is not known takes, so that a connection can try one a second. No pause is
    /// shorter.
    static constexpr std::chrono::seconds least_pause{1};
    /// For a new client to show a token, where one is asked for: those who have none shall not take up the places of
    /// others. It does not concern clients that were there before tokens were asked for, or have lost theirs.
    static constexpr std::chrono::seconds token_timeout{10};

    /// What it refers to must outlive it, except the settings. The socket is connected; `peer` is its name for the
    /// observer. Encrypted if there are settings. Throws std::bad_alloc.
    session(stream_socket socket, std::string peer, peer_table::seat seat, session_host const& host,
            tls_context const* tls = nullptr)
        : member(host.woken),
          transport_(std::move(socket), tls),
          peer_(std::move(peer)),
          seat_(std::move(seat)),
          environment_(host.environment),
          observer_(host.events),
          batches_(host.batches),
          neighbours_(host.neighbours),
          conversation_(environment_, this)
    {}
    session(session const&) = delete;
    session& operator=(session const&) = delete;
    ~session() = default;

    /// Serves the client until the connection has ended, and is to be called once. Throws std::bad_alloc.
    boost::asio::awaitable<end_reason> run();

    /// Answers what has come so far, then ends.
    void stop() noexcept;

    /// Ends at once.
    void force() noexcept;

    /// When the client will have kept the session waiting for too long, by the limits in force now, or when the pause
    /// after a failed try to authenticate is over; clock::time_point::max() for never.
    clock::time_point deadline() const noexcept;
    /// To be called when that has passed.
    void expire() noexcept;

    /// To be called when the tokens have changed.
    void renew_access() { conversation_.renew_access(); }

    std::string const& peer() const noexcept { return peer_; }
    std::uint64_t bytes_in() const noexcept { return bytes_in_; }
    std::uint64_t bytes_out() const noexcept { return bytes_out_; }

private:
    enum class progress : std::uint8_t { going_on, over };
    enum class waiting : std::uint8_t { for_nothing, for_handshake, for_input, for_output, for_pause };
    class stopwatch;

    boost::asio::awaitable<progress> shake_hands();
    boost::asio::awaitable<progress> read_and_answer(std::size_t most);
    boost::asio::awaitable<progress> answer(batch& lent, std::string_view input);
    boost::asio::awaitable<progress> finish(batch& lent);
    boost::asio::awaitable<progress> deliver(batch& lent, stopwatch& watch);
    boost::asio::awaitable<void> wait(stream_socket::wait_type usual, waiting whatfor,
                                      clock::time_point since);
    boost::asio::awaitable<void> wait_for_timer(waiting whatfor);
    boost::asio::awaitable<void> pause_for(clock::duration pause);
    boost::asio::awaitable<void> pause_after_failed_auth();
    boost::asio::awaitable<void> hold_back();
    boost::asio::awaitable<void> answer_rest();
    boost::asio::awaitable<void> end_encryption();
    boost::asio::awaitable<void> let_others_go_first();
    void wake() noexcept override { wake_soon(); }
    void woken() noexcept override;
    void end_waiting() noexcept;
    progress over(end_reason why) noexcept;

    transport transport_;
    std::shared_ptr<handler_memory> memory_ =
        std::make_shared<handler_memory>(); // it waits for one thing at a time
    std::string peer_;
    peer_table::seat seat_;
    protocol::environment& environment_;
    observer& observer_;
    batch_pool& batches_;
    std::vector<boost::asio::io_context*> const& neighbours_;
    protocol::conversation conversation_;
    clock::time_point waiting_since_;
    std::uint64_t bytes_in_ = 0;
    std::uint64_t bytes_out_ = 0;
    end_reason reason_ = end_reason::end_of_input;
    boost::asio::steady_timer* timer_ = nullptr; // runs while it waits for a result, or pauses
    clock::duration pause_{0};                   // how long one takes
    clock::duration owed_{0};                    // another one, when the replies are written
    waiting waiting_ = waiting::for_nothing;
    bool had_to_wait_ = false;                     // for the client to take output, in this turn
    bool is_stranger_ = !conversation_.may_read(); // has shown no token yet, and has to
    clock::time_point token_due_ = clock::time_point::max();
    bool stopping_ = false;
    bool cut_short_ = false; // expired or forced: reason_ tells which
};

/// Closes a connection that its client may not expect to be closed, so that what was written arrives: to
/// close with unread input makes TCP throw away what is still on its way. Ends when the client has it all, or has taken
/// nothing for a second, or soon after `cut_short` has become true, which has to live until then.
boost::asio::awaitable<void> close_gently(stream_socket socket, bool const& cut_short);

} // namespace windowd::net
