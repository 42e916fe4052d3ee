// A set of the values of an enumeration.
#pragma once

#include <bit>

namespace windowd::window {

/// A set of values of Enum, which are fewer than 32 and count from 0.
template <class Enum>
class enum_set {
public:
    constexpr enum_set() noexcept = default;
    constexpr enum_set(Enum one) noexcept : bits_(1U << static_cast<unsigned>(one)) {}

    constexpr bool contains(Enum one) const noexcept { return (bits_ & enum_set(one).bits_) != 0; }
    constexpr bool empty() const noexcept { return bits_ == 0; }
    /// Calls use(value) for each, in order.
    constexpr void for_each(auto use) const
    {
        for (auto left = bits_; left != 0; left &= left - 1)
            use(static_cast<Enum>(std::countr_zero(left)));
    }
    friend constexpr enum_set operator|(enum_set a, enum_set b) noexcept { return {a.bits_ | b.bits_}; }
    /// What is in a and not in b.
    friend constexpr enum_set operator-(enum_set a, enum_set b) noexcept { return {a.bits_ & ~b.bits_}; }
    friend constexpr bool operator==(enum_set, enum_set) noexcept = default;

private:
    constexpr enum_set(unsigned bits) noexcept : bits_(bits) {}

    unsigned bits_ = 0;
};

} // namespace windowd::window
