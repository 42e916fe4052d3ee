// Clients that nobody wants. They must cost the others nothing, and the daemon nothing that lasts.
#include "acceptance/load/connection.hpp"
#include "acceptance/load/manners.hpp"

#include <boost/json/parse.hpp>

#include <string>

namespace windowd::load {
namespace {

using std::chrono::milliseconds;

constexpr auto between = milliseconds(1000);

void expect_code(std::string_view reply, std::string_view code)
{
    auto const read = boost::json::parse(boost::json::string_view(reply.data(), reply.size()));
    auto const& error = read.as_object().at("error").as_object();
    if (!code.empty() && error.at("code") != boost::json::string_view(code.data(), code.size()))
        throw failure("in place of " + std::string(code) + " came " + std::string(reply.substr(0, 200)));
}

/// A line of bytes, most of them no text; not blank, no JSON, and no HTTP.
std::string garbage(value_source& chance)
{
    std::string line = "}";
    for (auto left = chance.next_bits() % 200; left != 0; --left)
        line += static_cast<char>(chance.next_bits());
    for (char& byte : line)
        byte = byte == '\n' ? '\0' : byte;
    return line + '\n';
}

} // namespace

/// Asks for as much as it can, and never reads.
awaitable<void> deaf(world& run, std::uint64_t number)
{
    std::string requests;
    for (int i = 0; i < 1000; ++i)
        requests += "{\"op\":\"help\"}\n";
    while (!run.over()) {
        connection one(run, number);
        co_await one.open(true);
        bool is_open = true;
        while (is_open && !run.over()) {
            is_open = one.send_what_fits(requests).has_value();
            co_await run.pause(between);
        }
        run.results().count(is_open ? "deaf_until_the_end" : "deaf_and_cut_off");
    }
}

/// Resets at one of several stages.
awaitable<void> resetter(world& run, std::uint64_t number)
{
    value_source chance(number);
    for (auto stage = number; !run.over(); ++stage) {
        connection one(run, chance.next_bits());
        co_await one.open();
        if (stage % 4 == 1)
            co_await one.send("12");
        if (stage % 4 == 2)
            co_await one.send("{\"op\":\"help\"}\n{\"op\":\"help\"}\n{\"op\":\"du");
        if (stage % 4 == 3) {
            co_await one.send("5\n");
            auto const reply = co_await one.read_line();
            expect_number(reply, 5);
        }
        one.reset();
        run.results().count("resets");
        co_await run.pause(between);
    }
}

/// Comes, and leaves without a word or in the middle of one.
awaitable<void> visitor(world& run, std::uint64_t number)
{
    value_source chance(number);
    while (!run.over()) {
        connection one(run, chance.next_bits());
        co_await one.open();
        if (chance.next_bits() % 2 == 0)
            co_await one.send("{\"op\":\"op");
        one.close();
        run.results().count("visits");
        co_await run.pause(between);
    }
}

awaitable<void> sender_of_oversized_lines(world& run, std::uint64_t number)
{
    std::string const piece(std::size_t{32} * 1024, '1');
    while (!run.over()) {
        connection one(run, number);
        co_await one.open();
        for (int i = 0; i < 8; ++i)
            co_await one.send(piece);
        co_await one.send("\n7\n");
        auto reply = co_await one.read_line();
        expect_code(reply, "line_too_long");
        reply = co_await one.read_line();
        expect_number(reply, 7);
        run.results().count("oversized_lines_refused");
        co_await run.pause(2 * between);
    }
}

awaitable<void> sender_of_garbage(world& run, std::uint64_t number)
{
    value_source chance(number);
    connection one(run, number);
    co_await one.open();
    co_await one.send("5\n");
    auto reply = co_await one.read_line();
    expect_number(reply, 5);
    while (!run.over()) {
        std::string lines;
        for (int i = 0; i < 10; ++i)
            lines += garbage(chance);
        co_await one.send(lines);
        for (int i = 0; i < 10; ++i) {
            reply = co_await one.read_line();
            expect_code(reply, "bad_json");
        }
        co_await one.send("{\"op\":\"read\"}\n");
        reply = co_await one.read_line();
        if (reply != R"({"yield":5})") // garbage changes nothing
            throw failure("the window has become " + std::string(reply));
        run.results().count("lines_of_garbage_refused", 10);
        co_await run.pause(between);
    }
}

} // namespace windowd::load
