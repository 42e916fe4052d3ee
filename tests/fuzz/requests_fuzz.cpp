// What the request parser makes of lines, against a strict parser of JSON.
#include "fuzz/fuzzer.hpp"
#include "fuzz/strict_json.hpp"
#include "protocol/request_parser.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using namespace windowd;
using fuzz::expect;
using fuzz::found;
using fuzz::json;
using protocol::element;
using protocol::member;
using protocol::request;

constexpr std::size_t most_depth = 32;

element expected_element(json const& value)
{
    using kind = element::kind;
    if (value.what != json::kind::number) {
        constexpr kind kinds[] = {kind::null,   kind::boolean, kind::number,
                                  kind::string, kind::array,   kind::object};
        return {kinds[static_cast<std::size_t>(value.what)], 0};
    }
    auto const number = std::strtod(value.text.c_str(), nullptr);
    if (std::isinf(number))
        return {kind::out_of_range, 0};
    return {kind::number, number};
}

void check_element(element const& seen, json const& value)
{
    auto const expected = expected_element(value);
    expect(seen.what == expected.what, "a value of another kind");
    if (seen.what == element::kind::number &&
        std::bit_cast<std::uint64_t>(seen.number) != std::bit_cast<std::uint64_t>(expected.number))
        found("another number than " + value.text);
}

void check_elements(std::vector<element> const& seen, std::vector<json> const& expected)
{
    expect(seen.size() == expected.size(), "an array of another length");
    for (std::size_t i = 0; i < seen.size(); ++i)
        check_element(seen[i], expected[i]);
}

void check_member(member which, protocol::member_value const& seen, json const& expected)
{
    check_element(seen.value, expected);
    // The parser may shorten an exponent of many digits.
    auto const is_as_written = expected.text.find_first_of("eE") == std::string::npos;
    if (expected.what == json::kind::string || (expected.what == json::kind::number && is_as_written))
        expect(seen.text == expected.text, "another text");
    if (expected.what != json::kind::array)
        return;
    check_elements(seen.elements, expected.elements);
    if (which != member::stats)
        return;
    std::vector<std::string> strings;
    for (auto const& one : expected.elements)
        if (one.what == json::kind::string)
            strings.push_back(one.text);
    expect(seen.strings == strings, "other strings");
}

void check_object(request const& seen, json const& expected)
{
    std::size_t unknown = 0;
    for (std::size_t i = 0; i < expected.names.size(); ++i) {
        auto const which = protocol::member_of(expected.names[i]);
        if (!which) {
            unknown = unknown == 0 ? i + 1 : unknown;
            continue;
        }
        expect(seen.has(*which), "a member is missing");
        check_member(*which, seen[*which], expected.elements[i]);
    }
    expect(seen.unknown_member == unknown, "another unknown member");
    for (std::size_t i = 0; i < protocol::member_count; ++i) {
        auto const which = static_cast<member>(i);
        expect(!seen.has(which) || expected.find(to_string(which)) != nullptr, "a member too many");
    }
}

void check_request(request const& seen, json const& expected)
{
    switch (seen.what) {
    case request::form::object:
        expect(expected.what == json::kind::object, "it is no object");
        return check_object(seen, expected);
    case request::form::array:
        expect(expected.what == json::kind::array, "it is no array");
        return check_elements(seen.elements, expected.elements);
    case request::form::scalar:
        return check_element(seen.value, expected);
    }
}

void check_line(protocol::request_parser& parser, std::string_view line)
{
    auto const expected = fuzz::parse_json(line, most_depth);
    auto const failure = parser.parse(line);
    if (failure && expected)
        found("refused (" + failure->reason + "): " + std::string(line));
    if (!failure && !expected)
        found("taken for JSON: " + std::string(line));
    if (expected)
        check_request(parser.result(), *expected);
    else
        expect(failure->column >= 1 && failure->column <= line.size() + 1 && !failure->reason.empty(),
               "a failure that says nothing");
}

} // namespace

/// The lines of an input are parsed in turn, so that nothing of one is left in the next.
int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    auto rest = fuzz::text_of(data, size);
    protocol::request_parser parser;
    do {
        auto const line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        check_line(parser, line);
    } while (!rest.empty());
    return 0;
}
