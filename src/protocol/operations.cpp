// The table of ops, and what each does.
#include "protocol/conversation.hpp"
#include "protocol/json_writer.hpp"
#include "protocol/messages.hpp"
#include "protocol/version.hpp"
#include "window/names.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <utility>

namespace windowd::protocol {
namespace {

// Windows in a page of `windows`.
constexpr std::size_t default_page = 100;
constexpr std::size_t max_page = 1000;

// A window lasts a day, a year or a million: beyond that people mean milliseconds.
constexpr double max_span = 1e9;

// In bytes.
constexpr std::size_t max_token_size = 1024;

constexpr member_set anywhere = member_set(member::op) | member::id | member::window;

/// A member's value as an integer of 1 to max, or why it is none; `whose` says where that max comes from.
std::optional<error> read_count(request const& line, member which, std::size_t max, std::string_view whose,
                                std::optional<std::size_t>& count)
{
    if (!line.has(which))
        return std::nullopt;
    auto const& value = line[which].value;
    if (value.what == element::kind::number && value.number >= 1 &&
        value.number <= static_cast<double>(max) && value.number == std::floor(value.number)) {
        count = static_cast<std::size_t>(value.number);
        return std::nullopt;
    }
    auto const code =
        value.what == element::kind::out_of_range ? error_code::out_of_range : error_code::bad_member;
    return error{code, quoted(to_string(which)) + " has to be an integer from 1 to " + std::to_string(max) +
                           ", " + std::string(whose)};
}

std::optional<error> read_span(request const& line, std::optional<double>& span)
{
    if (!line.has(member::span))
        return std::nullopt;
    auto const& value = line[member::span].value;
    if (value.what == element::kind::out_of_range)
        return out_of_range_error();
    if (value.what != element::kind::number || value.number <= 0 || value.number > max_span)
        return wrong_type_error(member::span, "a number of seconds above 0, at most 1e9");
    span = value.number;
    return std::nullopt;
}

std::string all_statistics()
{
    std::string list;
    for (auto const name : window::statistic_names())
        append_item(list, name);
    return list;
}

std::optional<error> read_stats(request const& line, std::size_t max_statistics,
                                std::optional<std::vector<window::statistic_ptr>>& stats)
{
    if (!line.has(member::stats))
        return std::nullopt;
    auto const& asked = line[member::stats];
    auto const count = asked.elements.size();
    if (asked.value.what != element::kind::array || count == 0 || count > max_statistics ||
        asked.strings.size() != count)
        return wrong_type_error(member::stats, "an array of 1 to " + std::to_string(max_statistics) +
                                                   " names of statistics");
    auto& found = stats.emplace();
    for (std::size_t i = 0; i < count; ++i) {
        auto const& name = asked.strings[i];
        if (std::ranges::find(found, name, &window::statistic::name) != found.end())
            return error{error_code::bad_member, "'stats' has a name twice", i};
        auto statistic = window::find_statistic(name);
        if (statistic == nullptr)
            return error{error_code::bad_member,
                         "there is no such statistic; there are " + all_statistics() +
                             ", where NN is a percentile such as 95 or 99.9",
                         i};
        found.push_back(std::move(statistic));
    }
    return std::nullopt;
}

std::optional<error> read_data(request const& line, std::vector<double>& data)
{
    data.clear();
    if (!line.has(member::data))
        return std::nullopt;
    auto const& given = line[member::data];
    if (given.value.what != element::kind::array)
        return wrong_type_error(member::data, "an array of numbers");
    data.reserve(given.elements.size());
    for (std::size_t i = 0; i < given.elements.size(); ++i) {
        if (given.elements[i].what == element::kind::out_of_range)
            return out_of_range_error(i);
        if (given.elements[i].what != element::kind::number)
            return wrong_type_error(member::data, "an array of numbers", i);
        data.push_back(given.elements[i].number);
    }
    return std::nullopt;
}

std::optional<error> read_at(request const& line, std::optional<double>& at)
{
    if (!line.has(member::at))
        return std::nullopt;
    auto const& value = line[member::at].value;
    if (value.what == element::kind::out_of_range)
        return out_of_range_error();
    if (value.what != element::kind::number)
        return wrong_type_error(member::at, "a number of seconds since 1970");
    at = value.number;
    return std::nullopt;
}

/// What a send sends: one value or several, with a time or without.
std::optional<error> check_send(request const& line, std::optional<double>& at)
{
    auto const several = line.has(member::values);
    if (several == line.has(member::value)) {
        if (several)
            return error{error_code::bad_member, "'send' takes 'value' or 'values', not both"};
        return error{error_code::missing_member, "'send' needs 'value' or 'values'"};
    }
    if (several && line[member::values].value.what != element::kind::array)
        return wrong_type_error(member::values, "an array of numbers");
    return read_at(line, at);
}

/// Nothing comes before every name: where one begins to list them.
bool is_name_or_empty(std::string_view text) noexcept
{
    return text.empty() || window::is_window_name(text);
}

/// That a member, if there, is a name or a pattern.
std::optional<error> check_text(request const& line, member which, bool (*is_good)(std::string_view) noexcept,
                                std::string_view also = "")
{
    if (!line.has(which) || (line[which].value.what == element::kind::string && is_good(line[which].text)))
        return std::nullopt;
    return name_error(which, also);
}

} // namespace

struct conversation::operation {
    enum class verb : std::uint8_t {
        send,
        next,
        raise,
        dump,
        clear,
        read,
        close,
        open,
        list,
        follow,
        auth,
        other
    };

