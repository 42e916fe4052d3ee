// How long tests wait for what has to happen. A test that passes never waits that long.
#pragma once

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <stdexcept>
#include <string>

#include <poll.h>

namespace windowd::test {

using wait_clock = std::chrono::steady_clock;

/// Enough for a sanitized build on a busy machine.
inline constexpr auto patience = std::chrono::seconds(20);

/// Something that had to happen did not, or the system refused what a test needs.
struct test_failure : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// A point in time by which something has to have happened.
class deadline {
public:
    explicit deadline(wait_clock::duration from_now = patience) : at_(wait_clock::now() + from_now) {}

    bool passed() const { return wait_clock::now() >= at_; }
    /// For poll(2): at least 0.
    int milliseconds_left() const
    {
        auto const left = std::chrono::ceil<std::chrono::milliseconds>(at_ - wait_clock::now());
        return left.count() > 0 ? static_cast<int>(left.count()) : 0;
    }

private:
    wait_clock::time_point at_;
};

/// Waits for events on a descriptor; returns what came, 0 when the deadline has passed.
inline short wait_for(int descriptor, short events, deadline const& until)
{
    pollfd one{descriptor, events, 0};
    auto const ready = poll(&one, 1, until.milliseconds_left());
    return ready > 0 ? one.revents : short{0};
}

/// Asks until the answer is yes. For questions that wait by themselves, such as a request to a server.
template <class Predicate>
bool eventually(Predicate&& holds)
{
    for (deadline const until; !until.passed();)
        if (holds())
            return true;
    return false;
}

} // namespace windowd::test
