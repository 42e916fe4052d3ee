// Conversations where a token is asked for: who may do what, what others learn (nothing), and what changes when the tokens
// do.
#include "protocol/support.hpp"
#include "support/allocation_counter.hpp"
#include "support/not_owned.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstddef>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace windowd::test;
using windowd::protocol::conversation;
using windowd::protocol::output_buffer;
using windowd::protocol::right;

/// Tokens, and what a server is set up with that asks for them.
struct tokens_of_test final : windowd::protocol::authority {
    tokens_of_test() { with.access = not_owned(*this); }
    right check(std::string_view token) const noexcept override
    {
        auto const found = known.find(token);
        return found == known.end() ? right::none : found->second;
    }

    std::map<std::string, right, std::less<>> known{
        {"reader", right::read}, {"writer", right::write}, {"\xe2\x82\xac \"\n", right::write}};
    setup with;
};

constexpr std::string_view no_token =
    R"({"error":{"code":"unauthorized","message":"a token has to be shown first: {\"op\":\"auth\",\"token\":\"...\"}"}})";
constexpr std::string_view wrong_token =
    R"({"error":{"code":"unauthorized","message":"there is no such token"}})";
constexpr std::string_view read_only =
    R"({"error":{"code":"unauthorized","message":"this token allows reading only: dump, read, windows, subscribe, unsubscribe, auth, ping, info, help, and throw of DumpData and ReadStatistics"}})";

std::string auth(std::string_view token)
{
    return R"({"op":"auth","token":")" + std::string(token) + "\"}\n";
}

std::string with_id(std::string_view refusal)
{
    return R"({"id":7,)" + std::string(refusal.substr(1));
}

// One of each op, good ones, and what changes windows otherwise.
std::vector<std::string> const readings{R"({"op":"dump"})",
                                        R"({"op":"read"})",
                                        R"({"op":"dump","window":"cpu"})",
                                        R"({"op":"read","window":"cpu"})",
                                        R"({"op":"throw","exception":"DumpData"})",
                                        R"({"op":"throw","exception":"ReadStatistics","window":"cpu"})",
                                        R"({"op":"windows"})",
                                        R"({"op":"subscribe","window":"cpu*"})",
                                        R"({"op":"unsubscribe","window":"cpu*"})",
                                        R"({"op":"ping"})",
                                        R"({"op":"info"})",
                                        R"({"op":"help"})"};
std::vector<std::string> const writings{"5",
                                        "-0.25",
                                        "1e400",
                                        "null",
                                        "true",
                                        "\"text\"",
                                        "[]",
                                        "[1,2,3]",
                                        "[1,\"x\"]",
                                        "{}",
                                        R"({"value":5})",
                                        R"({"op":"send","value":5})",
                                        R"({"op":"send","values":[5,7]})",
                                        R"({"op":"send","window":"cpu","value":5})",
                                        R"({"op":"send","window":"new","value":5})",
                                        R"({"op":"next"})",
                                        R"({"op":"next","window":"cpu"})",
                                        R"({"op":"clear"})",
                                        R"({"op":"clear","window":"cpu"})",
                                        R"({"op":"close"})",
                                        R"({"op":"close","window":"cpu"})",
                                        R"({"op":"open"})",
                                        R"({"op":"open","window":"cpu"})",
                                        R"({"op":"open","window":"new","size":5})",
                                        R"({"op":"throw","exception":"ClearWindow"})",
                                        R"({"op":"throw","exception":"GeneratorExit","window":"cpu"})",
                                        R"({"op":"throw","exception":"KeyError"})",
                                        R"({"op":"throw","exception":5})",
                                        R"({"op":"throw"})",
                                        R"({"op":"send","surplus":1})",
                                        R"({"op":"send","window":"not a name"})",
                                        R"({"op":"open","size":0})"};
std::vector<std::string> const mistakes{"nonsense",
                                        "[",
                                        "{\"op\":",
                                        "\x80\xff",
                                        "01",
                                        R"({"op":"nope"})",
                                        R"({"op":5})",
                                        R"({"op":"ping","surplus":1})",
                                        R"({"op":"ping","op":"ping"})",
                                        R"({"op":"ping","window":"not a name"})",
                                        R"({"op":"read","window":"none such"})",
                                        R"({"op":"windows","limit":0})",
                                        R"({"op":"auth"})",
                                        R"({"op":"auth","token":5})",
                                        R"({"op":"auth","token":""})",
                                        R"({"op":"auth","token":null})",
                                        R"({"op":"auth","token":"writer","surplus":1})",
                                        R"({"op":"auth","token":"writer","value":1})",
                                        R"({"op":"auth","token":"writer","window":"a b"})",
                                        R"({"op":"auth","token":"writer","token":"writer"})",
                                        R"({"op":"auth","token":"writer","id":1.5})",
                                        R"({"op":"auth","token":"writer"} x)",
                                        R"({"token":"writer"})"};

