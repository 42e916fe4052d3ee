// From lines to resumptions, and back.
#include "protocol/conversation.hpp"

#include "protocol/json_writer.hpp"
#include "protocol/number.hpp"
#include "protocol/version.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstring>
#include <exception>
#include <span>
#include <utility>

namespace windowd::protocol {
namespace {

using window::refusal;
using window::sent;

constexpr std::string_view blanks = " \t";

// Memory for a line in pieces that is kept for the next: enough for numbers, little for 10,000 connections.
constexpr std::size_t kept_partial = 64;

// What follows most refusals, for who met windowd a minute ago.
constexpr std::string_view ask_for_help = R"(for help send {"op":"help"})";

error closed_error()
{
    return {error_code::closed, R"(this window is closed; {"op":"open"} starts another)"};
}

// Of a line that is too long so much is known whatever the pieces that it came in: max_line is 64 at least.
constexpr std::size_t known_beginning = 32;

/// The first line of an HTTP request: a method, then a target, then a version. Of a line that is not whole the method
/// and how the target begins have to do: no JSON text begins like that.
bool is_http(std::string_view line, bool whole)
{
    auto const is_letter = [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-';
    };
    auto const space = std::min(line.find(' '), line.size());
    auto const method = line.substr(0, space);
    if (method.empty() || !std::ranges::all_of(method, is_letter) || space + 1 >= line.size())
        return false;
    if (whole && line.rfind(" HTTP/") != std::string_view::npos)
        return true;
    auto const target = line.substr(space + 1);
    if (whole)
        return method == "GET" && target.starts_with('/'); // the oldest form of all has no version
    return target.starts_with('/') || target.starts_with('*') || target.starts_with("http") ||
           method == "CONNECT";
}

/// What may help a person whose line is no JSON: `text` is the line from its first byte that is not blank.
std::string_view advice_for(std::string_view text)
{
    auto const first = text.front();
    if ((first >= '0' && first <= '9') || first == '+' || first == '-' || first == '.')
        return "a number is written like 5, -0.25 or 1e3";
    if ((first >= 'A' && first <= 'Z') || (first >= 'a' && first <= 'z'))
        return "a bare word is no request, NaN and infinity are no numbers";
    if (first == '{')
        return R"(an object is written like {"op":"dump"}, with its quotes)"; // which shells eat
    if (text.starts_with("\xEF\xBB\xBF"))
        return "a byte order mark does not belong there";
    if (first == '\x16')
        return "this looks like TLS, and this listener speaks plain text";
    return "a line is a number, null, an array of numbers or an object with 'op'";
}

std::string bad_json_message(std::string_view text, parse_failure const& failure)
{
    auto message = "not JSON at column " + std::to_string(failure.column) + ": " + failure.reason + "; ";
    if (failure.is_syntax)
        message.append(advice_for(text)).append("; ");
    return message.append(ask_for_help);
}

std::string_view name_of(element::kind what)
{
    switch (what) {
    case element::kind::null:
        return "null";
    case element::kind::number:
    case element::kind::out_of_range:
        return "a number";
    case element::kind::string:
        return "a string";
    case element::kind::boolean:
        return "true or false";
    case element::kind::array:
        return "an array";
    case element::kind::object:
        break;
    }
    return "an object";
}

error out_of_range_error(std::optional<std::size_t> index = {})
{
    return {error_code::out_of_range, "a number is at most 1.7976931348623157e308 in magnitude", index};
}

error not_a_number_error(element::kind what, std::optional<std::size_t> index = {})
{
    return {error_code::not_a_number, "a window takes numbers, and this is " + std::string(name_of(what)),
            index};
}

error refused_error(refusal why, element::kind what, std::optional<std::size_t> index = {})
{
    if (why == refusal::out_of_memory)
        return {error_code::internal, "the server has no memory for this", index};
    return not_a_number_error(what, index);
}

void write_error(json_writer& reply, error const& why)
{
    reply.key("error").begin_object();
    reply.key("code").string(to_string(why.code));
    if (why.index)
        reply.key("index").integer(*why.index);
    reply.key("message").string(why.message);
    reply.end_object();
}

bool is_integer_text(std::string_view text)
{
    return text.find_first_not_of("-0123456789") == std::string_view::npos;
}

bool has_good_id(request const& line)
{
    if (!line.has(member::id))
        return false;
    auto const& id = line[member::id];
    switch (id.value.what) {
    case element::kind::string:
        return true;
    case element::kind::number:
    case element::kind::out_of_range:
        return is_integer_text(id.text);
    default:
        return false;
    }
}

void write_id(json_writer& reply, request const& line)
{
    if (!has_good_id(line))
        return;
    auto const& id = line[member::id];
    reply.key("id");
    if (id.value.what == element::kind::string)
        reply.string(id.text);
    else
        reply.text(id.text);
}

/// A whole line that refuses a request: with the id of one that has one, and with a null yield for a value.
void write_refusal(error const& why, output_buffer& out, request const* line, bool is_value)
{
    json_writer reply(out);
    reply.begin_object();
    if (line != nullptr)
        write_id(reply, *line);
    if (is_value)
        reply.key("yield").null();
    write_error(reply, why);
    reply.end_object();
    out.append('\n');
}

/// A member's value as an integer of 1 to max, or why it is none; `whose` says where that max comes from.
std::optional<error> read_count(request const& line, member which, std::size_t max, std::string_view whose,
                                std::size_t& count)
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
    return error{code, "'" + std::string(to_string(which)) + "' has to be an integer from 1 to " +
                           std::to_string(max) + ", " + std::string(whose)};
}

std::optional<error> wrong_type(member which, std::string_view wanted, std::optional<std::size_t> index = {})
{
    return error{error_code::bad_member,
                 "'" + std::string(to_string(which)) + "' has to be " + std::string(wanted), index};
}

std::string list_of(member_set members)
{
    std::string list;
    for (std::size_t i = 0; i < member_count; ++i) {
        auto const one = static_cast<member>(i);
        if (members.contains(one))
            list += (list.empty() ? "'" : ", '") + std::string(to_string(one)) + "'";
    }
    return list;
}

constexpr member_set anywhere = member_set(member::op) | member::id;

} // namespace

