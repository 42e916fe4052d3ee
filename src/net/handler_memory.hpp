// Memory of one's own for an operation of Asio, so that to start it cannot fail.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <new>
#include <utility>

namespace windowd::net {

/// Room for one operation at a time that is started again and again. Asio has no way to tell that there was no memory for
/// an operation: the exception leaves the event loop, and takes along whoever wanted to wait.
/// What finds it in use, or too small, is given other memory.
class handler_memory {
public:
    void* take(std::size_t size)
    {
        if (in_use_ || size > room_.size())
            return ::operator new(size);
        in_use_ = true;
        return room_.data();
    }

    void give_back(void* memory) noexcept
    {
        if (memory == room_.data())
            in_use_ = false;
        else
            ::operator delete(memory);
    }

private:
    // A wait takes 208 bytes, all else less.
    alignas(std::max_align_t) std::array<std::byte, 240> room_{};
    bool in_use_ = false;
};

/// For boost::asio::bind_allocator. Keeps the memory alive: an operation may outlive who started it.
template <class T = void>
struct handler_allocator {
    using value_type = T;

    explicit handler_allocator(std::shared_ptr<handler_memory> from) noexcept : memory(std::move(from)) {}
    handler_allocator(handler_allocator const&) = default; // an allocator that was moved from is as it was
    template <class Other>
    handler_allocator(handler_allocator<Other> const& other) noexcept
        : memory(other.memory) // NOLINT(*-explicit-*)
    {}

    T* allocate(std::size_t count) { return static_cast<T*>(memory->take(count * sizeof(T))); }
    void deallocate(T* used, std::size_t) noexcept { memory->give_back(used); }
    handler_allocator& operator=(handler_allocator const&) = default;
    ~handler_allocator() = default;
    bool operator==(handler_allocator const&) const = default;

    std::shared_ptr<handler_memory> memory;
};

} // namespace windowd::net
