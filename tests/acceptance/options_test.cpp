// The command line, the environment and the configuration file, as the daemon answers to them.
#include "acceptance/client.hpp"
#include "acceptance/daemon_process.hpp"

#include <boost/json/serialize.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace {

using namespace windowd::test;

std::string const shipped_file = std::string(WINDOWD_SOURCE_DIR) + "/config/windowd.toml";

finished run_windowd(std::vector<std::string> const& options, variables const& environment = {})
{
    std::vector<std::string> words{daemon_path()};
    words.insert(words.end(), options.begin(), options.end());
    return run_to_end(words, environment);
}

/// That it is refused with status 2 and a message that has `named` in it.
void check_refused(std::vector<std::string> const& options, std::string const& named,
                   variables const& environment = {})
{
    BOOST_TEST_CONTEXT("it should name " << named)
    {
        auto const ended = run_windowd(options, environment);
        BOOST_TEST(ended.end.status == 2);
        BOOST_TEST(ended.output == "");
        BOOST_TEST(ended.error_text.find(named) != std::string::npos, ended.error_text);
    }
}

/// max_line, which stands for any setting, of a daemon that is started like this.
std::size_t max_line_with(std::vector<std::string> const& options, variables const& environment = {})
{
    daemon_process const daemon(options, environment);
    return client(daemon.address()).info("limits", "max_line");
}

/// The part of info that is settings, and the default window.
std::string settings_of(daemon_process const& daemon)
{
    client one(daemon.address());
    auto const info = parsed(one.ask(R"({"op":"info"})"));
    auto const opened = parsed(one.ask(R"({"op":"open"})"));
    return boost::json::serialize(info.at("limits")) + boost::json::serialize(opened);
}

} // namespace

BOOST_AUTO_TEST_SUITE(options)