/// A server with a shared window cpu of 5 and 7, and who wrote them.
struct with_window : server {
    explicit with_window(setup const& with) : server(with), writer(*this)
    {
        BOOST_TEST(writer.send(auth("writer")) == "{\"authorized\":\"write\"}\n");
        writer.send("{\"op\":\"send\",\"window\":\"cpu\",\"values\":[5,7]}\n1\n");
    }

    void check_untouched()
    {
        BOOST_TEST(writer.send("{\"op\":\"dump\",\"window\":\"cpu\"}\n") == "{\"yield\":2,\"dump\":[5,7]}\n");
        BOOST_TEST(windows().count() == 1U);
        BOOST_TEST(counters.values == 3U);
    }

    connection writer;
};

} // namespace

BOOST_AUTO_TEST_SUITE(rights)

BOOST_AUTO_TEST_CASE(without_a_token_every_line_gets_the_same_answer_and_nothing_changes)
{
    tokens_of_test tokens;
    for (auto const* lines : {&readings, &writings, &mistakes}) {
        for (auto const& line : *lines) {
            with_window host(tokens.with);
            auto const alive = allocations_alive();
            connection tested(host);
            BOOST_TEST(tested.send(line + "\n") == std::string(no_token) + "\n", line);
            BOOST_TEST(tested.send(line + "\r\n", 3) == std::string(no_token) + "\n", line);
            BOOST_TEST(tested.failed_auths() == 0);
            BOOST_TEST(!tested.tested().is_following());
            BOOST_TEST(host.counters.subscriptions == 0U);
            // No window of its own, nor anything else but its output.
            BOOST_TEST(allocations_alive() - alive < 8U, line);
            host.check_untouched();
        }
    }
}

BOOST_AUTO_TEST_CASE(without_a_token_an_id_comes_back_and_blank_lines_get_no_reply)
{
    tokens_of_test tokens;
    auto const refused = with_id(no_token);
    check_replies(
        "\n \t\r\n{\"op\":\"ping\",\"id\":7}\n\n{\"id\":7,\"op\":\n{\"id\":7}\n{\"op\":\"auth\",\"id\":7}\n"
        "{\"op\":\"auth\",\"id\":7,\"token\":5}\n5",
        {refused, refused, refused, refused, refused, std::string(no_token)}, tokens.with);
}

BOOST_AUTO_TEST_CASE(without_a_token_lines_are_short_and_the_limits_are_not_told)
{
    tokens_of_test tokens;
    auto const ping = std::string(R"({"op":"auth","token":"writer"})");
    auto const padded = [&](std::size_t size) { return ping + std::string(size - ping.size(), ' '); };
    auto const most = conversation::max_line_without_right;
    BOOST_TEST(most == 4096U);
    check_replies(padded(most + 1) + "\n" + padded(most) + "\n" + padded(5000) + "\n5\n",
                  {std::string(no_token), R"({"authorized":"write"})", R"({"authorized":"write"})", "5"},
                  tokens.with);
    tokens.with.limits.max_line = 64;
    check_replies(
        padded(65) + "\n" + padded(64) + "\r\n" + padded(65) + "\n",
        {std::string(no_token), R"({"authorized":"write"})",
         R"({"error":{"code":"line_too_long","message":"the line was discarded: a line has at most 64 bytes"}})"},
        tokens.with);
}

BOOST_AUTO_TEST_CASE(without_a_token_a_line_that_never_ends_takes_little_memory)
{
    tokens_of_test tokens;
    server host(tokens.with);
    conversation tested(host);
    output_buffer out;
    tested.feed("5\n", out);
    auto const alive = allocations_alive();
    for (auto i = 0; i < 1000; ++i)
        tested.feed(repeated("[", 1000), out);
    BOOST_TEST(allocations_alive() <= alive);
    BOOST_TEST(lines_of(out.view()).size() == 2U);
}

BOOST_AUTO_TEST_CASE(without_a_token_http_ends_the_connection_and_is_told_nothing_either)
{
    tokens_of_test tokens;
    for (auto const& first : {std::string("GET / HTTP/1.1"), "POST /" + std::string(5000, 'x')}) {
        auto const result = converse(first + "\n" + auth("writer") + "5\n", tokens.with);
        BOOST_TEST(result.replies == std::vector<std::string>{std::string(no_token)},
                   boost::test_tools::per_element());
        BOOST_TEST(result.ended);
        BOOST_TEST(result.counters.values == 0U);
    }
}

