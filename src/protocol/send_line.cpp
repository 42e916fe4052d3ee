// Token by token: whatever is not as expected ends it.
#include "protocol/send_line.hpp"

#include "protocol/number.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace windowd::protocol {
namespace {

/// Goes on through a text as long as it is what is asked for.
class reader {
public:
    reader(char const* at, char const* end) noexcept : at_(at), end_(end) {}

    template <std::size_t Size>
    bool reads(char const (&text)[Size]) noexcept // NOLINT(*-avoid-c-arrays): a literal, whose size is known
    {
        constexpr auto length = Size - 1;
        if (static_cast<std::size_t>(end_ - at_) < length || std::memcmp(at_, text, length) != 0)
            return false;
        at_ += length;
        return true;
    }

    void skip_space() noexcept { at_ += at_ != end_ && *at_ == ' ' ? 1 : 0; }

    /// Up to a quote, which is read too. Without one, nothing.
    std::string_view name() noexcept
    {
        constexpr std::ptrdiff_t longest = 129; // of names, with the quote
        auto const* const last = at_ + std::min(longest, end_ - at_);
        auto const* const quote = std::find(at_, last, '"');
        if (quote == last)
            return {};
        auto const found = std::string_view(at_, quote);
        at_ = quote + 1;
        return found;
    }

    bool number(double& value) noexcept
    {
        auto const read = read_number(at_, end_);
        at_ = read.end;
        value = read.value;
        return read.status == number_status::number;
    }

    char const* at() const noexcept { return at_; }

private:
    char const* at_;
    char const* end_;
};

} // namespace

send_line read_send_line(char const* at, char const* end) noexcept
{
    constexpr send_line other;
    reader line(at, end);
    if (!line.reads("{\"op\":"))
        return other;
    line.skip_space();
    if (!line.reads("\"send\","))
        return other;
    line.skip_space();
    send_line read;
    if (line.reads("\"window\":")) {
        line.skip_space();
        if (!line.reads("\""))
            return other;
        read.window = line.name();
        if (read.window.empty() || !line.reads(","))
            return other;
        line.skip_space();
    }
    if (!line.reads("\"value\":"))
        return other;
    line.skip_space();
    if (!line.number(read.value) || !line.reads("}"))
        return other;
    read.end = line.at();
    if (!line.reads("\n") && !line.reads("\r\n"))
        return other;
    read.next = line.at();
    return read;
}

} // namespace windowd::protocol
