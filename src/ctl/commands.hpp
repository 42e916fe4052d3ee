// What each command does, with a connection that is there.
#pragma once

#include "ctl/connection.hpp"
#include "ctl/failure.hpp"
#include "ctl/options.hpp"
#include "ctl/output.hpp"

#include <boost/asio/io_context.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace windowd::ctl {

/// What a command works with.
struct workplace {
    settings const& set;
    boost::asio::io_context& context;
    connection& daemon;
    output& out;
};

/// Carries it out. Throws a failure where it ends early.
exit_status run_command(workplace const& here);

exit_status send_values(workplace const& here);
exit_status follow_windows(workplace const& here);
exit_status show_top(workplace const& here);

/// All shared windows that fit the pattern, asked for page by page: a JSON object each.
std::vector<std::string> list_windows(connection& daemon, std::string_view pattern);

/// Prints a line of the daemon's; what could steer a terminal is made visible there, and nowhere else.
void print_json(output& out, std::string_view json);

} // namespace windowd::ctl
