// Random numbers of many kinds, each of which is hard on some way to keep statistics.
#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <random>

namespace windowd::window::test {

using engine = std::mt19937_64;

inline double uniform(engine& random, double from, double to)
{
    return std::uniform_real_distribution(from, to)(random);
}

inline double any_sign(engine& random, double value)
{
    return random() % 2 ? value : -value;
}

inline double ordinary(engine& random)
{
    return std::round(uniform(random, -1000, 1000) * 100) / 100;
}

inline double few(engine& random)
{
    return static_cast<double>(random() % 4);
}

inline double whole(engine& random)
{
    return any_sign(random, static_cast<double>(random() >> 11));
}

inline double far_from_zero(engine& random)
{
    return 1e9 + uniform(random, 0, 1);
}

inline double any_finite(engine& random)
{
    for (;;) {
        auto const value = std::bit_cast<double>(random());
        if (std::isfinite(value))
            return value;
    }
}

inline double with_spikes(engine& random)
{
    return random() % 20 == 0 ? any_sign(random, uniform(random, 1e299, 1e300)) : ordinary(random);
}

inline double cancelling(engine& random)
{
    constexpr auto magnitudes = std::array{0.1, 1e16, 1e300, 3e-310, 1.0};
    return any_sign(random, magnitudes[random() % magnitudes.size()]);
}

inline double constant_runs(engine& random)
{
    static auto value = 0.1;
    if (random() % 8 == 0)
        value = ordinary(random);
    return value;
}

inline double denormal(engine& random)
{
    return any_sign(random, std::bit_cast<double>(random() >> (9 + random() % 55)));
}

inline double near_underflow(engine& random)
{
    return any_sign(random, std::ldexp(uniform(random, 1, 2), -540 + static_cast<int>(random() % 8)));
}

inline double near_overflow(engine& random)
{
    return any_sign(random, std::ldexp(uniform(random, 1, 2), 509 + static_cast<int>(random() % 4)));
}

inline double overflowing(engine& random)
{
    return random() % 5 ? uniform(random, 0.5, 1) * std::numeric_limits<double>::max() : any_finite(random);
}

inline double zero_mostly(engine& random)
{
    return any_sign(random, random() % 4 ? 0.0 : ordinary(random));
}

inline double around_a_digit_boundary(engine& random)
{
    return any_sign(random, std::ldexp(uniform(random, 1, 2), static_cast<int>(random() % 120) - 45));
}

struct stream {
    char const* name;
    double (*make)(engine&);
};

inline constexpr auto streams =
    std::array<stream, 14>{{{"ordinary", ordinary},
                            {"few", few},
                            {"whole", whole},
                            {"far from zero", far_from_zero},
                            {"any finite", any_finite},
                            {"with spikes", with_spikes},
                            {"cancelling", cancelling},
                            {"constant runs", constant_runs},
                            {"denormal", denormal},
                            {"near underflow", near_underflow},
                            {"near overflow", near_overflow},
                            {"overflowing", overflowing},
                            {"zero mostly", zero_mostly},
                            {"around a digit boundary", around_a_digit_boundary}}};

} // namespace windowd::window::test