BOOST_AUTO_TEST_CASE(a_token_opens_what_it_allows)
{
    tokens_of_test tokens;
    check_replies("5\n" + auth("writer") + "5\n7\n[9]\n{\"op\":\"dump\"}\n",
                  {std::string(no_token), R"({"authorized":"write"})", "5", "6", "[7]",
                   R"({"yield":3,"dump":[5,7,9]})"},
                  tokens.with);
    check_replies(R"({"id":7,"op":"auth","token":"reader"})", {R"({"id":7,"authorized":"read"})"},
                  tokens.with);
    check_replies(R"({"op":"auth","token":"\u20ac \"\n"})", {R"({"authorized":"write"})"}, tokens.with);
    check_replies(R"({"token":"reader","window":"any","op":"auth"})", {R"({"authorized":"read"})"},
                  tokens.with);
}

BOOST_AUTO_TEST_CASE(reading_is_allowed_with_either_right)
{
    tokens_of_test tokens;
    for (auto const* token : {"reader", "writer"}) {
        with_window host(tokens.with);
        connection tested(host);
        tested.send(auth(token));
        for (auto const& line : readings) {
            auto const replies = replies_in(tested.send(line + "\n"));
            BOOST_TEST_REQUIRE(replies.size() == 1U);
            BOOST_TEST(parsed(replies[0]).as_object().count("error") == 0U, line);
        }
        host.check_untouched();
    }
}

BOOST_AUTO_TEST_CASE(writing_is_refused_to_who_may_only_read_before_anything_else_is_looked_at)
{
    tokens_of_test tokens;
    for (auto const& line : writings) {
        with_window host(tokens.with);
        connection tested(host);
        tested.send(auth("reader") + "{\"op\":\"read\"}\n"); // so that it has a window of its own
        BOOST_TEST(tested.send(line + "\n") == std::string(read_only) + "\n", line);
        BOOST_TEST(tested.send(line + "\n", 1) == std::string(read_only) + "\n", line);
        BOOST_TEST(tested.send("{\"op\":\"dump\"}\n") == "{\"yield\":0,\"dump\":[]}\n");
        host.check_untouched();
    }
    check_replies(auth("reader") + "{\"op\":\"next\",\"id\":7}\n",
                  {R"({"authorized":"read"})", with_id(read_only)}, tokens.with);
}

BOOST_AUTO_TEST_CASE(who_may_read_is_told_of_mistakes)
{
    tokens_of_test tokens;
    for (auto const& [line, code] : std::map<std::string, std::string>{
             {"nonsense", "bad_json"},
             {R"({"op":"nope"})", "unknown_op"},
             {R"({"op":"read","size":1})", "unknown_member"},
             {R"({"op":"read","window":"none"})", "no_such_window"},
             {R"({"op":"throw","exception":"DumpData","size":1})", "unknown_member"},
             {R"({"op":"subscribe"})", "missing_member"},
             {R"({"op":"auth"})", "missing_member"},
             {R"({"op":"auth","token":5})", "bad_member"},
             {R"({"op":"auth","token":""})", "bad_member"},
             {R"({"op":"auth","token":")" + std::string(1025, 'x') + "\"}", "bad_member"},
             {std::string(300, ' ') + "1" + std::string(2000, '0'), "unauthorized"}}) {
        auto const replies = replies_to(auth("reader") + line, tokens.with);
        BOOST_TEST(code_of(replies.at(1)) == code, line);
    }
}

BOOST_AUTO_TEST_CASE(a_token_has_up_to_1024_bytes)
{
    tokens_of_test tokens;
    auto const longest = std::string(1024, 't');
    tokens.known[longest] = right::read;
    tokens.known[longest + "t"] = right::write;
    check_replies(auth(longest + "t") + auth(longest), {std::string(no_token), R"({"authorized":"read"})"},
                  tokens.with);
}

BOOST_AUTO_TEST_CASE(a_wrong_token_is_refused_counted_and_never_shown)
{
    tokens_of_test tokens;
    auto const result =
        converse(auth("guess") + R"({"id":7,"op":"auth","token":"Reader"})" + "\n5\n", tokens.with);
    BOOST_TEST(result.replies == (std::vector<std::string>{std::string(wrong_token), with_id(wrong_token),
                                                           std::string(no_token)}),
               boost::test_tools::per_element());
    BOOST_TEST(result.counters.auth_failed == 2U);
    BOOST_TEST(result.counters.refused == 3U);
    BOOST_TEST(
        result.counters.refused_with[static_cast<std::size_t>(windowd::protocol::error_code::unauthorized)] ==
        3U);
}

