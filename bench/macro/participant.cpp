// Checking replies that depend on what others send.
#include "participant.hpp"

#include "workload.hpp"

#include <charconv>
#include <cmath>
#include <numeric>

namespace windowd::bench {
namespace {

constexpr std::int64_t largest = 999;
constexpr double window_size = 3;

void append_mean(std::string& out, std::int64_t sum)
{
    append_shortest(out, static_cast<double>(sum) / window_size);
}

} // namespace

participant::participant(std::size_t count, unsigned seed)
{
    value_source source("integers", seed);
    for (std::size_t i = 0; i < count; ++i) {
        auto const value = source.next();
        values_.push_back(static_cast<std::int64_t>(value));
        append_request_number(requests_, value);
        requests_ += '\n';
        append_mean(replies_, own_sum(i));
        replies_ += '\n';
        reply_ends_.push_back(replies_.size());
        tripled_replies_ += own_sum(i);
    }
}

std::int64_t participant::sum_of_values() const
{
    return std::accumulate(values_.begin(), values_.end(), std::int64_t{0});
}

std::int64_t participant::value_at(std::size_t index, std::size_t back) const
{
    return index < back ? 0 : values_[index - back];
}

std::int64_t participant::own_sum(std::size_t index) const
{
    return value_at(index, 0) + value_at(index, 1) + value_at(index, 2);
}

void participant::take(std::string_view bytes)
{
    if (!begun_.empty()) {
        begun_ += bytes;
        bytes = begun_;
    }
    begun_ = std::string(take_lines(bytes));
}

/// Returns what is left behind the last whole line.
std::string_view participant::take_lines(std::string_view bytes)
{
    while (!is_done()) {
        auto const start = taken_ == 0 ? 0 : reply_ends_[taken_ - 1];
        auto const expected = std::string_view(replies_).substr(start, reply_ends_[taken_] - start);
        auto size = expected.size();
        if (!bytes.starts_with(expected)) {
            size = bytes.find('\n') + 1;
            if (size == 0)
                return bytes;
            take_mixed(bytes.substr(0, size - 1));
        }
        ++taken_;
        bytes.remove_prefix(size);
    }
    if (!bytes.empty())
        throw wrong_reply("there are more replies than values");
    return bytes;
}

void participant::take_mixed(std::string_view reply)
{
    auto const sum = tripled(reply);
    auto const of_others = sum - values_[taken_];
    if (of_others < 0 || of_others > 2 * largest)
        throw wrong_reply("the reply " + std::string(reply) + " cannot be one to " +
                          std::to_string(values_[taken_]));
    tripled_replies_ += sum - own_sum(taken_);
    ++mixed_;
}

std::int64_t tripled(std::string_view reply)
{
    double mean = 0;
    std::from_chars(reply.data(), reply.data() + reply.size(), mean);
    auto const sum = std::llround(mean * window_size);
    std::string text;
    append_mean(text, sum);
    expect_line(text, reply);
    return sum;
}

} // namespace windowd::bench
