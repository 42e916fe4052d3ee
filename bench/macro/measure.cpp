// Loads a server, checks every reply, and says what it took, as one line of JSON: measure SCENARIO [options]
#include "scenarios.hpp"

#include <CLI/CLI.hpp>
#include <boost/json/serialize.hpp>

#include <exception>
#include <iostream>
#include <string>

namespace {

using namespace windowd::bench;

/// The subcommands and their options.
class command_line {
public:
    command_line()
    {
        app.require_subcommand(1);
        values(in_process("conversation", "windowd's conversation in this process, no sockets",
                          feed_conversation));
        values(
            in_process("loop", "the plain loop of read, exact mean, write in this process", run_plain_loop));
        values(pipelined("values", "bare values, pipelined", send_bare_values));
        size(values(pipelined("arrays", "arrays of values", send_arrays)), "--array-size", chosen.array_size,
             "values a line");
        values(pipelined("send", "operations {\"op\":\"send\",…}", send_operations));
        size(values(pipelined("named", "send with the names of shared windows", send_to_named_windows)),
             "--windows", chosen.windows, "how many there are");
        add_sized();
        size(pipelined("shared", "connections on one shared window", share_a_window), "--connections",
             chosen.connections, "how many");
        add_latency();
        add_idle();
        add_start();
    }

    CLI::App app{"Loads windowd or what it is compared with, and checks every reply"};
    settings chosen;
    scenario asked = nullptr;
    std::string name;

private:
    CLI::App* add(std::string const& title, char const* purpose, scenario what)
    {
        auto* const made = app.add_subcommand(title, purpose);
        made->callback([this, title, what] {
            asked = what;
            name = title;
        });
        return made;
    }

    CLI::App* in_process(char const* title, char const* purpose, scenario what)
    {
        return counts(add(title, purpose, what), chosen.count);
    }

    CLI::App* counts(CLI::App* to, std::size_t& count)
    {
        to->add_option("--count", count, "values that are timed")
            ->check(CLI::PositiveNumber)
            ->capture_default_str();
        to->add_option("--warmup", chosen.warmup, "values before those")->capture_default_str();
        return to;
    }

    CLI::App* server(CLI::App* to)
    {
        to->add_option("--port", chosen.port, "of the server at 127.0.0.1")->required();
        to->add_option("--server-pid", chosen.server, "its process, for its CPU time and memory");
        to->add_option("--expect", chosen.expect, "whose replies have to come")
            ->check(CLI::IsMember({"windowd", "naive", "echo"}))
            ->capture_default_str();
        return to;
    }

    CLI::App* pipelined(char const* title, char const* purpose, scenario what)
    {
        return server(in_process(title, purpose, what));
    }

    CLI::App* values(CLI::App* to)
    {
        to->add_option("--kind", chosen.kind, "of the values")
            ->check(CLI::IsMember({"integers", "decimals", "seq"}))
            ->capture_default_str();
        return to;
    }

    static CLI::App* size(CLI::App* to, char const* option, std::size_t& value, char const* purpose)
    {
        to->add_option(option, value, purpose)->check(CLI::PositiveNumber)->capture_default_str();
        return to;
    }

    void add_sized()
    {
        auto* const made =
            values(pipelined("sized", "bare values to a window of a size", send_to_sized_window));
        size(made, "--window-size", chosen.window_size, "values that the window keeps");
        made->add_option("--stat", chosen.stat, "the window's statistic")->capture_default_str();
    }

    void add_latency()
    {
        auto* const made =
            server(counts(add("latency", "one value at a time", measure_latency), chosen.round_trips));
        made->add_option("--busy", chosen.busy, "further connections that are busy meanwhile")
            ->capture_default_str();
        made->add_option("--busy-rate", chosen.busy_rate, "their requests a second, together")
            ->check(CLI::PositiveNumber)
            ->capture_default_str();
    }

    void add_idle()
    {
        auto* const made = size(server(add("idle", "the memory of idle connections", keep_idle_connections)),
                                "--connections", chosen.idle, "how many");
        made->get_option("--server-pid")->required();
        made->add_flag("--used", chosen.used, "each has sent a value before");
    }

    void add_start()
    {
        auto* const made = add("start", "from the start to the first answer", start_server);
        made->add_option("--port", chosen.port, "where the server will listen")->required();
        made->add_option("command", chosen.command, "what starts it, behind --")->required();
    }
};

} // namespace

int main(int argc, char** argv)
{
    command_line line;
    CLI11_PARSE(line.app, argc, argv);
    try {
        boost::json::object printed{{"scenario", line.name}};
        for (auto const& member : line.asked(line.chosen))
            printed[member.key()] = member.value();
        std::cout << boost::json::serialize(printed) << std::endl;
        return 0;
    } catch (std::exception const& failure) {
        std::cerr << "measure " << line.name << ": " << failure.what() << '\n';
        return 1;
    }
}