    std::string_view name;
    verb what;
    right needs_right;
    member_set takes; // besides op, id and window
    member_set needs;
    outcome (conversation::*run)(request const&, json_writer&); // for a private window, or for none
    std::string_view example;
    std::string_view purpose;
};

std::span<conversation::operation const> conversation::operations() noexcept
{
    using m = member;
    using c = conversation;
    using v = operation::verb;
    constexpr auto none = right::none;
    constexpr auto read = right::read;
    constexpr auto write = right::write;
    static constexpr std::array<operation, 15> table{{
        {"send",
         v::send,
         write,
         member_set(m::value) | m::values | m::at,
         {},
         &c::send,
         R"({"op":"send","values":[5,7,9]})",
         "resume with a value, or with each of several; a line that is a number or an array does the same"},
        {"next",
         v::next,
         write,
         {},
         {},
         &c::next,
         R"({"op":"next"})",
         "resume with nothing, as a line that is null does"},
        {"throw", v::raise, read, m::exception, m::exception, nullptr,
         R"({"op":"throw","exception":"DumpData"})",
         "resume with an exception: DumpData, ClearWindow, ReadStatistics or GeneratorExit"},
        {"dump",
         v::dump,
         read,
         {},
         {},
         &c::dump,
         R"({"op":"dump"})",
         "how many values the window has, and the values, oldest first"},
        {"clear", v::clear, write, {}, {}, &c::clear, R"({"op":"clear"})", "empty the window"},
        {"read", v::read, read, {}, {}, &c::read, R"({"op":"read"})", "the statistics as they are now"},
        {"close",
         v::close,
         write,
         {},
         {},
         &c::close,
         R"({"op":"close"})",
         "end the window; a shared one for everyone"},
        {"open",
         v::open,
         write,
         member_set(m::size) | m::span | m::stats | m::data | m::min_count,
         {},
         &c::open,
         R"({"op":"open","window":"cpu","size":60,"stats":["mean","p95"]})",
         "start a new window of one's own, or make or join the shared one of that name"},
        {"windows",
         v::list,
         read,
         member_set(m::match) | m::limit | m::after,
         {},
         &c::windows,
         R"({"op":"windows","match":"cpu*","limit":10})",
         "list shared windows, in name order"},
        {"subscribe",
         v::follow,
         read,
         {},
         m::window,
         &c::subscribe,
         R"({"op":"subscribe","window":"cpu*"})",
         "be told what happens to the shared windows of that name or pattern"},
        {"unsubscribe",
         v::follow,
         read,
         {},
         m::window,
         &c::unsubscribe,
         R"({"op":"unsubscribe","window":"cpu*"})",
         "not to be told any more"},
        {"auth", v::auth, none, m::token, m::token, &c::auth, R"({"op":"auth","token":"secret"})",
         "show the token that a server may ask for, and learn what it allows"},
        {"ping", v::other, read, {}, {}, &c::ping, R"({"op":"ping"})", "whether the server answers"},
        {"info",
         v::other,
         read,
         {},
         {},
         &c::info,
         R"({"op":"info"})",
         "version, uptime, counters and limits"},
        {"help", v::other, read, {}, {}, &c::help, R"({"op":"help"})", "this list"},
    }};
    return table;
}

void conversation::answer_request(request const& line, output_buffer& out)
{
    auto const id = id_of(line);
    operation const* asked = nullptr;
    if (auto const refused = find_operation(line, asked))
        return refuse(*refused, out, id);
    if (is_for_shared(line, *asked))
        return ask_shared(line, *asked, id, out);

    has_worked_ = asked->what == operation::verb::list || asked->what == operation::verb::follow;
    if (asked->run == &conversation::unsubscribe && events_) {
        // Or they would follow a reply that says they have ended. There is room, or none is taken from the queue.
        out.prepare(events_->size());
        events_->write_to(out, std::string::npos);
        reply_start_ = out.size();
    }
    auto const start = out.size();
    json_writer reply(out);
    reply.begin_object();
    write_id(reply, id);
    out.prepare(room_for_reply);
    if (auto const refused = (this->*asked->run)(line, reply)) {
        host_.counters.count_refused(refused->code);
        write_error(reply, *refused);
    }
    if (dump_)
        return go_on_dumping(out);
    if (array_)
        return out.truncate(start);
    reply.end_object();
    out.append('\n');
}

/// The op that a line asks for; of a throw, the one that the exception stands for. Whether the client has the right to it
/// comes first, so that who has not learns nothing else.
conversation::outcome conversation::find_operation(request const& line, operation const*& found) const
{
    auto const table = operations();
    auto const& op = line[member::op];
    if (op.value.what != element::kind::string)
        return wrong_type_error(member::op, "a string");
    auto const row = std::ranges::find(table, std::string_view(op.text), &operation::name);
    if (row == table.end()) {
        std::string names;
        for (auto const& one : table)
            append_item(names, one.name);
        return error{error_code::unknown_op,
                     "there is no such op; there are " + names + "; " + std::string(ask_for_help)};
    }
    found = row->what == operation::verb::raise ? thrown(line) : &*row;
    if (!may(found != nullptr ? found->needs_right : right::write))
        return no_right_error();
    if (auto refused = check_members(line, *row))
        return refused;
    if (found != nullptr)
        return std::nullopt;
    if (line[member::exception].value.what != element::kind::string)
        return wrong_type_error(member::exception, "a string");
    return error{error_code::unknown_exception,
                 "a window declares the exceptions DumpData, ClearWindow, ReadStatistics and GeneratorExit"};
}

/// The op with the effect of the exception that a line throws; null if no window declares it.
conversation::operation const* conversation::thrown(request const& line) noexcept
{
    using verb = operation::verb;
    static constexpr std::array<std::pair<std::string_view, verb>, 4> exceptions{
        {{"DumpData", verb::dump},
         {"ClearWindow", verb::clear},
         {"ReadStatistics", verb::read},
         {"GeneratorExit", verb::close}}};
    auto const& exception = line[member::exception];
    if (!line.has(member::exception) || exception.value.what != element::kind::string)
        return nullptr;
    auto const* const declared = std::ranges::find(exceptions, std::string_view(exception.text),
                                                   &std::pair<std::string_view, verb>::first);
    if (declared == exceptions.end())
        return nullptr;
    return &*std::ranges::find(operations(), declared->second, &operation::what);
}

/// Why the client may not do what it asks for.
error conversation::no_right_error() const
{
    if (!may(right::read))
        return no_token_error();
    std::string allowed;
    for (auto const& one : operations())
        if (one.needs_right != right::write && one.what != operation::verb::raise)
            append_item(allowed, one.name);
    return read_only_error(allowed + ", and throw of DumpData and ReadStatistics");
}

conversation::outcome conversation::check_members(request const& line, operation const& asked)
{
    auto const accepted = [&] {
        return quoted(asked.name).append(" takes ").append(list_of(asked.takes | anywhere));
    };
    if (line.has(member::id) && id_of(line).what == request_id::form::none)
        return wrong_type_error(member::id, "a string or an integer");
    if (line.unknown_member != 0)
        return error{error_code::unknown_member, "member " + std::to_string(line.unknown_member) +
                                                     " of this request is unknown; " + accepted()};
    if (auto const alien = line.present - (asked.takes | anywhere); !alien.empty())
        return error{error_code::unknown_member, accepted() + ", not " + list_of(alien)};
    if (auto const missing = asked.needs - line.present; !missing.empty())
        return error{error_code::missing_member,
                     quoted(asked.name).append(" needs ").append(list_of(missing))};
    if (auto const& token = line[member::token];
        line.has(member::token) && (token.value.what != element::kind::string || token.text.empty() ||
                                    token.text.size() > max_token_size))
        return wrong_type_error(member::token,
                                "a string of 1 to " + std::to_string(max_token_size) + " bytes");
    if (asked.what == operation::verb::follow)
        return check_text(line, member::window, window::is_pattern, " *");
    return check_text(line, member::window, window::is_window_name);
}

// Requests for shared windows

bool conversation::is_for_shared(request const& line, operation const& row) const noexcept
{
    using verb = operation::verb;
    if (row.what == verb::list || row.what == verb::follow || row.what == verb::auth ||
        row.what == verb::other)
        return false;
    return line.has(member::window) || (joined_ && row.what != verb::open);
}

/// Asks for the operation on the shared window that the line names, or that the connection has opened.
void conversation::ask_shared(request const& line, operation const& row, request_id const& id,
                              output_buffer& out)
{
    using verb = operation::verb;
    using shape = question::shape;
    auto const to = line.has(member::window) ? target{line[member::window].text, 0} : own_shared();
    auto asked = question{.id = id};
    if (row.what == verb::send) {
        std::optional<double> at;
        if (auto const refused = check_send(line, at))
            return refuse(*refused, out, asked.id);
        if (!line.has(member::values))
            return send_to(to, {&line[member::value].value, 1}, at, asked, out);
        asked.what = shape::yields;
        return send_to(to, line[member::values].elements, at, asked, out);
    }
    window::operation what{};
    std::vector<double> data;
    switch (row.what) {
    case verb::next:
        what.what = window::next_yield{};
        break;
    case verb::clear:
        what.what = window::empty_window{};
        break;
    case verb::read:
        what.what = window::read_window{};
        break;
    case verb::dump:
        what.what = window::dump_window{};
        asked.what = shape::dump;
        break;
    case verb::close:
        what.what = window::close_window{};
        asked.what = shape::closed;
        break;
    default: {
        asked.what = shape::window;
        auto open = window::open_window{};
        if (auto const refused = read_open(line, open.terms, data))
            return refuse(*refused, out, asked.id);
        open.data = data;
        what.what = std::move(open);
        to_join_ = to.name;
        break;
    }
    }
    ask(to, what, asked, out);
}

conversation::outcome conversation::read_open(request const& line, window::window_terms& terms,
                                              std::vector<double>& data) const
{
    auto const max = host_.limits.windows.max_window_size;
    if (auto refused = read_count(line, member::size, max, "the server's limit", terms.size))
        return refused;
    if (auto refused = read_span(line, terms.span))
        return refused;
    if (auto refused = read_stats(line, max_statistics, terms.stats))
        return refused;
    if (auto refused = read_count(line, member::min_count, terms.size.value_or(max),
                                  terms.size ? "the window's size" : "the server's limit", terms.min_count))
        return refused;
    return read_data(line, data);
}

// Requests for the private window, or for none

conversation::outcome conversation::send(request const& line, json_writer& reply)
{
    std::optional<double> at;
    if (auto refused = check_send(line, at))
        return refused;
    if (closed())
        return closed_error();
    auto const& several = line[member::values].elements;
    if (auto refused = check_size(several))
        return refused;
    if (is_long(several)) {
        begin_array(several, at, {.what = question::shape::yields, .id = id_of(line)});
        return std::nullopt;
    }
    reply.key("yield");
    return line.has(member::values) ? send_all(several, at, reply)
                                    : send_one(line[member::value].value, at, reply);
}

conversation::outcome conversation::next(request const&, json_writer& reply)
{
    auto const* const answer = own_service().next();
    if (answer == nullptr)
        return closed_error();
    write_yield(reply.key("yield"), *answer);
    return std::nullopt;
}

conversation::outcome conversation::dump(request const&, json_writer& reply)
{
    if (closed())
        return closed_error();
    auto const* const answer = own_service().throw_(window::dump_data());
    if (answer->refused != window::refusal::none)
        return refused_error(answer->refused, element::kind::null);
    auto const length = static_cast<std::size_t>(answer->number.value_or(0));
    reply.key("yield").integer(length).key("dump").begin_array();
    dump_ = dump_progress{{}, length};
    return std::nullopt;
}

conversation::outcome conversation::clear(request const&, json_writer& reply)
{
    if (closed())
        return closed_error();
    write_yield(reply.key("yield"), *own_service().throw_(window::clear_window()));
    return std::nullopt;
}

conversation::outcome conversation::read(request const&, json_writer& reply)
{
    if (closed())
        return closed_error();
    write_yield(reply.key("yield"), *own_service().throw_(window::read_statistics()));
    return std::nullopt;
}

conversation::outcome conversation::close(request const&, json_writer& reply)
{
    if (closed())
        return closed_error();
    own_service().close();
    reply.key("closed").boolean(true);
    return std::nullopt;
}

conversation::outcome conversation::open(request const& line, json_writer& reply)
{
    window::window_terms terms;
    std::vector<double> data;
    if (auto refused = read_open(line, terms, data))
        return refused;
    auto const options = window::complete(terms, host_.default_window, host_.limits.windows.max_window_size);
    if (options.min_count > options.size)
        return min_count_error(options.size);

    window::sliding_window opened(options);
    for (auto const value : data)
        opened.push(value, host_.time.now());
    auto const count = opened.count();
    write_window(reply.key("window"), {.options = &options, .count = count});
    reply.key("created").boolean(true);
    own(std::move(opened));
    host_.counters.values += data.size();
    return std::nullopt;
}

conversation::outcome conversation::windows(request const& line, json_writer& reply)
{
    std::optional<std::size_t> limit = default_page;
    if (auto refused = read_count(line, member::limit, max_page, "the longest page", limit))
        return refused;
    if (auto refused = check_text(line, member::match, window::is_pattern, " *"))
        return refused;
    if (auto refused = check_text(line, member::after, is_name_or_empty))
        return refused;
    auto const match = line.has(member::match) ? std::string_view(line[member::match].text) : "*";
    auto const after = line.has(member::after) ? std::string_view(line[member::after].text) : "";
    auto const found = host_.windows().list(match, after, *limit, host_.time.now());
    auto const count = std::min(found.size(), *limit);
    reply.key("windows").begin_array();
    for (auto const& one : std::span(found).first(count))
        write_window(reply, one);
    reply.end_array();
    reply.key("more").boolean(found.size() > count);
    return std::nullopt;
}

conversation::outcome conversation::subscribe(request const& line, json_writer& reply)
{
    auto const& pattern = line[member::window].text;
    auto const is_new = std::ranges::find(patterns_, pattern) == patterns_.end();
    if (is_new && patterns_.size() >= host_.limits.max_subscriptions)
        return error{error_code::limit_reached, "a connection follows at most " +
                                                    std::to_string(host_.limits.max_subscriptions) +
                                                    " patterns; 'unsubscribe' ends one"};
    if (!events_)
        events_ = std::make_unique<event_queue>(host_.limits.max_event_buffer, host_.events_lost(), owner_);
    patterns_.reserve(patterns_.size() + 1);
    auto copy = pattern;
    auto const followed = host_.windows().follow(*events_, pattern);
    if (!followed.done)
        return error{error_code::limit_reached,
                     "there are as many different patterns with '*' followed as may be, which is " +
                         std::to_string(host_.limits.windows.max_patterns) + "; try again later"};
    if (is_new) {
        patterns_.push_back(std::move(copy));
        ++host_.counters.subscriptions;
    }
    reply.key("subscribed").string(pattern);
    reply.key("windows").integer(followed.windows);
    return std::nullopt;
}

conversation::outcome conversation::unsubscribe(request const& line, json_writer& reply)
{
    auto const& pattern = line[member::window].text;
    if (std::erase(patterns_, pattern) == 0)
        return wrong_type_error(member::window, "a pattern that this connection has subscribed to");
    host_.windows().unfollow(*events_, pattern);
    --host_.counters.subscriptions;
    reply.key("unsubscribed").string(pattern);
    return std::nullopt;
}

conversation::outcome conversation::auth(request const& line, json_writer& reply)
{
    auto const& shown = line[member::token].text;
    auto const allowed = host_.access == nullptr ? right::write : host_.access->check(shown);
    if (allowed == right::none) {
        ++host_.counters.auth_failed;
        auth_failed_ = true;
        return wrong_token_error();
    }
    reply.key("authorized").string(allowed == right::write ? "write" : "read");
    token_ = shown;
    allow(allowed);
    return std::nullopt;
}

conversation::outcome conversation::ping(request const&, json_writer& reply)
{
    reply.key("pong").boolean(true);
    return std::nullopt;
}

conversation::outcome conversation::info(request const&, json_writer& reply)
{
    using std::chrono::duration_cast, std::chrono::milliseconds;
    auto const seconds = [](auto duration) {
        return static_cast<double>(duration_cast<milliseconds>(duration).count()) / 1000;
    };
    auto const counted = host_.all_counters();
    auto const& limits = host_.limits;
    reply.key("version").string(version);
    reply.key("protocol").integer(1);
    reply.key("uptime").number(seconds(host_.now() - host_.started));
    reply.key("counters").begin_object();
    reply.key("connections").integer(counted.connections);
    reply.key("accepted").integer(counted.accepted);
    reply.key("turned_away").integer(counted.turned_away);
    reply.key("requests").integer(counted.requests);
    reply.key("refused").integer(counted.refused);
    reply.key("values").integer(counted.values);
    reply.key("windows").integer(host_.windows().count());
    reply.key("subscriptions").integer(counted.subscriptions);
    reply.key("events_lost").integer(host_.events_lost());
    reply.end_object();
    reply.key("limits").begin_object();
    reply.key("max_connections").integer(limits.max_connections);
    reply.key("max_connections_per_peer").integer(limits.max_connections_per_peer);
    reply.key("max_refused_per_peer").integer(limits.max_refused_per_peer);
    reply.key("max_line").integer(limits.max_line);
    reply.key("max_window_size").integer(limits.windows.max_window_size);
    reply.key("max_windows").integer(limits.windows.max_windows);
    reply.key("max_readings").integer(limits.windows.max_readings);
    reply.key("max_patterns").integer(limits.windows.max_patterns);
    reply.key("max_subscriptions").integer(limits.max_subscriptions);
    reply.key("max_event_buffer").integer(limits.max_event_buffer);
    reply.key("window_idle_expiry").number(limits.windows.idle_expiry);
    reply.key("idle_timeout").number(seconds(limits.idle_timeout));
    reply.key("write_timeout").number(seconds(limits.write_timeout));
    reply.end_object();
    return std::nullopt;
}

conversation::outcome conversation::help(request const&, json_writer& reply)
{
    reply.key("help").begin_array();
    for (auto const& one : operations()) {
        reply.begin_object();
        reply.key("example").text(one.example);
        reply.key("purpose").string(one.purpose);
        reply.end_object();
    }
    reply.end_array();
    return std::nullopt;
}

} // namespace windowd::protocol
