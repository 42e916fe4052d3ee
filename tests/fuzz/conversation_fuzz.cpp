// Conversations: any bytes, in any pieces, of several connections with shared windows and followers, in virtual time.
//
// An input is a line of letters that choose settings, then what clients send. In that, ESC and another byte steer:
//     ESC |     one of the cuts of the run that is cut as the input says
//     ESC 0-3   what follows is sent by that connection
//     ESC t N   time passes: N tenths of a second; ESC T N: N minutes
//     ESC f     the connection ends its input; a new one takes its place
//     ESC x     the connection is gone at once; a new one takes its place
//     ESC a N   the tokens change: what each of the two allows then is in N
// All runs have to give the same: in whole pieces, cut as the input says, and in pieces of a few lengths.
#include "fuzz/fuzzer.hpp"
#include "fuzz/strict_json.hpp"
#include "protocol/conversation.hpp"
#include "support/not_owned.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace windowd;
using fuzz::choices;
using fuzz::expect;
using fuzz::found;
using fuzz::json;

constexpr std::size_t connections = 4;
constexpr std::size_t most_depth = 32;

// --- What the input says

struct piece {
    enum class kind : std::uint8_t { send, pass, finish, drop, new_tokens };

    kind what = kind::send;
    std::size_t connection = 0;
    std::string bytes = {};             // send
    std::vector<std::size_t> cuts = {}; // in bytes
    std::chrono::milliseconds time{};   // pass
    int rights = 0;                     // new_tokens
};

struct scenario {
    std::string settings; // letters
    std::vector<piece> pieces;
};

/// What the byte after ESC and those after that say; false: ESC is a byte like others.
bool steer(std::string_view& rest, scenario& to, std::size_t& connection)
{
    auto& now = to.pieces.back();
    auto const what = rest.empty() ? '\0' : rest.front();
    auto const argument = rest.size() > 1 ? static_cast<unsigned char>(rest[1]) : 0;
    if (what == '|') {
        now.cuts.push_back(now.bytes.size());
    } else if (what >= '0' && what < '0' + static_cast<int>(connections)) {
        connection = static_cast<std::size_t>(what - '0');
    } else if (what == 't' || what == 'T') {
        auto const unit = what == 't' ? std::chrono::milliseconds(100) : std::chrono::minutes(1);
        to.pieces.push_back({piece::kind::pass, connection, {}, {}, argument * unit});
        rest.remove_prefix(std::min<std::size_t>(rest.size(), 2) - 1);
    } else if (what == 'a') {
        to.pieces.push_back({piece::kind::new_tokens, connection, {}, {}, {}, argument});
        rest.remove_prefix(std::min<std::size_t>(rest.size(), 2) - 1);
    } else if (what == 'f' || what == 'x') {
        to.pieces.push_back({what == 'f' ? piece::kind::finish : piece::kind::drop, connection});
    } else {
        return false;
    }
    rest.remove_prefix(1);
    if (what != '|')
        to.pieces.push_back({piece::kind::send, connection});
    return true;
}

scenario read_scenario(std::string_view input)
{
    constexpr auto escape = '\x1b';
    scenario read;
    auto const settings_end = std::min(input.find('\n'), input.size());
    read.settings = input.substr(0, settings_end);
    input.remove_prefix(std::min(settings_end + 1, input.size()));
    std::size_t connection = 0;
    read.pieces.push_back({});
    while (!input.empty()) {
        auto const byte = input.front();
        input.remove_prefix(1);
        if (byte != escape || !steer(input, read, connection))
            read.pieces.back().bytes += byte;
    }
    for (std::size_t i = 0; i < connections; ++i)
        read.pieces.push_back({piece::kind::finish, i});
    return read;
}

/// How the pieces are cut.
struct cutting {
    bool as_the_input_says = false;
    std::size_t size = std::string_view::npos;
};

std::vector<std::string_view> cut(piece const& whole, cutting const& how)
{
    std::vector<std::string_view> parts;
    auto rest = std::string_view(whole.bytes);
    if (how.as_the_input_says) {
        std::size_t taken = 0;
        for (auto const at : whole.cuts) {
            parts.push_back(rest.substr(0, at - taken));
            rest.remove_prefix(at - std::exchange(taken, at));
        }
        parts.push_back(rest);
    }
    for (; !how.as_the_input_says && !rest.empty(); rest.remove_prefix(parts.back().size()))
        parts.push_back(rest.substr(0, how.size));
    return parts;
}

