// The same work without sockets: the conversation, and the least that has to be done for each value.
#include "measurement.hpp"
#include "protocol/conversation.hpp"
#include "protocol/number.hpp"
#include "reply_check.hpp"
#include "scenarios.hpp"
#include "window/exact_sum.hpp"
#include "workload.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string_view>

namespace windowd::bench {
namespace {

constexpr std::size_t piece = std::size_t{64} * 1024; // what a session reads at once

/// Runs while the replies are made, and not while they are checked. The CPU time of this process is the server's then.
class interrupted_clock {
public:
    void start()
    {
        cpu_began_ = own_cpu_seconds();
        began_ = std::chrono::steady_clock::now();
    }
    void stop()
    {
        seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
        cpu_seconds_ += own_cpu_seconds() - cpu_began_;
    }
    boost::json::object result(workload const& work) const
    {
        return make_result(work.values, work.lines, seconds_, cpu_seconds_);
    }

private:
    std::chrono::steady_clock::time_point began_;
    double cpu_began_ = 0;
    double seconds_ = 0;
    double cpu_seconds_ = 0;
};

/// `step(input)` takes the beginning of its input, makes `input` what is left, and returns the replies.
template <class Step>
interrupted_clock run(workload const& work, Step step)
{
    interrupted_clock clock;
    exact_replies check(work.replies);
    auto rest = std::string_view(work.requests);
    while (!rest.empty()) {
        auto const given = rest.substr(0, piece);
        auto left = given;
        clock.start();
        auto const replies = step(left);
        clock.stop();
        check.take(replies);
        rest.remove_prefix(given.size() - left.size());
    }
    if (!check.is_done())
        throw wrong_reply("replies are missing");
    return clock;
}

/// The mean of the last three, of windowd's own parts.
class plain_window {
public:
    double add(double value) noexcept
    {
        if (count_ == last_.size())
            sum_.remove(last_[next_]);
        else
            ++count_;
        sum_.add(value);
        last_[next_] = value;
        next_ = (next_ + 1) % last_.size();
        return sum_.mean(count_);
    }

private:
    window::exact_sum sum_;
    std::array<double, 3> last_{};
    std::size_t next_ = 0;
    std::size_t count_ = 0;
};

/// Reads, sends and writes whole lines while there is room in `output`.
std::string_view answer_plainly(std::string_view& input, plain_window& window, std::span<char> output)
{
    auto const* at = input.data();
    auto const* const end = at + input.size();
    auto* to = output.data();
    auto const* const full = to + output.size() - protocol::max_number_size - 1;
    while (to <= full) {
        auto const read = protocol::read_number(at, end);
        if (read.status != protocol::number_status::number || read.end == end)
            break; // the line goes on in the next piece
        to = protocol::write_number(to, window.add(read.value));
        *to++ = '\n';
        at = read.end + 1;
    }
    if (at == input.data())
        throw std::runtime_error("a line is no number");
    input.remove_prefix(static_cast<std::size_t>(at - input.data()));
    return {output.data(), to};
}

template <class Step>
boost::json::object run_both(settings const& with, Step step)
{
    value_source source(with.kind);
    auto const model = make_model("windowd");
    auto const warmup = bare_values(with.warmup, source, *model);
    auto const timed = bare_values(with.count, source, *model);
    run(warmup, step);
    return run(timed, step).result(timed);
}

} // namespace

boost::json::object feed_conversation(settings const& with)
{
    protocol::environment host;
    protocol::conversation conversation(host);
    protocol::output_buffer out;
    return run_both(with, [&](std::string_view& input) {
        out.clear();
        input.remove_prefix(conversation.feed(input, out));
        return out.view();
    });
}

boost::json::object run_plain_loop(settings const& with)
{
    plain_window window;
    auto const output = std::make_unique_for_overwrite<char[]>(piece);
    return run_both(with, [&](std::string_view& input) {
        return answer_plainly(input, window, {output.get(), piece});
    });
}

} // namespace windowd::bench
