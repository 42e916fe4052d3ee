// Settings: every one in its three sources, their ranges and units, and what is said of a bad one.
#include "daemon/options.hpp"
#include "protocol/version.hpp"
#include "support/temporary_folder.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <ostream>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace windowd;
using namespace std::chrono_literals;

/// Sets an environment variable while it lives.
class variable {
public:
    variable(std::string name, std::string const& value) : name_(std::move(name))
    {
        setenv(name_.c_str(), value.c_str(), 1);
    }
    variable(variable const&) = delete;
    variable& operator=(variable const&) = delete;
    ~variable() { unsetenv(name_.c_str()); }

private:
    std::string name_;
};

/// A configuration file that is removed in the end.
class file {
public:
    explicit file(std::string const& text) : path_(folder_.write("windowd.toml", text)) {}

    std::string option() const { return "--config=" + path_; }
    std::string const& path() const { return path_; }

private:
    test::temporary_folder folder_;
    std::string path_;
};

daemon::command read(std::vector<std::string> const& arguments)
{
    std::vector<char const*> words;
    for (auto const& one : arguments)
        words.push_back(one.c_str());
    return daemon::read_options(words);
}

daemon::options options_of(std::vector<std::string> const& arguments)
{
    auto const read_ones = read(arguments);
    BOOST_TEST_REQUIRE(read_ones.run.has_value(), read_ones.complaint);
    return *read_ones.run;
}

/// What is complained of arguments that have to be refused.
std::string complaint_of(std::vector<std::string> const& arguments)
{
    auto const refused = read(arguments);
    BOOST_TEST(!refused.run.has_value());
    BOOST_TEST(refused.exit_status == 2);
    BOOST_TEST(refused.output == "");
    return refused.complaint;
}

bool has(std::string const& text, std::string_view part)
{
    return text.find(part) != std::string::npos;
}

/// A setting: its name, values in its notation, and what they are in text.
struct setting {
    char const* name;
    std::vector<std::string> values; // three that are different, none the default
    std::function<std::string(daemon::options const&)> get;
    std::vector<std::string> expected;
};

std::string listeners(daemon::options const& set)
{
    std::string all;
    for (auto const& one : set.listen)
        all += net::to_string(one) + ";";
    return all;
}

std::vector<setting> const& settings()
{
    using daemon::options;
    using std::to_string;
    static std::vector<setting> const all{
        {"listen",
         {"tcp://127.0.0.1:1", "unix:///run/w", "tcp://[::1]:2"},
         listeners,
         {"tcp://127.0.0.1:1;", "unix:///run/w;", "tcp://[::1]:2;"}},
        {"window-size",
         {"1", "10", "9999999"},
         [](options const& set) { return to_string(set.default_window.size); },
         {"1", "10", "9999999"}},
        {"max-connections",
         {"1", "20", "1000000"},
         [](options const& set) { return to_string(set.limits.max_connections); },
         {"1", "20", "1000000"}},
        {"max-connections-per-peer",
         {"1", "20", "1000000"},
         [](options const& set) { return to_string(set.limits.max_connections_per_peer); },
         {"1", "20", "1000000"}},
        {"max-refused-per-peer",
         {"1", "600", "1000000"},
         [](options const& set) { return to_string(set.limits.max_refused_per_peer); },
         {"1", "600", "1000000"}},
        {"max-line",
         {"64", "2KiB", "1GiB"},
         [](options const& set) { return to_string(set.limits.max_line); },
         {"64", "2048", "1073741824"}},
        {"max-window-size",
         {"3", "5", "2147483647"},
         [](options const& set) { return to_string(set.limits.windows.max_window_size); },
         {"3", "5", "2147483647"}},
        {"max-windows",
         {"0", "7", "10000000"},
         [](options const& set) { return to_string(set.limits.windows.max_windows); },
         {"0", "7", "10000000"}},
        {"window-idle-expiry",
         {"90", "250ms", "8760h"},
         [](options const& set) { return to_string(set.limits.windows.idle_expiry); },
         {"90.000000", "0.250000", "31536000.000000"}},
        {"max-event-buffer",
         {"4096", "2MiB", "1GiB"},
         [](options const& set) { return to_string(set.limits.max_event_buffer); },
         {"4096", "2097152", "1073741824"}},
        {"idle-timeout",
         {"90", "250ms", "24h"},
         [](options const& set) { return to_string(set.limits.idle_timeout.count()); },
         {"90000", "250", "86400000"}},
        {"write-timeout",
         {"0", "1.5s", "5min"},
         [](options const& set) { return to_string(set.limits.write_timeout.count()); },
         {"0", "1500", "300000"}},
        {"shutdown-timeout",
         {"0", "57ms", "1h"},
         [](options const& set) { return to_string(set.shutdown_timeout.count()); },
         {"0", "57", "3600000"}},
        {"metrics",
         {"tcp://127.0.0.1:6921", "unix:///run/m", "tcp://[::1]:2"},
         [](options const& set) { return set.metrics ? net::to_string(*set.metrics) : std::string(); },
         {"tcp://127.0.0.1:6921", "unix:///run/m", "tcp://[::1]:2"}},
        {"token-file",
         {"/etc/tokens", "tokens", "./a b"},
         [](options const& set) { return set.token_file; },
         {"/etc/tokens", "tokens", "./a b"}},
        {"log-level",
         {"trace", "warning", "off"},
         [](options const& set) { return std::string(spdlog::level::to_string_view(set.log_level).data()); },
         {"trace", "warning", "off"}},
    };
    return all;
}

