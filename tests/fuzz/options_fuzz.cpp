// Command lines, variables of the environment and configuration files.
//
// An input is lines: arguments, or NAME=VALUE for the environment where NAME begins with WINDOWD_; behind a line `%%`
// the configuration file.
#include "daemon/options.hpp"
#include "fuzz/fuzzer.hpp"
#include "fuzz/memory_file.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace windowd;
using fuzz::expect;

struct scenario {
    std::vector<std::string> arguments;
    std::vector<std::string> variables; // NAME=VALUE
    std::optional<std::string> file;
};

/// Other files than ours are not read: some of them never end.
bool names_a_file(std::string_view line)
{
    return line.starts_with("--config") || line.starts_with("WINDOWD_CONFIG");
}

scenario read_scenario(std::string_view input)
{
    scenario read;
    while (!input.empty()) {
        auto const line = std::string(input.substr(0, input.find('\n')));
        input.remove_prefix(std::min(line.size() + 1, input.size()));
        if (line == "%%") {
            read.file = input;
            break;
        }
        if (line.find('\0') != std::string::npos || names_a_file(line))
            continue;
        if (line.starts_with("WINDOWD_") && line.find('=') != std::string::npos)
            read.variables.push_back(line);
        else
            read.arguments.push_back(line);
    }
    return read;
}

/// Variables that are set while it lives.
class environment {
public:
    explicit environment(std::vector<std::string> const& variables)
    {
        for (auto const& one : variables) {
            auto const end = one.find('=');
            names_.push_back(one.substr(0, end));
            setenv(names_.back().c_str(), one.substr(end + 1).c_str(), 1);
        }
    }
    environment(environment const&) = delete;
    environment& operator=(environment const&) = delete;
    ~environment()
    {
        for (auto const& name : names_)
            unsetenv(name.c_str());
    }

private:
    std::vector<std::string> names_;
};

void check_address(net::listen_address const& address)
{
    auto const text = to_string(address);
    expect(to_string(net::parse_listen_address(text)) == text, "an address reads back as another");
}

void check_options(daemon::options const& set)
{
    auto const& limits = set.limits;
    auto const in = [](auto value, auto least, auto most) { return value >= least && value <= most; };
    constexpr auto day = std::chrono::hours(24);
    constexpr auto gib = std::size_t{1} << 30;
    expect(in(set.default_window.size, 1U, limits.windows.max_window_size), "--window-size");
    expect(in(limits.windows.max_window_size, 1U, (std::size_t{1} << 31) - 1), "--max-window-size");
    expect(in(limits.max_connections, 1U, 1'000'000U), "--max-connections");
    expect(limits.max_connections_per_peer <= 1'000'000U, "--max-connections-per-peer");
    expect(limits.max_refused_per_peer <= 1'000'000U, "--max-refused-per-peer");
    expect(in(limits.max_line, 64U, gib), "--max-line");
    expect(in(limits.max_event_buffer, 4096U, gib), "--max-event-buffer");
    expect(limits.windows.max_windows <= 10'000'000, "--max-windows");
    expect(in(limits.windows.idle_expiry, 0.0, 365 * 86400.0), "--window-idle-expiry");
    for (auto const time : {limits.idle_timeout, limits.write_timeout, set.shutdown_timeout})
        expect(in(time, std::chrono::milliseconds(0), std::chrono::milliseconds(day)), "a timeout");
    for (auto const& address : set.listen)
        check_address(address);
    if (set.metrics)
        check_address(*set.metrics);
    expect(set.tls_certificate.empty() == set.tls_key.empty(), "a certificate and its key go together");
}

void check(daemon::command const& read)
{
    auto const kinds = (read.run ? 1 : 0) + (read.output.empty() ? 0 : 1) + (read.complaint.empty() ? 0 : 1);
    expect(kinds == 1, "it is not one of: to run, to print, to complain");
    expect(read.exit_status == (read.complaint.empty() ? 0 : 2), "another exit status");
    if (read.run)
        check_options(*read.run);
    expect(!read.complaint.ends_with('\n'), "the log ends lines itself");
}

} // namespace

int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    static fuzz::memory_file file;
    auto what = read_scenario(fuzz::text_of(data, size));
    if (what.file) {
        file.write(*what.file);
        what.arguments.insert(what.arguments.begin(), "--config=" + file.path());
    }
    environment const variables(what.variables);
    std::vector<char const*> arguments;
    for (auto const& one : what.arguments)
        arguments.push_back(one.c_str());
    auto const first = daemon::read_options(arguments);
    check(first);
    auto const second = daemon::read_options(arguments);
    expect(first.output == second.output && first.complaint == second.complaint,
           "it says something else again");
    return 0;
}
