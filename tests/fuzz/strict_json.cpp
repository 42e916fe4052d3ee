// By recursion, straight from the grammar of RFC 8259.
#include "fuzz/strict_json.hpp"

#include <algorithm>
#include <utility>

namespace windowd::fuzz {
namespace {

struct malformed {};

class parser {
public:
    parser(std::string_view text, std::size_t max_depth) : rest_(text), depth_left_(max_depth) {}

    json whole()
    {
        auto const value = element();
        if (!rest_.empty())
            throw malformed();
        return value;
    }

private:
    json element()
    {
        skip_blanks();
        auto read = value();
        skip_blanks();
        return read;
    }

    json value()
    {
        switch (peek()) {
        case '{':
            return object();
        case '[':
            return array();
        case '"':
            return {json::kind::string, string(), {}, {}};
        case 't':
            return word("true", json::kind::boolean);
        case 'f':
            return word("false", json::kind::boolean);
        case 'n':
            return word("null", json::kind::null);
        default:
            return number();
        }
    }

    json object()
    {
        json read{json::kind::object, {}, {}, {}};
        open();
        skip_blanks();
        if (!take_if('}')) {
            do {
                skip_blanks();
                auto name = string();
                skip_blanks();
                take(':');
                if (read.find(name) != nullptr)
                    throw malformed();
                auto member = element();
                read.names.push_back(std::move(name));
                read.elements.push_back(std::move(member));
            } while (take_if(','));
            take('}');
        }
        ++depth_left_;
        return read;
    }

    json array()
    {
        json read{json::kind::array, {}, {}, {}};
        open();
        skip_blanks();
        if (!take_if(']')) {
            do
                read.elements.push_back(element());
            while (take_if(','));
            take(']');
        }
        ++depth_left_;
        return read;
    }

    void open()
    {
        if (depth_left_ == 0)
            throw malformed();
        --depth_left_;
        rest_.remove_prefix(1);
    }

    json number()
    {
        auto const begin = rest_;
        take_if('-');
        if (!take_if('0'))
            digits();
        if (take_if('.'))
            digits();
        if (take_if('e') || take_if('E')) {
            if (!take_if('+'))
                take_if('-');
            digits();
        }
        return {json::kind::number, std::string(begin.substr(0, begin.size() - rest_.size())), {}, {}};
    }

    void digits()
    {
        auto const end = std::min(rest_.find_first_not_of("0123456789"), rest_.size());
        if (end == 0)
            throw malformed();
        rest_.remove_prefix(end);
    }

    json word(std::string_view text, json::kind what)
    {
        if (!rest_.starts_with(text))
            throw malformed();
        rest_.remove_prefix(text.size());
        return {what, {}, {}, {}};
    }

    std::string string()
    {
        take('"');
        std::string read;
        while (!take_if('"')) {
            if (take_if('\\'))
                escape(read);
            else
                character(read);
        }
        return read;
    }

    void escape(std::string& to)
    {
        constexpr std::string_view names = "\"\\/bfnrt";
        constexpr std::string_view characters = "\"\\/\b\f\n\r\t";
        auto const name = take_any();
        if (auto const at = names.find(name); at != std::string_view::npos)
            to += characters[at];
        else if (name == 'u')
            append(to, code_point());
        else
            throw malformed();
    }

    std::uint32_t code_point()
    {
        auto const first = four_digits();
        if (first < 0xd800 || first > 0xdfff)
            return first;
        take('\\');
        take('u');
        auto const second = four_digits();
        if (first > 0xdbff || second < 0xdc00 || second > 0xdfff)
            throw malformed();
        return 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
    }

    std::uint32_t four_digits()
    {
        constexpr std::string_view lower = "0123456789abcdef";
        constexpr std::string_view upper = "0123456789ABCDEF";
        std::uint32_t read = 0;
        for (auto i = 0; i < 4; ++i) {
            auto const digit = take_any();
            auto const at = std::min(lower.find(digit), upper.find(digit));
            if (at == std::string_view::npos)
                throw malformed();
            read = read * 16 + static_cast<std::uint32_t>(at);
        }
        return read;
    }

    static void append(std::string& to, std::uint32_t code)
    {
        auto const tail = [&to, code](unsigned shift) {
            to += static_cast<char>(0x80 | (code >> shift & 0x3f));
        };
        if (code < 0x80) {
            to += static_cast<char>(code);
        } else if (code < 0x800) {
            to += static_cast<char>(0xc0 | code >> 6);
            tail(0);
        } else if (code < 0x10000) {
            to += static_cast<char>(0xe0 | code >> 12);
            tail(6);
            tail(0);
        } else {
            to += static_cast<char>(0xf0 | code >> 18);
            tail(12);
            tail(6);
            tail(0);
        }
    }

    /// One character as it stands: no control character, and valid UTF-8.
    void character(std::string& to)
    {
        auto const first = static_cast<unsigned char>(peek());
        if (first < 0x20)
            throw malformed();
        auto const size = first < 0x80 ? 1U : first >= 0xf0 ? 4U : first >= 0xe0 ? 3U : 2U;
        if (size > rest_.size() || !is_utf8(rest_.substr(0, size)))
            throw malformed();
        to += rest_.substr(0, size);
        rest_.remove_prefix(size);
    }

    /// Of one character: by the table of RFC 3629, section 4.
    static bool is_utf8(std::string_view bytes)
    {
        auto const at = [bytes](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
        if (bytes.size() == 1)
            return true;
        auto const first = at(0);
        auto const least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
        auto const most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
        if (first < 0xc2 || first > 0xf4 || at(1) < least || at(1) > most)
            return false;
        for (std::size_t i = 2; i < bytes.size(); ++i)
            if (at(i) < 0x80 || at(i) > 0xbf)
                return false;
        return true;
    }

    void skip_blanks() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\n\r"), rest_.size())); }
    char peek() const
    {
        if (rest_.empty())
            throw malformed();
        return rest_.front();
    }
    char take_any()
    {
        auto const c = peek();
        rest_.remove_prefix(1);
        return c;
    }
    void take(char wanted)
    {
        if (take_any() != wanted)
            throw malformed();
    }
    bool take_if(char wanted)
    {
        if (!rest_.starts_with(wanted))
            return false;
        rest_.remove_prefix(1);
        return true;
    }

    std::string_view rest_;
    std::size_t depth_left_;
};

} // namespace

std::optional<json> parse_json(std::string_view text, std::size_t max_depth)
{
    try {
        return parser(text, max_depth).whole();
    } catch (malformed const&) {
        return std::nullopt;
    }
}

} // namespace windowd::fuzz
