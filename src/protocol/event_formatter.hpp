// Events of shared windows as lines of JSON.
#pragma once

#include "protocol/output_buffer.hpp"
#include "window/window_register.hpp"

#include <atomic>
#include <cstdint>

namespace windowd::protocol {

/// Writes each event once, as the line that all its followers get.
class event_formatter final : public window::event_writer {
public:
    window::event_text write(window::event const& happened) override;

    /// How many bytes it has written so far. Any thread may ask.
    std::uint64_t bytes() const noexcept { return bytes_.load(std::memory_order_relaxed); }

private:
    output_buffer line_;
    std::atomic<std::uint64_t> bytes_ = 0;
};

} // namespace windowd::protocol
