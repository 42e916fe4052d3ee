// Values to send, and what has to come back for them.
#pragma once

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace windowd::load {

/// The daemon, or the system, did not do what it has to.
struct failure : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Quarters between -250,000 and 250,000, the same again from the same seed (SplitMix64, by Sebastiano Vigna). Sums of
/// a few are exact in a double.
class value_source {
public:
    explicit value_source(std::uint64_t seed) noexcept : state_(seed) {}

    std::uint64_t next_bits() noexcept
    {
        auto bits = state_ += 0x9E3779B97F4A7C15U;
        bits = (bits ^ (bits >> 30U)) * 0xBF58476D1CE4E5B9U;
        bits = (bits ^ (bits >> 27U)) * 0x94D049BB133111EBU;
        return bits ^ (bits >> 31U);
    }
    double next() noexcept { return (static_cast<double>(next_bits() % 2'000'001) - 1'000'000) / 4; }

private:
    std::uint64_t state_;
};

inline std::string text_of(double value)
{
    std::array<char, 32> text{};
    auto const end = std::to_chars(text.begin(), text.end(), value).ptr;
    return {text.begin(), end};
}

/// Whether a whole line is this number, however it is written.
inline bool is_number(std::string_view line, double expected) noexcept
{
    double found = 0;
    auto const [end, error] = std::from_chars(line.data(), line.data() + line.size(), found);
    return error == std::errc() && end == line.data() + line.size() && found == expected;
}

inline void expect_number(std::string_view line, double expected)
{
    if (!is_number(line, expected))
        throw failure("the reply is " + std::string(line.substr(0, 100)) + " in place of " +
                      text_of(expected));
}

/// What a new connection's window yields: the mean of the last three values.
class mean_of_three {
public:
    double push(double value) noexcept
    {
        last_[count_++ % last_.size()] = value;
        auto const size = count_ < last_.size() ? count_ : last_.size();
        return (last_[0] + last_[1] + last_[2]) / static_cast<double>(size); // those not yet there are 0
    }

private:
    std::array<double, 3> last_{};
    std::size_t count_ = 0;
};

/// The values that one connection sends, a line each, and the replies to them.
class value_lines {
public:
    explicit value_lines(std::uint64_t seed) noexcept : to_send_(seed), to_check_(seed) {}

    /// The next lines to send.
    std::string take(int count)
    {
        std::string lines;
        for (int i = 0; i < count; ++i)
            lines += text_of(to_send_.next()) + '\n';
        return lines;
    }
    /// Takes the reply to the first line that has none. Throws a failure where it is wrong.
    void check(std::string_view reply) { expect_number(reply, window_.push(to_check_.next())); }

private:
    value_source to_send_;
    value_source to_check_;
    mean_of_three window_;
};

} // namespace windowd::load
