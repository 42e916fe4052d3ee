// Reads a request line: strict JSON, with numbers to the last bit, into a request.
#pragma once

#include "protocol/request.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace windowd::protocol {

/// Why a line is not one JSON text that is accepted.
struct parse_failure {
    std::string reason;
    std::size_t column; ///< in bytes, counted from 1
    bool is_syntax;     ///< something stands where it cannot; otherwise the reason says all
};

/// Parses request lines (RFC 8259, UTF-8 checked), with Boost.JSON's event parser under it, so that no
/// document is built. Stricter than that: no object has two members of the same name, nothing is nested more
/// than 32 deep. Numbers are read from their text by read_number(). Time is linear in the line's length
/// (times the logarithm of the number of names in an object), and so is the memory, which is kept for the
/// next line up to a bound. Not thread-safe; one serves any number of
/// conversations of a thread.
class request_parser {
public:
    request_parser();
    request_parser(request_parser const&) = delete;
    request_parser& operator=(request_parser const&) = delete;
    ~request_parser();

    /// Nothing if the line was read: then it is in result(). Of a line that failed, result() has the members
    /// that were read whole before the failure. Throws std::bad_alloc.
    std::optional<parse_failure> parse(std::string_view line);

    /// Of the last parse(); valid until the next.
    request const& result() const noexcept;

private:
    class parser;
    std::unique_ptr<parser> parser_;
};

} // namespace windowd::protocol
