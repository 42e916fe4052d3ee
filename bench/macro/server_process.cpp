// Reading /proc, and starting processes.
#include "server_process.hpp"

#include <chrono>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <system_error>
#include <thread>

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace windowd::bench {
namespace {

std::string folder_of(pid_t process)
{
    return "/proc/" + std::to_string(process) + "/";
}

} // namespace

double cpu_seconds(pid_t process)
{
    clockid_t clock{};
    if (auto const error = clock_getcpuclockid(process, &clock); error != 0)
        throw std::system_error(error, std::system_category(), "clock_getcpuclockid");
    timespec time{};
    if (clock_gettime(clock, &time) != 0)
        throw std::system_error(errno, std::system_category(), "clock_gettime");
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

std::size_t resident_bytes(pid_t process)
{
    std::ifstream file(folder_of(process) + "smaps_rollup");
    for (std::string word; file >> word;) {
        std::size_t kibibytes = 0;
        if (word == "Rss:" && file >> kibibytes)
            return kibibytes * 1024;
    }
    throw std::runtime_error("no Rss in " + folder_of(process) + "smaps_rollup");
}

std::size_t open_descriptors(pid_t process)
{
    auto const files = std::filesystem::directory_iterator(folder_of(process) + "fd");
    return static_cast<std::size_t>(std::distance(begin(files), end(files)));
}

void wait_until_idle(pid_t process)
{
    using namespace std::chrono_literals;
    auto const deadline = std::chrono::steady_clock::now() + 30s;
    // Even an idle server may look at its timers now and then.
    constexpr auto next_to_nothing = 0.001;
    for (auto before = cpu_seconds(process);;) {
        std::this_thread::sleep_for(100ms);
        auto const now = cpu_seconds(process);
        if (now - before < next_to_nothing)
            return;
        before = now;
        if (std::chrono::steady_clock::now() > deadline)
            throw std::runtime_error("the server does not come to rest");
    }
}

child_process::child_process(std::vector<std::string> const& command)
{
    auto words = command;
    std::vector<char*> arguments;
    for (auto& word : words)
        arguments.push_back(word.data());
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    auto const error = posix_spawnp(&id_, arguments.front(), &files, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&files);
    if (error != 0)
        throw std::system_error(error, std::system_category(), command.front());
}

child_process::~child_process()
{
    if (has_ended())
        return;
    kill(id_, SIGKILL);
    waitpid(id_, nullptr, 0);
}

bool child_process::has_ended() noexcept
{
    ended_ = ended_ || waitpid(id_, nullptr, WNOHANG) == id_;
    return ended_;
}

} // namespace windowd::bench
