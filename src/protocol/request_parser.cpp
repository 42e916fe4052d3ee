// Boost.JSON's event parser, with a handler that fills a request; and before it the short way of plain lines.
#include "protocol/request_parser.hpp"

#include "protocol/kept_memory.hpp"
#include "protocol/number.hpp"
#include "protocol/plain_scanner.hpp"

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/error.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <limits>
#include <set>
#include <utility>

namespace windowd::protocol {
namespace {

using boost::json::error;
using json_error_code = boost::json::error_code;
using json_string_view = boost::json::string_view;

constexpr std::size_t max_depth = 32;

/// A token that the parser may give in pieces. In one piece it is not copied.
class token {
public:
    void part(json_string_view piece) { pieces_.append(piece.data(), piece.size()); }
    /// The whole token, valid until the next part().
    std::string_view whole(json_string_view last)
    {
        if (pieces_.empty())
            return {last.data(), last.size()};
        part(last);
        done_ = std::exchange(pieces_, {});
        return done_;
    }
    void clear() noexcept
    {
        clear_and_keep(pieces_);
        clear_and_keep(done_);
    }

private:
    std::string pieces_;
    std::string done_;
};

/// Takes the parser's events. The tree is flattened as it comes: what a request can mean is at most two
/// levels deep (an array in a member), and deeper values are only checked.
class handler {
public:
    static constexpr auto unlimited = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t max_array_size = unlimited;
    static constexpr std::size_t max_object_size = unlimited;
    static constexpr std::size_t max_string_size = unlimited;
    static constexpr std::size_t max_key_size = unlimited;

    /// Fills `parsed`, which has to be empty before each line.
    explicit handler(request& parsed) noexcept : parsed_(parsed) {}

    /// Whether the parse failed for two members of the same name.
    bool found_duplicate() const noexcept { return duplicate_; }

    void reset()
    {
        for (; deepest_ != 0; --deepest_)
            names_[deepest_] = {};
        key_.clear();
        text_.clear();
        depth_ = 0;
        members_seen_ = 0;
        duplicate_ = false;
    }

    static bool on_document_begin(json_error_code&) { return true; }
    static bool on_document_end(json_error_code&) { return true; }

    bool on_object_begin(json_error_code&)
    {
        if (depth_ == 0)
            parsed_.what = request::form::object;
        else
            take({element::kind::object, 0}, {});
        names_[++depth_].clear();
        deepest_ = std::max(deepest_, depth_);
        return true;
    }
    bool on_object_end(std::size_t, json_error_code&)
    {
        --depth_;
        return true;
    }
    bool on_array_begin(json_error_code&)
    {
        if (depth_ == 0)
            parsed_.what = request::form::array;
        else
            take({element::kind::array, 0}, {});
        ++depth_;
        return true;
    }
    bool on_array_end(std::size_t, json_error_code&)
    {
        --depth_;
        return true;
    }

    bool on_key_part(json_string_view piece, std::size_t, json_error_code&)
    {
        key_.part(piece);
        return true;
    }
    bool on_key(json_string_view last, std::size_t, json_error_code& ec)
    {
        auto const name = key_.whole(last);
        if (depth_ == 1) {
            ++members_seen_;
            current_ = member_of(name);
        }
        if (depth_ == 1 && current_) {
            duplicate_ = parsed_.has(*current_);
        } else {
            duplicate_ = !names_[depth_].emplace(name).second;
            if (depth_ == 1 && parsed_.unknown_member == 0)
                parsed_.unknown_member = members_seen_;
        }
        if (duplicate_)
            ec = error::syntax;
        return !duplicate_;
    }

    bool on_string_part(json_string_view piece, std::size_t, json_error_code&)
    {
        text_.part(piece);
        return true;
    }
    bool on_string(json_string_view last, std::size_t, json_error_code&)
    {
        take({element::kind::string, 0}, text_.whole(last));
        return true;
    }

    bool on_number_part(json_string_view piece, json_error_code&)
    {
        text_.part(piece);
        return true;
    }
    bool on_int64(std::int64_t, json_string_view last, json_error_code& ec) { return on_number(last, ec); }
    bool on_uint64(std::uint64_t, json_string_view last, json_error_code& ec) { return on_number(last, ec); }
    bool on_double(double, json_string_view last, json_error_code& ec) { return on_number(last, ec); }

    bool on_bool(bool, json_error_code&)
    {
        take({element::kind::boolean, 0}, {});
        return true;
    }
    bool on_null(json_error_code&)
    {
        take({element::kind::null, 0}, {});
        return true;
    }
    static bool on_comment_part(json_string_view, json_error_code&) { return true; }
    static bool on_comment(json_string_view, json_error_code&) { return true; }

private:
    /// The parser checks the grammar; the value is read from the text, since Boost.JSON 1.81 rounds wrongly.
    bool on_number(json_string_view last, json_error_code& ec)
    {
        auto const text = text_.whole(last);
        auto const* const end = text.data() + text.size();
        auto const read = read_number(text.data(), end);
        if (read.status == number_status::malformed || read.end != end) {
            ec = error::syntax;
            return false;
        }
        auto const what =
            read.status == number_status::number ? element::kind::number : element::kind::out_of_range;
        take({what, read.value}, text);
        return true;
    }

