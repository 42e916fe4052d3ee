// From lines to resumptions, and back.
#include "protocol/conversation.hpp"

#include "protocol/json_writer.hpp"
#include "protocol/messages.hpp"
#include "protocol/number.hpp"
#include "protocol/send_line.hpp"
#include "window/names.hpp"

#include <algorithm>
#include <cstring>
#include <exception>
#include <new>
#include <utility>

namespace windowd::protocol {
namespace {

using window::refusal;
using window::sent;

constexpr std::string_view blanks = " \t";

// So many statistics, values times those of the window, are yielded before others have their turn.
constexpr std::size_t readings_slice = 4096;

// Memory for a line in pieces that is kept for the next: enough for numbers, little for 10,000 connections.
constexpr std::size_t kept_partial = 64;

// Of a line that is too long so much is known whatever the pieces that it came in: max_line is 64 at least.
constexpr std::size_t known_beginning = 32;

// Memory for the values of a request that is kept for the next: what was needed for a long line is not.
constexpr std::size_t kept_values = 16384;

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

/// What is sent for an element of a line.
sent to_sent(element const& value, std::optional<double> at) noexcept
{
    if (value.what == element::kind::null)
        return {};
    if (value.what != element::kind::number)
        return sent::other();
    return at ? sent::number_at(value.number, *at) : sent::number(value.number);
}

/// Ends the reply to a line that is an array, which begins at `start`: as the member of an object with an error, if a
/// value was refused.
void end_array_line(std::size_t start, std::optional<error> const& refused, json_writer& reply,
                    output_buffer& out)
{
    if (refused) {
        out.insert(start, R"({"yield":)");
        write_error(reply, *refused);
        reply.end_object();
    }
    out.append('\n');
}

} // namespace

conversation::~conversation()
{
    if (waiting())
        host_.windows().forget(*this);
    unfollow_all();
    explicit_bzero(token_.data(), token_.size());
}

void conversation::unfollow_all() noexcept
{
    if (!patterns_.empty())
        host_.windows().unfollow_all(*events_);
    host_.counters.subscriptions -= patterns_.size();
    patterns_.clear();
}

// Rights

void conversation::allow(right what) noexcept
{
    right_ = what;
    find_short_way();
}

void conversation::renew_access()
{
    if (host_.access == nullptr)
        return allow(right::write);
    allow(token_.empty() ? right::none : host_.access->check(token_));
    if (may(right::read))
        return;
    unfollow_all();
    events_.reset();
}

std::size_t conversation::max_line() const noexcept
{
    auto const most = host_.limits.max_line;
    return may(right::read) ? most : std::min(most, max_line_without_right);
}

// Lines

std::size_t conversation::feed(std::string_view bytes, output_buffer& out)
{
    host_.tick();
    has_worked_ = false;
    // Where there is more to read, the events of others leave room for the replies to it.
    go_on(out, bytes.empty() ? output_pause : events_share);
    // A small buffer of events is filled sooner.
    auto const events_end =
        host_.event_bytes() + std::min<std::uint64_t>(events_pause, host_.limits.max_event_buffer / 8 + 1);
    auto const* at = bytes.data();
    auto const* const end = at + bytes.size();
    while (at != end && may_take_more(out, events_end)) {
        at = take_line(at, end, out);
        if (events_ && !dump_)
            events_->write_to(out, output_pause); // those of its own requests too, or they would pile up
    }
    return ended_ ? bytes.size() : static_cast<std::size_t>(at - bytes.data());
}

bool conversation::may_take_more(output_buffer const& out, std::uint64_t events_end) noexcept
{
    has_told_much_ = host_.event_bytes() >= events_end;
    return !ended_ && !auth_failed_ && !in_reply() && !has_worked_ && out.size() < output_pause &&
           !has_told_much_;
}

/// What was begun before, or has come by itself.
void conversation::go_on(output_buffer& out, std::size_t events_end)
{
    if (late_ && late_->done) {
        out.append(late_->output.view());
        late_.reset();
    }
    if (array_)
        answer_safely([&] { go_on_with_array(out); }, out);
    if (dump_)
        go_on_dumping(out);
    if (events_ && !dump_)
        events_->write_to(out, events_end);
}

void conversation::finish(output_buffer& out)
{
    host_.tick();
    if (!partial_.empty() && !ended_)
        answer_line(std::exchange(partial_, {}), out);
    unfollow_all();
}

/// Whatever fails, something is answered: to each of so many requests. False where something has failed.
template <class Answer>
bool conversation::answer_safely(Answer answer, output_buffer& out, std::size_t requests)
{
    reply_start_ = out.size();
    try {
        answer();
        return true;
    } catch (std::exception const&) {
        out.truncate(reply_start_);
        dump_.reset();
        array_.reset();
        if (service_ && !closed())
            own_service().throw_(window::read_statistics()); // ends a dump that had begun
        for (; requests != 0; --requests)
            refuse(out_of_memory_error(), out);
        return false;
    }
}

/// Reads a number that stands whole on its line; returns where the next line begins, or null if it is anything else.
inline char const* conversation::read_number_line(char const* at, char const* end,
                                                  double& value) const noexcept
{
    auto const read = read_number(at, end);
    auto const* after = read.end;
    if (read.status != number_status::number || after == end)
        return nullptr;
    if (*after == '\r' && after + 1 != end)
        ++after;
    if (*after != '\n' || static_cast<std::size_t>(read.end - at) > host_.limits.max_line)
        return nullptr;
    value = read.value;
    return after + 1;
}

/// The short ways, for who may change windows: of a number that stands whole on its line, once there is a window, and of
/// the usual request to send one. Everything else goes the long way.
char const* conversation::take_line(char const* at, char const* end, output_buffer& out)
{
    if (may(right::write) && partial_.empty() && !discarding_) {
        double value = 0;
        if (*at == '{') {
            if (auto const* const next = take_send(at, end, out))
                return next;
        } else if (has_short_way_) {
            if (auto const* const next = read_number_line(at, end, value))
                return take_run(value, next, end, out);
        }
    }
    return take_piece(at, end, out);
}

/// Returns where the next line begins, or null if it is no such request and is to be looked at again.
char const* conversation::take_send(char const* at, char const* end, output_buffer& out)
{
    auto const line = read_send_line(at, end);
    if (line.next == nullptr || static_cast<std::size_t>(line.end - at) > host_.limits.max_line ||
        (!line.window.empty() && !window::is_window_name(line.window)))
        return nullptr;
    ++host_.counters.requests;
    first_line_ = false;
    auto const value = element{element::kind::number, line.value};
    auto const answer_it = [&] {
        if (!line.window.empty())
            send_to({line.window, 0}, {&value, 1}, {}, {}, out);
        else if (joined_)
            send_to(own_shared(), {&value, 1}, {}, {}, out);
        else
            answer_send(value, out);
    };
    answer_safely(answer_it, out);
    return line.next;
}

void conversation::answer_send(element const& value, output_buffer& out)
{
    if (closed())
        return refuse(closed_error(), out);
    out.prepare(room_for_reply);
    json_writer reply(out);
    reply.begin_object().key("yield");
    if (auto const refused = send_one(value, {}, reply)) {
        host_.counters.count_refused(refused->code);
        write_error(reply, *refused);
    }
    reply.end_object();
    out.append('\n');
}

/// The numbers that have come together, of which the first is read already. They are taken in one resumption, or in one
/// operation on a shared window: what has to be done for each is short, and what is done once for all is not.
char const* conversation::take_run(double first, char const* at, char const* end, output_buffer& out)
{
    auto const most = most_in_run();
    auto& run = host_.numbers;
    run.front() = first;
    std::size_t count = 1;
    while (count < most) {
        auto const* const next = read_number_line(at, end, run[count]);
        if (next == nullptr)
            break;
        at = next;
        ++count;
    }
    host_.counters.requests += count;
    first_line_ = false;
    auto const numbers = std::span(run).first(count);
    if (joined_)
        answer_safely([&] { send_run(numbers, out); }, out, count);
    else
        answer_run(numbers, out);
    return at;
}

/// Who follows windows gets the event of each of its own values before the next reply; and where others follow, events
/// can fill a small buffer.
std::size_t conversation::most_in_run() const noexcept
{
    constexpr std::size_t cost_of_event = 1024; // for eight runs to have room in a buffer
    auto const& limits = host_.limits;
    if (!joined_)
        return service_statistics_ == 1 ? max_run : 1; // several are valid until the next resumption only
    if (events_ || is_followed_)
        return 1;
    return std::min(
        {max_run, limits.windows.max_readings / max_statistics, limits.max_event_buffer / cost_of_event});
}

/// To the shared window that the connection has opened.
void conversation::send_run(std::span<double const> numbers, output_buffer& out)
{
    auto& run = host_.values;
    run.clear();
    for (auto const number : numbers)
        run.push_back(sent::number(number));
    auto const events_before = host_.event_bytes();
    window::operation what{.window = {}, .what = window::send_values{run}};
    ask(own_shared(), what, {.what = question::shape::lines, .bare = true, .count = run.size()}, out);
    is_followed_ = host_.event_bytes() != events_before;
}

/// Sends them to the own service, and answers each on a line of its own.
void conversation::answer_run(std::span<double const> numbers, output_buffer& out)
{
    auto const count = numbers.size();
    // So that what the service takes can be answered.
    out.prepare(room_for_reply + count * (max_number_size + 1));
    if (auto const answers = yields_of(numbers); !answers.empty())
        return write_number_lines(answers, out);
    for (std::size_t i = 0; i != count; ++i)
        refuse(closed_error(), out);
}

/// What the own service yields to these, valid until it is resumed, or nothing if it is closed. Several at a time only for
/// one statistic.
std::span<window::yielded const> conversation::yields_of(std::span<double const> numbers)
{
    std::span<window::yielded const> answers;
    auto& service = own_service();
    if (numbers.size() == 1) {
        if (auto const* const answer = service.send(sent::number(numbers.front())))
            answers = {answer, 1};
    } else {
        window::number_run const run{numbers, host_.answers.data()};
        if (service.send(sent::numbers(run)) != nullptr)
            answers = std::span(host_.answers).first(numbers.size());
    }
    host_.counters.values +=
        static_cast<std::size_t>(std::ranges::count(answers, refusal::none, &window::yielded::refused));
    return answers;
}

char const* conversation::take_piece(char const* at, char const* end, output_buffer& out)
{
    auto const* const newline =
        static_cast<char const*>(std::memchr(at, '\n', static_cast<std::size_t>(end - at)));
    auto const piece = std::string_view(at, newline != nullptr ? newline : end);
    auto const* const next = newline != nullptr ? newline + 1 : end;
    if (discarding_) {
        discarding_ = newline == nullptr;
    } else if (partial_.size() + piece.size() > max_line() + 1) { // one more than the limit may be a CR
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

void conversation::answer_line(std::string_view line, output_buffer& out)
{
    if (line.ends_with('\r'))
        line.remove_suffix(1);
    if (line.size() > max_line())
        return answer_long_line(line, out);
    if (line.find_first_not_of(blanks) == std::string_view::npos)
        return;
    answer_safely([&] { answer_text(line, out); }, out);
}

void conversation::answer_long_line(std::string_view beginning, output_buffer& out)
{
    ++host_.counters.requests;
    ended_ = std::exchange(first_line_, false) && is_http(beginning.substr(0, known_beginning), false);
    refuse(line_too_long_error(host_.limits.max_line), out);
}

void conversation::answer_text(std::string_view line, output_buffer& out)
{
    auto const text = line.substr(line.find_first_not_of(blanks));
    auto const* const end = text.data() + text.size();
    if (auto const read = read_number(text.data(), end);
        read.end == end && read.status == number_status::number && may(right::write))
        return static_cast<void>(take_run(read.value, nullptr, nullptr, out)); // it came in pieces
    ++host_.counters.requests;
    if (std::exchange(first_line_, false) && is_http(line, true)) {
        ended_ = true;
        return refuse({error_code::bad_json, "this is windowd, and it does not speak HTTP: goodbye"}, out);
    }
    out.prepare(room_for_reply);
    auto const failure = host_.parser.parse(line);
    auto const& parsed = host_.parser.result();
    if (failure)
        refuse(bad_json_error(text, *failure), out, id_of(parsed));
    else if (parsed.what == request::form::object && parsed.has(member::op))
        answer_request(parsed, out);
    else
        answer_value_line(parsed, out);
}

// Value lines

void conversation::answer_value_line(request const& line, output_buffer& out)
{
    if (!may(right::write))
        return refuse(no_right_error(), out, id_of(line));
    if (line.what == request::form::scalar)
        answer_scalar(line.value, out);
    else if (line.what == request::form::array)
        answer_array(line.elements, out);
    else
        answer_other_object(id_of(line), out);
}

/// An object that is no request is a value that windows refuse.
void conversation::answer_other_object(request_id const& id, output_buffer& out)
{
    auto const object = element{element::kind::object, 0};
    if (joined_)
        return send_to(own_shared(), {&object, 1}, {}, {.id = id}, out);
    if (closed())
        return refuse(closed_error(), out, id);
    own_service().send(sent::other());
    refuse_value(not_a_number_error(object.what), out, id);
}

void conversation::answer_scalar(element const& value, output_buffer& out)
{
    if (joined_)
        return send_to(own_shared(), {&value, 1}, {}, {.bare = true}, out);
    if (closed())
        return refuse(closed_error(), out);
    auto const start = out.size();
    json_writer reply(out);
    if (auto const refused = send_one(value, {}, reply)) {
        out.truncate(start);
        refuse_value(*refused, out);
    } else {
        out.append('\n');
    }
}

void conversation::answer_array(std::vector<element> const& elements, output_buffer& out)
{
    if (joined_)
        return send_to(own_shared(), elements, {}, {.what = question::shape::yields, .bare = true}, out);
    if (closed())
        return refuse(closed_error(), out);
    if (auto const refused = check_size(elements))
        return refuse(*refused, out);
    if (is_long(elements))
        return begin_array(elements, {}, {.what = question::shape::yields, .bare = true});
    auto const start = out.size();
    json_writer reply(out);
    auto const refused = send_all(elements, {}, reply);
    if (refused)
        host_.counters.count_refused(refused->code);
    end_array_line(start, refused, reply, out);
}

/// For the own service, whose reply is written whole.
conversation::outcome conversation::check_size(std::vector<element> const& elements) const
{
    auto const most = host_.limits.windows.max_readings;
    if (elements.size() > most / service_statistics_)
        return readings_limit_error(most);
    return std::nullopt;
}

bool conversation::is_long(std::vector<element> const& elements) const noexcept
{
    return elements.size() > readings_slice / service_statistics_;
}

/// The values are sent from now on, a slice each time that feed() is called.
void conversation::begin_array(std::vector<element> const& elements, std::optional<double> at,
                               question const& asked)
{
    auto begun = std::make_unique<array_progress>();
    begun->elements = elements;
    begun->at = at;
    begun->asked = asked;
    begun->id = asked.id.text;
    begun->asked.id.text = begun->id;
    begun->yields.append('[');
    array_ = std::move(begun);
}

void conversation::go_on_with_array(output_buffer& out)
{
    auto& array = *array_;
    auto const slice = readings_slice / service_statistics_ + 1;
    auto const end = std::min(array.elements.size(), array.next + slice);
    json_writer yields(array.yields, array.next == 0);
    send_elements(std::span(array.elements).first(end), array.next, array.at, yields, array.refused);
    array.next = end;
    if (end != array.elements.size())
        return;
    yields.end_array();
    auto const is_bare = array.asked.bare && !array.refused;
    json_writer reply(out);
    if (!is_bare) {
        reply.begin_object();
        write_id(reply, array.asked.id);
        reply.key("yield");
    }
    reply.text(array.yields.view());
    if (array.refused) {
        host_.counters.count_refused(array.refused->code);
        write_error(reply, *array.refused);
    }
    if (!is_bare)
        reply.end_object();
    out.append('\n');
    array_.reset();
}

/// Writes what each element yields, as an array. What was refused first is the outcome; the others count.
conversation::outcome conversation::send_all(std::vector<element> const& elements, std::optional<double> at,
                                             json_writer& reply)
{
    outcome first_refused;
    reply.begin_array();
    send_elements(elements, 0, at, reply, first_refused);
    reply.end_array();
    return first_refused;
}

/// Sends the elements from `next` on to the own service, which is not closed: numbers that stand together in one
/// resumption.
void conversation::send_elements(std::span<element const> elements, std::size_t next,
                                 std::optional<double> at, json_writer& reply, outcome& first_refused)
{
    auto const most = at || service_statistics_ != 1 ? 0 : max_run;
    while (next != elements.size()) {
        auto& run = host_.numbers;
        std::size_t count = 0;
        auto const rest = elements.subspan(next, std::min(most, elements.size() - next));
        while (count != rest.size() && rest[count].what == element::kind::number) {
            run[count] = rest[count].number;
            ++count;
        }
        if (count > 1) {
            write_yields_of(std::span(run).first(count), next, reply, first_refused);
            next += count;
            continue;
        }
        auto refused = send_one(elements[next], at, reply);
        if (refused && !first_refused) {
            first_refused = std::move(refused);
            first_refused->index = next;
        }
        ++next;
    }
}

void conversation::write_yields_of(std::span<double const> numbers, std::size_t index, json_writer& reply,
                                   outcome& first_refused)
{
    for (auto const& answer : yields_of(numbers)) {
        reply.number_or_null(answer.number);
        if (answer.refused != refusal::none && !first_refused) [[unlikely]]
            first_refused = refused_error(answer.refused, element::kind::number, index);
        ++index;
    }
}

/// Resumes the own service, which is not closed, with one value, and writes what it yields.
conversation::outcome conversation::send_one(element const& value, std::optional<double> at,
                                             json_writer& reply)
{
    auto const* const answer = own_service().send(to_sent(value, at));
    write_yield(reply, *answer);
    if (answer->refused != refusal::none)
        return refused_error(answer->refused, value.what);
    host_.counters.values += value.what == element::kind::number ? 1 : 0;
    return std::nullopt;
}

// Shared windows

/// Asks the register, and answers when it has.
void conversation::ask(target const& to, window::operation& what, question const& asked, output_buffer& out)
{
    what.window = to.name;
    what.id = to.id;
    what.now = host_.time.now();
    constexpr std::size_t longest_escape = 6;
    out.prepare(room_for_reply + asked.count * max_number_size + longest_escape * asked.id.text.size());
    if (auto* const came = host_.windows().perform(what, *this))
        return answer(*came, asked, out);
    try {
        late_ = std::make_unique<late_answer>();
        late_->asked = asked;
        late_->id = asked.id.text;
        late_->asked.id.text = late_->id;
    } catch (std::bad_alloc const&) {
        late_.reset();
        host_.windows().forget(*this);
        throw;
    }
}

void conversation::send_to(target const& to, std::span<element const> values, std::optional<double> at,
                           question asked, output_buffer& out)
{
    auto const is_other = [](element const& one) {
        return one.what != element::kind::number && one.what != element::kind::null;
    };
    auto const other = std::ranges::find_if(values, is_other);
    if (other != values.end())
        asked.first_other = other->what;
    auto& to_send = host_.values;
    if (to_send.capacity() > kept_values)
        std::vector<sent>().swap(to_send);
    to_send.clear();
    for (auto const& one : values)
        to_send.push_back(to_sent(one, at));
    window::operation what{.window = {}, .what = window::send_values{to_send}};
    ask(to, what, asked, out);
}

/// The result of what was asked a while ago.
void conversation::finished(window::result& came) noexcept
{
    try {
        answer(came, late_->asked, late_->output);
    } catch (std::exception const&) {
        dump_.reset();
        late_->output.clear();
        try {
            for (std::size_t i = 0; i != late_->asked.count; ++i)
                refuse(out_of_memory_error(), late_->output, late_->asked.id);
        } catch (std::exception const&) {
            late_->output.clear();
            ended_ = true;
        }
    }
    late_->done = true;
    if (owner_ != nullptr)
        owner_->wake();
}

void conversation::answer(window::result& came, question const& asked, output_buffer& out)
{
    using shape = question::shape;
    if (came.why != window::failure::none) {
        auto const why = failure_error(came, host_.limits.windows);
        for (std::size_t i = 0; i != asked.count; ++i)
            refuse(why, out, asked.id);
        return;
    }
    if (asked.what == shape::lines) {
        host_.counters.values += came.taken;
        return write_number_lines(came.yields, out);
    }
    has_worked_ = came.created; // a new window is compared with all patterns
    auto const refused = first_refused(came, asked);
    host_.counters.values += came.taken;
    if (refused)
        host_.counters.count_refused(refused->code);
    if (asked.bare)
        return answer_bare(came, asked, refused, out);
    json_writer reply(out);
    reply.begin_object();
    write_id(reply, asked.id);
    switch (asked.what) {
    case shape::yield:
        write_yield(reply.key("yield"), came.yields.front());
        break;
    case shape::yields:
        write_yields(reply.key("yield"), came.yields);
        break;
    case shape::dump:
        reply.key("yield").integer(came.dumped.values().size()).key("dump").begin_array();
        dump_ = dump_progress{{}, came.dumped.values().size()};
        dump_->copy = std::move(came.dumped);
        return go_on_dumping(out);
    case shape::lines: // dealt with above
    case shape::closed:
        reply.key("closed").boolean(true);
        break;
    case shape::window:
        write_window(reply.key("window"), came.window);
        reply.key("created").boolean(came.created);
        joined_ = joined_window{std::move(to_join_), came.window.id};
        service_.reset();
        find_short_way();
        break;
    }
    if (refused)
        write_error(reply, *refused);
    reply.end_object();
    out.append('\n');
}

void conversation::write_number_lines(std::span<window::yielded const> answers, output_buffer& out)
{
    for (auto const& answer : answers) {
        if (answer.number) [[likely]] {
            auto* const end = write_number(out.prepare(max_number_size + 1), *answer.number);
            *end = '\n';
            out.written(end + 1);
        } else if (answer.refused != refusal::none) {
            refuse_value(refused_error(answer.refused, element::kind::number), out);
            continue;
        } else {
            json_writer reply(out);
            write_yield(reply, answer);
            out.append('\n');
        }
    }
}

/// The answer to a value line.
void conversation::answer_bare(window::result& came, question const& asked, outcome const& refused,
                               output_buffer& out)
{
    auto const start = out.size();
    json_writer reply(out);
    if (asked.what == question::shape::yields) {
        write_yields(reply, came.yields);
        return end_array_line(start, refused, reply, out);
    }
    if (refused)
        return write_refusal(*refused, out, {}, true);
    write_yield(reply, came.yields.front());
    out.append('\n');
}

conversation::outcome conversation::first_refused(window::result const& came, question const& asked)
{
    using shape = question::shape;
    auto const is_refused = [](window::yielded const& one) { return one.refused != refusal::none; };
    auto const first = std::ranges::find_if(came.yields, is_refused);
    if (first == came.yields.end())
        return std::nullopt;
    auto const index = static_cast<std::size_t>(first - came.yields.begin());
    return refused_error(first->refused, asked.first_other,
                         asked.what == shape::yields ? std::optional(index) : std::nullopt);
}

void conversation::go_on_dumping(output_buffer& out)
{
    auto& dump = *dump_;
    json_writer reply(out, dump.written == 0);
    for (; dump.written != dump.count; ++dump.written) {
        if (out.size() >= output_pause)
            return;
        if (dump.copy)
            reply.number(dump.copy->values()[dump.written]);
        else
            reply.number_or_null(own_service().next()->number);
    }
    dump_.reset();
    reply.end_array().end_object();
    out.append('\n');
}

// Errors

/// A client that may do nothing is told nothing, whatever is wrong.
void conversation::refuse(error const& why, output_buffer& out, request_id const& id)
{
    auto const is_to_hide = !may(right::read) && why.code != error_code::unauthorized;
    outcome hidden;
    auto const& told = is_to_hide ? hidden.emplace(no_token_error()) : why;
    host_.counters.count_refused(told.code);
    write_refusal(told, out, id, false);
}

/// What was sent as a value and refused yields nothing.
void conversation::refuse_value(error const& why, output_buffer& out, request_id const& id)
{
    host_.counters.count_refused(why.code);
    write_refusal(why, out, id, true);
}

window::service& conversation::own_service()
{
    if (!service_) [[unlikely]]
        own(window::sliding_window(host_.default_window));
    return *service_;
}

/// A private window in place of what the connection has.
void conversation::own(window::sliding_window window)
{
    auto const statistics = window.options().stats.size();
    service_ = window::start_service(std::move(window), host_.time, host_.observer);
    service_statistics_ = statistics;
    joined_.reset();
    find_short_way();
}

} // namespace windowd::protocol