struct conversation::operation {
    std::string_view name;
    member_set takes; // besides op and id
    member_set needs;
    outcome (conversation::*run)(request const&, json_writer&);
    std::string_view example;
    std::string_view purpose;
};

std::span<conversation::operation const> conversation::operations() noexcept
{
    using m = member;
    using c = conversation;
    static constexpr std::array<operation, 11> table{{
        {"send",
         member_set(m::value) | m::values,
         {},
         &c::send,
         R"({"op":"send","values":[5,7,9]})",
         "resume with a value, or with each of several; a line that is a number or an array does the same"},
        {"next", {}, {}, &c::next, R"({"op":"next"})", "resume with nothing, as a line that is null does"},
        {"throw", m::exception, m::exception, &c::throw_in, R"({"op":"throw","exception":"DumpData"})",
         "resume with an exception: DumpData, ClearWindow, ReadStatistics or GeneratorExit"},
        {"dump",
         {},
         {},
         &c::dump,
         R"({"op":"dump"})",
         "how many values the window has, and the values, oldest first"},
        {"clear", {}, {}, &c::clear, R"({"op":"clear"})", "empty the window"},
        {"read", {}, {}, &c::read, R"({"op":"read"})", "the statistic as it is now"},
        {"close", {}, {}, &c::close, R"({"op":"close"})", "end the window"},
        {"open",
         member_set(m::size) | m::data | m::min_count | m::stats,
         {},
         &c::open,
         R"({"op":"open","size":5,"data":[1,2,3],"min_count":2})",
         "start a new window in place of the present one"},
        {"ping", {}, {}, &c::ping, R"({"op":"ping"})", "whether the server answers"},
        {"info", {}, {}, &c::info, R"({"op":"info"})", "version, uptime, counters and limits"},
        {"help", {}, {}, &c::help, R"({"op":"help"})", "this list"},
    }};
    return table;
}

// Lines

std::size_t conversation::feed(std::string_view bytes, output_buffer& out)
{
    if (dump_)
        go_on_dumping(out);
    auto const* at = bytes.data();
    auto const* const end = at + bytes.size();
    while (at != end && !ended_ && !dump_ && out.size() < output_pause)
        at = take_line(at, end, out);
    return ended_ ? bytes.size() : static_cast<std::size_t>(at - bytes.data());
}

void conversation::finish(output_buffer& out)
{
    auto const last = std::exchange(partial_, {});
    if (!ended_)
        answer_line(last, out);
}

/// The short way of a number that stands whole on its line, once there is a service; everything else goes the
/// long way, which answers a lack of memory too.
char const* conversation::take_line(char const* at, char const* end, output_buffer& out)
{
    if (service_ && partial_.empty() && !discarding_) {
        auto const read = read_number(at, end);
        auto const* after = read.end;
        if (read.status == number_status::number && after != end) {
            if (*after == '\r' && after + 1 != end)
                ++after;
            if (*after == '\n' && static_cast<std::size_t>(read.end - at) <= host_.limits.max_line) {
                answer_number(read.value, out);
                return after + 1;
            }
        }
    }
    return take_piece(at, end, out);
}

