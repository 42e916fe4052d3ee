// Cutting text into lines.
#include "ctl/line_reader.hpp"

namespace windowd::ctl {
namespace {

std::string_view trimmed(std::string_view text) noexcept
{
    constexpr std::string_view blanks = " \t\r";
    auto const begin = text.find_first_not_of(blanks);
    if (begin == std::string_view::npos)
        return {};
    return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

} // namespace

void line_reader::feed(std::string_view piece)
{
    text_.erase(0, begin_);
    begin_ = 0;
    text_ += piece;
}

void line_reader::end()
{
    if (is_skipping_ || begin_ != text_.size())
        text_ += '\n';
}

std::optional<input_line> line_reader::next()
{
    auto rest = std::string_view(text_).substr(begin_);
    auto length = rest.find('\n');
    if (is_skipping_ && length != std::string_view::npos) {
        begin_ += length + 1;
        is_skipping_ = false;
        rest.remove_prefix(length + 1);
        length = rest.find('\n');
    }
    if (length != std::string_view::npos) {
        begin_ += length + 1;
        return line(rest.substr(0, length));
    }
    if (rest.size() <= max_line && !is_skipping_)
        return std::nullopt;
    auto const is_first = !is_skipping_;
    is_skipping_ = true;
    begin_ = text_.size();
    if (!is_first)
        return std::nullopt;
    return input_line{++number_, {}, true};
}

input_line line_reader::line(std::string_view text) noexcept
{
    ++number_;
    if (text.size() > max_line)
        return {number_, {}, true};
    return {number_, trimmed(text)};
}

} // namespace windowd::ctl
