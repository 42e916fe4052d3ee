// The one definition of all settings.
#include "daemon/options.hpp"

#include "protocol/version.hpp"

#include <CLI/CLI.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <variant>

#include <unistd.h>

namespace windowd::daemon {
namespace {

constexpr std::string_view environment_prefix = "WINDOWD_";

// The exit status by which a service manager knows that starting again will not help.
constexpr int bad_usage = 2;

// exact_sum's limit.
constexpr std::uint64_t largest_window = (std::uint64_t{1} << 31) - 1;

/// The settings as they are written, and what else the command line may ask for.
struct raw_options {
    std::vector<std::string> listen;
    std::uint64_t window_size;
    std::uint64_t max_connections;
    std::uint64_t max_connections_per_peer;
    std::uint64_t max_refused_per_peer;
    std::uint64_t max_line;
    std::uint64_t max_window_size;
    std::uint64_t max_windows;
    std::uint64_t max_event_buffer;
    double window_idle_expiry; // seconds, as all durations
    double idle_timeout;
    double write_timeout;
    std::uint64_t threads;
    double shutdown_timeout;
    std::string metrics;
    std::string token_file;
    bool insecure = false;
    std::string tls_certificate;
    std::string tls_key;
    std::string tls_client_ca;
    std::string log_level;
    bool check_config = false;

    explicit raw_options(options const& defaults)
        : window_size(defaults.default_window.size),
          max_connections(defaults.limits.max_connections),
          max_connections_per_peer(defaults.limits.max_connections_per_peer),
          max_refused_per_peer(defaults.limits.max_refused_per_peer),
          max_line(defaults.limits.max_line),
          max_window_size(defaults.limits.windows.max_window_size),
          max_windows(defaults.limits.windows.max_windows),
          max_event_buffer(defaults.limits.max_event_buffer),
          window_idle_expiry(defaults.limits.windows.idle_expiry),
          idle_timeout(seconds(defaults.limits.idle_timeout)),
          write_timeout(seconds(defaults.limits.write_timeout)),
          threads(defaults.threads),
          shutdown_timeout(seconds(defaults.shutdown_timeout)),
          log_level(spdlog::level::to_string_view(defaults.log_level).data())
    {
        for (auto const& address : defaults.listen)
            listen.push_back(to_string(address));
    }

