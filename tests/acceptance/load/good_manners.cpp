// Well-behaved clients: every reply is checked, value by value.
#include "acceptance/load/connection.hpp"
#include "acceptance/load/manners.hpp"

#include <string>

namespace windowd::load {
namespace {

using std::chrono::milliseconds;

// So that a client's own requests do not fill its connection before it reads.
constexpr int batch = 500;

/// Between half of it and one and a half.
milliseconds about(milliseconds usual, value_source& chance)
{
    auto const span = static_cast<std::uint64_t>(usual.count());
    return milliseconds(span / 2 + chance.next_bits() % (span + 1));
}

awaitable<void> check_replies(world& run, connection& one, value_lines& values, int count)
{
    for (int i = 0; i < count; ++i) {
        auto reply = one.take_line();
        if (!reply)
            reply = co_await one.read_line();
        values.check(*reply);
    }
    run.results().count("values_checked", static_cast<std::uint64_t>(count));
}

/// Sends a line and takes in its reply, and how long that took.
awaitable<std::string_view> ask(world& run, connection& one, std::string line)
{
    auto const began = clock::now();
    line += '\n';
    co_await one.send(line);
    auto const reply = co_await one.read_line();
    run.results().single.add(clock::now() - began);
    co_return reply;
}

awaitable<void> expect(world& run, connection& one, std::string line, std::string_view expected)
{
    auto const reply = co_await ask(run, one, std::move(line));
    if (reply != expected)
        throw failure("the reply is " + std::string(reply.substr(0, 200)) + " in place of " +
                      std::string(expected));
    run.results().count("operations_checked");
}

} // namespace

awaitable<void> pipeliner(world& run, std::uint64_t number)
{
    connection one(run, number);
    co_await one.arrive();
    value_lines values(number);
    while (!run.over()) {
        auto const lines = values.take(batch);
        auto const began = clock::now();
        co_await one.send(lines);
        co_await check_replies(run, one, values, batch);
        run.results().batches.add(clock::now() - began);
    }
    one.half_close();
    co_await one.read_end();
}

awaitable<void> one_at_a_time(world& run, std::uint64_t number)
{
    connection one(run, number);
    co_await one.arrive();
    value_lines values(number);
    value_source chance(number);
    while (!run.over()) {
        auto const line = values.take(1);
        auto const began = clock::now();
        co_await one.send(line);
        co_await check_replies(run, one, values, 1);
        run.results().single.add(clock::now() - began);
        co_await run.pause(about(milliseconds(500), chance));
    }
}

awaitable<void> user_of_operations(world& run, std::uint64_t number)
{
    connection one(run, number);
    co_await one.arrive();
    value_source chance(number);
    while (!run.over()) {
        auto const id = std::to_string(chance.next_bits());
        co_await expect(run, one, R"({"op":"ping","id":)" + id + "}", R"({"id":)" + id + R"(,"pong":true})");
        co_await expect(run, one, R"({"op":"clear"})", R"({"yield":null})");
        co_await expect(run, one, "[5,7,null,9]", "[5,6,null,7]");
        co_await expect(run, one, R"({"op":"send","id":")" + id + R"(","value":11})",
                        R"({"id":")" + id + R"(","yield":9})");
        co_await expect(run, one, R"({"op":"dump"})", R"({"yield":3,"dump":[7,9,11]})");
        co_await run.pause(about(milliseconds(2000), chance));
    }
}

awaitable<void> byte_by_byte(world& run, std::uint64_t number)
{
    connection one(run, number);
    co_await one.arrive();
    value_lines values(number);
    value_source chance(number);
    while (!run.over()) {
        auto const line = values.take(1);
        auto began = clock::now();
        for (char const byte : line) {
            began = clock::now();
            co_await one.send(std::string_view(&byte, 1));
            if (byte != '\n')
                co_await run.pause(about(milliseconds(100), chance));
        }
        co_await check_replies(run, one, values, 1);
        run.results().single.add(clock::now() - began);
    }
}

/// nc -N, again and again.
awaitable<void> half_closer(world& run, std::uint64_t number)
{
    value_source chance(number);
    while (!run.over()) {
        connection one(run, chance.next_bits());
        co_await one.arrive();
        value_lines values(number);
        auto lines = values.take(20);
        lines.pop_back(); // a last line without LF counts
        auto const began = clock::now();
        co_await one.send(lines);
        one.half_close();
        co_await check_replies(run, one, values, 20);
        run.results().batches.add(clock::now() - began);
        co_await one.read_end();
        one.close();
        co_await run.pause(about(milliseconds(1000), chance));
    }
}

} // namespace windowd::load
