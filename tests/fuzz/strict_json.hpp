// A JSON parser of its own, strict and slow, to judge what windowd reads and writes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace windowd::fuzz {

struct json {
    enum class kind : std::uint8_t { null, boolean, number, string, array, object };

    kind what = kind::null;
    std::string text;               ///< of a number as it is written; of a string decoded
    std::vector<json> elements;     ///< of an array; of an object the values of its members
    std::vector<std::string> names; ///< of an object's members, in order

    /// The member of that name, or null.
    json const* find(std::string_view name) const
    {
        auto const found = std::ranges::find(names, name);
        return found == names.end() ? nullptr : &elements[static_cast<std::size_t>(found - names.begin())];
    }
};

/// What RFC 8259 takes for a JSON text, in UTF-8 (RFC 3629), without half surrogate pairs, without two members of one
/// name in an object, and nested `max_depth` deep at most. Nothing if it is none.
std::optional<json> parse_json(std::string_view text, std::size_t max_depth);

} // namespace windowd::fuzz