char const* conversation::take_piece(char const* at, char const* end, output_buffer& out)
{
    auto const* const newline =
        static_cast<char const*>(std::memchr(at, '\n', static_cast<std::size_t>(end - at)));
    auto const piece = std::string_view(at, newline != nullptr ? newline : end);
    auto const* const next = newline != nullptr ? newline + 1 : end;
    if (discarding_) {
        discarding_ = newline == nullptr;
    } else if (partial_.size() + piece.size() >
               host_.limits.max_line + 1) { // one more than the limit may be a CR
        auto const beginning = partial_.substr(0, known_beginning).append(piece.substr(0, known_beginning));
        std::string().swap(partial_); // an assignment would keep the memory
        discarding_ = newline == nullptr;
        answer_long_line(beginning, out);
    } else if (newline == nullptr) {
        partial_.append(piece);
    } else if (partial_.empty()) {
        answer_line(piece, out);
    } else {
        auto line = std::exchange(partial_, {});
        line.append(piece);
        answer_line(line, out);
        if (line.capacity() <= kept_partial) {
            line.clear();
            partial_ = std::move(line);
        }
    }
    return next;
}

void conversation::answer_number(double value, output_buffer& out)
{
    ++host_.counters.requests;
    first_line_ = false;
    out.prepare(max_number_size + 1); // so that what the service takes is answered, come what may
    auto const* const answer = own_service().send(sent::number(value));
    if (answer == nullptr) {
        refuse(closed_error(), out);
    } else if (answer->refused != refusal::none) {
        refuse_value(refused_error(answer->refused, element::kind::number), out);
    } else {
        ++host_.counters.values;
        if (answer->number)
            out.written(write_number(out.prepare(max_number_size), *answer->number));
        else
            out.append("null");
        out.append('\n');
    }
}

void conversation::answer_line(std::string_view line, output_buffer& out)
{
    if (line.ends_with('\r'))
        line.remove_suffix(1);
    if (line.size() > host_.limits.max_line)
        return answer_long_line(line, out);
    if (line.find_first_not_of(blanks) == std::string_view::npos)
        return;
    auto const start = out.size();
    try {
        answer_text(line, out);
    } catch (std::exception const&) {
        out.truncate(start);
        dump_.reset();
        if (service_ && !closed())
            own_service().throw_(window::read_statistics()); // ends a dump that had begun
        refuse({error_code::internal, "the server failed to do this, for lack of memory perhaps"}, out);
    }
}

void conversation::answer_long_line(std::string_view beginning, output_buffer& out)
{
    ++host_.counters.requests;
    ended_ = std::exchange(first_line_, false) && is_http(beginning.substr(0, known_beginning), false);
    refuse({error_code::line_too_long,
            "the line was discarded: a line has at most " + std::to_string(host_.limits.max_line) + " bytes"},
           out);
}

void conversation::answer_text(std::string_view line, output_buffer& out)
{
    auto const text = line.substr(line.find_first_not_of(blanks));
    auto const* const end = text.data() + text.size();
    if (auto const read = read_number(text.data(), end);
        read.end == end && read.status == number_status::number)
        return answer_number(read.value, out); // one that came in pieces
    ++host_.counters.requests;
    if (std::exchange(first_line_, false) && is_http(line, true)) {
        ended_ = true;
        return refuse({error_code::bad_json, "this is windowd, and it does not speak HTTP: goodbye"}, out);
    }
    auto const failure = host_.parser.parse(line);
    auto const& parsed = host_.parser.result();
    if (failure)
        refuse({error_code::bad_json, bad_json_message(text, *failure)}, out, &parsed);
    else if (parsed.what == request::form::scalar)
        answer_scalar(parsed.value, out);
    else if (parsed.what == request::form::array)
        answer_array(parsed.elements, out);
    else
        answer_object(parsed, out);
}

// Value lines

void conversation::answer_scalar(element const& value, output_buffer& out)
{
    if (closed())
        return refuse(closed_error(), out);
    auto const start = out.size();
    json_writer reply(out);
    if (auto const refused = send_one(value, reply)) {
        out.truncate(start);
        refuse_value(*refused, out);
    } else {
        out.append('\n');
    }
}

void conversation::answer_array(std::vector<element> const& elements, output_buffer& out)
{
    if (closed())
        return refuse(closed_error(), out);
    auto const start = out.size();
    json_writer reply(out);
    if (auto const refused = send_all(elements, reply)) {
        ++host_.counters.refused;
        out.insert(start, R"({"yield":)");
        write_error(reply, *refused);
        reply.end_object();
    }
    out.append('\n');
}

