// Replaces the global operator new and delete by ones that count. The other forms of the
// standard library end in these.
#include "support/allocation_counter.hpp"

#include <atomic>
#include <cstdlib>
#include <new>

// NOLINTBEGIN(cppcoreguidelines-avoid-non-const-global-variables, cppcoreguidelines-no-malloc): its use

namespace {

// Never destroyed, so that allocations outside main count too. `until_failure` of 0: none is to fail.
constinit std::atomic<std::size_t> allocated = 0;
constinit std::atomic<std::size_t> released = 0;
constinit std::atomic<std::size_t> until_failure = 0;

} // namespace

void* operator new(std::size_t size)
{
    if (until_failure != 0 && --until_failure == 0)
        throw std::bad_alloc();
    auto* const memory = std::malloc(size == 0 ? 1 : size);
    if (memory == nullptr)
        throw std::bad_alloc();
    ++allocated;
    return memory;
}

// The standard library's ends in that too; the address sanitizer's does not.
void* operator new(std::size_t size, std::nothrow_t const&) noexcept
try {
    return operator new(size);
} catch (std::bad_alloc const&) {
    return nullptr;
}

void operator delete(void* memory) noexcept
{
    if (memory == nullptr)
        return;
    ++released;
    std::free(memory);
}

void operator delete(void* memory, std::size_t) noexcept
{
    operator delete(memory);
}

// The standard library's own forms for arrays end in the above; the address sanitizer's do not.
void* operator new[](std::size_t size)
{
    return operator new(size);
}

void operator delete[](void* memory) noexcept
{
    operator delete(memory);
}

void operator delete[](void* memory, std::size_t) noexcept
{
    operator delete(memory);
}

// NOLINTEND(cppcoreguidelines-avoid-non-const-global-variables, cppcoreguidelines-no-malloc)

namespace windowd::test {

std::size_t allocations() noexcept
{
    return allocated;
}

std::size_t allocations_alive() noexcept
{
    return allocated - released;
}

failing_allocation::failing_allocation(std::size_t nth) noexcept
{
    until_failure = nth;
}

failing_allocation::~failing_allocation()
{
    until_failure = 0;
}

bool failing_allocation::happened() const noexcept
{
    return until_failure == 0;
}

} // namespace windowd::test