std::string environment_name(std::string name)
{
    for (auto& c : name)
        c = c == '-' ? '_' : static_cast<char>(std::toupper(c));
    return "WINDOWD_" + name;
}

} // namespace

BOOST_AUTO_TEST_SUITE(settings_and_sources)

BOOST_AUTO_TEST_CASE(the_defaults_are_those_of_the_code)
{
    auto const set = options_of({});
    daemon::options const defaults;
    for (auto const& one : settings())
        BOOST_TEST(one.get(set) == one.get(defaults), one.name);
    BOOST_TEST(listeners(set) == "tcp://127.0.0.1:6920;");
}

BOOST_AUTO_TEST_CASE(every_setting_can_be_given_on_the_command_line)
{
    for (auto const& one : settings()) {
        for (std::size_t i = 0; i < one.values.size(); ++i) {
            BOOST_TEST(one.get(options_of({"--" + std::string(one.name) + "=" + one.values[i]})) ==
                       one.expected[i]);
            BOOST_TEST(one.get(options_of({"--" + std::string(one.name), one.values[i]})) == one.expected[i]);
        }
    }
}

BOOST_AUTO_TEST_CASE(every_setting_can_be_given_in_the_environment)
{
    for (auto const& one : settings()) {
        for (std::size_t i = 0; i < one.values.size(); ++i) {
            variable const set(environment_name(one.name), one.values[i]);
            BOOST_TEST(one.get(options_of({})) == one.expected[i]);
        }
    }
}

BOOST_AUTO_TEST_CASE(every_setting_can_be_given_in_the_file)
{
    for (auto const& one : settings()) {
        for (std::size_t i = 0; i < one.values.size(); ++i) {
            file const config(std::string(one.name) + " = \"" + one.values[i] + "\"\n");
            BOOST_TEST(one.get(options_of({config.option()})) == one.expected[i]);
        }
    }
}

BOOST_AUTO_TEST_CASE(the_command_line_wins_over_the_environment_which_wins_over_the_file)
{
    for (auto const& one : settings()) {
        file const config(std::string(one.name) + " = \"" + one.values[0] + "\"\n");
        variable const set(environment_name(one.name), one.values[1]);
        BOOST_TEST(one.get(options_of({config.option()})) == one.expected[1]);
        auto const name = "--" + std::string(one.name);
        BOOST_TEST(one.get(options_of({config.option(), name + "=" + one.values[2]})) == one.expected[2]);
        BOOST_TEST(one.get(options_of({name, one.values[2], config.option()})) == one.expected[2]);
    }
}

