// The default register of shared windows.
#include "protocol/environment.hpp"

#include "window/local_register.hpp"

namespace windowd::protocol {

void environment::configure(protocol::limits const& new_limits,
                            window::window_options const& new_default_window)
{
    limits = new_limits;
    default_window = new_default_window;
    if (shared != nullptr)
        shared->configure(limits.windows, default_window);
}

window::window_register& environment::windows()
{
    if (shared == nullptr)
        shared = std::make_unique<window::local_register>(limits.windows, default_window, events, observer);
    return *shared;
}

} // namespace windowd::protocol
