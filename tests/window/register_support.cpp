// The texts of what came, and the operations that they are about.
#include "window/register_support.hpp"

#include <array>
#include <sstream>
#include <utility>

namespace windowd::test {
namespace {

using namespace window;

std::string text_of(std::optional<double> value)
{
    if (!value)
        return "null";
    std::ostringstream text;
    text << *value;
    return std::move(text).str();
}

template <class Range, class ToText>
std::string joined(Range const& range, ToText to_text)
{
    std::string text;
    for (auto const& one : range)
        text.append(text.empty() ? "" : " ").append(to_text(one));
    return text;
}

std::string text_of(result const& came)
{
    if (came.why != failure::none)
        return test::text_of(came.why);
    std::string text = came.created ? "created" : "";
    if (came.window.options != nullptr)
        text.append(text.empty() ? "" : " ").append(test::text_of(came.window));
    if (!came.yields.empty())
        text.append(text.empty() ? "[" : " [")
            .append(joined(came.yields, [](yielded const& one) { return test::text_of(one); }))
            .append("]");
    return text;
}

} // namespace

std::string text_of(yielded const& answer)
{
    static constexpr auto refusals =
        std::array{"", "!not_a_number", "!out_of_order", "!not_timed", "!out_of_memory"};
    if (answer.refused != refusal::none)
        return refusals.at(static_cast<std::size_t>(answer.refused));
    if (answer.readings.empty())
        return text_of(answer.number);
    return "{" +
           joined(answer.readings,
                  [](reading const& one) { return std::string(one.name) + ":" + text_of(one.value); }) +
           "}";
}

std::string text_of(window_state const& window)
{
    auto const& options = *window.options;
    std::ostringstream text;
    text << window.name << " size=" << options.size;
    if (options.span > 0)
        text << " span=" << options.span;
    text << " stats=";
    for (auto const& one : options.stats)
        text << (&one == options.stats.data() ? "" : ",") << one->name();
    text << " min_count=" << options.min_count << " count=" << window.count << " n=" << window.n;
    return std::move(text).str();
}

std::string text_of(event const& happened)
{
    static constexpr auto kinds = std::array{"open", "yield", "clear", "close"};
    auto text = std::string(kinds.at(static_cast<std::size_t>(happened.what))) + " " +
                std::string(happened.window) + " n=" + std::to_string(happened.n);
    if (happened.what == event::kind::yield)
        text += " value=" + text_of(std::optional(happened.value)) + " yields " + text_of(*happened.yields);
    return text;
}

std::string text_of(failure why)
{
    static constexpr auto failures =
        std::array{"none",          "no_such_window", "closed",      "mismatch",     "min_count_too_large",
                   "limit_reached", "readings_limit", "dumps_limit", "out_of_memory"};
    return failures.at(static_cast<std::size_t>(why));
}

std::vector<statistic_ptr> stats(std::vector<std::string_view> const& names)
{
    std::vector<statistic_ptr> found;
    for (auto const name : names)
        found.push_back(find_statistic(name));
    return found;
}

std::vector<sent> numbers(std::vector<double> const& values)
{
    std::vector<sent> all;
    for (auto const value : values)
        all.push_back(sent::number(value));
    return all;
}

event_text test_writer::write(event const& happened)
{
    ++written;
    return std::make_shared<std::string const>(text_of(happened));
}

std::vector<std::string> test_follower::told()
{
    std::vector<std::string> texts;
    for (auto const& one : std::exchange(told_, {}))
        texts.push_back(one == nullptr ? "lost" : *one);
    return texts;
}

test_register::test_register(register_limits const& limits, window_options defaults, step_observer* observer)
    : store_(limits, std::move(defaults), writer),
      register_(store_, observer)
{}

result& test_register::perform(std::string_view name, std::uint64_t id, operation what)
{
    what.window = name;
    what.id = id;
    what.now = now;
    return *register_.perform(what, asker_);
}

std::string test_register::open(std::string_view name, window_terms terms, std::vector<double> const& data)
{
    return text_of(perform(name, 0, {.window = {}, .what = open_window{std::move(terms), data}}));
}

std::string test_register::send_objects(std::string_view name, std::vector<sent> const& values,
                                        std::uint64_t id)
{
    return text_of(perform(name, id, {.window = {}, .what = send_values{values}}));
}

std::string test_register::send(std::string_view name, std::vector<double> const& values, std::uint64_t id)
{
    return send_objects(name, numbers(values), id);
}

std::string test_register::next(std::string_view name, std::uint64_t id)
{
    return text_of(perform(name, id, {.window = {}, .what = next_yield{}}));
}

std::string test_register::read(std::string_view name, std::uint64_t id)
{
    return text_of(perform(name, id, {.window = {}, .what = read_window{}}));
}

std::string test_register::clear(std::string_view name, std::uint64_t id)
{
    return text_of(perform(name, id, {.window = {}, .what = empty_window{}}));
}

std::string test_register::close(std::string_view name, std::uint64_t id)
{
    return text_of(perform(name, id, {.window = {}, .what = close_window{}}));
}

std::string test_register::dump(std::string_view name, std::uint64_t id)
{
    auto const& came = perform(name, id, {.window = {}, .what = dump_window{}});
    if (came.why != failure::none)
        return text_of(came);
    return "[" + joined(came.dumped.values(), [](double value) { return text_of(std::optional(value)); }) +
           "]";
}

std::string test_register::list(std::string_view match, std::string_view after, std::size_t limit)
{
    auto const found = register_.list(match, after, limit, now);
    auto const names = joined(std::span(found).first(std::min(limit, found.size())),
                              [](window_state const& one) { return std::string(one.name); });
    return found.size() > limit ? names + " ..." : names;
}

window_state test_register::state_of(std::string_view name)
{
    return register_.list(name, "", 1, now).at(0);
}

std::string test_register::everything()
{
    std::vector<std::string> names;
    std::string text;
    for (auto const& one : register_.list("*", "", 1'000'000, now)) {
        names.emplace_back(one.name);
        text += text_of(one) + "\n";
    }
    for (auto const& name : names)
        text += name + " " + next(name) + " " + dump(name) + " " + read(name) + "\n";
    return text + std::to_string(register_.count());
}

} // namespace windowd::test