BOOST_AUTO_TEST_CASE(the_shipped_file_has_every_setting_at_its_default)
{
    auto const path = std::string(WINDOWD_SOURCE_DIR) + "/config/windowd.toml";
    auto const set = options_of({"--config", path});
    daemon::options const defaults;
    for (auto const& one : settings())
        BOOST_TEST(one.get(set) == one.get(defaults), one.name);

    std::ifstream shipped(path);
    std::string text;
    for (std::string line; std::getline(shipped, line);)
        text += "\n" + (line.starts_with("# listen") ? line.substr(2) : line);
    for (auto const& one : settings())
        BOOST_TEST(has(text, "\n" + std::string(one.name) + " = "), one.name);
    for (auto const* const name : {"insecure", "tls-certificate", "tls-key", "tls-client-ca"})
        BOOST_TEST(has(text, "\n" + std::string(name) + " = "), name);
}

BOOST_AUTO_TEST_CASE(whether_anybody_has_said_where_to_listen_is_known)
{
    BOOST_TEST(options_of({}).listen_is_default);
    BOOST_TEST(!options_of({"--listen=tcp://127.0.0.1:6920"}).listen_is_default);
    file const config("listen = \"tcp://127.0.0.1:6920\"\n");
    BOOST_TEST(!options_of({config.option()}).listen_is_default);
    // So that the shipped file does not stand in the way of sockets that the service manager passes.
    BOOST_TEST(options_of({"--config=" + std::string(WINDOWD_SOURCE_DIR) + "/config/windowd.toml"})
                   .listen_is_default);
}

BOOST_AUTO_TEST_CASE(an_address_that_others_can_reach_needs_tokens_or_insecure)
{
    for (auto const* const address : {"tcp://0.0.0.0:1", "tcp://[::]:1", "tcp://192.0.2.1:1"}) {
        auto const listen = std::string("--listen=") + address;
        auto const complaint = complaint_of({listen});
        BOOST_TEST(has(complaint, "--token-file"));
        BOOST_TEST(has(complaint, "--insecure"));
        BOOST_TEST(listeners(options_of({listen, "--insecure"})) == std::string(address) + ";");
        BOOST_TEST(listeners(options_of({listen, "--token-file=t"})) == std::string(address) + ";");
        BOOST_TEST(has(complaint_of({std::string("--metrics=") + address, "--token-file=t"}), "--insecure"));
        BOOST_TEST(options_of({std::string("--metrics=") + address, "--insecure"}).metrics.has_value());
    }
    for (auto const* const address : {"tcp://127.0.0.2:1", "tcp://[::1]:1", "tcp://localhost:1"})
        BOOST_TEST(listeners(options_of({std::string("--listen=") + address})) == std::string(address) + ";");
}

BOOST_AUTO_TEST_CASE(insecure_is_a_flag_in_every_source)
{
    BOOST_TEST(!options_of({}).insecure);
    BOOST_TEST(options_of({"--insecure"}).insecure);
    BOOST_TEST(!options_of({"--insecure=false"}).insecure);
    BOOST_TEST(options_of({file("insecure = true\n").option()}).insecure);
    BOOST_TEST(!options_of({file("insecure = false\n").option()}).insecure);
    variable const set("WINDOWD_INSECURE", "true");
    BOOST_TEST(options_of({}).insecure);
    BOOST_TEST(!options_of({"--insecure=false"}).insecure);
}

BOOST_AUTO_TEST_CASE(a_certificate_comes_with_its_key_and_an_authority_with_both)
{
    std::string const certificate = "--tls-certificate=c.pem";
    std::string const key = "--tls-key=k.pem";
    std::string const authority = "--tls-client-ca=a.pem";
    auto const set = options_of({certificate, key, authority, "--listen=tls://127.0.0.1:1"});
    BOOST_TEST(set.tls_certificate == "c.pem");
    BOOST_TEST(set.tls_key == "k.pem");
    BOOST_TEST(set.tls_client_ca == "a.pem");
    BOOST_TEST(has(complaint_of({certificate}), "--tls-key"));
    BOOST_TEST(has(complaint_of({key}), "--tls-certificate"));
    BOOST_TEST(has(complaint_of({authority}), "--tls-client-ca"));
    BOOST_TEST(has(complaint_of({"--listen=tls://127.0.0.1:1"}), "--tls-certificate"));
    BOOST_TEST(has(complaint_of({"--metrics=tls://127.0.0.1:1", certificate, key}), "--metrics"));
}

