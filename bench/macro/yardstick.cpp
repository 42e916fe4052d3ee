// The servers that windowd is compared with: yardstick MODE [--port-file FILE]
#include "yardsticks.hpp"

#include <CLI/CLI.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address_v4.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <csignal>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <string>
#include <utility>

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

using serve_function = asio::awaitable<void> (*)(tcp::socket);

/// Whatever ends a connection, its end of file too, ends it alone.
asio::awaitable<void> accept_from(tcp::acceptor& acceptor, serve_function serve)
{
    for (;;) {
        auto socket = co_await acceptor.async_accept(asio::use_awaitable);
        socket.set_option(tcp::no_delay(true));
        asio::co_spawn(acceptor.get_executor(), serve(std::move(socket)), asio::detached);
    }
}

/// In one step, so that who waits for the file finds all of it.
void write_port(std::string const& file, std::uint16_t port)
{
    if (file.empty()) {
        std::cout << port << std::endl;
        return;
    }
    auto const unfinished = file + ".new";
    std::ofstream(unfinished) << port << '\n';
    std::filesystem::rename(unfinished, file);
}

void run(serve_function serve, std::string const& port_file)
{
    asio::io_context context(1);
    asio::signal_set signals(context, SIGTERM, SIGINT);
    signals.async_wait([&context](auto const& /*error*/, int /*number*/) { context.stop(); });
    tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), 0});
    write_port(port_file, acceptor.local_endpoint().port());
    asio::co_spawn(context, accept_from(acceptor, serve), [](std::exception_ptr const& failure) {
        if (failure)
            std::rethrow_exception(failure);
    });
    context.run();
}

} // namespace

int main(int argc, char** argv)
{
    std::map<std::string, serve_function> const modes{{"echo", windowd::bench::serve_echo},
                                                      {"naive", windowd::bench::serve_naive}};
    CLI::App app("A server to compare windowd with, on a port of 127.0.0.1 that the kernel chooses");
    std::string mode;
    std::string port_file;
    app.add_option("mode", mode, "echo: sends back what comes; naive: running means, simply written")
        ->required()
        ->check(CLI::IsMember({"echo", "naive"}));
    app.add_option("--port-file", port_file, "where to write the port; otherwise to standard output");
    CLI11_PARSE(app, argc, argv);
    try {
        run(modes.at(mode), port_file);
        return 0;
    } catch (std::exception const& failure) {
        std::cerr << "yardstick: " << failure.what() << '\n';
        return 1;
    }
}
