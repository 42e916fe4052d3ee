// The names of the members of requests.
#include "protocol/request.hpp"

#include <algorithm>

namespace windowd::protocol {
namespace {

constexpr std::array<std::string_view, member_count> names{
    "op",   "id",    "window", "value",     "values", "at",    "exception", "size",
    "span", "stats", "data",   "min_count", "match",  "limit", "after",     "token"};

} // namespace

std::string_view to_string(member one) noexcept
{
    return names[static_cast<std::size_t>(one)];
}

std::optional<member> member_of(std::string_view name) noexcept
{
    auto const* const found = std::ranges::find(names, name);
    if (found == names.end())
        return std::nullopt;
    return static_cast<member>(found - names.begin());
}

} // namespace windowd::protocol