BOOST_AUTO_TEST_CASE(after_a_wrong_token_nothing_is_taken_until_it_is_forgiven)
{
    tokens_of_test tokens;
    server host(tokens.with);
    conversation tested(host);
    output_buffer out;
    auto const guess = auth("guess");
    auto const input = guess + auth("writer") + "5\n7";
    BOOST_TEST(tested.feed(input, out) == guess.size());
    BOOST_TEST(tested.has_failed_auth());
    BOOST_TEST(tested.feed(std::string_view(input).substr(guess.size()), out) == 0U);
    BOOST_TEST(out.view() == std::string(wrong_token) + "\n");
    BOOST_TEST(!tested.pending());
    tested.forgive();
    BOOST_TEST(!tested.has_failed_auth());
    out.clear();
    BOOST_TEST(tested.feed(std::string_view(input).substr(guess.size()), out) == input.size() - guess.size());
    tested.finish(out);
    BOOST_TEST(out.view() == "{\"authorized\":\"write\"}\n5\n6\n");
    BOOST_TEST(host.counters.auth_failed == 1U);
}

BOOST_AUTO_TEST_CASE(a_wrong_token_on_a_last_line_without_an_end_has_failed_too)
{
    tokens_of_test tokens;
    server host(tokens.with);
    connection tested(host);
    auto guess = auth("guess");
    guess.pop_back();
    BOOST_TEST(tested.send(guess) == "");
    BOOST_TEST(tested.finish() == std::string(wrong_token) + "\n");
    BOOST_TEST(tested.failed_auths() == 1);
}

BOOST_AUTO_TEST_CASE(a_wrong_token_takes_nothing_away_and_another_right_one_replaces_the_right)
{
    tokens_of_test tokens;
    check_replies(auth("reader") + auth("guess") + "{\"op\":\"ping\"}\n5\n" + auth("writer") + "5\n" +
                      auth("guess") + "7\n" + auth("reader") + "9\n{\"op\":\"dump\"}\n",
                  {R"({"authorized":"read"})", std::string(wrong_token), R"({"pong":true})",
                   std::string(read_only), R"({"authorized":"write"})", "5", std::string(wrong_token), "6",
                   R"({"authorized":"read"})", std::string(read_only), R"({"yield":2,"dump":[5,7]})"},
                  tokens.with);
}

BOOST_AUTO_TEST_CASE(where_no_token_is_asked_for_any_is_good)
{
    check_replies("5\n" + auth("anything") + "7\n", {"5", R"({"authorized":"write"})", "6"});
    check_refused(R"({"op":"auth","token":""})", "bad_member");
    check_refused(R"({"op":"auth"})", "missing_member");
}

BOOST_AUTO_TEST_CASE(a_conversation_cut_at_any_place_has_the_same_rights)
{
    tokens_of_test tokens;
    auto random = std::mt19937(40);
    std::vector<std::string> all{auth("reader"), auth("writer"), auth("guess"), auth("writer"), "\n"};
    for (auto const* lines : {&readings, &writings, &mistakes})
        for (auto const& line : *lines)
            if (line.find("info") == std::string::npos)
                all.push_back(line + "\n");
    for (auto i = 0; i < 10; ++i) {
        std::string input;
        for (auto j = 0; j < 40; ++j)
            input += all[random() % all.size()];
        converse(input, tokens.with);
    }
}

BOOST_AUTO_TEST_CASE(a_value_allocates_nothing_with_a_token_either)
{
    tokens_of_test tokens;
    server host(tokens.with);
    conversation tested(host);
    output_buffer out;
    tested.feed(auth("writer"), out);
    auto const values = sequence(1, 1000, "\n") + "\n";
    tested.feed(values, out);
    out.clear();
    auto const before = allocations();
    tested.feed(values, out);
    BOOST_TEST(allocations() == before);
    BOOST_TEST(lines_of(out.view()).size() == 1000U);
}

BOOST_AUTO_TEST_CASE(a_failing_allocation_opens_nothing)
{
    tokens_of_test tokens;
    tokens.known[std::string(1000, 't')] = right::write;
    auto const request = auth(std::string(1000, 't'));
    for (std::size_t nth = 1;; ++nth) {
        server host(tokens.with);
        conversation tested(host);
        output_buffer out;
        auto failed = true;
        try {
            failing_allocation const failure(nth);
            tested.feed(request, out);
            failed = failure.happened();
        } catch (std::bad_alloc const&) {
            BOOST_TEST(out.empty());
        }
        auto const was_let_in = out.view() == "{\"authorized\":\"write\"}\n";
        out.clear();
        tested.feed("5\n", out);
        BOOST_TEST((out.view() == "5\n") == was_let_in);
        if (!failed)
            break;
        BOOST_TEST(nth < 100U);
    }
}

