// What a request line says, once it is known to be JSON: a plain value, without judgement on whether it makes
// sense.
#pragma once

#include "window/enum_set.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace windowd::protocol {

/// A JSON value, as far as the protocol cares: the number is kept, other values are only told apart.
struct element {
    enum class kind : std::uint8_t { null, number, out_of_range, string, boolean, array, object };

    kind what = kind::null;
    double number = 0; ///< of a number
};

/// The members that requests have.
enum class member : std::uint8_t {
    op,
    id,
    window,
    value,
    values,
    at,
    exception,
    size,
    span,
    stats,
    data,
    min_count,
    match,
    limit,
    after,
    token
};
inline constexpr std::size_t member_count = 16;

using member_set = window::enum_set<member>;

/// The member's name on the wire, and the member of a name, in constant time.
std::string_view to_string(member one) noexcept;
std::optional<member> member_of(std::string_view name) noexcept;

/// The value of a member.
struct member_value {
    element value;
    std::string text;                 ///< of a string, decoded; of a number, as it was written
    std::vector<element> elements;    ///< of an array
    std::vector<std::string> strings; ///< of an array: those of its elements that are strings, in order
};

/// One request line.
struct request {
    enum class form : std::uint8_t {
        scalar, ///< a single value, `value`
        array,  ///< an array of values, `elements`
        object, ///< an object, `members`
    };

    form what = form::scalar;
    element value;
    std::vector<element> elements;
    std::array<member_value, member_count> members;
    member_set present; ///< which of the members there are
    std::size_t unknown_member =
        0; ///< the place, counted from 1, of the first member that no request has, or 0

    bool has(member one) const noexcept { return present.contains(one); }
    member_value const& operator[](member one) const noexcept
    {
        return members[static_cast<std::size_t>(one)];
    }
    member_value& operator[](member one) noexcept { return members[static_cast<std::size_t>(one)]; }

    /// Makes it empty for the next line, in time linear in what it holds. Memory is kept up to a bound.
    void clear() noexcept;
};

} // namespace windowd::protocol