    void take(element value, std::string_view text)
    {
        if (depth_ == 0) {
            parsed_.value = value;
        } else if (parsed_.what == request::form::array) {
            if (depth_ == 1)
                parsed_.elements.push_back(value);
        } else if (depth_ == 1 && current_) {
            parsed_[*current_].value = value;
            parsed_[*current_].text = text;
            parsed_.present = parsed_.present | *current_;
        } else if (depth_ == 2 && current_ && parsed_[*current_].value.what == element::kind::array) {
            parsed_[*current_].elements.push_back(value);
            if (value.what == element::kind::string && *current_ == member::stats)
                parsed_[*current_].strings.emplace_back(text);
        }
    }

    request& parsed_;
    bool duplicate_ = false;
    token key_;
    token text_;
    std::size_t depth_ = 0;   // of containers that are open
    std::size_t deepest_ = 0; // of objects so far
    std::size_t members_seen_ = 0;
    std::optional<member> current_; // the member of the outermost object whose value comes; none if unknown
    // By depth, of the object open there; without the known members of the outermost. Not hashed: names that
    // were made to collide would take quadratic time.
    std::array<std::set<std::string, std::less<>>, max_depth + 1> names_;
};

/// Boost.JSON tells most errors as a mere "syntax error": the byte at which it stopped says more. `at` is its index.
std::string_view syntax_reason(std::string_view line, std::size_t at)
{
    constexpr unsigned char first_of_text = 0x20;
    constexpr unsigned char first_not_ascii = 0x80;
    if (at >= line.size())
        return "it ends too early";
    auto const byte = static_cast<unsigned char>(line[at]);
    if (byte >= first_not_ascii)
        return "a byte that is not UTF-8, or not in a string";
    if (byte < first_of_text)
        return "a control character";
    if (at > 0 && line[at - 1] == '\\')
        return "there is no such escape";
    return "syntax error";
}

parse_failure failure_of(json_error_code const& ec, std::string_view line, std::size_t at, bool duplicate)
{
    auto const column = at + 1;
    if (duplicate)
        return {"two members of an object have the same name", column, false};
    if (ec == error::too_deep)
        return {"it is nested more than 32 deep", column, false};
    if (ec == error::incomplete)
        return {"it ends too early", column, column <= 2}; // such as a lone minus
    if (ec == error::extra_data)
        return {"more follows where the value has ended", column, true};
    if (ec == error::illegal_leading_surrogate || ec == error::illegal_trailing_surrogate)
        return {"half of a surrogate pair is no character", column, false};
    if (ec == error::syntax)
        return {std::string(syntax_reason(line, at)), column, true};
    return {ec.message(), column, false};
}

/// Exponents of more than 9 digits, which Boost.JSON refuses, as 9 digits behind zeros: no line is so long
/// that it makes a difference to the value. False if there are none.
bool shorten_exponents(std::string& line)
{
    constexpr std::string_view largest = "999999999";
    auto const digit = [](char c) { return c >= '0' && c <= '9'; };
    bool in_string = false;
    bool shortened = false;
    for (std::size_t i = 0; i < line.size(); ++i) {
        if (in_string && line[i] == '\\') {
            ++i;
        } else if (line[i] == '"') {
            in_string = !in_string;
        } else if (!in_string && (line[i] == 'e' || line[i] == 'E') && i > 0 && digit(line[i - 1])) {
            auto first = line.begin() + static_cast<std::ptrdiff_t>(i) + 1;
            if (first != line.end() && (*first == '+' || *first == '-'))
                ++first;
            auto const last = std::find_if_not(first, line.end(), digit);
            auto const significant = std::find_if(first, last, [](char c) { return c != '0'; });
            if (last - significant > static_cast<std::ptrdiff_t>(largest.size())) {
                std::fill(significant, last, '0');
                std::ranges::copy(largest, last - static_cast<std::ptrdiff_t>(largest.size()));
                shortened = true;
            }
        }
    }
    return shortened;
}

boost::json::parse_options strict()
{
    boost::json::parse_options options;
    options.max_depth = max_depth;
    return options;
}

} // namespace

class request_parser::parser {
public:
    std::optional<parse_failure> parse(std::string_view line)
    {
        parsed_.clear();
        if (std::exchange(was_used_, false))
            parser_.handler().reset(); // whatever it took for a long line
        if (scan_plain(line, parsed_))
            return std::nullopt;
        was_used_ = true;
        auto outcome = run(line);
        if (outcome.first == error::exponent_overflow) {
            auto copy = std::string(line);
            if (shorten_exponents(copy))
                outcome = run(copy);
        }
        auto const& [ec, at] = outcome;
        if (!ec)
            return std::nullopt;
        return failure_of(ec, line, at, parser_.handler().found_duplicate());
    }

    request const& result() const noexcept { return parsed_; }

private:
    std::pair<json_error_code, std::size_t> run(std::string_view line)
    {
        parsed_.clear();
        parser_.reset();
        parser_.handler().reset();
        json_error_code ec;
        auto const read = parser_.write_some(false, line.data(), line.size(), ec);
        if (!ec && read < line.size())
            ec = error::extra_data;
        return {ec, read};
    }

    request parsed_;
    boost::json::basic_parser<handler> parser_{strict(), parsed_};
    bool was_used_ = false; // parser_, for the last line
};

request_parser::request_parser() : parser_(std::make_unique<parser>()) {}
request_parser::~request_parser() = default;

std::optional<parse_failure> request_parser::parse(std::string_view line)
{
    return parser_->parse(line);
}

request const& request_parser::result() const noexcept
{
    return parser_->result();
}

} // namespace windowd::protocol
