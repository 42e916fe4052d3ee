// One event, one line.
#include "protocol/event_formatter.hpp"

#include "protocol/json_writer.hpp"
#include "protocol/reply.hpp"

#include <memory>
#include <string>

namespace windowd::protocol {
namespace {

std::string_view name_of(window::event::kind what)
{
    using kind = window::event::kind;
    switch (what) {
    case kind::open:
        return "open";
    case kind::yield:
        return "yield";
    case kind::clear:
        return "clear";
    case kind::close:
        break;
    }
    return "close";
}

} // namespace

window::event_text event_formatter::write(window::event const& happened)
{
    line_.clear();
    json_writer event(line_);
    event.begin_object();
    event.key("event").string(name_of(happened.what));
    event.key("window").string(happened.window);
    event.key("n").integer(happened.n);
    if (happened.what == window::event::kind::yield) {
        event.key("value").number(happened.value);
        write_yield(event.key("yield"), *happened.yields);
    }
    event.end_object();
    line_.append('\n');
    auto text = std::make_shared<std::string const>(line_.view());
    bytes_.fetch_add(text->size(), std::memory_order_relaxed);
    return text;
}

} // namespace windowd::protocol
