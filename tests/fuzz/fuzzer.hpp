// What the fuzzers share: how a finding is told, and how an input is read as choices.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

/// Tries one input. libFuzzer calls it, or replay_main.cpp for each file of a corpus.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size);

namespace windowd::fuzz {

/// Tells what was found and ends the program, by which libFuzzer knows it.
[[noreturn]] inline void found(std::string const& what)
{
    std::fputs(("found: " + what + "\n").c_str(), stderr);
    std::abort();
}

inline void expect(bool holds, std::string_view what)
{
    if (!holds)
        found(std::string(what));
}

/// The bytes of an input.
inline std::string_view text_of(std::uint8_t const* data, std::size_t size) noexcept
{
    return {reinterpret_cast<char const*>(data), size};
}

/// An input as a row of choices: those of the start of the input first. Behind its end all are 0.
class choices {
public:
    explicit choices(std::string_view input) noexcept : rest_(input) {}

    bool empty() const noexcept { return rest_.empty(); }
    std::string_view rest() const noexcept { return rest_; }

    std::uint8_t byte() noexcept
    {
        if (rest_.empty())
            return 0;
        auto const first = static_cast<std::uint8_t>(rest_.front());
        rest_.remove_prefix(1);
        return first;
    }
    /// From 0 to limit - 1; limit is 1 to 256.
    int operator()(int limit) noexcept { return byte() % limit; }
    /// Eight bytes, of whatever they mean.
    std::uint64_t word() noexcept
    {
        std::uint64_t all = 0;
        for (auto i = 0; i < 8; ++i)
            all = all << 8 | byte();
        return all;
    }
    /// Of any bits.
    double real() noexcept { return std::bit_cast<double>(word()); }

private:
    std::string_view rest_;
};

} // namespace windowd::fuzz
