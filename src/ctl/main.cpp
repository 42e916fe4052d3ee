// The process: options, connection, token, command, exit status.
#include "ctl/commands.hpp"
#include "ctl/json_text.hpp"
#include "ctl/request.hpp"
#include "ctl/text.hpp"

#include <cstdlib>
#include <exception>
#include <iostream>
#include <span>

#include <fcntl.h>
#include <unistd.h>

namespace {

using namespace windowd::ctl;

exit_status run(settings const& set, output& out)
{
    auto const to = parse_target(set.address);
    auto const token = set.token_file.empty() ? std::string() : read_token(set.token_file);
    boost::asio::io_context context(1);
    connection daemon(context, to, {set.tls_ca, set.tls_certificate, set.tls_key}, set.timeout);
    if (!token.empty())
        daemon.request(request("auth").text("token", token).line());
    auto const status = run_command({set, context, daemon, out});
    out.flush();
    return status;
}

/// A socket must not take the place of a standard stream that was closed, and get what is printed. Reading and writing
/// these fail as they would have.
void fill_standard_streams()
{
    for (auto const descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (::fcntl(descriptor, F_GETFD) == -1)
            ::open("/dev/null",
                   descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY); // takes the lowest number: this one
    }
}

/// Without destructors: that of the resolver would wait for a name server that does not answer.
[[noreturn]] void end_with(exit_status status, std::string_view why)
{
    std::cerr << "windowctl: " << why << std::endl;
    std::_Exit(static_cast<int>(status));
}

} // namespace

int main(int argc, char** argv)
{
    fill_standard_streams();
    auto const command =
        read_options(std::span<char const* const>(argv, static_cast<std::size_t>(argc)).subspan(1));
    output out(STDOUT_FILENO);
    try {
        out << command.output;
        out.flush();
        std::cerr << command.complaint;
        if (!command.run)
            return command.exit_status;
        return static_cast<int>(run(*command.run, out));
    } catch (failure const& bad) {
        end_with(bad.status(), bad.what());
    } catch (std::exception const& bad) {
        end_with(exit_status::unreachable, printable(bad.what()));
    }
}