// --- The server

/// What a token allows, by a number that holds the rights of both.
protocol::right right_of(std::string_view token, int rights) noexcept
{
    if (token == "reader")
        return static_cast<protocol::right>(rights % 3);
    return token == "writer" ? static_cast<protocol::right>(rights / 3 % 3) : protocol::right::none;
}

struct known_tokens final : protocol::authority {
    protocol::right check(std::string_view token) const noexcept override { return right_of(token, rights); }

    int rights = 7; // as the names of the tokens say
};

// The environment takes a plain function for a clock, which has no place of its own to keep this.
constinit protocol::environment::clock::time_point stopped_at{};

protocol::environment::clock::time_point stopped_clock() noexcept
{
    return stopped_at;
}

std::vector<window::statistic_ptr> statistics(std::initializer_list<std::string_view> names)
{
    std::vector<window::statistic_ptr> all;
    for (auto const name : names)
        all.push_back(window::find_statistic(name));
    return all;
}

/// Settings small enough to be met by small inputs, or as they are by default.
void set_up(protocol::environment& host, protocol::authority const& tokens, choices settings)
{
    auto const letter = [&settings] { return settings.empty() ? 0 : std::max(settings.byte() - 'A', 0); };
    auto const pick = [](int& from, auto... values) {
        std::array const all{values...};
        auto const index = static_cast<std::size_t>(from) % all.size();
        from /= static_cast<int>(all.size());
        return all[index];
    };
    auto& limits = host.limits;
    auto choice = letter();
    limits.max_line = pick(choice, limits.max_line, std::size_t{64}, std::size_t{80}, std::size_t{256});
    limits.windows.max_windows =
        pick(choice, limits.windows.max_windows, std::size_t{0}, std::size_t{1}, std::size_t{2});
    choice = letter();
    host.default_window.size = pick(choice, 3U, 1U, 2U, 5U);
    host.default_window.span = pick(choice, 0, 0, 3);
    auto const what = pick(choice, 0, 1, 2);
    if (what != 0)
        host.default_window.stats =
            what == 1 ? statistics({"median", "max"})
                      : statistics({"count", "sum", "std", "skew", "kurt", "slope", "zscore", "p95"});
    choice = letter();
    limits.max_event_buffer =
        pick(choice, limits.max_event_buffer, std::size_t{4096}, std::size_t{600}, std::size_t{1});
    limits.windows.idle_expiry = pick(choice, 0.0, 5.0);
    limits.max_subscriptions = pick(choice, limits.max_subscriptions, std::size_t{1}, std::size_t{2});
    choice = letter();
    limits.windows.max_readings = pick(choice, limits.windows.max_readings, std::size_t{16});
    limits.windows.max_dumped = pick(choice, limits.windows.max_dumped, std::size_t{4});
    limits.windows.small_dump = pick(choice, limits.windows.small_dump, std::size_t{2});
    limits.windows.max_window_size = pick(choice, limits.windows.max_window_size, std::size_t{5});
    limits.windows.max_patterns = pick(choice, limits.windows.max_patterns, std::size_t{1});
    choice = letter();
    if (choice % 2 == 1)
        host.access = test::not_owned(tokens);
}

struct server : protocol::environment {
    explicit server(std::string_view letters)
    {
        set_up(*this, tokens, choices(letters));
        stopped_at = clock::time_point(std::chrono::hours(1000));
        now = stopped_clock;
        started = now();
        started_at = 1'000'000;
    }

    known_tokens tokens;
};

// --- A run

/// What a connection was sent and has sent.
struct history {
    struct change {
        std::size_t at; // behind so much input
        int rights;
        bool operator==(change const&) const = default;
    };

    bool asks_for_tokens = false;
    std::vector<change> changes = {}; // of what tokens allow, the first at 0
    std::string input = {};
    std::string output = {};
    bool finished = false;
    bool ended = false;

    bool operator==(history const&) const = default;
};

