// Recursive descent without the recursion: plain lines are at most two levels deep.
#include "protocol/plain_scanner.hpp"

#include "protocol/number.hpp"

#include <array>
#include <string>
#include <utility>
#include <vector>

namespace windowd::protocol {
namespace {

/// By byte: whether a string may have it as it is.
constexpr auto plain_bytes = [] {
    std::array<bool, 256> plain{};
    for (unsigned char c = ' '; c <= '~'; ++c)
        plain[c] = c != '"' && c != '\\';
    return plain;
}();

bool is_blank(char c) noexcept
{
    return c == ' ' || c == '\t';
}

/// Functions return where what they read from `at` on ends, or null if it is not plain.
class scanner {
public:
    scanner(char const* end, request& to) noexcept : end_(end), to_(to) {}

    bool reads(char const* at)
    {
        at = read_text(skip_blanks(at));
        return at != nullptr && skip_blanks(at) == end_;
    }

private:
    char const* read_text(char const* at)
    {
        if (is(at, '[')) {
            to_.what = request::form::array;
            return read_elements(at + 1, to_.elements, nullptr);
        }
        if (is(at, '{')) {
            to_.what = request::form::object;
            return read_members(at + 1);
        }
        to_.what = request::form::scalar;
        std::string_view ignored;
        return read_scalar(at, to_.value, ignored);
    }

    char const* read_members(char const* at)
    {
        at = skip_blanks(at);
        if (is(at, '}'))
            return at + 1;
        while ((at = read_member(skip_blanks(at))) != nullptr) {
            at = skip_blanks(at);
            if (is(at, '}'))
                return at + 1;
            if (!is(at, ','))
                return nullptr;
            ++at;
        }
        return nullptr;
    }

    char const* read_member(char const* at)
    {
        std::string_view name;
        at = is(at, '"') ? read_string(at + 1, name) : nullptr;
        if (at == nullptr)
            return nullptr;
        auto const which = member_of(name);
        at = skip_blanks(at);
        if (!which || to_.has(*which) || !is(at, ':'))
            return nullptr;
        at = skip_blanks(at + 1);
        to_.present = to_.present | *which;
        auto& read = to_[*which];
        if (is(at, '[')) {
            read.value.what = element::kind::array;
            return read_elements(at + 1, read.elements, *which == member::stats ? &read.strings : nullptr);
        }
        std::string_view text;
        at = read_scalar(at, read.value, text);
        if (at != nullptr && !text.empty())
            read.text.assign(text);
        return at;
    }

    char const* read_elements(char const* at, std::vector<element>& elements,
                              std::vector<std::string>* strings)
    {
        at = skip_blanks(at);
        if (is(at, ']'))
            return at + 1;
        for (;;) {
            at = skip_blanks(at);
            // Most are numbers, and what is none costs little to find out.
            if (auto const read = read_number(at, end_); read.status == number_status::number) {
                elements.push_back({element::kind::number, read.value});
                at = read.end;
            } else {
                at = read_element(at, elements, strings);
                if (at == nullptr)
                    return nullptr;
            }
            if (!is(at, ',')) {
                at = skip_blanks(at);
                if (is(at, ']'))
                    return at + 1;
                if (!is(at, ','))
                    return nullptr;
            }
            ++at;
        }
    }

    char const* read_element(char const* at, std::vector<element>& elements,
                             std::vector<std::string>* strings)
    {
        element one;
        std::string_view text;
        at = read_scalar(at, one, text);
        elements.push_back(one);
        if (strings != nullptr && one.what == element::kind::string)
            strings->emplace_back(text);
        return at;
    }

    static constexpr std::array<std::pair<std::string_view, element::kind>, 3> words{
        {{"null", element::kind::null}, {"true", element::kind::boolean}, {"false", element::kind::boolean}}};

    /// `text` is that of a number or a string.
    char const* read_scalar(char const* at, element& value, std::string_view& text) const noexcept
    {
        using kind = element::kind;
        if (is(at, '"')) {
            value.what = kind::string;
            return read_string(at + 1, text);
        }
        auto const read = read_number(at, end_);
        if (read.status != number_status::malformed) {
            value.what = read.status == number_status::number ? kind::number : kind::out_of_range;
            value.number = read.value;
            text = {at, read.end};
            return read.end;
        }
        for (auto const& [word, what] : words) {
            if (std::string_view(at, end_).starts_with(word)) {
                value.what = what;
                return at + word.size();
            }
        }
        return nullptr;
    }

    /// What follows a quotation mark, to the next.
    char const* read_string(char const* at, std::string_view& text) const noexcept
    {
        auto const* const first = at;
        while (at != end_ && plain_bytes[static_cast<unsigned char>(*at)])
            ++at;
        text = {first, at};
        return is(at, '"') ? at + 1 : nullptr;
    }

    char const* skip_blanks(char const* at) const noexcept
    {
        while (at != end_ && is_blank(*at))
            ++at;
        return at;
    }

    bool is(char const* at, char c) const noexcept { return at != end_ && *at == c; }

    char const* const end_;
    request& to_;
};

} // namespace

bool scan_plain(std::string_view line, request& to)
{
    return scanner(line.data() + line.size(), to).reads(line.data());
}

} // namespace windowd::protocol
