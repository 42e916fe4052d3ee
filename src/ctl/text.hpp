// What windowctl prints: one line a reply or event, tables, sparklines. Knows no sockets.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace windowd::ctl {

/// The text with every byte that is not printable ASCII as \xNN: what came from elsewhere must not steer a terminal.
std::string printable(std::string_view text);

/// What a window has yielded, for people and for awk: a number or null as it is, several statistics as
/// `mean=6 max=9`.
std::string yield_text(std::string_view json);

/// An event of a followed window, such as `yield cpu n=101 value=5 yield=6`, or `yield cpu n=101 value=5 mean=6 max=9`;
/// `open cpu n=0`, `clear cpu n=5`, `close cpu n=6`, `lost 17`.
std::string event_text(std::string_view json);

/// An object's members, one a line as `name: value`; those of an object inside it as `outer.inner: value`.
std::string members_text(std::string_view json);

enum class align { left, right };

/// Columns as wide as they have to be, two spaces between them, no spaces at the end of a line; each line ends with
/// LF. A cell's width is the number of its UTF-8 characters.
std::string table_text(std::span<std::vector<std::string> const> rows, std::span<align const> columns);

/// The numbers as a curve of blocks from the least to the greatest, a character each; equal ones are all of middle
/// height. Without Unicode it is drawn with the characters _.-=^
std::string sparkline(std::span<double const> numbers, bool has_unicode);

/// At most so many characters; what is cut ends with `>`.
std::string fitted(std::string_view text, std::size_t width);

} // namespace windowd::ctl
