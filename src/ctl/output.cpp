// Writing to a descriptor that may be slow, interrupted or non-blocking (a terminal that others have made so).
#include "ctl/output.hpp"

#include "ctl/failure.hpp"

#include <cerrno>
#include <cstddef>
#include <system_error>

#include <poll.h>
#include <unistd.h>

namespace windowd::ctl {
namespace {

constexpr std::size_t piece_size = 65536; // what a pipe takes at once

} // namespace

output& output::operator<<(std::string_view text)
{
    pending_ += text;
    if (pending_.size() >= piece_size)
        flush();
    return *this;
}

void output::flush()
{
    std::string_view rest = pending_;
    while (!rest.empty()) {
        auto const written = ::write(descriptor_, rest.data(), rest.size());
        if (written >= 0) {
            rest.remove_prefix(static_cast<std::size_t>(written));
        } else if (errno == EAGAIN) {
            pollfd room{descriptor_, POLLOUT, 0};
            ::poll(&room, 1, -1);
        } else if (errno != EINTR) {
            auto const why = std::generic_category().message(errno);
            pending_.clear();
            throw failure(exit_status::unreachable, "cannot write the output: " + why);
        }
    }
    pending_.clear();
}

bool output::is_terminal() const noexcept
{
    return ::isatty(descriptor_) == 1;
}

} // namespace windowd::ctl