/// Writes what each element yields, as an array. What was refused first is the outcome; the others count.
conversation::outcome conversation::send_all(std::vector<element> const& elements, json_writer& reply)
{
    outcome first_refused;
    reply.begin_array();
    for (std::size_t i = 0; i < elements.size(); ++i) {
        auto refused = send_one(elements[i], reply);
        if (refused && !first_refused) {
            first_refused = std::move(refused);
            first_refused->index = i;
        }
    }
    reply.end_array();
    return first_refused;
}

/// Resumes the service, which is not closed, with one value, and writes what it yields.
conversation::outcome conversation::send_one(element const& value, json_writer& reply)
{
    window::yielded const* answer = nullptr;
    switch (value.what) {
    case element::kind::out_of_range:
        reply.null();
        return out_of_range_error();
    case element::kind::null:
        answer = own_service().next();
        break;
    case element::kind::number:
        answer = own_service().send(sent::number(value.number));
        host_.counters.values += answer->refused == refusal::none ? 1 : 0;
        break;
    default:
        answer = own_service().send(sent::other());
        break;
    }
    reply.number_or_null(answer->number);
    if (answer->refused != refusal::none)
        return refused_error(answer->refused, value.what);
    return std::nullopt;
}

// Control lines

void conversation::answer_object(request const& line, output_buffer& out)
{
    if (!line.has(member::op)) {
        if (closed())
            return refuse(closed_error(), out, &line);
        own_service().send(sent::other());
        auto refused = not_a_number_error(element::kind::object);
        refused.message += " without 'op'; " + std::string(ask_for_help);
        return refuse_value(refused, out, &line);
    }
    operation const* asked = nullptr;
    if (auto const refused = find_operation(line, asked))
        return refuse(*refused, out, &line);
    if (auto const refused = check_members(line, *asked))
        return refuse(*refused, out, &line);

    json_writer reply(out);
    reply.begin_object();
    write_id(reply, line);
    if (auto const refused = (this->*asked->run)(line, reply)) {
        ++host_.counters.refused;
        write_error(reply, *refused);
    }
    if (dump_)
        return go_on_dumping(out);
    reply.end_object();
    out.append('\n');
}

conversation::outcome conversation::find_operation(request const& line, operation const*& found)
{
    auto const& op = line[member::op];
    if (op.value.what != element::kind::string)
        return wrong_type(member::op, "a string");
    auto const table = operations();
    auto const row = std::ranges::find(table, std::string_view(op.text), &operation::name);
    if (row != table.end()) {
        found = &*row;
        return std::nullopt;
    }
    std::string names;
    for (auto const& one : table)
        names += (names.empty() ? "" : ", ") + std::string(one.name);
    return error{error_code::unknown_op,
                 "there is no such op; there are " + names + "; " + std::string(ask_for_help)};
}

conversation::outcome conversation::check_members(request const& line, operation const& asked)
{
    auto const op = "'" + std::string(asked.name) + "'";
    auto const accepted = [&] { return op + " takes " + list_of(asked.takes | anywhere); };
    if (line.has(member::id) && !has_good_id(line))
        return wrong_type(member::id, "a string or an integer");
    if (line.unknown_member != 0)
        return error{error_code::unknown_member, "member " + std::to_string(line.unknown_member) +
                                                     " of this request is unknown; " + accepted()};
    if (auto const alien = line.present - (asked.takes | anywhere); !alien.empty())
        return error{error_code::unknown_member, accepted() + ", not " + list_of(alien)};
    if (auto const missing = asked.needs - line.present; !missing.empty())
        return error{error_code::missing_member, op + " needs " + list_of(missing)};
    return std::nullopt;
}

conversation::outcome conversation::send(request const& line, json_writer& reply)
{
    auto const several = line.has(member::values);
    if (several == line.has(member::value)) {
        if (several)
            return error{error_code::bad_member, "'send' takes 'value' or 'values', not both"};
        return error{error_code::missing_member, "'send' needs 'value' or 'values'"};
    }
    auto const& values = line[member::values];
    if (several && values.value.what != element::kind::array)
        return wrong_type(member::values, "an array of numbers");
    if (closed())
        return closed_error();
    reply.key("yield");
    return several ? send_all(values.elements, reply) : send_one(line[member::value].value, reply);
}

conversation::outcome conversation::next(request const&, json_writer& reply)
{
    auto const* const answer = own_service().next();
    if (answer == nullptr)
        return closed_error();
    reply.key("yield").number_or_null(answer->number);
    return std::nullopt;
}

