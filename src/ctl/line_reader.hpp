// Lines with their numbers, out of pieces of text, in bounded memory. Knows no descriptors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace windowd::ctl {

/// A line without its end, and without blanks at its ends.
struct input_line {
    std::uint64_t number; ///< from 1
    std::string_view text;
    bool is_too_long = false; ///< then it has no text
};

class line_reader {
public:
    /// No number needs so much: 1,100 characters write any double exactly.
    static constexpr std::size_t max_line = 65536;

    void feed(std::string_view piece);
    /// No more will come: a last line without its end counts.
    void end();
    /// Valid until the next call of any function; nothing: it needs more.
    std::optional<input_line> next();

private:
    input_line line(std::string_view text) noexcept;

    std::string text_;
    std::size_t begin_ = 0;
    std::uint64_t number_ = 0;
    bool is_skipping_ = false; // the rest of a line that was too long
};

} // namespace windowd::ctl
