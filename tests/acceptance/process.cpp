// Starting processes with posix_spawn, and reading about them in /proc.
#include "acceptance/process.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace windowd::test {
namespace {

// A log at `trace` of many requests fits in: the child never waits for a test to read it.
constexpr int pipe_capacity = 1 << 20;

test_failure system_failure(std::string const& what)
{
    return test_failure(what + ": " + std::strerror(errno));
}

std::array<int, 2> make_pipe()
{
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0)
        throw system_failure("pipe2");
    fcntl(ends[0], F_SETPIPE_SZ, pipe_capacity);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    return ends;
}

std::vector<std::string> make_environment(variables const& added)
{
    std::vector<std::string> all;
    std::string sanitizer = "ASAN_OPTIONS=";
    for (char** one = environ; *one != nullptr; ++one) {
        std::string_view const variable = *one;
        if (variable.starts_with("ASAN_OPTIONS="))
            sanitizer = std::string(variable) + ":";
        else if (!variable.starts_with("WINDOWD_"))
            all.emplace_back(variable);
    }
    // Freed memory that the sanitizer holds back would look like memory that the daemon does not give back.
    all.push_back(sanitizer + "quarantine_size_mb=4");
    for (auto const& [name, value] : added)
        all.push_back(name + "=" + value);
    return all;
}

std::vector<char*> pointers(std::vector<std::string>& strings)
{
    std::vector<char*> result;
    for (auto& one : strings)
        result.push_back(one.data());
    result.push_back(nullptr);
    return result;
}

/// Whether the pipe is still open.
bool read_all_there_is(int pipe, std::string& into)
{
    std::array<char, 65536> buffer{};
    for (;;) {
        auto const size = read(pipe, buffer.data(), buffer.size());
        if (size > 0)
            into.append(buffer.data(), static_cast<std::size_t>(size));
        else
            return size < 0 && (errno == EAGAIN || errno == EINTR);
    }
}

} // namespace

process::process(std::vector<std::string> const& command, variables const& environment)
{
    auto const output = make_pipe();
    auto const error = make_pipe();
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, error[1], STDERR_FILENO);
    auto arguments = command;
    auto all = make_environment(environment);
    auto const failed = posix_spawnp(&id_, command.front().c_str(), &actions, nullptr,
                                     pointers(arguments).data(), pointers(all).data());
    posix_spawn_file_actions_destroy(&actions);
    close(output[1]);
    close(error[1]);
    output_pipe_ = output[0];
    error_pipe_ = error[0];
    if (failed != 0)
        throw test_failure("cannot start " + command.front() + ": " + std::strerror(failed));
    ended_ = static_cast<int>(syscall(SYS_pidfd_open, id_, 0));
    if (ended_ < 0)
        throw system_failure("pidfd_open");
}

process::~process()
{
    if (ended_ >= 0) {
        kill(id_, SIGKILL);
        waitpid(id_, nullptr, 0);
        close(ended_);
    }
    close(output_pipe_);
    close(error_pipe_);
}

void process::signal(int number) const
{
    if (kill(id_, number) != 0)
        throw system_failure("kill");
}

bool process::runs() const
{
    return ended_ >= 0 && wait_for(ended_, POLLIN, deadline(std::chrono::seconds(0))) == 0;
}

void process::drain()
{
    read_all_there_is(output_pipe_, output_);
    read_all_there_is(error_pipe_, error_text_);
}

/// Waits for more and reads it; false at the end of standard error.
bool process::read_pipes(deadline const& until)
{
    wait_for(error_pipe_, POLLIN, until);
    read_all_there_is(output_pipe_, output_);
    return read_all_there_is(error_pipe_, error_text_);
}

std::size_t process::wait_for_error_text(std::string_view wanted, std::size_t from)
{
    deadline const until;
    auto open = true;
    for (;;) {
        if (auto const at = error_text_.find(wanted, from); at != std::string::npos)
            return at;
        if (!open || until.passed())
            throw test_failure("waited in vain for '" + std::string(wanted) + "' in:\n" + error_text_);
        open = read_pipes(until);
    }
}

ending process::wait_for_exit()
{
    deadline const until;
    while (read_pipes(until) && !until.passed()) {
    }
    if (wait_for(ended_, POLLIN, until) == 0)
        throw test_failure("the process does not end; it wrote:\n" + error_text_);
    int status = 0;
    waitpid(id_, &status, 0);
    close(std::exchange(ended_, -1));
    if (WIFSIGNALED(status))
        return {-1, WTERMSIG(status)};
    return {WEXITSTATUS(status), 0};
}

std::size_t process::peak_memory() const
{
    std::ifstream status("/proc/" + std::to_string(id_) + "/status");
    for (std::string word; status >> word;) {
        std::size_t kilobytes = 0;
        if (word == "VmHWM:" && status >> kilobytes)
            return kilobytes * 1024;
    }
    throw test_failure("no VmHWM in /proc");
}

std::size_t process::descriptors() const
{
    std::size_t count = 0;
    for (auto const& one : std::filesystem::directory_iterator("/proc/" + std::to_string(id_) + "/fd"))
        count += one.path().empty() ? 0U : 1U;
    return count;
}

bool process::returns_to_descriptors(std::size_t expected) const
{
    return eventually([&] { return descriptors() == expected; });
}

std::chrono::milliseconds process::processor_time() const
{
    std::ifstream file("/proc/" + std::to_string(id_) + "/stat");
    std::ostringstream text;
    text << file.rdbuf();
    auto const all = text.str();
    std::istringstream fields(all.substr(all.rfind(')') + 2)); // the name may have blanks in it
    constexpr int before_user_time = 11;
    std::string skipped;
    for (int i = 0; i < before_user_time; ++i)
        fields >> skipped;
    long user = 0;
    long system = 0;
    fields >> user >> system;
    return std::chrono::milliseconds((user + system) * 1000 / sysconf(_SC_CLK_TCK));
}

finished run_to_end(std::vector<std::string> const& command, variables const& environment)
{
    process child(command, environment);
    auto const end = child.wait_for_exit();
    child.drain();
    return {child.output(), child.error_text(), end};
}

} // namespace windowd::test
