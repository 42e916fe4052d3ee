// Numbers that are read, against strtod and the grammar; those that are written, against std::to_chars.
#include "fuzz/fuzzer.hpp"
#include "protocol/number.hpp"

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using namespace windowd;
using fuzz::expect;
using fuzz::found;
using protocol::number_status;

bool same(double a, double b)
{
    return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

std::size_t digits_at(std::string_view text, std::size_t from)
{
    auto const end = std::min(text.find_first_not_of("0123456789", from), text.size());
    return end - std::min(from, end);
}

/// Of the number at the start of a text, as RFC 8259 has it: how long it is, or where it is malformed.
struct shape {
    bool well_formed;
    std::size_t size;
};

shape shape_of(std::string_view text)
{
    auto at = static_cast<std::size_t>(text.starts_with('-') ? 1 : 0);
    auto count = digits_at(text, at);
    if (count == 0)
        return {false, at};
    if (text[at] == '0' && count > 1)
        return {false, at + 1};
    at += count;
    if (at < text.size() && text[at] == '.') {
        count = digits_at(text, ++at);
        at += count;
        if (count == 0)
            return {false, at};
    }
    if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
        ++at;
        at += at < text.size() && (text[at] == '+' || text[at] == '-') ? 1 : 0;
        count = digits_at(text, at);
        at += count;
        if (count == 0)
            return {false, at};
    }
    return {true, at};
}

void check_read(std::string_view text)
{
    auto const read = protocol::read_number(text.data(), text.data() + text.size());
    auto const expected = shape_of(text);
    expect(static_cast<std::size_t>(read.end - text.data()) == expected.size, "a number ends elsewhere");
    expect((read.status != number_status::malformed) == expected.well_formed, "malformed or not");
    if (!expected.well_formed)
        return;
    auto const copy = std::string(text.substr(0, expected.size));
    auto const exact = std::strtod(copy.c_str(), nullptr);
    expect((read.status == number_status::out_of_range) == std::isinf(exact), "out of range or not");
    if (std::isfinite(exact) && !same(read.value, exact))
        found("of " + copy + " it read " + std::to_string(read.value));
    double other = 0;
    auto const parsed = std::from_chars(copy.data(), copy.data() + copy.size(), other);
    if (parsed.ec == std::errc() && std::isfinite(exact))
        expect(same(read.value, other), "std::from_chars reads another");
}

void check_written(double value)
{
    if (!std::isfinite(value))
        return;
    std::array<char, protocol::max_number_size> room{};
    char const* const end = protocol::write_number(room.data(), value);
    auto const text = std::string(static_cast<char const*>(room.data()), end);
    std::array<char, 64> other{};
    auto const shortest = std::to_chars(other.data(), other.data() + other.size(), value);
    expect(text == std::string_view(other.data(), shortest.ptr), "it wrote " + text);
    expect(same(std::strtod(text.c_str(), nullptr), value), text + " reads back as another");
    expect(shape_of(text).well_formed && shape_of(text).size == text.size(), text + " is no JSON number");
    check_read(text);
}

} // namespace

/// A text; its first eight bytes are the bits of a number to be written too.
int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    auto const input = fuzz::text_of(data, size);
    check_read(input);
    auto bits = fuzz::choices(input);
    check_written(bits.real());
    return 0;
}