conversation::outcome conversation::throw_in(request const& line, json_writer& reply)
{
    auto const& exception = line[member::exception];
    if (exception.value.what != element::kind::string)
        return wrong_type(member::exception, "a string");
    if (exception.text == "DumpData")
        return dump(line, reply);
    if (exception.text == "ClearWindow")
        return clear(line, reply);
    if (exception.text == "ReadStatistics")
        return read(line, reply);
    if (exception.text == "GeneratorExit")
        return close(line, reply);
    return error{error_code::unknown_exception,
                 "a window declares the exceptions DumpData, ClearWindow, ReadStatistics and GeneratorExit"};
}

conversation::outcome conversation::dump(request const&, json_writer& reply)
{
    if (closed())
        return closed_error();
    auto const* const answer = own_service().throw_(window::dump_data());
    if (answer->refused != refusal::none)
        return refused_error(answer->refused, element::kind::null);
    auto const length = static_cast<std::size_t>(answer->number.value_or(0));
    reply.key("yield").integer(length).key("dump").begin_array();
    dump_ = dump_progress{length, false};
    return std::nullopt;
}

void conversation::go_on_dumping(output_buffer& out)
{
    json_writer reply(out, !dump_->begun);
    for (; dump_->left != 0; --dump_->left) {
        if (out.size() >= output_pause)
            return;
        reply.number_or_null(own_service().next()->number);
        dump_->begun = true;
    }
    dump_.reset();
    reply.end_array().end_object();
    out.append('\n');
}

conversation::outcome conversation::clear(request const&, json_writer& reply)
{
    if (closed())
        return closed_error();
    reply.key("yield").number_or_null(own_service().throw_(window::clear_window())->number);
    return std::nullopt;
}

conversation::outcome conversation::read(request const&, json_writer& reply)
{
    if (closed())
        return closed_error();
    reply.key("yield").number_or_null(own_service().throw_(window::read_statistics())->number);
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
    auto options = host_.default_window;
    if (auto refused =
            read_count(line, member::size, host_.limits.max_window_size, "the server's limit", options.size))
        return refused;
    options.min_count = std::min(options.min_count, options.size);
    if (auto refused =
            read_count(line, member::min_count, options.size, "the window's size", options.min_count))
        return refused;
    auto const& stats = line[member::stats];
    if (line.has(member::stats) &&
        !(stats.strings.size() == 1 && stats.elements.size() == 1 && stats.strings[0] == "mean"))
        return wrong_type(member::stats, R"(["mean"])");

    window::mean_window opened(options);
    if (line.has(member::data)) {
        auto const& data = line[member::data];
        if (data.value.what != element::kind::array)
            return wrong_type(member::data, "an array of numbers");
        for (std::size_t i = 0; i < data.elements.size(); ++i) {
            if (data.elements[i].what == element::kind::out_of_range)
                return out_of_range_error(i);
            if (data.elements[i].what != element::kind::number)
                return wrong_type(member::data, "an array of numbers", i);
            opened.push(data.elements[i].number);
        }
        host_.counters.values += data.elements.size();
    }
    reply.key("window").begin_object();
    reply.key("name").null();
    reply.key("size").integer(options.size);
    reply.key("stats").begin_array().string("mean").end_array();
    reply.key("count").integer(opened.count());
    reply.key("min_count").integer(options.min_count);
    reply.end_object();
    reply.key("created").boolean(true);
    auto started = window::make_service(std::move(opened), host_.observer);
    started.next();
    service_ = std::move(started);
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
    auto const& counted = host_.counters;
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
    reply.end_object();
    reply.key("limits").begin_object();
    reply.key("max_connections").integer(limits.max_connections);
    reply.key("max_line").integer(limits.max_line);
    reply.key("max_window_size").integer(limits.max_window_size);
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

// Errors

void conversation::refuse(error const& why, output_buffer& out, request const* line)
{
    ++host_.counters.refused;
    write_refusal(why, out, line, false);
}

/// What was sent as a value and refused yields nothing.
void conversation::refuse_value(error const& why, output_buffer& out, request const* line)
{
    ++host_.counters.refused;
    write_refusal(why, out, line, true);
}

window::service& conversation::own_service()
{
    if (!service_) [[unlikely]] {
        auto started = window::make_service(window::mean_window(host_.default_window), host_.observer);
        started.next();
        service_ = std::move(started);
    }
    return *service_;
}

void write_error_line(error const& why, output_buffer& out)
{
    write_refusal(why, out, nullptr, false);
}

} // namespace windowd::protocol
