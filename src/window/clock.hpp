// The time that windows go by.
#pragma once

#include <algorithm>

namespace windowd::window {

/// Seconds since 1970, as whoever has a real clock last told. It never goes back, however the real one jumps.
/// To read it costs a load; tests move it as they like.
class clock {
public:
    double now() const noexcept { return now_; }
    void advance_to(double now) noexcept { now_ = std::max(now_, now); }

private:
    double now_ = 0;
};

} // namespace windowd::window
