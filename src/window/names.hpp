// The names of shared windows, and patterns of them.
#pragma once

#include <cstddef>
#include <string_view>

namespace windowd::window {

inline constexpr std::size_t max_name_size = 128;

/// 1 to 128 of A-Z a-z 0-9 . _ : / -
bool is_window_name(std::string_view text) noexcept;

/// The same with `*` among them, each of which stands for any characters, or none.
bool is_pattern(std::string_view text) noexcept;

/// Whether the whole name fits the pattern. Time: pattern times name in the worst case, some 0.3 us.
bool matches(std::string_view pattern, std::string_view name) noexcept;

} // namespace windowd::window
