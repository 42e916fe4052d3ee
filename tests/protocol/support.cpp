// The connection without sockets, and the checks that every conversation of the tests has to pass.
#include "protocol/support.hpp"

#include <boost/json/parse.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <functional>
#include <stdexcept>
#include <utility>

namespace windowd::test {
namespace {

constexpr std::size_t largest_chunk = 69;
constexpr int most_idle_rounds = 1000;

using time_point = protocol::environment::clock::time_point;

// The environment takes a plain function for a clock, which has no place of its own to keep this.
constinit time_point stopped_at{}; // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)

time_point stopped_clock() noexcept
{
    return stopped_at;
}

conversed converse_in_chunks(std::string_view input, setup const& with, std::size_t chunk)
{
    auto host = server(with);
    auto tested = connection(host);
    auto replies = tested.send(input, chunk);
    replies += tested.finish();
    return {lines_of(replies), replies_in(replies), events_in(replies), tested.ended(), host.counters};
}

bool is_json(std::string const& reply)
{
    boost::json::error_code failed;
    auto const value = boost::json::parse(reply, failed);
    return !failed;
}

} // namespace

server::server(setup const& with, std::chrono::milliseconds uptime)
{
    limits = with.limits;
    default_window = with.default_window;
    access = with.access;
    stopped_at = time_point(std::chrono::hours(1000));
    now = stopped_clock;
    started = now() - uptime;
    started_at = start_of_time;
}

void server::pass(std::chrono::milliseconds time) noexcept
{
    stopped_at += time;
}

std::string connection::send(std::string_view bytes, std::size_t chunk)
{
    std::string replies;
    auto const held = held_.empty() ? std::string() : std::exchange(held_, {}).append(bytes);
    auto input = held.empty() ? bytes : std::string_view(held);
    do {
        auto piece = input.substr(0, chunk);
        input.remove_prefix(piece.size());
        drive(piece, replies);
        if (!piece.empty())
            held_ = std::string(piece).append(input);
    } while (!input.empty() && held_.empty());
    return replies;
}

/// Feeds until all is taken and all is said, or a result has to come.
void connection::drive(std::string_view& input, std::string& replies)
{
    auto idle_rounds = 0; // a long array takes a few
    do {
        auto const taken = conversation_.feed(input, out_);
        auto const nothing_done = taken == 0 && out_.empty();
        input.remove_prefix(taken);
        take_output(replies);
        forgive();
        if (nothing_done && conversation_.waiting())
            return;
        idle_rounds = nothing_done ? idle_rounds + 1 : 0;
        if (idle_rounds > most_idle_rounds)
            throw std::runtime_error("the conversation takes nothing and says nothing");
    } while (!input.empty() || conversation_.pending());
}

std::string connection::finish()
{
    std::string replies;
    conversation_.finish(out_);
    take_output(replies);
    forgive();
    std::string_view nothing;
    drive(nothing, replies);
    return replies;
}

void connection::take_output(std::string& replies)
{
    largest_output_ = std::max(largest_output_, out_.size());
    replies += out_.view();
    out_.clear();
}

void connection::forgive() noexcept
{
    failed_auths_ += conversation_.has_failed_auth() ? 1 : 0;
    conversation_.forgive();
}

conversed converse(std::string_view input, setup const& with)
{
    auto whole = converse_in_chunks(input, with, std::string_view::npos);
    for (std::size_t chunk = 1; chunk <= largest_chunk; ++chunk) {
        auto const pieces = converse_in_chunks(input, with, chunk);
        BOOST_TEST_CONTEXT("in chunks of " << chunk)
        {
            BOOST_TEST(pieces.lines == whole.lines, boost::test_tools::per_element());
            BOOST_TEST(pieces.ended == whole.ended);
            BOOST_TEST(pieces.counters.requests == whole.counters.requests);
            BOOST_TEST(pieces.counters.values == whole.counters.values);
            BOOST_TEST(pieces.counters.refused == whole.counters.refused);
            BOOST_TEST(pieces.counters.auth_failed == whole.counters.auth_failed);
        }
    }
    for (auto const& line : whole.lines)
        BOOST_TEST(is_json(line), "not JSON: " << line);
    if (!whole.ended)
        BOOST_TEST(whole.replies.size() == requests_in(input));
    BOOST_TEST(whole.counters.requests == whole.replies.size());
    return whole;
}

std::vector<std::string> replies_to(std::string_view input, setup const& with)
{
    return converse(input, with).replies;
}

void check_replies(std::string_view input, std::vector<std::string> const& expected, setup const& with)
{
    BOOST_TEST(replies_to(input, with) == expected, boost::test_tools::per_element());
}

boost::json::object check_refused(std::string_view line, std::string_view code, setup const& with)
{
    auto const before = std::string("5\n7\n");
    auto const after = std::string("\n{\"op\":\"dump\"}\n{\"op\":\"ping\"}\n");
    auto const result = converse(before + std::string(line) + after, with);
    BOOST_TEST_REQUIRE(result.replies.size() == 5U);
    BOOST_TEST_CONTEXT(result.replies[2])
    {
        BOOST_TEST(code_of(result.replies[2]) == code);
        BOOST_TEST(message_of(result.replies[2]) != "");
        BOOST_TEST(result.replies[3] == R"({"yield":2,"dump":[5,7]})");
        BOOST_TEST(result.replies[4] == R"({"pong":true})");
        BOOST_TEST(result.counters.refused == 1U);
        BOOST_TEST(!result.ended);
    }
    return parsed(result.replies[2]).at("error").as_object();
}

std::size_t requests_in(std::string_view input)
{
    auto const is_request = [](std::string_view line) {
        if (line.ends_with('\r'))
            line.remove_suffix(1);
        return line.find_first_not_of(" \t") != std::string_view::npos;
    };
    std::size_t count = 0;
    while (!input.empty()) {
        auto const line = input.substr(0, input.find('\n'));
        count += is_request(line) ? 1 : 0;
        input.remove_prefix(std::min(input.size(), line.size() + 1));
    }
    return count;
}

std::vector<std::string> lines_of(std::string_view text)
{
    std::vector<std::string> lines;
    while (!text.empty()) {
        auto const end = text.find('\n');
        if (end == std::string_view::npos)
            throw std::runtime_error("a reply has no end: " + std::string(text));
        lines.emplace_back(text.substr(0, end));
        text.remove_prefix(end + 1);
    }
    return lines;
}

bool is_event(std::string_view line)
{
    return line.starts_with(R"({"event":)");
}

std::vector<std::string> replies_in(std::string_view text)
{
    auto lines = lines_of(text);
    std::erase_if(lines, is_event);
    return lines;
}

std::vector<std::string> events_in(std::string_view text)
{
    auto lines = lines_of(text);
    std::erase_if(lines, std::not_fn(is_event));
    return lines;
}

boost::json::value parsed(std::string_view reply)
{
    return boost::json::parse(boost::json::string_view(reply.data(), reply.size()));
}

std::string code_of(std::string_view reply)
{
    return std::string(parsed(reply).at("error").at("code").as_string());
}

std::string message_of(std::string_view reply)
{
    return std::string(parsed(reply).at("error").at("message").as_string());
}

std::string named(std::string_view op, std::string_view window, std::string_view members)
{
    auto line = R"({"op":")" + std::string(op) + R"(","window":")" + std::string(window) + '"';
    if (!members.empty())
        line.append(",").append(members);
    return line + "}\n";
}

std::string filled(int count)
{
    return R"("size":)" + std::to_string(count) + R"(,"data":[)" + sequence(100'001, 100'000 + count, ",") +
           ']';
}

std::string sequence(int from, int to, std::string_view between)
{
    std::string text;
    for (auto i = from; i <= to; ++i) {
        text += std::to_string(i);
        if (i != to)
            text += between;
    }
    return text;
}

std::string repeated(std::string_view text, std::size_t times)
{
    std::string all;
    all.reserve(text.size() * times);
    for (std::size_t i = 0; i < times; ++i)
        all += text;
    return all;
}

} // namespace windowd::test
