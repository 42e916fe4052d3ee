// libsystemd's functions, in our terms.
#include "daemon/service_manager.hpp"

#include <systemd/sd-daemon.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <stdexcept>
#include <system_error>

namespace windowd::daemon {
namespace {

// A line of status that is longer than that is cut: it is for people.
constexpr std::size_t max_status = 256;

/// What libsystemd hands over to be freed.
struct freed {
    void operator()(void* memory) const noexcept
    {
        std::free(memory); // NOLINT(cppcoreguidelines-no-malloc): it comes from malloc
    }
};

} // namespace

std::vector<passed_socket> take_passed_sockets()
{
    char** list = nullptr;
    auto const count = sd_listen_fds_with_names(1, &list);
    if (count < 0)
        throw std::runtime_error("cannot take the sockets that were passed (LISTEN_FDS): " +
                                 std::generic_category().message(-count));
    std::unique_ptr<char*, freed> const names(list);
    std::vector<passed_socket> sockets;
    for (int i = 0; i < count; ++i) {
        std::unique_ptr<char, freed> const name(list[i]);
        sockets.push_back({SD_LISTEN_FDS_START + i, name.get()});
    }
    return sockets;
}

service_manager::service_manager() noexcept
    // NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread, and nothing has changed the environment
    : listens_(std::getenv("NOTIFY_SOCKET") != nullptr)
{
    std::uint64_t allowed = 0;
    if (listens_ && sd_watchdog_enabled(0, &allowed) > 0)
        watchdog_interval_ = std::chrono::microseconds(allowed / 2);
}

void service_manager::ready() noexcept
{
    sd_notify(0, "READY=1");
}

void service_manager::reloading() noexcept
{
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    auto const microseconds =
        static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(now.tv_nsec) / 1'000;
    // In one message, as sd_notify(3) asks for.
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu", static_cast<unsigned long long>(microseconds));
}

void service_manager::stopping() noexcept
{
    sd_notify(0, "STOPPING=1");
}

void service_manager::status(std::string_view words) noexcept
{
    if (!listens_)
        return;
    sd_notifyf(0, "STATUS=%.*s", static_cast<int>(std::min(words.size(), max_status)), words.data());
}

void service_manager::alive() noexcept
{
    sd_notify(0, "WATCHDOG=1");
}

} // namespace windowd::daemon
