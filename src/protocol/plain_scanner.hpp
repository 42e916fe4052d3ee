// Reads the plain forms of request lines, which most lines have, in one pass and without a general parser.
#pragma once

#include "protocol/request.hpp"

#include <string_view>

namespace windowd::protocol {

/// Reads a line that is a scalar, an array of scalars, or an object with at most one of each of the members that
/// requests have, whose values are scalars or arrays of scalars; where all names and strings are printable ASCII
/// without escapes, and only spaces and tabs are between the tokens. `to` has to be empty. True if the line was read;
/// then `to` is what a full parser would make of it. Otherwise it is another text, good or bad, for a full parser to
/// judge, and `to` has what was read so far. Linear in the line's length. Throws std::bad_alloc.
bool scan_plain(std::string_view line, request& to);

} // namespace windowd::protocol
