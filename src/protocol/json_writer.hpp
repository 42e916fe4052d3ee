// Writes replies as JSON, with every comma and escape in its place.
#pragma once

#include "protocol/number.hpp"
#include "protocol/output_buffer.hpp"

#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

namespace windowd::protocol {

/// Appends one JSON text to a buffer. What to write next is the caller's to know; where commas go is this
/// class's. Functions may throw std::bad_alloc.
class json_writer {
public:
    explicit json_writer(output_buffer& out) noexcept : out_(out) {}
    /// Goes on with a text that was begun in another buffer: in a container that is empty, or that is not.
    json_writer(output_buffer& out, bool empty) noexcept : out_(out), first_(empty) {}

    json_writer& begin_object() { return open('{'); }
    json_writer& end_object() { return close('}'); }
    json_writer& begin_array() { return open('['); }
    json_writer& end_array() { return close(']'); }

    /// The name of a member, whose value is to come next. Names are the protocol's own and need no escapes.
    json_writer& key(std::string_view name)
    {
        separate();
        out_.append('"');
        out_.append(name);
        out_.append("\":");
        first_ = true;
        return *this;
    }

    json_writer& null() { return text("null"); }
    json_writer& boolean(bool value) { return text(value ? "true" : "false"); }
    /// A finite number, in the shortest form that reads back to the same bits.
    json_writer& number(double value)
    {
        separate();
        out_.written(write_number(out_.prepare(max_number_size), value));
        return *this;
    }
    json_writer& integer(std::uint64_t value);
    /// Nothing is null.
    json_writer& number_or_null(std::optional<double> value) { return value ? number(*value) : null(); }
    /// Well-formed UTF-8, escaped as needed.
    json_writer& string(std::string_view utf8);
    /// A whole JSON text, known to be well-formed, as it is.
    json_writer& text(std::string_view json)
    {
        separate();
        out_.append(json);
        return *this;
    }

private:
    json_writer& open(char bracket)
    {
        separate();
        out_.append(bracket);
        first_ = true;
        return *this;
    }
    json_writer& close(char bracket)
    {
        out_.append(bracket);
        first_ = false;
        return *this;
    }
    /// A value stands behind a comma unless it is the first of its container or the value of a member.
    void separate()
    {
        if (!first_)
            out_.append(',');
        first_ = false;
    }

    output_buffer& out_;
    bool first_ = true;
};

} // namespace windowd::protocol
