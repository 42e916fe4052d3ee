// Where replies are written: bytes that grow at the end.
#pragma once

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

namespace windowd::protocol {

/// A growing run of bytes. Unlike a std::string it lets a number be written in place, with no byte set twice.
class output_buffer {
public:
    output_buffer() noexcept = default;
    output_buffer(output_buffer&& other) noexcept
        : bytes_(std::move(other.bytes_)),
          size_(std::exchange(other.size_, 0)),
          capacity_(std::exchange(other.capacity_, 0))
    {}
    output_buffer& operator=(output_buffer&& other) noexcept
    {
        bytes_ = std::move(other.bytes_);
        size_ = std::exchange(other.size_, 0);
        capacity_ = std::exchange(other.capacity_, 0);
        return *this;
    }
    ~output_buffer() = default;

    std::string_view view() const noexcept { return {bytes_.get(), size_}; }
    std::size_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }
    std::size_t capacity() const noexcept { return capacity_; }

    /// The end, with room for at least `room` bytes, to be written there and then taken in with written().
    /// Throws std::bad_alloc, and nothing has changed. Amortised constant time.
    char* prepare(std::size_t room)
    {
        if (capacity_ - size_ < room)
            grow(room);
        return bytes_.get() + size_;
    }
    /// `end` is one past the last byte written after prepare().
    void written(char const* end) noexcept
    {
        size_ = static_cast<std::size_t>(end - bytes_.get());
        assert(size_ <= capacity_);
    }

    void append(std::string_view text)
    {
        std::ranges::copy(text, prepare(text.size())); // memcpy does not take the null pointers of nothing
        size_ += text.size();
    }
    void append(char c)
    {
        *prepare(1) = c;
        ++size_;
    }

    /// Puts text before the byte at `position`, which is at most size().
    void insert(std::size_t position, std::string_view text)
    {
        prepare(text.size());
        auto* const at = bytes_.get() + position;
        auto* const end = bytes_.get() + size_;
        std::move_backward(at, end, end + text.size());
        std::ranges::copy(text, at);
        size_ += text.size();
    }

    /// Forgets what is behind `size`, which is at most size().
    void truncate(std::size_t size) noexcept { size_ = size; }
    void clear() noexcept { size_ = 0; }

private:
    static constexpr std::size_t first_capacity = 4096;

    void grow(std::size_t room)
    {
        auto const enlarged = std::max({first_capacity, 2 * capacity_, size_ + room});
        auto bytes = std::make_unique_for_overwrite<char[]>(enlarged);
        if (size_ != 0)
            std::memcpy(bytes.get(), bytes_.get(), size_);
        bytes_ = std::move(bytes);
        capacity_ = enlarged;
    }

    std::unique_ptr<char[]> bytes_;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
};

} // namespace windowd::protocol
