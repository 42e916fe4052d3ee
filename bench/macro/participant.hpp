// One of several connections that send to one shared window at once.
#pragma once

#include "reply_check.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace windowd::bench {

/// Sends integers from 0 to 999 to a window of the last 3 that others send to as well, and checks what comes back.
///
/// In which order the server takes values is its own affair, so a reply is not known beforehand where values of others came
/// in between. What is known, if the window began with zeros:
/// - Where none did, the reply is the mean of the connection's own last three.
/// - Where some did, it is the mean of the value and two others: a third of an integer, from value to value + 2 * 999.
/// - Once two more zeros are sent, each value has been in three replies: three times all replies of all participants are
///   three times all values. One that was lost, doubled, or kept for too long would break that. Whoever has all
///   participants checks it.
class participant final : public reply_check {
public:
    participant(std::size_t count, unsigned seed);

    std::string_view requests() const noexcept { return requests_; }
    std::int64_t sum_of_values() const;
    /// Three times the replies, all together.
    std::int64_t tripled_replies() const noexcept { return tripled_replies_; }
    /// How many replies had values of others in them.
    std::size_t mixed() const noexcept { return mixed_; }

    void take(std::string_view bytes) override;
    bool is_done() const noexcept override { return taken_ == values_.size(); }

private:
    std::int64_t value_at(std::size_t index, std::size_t back) const;
    std::int64_t own_sum(std::size_t index) const;
    std::string_view take_lines(std::string_view bytes);
    void take_mixed(std::string_view reply);

    std::vector<std::int64_t> values_;
    std::string requests_;
    std::string replies_;                 // as they are where no others send
    std::vector<std::size_t> reply_ends_; // in those
    std::size_t taken_ = 0;               // replies
    std::string begun_;                   // of a line that has not ended
    std::int64_t tripled_replies_ = 0;    // until they come, as they are where no others send
    std::size_t mixed_ = 0;
};

/// Three times the mean of three integers. Throws wrong_reply where the reply is no such mean, written shortest.
std::int64_t tripled(std::string_view reply);

} // namespace windowd::bench
