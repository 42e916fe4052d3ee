// The connection without sockets, and the checks that every conversation of the tests has to pass.
#include "protocol/support.hpp"

#include <boost/json/parse.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <stdexcept>

namespace windowd::test {
namespace {

constexpr std::size_t largest_chunk = 69;

protocol::environment::clock::time_point stopped_clock() noexcept
{
    return protocol::environment::clock::time_point(std::chrono::hours(1000));
}

conversed converse_in_chunks(std::string_view input, setup const& with, std::size_t chunk)
{
    auto host = server(with);
    auto tested = connection(host);
    auto replies = tested.send(input, chunk);
    replies += tested.finish();
    return {lines_of(replies), tested.ended(), host.counters};
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
    now = stopped_clock;
    started = now() - uptime;
}

std::string connection::send(std::string_view bytes, std::size_t chunk)
{
    std::string replies;
    while (!bytes.empty()) {
        auto piece = bytes.substr(0, chunk);
        bytes.remove_prefix(piece.size());
        do {
            auto const taken = conversation_.feed(piece, out_);
            if (taken == 0 && out_.empty())
                throw std::runtime_error("the conversation takes nothing and says nothing");
            piece.remove_prefix(taken);
            take_output(replies);
        } while (!piece.empty() || conversation_.pending());
    }
    return replies;
}

std::string connection::finish()
{
    std::string replies;
    conversation_.finish(out_);
    take_output(replies);
    while (conversation_.pending()) {
        conversation_.feed({}, out_);
        take_output(replies);
    }
    return replies;
}

void connection::take_output(std::string& replies)
{
    largest_output_ = std::max(largest_output_, out_.size());
    replies += out_.view();
    out_.clear();
}

conversed converse(std::string_view input, setup const& with)
{
    auto whole = converse_in_chunks(input, with, std::string_view::npos);
    for (std::size_t chunk = 1; chunk <= largest_chunk; ++chunk) {
        auto const pieces = converse_in_chunks(input, with, chunk);
        BOOST_TEST_CONTEXT("in chunks of " << chunk)
        {
            BOOST_TEST(pieces.replies == whole.replies, boost::test_tools::per_element());
            BOOST_TEST(pieces.ended == whole.ended);
            BOOST_TEST(pieces.counters.requests == whole.counters.requests);
            BOOST_TEST(pieces.counters.values == whole.counters.values);
            BOOST_TEST(pieces.counters.refused == whole.counters.refused);
        }
    }
    for (auto const& reply : whole.replies)
        BOOST_TEST(is_json(reply), "not JSON: " << reply);
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
