// Boost.JSON checks the whole; the cutting, which keeps every number's text, can then be simple.
#include "ctl/json_text.hpp"

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace windowd::ctl {
namespace {

using boost::json::error_code;
using boost_view = boost::json::string_view;

constexpr std::size_t max_depth = 32; // of the protocol

/// Takes everything and keeps nothing.
struct null_handler {
    static constexpr std::size_t max_array_size = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t max_object_size = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t max_string_size = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t max_key_size = std::numeric_limits<std::size_t>::max();

    bool on_document_begin(error_code&) { return true; }
    bool on_document_end(error_code&) { return true; }
    bool on_object_begin(error_code&) { return true; }
    bool on_object_end(std::size_t, error_code&) { return true; }
    bool on_array_begin(error_code&) { return true; }
    bool on_array_end(std::size_t, error_code&) { return true; }
    bool on_key_part(boost_view, std::size_t, error_code&) { return true; }
    bool on_key(boost_view, std::size_t, error_code&) { return true; }
    bool on_string_part(boost_view, std::size_t, error_code&) { return true; }
    bool on_string(boost_view, std::size_t, error_code&) { return true; }
    bool on_number_part(boost_view, error_code&) { return true; }
    bool on_int64(std::int64_t, boost_view, error_code&) { return true; }
    bool on_uint64(std::uint64_t, boost_view, error_code&) { return true; }
    bool on_double(double, boost_view, error_code&) { return true; }
    bool on_bool(bool, error_code&) { return true; }
    bool on_null(error_code&) { return true; }
    bool on_comment_part(boost_view, error_code&) { return true; }
    bool on_comment(boost_view, error_code&) { return true; }
};

bool is_digit(char c) noexcept
{
    return c >= '0' && c <= '9';
}

/// Walks a text that is known to be JSON. No step goes beyond its end all the same.
class walker {
public:
    explicit walker(std::string_view text) noexcept : text_(text) {}

    void skip_blank() noexcept
    {
        while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\r'))
            ++at_;
    }
    /// Steps over c, if it is next.
    bool take(char c) noexcept
    {
        skip_blank();
        auto const is_it = at_ < text_.size() && text_[at_] == c;
        at_ += is_it;
        return is_it;
    }
    /// Steps over a whole value.
    std::string_view value() noexcept
    {
        skip_blank();
        auto const begin = at_;
        std::size_t depth = 0;
        for (bool has_ended = false; at_ < text_.size() && !has_ended;) {
            auto const c = text_[at_];
            if (c == '"') {
                skip_string();
                has_ended = depth == 0;
            } else if (c == '[' || c == '{') {
                ++depth;
                ++at_;
            } else if (depth == 0 && (c == ',' || c == ']' || c == '}' || c == ' ')) {
                break;
            } else {
                has_ended = (c == ']' || c == '}') && --depth == 0;
                ++at_;
            }
        }
        return text_.substr(begin, at_ - begin);
    }

private:
    void skip_string() noexcept
    {
        for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_)
            at_ += text_[at_] == '\\';
        at_ = std::min(at_ + 1, text_.size());
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

} // namespace

bool is_json(std::string_view text)
{
    boost::json::parse_options options;
    options.max_depth = max_depth;
    boost::json::basic_parser<null_handler> parser(options);
    error_code error;
    auto const read = parser.write_some(false, text.data(), text.size(), error);
    return !error && read == text.size();
}

bool is_json_number(std::string_view text) noexcept
{
    auto const digits = [&text] {
        auto const count = static_cast<std::size_t>(std::ranges::find_if_not(text, is_digit) - text.begin());
        text.remove_prefix(count);
        return count;
    };
    auto const take = [&text](std::string_view any) {
        auto const is_one = !text.empty() && any.find(text.front()) != std::string_view::npos;
        text.remove_prefix(is_one ? 1 : 0);
        return is_one;
    };
    take("-");
    if (!take("0") && digits() == 0)
        return false;
    if (take(".") && digits() == 0)
        return false;
    if (take("eE")) {
        take("+-");
        if (digits() == 0)
            return false;
    }
    return text.empty();
}

std::vector<json_member> json_members(std::string_view object)
{
    std::vector<json_member> found;
    walker at(object);
    if (!at.take('{') || at.take('}'))
        return found;
    do {
        auto const name = at.value();
        at.take(':');
        found.emplace_back(json_plain(name), at.value());
    } while (at.take(','));
    return found;
}

std::optional<std::string_view> json_member_of(std::string_view object, std::string_view name)
{
    for (auto const& [its_name, value] : json_members(object)) {
        if (its_name == name)
            return value;
    }
    return std::nullopt;
}

std::vector<std::string_view> json_elements(std::string_view array)
{
    std::vector<std::string_view> found;
    walker at(array);
    if (!at.take('[') || at.take(']'))
        return found;
    do {
        found.push_back(at.value());
    } while (at.take(','));
    return found;
}

std::string json_plain(std::string_view value)
{
    if (!value.starts_with('"'))
        return std::string(value);
    if (value.size() >= 2 && value.find('\\') == std::string_view::npos)
        return std::string(value.substr(1, value.size() - 2));
    error_code error;
    auto const read = boost::json::parse(boost_view(value.data(), value.size()), error);
    auto const* const text = error ? nullptr : read.if_string();
    return text != nullptr ? std::string(text->data(), text->size()) : std::string(value);
}

std::string json_quoted(std::string_view text)
{
    return boost::json::serialize(boost_view(text.data(), text.size()));
}

} // namespace windowd::ctl
