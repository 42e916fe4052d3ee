// The naive server of running means.
#include "yardsticks.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

namespace windowd::bench {
namespace {

namespace asio = boost::asio;

class running_mean {
public:
    double add(double value)
    {
        sum_ -= last_[next_];
        sum_ += value;
        last_[next_] = value;
        next_ = (next_ + 1) % last_.size();
        count_ = std::min(count_ + 1, last_.size());
        return sum_ / static_cast<double>(count_);
    }

private:
    std::array<double, 3> last_{};
    std::size_t next_ = 0;
    std::size_t count_ = 0;
    double sum_ = 0;
};

/// Answers all whole lines of [at, end), and returns where the rest begins.
char const* answer_lines(char const* at, char const* end, running_mean& mean, std::string& output)
{
    while (auto const* const line_end =
               static_cast<char const*>(std::memchr(at, '\n', static_cast<std::size_t>(end - at)))) {
        double value = 0;
        if (auto const read = std::from_chars(at, line_end, value);
            read.ec != std::errc() || read.ptr != line_end)
            throw std::runtime_error("not a number");
        std::array<char, 32> text{};
        auto* const text_end = std::to_chars(text.begin(), text.end() - 1, mean.add(value)).ptr;
        *text_end = '\n';
        output.append(text.begin(), text_end + 1);
        at = line_end + 1;
    }
    return at;
}

} // namespace

asio::awaitable<void> serve_naive(asio::ip::tcp::socket socket)
{
    std::vector<char> input(yardstick_buffer);
    std::size_t kept = 0; // the beginning of a line that has not ended
    std::string output;
    running_mean mean;
    for (;;) {
        kept += co_await socket.async_read_some(asio::buffer(input) + kept, asio::use_awaitable);
        auto const* const end = input.data() + kept;
        auto const* const rest = answer_lines(input.data(), end, mean, output);
        std::copy(rest, end, input.data());
        kept = static_cast<std::size_t>(end - rest);
        if (kept == input.size())
            throw std::runtime_error("too long a line");
        co_await asio::async_write(socket, asio::buffer(output), asio::use_awaitable);
        output.clear();
    }
}

} // namespace windowd::bench
