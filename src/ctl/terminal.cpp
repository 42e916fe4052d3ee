// termios, the window size, the locale.
#include "ctl/terminal.hpp"

#include <clocale>
#include <string_view>

#include <langinfo.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace windowd::ctl {

terminal_size size_of_terminal(int descriptor) noexcept
{
    constexpr terminal_size usual{80, 24};
    winsize size{};
    if (::ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0)
        return usual;
    return {size.ws_col, size.ws_row};
}

bool has_unicode()
{
    // NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread
    std::setlocale(LC_CTYPE, "");
    // NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread
    return std::string_view(::nl_langinfo(CODESET)) == "UTF-8";
}

raw_keys::raw_keys(int descriptor) noexcept : descriptor_(descriptor)
{
    termios now{};
    if (::tcgetattr(descriptor, &now) != 0)
        return;
    before_ = now;
    now.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    now.c_cc[VSUSP] = _POSIX_VDISABLE; // Ctrl-Z would leave the screen as it is
    ::tcsetattr(descriptor, TCSADRAIN, &now);
}

raw_keys::~raw_keys()
{
    if (before_)
        ::tcsetattr(descriptor_, TCSADRAIN, &*before_);
}

} // namespace windowd::ctl
