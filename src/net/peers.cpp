// The records of peers, and the arithmetic of their refusals.
#include "net/peers.hpp"

#include "net/address.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/endian/conversion.hpp>

#include <algorithm>

#include <sys/socket.h>

namespace windowd::net {
namespace {

namespace asio = boost::asio;

// Of peers that are gone, beyond as many as there are: enough to slow those down who come back.
constexpr std::size_t few_absent = 1000;

constexpr std::uint64_t mapped_prefix = 0xffffULL << 32; // RFC 4291, section 2.5.5.2
constexpr std::uint64_t above_addresses = 1ULL << 63;

/// The effective user of the process that made the connection (unix(7)), or one that nobody has.
uid_t user_of(asio::generic::stream_protocol::socket& socket) noexcept
{
    ucred other{};
    socklen_t size = sizeof(other);
    if (getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &other, &size) != 0)
        return static_cast<uid_t>(-1);
    return other.uid;
}

} // namespace

peer_id::peer_id(asio::generic::stream_protocol::endpoint const& endpoint) noexcept
{
    auto const address = to_tcp(endpoint).address();
    if (address.is_v4()) {
        host_ = mapped_prefix | address.to_v4().to_uint();
        return;
    }
    auto const bytes = address.to_v6().to_bytes();
    if (address.to_v6().is_v4_mapped())
        host_ = boost::endian::load_big_u64(bytes.data() + 8);
    else
        network_ = boost::endian::load_big_u64(bytes.data());
}

peer_id::peer_id(asio::generic::stream_protocol::socket& socket,
                 asio::generic::stream_protocol::endpoint const& endpoint) noexcept
{
    if (endpoint.protocol().family() == AF_UNIX)
        host_ = above_addresses | user_of(socket);
    else
        *this = peer_id(endpoint);
}

peer_limits limits_of_peers(protocol::limits const& all) noexcept
{
    return {all.max_connections_per_peer, all.max_refused_per_peer};
}

peer_table::seat::~seat()
{
    if (entry_ != nullptr)
        table_->leave(*entry_);
}

peer_table::clock::duration peer_table::seat::charge(std::uint64_t refusals, peer_limits const& limits,
                                                     clock::time_point now) noexcept
{
    if (entry_ == nullptr || limits.refusals == 0)
        return clock::duration::zero();
    auto const lock = std::scoped_lock(table_->mutex_);
    // More than two periods' refusals change nothing, and their time could not be told.
    auto const most = static_cast<clock::rep>(limits.refusals);
    auto const counted = static_cast<clock::rep>(std::min<std::uint64_t>(refusals, 2 * limits.refusals));
    auto const cost = clock::duration(period) / most * counted;
    auto& made_up = entry_->second.made_up;
    made_up = std::min(std::max(made_up, now) + cost, now + 2 * period);
    return std::max(made_up - now - period, clock::duration::zero());
}

std::optional<obstacle> peer_table::against(peer_id const& who, peer_limits const& limits,
                                            clock::time_point now) const
{
    auto const lock = std::scoped_lock(mutex_);
    auto const found = records_.find(who);
    if (found == records_.end())
        return std::nullopt;
    auto const& known = found->second;
    if (limits.connections != 0 && known.connections >= limits.connections)
        return obstacle::peer_is_full;
    if (limits.refusals != 0 && known.made_up - now > period)
        return obstacle::peer_is_held_back;
    return std::nullopt;
}

peer_table::seat peer_table::take(peer_id const& who, clock::time_point now)
{
    auto const lock = std::scoped_lock(mutex_);
    forget_some(now);
    auto& entry = *records_.try_emplace(who).first;
    if (++entry.second.connections == 1)
        ++connected_;
    return {shared_from_this(), entry};
}

std::size_t peer_table::size() const
{
    auto const lock = std::scoped_lock(mutex_);
    return records_.size();
}

void peer_table::leave(records::value_type& entry) noexcept
{
    auto const lock = std::scoped_lock(mutex_);
    if (--entry.second.connections != 0)
        return;
    --connected_;
    if (entry.second.made_up == clock::time_point())
        records_.erase(entry.first);
}

/// Peers that are gone and have made up for everything; where that is not enough, all who are gone.
void peer_table::forget_some(clock::time_point now) noexcept
{
    auto const is_too_many = [this] { return records_.size() > 2 * connected_ + few_absent; };
    auto const is_gone = [](auto const& entry) { return entry.second.connections == 0; };
    if (is_too_many())
        std::erase_if(records_,
                      [&](auto const& entry) { return is_gone(entry) && entry.second.made_up <= now; });
    if (is_too_many())
        std::erase_if(records_, is_gone);
}

} // namespace windowd::net
