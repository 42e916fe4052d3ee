// The window service: a generator in Python's sense that is sent numbers and yields their moving average.
#pragma once

#include "window/mean_window.hpp"
#include <nanoservice/generator.hpp>

#include <cstdint>
#include <optional>

namespace windowd::window {

/// Thrown in: the service yields how many values it keeps, and then, as next() asks for them, the values,
/// oldest first. Whatever comes instead of a next() ends that and is handled as usual.
struct dump_data final {};
/// Thrown in: the service empties its window and yields nothing.
struct clear_window final {};
/// Thrown in: the service yields its statistic as it is now.
struct read_statistics final {};

/// What the service is sent: a finite number, or an object that is none. A default one is nothing (Python's
/// None), which is what next() sends.
class sent {
public:
    enum class kind : std::uint8_t { nothing, number, other };

    constexpr sent() noexcept = default;
    // By members, as it was written by its maker: read as one block it would wait for both to reach the cache
    // (9 ns a send).
    // NOLINTBEGIN(modernize-use-equals-default)
    constexpr sent(sent const& other) noexcept : value_(other.value_), what_(other.what_) {}
    constexpr sent& operator=(sent const& other) noexcept
    {
        value_ = other.value_;
        what_ = other.what_;
        return *this;
    }
    // NOLINTEND(modernize-use-equals-default)
    ~sent() = default;

    static constexpr sent number(double value) noexcept { return {kind::number, value}; }
    static constexpr sent other() noexcept { return {kind::other, 0}; }

    constexpr kind what() const noexcept { return what_; }
    constexpr double value() const noexcept { return value_; }

private:
    constexpr sent(kind what, double value) noexcept : value_(value), what_(what) {}

    double value_ = 0;
    kind what_ = kind::nothing;
};

/// Why the service did not take what it was sent.
enum class refusal : std::uint8_t {
    none,
    not_a_number,  ///< it was sent an object that is no finite number
    out_of_memory, ///< there was no memory to keep the value, or to dump
};

/// What the service yields: a number, or nothing (Python's None).
struct yielded {
    constexpr yielded() noexcept = default;
    constexpr yielded(std::optional<double> value) noexcept : number(value) {}
    constexpr explicit yielded(refusal why) noexcept : refused(why) {}

    std::optional<double> number;
    refusal refused = refusal::none; ///< then number is empty, and the window is as it was
};

using service = nanoservice::generator<yielded, sent>;

/// The service's own steps, for a trace of them.
enum class step : std::uint8_t { waiting, providing_length, dumping, clearing, reading, rejected, exiting };

/// Told each step of a service as it takes it. Must outlive the service, and must not throw.
class step_observer {
public:
    virtual void on_step(step taken) noexcept = 0;

protected:
    step_observer() = default;
    step_observer(step_observer const&) = default;
    step_observer& operator=(step_observer const&) = default;
    ~step_observer() = default;
};

/// A service that owns `window`. As every generator it runs nothing before its first next(), which yields
/// nothing.
/// - send(a number) takes it in and yields the mean; any other object is refused, and the window stays.
/// - next() yields nothing.
/// - throw_ of dump_data, clear_window and read_statistics does what they say; generator_exit ends it; any other
///   exception comes out, which ends it too.
/// A send costs constant time and allocates nothing once the window is full. Without an observer, observation
/// costs nothing: the code for it is not there.
service make_service(mean_window window, step_observer* observer = nullptr);

} // namespace windowd::window
