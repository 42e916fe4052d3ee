// The default register of shared windows.
#include "protocol/environment.hpp"

#include "window/local_register.hpp"

namespace windowd::protocol {

window::window_register& environment::windows()
{
    if (shared == nullptr)
        shared = std::make_unique<window::local_register>(limits.windows, default_window, events, observer);
    return *shared;
}

} // namespace windowd::protocol