    static double seconds(std::chrono::milliseconds duration)
    {
        return static_cast<double>(duration.count()) / 1000;
    }
};

CLI::Validator address_validator(bool may_be_tls)
{
    return {[may_be_tls](std::string const& text) -> std::string {
                if (text.empty())
                    return may_be_tls ? "an address is missing" : "";
                try {
                    auto const address = net::parse_listen_address(text);
                    if (!may_be_tls && std::holds_alternative<net::tls_address>(address))
                        return "metrics are served at tcp:// or unix:// addresses";
                } catch (std::invalid_argument const& bad) {
                    return bad.what();
                }
                return {};
            },
            "ADDRESS"};
}

std::string environment_name(std::string const& option)
{
    auto name = std::string(environment_prefix) + option;
    std::ranges::transform(name, name.begin(), [](char c) {
        return c == '-' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    });
    return name;
}

/// The configuration file, stricter than CLI11: a key stands once, with one value, and there are no tables.
class strict_file final : public CLI::ConfigTOML {
public:
    std::vector<CLI::ConfigItem> from_config(std::istream& input) const override
    {
        auto found = CLI::ConfigTOML::from_config(input);
        std::set<std::string> names;
        for (auto const& item : found) {
            if (!item.parents.empty())
                throw CLI::ConfigError("unknown table [" + item.parents.front() + "]");
            auto const is_single = item.inputs.size() == 1 || item.name == "listen";
            if (!is_single || !names.insert(item.name).second)
                throw CLI::ConfigError("key " + item.name + " stands there once, with one value");
        }
        return found;
    }
};

/// Options of which it matters whether they were given. Kept, since to look one up by its name CLI11 2.1 takes memory where
/// it may not throw.
struct defined_options {
    CLI::Option const* listen;
    CLI::Option const* window_size;
};

defined_options define(CLI::App& app, raw_options& raw)
{
    std::map<std::string, double> const durations{{"ms", 0.001}, {"s", 1}, {"min", 60}, {"h", 3600}};
    std::map<std::string, std::uint64_t> const sizes{
        {"KiB", std::uint64_t{1} << 10}, {"MiB", std::uint64_t{1} << 20}, {"GiB", std::uint64_t{1} << 30}};
    constexpr double day = 86400;
    constexpr double year = 365 * day;
    constexpr auto as_duration = CLI::AsNumberWithUnit::Options(CLI::AsNumberWithUnit::CASE_SENSITIVE |
                                                                CLI::AsNumberWithUnit::UNIT_OPTIONAL);

    auto const add = [&app](char const* name, auto& value, char const* purpose) {
        auto* const option = app.add_option(std::string("--") + name, value, purpose);
        return option->envname(environment_name(name))->capture_default_str();
    };
    auto const add_flag = [&app](char const* name, bool& value, char const* purpose) {
        app.add_flag(std::string("--") + name, value, purpose)->envname(environment_name(name))->take_last();
    };
    // CLI11 2.1 reads a negative number modulo 2^64.
    CLI::Validator const not_negative(
        [](std::string const& text) {
            return text.starts_with('-') ? "Value " + text + " is negative" : std::string();
        },
        "");
    auto const add_count = [&](char const* name, std::uint64_t& value, std::uint64_t least,
                               std::uint64_t most, char const* purpose) {
        return add(name, value, purpose)->check(not_negative)->check(CLI::Range(least, most))->take_last();
    };
    auto const add_duration = [&](char const* name, double& value, double most, char const* purpose) {
        add(name, value, purpose)
            ->transform(CLI::AsNumberWithUnit(durations, as_duration, "SECONDS"))
            ->check(CLI::Range(0.0, most))
            ->take_last();
    };
    auto const add_size = [&](char const* name, std::uint64_t& value, std::uint64_t least,
                              char const* purpose) {
        add(name, value, purpose)
            ->transform(CLI::AsNumberWithUnit(sizes, as_duration, "BYTES"))
            ->transform(not_negative)
            ->check(CLI::Range(least, std::uint64_t{1} << 30))
            ->take_last();
    };

    app.set_config("--config", "", "read settings from this file; see config/windowd.toml")
        ->envname(environment_name("config"))
        ->take_last();
    auto const* const listen =
        add("listen", raw.listen,
            "where to listen: tcp://HOST:PORT (port 0: any), tls://HOST:PORT or unix:///PATH; repeatable")
            ->check(address_validator(true))
            ->delimiter(',');
    add("metrics", raw.metrics, "serve metrics over HTTP there: tcp://HOST:PORT or unix:///PATH")
        ->check(address_validator(false))
        ->take_last();
    add("token-file", raw.token_file, "whom to serve: lines of RIGHT TOKEN [NAME], RIGHT is read or write")
        ->take_last();
    add_flag("insecure", raw.insecure, "let others than this machine reach listeners that ask for no token");
    add("tls-certificate", raw.tls_certificate,
        "the certificate of tls:// listeners, and its chain: a PEM file")
        ->take_last();
    add("tls-key", raw.tls_key, "the key of that certificate: a PEM file")->take_last();
    add("tls-client-ca", raw.tls_client_ca, "clients need a certificate of these authorities: a PEM file")
        ->take_last();
    auto const* const window_size = add_count("window-size", raw.window_size, 1, largest_window,
                                              "values in a connection's window, unless it opens another");
    add_count("max-connections", raw.max_connections, 1, 1'000'000,
              "connections at a time; more are turned away");
    add_count(
        "max-connections-per-peer", raw.max_connections_per_peer, 0, 1'000'000,
        "connections of one peer (address, or user of a Unix socket) at a time; 0: no limit of its own");
    add_count("max-refused-per-peer", raw.max_refused_per_peer, 0, 1'000'000,
              "requests of one peer that may be refused in a minute; then it has to wait; 0: any number");
    add_size("max-line", raw.max_line, 64, "bytes of a request line; a longer one is refused");
    add_count("max-window-size", raw.max_window_size, 1, largest_window,
              "values in any window, at 8 bytes each");
    add_count("max-windows", raw.max_windows, 0, 10'000'000, "shared windows at a time; no more are made");
    add_duration("window-idle-expiry", raw.window_idle_expiry, year,
                 "close a shared window that nobody uses for so long; 0: never");
    add_size("max-event-buffer", raw.max_event_buffer, 4096,
             "bytes of undelivered events of a connection; the oldest are lost");
    add_duration("idle-timeout", raw.idle_timeout, day,
                 "close a connection that sends nothing for so long; 0: never");
    add_duration("write-timeout", raw.write_timeout, day,
                 "close a connection that reads nothing for so long; 0: never");
    add_count("threads", raw.threads, 0, 1024, "threads that serve clients; 0: one for each processor");
    add_duration("shutdown-timeout", raw.shutdown_timeout, day,
                 "how long stopping may take, for clients that do not read");
    add("log-level", raw.log_level, "trace, debug, info, warning, error or off")
        ->check(CLI::IsMember({"trace", "debug", "info", "warning", "error", "off"}))
        ->take_last();
    app.add_flag("--check-config", raw.check_config, "say whether the configuration is valid, and exit")
        ->configurable(false);
    app.set_version_flag("--version", "windowd " + std::string(protocol::version) + " (protocol 1)")
        ->configurable(false);
    app.get_help_ptr()->configurable(false);
    app.allow_config_extras(CLI::config_extras_mode::error);
    app.config_formatter(std::make_shared<strict_file>());
    return {listen, window_size};
}

/// Variables that look like settings and are none: a typo, or another program's.
std::vector<std::string> unknown_variables(CLI::App const& app)
{
    std::vector<std::string> unknown;
    for (char const* const* variable = environ; *variable != nullptr; ++variable) {
        auto const text = std::string_view(*variable);
        auto const name = text.substr(0, text.find('='));
        auto const is_its = [name](CLI::Option const* option) { return option->get_envname() == name; };
        if (name.starts_with(environment_prefix) && std::ranges::none_of(app.get_options(), is_its))
            unknown.push_back("the environment variable " + std::string(name) + " is no setting of windowd");
    }
    return unknown;
}

/// The environment as arguments that stand before the user's own, which win: CLI11 would let the file win
/// over it.
std::vector<std::string> arguments_from_environment(CLI::App const& app,
                                                    std::span<char const* const> arguments)
{
    std::vector<std::string> found;
    for (auto const* const option : app.get_options()) {
        auto const name = "--" + option->get_lnames().front();
        auto const is_this = [&name](std::string_view given) {
            return given == name || given.starts_with(name + "=");
        };
        // NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread, and nothing has changed the environment
        auto const* const value = std::getenv(option->get_envname().c_str());
        auto const is_set = value != nullptr && *value != '\0'; // empty is how a script unsets one
        if (!option->get_envname().empty() && is_set && std::ranges::none_of(arguments, is_this))
            found.push_back(name + "=" + value);
    }
    return found;
}

std::string first_unknown(CLI::App const& app)
{
    auto const unknown = app.remaining();
    auto const is_option = [](std::string const& argument) { return argument.starts_with('-'); };
    auto const option = std::ranges::find_if(unknown, is_option);
    return option != unknown.end() ? *option : unknown.front();
}

std::string in_our_words(std::string message)
{
    constexpr std::string_view unknown_key = "INI was not able to parse ";
    if (message.starts_with(unknown_key))
        message.replace(0, unknown_key.size(), "unknown key ");
    return message;
}

/// Whether it is an address, not a name, and one that others than this machine can reach.
bool is_open_to_others(net::listen_address const& address)
{
    auto const is_open = [](net::tcp_address const& tcp) {
        boost::system::error_code is_name;
        auto const host = boost::asio::ip::make_address(tcp.host, is_name);
        return !is_name && !net::is_local(boost::asio::ip::tcp::endpoint(host, tcp.port));
    };
    if (auto const* const tcp = std::get_if<net::tcp_address>(&address))
        return is_open(*tcp);
    auto const* const tls = std::get_if<net::tls_address>(&address);
    return tls != nullptr && is_open(*tls);
}

/// What one option alone does not show.
void check_together(raw_options const& raw)
{
    if (raw.window_size > raw.max_window_size)
        throw CLI::ValidationError("--window-size", "is larger than --max-window-size");
    if (raw.tls_certificate.empty() != raw.tls_key.empty())
        throw CLI::ValidationError(raw.tls_key.empty() ? "--tls-key" : "--tls-certificate",
                                   "is missing: a certificate and its key go together");
    if (raw.tls_certificate.empty() && !raw.tls_client_ca.empty())
        throw CLI::ValidationError("--tls-client-ca", "needs --tls-certificate and --tls-key");
    auto const is_tls = [](std::string const& text) {
        return std::holds_alternative<net::tls_address>(net::parse_listen_address(text));
    };
    if (raw.tls_certificate.empty() && std::ranges::any_of(raw.listen, is_tls))
        throw CLI::ValidationError("--listen", "a tls:// address needs --tls-certificate and --tls-key");
    // Of names it is known only when they are looked up.
    for (auto const& text : raw.listen)
        if (is_open_to_others(net::parse_listen_address(text)) && raw.token_file.empty() && !raw.insecure)
            throw CLI::ValidationError("--listen", "others than this machine could reach " + text +
                                                       ": give it a --token-file, or say --insecure");
    if (!raw.metrics.empty() && is_open_to_others(net::parse_listen_address(raw.metrics)) && !raw.insecure)
        throw CLI::ValidationError("--metrics", "others than this machine could reach " + raw.metrics +
                                                    ": say --insecure if they may");
}

command refuse(std::string const& why)
{
    return {.complaint = why, .exit_status = bad_usage};
}

options to_options(raw_options const& raw)
{
    auto const duration = [](double seconds) {
        auto const least = seconds > 0 ? 1 : 0; // 0 would be no limit
        return std::chrono::milliseconds(std::max<std::int64_t>(std::llround(seconds * 1000), least));
    };
    options set;
    set.listen.clear();
    for (auto const& address : raw.listen)
        set.listen.push_back(net::parse_listen_address(address));
    if (!raw.metrics.empty())
        set.metrics = net::parse_listen_address(raw.metrics);
    set.token_file = raw.token_file;
    set.insecure = raw.insecure;
    set.tls_certificate = raw.tls_certificate;
    set.tls_key = raw.tls_key;
    set.tls_client_ca = raw.tls_client_ca;
    set.default_window.size = raw.window_size;
    set.limits.max_connections = raw.max_connections;
    set.limits.max_connections_per_peer = raw.max_connections_per_peer;
    set.limits.max_refused_per_peer = raw.max_refused_per_peer;
    set.limits.max_line = raw.max_line;
    set.limits.windows.max_window_size = raw.max_window_size;
    set.limits.windows.max_windows = raw.max_windows;
    set.limits.windows.idle_expiry = raw.window_idle_expiry;
    set.limits.max_event_buffer = raw.max_event_buffer;
    set.limits.idle_timeout = duration(raw.idle_timeout);
    set.limits.write_timeout = duration(raw.write_timeout);
    set.threads = raw.threads;
    set.shutdown_timeout = duration(raw.shutdown_timeout);
    set.log_level = spdlog::level::from_str(raw.log_level);
    return set;
}

} // namespace

command read_options(std::span<char const* const> arguments)
{
    raw_options raw{options()};
    CLI::App app{"Answers a stream of numbers with rolling statistics, over TCP, one JSON line at a time.",
                 "windowd"};
    auto const defined = define(app, raw);
    try {
        auto all = arguments_from_environment(app, arguments);
        all.insert(all.end(), arguments.begin(), arguments.end());
        std::ranges::reverse(all); // as CLI11 wants them
        app.parse(all);
        if (defined.window_size->empty())
            raw.window_size = std::min(raw.window_size, raw.max_window_size);
        check_together(raw);
    } catch (CLI::ExtrasError const&) {
        return refuse("unknown option " + first_unknown(app));
    } catch (CLI::ConfigError const& bad) {
        return refuse("configuration file: " + in_our_words(bad.what()));
    } catch (CLI::Success const& asked) { // --help or --version
        std::ostringstream output;
        app.exit(asked, output);
        return {.output = output.str()};
    } catch (CLI::ParseError const& bad) {
        return refuse(bad.what());
    }
    auto set = to_options(raw);
    set.listen_is_default = defined.listen->empty();
    return {.run = std::move(set), .check_only = raw.check_config, .warnings = unknown_variables(app)};
}

} // namespace windowd::daemon