class client {
public:
    explicit client(server& host)
        : tested_(host),
          told_{.asks_for_tokens = host.access != nullptr, .changes = {{0, host.tokens.rights}}}
    {}

    void feed(std::string_view bytes)
    {
        told_.input += bytes;
        drive(bytes);
    }
    void receive() { drive({}); }
    void renew_access(int rights)
    {
        told_.changes.push_back({told_.input.size(), rights});
        tested_.renew_access();
    }
    history finish()
    {
        tested_.finish(out_);
        take_output();
        drive({});
        told_.finished = true;
        return leave();
    }
    history leave()
    {
        told_.ended = tested_.ended();
        return std::move(told_);
    }

private:
    void drive(std::string_view input)
    {
        auto idle_rounds = 0;
        do {
            auto const taken = tested_.feed(input, out_);
            auto const is_idle = taken == 0 && out_.empty();
            input.remove_prefix(taken);
            take_output();
            tested_.forgive();
            idle_rounds = is_idle ? idle_rounds + 1 : 0;
            expect(idle_rounds < 1000, "the conversation takes nothing and says nothing");
        } while (!input.empty() || tested_.pending());
    }
    void take_output()
    {
        told_.output += out_.view();
        out_.clear();
    }

    protocol::conversation tested_;
    protocol::output_buffer out_;
    history told_;
};

struct outcome {
    std::vector<history> all;
    protocol::counters counters;
    std::uint64_t events_lost = 0;
    std::size_t max_line = 0;
};

class run {
public:
    explicit run(scenario const& what) : host_(what.settings)
    {
        for (auto& one : clients_)
            one.emplace(host_);
    }

    void take(piece const& next, cutting const& how)
    {
        auto& active = clients_[next.connection];
        switch (next.what) {
        case piece::kind::send:
            for (auto const part : cut(next, how)) {
                active->feed(part);
                receive_all();
            }
            break;
        case piece::kind::pass:
            stopped_at += next.time;
            host_.tick();
            host_.windows().close_idle(host_.time.now());
            break;
        case piece::kind::finish:
            past_.push_back(active->finish());
            active.emplace(host_);
            break;
        case piece::kind::drop:
            past_.push_back(active->leave());
            active.emplace(host_);
            break;
        case piece::kind::new_tokens:
            host_.tokens.rights = next.rights;
            for (auto& one : clients_)
                one->renew_access(next.rights);
            break;
        }
        receive_all();
    }

    outcome result() const { return {past_, host_.counters, host_.events_lost(), host_.limits.max_line}; }

private:
    // Followers are prompt, so that what they get does not depend on the pieces.
    void receive_all()
    {
        for (auto& one : clients_)
            one->receive();
    }

    server host_;
    std::array<std::optional<client>, connections> clients_;
    std::vector<history> past_;
};

outcome converse(scenario const& what, cutting const& how)
{
    run now(what);
    for (auto const& next : what.pieces)
        now.take(next, how);
    return now.result();
}

// --- What has to hold

std::vector<std::string_view> split(std::string_view text)
{
    std::vector<std::string_view> lines;
    for (auto end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
        lines.push_back(text.substr(0, end));
        text.remove_prefix(end + 1);
    }
    if (!text.empty())
        lines.push_back(text);
    return lines;
}

/// The lines that are to be answered.
std::vector<std::string_view> requests_in(history const& told, std::size_t max_line)
{
    auto lines = split(told.input);
    auto const has_end = told.input.ends_with('\n') || told.finished;
    // Of a line that has not ended it is known that it is too long once not even a CR can make it fit.
    if (!lines.empty() && !has_end && lines.back().size() <= max_line + 1)
        lines.pop_back();
    std::erase_if(lines, [max_line](std::string_view line) {
        if (line.ends_with('\r'))
            line.remove_suffix(1);
        return line.size() <= max_line && line.find_first_not_of(" \t") == std::string_view::npos;
    });
    return lines;
}

std::optional<json> read_request(std::string_view line, std::size_t max_line)
{
    if (line.ends_with('\r'))
        line.remove_suffix(1);
    return line.size() <= max_line ? fuzz::parse_json(line, most_depth) : std::nullopt;
}

