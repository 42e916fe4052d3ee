// Errors, yields and windows, as JSON.
#include "protocol/reply.hpp"

namespace windowd::protocol {

request_id id_of(request const& line) noexcept
{
    if (!line.has(member::id))
        return {};
    auto const& id = line[member::id];
    auto const is_number =
        id.value.what == element::kind::number || id.value.what == element::kind::out_of_range;
    if (id.value.what == element::kind::string)
        return {request_id::form::string, id.text};
    if (is_number && id.text.find_first_not_of("-0123456789") == std::string::npos)
        return {request_id::form::integer, id.text};
    return {};
}

void write_id(json_writer& reply, request_id const& id)
{
    if (id.what == request_id::form::string)
        reply.key("id").string(id.text);
    else if (id.what == request_id::form::integer)
        reply.key("id").text(id.text);
}

void write_yield(json_writer& reply, window::yielded const& answer)
{
    if (answer.readings.empty()) {
        reply.number_or_null(answer.number);
        return;
    }
    reply.begin_object();
    for (auto const& one : answer.readings)
        reply.key(one.name).number_or_null(one.value);
    reply.end_object();
}

void write_yields(json_writer& reply, std::span<window::yielded const> answers)
{
    reply.begin_array();
    for (auto const& one : answers)
        write_yield(reply, one);
    reply.end_array();
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

void write_window(json_writer& reply, window::window_state const& window)
{
    auto const& options = *window.options;
    reply.begin_object();
    reply.key("name");
    if (window.name.empty())
        reply.null();
    else
        reply.string(window.name);
    reply.key("size").integer(options.size);
    if (options.span > 0)
        reply.key("span").number(options.span);
    reply.key("stats").begin_array();
    for (auto const& one : options.stats)
        reply.string(one->name());
    reply.end_array();
    reply.key("count").integer(window.count);
    reply.key("min_count").integer(options.min_count);
    if (!window.name.empty())
        reply.key("n").integer(window.n);
    reply.end_object();
}

void write_refusal(error const& why, output_buffer& out, request_id const& id, bool is_value)
{
    json_writer reply(out);
    reply.begin_object();
    write_id(reply, id);
    if (is_value)
        reply.key("yield").null();
    write_error(reply, why);
    reply.end_object();
    out.append('\n');
}

void write_error_line(error const& why, output_buffer& out)
{
    write_refusal(why, out, {}, false);
}

} // namespace windowd::protocol
