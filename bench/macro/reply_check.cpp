// Saying which reply is wrong.
#include "reply_check.hpp"

#include <algorithm>
#include <string>

namespace windowd::bench {
namespace {

/// The line that begins there; of a long one the beginning.
std::string line_at(std::string_view text, std::size_t start)
{
    constexpr std::size_t most = 120;
    auto const line = text.substr(start, text.find('\n', start) - start);
    return std::string(line.substr(0, most)) + (line.size() > most ? "…" : "");
}

} // namespace

void exact_replies::complain(std::string_view bytes) const
{
    auto const rest = expected_.substr(at_);
    auto const same = std::ranges::mismatch(bytes, rest).in1 - bytes.begin();
    auto const wrong_at = at_ + static_cast<std::size_t>(same);
    auto const line_start = expected_.substr(0, wrong_at).rfind('\n') + 1; // 0 where there is none
    auto const number = std::ranges::count(expected_.substr(0, line_start), '\n') + 1;
    auto const came =
        line_start < at_
            ? std::string(expected_.substr(line_start, at_ - line_start)).append(line_at(bytes, 0))
            : line_at(bytes, line_start - at_);
    throw wrong_reply("reply " + std::to_string(number) + " is '" + came + "', not '" +
                      line_at(expected_, line_start) + "'");
}

void expect_line(std::string_view expected, std::string_view came)
{
    if (came != expected)
        throw wrong_reply("a reply is '" + line_at(came, 0) + "', not '" + line_at(expected, 0) + "'");
}

} // namespace windowd::bench