BOOST_AUTO_TEST_CASE(listen_is_repeatable_in_every_source)
{
    std::string const both = "tcp://127.0.0.1:1;unix:///run/w;";
    BOOST_TEST(listeners(options_of({"--listen", "tcp://127.0.0.1:1", "--listen=unix:///run/w"})) == both);
    BOOST_TEST(listeners(options_of({"--listen=tcp://127.0.0.1:1,unix:///run/w"})) == both);
    file const config("listen = [\"tcp://127.0.0.1:1\", \"unix:///run/w\"]\n");
    BOOST_TEST(listeners(options_of({config.option()})) == both);
    variable const set("WINDOWD_LISTEN", "tcp://127.0.0.1:1,unix:///run/w");
    BOOST_TEST(listeners(options_of({})) == both);
}

BOOST_AUTO_TEST_CASE(what_is_given_twice_counts_the_last_time)
{
    BOOST_TEST(options_of({"--window-size=5", "--window-size=7"}).default_window.size == 7U);
}

BOOST_AUTO_TEST_CASE(the_environment_can_name_the_file)
{
    file const config("window-size = 17\n");
    variable const set("WINDOWD_CONFIG", config.path());
    BOOST_TEST(options_of({}).default_window.size == 17U);
}

BOOST_AUTO_TEST_CASE(an_empty_variable_is_as_good_as_none)
{
    for (auto const& one : settings()) {
        variable const set(environment_name(one.name), "");
        BOOST_TEST(one.get(options_of({"--config=" + std::string(WINDOWD_SOURCE_DIR) +
                                       "/config/windowd.toml"})) == one.get(daemon::options()));
    }
}

BOOST_AUTO_TEST_CASE(a_duration_that_is_not_0_never_becomes_0)
{
    BOOST_TEST(options_of({"--idle-timeout=0.1ms"}).limits.idle_timeout.count() == 1);
    BOOST_TEST(options_of({"--idle-timeout=0"}).limits.idle_timeout.count() == 0);
    for (int i = 1; i < 1000; ++i)
        BOOST_TEST(options_of({"--idle-timeout=" + std::to_string(i) + "ms"}).limits.idle_timeout.count() ==
                   i);
}

