// How much memory of one request is kept for the next.
#pragma once

#include <cstddef>
#include <type_traits>

namespace windowd::protocol {

/// In elements of a container: what a long line needed is not kept for the short ones after it.
inline constexpr std::size_t kept_elements = 16384;

/// Makes a container empty; its memory is kept for the next line up to that bound.
void clear_and_keep(auto& container) noexcept
{
    if (container.capacity() > kept_elements)
        std::remove_cvref_t<decltype(container)>().swap(container); // an assignment might keep the memory
    container.clear();
}

} // namespace windowd::protocol
