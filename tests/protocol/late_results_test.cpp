// Conversations with a register whose results come later, as those of a store or of a remote owner would: replies in
// the order of requests, whatever happens meanwhile.
#include "protocol/support.hpp"
#include "support/allocation_counter.hpp"
#include "window/local_register.hpp"
#include "window/window_store.hpp"

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <new>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace {

using namespace windowd::test;
using windowd::protocol::conversation;
using windowd::protocol::output_buffer;
namespace window = windowd::window;

/// An operation that outlives the request that asked for it.
struct kept_operation {
    kept_operation(window::operation const& asked, window::asker& asks)
        : name(asked.window),
          what(asked),
          by(&asks)
    {
        what.window = name;
        if (auto* const open = std::get_if<window::open_window>(&what.what)) {
            data.assign(open->data.begin(), open->data.end());
            open->data = data;
        } else if (auto* const send = std::get_if<window::send_values>(&what.what)) {
            values.assign(send->values.begin(), send->values.end());
            send->values = values;
        }
    }
    kept_operation(kept_operation const&) = delete;
    kept_operation& operator=(kept_operation const&) = delete;
    ~kept_operation() = default;

    std::string name;
    std::vector<double> data;
    std::vector<window::sent> values;
    window::operation what;
    window::asker* by; // null if it is forgotten
};

enum class answers : std::uint8_t { later, at_once, in_turns, never };

/// Keeps operations until it is told to finish them, unless it is set to do otherwise.
class late_register final : public window::window_register, private window::asker {
public:
    explicit late_register(windowd::protocol::environment& host)
        : store_(host.limits.windows, host.default_window, writer_),
          local_(store_)
    {}

    window::result* perform(window::operation const& asked, window::asker& by) override
    {
        if (answers_ == answers::never)
            throw std::bad_alloc();
        if (answers_ == answers::at_once || (answers_ == answers::in_turns && ++asked_ % 2 == 0))
            return local_.perform(asked, *this);
        kept_.push_back(std::make_unique<kept_operation>(asked, by));
        return nullptr;
    }
    void forget(window::asker& by) noexcept override
    {
        for (auto const& one : kept_) {
            if (one->by == &by) {
                one->by = nullptr;
                ++forgotten_;
            }
        }
    }
    void configure(window::register_limits const& limits, window::window_options defaults) noexcept override
    {
        local_.configure(limits, std::move(defaults));
    }
    std::vector<window::window_state> list(std::string_view match, std::string_view after, std::size_t limit,
                                           double now) override
    {
        return local_.list(match, after, limit, now);
    }
    followed follow(window::follower& by, std::string_view pattern) override
    {
        return local_.follow(by, pattern);
    }
    bool unfollow(window::follower& by, std::string_view pattern) noexcept override
    {
        return local_.unfollow(by, pattern);
    }
    void unfollow_all(window::follower& by) noexcept override { local_.unfollow_all(by); }
    std::size_t count() const noexcept override { return local_.count(); }
    double close_idle(double now) noexcept override { return local_.close_idle(now); }

    /// Performs the oldest operation, and tells its result; where an allocation of that is to fail, that one.
    void finish_one(std::size_t failing = 0)
    {
        BOOST_TEST_REQUIRE(!kept_.empty());
        auto const oldest = std::move(kept_.front());
        kept_.pop_front();
        auto* const came = local_.perform(oldest->what, *this);
        failing_allocation const failure(failing);
        if (oldest->by != nullptr)
            oldest->by->finished(*came);
        failed_ = failing != 0 && failure.happened();
    }
    std::size_t kept() const noexcept { return kept_.size(); }

    void set(answers when) noexcept { answers_ = when; }
    int forgotten() const noexcept { return forgotten_; }
    /// Whether the allocation that was to fail has failed.
    bool has_failed() const noexcept { return failed_; }

private:
    void finished(window::result&) noexcept override {}

    windowd::protocol::event_formatter writer_;
    window::window_store store_;
    window::local_register local_;
    std::deque<std::unique_ptr<kept_operation>> kept_;
    answers answers_ = answers::later;
    int asked_ = 0;
    int forgotten_ = 0;
    bool failed_ = false;
};

struct late_server : server {
    explicit late_server(setup const& with = {}) : server(with)
    {
        auto made = std::make_unique<late_register>(*this);
        late = made.get();
        shared = std::move(made);
    }
    late_register* late;
};

// All that comes back when every result comes in the end.
std::string send_and_finish(connection& tested, late_register& late, std::string_view input,
                            std::size_t chunk)
{
    auto replies = tested.send(input, chunk);
    while (tested.tested().waiting()) {
        late.finish_one();
        replies += tested.receive();
    }
    return replies;
}

// Whether a request has so many allocations when its result comes; that one fails.
bool fails_at(std::size_t nth, std::string const& line)
{
    late_server host;
    connection tested(host);
    host.late->set(answers::at_once);
    tested.send(named("open", "large", filled(30'000)) + "{\"op\":\"open\"}\n");
    host.late->set(answers::later);
    tested.send(line);
    host.late->finish_one(nth);
    auto const lines = lines_of(tested.receive());
    if (tested.ended()) {
        BOOST_TEST(host.late->has_failed());
        BOOST_TEST(lines.empty());
    } else {
        BOOST_TEST_REQUIRE(lines.size() == 1U);
        BOOST_TEST(lines[0].starts_with(R"({"id":)"));
        host.late->set(answers::at_once);
        BOOST_TEST(tested.send("{\"op\":\"open\"}\n5\n").ends_with("}\n5\n"));
    }
    return host.late->has_failed();
}

} // namespace

BOOST_AUTO_TEST_SUITE(late_results)

BOOST_AUTO_TEST_CASE(nothing_is_taken_until_the_result_has_come)
{
    late_server host;
    connection tested(host);
    BOOST_TEST(tested.send(named("send", "w", R"("value":5)")) == "");
    auto const& state = tested.tested();
    BOOST_TEST(state.waiting());
    BOOST_TEST(state.in_reply());
    BOOST_TEST(!state.pending());
    BOOST_TEST(tested.send("{\"op\":\"ping\"}\n7\n\n") == ""); // held, not taken
    BOOST_TEST(host.counters.requests == 1U);
    BOOST_TEST(host.counters.values == 0U);
    BOOST_TEST(tested.wakes() == 0);

    host.late->finish_one();
    BOOST_TEST(tested.wakes() == 1);
    BOOST_TEST(!state.waiting());
    BOOST_TEST(state.in_reply());
    BOOST_TEST(state.pending());
    BOOST_TEST(tested.receive() == "{\"yield\":5}\n{\"pong\":true}\n7\n");
    BOOST_TEST(!state.in_reply());
    BOOST_TEST(!state.pending());
    BOOST_TEST(host.counters.requests == 3U);
    BOOST_TEST(host.counters.values == 2U);
}

BOOST_AUTO_TEST_CASE(feed_takes_the_line_that_asks_and_no_more)
{
    late_server host;
    conversation tested(host);
    output_buffer out;
    auto const first = "{\"op\":\"ping\"}\n" + named("read", "w");
    auto const input = first + "\n\n7\n";
    BOOST_TEST(tested.feed(input, out) == first.size());
    BOOST_TEST(out.view() == "{\"pong\":true}\n");
    out.clear();
    BOOST_TEST(tested.feed("\n\n7\n", out) == 0U);
    BOOST_TEST(tested.feed({}, out) == 0U);
    BOOST_TEST(out.empty());
    host.late->finish_one();
    BOOST_TEST(tested.feed("\n\n7\n", out) == 4U);
    auto const lines = lines_of(out.view());
    BOOST_TEST_REQUIRE(lines.size() == 2U);
    BOOST_TEST(code_of(lines[0]) == "no_such_window");
    BOOST_TEST(lines[1] == "7");
}

BOOST_AUTO_TEST_CASE(private_windows_and_the_other_requests_wait_for_nothing)
{
    late_server host;
    connection tested(host);
    BOOST_TEST(tested
                   .send("5\n[7]\n{\"op\":\"open\",\"size\":1}\n{\"op\":\"dump\"}\n{\"op\":\"close\"}\n"
                         "{\"op\":\"windows\"}\n{\"op\":\"subscribe\",\"window\":\"*\"}\n")
                   .ends_with("{\"subscribed\":\"*\",\"windows\":0}\n"));
    BOOST_TEST(host.late->kept() == 0U);
}

BOOST_AUTO_TEST_CASE(late_results_are_answered_as_those_that_come_at_once)
{
    auto const large = filled(30'000);
    auto const script =
        named("open", "w", R"("size":3,"data":[1,2],"id":"a name that is not kept in place")") +
        "5\nnull\n\"x\"\n1e400\n{}\n{\"id\":7}\n[7,9]\n[]\n[1,\"x\",null,2]\n[[],1e400]\nnonsense\n" +
        "{\"op\":\"send\",\"value\":1,\"id\":1}\n{\"op\":\"send\",\"value\":true,\"id\":2}\n"
        "{\"op\":\"send\",\"values\":[1,{},2],\"id\":3}\n{\"op\":\"send\",\"value\":1,\"at\":5,\"id\":4}\n"
        "{\"op\":\"next\"}\n{\"op\":\"read\",\"id\":\"\\u20ac\"}\n{\"op\":\"dump\",\"id\":5}\n"
        "{\"op\":\"windows\"}\n{\"op\":\"throw\",\"exception\":\"DumpData\"}\n{\"op\":\"clear\"}\n8\n" +
        named("open", "w") + named("open", "w", R"("size":9)") +
        named("open", "v", R"("min_count":4,"size":4)") + named("open", "u", R"("min_count":4)") +
        "1\n{\"op\":\"ping\"}\n" + named("read", "w") + named("read", "none") + named("close", "v") +
        "5\n[5]\n{\"op\":\"close\",\"id\":6}\n" + named("open", "s", R"("stats":["mean","max"])") +
        "5\n[6,null,7]\n{\"op\":\"read\"}\n" + named("open", "big", large) +
        "{\"op\":\"dump\",\"id\":8}\n5\n{\"op\":\"open\"}\n6\n" + named("close", "big") +
        named("send", "w", R"("values":[3,4])");
    server local;
    connection expected(local);
    auto const replies = lines_of(expected.send(script));
    for (auto const in_turns : {false, true}) {
        for (std::size_t const chunk : {std::size_t{7}, std::size_t{69}, std::size_t{5000}, script.size()}) {
            late_server host;
            host.late->set(in_turns ? answers::in_turns : answers::later);
            connection tested(host);
            auto const late = lines_of(send_and_finish(tested, *host.late, script, chunk));
            BOOST_TEST_REQUIRE(late.size() == replies.size());
            for (std::size_t i = 0; i < late.size(); ++i)
                BOOST_TEST((late[i] == replies[i]), late[i].substr(0, 200)
                                                        << " instead of " << replies[i].substr(0, 200));
            BOOST_TEST(host.counters.requests == local.counters.requests);
            BOOST_TEST(host.counters.values == local.counters.values);
            BOOST_TEST(host.counters.refused == local.counters.refused);
        }
    }
}

BOOST_AUTO_TEST_CASE(what_others_send_meanwhile_changes_nothing_of_an_answer)
{
    late_server host;
    connection tested(host);
    connection other(host);
    auto const id = std::string("an id that is long enough to be kept elsewhere");
    tested.send(named("send", "w", R"("values":[5,"x"],"id":")" + id + '"'));
    other.send(
        "{\"op\":\"ping\",\"id\":\"ANOTHER id that is long enough to be kept elsewhere, and longer\"}\n"
        "[null,null,null,null]\n\"x\"\n{\"op\":\"send\",\"values\":[true,true,true]}\n");
    host.late->finish_one();
    auto const reply = tested.receive();
    BOOST_TEST(reply.starts_with("{\"id\":\"" + id +
                                 "\",\"yield\":[5,null],\"error\":{\"code\":\"not_a_number\","
                                 "\"index\":1,"),
               reply);
    BOOST_TEST(message_of(reply) == "a window takes numbers, and this is a string");
}

BOOST_AUTO_TEST_CASE(several_connections_wait_each_for_its_own)
{
    late_server host;
    connection one(host);
    connection other(host);
    one.send(named("send", "w", R"("value":5)") + "1\n");
    other.send(named("send", "w", R"("value":7)") + "2\n");
    BOOST_TEST(host.late->kept() == 2U);
    host.late->finish_one();
    BOOST_TEST(!one.tested().waiting());
    BOOST_TEST(other.tested().waiting());
    host.late->finish_one();
    BOOST_TEST(other.receive() == "{\"yield\":6}\n2\n");
    BOOST_TEST(one.receive() == "{\"yield\":5}\n1\n");
}

BOOST_AUTO_TEST_CASE(a_window_is_the_own_one_once_it_is_open)
{
    late_server host;
    connection tested(host);
    BOOST_TEST(tested.send("5\n" + named("open", "w") + "100\n") == "5\n");
    host.late->finish_one();
    BOOST_TEST(tested.receive().ends_with("\"created\":true}\n"));
    host.late->finish_one();
    BOOST_TEST(tested.receive() == "100\n");
    tested.send(named("open", "w", R"("size":9)"));
    host.late->finish_one();
    BOOST_TEST(code_of(tested.receive()) == "window_mismatch");
    tested.send("200\n");
    host.late->finish_one();
    BOOST_TEST(tested.receive() == "150\n");
}

BOOST_AUTO_TEST_CASE(a_dump_is_of_when_it_was_made_however_long_it_takes_to_write)
{
    late_server host;
    conversation tested(host);
    connection other(host);
    output_buffer out;
    host.late->set(answers::at_once);
    other.send(named("open", "w", filled(30'000)));
    host.late->set(answers::later);
    auto const input = named("dump", "w", "\"id\":1") + "5\n";
    BOOST_TEST(tested.feed(input, out) == input.size() - 2);
    BOOST_TEST(out.empty());
    host.late->finish_one();
    host.late->set(answers::at_once);
    std::string text;
    auto rounds = 0;
    while (tested.pending()) {
        BOOST_TEST_REQUIRE(++rounds < 100);
        other.send(named("clear", "w") + named("send", "w", "\"value\":1"));
        BOOST_TEST(tested.in_reply());
        BOOST_TEST(!tested.waiting());
        tested.feed({}, out);
        BOOST_TEST(out.size() <= conversation::output_pause + 64);
        text += out.view();
        out.clear();
    }
    BOOST_TEST(rounds > 2);
    auto const reply = parsed(lines_of(text).at(0));
    BOOST_TEST(reply.at("id").to_number<int>() == 1);
    BOOST_TEST(reply.at("yield").to_number<int>() == 30'000);
    BOOST_TEST(reply.at("dump").as_array().size() == 30'000U);
    BOOST_TEST(reply.at("dump").as_array().back().to_number<int>() == 130'000);
    tested.feed("5\n", out);
    BOOST_TEST(out.view() == "5\n");
}

BOOST_AUTO_TEST_CASE(events_are_told_while_a_result_has_to_come)
{
    late_server host;
    connection tested(host);
    connection other(host);
    tested.send("{\"op\":\"subscribe\",\"window\":\"*\"}\n" + named("read", "w") + "1\n");
    BOOST_TEST(tested.tested().waiting());
    host.late->set(answers::at_once);
    other.send(named("send", "w", R"("value":5)"));
    BOOST_TEST(tested.wakes() == 1);
    BOOST_TEST(tested.tested().pending());
    BOOST_TEST(tested.tested().waiting());
    BOOST_TEST(tested.receive() ==
               "{\"event\":\"open\",\"window\":\"w\",\"n\":0}\n"
               "{\"event\":\"yield\",\"window\":\"w\",\"n\":1,\"value\":5,\"yield\":5}\n");
    BOOST_TEST(tested.tested().waiting());
    BOOST_TEST(!tested.tested().pending());
    host.late->finish_one();
    BOOST_TEST(tested.receive() == "{\"yield\":5}\n1\n");
}

BOOST_AUTO_TEST_CASE(ones_own_late_request_is_answered_before_it_is_told)
{
    late_server host;
    connection tested(host);
    tested.send("{\"op\":\"subscribe\",\"window\":\"*\"}\n" + named("send", "w", R"("value":5)"));
    host.late->finish_one();
    BOOST_TEST(tested.receive() ==
               "{\"yield\":5}\n{\"event\":\"open\",\"window\":\"w\",\"n\":0}\n"
               "{\"event\":\"yield\",\"window\":\"w\",\"n\":1,\"value\":5,\"yield\":5}\n");
}

BOOST_AUTO_TEST_CASE(an_event_of_the_meantime_never_stands_inside_a_late_dump)
{
    late_server host;
    connection tested(host);
    connection other(host);
    host.late->set(answers::at_once);
    other.send(named("open", "w", filled(30'000)));
    tested.send("{\"op\":\"subscribe\",\"window\":\"*\"}\n");
    host.late->set(answers::later);
    tested.send(named("dump", "w"));
    host.late->finish_one();
    host.late->set(answers::at_once);
    other.send("5\n");
    auto const lines = lines_of(tested.receive());
    BOOST_TEST_REQUIRE(lines.size() == 2U);
    BOOST_TEST(parsed(lines[0]).at("dump").as_array().size() == 30'000U);
    BOOST_TEST(is_event(lines[1]));
}

BOOST_AUTO_TEST_CASE(who_is_gone_is_not_told)
{
    late_server host;
    {
        connection tested(host);
        tested.send(named("send", "w", R"("value":5)"));
    }
    BOOST_TEST(host.late->forgotten() == 1);
    host.late->finish_one(); // what was asked for happens still
    connection other(host);
    host.late->set(answers::at_once);
    BOOST_TEST(other.send(named("read", "w")) == "{\"yield\":5}\n");
}

BOOST_AUTO_TEST_CASE(who_was_told_has_nothing_to_be_forgotten)
{
    late_server host;
    {
        connection tested(host);
        tested.send(named("dump", "w"));
        host.late->finish_one();
        BOOST_TEST(tested.tested().pending());
    }
    BOOST_TEST(host.late->forgotten() == 0);
}

BOOST_AUTO_TEST_CASE(a_last_line_without_an_end_may_have_to_wait)
{
    late_server host;
    connection tested(host);
    BOOST_TEST(tested.send("1\n" + named("send", "w", R"("value":5)").substr(0, 20)) == "1\n");
    tested.send(named("send", "w", R"("value":5)").substr(20, 19));
    BOOST_TEST(tested.finish() == "");
    BOOST_TEST(tested.tested().waiting());
    host.late->finish_one();
    BOOST_TEST(tested.receive() == "{\"yield\":5}\n");
    BOOST_TEST(!tested.tested().pending());
    BOOST_TEST(!tested.tested().waiting());
}

BOOST_AUTO_TEST_CASE(a_register_that_fails_is_answered_with_internal)
{
    late_server host;
    connection tested(host);
    host.late->set(answers::never);
    for (auto const& line : {named("send", "w", R"("value":5)"), named("open", "w"), named("dump", "w")})
        BOOST_TEST(code_of(tested.send(line)) == "internal");
    host.late->set(answers::at_once);
    BOOST_TEST(tested.send("5\n" + named("send", "w", R"("value":7)")) == "5\n{\"yield\":7}\n");
}

BOOST_AUTO_TEST_CASE(without_memory_to_wait_a_request_is_refused_and_its_result_forgotten)
{
    auto failed = true;
    for (std::size_t nth = 1; failed; ++nth) {
        BOOST_TEST_REQUIRE(nth < 100U);
        late_server host;
        connection tested(host);
        tested.send(named("ping", "w", R"("id":"so that the output and the parser have their memory")"));
        conversation asking(host);
        output_buffer out;
        out.prepare(10'000);
        auto const line = named("send", "w", R"("value":5,"id":"an id that is kept elsewhere")");
        {
            failing_allocation const failure(nth);
            BOOST_TEST(asking.feed(line, out) == line.size());
            failed = failure.happened();
        }
        if (asking.waiting()) {
            BOOST_TEST(out.empty());
            host.late->finish_one();
            asking.feed({}, out);
            BOOST_TEST(out.view() == "{\"id\":\"an id that is kept elsewhere\",\"yield\":5}\n");
        } else {
            BOOST_TEST(failed);
            BOOST_TEST(code_of(lines_of(out.view()).at(0)) == "internal");
            BOOST_TEST(host.late->forgotten() == static_cast<int>(host.late->kept()));
        }
        out.clear();
        asking.feed("5\n", out);
        BOOST_TEST(out.view() == "5\n");
    }
}

BOOST_AUTO_TEST_CASE(without_memory_for_a_late_answer_it_is_internal_or_the_connection_ends)
{
    for (auto const& line :
         {named("send", "w", R"("value":5,"id":1)"), named("send", "w", R"("values":["x",5],"id":1)"),
          named("read", "w", R"("id":")" + std::string(20'000, 'x') + '"'),
          named("dump", "large", R"("id":1)"), named("read", "none", R"("id":1)"),
          named("open", "a.name.that.is.long.enough.to.be.kept.elsewhere", R"("id":1)"),
          named("open", "large", R"("size":2,"id":1)")}) {
        for (std::size_t nth = 1; fails_at(nth, line); ++nth)
            BOOST_TEST_REQUIRE(nth < 100U);
    }
}

BOOST_AUTO_TEST_CASE(long_conversations_are_the_same_however_late_the_results)
{
    std::vector<std::string> const lines = {"5\n",
                                            "null\n",
                                            "\"x\"\n",
                                            "[1,\"x\",null]\n",
                                            "{}\n",
                                            "nonsense\n",
                                            named("open", "a"),
                                            named("open", "b", R"("stats":["mean","max"])"),
                                            "{\"op\":\"open\"}\n",
                                            "{\"op\":\"close\"}\n",
                                            named("close", "a"),
                                            named("send", "a", R"("value":2.5)"),
                                            named("send", "b", R"("values":[1,null,true])"),
                                            named("dump", "b", R"("id":1)"),
                                            named("clear", "a"),
                                            "{\"op\":\"subscribe\",\"window\":\"*\"}\n",
                                            "{\"op\":\"unsubscribe\",\"window\":\"*\"}\n",
                                            "{\"op\":\"read\",\"id\":\"x\"}\n"};
    auto random = std::mt19937(70);
    for (auto round = 0; round < 20; ++round) {
        std::string input;
        for (auto i = 0; i < 80; ++i)
            input += lines[random() % lines.size()];
        server local;
        connection expected(local);
        auto const all = expected.send(input);
        for (auto const chunk : {1U, 10U, 100U, 10'000U}) {
            late_server host;
            host.late->set(chunk == 10U ? answers::in_turns : answers::later);
            connection tested(host);
            BOOST_TEST(lines_of(send_and_finish(tested, *host.late, input, chunk)) == lines_of(all),
                       boost::test_tools::per_element());
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