BOOST_AUTO_TEST_CASE(the_version_is_told)
{
    auto const told = run_windowd({"--version"});
    BOOST_TEST(told.end.status == 0);
    BOOST_TEST(told.output.starts_with("windowd "));
    BOOST_TEST(told.error_text == "");
    daemon_process const daemon;
    auto const version = parsed(client(daemon.address()).ask(R"({"op":"info"})")).at("version");
    BOOST_TEST(told.output.find(version.as_string().c_str()) != std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_help_lists_every_option_with_its_default)
{
    auto const told = run_windowd({"--help"});
    BOOST_TEST(told.end.status == 0);
    for (auto const* const part : {"--config",
                                   "--listen",
                                   "tcp://127.0.0.1:6920",
                                   "--window-size",
                                   "--max-connections",
                                   "10000",
                                   "--max-connections-per-peer",
                                   "--max-refused-per-peer",
                                   "--max-line",
                                   "1048576",
                                   "--max-window-size",
                                   "10000000",
                                   "--max-windows",
                                   "--window-idle-expiry",
                                   "--max-event-buffer",
                                   "4194304",
                                   "--idle-timeout",
                                   "--write-timeout",
                                   "60",
                                   "--shutdown-timeout",
                                   "--log-level",
                                   "info",
                                   "--check-config",
                                   "--version",
                                   "WINDOWD_MAX_LINE"})
        BOOST_TEST(told.output.find(part) != std::string::npos, part);
}

BOOST_AUTO_TEST_CASE(what_is_misspelt_is_refused_by_name)
{
    temporary_folder const folder;
    check_refused({"--max-lines=100"}, "--max-lines");
    check_refused({"--lisen", "tcp://127.0.0.1:0"}, "--lisen");
    check_refused({"-x"}, "-x");
    check_refused({"start"}, "start");
    check_refused({"--config=" + folder.write("key.toml", "max-lines = 100\n")}, "max-lines");
    check_refused({"--config=" + folder.write("table.toml", "[server]\nmax-line = 100\n")}, "server");
    check_refused({"--config=" + (folder.path() / "missing.toml").string()}, "missing.toml");
    check_refused({"--config=" + folder.write("version.toml", "version = true\n")}, "version");
}

BOOST_AUTO_TEST_CASE(a_bad_value_is_refused_with_the_name_of_the_setting)
{
    temporary_folder const folder;
    check_refused({"--max-line=many"}, "--max-line");
    check_refused({"--max-line=1"}, "--max-line");
    check_refused({"--window-size=0"}, "--window-size");
    check_refused({"--log-level=loud"}, "--log-level");
    check_refused({"--listen=localhost"}, "--listen");
    check_refused({"--idle-timeout=-1"}, "--idle-timeout");
    check_refused({"--max-line"}, "--max-line");
    check_refused({}, "--max-line", {{"WINDOWD_MAX_LINE", "many"}});
    check_refused({}, "--log-level", {{"WINDOWD_LOG_LEVEL", "loud"}});
    check_refused({}, "--listen", {{"WINDOWD_LISTEN", "udp://127.0.0.1:1"}});
    check_refused({}, "missing.toml", {{"WINDOWD_CONFIG", "/nonexistent/missing.toml"}});
    check_refused({"--config=" + folder.write("value.toml", "max-line = \"many\"\n")}, "max-line");
}

BOOST_AUTO_TEST_CASE(a_configuration_can_be_checked_without_running)
{
    temporary_folder const folder;
    auto const good = run_windowd({"--check-config", "--config", shipped_file});
    BOOST_TEST(good.end.status == 0);
    BOOST_TEST(good.output == "the configuration is valid\n");
    check_refused({"--check-config", "--config=" + folder.write("bad.toml", "max-lime = 100\n")}, "max-lime");
    check_refused({"--check-config", "--window-size=5", "--max-window-size=4"}, "--window-size");
}

BOOST_AUTO_TEST_CASE(the_command_line_wins_over_the_environment_over_the_file_over_the_default)
{
    temporary_folder const folder;
    auto const file =
        "--config=" + folder.write("f.toml", "listen = [\"tcp://127.0.0.1:0\"]\nmax-line = 1000\n");
    variables const environment{{"WINDOWD_MAX_LINE", "2000"}};
    BOOST_TEST(max_line_with({}) == std::size_t{1} << 20);
    BOOST_TEST(max_line_with({file}) == 1000U);
    BOOST_TEST(max_line_with({file}, environment) == 2000U);
    BOOST_TEST(max_line_with({file, "--max-line=3000"}, environment) == 3000U);
    BOOST_TEST(max_line_with({"--max-line", "3000"}, environment) == 3000U);
    BOOST_TEST(max_line_with({"--max-line=3000"}) == 3000U);
}

BOOST_AUTO_TEST_CASE(the_environment_may_name_the_file)
{
    temporary_folder const folder;
    auto const file = folder.write("f.toml", "max-line = 1000\n");
    BOOST_TEST(max_line_with({}, {{"WINDOWD_CONFIG", file}}) == 1000U);
}

BOOST_AUTO_TEST_CASE(the_shipped_file_has_every_setting_at_its_default)
{
    daemon_process const plain({"--listen=tcp://127.0.0.1:0"});
    daemon_process const configured({"--listen=tcp://127.0.0.1:0", "--config", shipped_file});
    BOOST_TEST(settings_of(plain) == settings_of(configured));
}

BOOST_AUTO_TEST_CASE(the_file_can_have_several_listeners)
{
    temporary_folder const folder;
    auto const socket = "unix://" + (folder.path() / "s").string();
    auto const file = folder.write("f.toml", "listen = [\"tcp://127.0.0.1:0\", \"" + socket + "\"]\n");
    daemon_process daemon({"--config=" + file});
    BOOST_TEST(daemon.addresses(2)[1] == socket);
    BOOST_TEST(client(socket).ask("5") == "5");
}

BOOST_AUTO_TEST_CASE(the_window_size_is_that_of_new_connections)
{
    daemon_process const daemon({"--window-size=2"});
    client one(daemon.address());
    BOOST_TEST(one.ask("[1,2,3]") == "[1,1.5,2.5]");
}

BOOST_AUTO_TEST_SUITE_END()
