// The names of the members of requests, and what is kept from one request to the next.
#include "protocol/request.hpp"

#include "protocol/kept_memory.hpp"

namespace windowd::protocol {
namespace {

constexpr std::array<std::string_view, member_count> names{
    "op",   "id",    "window", "value",     "values", "at",    "exception", "size",
    "span", "stats", "data",   "min_count", "match",  "limit", "after",     "token"};

/// Of a name: no two of the members' have the same, or the table below would not compile.
constexpr std::size_t slot_count = 32;
constexpr std::size_t slot_of(std::string_view name) noexcept
{
    return (4 * name.size() + 3 * std::size_t{static_cast<unsigned char>(name.back())}) % slot_count;
}

constexpr auto slots = [] {
    constexpr auto free = static_cast<std::uint8_t>(member_count);
    std::array<std::uint8_t, slot_count> table{};
    table.fill(free);
    for (std::uint8_t i = 0; i < member_count; ++i) {
        auto& slot = table[slot_of(names[i])];
        if (slot != free)
            throw "two names have the same slot";
        slot = i;
    }
    return table;
}();

} // namespace

std::string_view to_string(member one) noexcept
{
    return names[static_cast<std::size_t>(one)];
}

std::optional<member> member_of(std::string_view name) noexcept
{
    if (name.empty())
        return std::nullopt;
    auto const index = slots[slot_of(name)];
    if (index == member_count || names[index] != name)
        return std::nullopt;
    return static_cast<member>(index);
}

void request::clear() noexcept
{
    present.for_each([this](member one) {
        auto& used = (*this)[one];
        clear_and_keep(used.text);
        clear_and_keep(used.elements);
        clear_and_keep(used.strings);
    });
    present = {};
    unknown_member = 0;
    what = form::scalar;
    clear_and_keep(elements);
}

} // namespace windowd::protocol