void check_numbers(json const& value)
{
    if (value.what == json::kind::number && value.text.size() < 400)
        expect(std::isfinite(std::strtod(value.text.c_str(), nullptr)), "a number that is not finite");
    for (auto const& one : value.elements)
        if (&one != value.find("id")) // which comes back as it was
            check_numbers(one);
}

void check_error(json const& why)
{
    static std::set<std::string_view> const codes = [] {
        std::set<std::string_view> all;
        for (std::size_t i = 0; i < protocol::error_code_count; ++i)
            all.insert(to_string(static_cast<protocol::error_code>(i)));
        return all;
    }();
    auto const* const code = why.find("code");
    auto const* const message = why.find("message");
    expect(code != nullptr && codes.contains(code->text), "an error without a code of the list");
    expect(code->text != "internal", "the server is at fault");
    expect(message != nullptr && !message->text.empty(), "an error that says nothing");
}

json check_line(std::string_view line)
{
    auto read = fuzz::parse_json(line, most_depth);
    if (!read)
        found("this is not JSON: " + std::string(line));
    check_numbers(*read);
    expect(read->what != json::kind::string && read->what != json::kind::boolean, "a reply of no known form");
    if (auto const* const why = read->find("error"))
        check_error(*why);
    return std::move(*read);
}

bool is_integer(json const& value)
{
    return value.what == json::kind::number &&
           value.text.find_first_not_of("-0123456789") == std::string::npos;
}

/// That the id of a request comes back as the first member.
void check_id(json const& request, json const& reply)
{
    if (request.what != json::kind::object)
        return;
    auto const* const id = request.find("id");
    auto const is_id = id != nullptr && (id->what == json::kind::string || is_integer(*id));
    auto const has_id = !reply.names.empty() && reply.names.front() == "id";
    expect(has_id == is_id, "an id that is not there, or should not be");
    if (is_id) {
        auto const& back = reply.elements.front();
        expect(back.what == id->what && back.text == id->text, "another id");
    }
}

/// What a client may do, as its token and the changes of tokens have it.
class bearer {
public:
    explicit bearer(history const& told) noexcept : told_(told) {}

    /// The reply to a request that ends there; of what is no JSON nothing is known.
    void take(std::size_t end, std::optional<json> const& request, json const& reply)
    {
        while (next_ < told_.changes.size() && told_.changes[next_].at <= end)
            apply(told_.changes[next_++].rights);
        auto const* const op = request ? request->find("op") : nullptr;
        auto const is_auth = op != nullptr && op->text == "auth";
        auto const* const why = reply.find("error");
        auto const is_unauthorized = why != nullptr && why->find("code")->text == "unauthorized";
        if (is_auth && why == nullptr)
            return authorize(request->find("token")->text, reply.find("authorized")->text);
        switch (right_) {
        case protocol::right::none:
            expect(is_unauthorized && reply.find("yield") == nullptr, "it serves who may do nothing");
            break;
        case protocol::right::read:
            expect(why != nullptr || (op != nullptr && reads(*request, op->text)),
                   "it obeys who may only read");
            break;
        case protocol::right::write:
            expect(is_auth || !is_unauthorized, "it refuses who may do everything");
            break;
        }
    }

private:
    void apply(int rights)
    {
        rights_ = rights;
        right_ = told_.asks_for_tokens ? right_of(token_, rights_) : protocol::right::write;
    }
    void authorize(std::string const& token, std::string_view told)
    {
        token_ = token;
        apply(rights_);
        expect(right_ != protocol::right::none, "a token is taken that allows nothing");
        expect(told == (right_ == protocol::right::write ? "write" : "read"), "another right is told");
    }
    static bool reads(json const& request, std::string_view op)
    {
        static std::set<std::string_view> const all{"dump", "read", "windows", "subscribe", "unsubscribe",
                                                    "ping", "info", "help",    "DumpData",  "ReadStatistics"};
        return all.contains(op == "throw" ? std::string_view(request.find("exception")->text) : op);
    }

    history const& told_;
    std::size_t next_ = 0;
    std::string token_;
    int rights_ = 0;
    protocol::right right_ = protocol::right::none;
};

