// The parts of replies that several requests have in common.
#pragma once

#include "protocol/error.hpp"
#include "protocol/json_writer.hpp"
#include "protocol/output_buffer.hpp"
#include "protocol/request.hpp"
#include "window/operation.hpp"
#include "window/window_service.hpp"

#include <cstdint>
#include <span>
#include <string_view>

namespace windowd::protocol {

/// The id of a request that has one which is accepted. It refers to the request.
struct request_id {
    enum class form : std::uint8_t { none, string, integer };

    form what = form::none;
    std::string_view text; ///< decoded; of an integer, as it was written
};

request_id id_of(request const& line) noexcept;

/// As the first member of a reply.
void write_id(json_writer& reply, request_id const& id);

/// What a window yielded: a number, an object of several, or null.
void write_yield(json_writer& reply, window::yielded const& answer);

/// The same for each, as an array.
void write_yields(json_writer& reply, std::span<window::yielded const> answers);

/// The member `error`.
void write_error(json_writer& reply, error const& why);

/// The object that stands for a window. What it is called is null for a private one.
void write_window(json_writer& reply, window::window_state const& window);

/// A whole line that refuses a request; with a null yield if that was a value.
void write_refusal(error const& why, output_buffer& out, request_id const& id, bool is_value);

/// A line that tells an error, for connections that have no conversation.
void write_error_line(error const& why, output_buffer& out);

} // namespace windowd::protocol
