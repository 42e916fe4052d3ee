// Who is at the other end of connections, and how much each of them takes of what there is for all.
#pragma once

#include "protocol/environment.hpp"

#include <boost/asio/generic/stream_protocol.hpp>

#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace windowd::net {

/// Whom limits regard as one: an IPv4 address; an IPv6 network of 64 bits, since a host has all addresses of its own
/// (RFC 4291, section 2.5.4); or at a Unix socket a user of this machine.
class peer_id {
public:
    /// Of a connected socket whose other end is `endpoint`.
    peer_id(boost::asio::generic::stream_protocol::socket& socket,
            boost::asio::generic::stream_protocol::endpoint const& endpoint) noexcept;
    /// As of a TCP connection from there.
    explicit peer_id(boost::asio::generic::stream_protocol::endpoint const& endpoint) noexcept;

    friend auto operator<=>(peer_id const&, peer_id const&) = default;

private:
    // An IPv6 network; or 0 and the IPv4 address as IPv6 has it (::ffff:a.b.c.d), or the user above all of those.
    std::uint64_t network_ = 0;
    std::uint64_t host_ = 0;
};

/// Why a connection was turned away.
enum class obstacle : std::uint8_t {
    server_is_full,    ///< there are as many connections as there may be
    peer_is_full,      ///< there are as many of this peer as there may be
    peer_is_held_back, ///< too many requests of this peer have been refused
};

/// The limits of each peer; 0: none.
struct peer_limits {
    std::size_t connections;
    std::size_t refusals; ///< a minute
};

peer_limits limits_of_peers(protocol::limits const& all) noexcept;

/// Counts connections and refused requests of each peer. Any thread may call it.
///
/// A peer has a minute's refusals in hand, and gets them back evenly: the generic cell rate algorithm (ITU-T I.371).
/// What goes beyond that it owes, and should wait for: up to a minute, however much it is.
///
/// Memory: a record for each peer that is connected, and for some who were and have refusals to make up for: as many as
/// there are records of connected ones, and a thousand. Time: logarithmic in their number, whatever their addresses.
class peer_table : public std::enable_shared_from_this<peer_table> {
    struct record;
    using records = std::map<peer_id, record>;

public:
    using clock = std::chrono::steady_clock;

    /// What refusals are counted by, and the longest wait.
    static constexpr std::chrono::minutes period{1};

    /// A connection's entry; it counts for as long as this lives. Moved from, or made of nothing, it stands for no peer
    /// and has no limits.
    class seat {
    public:
        seat() noexcept = default;
        seat(seat&& other) noexcept
            : table_(std::move(other.table_)),
              entry_(std::exchange(other.entry_, nullptr))
        {}
        seat(seat const&) = delete;
        seat& operator=(seat const&) = delete;
        ~seat();

        /// So many more requests of this peer have been refused. How long it should wait, 0 if it has not had too many.
        clock::duration charge(std::uint64_t refusals, peer_limits const& limits,
                               clock::time_point now) noexcept;

    private:
        friend class peer_table;
        seat(std::shared_ptr<peer_table> table, records::value_type& entry) noexcept
            : table_(std::move(table)),
              entry_(&entry)
        {}

        std::shared_ptr<peer_table> table_; // a connection may be destroyed after the server
        records::value_type* entry_ = nullptr;
    };

    /// What is in the way of one more connection of this peer, if anything.
    std::optional<obstacle> against(peer_id const& who, peer_limits const& limits,
                                    clock::time_point now) const;

    /// For one more connection. Throws std::bad_alloc.
    seat take(peer_id const& who, clock::time_point now);

    /// Records, for tests of what they take.
    std::size_t size() const;

private:
    struct record {
        std::size_t connections = 0;
        clock::time_point made_up; // when all that it had refused will be made up for
    };

    void leave(records::value_type& entry) noexcept;
    void forget_some(clock::time_point now) noexcept;

    mutable std::mutex mutex_; // of all that follows
    records records_;
    std::size_t connected_ = 0; // records with connections
};

} // namespace windowd::net