/// Of each window, events are numbered without gaps, but where some were lost.
class numbering {
public:
    void take(json const& event)
    {
        auto const& kind = event.find("event")->text;
        if (kind == "lost")
            return last_.clear();
        auto const& name = event.find("window")->text;
        auto const n = std::strtoull(event.find("n")->text.c_str(), nullptr, 10);
        auto const before = last_.find(name);
        if (before != last_.end() && kind != "open")
            expect(n == before->second + 1, "an event is missing, or there are too many");
        last_[name] = n;
        if (kind == "close")
            last_.erase(name);
    }
    void forget() { last_.clear(); }

private:
    std::map<std::string, std::uint64_t> last_;
};

void check(history const& told, std::size_t max_line)
{
    expect(told.output.empty() || told.output.ends_with('\n'), "the last reply has no end");
    auto requests = requests_in(told, max_line);
    std::vector<json> replies;
    numbering events;
    for (auto const line : split(told.output)) {
        auto reply = check_line(line);
        if (reply.find("event") != nullptr) {
            events.take(reply);
            continue;
        }
        if (reply.find("subscribed") != nullptr || reply.find("unsubscribed") != nullptr)
            events.forget(); // what was between is not known
        replies.push_back(std::move(reply));
    }
    if (told.ended) // by a first line of HTTP
        requests.resize(1);
    if (replies.size() != requests.size())
        found(std::to_string(replies.size()) + " replies to " + std::to_string(requests.size()) +
              " requests");
    bearer rights(told);
    for (std::size_t i = 0; i < replies.size(); ++i) {
        auto const request = read_request(requests[i], max_line);
        if (request)
            check_id(*request, replies[i]);
        auto const end = requests[i].data() + requests[i].size() - told.input.data();
        rights.take(static_cast<std::size_t>(end), request, replies[i]);
    }
}

/// Without events; and without what tells how many of them were lost.
std::string without_events(std::string_view output)
{
    std::string replies;
    for (auto const line : split(output))
        if (!line.starts_with(R"({"event":)") && line.find(R"("events_lost":)") == std::string_view::npos)
            replies.append(line).append("\n");
    return replies;
}

std::string quoted(std::string_view text)
{
    std::string quoted;
    for (auto const c : text)
        quoted.append(c == '\n' ? "\n    " : std::string(1, c));
    return "\n    " + quoted;
}

/// Which events are lost, where any are, depends on the pieces; nothing else does.
void compare(outcome const& seen, outcome const& expected, std::string const& how)
{
    auto const all_events = seen.events_lost == 0 && expected.events_lost == 0;
    for (std::size_t i = 0; i < expected.all.size(); ++i) {
        auto const& wanted = expected.all[i];
        auto const& got = seen.all[i];
        auto const same = all_events ? got == wanted
                                     : got.ended == wanted.ended &&
                                           without_events(got.output) == without_events(wanted.output);
        if (!same)
            found("in " + how + " it says" + quoted(got.output) + "\nand in whole pieces" +
                  quoted(wanted.output));
    }
    expect(seen.counters.requests == expected.counters.requests,
           "the pieces change how many requests there are");
    expect(seen.counters.values == expected.counters.values, "the pieces change how many values there are");
    expect(seen.counters.refused_with == expected.counters.refused_with, "the pieces change what is refused");
    expect(seen.counters.subscriptions == 0, "there are followers when all have gone");
}

/// Two lengths from 1 to 69, which differ from input to input.
std::array<std::size_t, 2> lengths_for(std::string_view input)
{
    std::size_t sum = input.size();
    for (auto const c : input)
        sum = sum * 31 + static_cast<unsigned char>(c);
    return {1 + sum % 69, 1 + sum / 69 % 69};
}

} // namespace

int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    auto const input = fuzz::text_of(data, size);
    auto const what = read_scenario(input);
    auto const whole = converse(what, {});
    std::uint64_t requests = 0;
    for (auto const& told : whole.all) {
        check(told, whole.max_line);
        requests += told.ended ? 1 : requests_in(told, whole.max_line).size();
    }
    expect(whole.counters.requests == requests, "the counter has other requests");
    compare(converse(what, {.as_the_input_says = true}), whole, "pieces as the input says");
    compare(converse(what, {.size = 1}), whole, "pieces of 1 byte");
    for (auto const length : lengths_for(input))
        compare(converse(what, {.size = length}), whole, "pieces of " + std::to_string(length) + " bytes");
    return 0;
}
