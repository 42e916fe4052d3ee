// The one definition of all commands and options; windowctl(1) and the completion are compared with its --help.
#include "ctl/options.hpp"

#include "ctl/failure.hpp"
#include "ctl/json_text.hpp"
#include "ctl/text.hpp"
#include "protocol/version.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <sstream>
#include <string_view>

namespace windowd::ctl {
namespace {

constexpr auto default_address = "tcp://127.0.0.1:6920";
constexpr double longest = 86400; // seconds: a day

/// Options as they are written.
struct raw_options {
    settings set;
    double timeout = 10; // seconds, as all durations
    double interval = 1;
    std::uint64_t count = 0;
    std::string stats;
    std::string data;
};

CLI::Validator number_validator()
{
    return {[](std::string const& text) {
                return is_json_number(text) ? std::string() : "'" + printable(text) + "' is no number";
            },
            ""};
}

std::vector<std::string> split(std::string const& list)
{
    std::vector<std::string> parts;
    std::istringstream rest(list);
    for (std::string part; std::getline(rest, part, ',');)
        parts.push_back(part);
    return parts;
}

void add_connection_options(CLI::App& app, raw_options& raw)
{
    auto& set = raw.set;
    auto const* const group = "Connection";
    auto const add = [&](char const* name, auto& value, char const* type, char const* purpose) {
        return app.add_option(name, value, purpose)->type_name(type)->take_last()->group(group);
    };
    add("--address", set.address, "ADDRESS",
        "the daemon: tcp://HOST:PORT, tls://HOST:PORT or unix:///PATH; else $WINDOWCTL_ADDRESS, "
        "else tcp://127.0.0.1:6920");
    add("--timeout", raw.timeout, "SECONDS",
        "how long to wait for the connection and for each reply; 10 if not given")
        ->check(CLI::Range(0.001, longest).description(""));
    add("--token-file", set.token_file, "FILE",
        "its first line is the token for the daemon; nobody else may read it; else $WINDOWCTL_TOKEN_FILE");
    add("--tls-ca", set.tls_ca, "FILE", "trust these authorities (PEM) instead of the system's");
    add("--tls-certificate", set.tls_certificate, "FILE", "this client's certificate chain (PEM)");
    add("--tls-key", set.tls_key, "FILE", "the key of that certificate (PEM)");
    app.add_flag("--json", set.is_json, "print the daemon's JSON lines instead of text")->group(group);
}

void add_window(CLI::App& app, raw_options& raw, char const* purpose)
{
    app.add_option("--window", raw.set.window, purpose)->type_name("NAME")->take_last();
}

void add_terms(CLI::App& app, raw_options& raw)
{
    auto& terms = raw.set.terms;
    auto const add = [&app](char const* name, auto& value, char const* type, char const* purpose) {
        return app.add_option(name, value, purpose)->type_name(type)->take_last();
    };
    add("--size", terms.size, "N", "how many values it keeps at most")->check(number_validator());
    add("--span", terms.span, "SECONDS", "keep the values of so many seconds")->check(number_validator());
    add("--stats", raw.stats, "NAME,...", "what it yields, such as mean,p95; windowd-protocol(7) lists all");
    add("--min-count", terms.min_count, "N", "yield null for fewer values than that")
        ->check(number_validator());
}

CLI::App& add_command(CLI::App& app, raw_options& raw, command_name command, char const* name,
                      char const* purpose)
{
    auto* const added = app.add_subcommand(name, purpose);
    added->callback([&raw, command] { raw.set.command = command; });
    return *added;
}

void add_pattern(CLI::App& app, raw_options& raw, bool is_required)
{
    app.add_option("pattern", raw.set.pattern, "a window's name, in which * stands for any characters")
        ->type_name("PATTERN")
        ->required(is_required);
}

void add_count(CLI::App& app, raw_options& raw, char const* purpose)
{
    app.add_option("--count", raw.count, purpose)
        ->type_name("N")
        ->take_last()
        ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000'000}).description(""));
}

void add_interval(CLI::App& app, raw_options& raw, char const* purpose)
{
    app.add_option("--interval", raw.interval, purpose)
        ->type_name("SECONDS")
        ->take_last()
        ->check(CLI::Range(0.01, longest).description(""));
}

void define_window_commands(CLI::App& app, raw_options& raw)
{
    auto& send = add_command(app, raw, command_name::send, "send",
                             "send values to a window, and print what it yields");
    send.add_option("values", raw.set.values,
                    "numbers or null; or - to read them from standard input, one a line")
        ->type_name("VALUE")
        ->required();
    add_window(send, raw, "the shared window; without it, one of the command's own that ends with it");
    add_terms(send, raw);
    struct named {
        command_name command;
        char const* name;
        char const* purpose;
    };
    for (auto const& [command, name, purpose] :
         {named{command_name::dump, "dump", "print a window's values, oldest first, one a line"},
          {command_name::read, "read", "print a window's statistics, and change nothing"},
          {command_name::clear, "clear", "empty a window"},
          {command_name::close, "close", "end a window, for everyone"}})
        add_window(add_command(app, raw, command, name, purpose), raw,
                   "the shared window; needed, for a window of the command's own would always be empty");
    auto& open = add_command(app, raw, command_name::open, "open",
                             "make a shared window, or check that it is as told");
    add_window(open, raw, "its name; needed, for a window without one would end with the command");
    add_terms(open, raw);
    open.add_option("--data", raw.data, "numbers to begin with, oldest first: --data=5,-7")
        ->type_name("NUMBER,...")
        ->take_last();
}

void define_watching_commands(CLI::App& app, raw_options& raw)
{
    auto& windows = add_command(app, raw, command_name::windows, "windows", "list the shared windows");
    add_pattern(windows, raw, false);
    auto& follow = add_command(app, raw, command_name::follow, "follow",
                               "print what happens to shared windows, one event a line, until Ctrl-C");
    add_pattern(follow, raw, true);
    auto& top =
        add_command(app, raw, command_name::top, "top", "show shared windows in a live table; q ends it");
    add_pattern(top, raw, false);
    add_interval(top, raw, "seconds from one table to the next; 1 if not given");
    add_count(top, raw, "end after so many tables; without a terminal 1 if not given");
    auto& ping =
        add_command(app, raw, command_name::ping, "ping", "ask whether the daemon answers, and how fast");
    add_count(ping, raw, "how often to ask; 1 if not given");
    add_interval(ping, raw, "seconds from one question to the next; 1 if not given");
    add_command(app, raw, command_name::info, "info", "print the daemon's version, counters and limits");
}

void define(CLI::App& app, raw_options& raw)
{
    app.require_subcommand(1);
    app.set_version_flag("--version", "windowctl " + std::string(protocol::version) + " (protocol 1)");
    define_window_commands(app, raw);
    define_watching_commands(app, raw);
    add_connection_options(app, raw);
    for (auto* const command : app.get_subcommands({}))
        add_connection_options(*command, raw);
    app.footer(
        "Exit status: 0 done; 1 the daemon refused something; 2 wrong usage; 3 no connection, or lost.\n"
        "windowctl COMMAND --help tells the options of a command; windowctl(1) tells it all.");
}

bool is_given(CLI::App const& app, std::string const& option)
{
    auto const* const found = app.get_subcommands().front()->get_option_no_throw(option);
    return found != nullptr && !found->empty();
}

void check_window(CLI::App const& app, settings const& set)
{
    if (set.window.empty() && is_given(app, "--window"))
        throw failure(exit_status::bad_usage, "--window needs a name"); // of an empty variable, mostly
    auto const needs_window = {command_name::dump, command_name::read, command_name::clear,
                               command_name::close, command_name::open};
    if (!set.window.empty() || std::ranges::find(needs_window, set.command) == needs_window.end())
        return;
    auto const name = app.get_subcommands().front()->get_name();
    auto const* const why =
        set.command == command_name::open
            ? ": a window without a name would end with the command"
            : ": without it, the command would see a window of its own, which is always empty";
    throw failure(exit_status::bad_usage, name + " needs --window NAME" + why);
}

void check_values(settings const& set)
{
    auto const is_input = [](std::string const& value) { return value == "-"; };
    if (std::ranges::any_of(set.values, is_input) && set.values.size() != 1)
        throw failure(exit_status::bad_usage, "- stands alone: all values come from standard input, or none");
    for (auto const& value : set.values) {
        if (!is_input(value) && value != "null" && !is_json_number(value))
            throw failure(exit_status::bad_usage,
                          "'" + printable(value) + "' is no number; one is written like 5, -0.25 or 1e3");
    }
}

/// What stands in for an option that was not given.
void use_variable(std::string& value, char const* name, std::string const& otherwise)
{
    if (!value.empty())
        return;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread, and nothing has changed the environment
    auto const* const variable = std::getenv(name);
    value = variable != nullptr && *variable != '\0' ? variable : otherwise;
}

std::chrono::milliseconds to_duration(double seconds)
{
    return std::chrono::milliseconds(std::max(std::llround(seconds * 1000), 1LL));
}

settings to_settings(CLI::App const& app, raw_options& raw)
{
    auto set = raw.set;
    set.timeout = to_duration(raw.timeout);
    set.interval = to_duration(raw.interval);
    if (is_given(app, "--count"))
        set.count = raw.count;
    set.terms.stats = split(raw.stats);
    set.terms.data = split(raw.data);
    use_variable(set.address, "WINDOWCTL_ADDRESS", default_address);
    use_variable(set.token_file, "WINDOWCTL_TOKEN_FILE", "");
    check_window(app, set);
    check_values(set);
    for (auto const& number : set.terms.data) {
        if (!is_json_number(number))
            throw failure(exit_status::bad_usage, "--data: '" + printable(number) + "' is no number");
    }
    if (set.tls_certificate.empty() != set.tls_key.empty())
        throw failure(exit_status::bad_usage, "--tls-certificate and --tls-key go together");
    if (!set.address.starts_with("tls://") && !(set.tls_certificate + set.tls_ca).empty())
        throw failure(exit_status::bad_usage,
                      "--tls-ca, --tls-certificate and --tls-key are for tls:// addresses");
    return set;
}

std::string unexpected(CLI::App const& app)
{
    auto const extra = app.remaining(true).front();
    return std::string(extra.starts_with('-')          ? "unknown option "
                       : app.get_subcommands().empty() ? "unknown command "
                                                       : "unexpected ") +
           printable(extra);
}

command_line refuse(CLI::App const& app, std::string const& why)
{
    auto const chosen = app.get_subcommands();
    auto const name = chosen.empty() ? std::string() : chosen.front()->get_name() + " ";
    // NOLINTNEXTLINE(modernize-return-braced-init-list): the other way hides which member is which
    return command_line{std::nullopt,
                        {},
                        "windowctl: " + why + "; see windowctl " + name + "--help\n",
                        static_cast<int>(exit_status::bad_usage)};
}

} // namespace

command_line read_options(std::span<char const* const> arguments)
{
    raw_options raw;
    CLI::App app{"Sends numbers to windowd, and shows what its windows hold.", "windowctl"};
    define(app, raw);
    try {
        std::vector<std::string> all(arguments.begin(), arguments.end());
        std::ranges::reverse(all); // as CLI11 wants them
        app.parse(all);
        return {to_settings(app, raw), {}, {}, 0};
    } catch (CLI::Success const& asked) { // --help or --version
        std::ostringstream output;
        app.exit(asked, output);
        return {std::nullopt, output.str(), {}, 0};
    } catch (CLI::ExtrasError const&) {
        return refuse(app, unexpected(app));
    } catch (CLI::ParseError const& bad) {
        if (app.get_subcommands().empty() && app.remaining().empty() &&
            dynamic_cast<CLI::RequiredError const*>(&bad) != nullptr)
            return refuse(app, "a command is needed");
        if (app.get_subcommands().empty() && !app.remaining().empty())
            return refuse(app, unexpected(app));
        return refuse(app, printable(bad.what()));
    } catch (failure const& bad) {
        return refuse(app, bad.what());
    }
}

} // namespace windowd::ctl
