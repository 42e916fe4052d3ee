// Counts what the test executable takes from the heap, and makes an allocation fail on demand.
#pragma once

#include <cstddef>

namespace windowd::test {

/// Calls of operator new so far, in the whole executable.
std::size_t allocations() noexcept;

/// What was allocated and is not yet released.
std::size_t allocations_alive() noexcept;

/// While it lives, the n-th allocation from its making on (1 is the next) throws std::bad_alloc. One at a
/// time.
class failing_allocation {
public:
    explicit failing_allocation(std::size_t nth) noexcept;
    failing_allocation(failing_allocation const&) = delete;
    failing_allocation& operator=(failing_allocation const&) = delete;
    ~failing_allocation();

    /// Whether it has failed: false if fewer than n allocations were asked for.
    bool happened() const noexcept;
};

} // namespace windowd::test
