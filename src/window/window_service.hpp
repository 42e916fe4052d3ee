// The window service: a generator in Python's sense that is sent numbers and yields statistics of the last ones.
#pragma once

#include "window/clock.hpp"
#include "window/sliding_window.hpp"
#include <nanoservice/generator.hpp>

#include <cstdint>
#include <optional>
#include <span>

namespace windowd::window {

/// Thrown in: the service yields how many values it keeps, and then, as next() asks for them, the values,
/// oldest first. Whatever comes instead of a next() ends that and is handled as usual.
struct dump_data final {};
/// Thrown in: the service empties its window and yields nothing.
struct clear_window final {};
/// Thrown in: the service yields its statistics as they are now.
struct read_statistics final {};
/// Thrown in: the service yields how many values it keeps now, as a number. Not for clients: they have dump_data.
struct count_values final {};

struct yielded;

/// Numbers that are sent together, as if one after the other, to a service of one statistic.
struct number_run {
    std::span<double const> numbers;
    yielded* answers; ///< as many: where it is written what each yields
};

/// What the service is sent: a finite number, several of them, or an object that is none. A default one is nothing (Python's
/// None), which is what next() sends.
class sent {
public:
    enum class kind : std::uint8_t { nothing, number, number_at, numbers, other };

    constexpr sent() noexcept = default;
    // By members, as it was written by its maker: read as one block it would wait for both to reach the cache
    // (9 ns a send).
    // NOLINTBEGIN(modernize-use-equals-default,bugprone-unhandled-self-assignment)
    constexpr sent(sent const& other) noexcept
        : value_(other.value_),
          what_(other.what_),
          at_(other.at_),
          run_(other.run_)
    {}
    constexpr sent& operator=(sent const& other) noexcept
    {
        value_ = other.value_;
        what_ = other.what_;
        at_ = other.at_;
        run_ = other.run_;
        return *this;
    }
    // NOLINTEND(modernize-use-equals-default,bugprone-unhandled-self-assignment)
    ~sent() = default;

    static constexpr sent number(double value) noexcept { return {kind::number, value}; }
    /// A number with a time of its own, in seconds since 1970; finite, or it counts as no number.
    static constexpr sent number_at(double value, double at) noexcept { return {kind::number_at, value, at}; }
    /// The run must live until the service has yielded.
    static constexpr sent numbers(number_run const& run) noexcept { return {kind::numbers, 0, 0, &run}; }
    static constexpr sent other() noexcept { return {kind::other, 0}; }

    constexpr kind what() const noexcept { return what_; }
    constexpr double value() const noexcept { return value_; }
    /// Of a number_at.
    constexpr double at() const noexcept { return at_; }
    /// Of numbers.
    constexpr number_run const& run() const noexcept { return *run_; }

private:
    constexpr sent(kind what, double value, double at = 0, number_run const* run = nullptr) noexcept
        : value_(value),
          what_(what),
          at_(at),
          run_(run)
    {}

    double value_ = 0;
    kind what_ = kind::nothing; // between the two, or compilers copy them as one block
    double at_ = 0;
    number_run const* run_ = nullptr;
};

/// Why the service did not take what it was sent.
enum class refusal : std::uint8_t {
    none,
    not_a_number,  ///< it was sent an object that is no finite number
    out_of_order,  ///< the number's time is before that of the newest value
    not_timed,     ///< the number has a time of its own, and the window is not one of time
    out_of_memory, ///< there was no memory to keep the value, or to dump
};

/// What the service yields: a number, several statistics, or nothing (Python's None).
struct yielded {
    constexpr yielded() noexcept = default;
    constexpr yielded(std::optional<double> value) noexcept : number(value) {}
    constexpr yielded(std::span<reading const> several) noexcept : readings(several) {}
    constexpr explicit yielded(refusal why) noexcept : refused(why) {}

    std::optional<double> number;
    /// Of a window of several statistics that is ready: all of them, in the order asked. Valid until the service is
    /// resumed.
    std::span<reading const> readings;
    refusal refused = refusal::none; ///< then there is nothing else, and the window is as it was
};

using service = nanoservice::generator<yielded, sent>;

/// The service's own steps, for a trace of them; to count values is reading too.
enum class step : std::uint8_t { waiting, providing_length, dumping, clearing, reading, rejected, exiting };

/// Told each step of a service as it takes it, by any thread that resumes one, by several at once if they resume several.
/// Must outlive the service, and must not throw.
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
/// nothing. `time` must outlive it; a value arrives, and statistics are read, at the time that it tells then. A window
/// that time has emptied by then has no newest value, so it takes any time that comes with a value.
/// - send(a number) takes it in and yields the window's statistics, or nothing if it is not ready; any other object is
///   refused, and the window stays.
/// - send(numbers) does so with each of them, and yields nothing itself.
/// - next() yields nothing.
/// - throw_ of dump_data, clear_window, read_statistics and count_values does what they say; generator_exit ends it;
///   any other exception comes out, which ends it too.
/// A send costs what sliding_window::push and its statistics do, and allocates nothing once the window is full. Without
/// an observer, observation costs nothing: the code for it is not there.
service make_service(sliding_window window, clock const& time, step_observer* observer = nullptr);

/// The same after its first next(): ready to be sent to.
service start_service(sliding_window window, clock const& time, step_observer* observer = nullptr);

} // namespace windowd::window