BOOST_AUTO_TEST_CASE(a_default_window_larger_than_the_limit_set_shrinks_and_a_given_one_is_refused)
{
    BOOST_TEST(options_of({"--max-window-size=2"}).default_window.size == 2U);
    BOOST_TEST(has(complaint_of({"--max-window-size=2", "--window-size=3"}), "--window-size"));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(bad_settings)

BOOST_AUTO_TEST_CASE(a_value_out_of_range_is_refused_by_name)
{
    for (auto const& [name, value] :
         std::vector<std::pair<std::string, std::string>>{{"window-size", "0"},
                                                          {"window-size", "2147483648"},
                                                          {"window-size", "-1"},
                                                          {"window-size", "1.5"},
                                                          {"window-size", "three"},
                                                          {"max-connections", "0"},
                                                          {"max-connections", "1e9"},
                                                          {"max-connections-per-peer", "1000001"},
                                                          {"max-refused-per-peer", "-1"},
                                                          {"max-line", "63"},
                                                          {"max-line", "-18446744073709551552"},
                                                          {"window-size", "-18446744073709551611"},
                                                          {"max-line", "2GiB"},
                                                          {"max-line", "1MB"},
                                                          {"max-window-size", "0"},
                                                          {"max-windows", "-1"},
                                                          {"max-windows", "10000001"},
                                                          {"window-idle-expiry", "-1"},
                                                          {"window-idle-expiry", "8761h"},
                                                          {"window-idle-expiry", "nan"},
                                                          {"window-idle-expiry", "never"},
                                                          {"max-event-buffer", "4095"},
                                                          {"max-event-buffer", "1025MiB"},
                                                          {"max-event-buffer", "1MB"},
                                                          {"idle-timeout", "-1"},
                                                          {"idle-timeout", "25h"},
                                                          {"idle-timeout", "nan"},
                                                          {"idle-timeout", "inf"},
                                                          {"write-timeout", "5 days"},
                                                          {"shutdown-timeout", "soon"},
                                                          {"log-level", "loud"},
                                                          {"log-level", "INFO"},
                                                          {"listen", "localhost:6920"},
                                                          {"listen", "tcp://localhost:65536"}}) {
        BOOST_TEST_CONTEXT(name << "=" << value)
        {
            std::string option = "--" + name;
            option += "=" + value;
            BOOST_TEST(has(complaint_of({option}), "--" + name));
            {
                variable const set(environment_name(name), value);
                BOOST_TEST(has(complaint_of({}), "--" + name));
            }
            file const config(name + " = \"" + value + "\"\n");
            BOOST_TEST(has(complaint_of({config.option()}), name));
        }
    }
}

BOOST_AUTO_TEST_CASE(a_misspelt_option_is_named)
{
    BOOST_TEST(has(complaint_of({"--window-sise=5"}), "--window-sise"));
    BOOST_TEST(has(complaint_of({"--window-sise", "5"}), "--window-sise"));
    BOOST_TEST(has(complaint_of({"--window"}), "--window"));
    BOOST_TEST(has(complaint_of({"-p", "5"}), "-p"));
    BOOST_TEST(has(complaint_of({"serve"}), "serve"));
}

BOOST_AUTO_TEST_CASE(a_misspelt_key_is_named)
{
    for (auto const* const key :
         {"window-sise", "window_size", "Window-Size", "check-config", "version", "help"})
        BOOST_TEST(has(complaint_of({file(std::string(key) + " = 5\n").option()}), key));
    BOOST_TEST(has(complaint_of({file("[limits]\nmax-line = 100\n").option()}), "unknown table [limits]"));
}

BOOST_AUTO_TEST_CASE(a_key_stands_once_with_one_value)
{
    for (auto const* const text : {"max-line = 100\nmax-line = 200\n", "max-line = [100, 200]\n",
                                   "max-line = 100\nwindow-size = 3\nmax-line = 200\n"})
        BOOST_TEST(
            has(complaint_of({file(text).option()}), "key max-line stands there once, with one value"));
}

BOOST_AUTO_TEST_CASE(a_variable_that_is_no_setting_is_warned_of)
{
    variable const set("WINDOWD_WINDOW_SISE", "5");
    auto const read = daemon::read_options({});
    BOOST_TEST_REQUIRE(read.run.has_value());
    BOOST_TEST_REQUIRE(read.warnings.size() == 1U);
    BOOST_TEST(has(read.warnings[0], "WINDOWD_WINDOW_SISE"));
}

BOOST_AUTO_TEST_CASE(a_file_that_is_not_there_is_named)
{
    BOOST_TEST(has(complaint_of({"--config=/nonexistent/w.toml"}), "/nonexistent/w.toml"));
}

BOOST_AUTO_TEST_CASE(a_complaint_is_one_line)
{
    BOOST_TEST(complaint_of({"--window-sise=5"}) == "unknown option --window-sise=5");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(questions)

BOOST_AUTO_TEST_CASE(the_version_is_printed)
{
    auto const asked = read({"--version"});
    BOOST_TEST(!asked.run.has_value());
    BOOST_TEST(asked.exit_status == 0);
    BOOST_TEST(asked.output == "windowd " + std::string(protocol::version) + " (protocol 1)\n");
    BOOST_TEST(asked.complaint == "");
}

BOOST_AUTO_TEST_CASE(the_help_names_every_setting_and_its_variable)
{
    auto const asked = read({"--help"});
    BOOST_TEST(!asked.run.has_value());
    BOOST_TEST(asked.exit_status == 0);
    for (auto const& one : settings()) {
        BOOST_TEST(has(asked.output, "--" + std::string(one.name)));
        BOOST_TEST(has(asked.output, environment_name(one.name)));
    }
    BOOST_TEST(asked.complaint == "");
}

BOOST_AUTO_TEST_CASE(a_configuration_is_checked)
{
    auto const good = read({"--check-config", "--window-size=5"});
    BOOST_TEST(good.run.has_value());
    BOOST_TEST(good.check_only);
    BOOST_TEST(!read({"--window-size=5"}).check_only);
    BOOST_TEST(has(complaint_of({"--check-config", "--window-size=0"}), "--window-size"));
}

BOOST_AUTO_TEST_SUITE_END()
