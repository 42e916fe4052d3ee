// Several connections that send to one shared window at once.
#include "exchange.hpp"
#include "measurement.hpp"
#include "participant.hpp"
#include "scenarios.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/json/parse.hpp>

#include <cstdint>
#include <deque>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace windowd::bench {
namespace {

constexpr std::string_view window_name = "bench/shared";

std::uint64_t values_taken(socket& through)
{
    auto const listed = ask(through, R"({"op":"windows","match":")" + std::string(window_name) + "\"}\n");
    return boost::json::parse(listed).at("windows").at(0).at("n").to_number<std::uint64_t>();
}

void run_round(std::deque<socket>& sockets, std::deque<participant>& participants)
{
    std::vector<talk> talks;
    for (std::size_t i = 0; i < sockets.size(); ++i)
        talks.push_back({sockets[i], participants[i].requests(), participants[i]});
    exchange(talks);
    for (auto& each : sockets)
        each.non_blocking(false);
}

/// Two zeros more, so that each value has been in three replies. Throws wrong_reply.
void check_sums(socket& through, std::deque<participant> const& participants)
{
    std::int64_t of_values = 0;
    std::int64_t of_replies = tripled(ask(through, "0\n"));
    of_replies += tripled(ask(through, "0\n"));
    for (auto const& each : participants) {
        of_values += each.sum_of_values();
        of_replies += each.tripled_replies();
    }
    if (of_replies != 3 * of_values)
        throw wrong_reply("all replies together are " + std::to_string(of_replies) + "/3, not " +
                          std::to_string(3 * of_values) + "/3");
}

std::deque<participant> make_participants(std::size_t count, std::size_t connections, unsigned seed)
{
    std::deque<participant> made;
    for (std::size_t i = 0; i < connections; ++i)
        made.emplace_back(count / connections, seed + static_cast<unsigned>(i));
    return made;
}

std::deque<socket> join(boost::asio::io_context& context, settings const& with)
{
    std::deque<socket> made;
    auto request = R"({"op":"open","window":")" + std::string(window_name) + R"(","size":3,"data":[0,0,0]})";
    for (std::size_t i = 0; i < with.connections; ++i) {
        made.push_back(connect(context, with.port));
        auto const opened = ask(made.back(), request + "\n");
        if (!opened.ends_with(i == 0 ? R"("created":true})" : R"("created":false})"))
            throw wrong_reply("the window was not opened: " + opened);
        request = R"({"op":"open","window":")" + std::string(window_name) + R"("})";
    }
    return made;
}

} // namespace

boost::json::object share_a_window(settings const& with)
{
    if (with.expect != "windowd")
        throw std::invalid_argument("only windowd can do that");
    auto warmup = make_participants(with.warmup, with.connections, 1000);
    auto timed = make_participants(with.count, with.connections, 2000);
    boost::asio::io_context context;
    auto sockets = join(context, with);
    run_round(sockets, warmup);
    check_sums(sockets.front(), warmup);
    expect_line("0", ask(sockets.front(), "0\n"));

    auto const before = values_taken(sockets.front());
    measurement const measured(with.server);
    run_round(sockets, timed);
    auto const values = with.count / with.connections * with.connections;
    auto result = measured.result(values, values);
    auto const taken = values_taken(sockets.front()) - before;
    if (taken != values)
        throw wrong_reply("the window took " + std::to_string(taken) + " values, not " +
                          std::to_string(values));
    check_sums(sockets.front(), timed);
    expect_line(R"({"closed":true})", ask(sockets.front(), "{\"op\":\"close\"}\n"));

    std::size_t mixed = 0;
    for (auto const& each : timed)
        mixed += each.mixed();
    result["connections"] = with.connections;
    result["mixed_replies"] = mixed;
    return result;
}

} // namespace windowd::bench
