// What a window can be asked for: one interface, one class for each statistic, one table of them.
#pragma once

#include "window/enum_set.hpp"

#include <cmath>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace windowd::window {

class contents;

/// What a window may keep about its values besides the values themselves; see contents.
enum class part : std::uint8_t {
    sum,           ///< exact_sum
    second_powers, ///< moments; each power includes those before it
    third_powers,
    fourth_powers,
    line,    ///< regression
    order,   ///< sorted_values
    minimum, ///< window_minimum
    maximum, ///< window_maximum
};
using part_set = enum_set<part>;

/// A number that says something about the values of a window. It keeps nothing itself: it names the parts that a
/// window has to keep for it, which several statistics may share, and reads its result from them. To add one,
/// write its class in statistic.cpp, and its line in the table there.
class statistic {
public:
    statistic() = default;
    statistic(statistic const&) = delete;
    statistic& operator=(statistic const&) = delete;
    virtual ~statistic() = default;

    /// As it is asked for: "mean", "p99.9". Lives as long as the statistic.
    virtual std::string_view name() const noexcept = 0;
    virtual part_set needs() const noexcept = 0;
    /// Of a window that has a value at least, and keeps what is needed. Nothing where the statistic is undefined,
    /// or is beyond the range of a double.
    std::optional<double> of(contents const& window) const noexcept
    {
        auto const result = compute(window);
        return std::isfinite(result) ? std::optional(result) : std::nullopt;
    }

private:
    /// What is not finite counts as nothing. (A double comes back in a register; an optional would be written to
    /// memory and read as one block, which waits for its parts to reach the cache: 8 ns a value.)
    virtual double compute(contents const& window) const noexcept = 0;
};

/// Shared by the windows that were asked for it; all but percentiles exist once.
using statistic_ptr = std::shared_ptr<statistic const>;

/// The statistic of that name, or null if there is none. Throws std::bad_alloc.
statistic_ptr find_statistic(std::string_view name);

/// All names, "pNN" for the percentiles, in the order of the table.
std::vector<std::string_view> statistic_names();

} // namespace windowd::window