BOOST_AUTO_TEST_CASE(new_tokens_change_what_a_connection_may_do)
{
    tokens_of_test tokens;
    server host(tokens.with);
    connection tested(host);
    tested.send(auth("writer") + "5\n");
    tested.renew_access();
    BOOST_TEST(tested.send("7\n") == "6\n");
    tokens.known["writer"] = right::read;
    tested.renew_access();
    BOOST_TEST(tested.send("9\n") == std::string(read_only) + "\n");
    tokens.known.erase("writer");
    tested.renew_access();
    BOOST_TEST(tested.send("9\n{\"op\":\"dump\"}\n") == repeated(std::string(no_token) + "\n", 2));
    tokens.known["writer"] = right::write;
    tested.renew_access();
    BOOST_TEST(tested.send("9\n") == "7\n");
}

BOOST_AUTO_TEST_CASE(who_has_shown_no_token_has_none_when_they_are_asked_for_later)
{
    tokens_of_test tokens;
    server host;
    connection stranger(host);
    connection prepared(host);
    stranger.send("5\n");
    prepared.send(auth("writer") + "5\n");
    host.access = not_owned(tokens);
    stranger.renew_access();
    prepared.renew_access();
    BOOST_TEST(stranger.send("7\n") == std::string(no_token) + "\n");
    BOOST_TEST(prepared.send("7\n") == "6\n");
    host.access = nullptr;
    stranger.renew_access();
    prepared.renew_access();
    BOOST_TEST(stranger.send("9\n") == "7\n");
    BOOST_TEST(prepared.send("9\n") == "7\n");
}

BOOST_AUTO_TEST_CASE(who_may_do_nothing_any_more_gets_no_more_events)
{
    tokens_of_test tokens;
    with_window host(tokens.with);
    connection tested(host);
    tested.send(auth("reader") + "{\"op\":\"subscribe\",\"window\":\"*\"}\n");
    host.writer.send("{\"op\":\"send\",\"window\":\"cpu\",\"value\":9}\n");
    BOOST_TEST(tested.tested().has_events());
    tokens.known.erase("reader");
    tested.renew_access();
    BOOST_TEST(!tested.tested().has_events());
    BOOST_TEST(!tested.tested().is_following());
    BOOST_TEST(host.counters.subscriptions == 0U);
    host.writer.send("{\"op\":\"send\",\"window\":\"cpu\",\"value\":9}\n");
    BOOST_TEST(tested.receive() == "");
    tokens.known["reader"] = right::read;
    tested.renew_access();
    BOOST_TEST(tested.send("{\"op\":\"subscribe\",\"window\":\"cpu\"}\n") ==
               "{\"subscribed\":\"cpu\",\"windows\":1}\n");
    host.writer.send("{\"op\":\"clear\",\"window\":\"cpu\"}\n");
    BOOST_TEST(events_in(tested.receive()).size() == 1U);
}

BOOST_AUTO_TEST_CASE(who_may_still_read_goes_on_following)
{
    tokens_of_test tokens;
    with_window host(tokens.with);
    connection tested(host);
    tested.send(auth("writer") + "{\"op\":\"subscribe\",\"window\":\"*\"}\n");
    host.writer.send("{\"op\":\"send\",\"window\":\"cpu\",\"value\":9}\n");
    tokens.known["writer"] = right::read;
    tested.renew_access();
    BOOST_TEST(events_in(tested.receive()).size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_reply_that_has_begun_is_written_to_its_end)
{
    tokens_of_test tokens;
    server host(tokens.with);
    conversation tested(host);
    output_buffer out;
    auto const input = auth("writer") + R"({"op":"open",)" + filled(20'000) + "}\n{\"op\":\"dump\"}\n5\n";
    std::string replies;
    for (std::size_t at = 0; at != input.size() || tested.pending();) {
        at += tested.feed(std::string_view(input).substr(at), out);
        replies += out.view();
        out.clear();
        if (tested.in_reply()) {
            tokens.known.clear();
            tested.renew_access();
        }
    }
    auto const lines = lines_of(replies);
    BOOST_TEST_REQUIRE(lines.size() == 4U);
    BOOST_TEST(parsed(lines[2]).at("dump").as_array().size() == 20'000U);
    BOOST_TEST(lines[3] == no_token);
}

BOOST_AUTO_TEST_SUITE_END()
