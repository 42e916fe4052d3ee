// Keeps account of the events that a follower of one window gets.
#pragma once

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace windowd::test {

/// Takes the lines of a follower, and tells whether the events among them are all there and in order: each has the
/// number after the one before, unless a notice between them says how many were lost.
class followed_events {
public:
    /// `next_n`: the number of the first event; 0 is that of the open event of a window without prefilled values.
    explicit followed_events(std::uint64_t next_n = 0) noexcept : next_n_(next_n) {}

    /// False if the line is no event, but a reply.
    bool take(std::string_view line)
    {
        if (!line.starts_with(R"({"event":)"))
            return false;
        auto const event = boost::json::parse(boost::json::string_view(line.data(), line.size()));
        auto const& kind = event.at("event").as_string();
        if (kind == "lost") {
            auto const count = event.at("count").to_number<std::uint64_t>();
            in_order_ = in_order_ && count != 0;
            lost_ += count;
            next_n_ += count;
            return true;
        }
        auto const n = event.at("n").to_number<std::uint64_t>();
        in_order_ = in_order_ && n == next_n_;
        next_n_ = n + 1;
        ++received_;
        last_kind_.assign(kind.data(), kind.size());
        if (kind == "yield")
            values_.push_back(event.at("value").to_number<double>());
        return true;
    }

    bool in_order() const noexcept { return in_order_; }
    std::uint64_t received() const noexcept { return received_; }
    std::uint64_t lost() const noexcept { return lost_; }
    /// The number that the event after the last one will have.
    std::uint64_t next_n() const noexcept { return next_n_; }
    std::string const& last_kind() const noexcept { return last_kind_; }
    /// Of the yield events, in order.
    std::vector<double> const& values() const noexcept { return values_; }

private:
    std::uint64_t next_n_;
    std::uint64_t received_ = 0;
    std::uint64_t lost_ = 0;
    bool in_order_ = true;
    std::string last_kind_;
    std::vector<double> values_;
};

} // namespace windowd::test
