// The results of the moments: whole numbers until the last step.
#include "window/moments.hpp"

#include <cassert>
#include <cmath>

namespace windowd::window {

namespace {

__extension__ using uint128 = unsigned __int128;

std::array<std::uint64_t, 2> times(std::uint64_t a, std::uint64_t b) noexcept
{
    auto const product = uint128{a} * b;
    return {static_cast<std::uint64_t>(product), static_cast<std::uint64_t>(product >> 64)};
}

// The third and the fourth power of a mantissa, from its square.
std::array<std::uint64_t, 3> third_power(std::uint64_t mantissa,
                                         std::array<std::uint64_t, 2> const& squared) noexcept
{
    auto const lower = uint128{squared[0]} * mantissa;
    auto const upper = uint128{squared[1]} * mantissa + (lower >> 64);
    return {static_cast<std::uint64_t>(lower), static_cast<std::uint64_t>(upper),
            static_cast<std::uint64_t>(upper >> 64)};
}

std::array<std::uint64_t, 4> fourth_power(std::array<std::uint64_t, 2> const& squared) noexcept
{
    // The upper word is less than 2^42, so that the middle, doubled, has room.
    auto const lower = uint128{squared[0]} * squared[0];
    auto const middle = 2 * (uint128{squared[0]} * squared[1]) + (lower >> 64);
    auto const upper = uint128{squared[1]} * squared[1] + (middle >> 64);
    return {static_cast<std::uint64_t>(lower), static_cast<std::uint64_t>(middle),
            static_cast<std::uint64_t>(upper), static_cast<std::uint64_t>(upper >> 64)};
}

std::optional<double> if_finite(double result) noexcept
{
    return std::isfinite(result) ? std::optional(result) : std::nullopt;
}

template <class Sum>
bool same(std::unique_ptr<Sum> const& a, std::unique_ptr<Sum> const& b) noexcept
{
    return a == nullptr || b == nullptr ? a == b : *a == *b;
}

} // namespace

moments::moments(power highest)
    : third_(highest >= power::third ? std::make_unique<exact_product_sum<3>>() : nullptr),
      fourth_(highest >= power::fourth ? std::make_unique<exact_product_sum<4>>() : nullptr)
{}

void moments::push(double value) noexcept
{
    auto const number = double_parts(value);
    range_.add(number);
    ++count_;
    change(number, 0);
}

void moments::pop(double value) noexcept
{
    assert(count_ > 0);
    auto const number = double_parts(value);
    range_.remove(number);
    --count_;
    change(number, -1);
}

void moments::change(double_parts const& number, std::int64_t direction) noexcept
{
    auto const [mantissa, exponent, sign] = number;
    auto const squared = times(mantissa, mantissa);
    first_.add({mantissa}, exponent, sign ^ direction);
    second_.add(squared, 2 * exponent, direction);
    if (third_)
        third_->add(third_power(mantissa, squared), 3 * exponent, sign ^ direction);
    if (fourth_)
        fourth_->add(fourth_power(squared), 4 * exponent, direction);
}

void moments::clear() noexcept
{
    first_ = {};
    second_ = {};
    if (third_)
        *third_ = {};
    if (fourth_)
        *fourth_ = {};
    range_ = {};
    count_ = 0;
}

bool moments::operator==(moments const& other) const noexcept
{
    return count_ == other.count_ && range_ == other.range_ && first_ == other.first_ &&
           second_ == other.second_ && same(third_, other.third_) && same(fourth_, other.fourth_);
}

int moments::unit() const noexcept
{
    return static_cast<int>(32 * range_.lowest()) - double_parts::exponent_bias;
}

exact_integer moments::first() const noexcept
{
    return first_.value(range_.lowest(), range_.highest());
}

exact_integer moments::second_central(exact_integer const& first_squared) const noexcept
{
    auto result = second_.value(2 * range_.lowest(), 2 * range_.highest(), count_);
    result -= first_squared;
    return result;
}

std::optional<double> moments::variance_over(std::uint64_t divisor) const noexcept
{
    auto result = quotient(second_central(), divisor);
    result.exponent += 2 * unit();
    return if_finite(nearest_double(result, false));
}

std::optional<double> moments::deviation_over(std::uint64_t divisor) const noexcept
{
    auto result = root_of_quotient(second_central(), divisor);
    result.exponent += unit();
    return if_finite(nearest_double(result, false));
}

std::optional<double> moments::variance() const noexcept
{
    return count_ < 2 ? std::nullopt : variance_over(n() * (n() - 1));
}

std::optional<double> moments::population_variance() const noexcept
{
    return count_ < 1 ? std::nullopt : variance_over(n() * n());
}

std::optional<double> moments::standard_deviation() const noexcept
{
    return count_ < 2 ? std::nullopt : deviation_over(n() * (n() - 1));
}

std::optional<double> moments::population_standard_deviation() const noexcept
{
    return count_ < 1 ? std::nullopt : deviation_over(n() * n());
}

std::optional<double> moments::skewness() const noexcept
{
    assert(third_);
    if (count_ < 3)
        return std::nullopt;
    auto const sum = first();
    auto factor = square(sum);
    auto c2 = second_central(factor);
    if (c2.is_zero())
        return std::nullopt;
    auto c3 = third_->value(3 * range_.lowest(), 3 * range_.highest(), count_);
    c3 *= n();
    for (auto i = 0; i < 3; ++i)
        factor += c2;
    c3 -= sum * factor;

    auto const deviation = root(quotient(exact_integer(n() * (n() - 1)), c2));
    c2 *= n() - 2;
    return nearest_double(product(quotient(c3, c2), deviation), c3.is_negative());
}

std::optional<double> moments::kurtosis() const noexcept
{
    assert(fourth_);
    if (count_ < 4)
        return std::nullopt;
    auto sum = first();
    auto const c2 = second_central(square(sum));
    if (c2.is_zero())
        return std::nullopt;
    auto u = fourth_->value(4 * range_.lowest(), 4 * range_.highest(), count_);
    sum *= 4;
    u -= sum * third_->value(3 * range_.lowest(), 3 * range_.highest());
    auto squared = square(second_.value(2 * range_.lowest(), 2 * range_.highest()));
    squared *= 3;
    u += squared;

    // The six stays in the divisor, so that nothing need be copied; (n - 2) (n - 3) is even.
    auto divisor = square(c2);
    divisor *= 6;
    u *= n() * (n() + 1);
    u -= divisor;
    u *= 3 * (n() * (n() - 1));
    divisor *= (n() - 2) * (n() - 3) / 2;
    return nearest_double(quotient(u, divisor), u.is_negative());
}

std::optional<double> moments::z_score(double value) const noexcept
{
    if (count_ < 2)
        return std::nullopt;
    auto const sum = first();
    auto c2 = second_central(square(sum));
    if (c2.is_zero())
        return std::nullopt;
    auto const [mantissa, exponent, sign] = double_parts(value);
    auto distance = exact_integer();
    if (mantissa != 0) {
        assert(exponent >= 32 * range_.lowest());
        distance = exact_integer(mantissa);
        distance <<= exponent - 32 * range_.lowest();
        distance *= n();
        if (sign != 0)
            distance.negate();
    }
    distance -= sum;
    c2 *= n();
    auto const deviation = root(quotient(exact_integer(n() - 1), c2));
    return nearest_double(product(leading(distance), deviation), distance.is_negative());
}

void regression::push(double t, double x) noexcept
{
    auto const t_parts = double_parts(t);
    auto const x_parts = double_parts(x);
    t_range_.add(t_parts);
    x_range_.add(x_parts);
    ++count_;
    change(t_parts, x_parts, 0);
}

void regression::pop(double t, double x) noexcept
{
    assert(count_ > 0);
    auto const t_parts = double_parts(t);
    auto const x_parts = double_parts(x);
    t_range_.remove(t_parts);
    x_range_.remove(x_parts);
    --count_;
    change(t_parts, x_parts, -1);
}

void regression::change(double_parts const& t, double_parts const& x, std::int64_t direction) noexcept
{
    t_.add({t.mantissa}, t.exponent, t.sign ^ direction);
    x_.add({x.mantissa}, x.exponent, x.sign ^ direction);
    tt_.add(times(t.mantissa, t.mantissa), 2 * t.exponent, direction);
    tx_.add(times(t.mantissa, x.mantissa), t.exponent + x.exponent, t.sign ^ x.sign ^ direction);
}

std::optional<double> regression::slope() const noexcept
{
    if (count_ < 2)
        return std::nullopt;
    auto const t_low = t_range_.lowest();
    auto const t_high = t_range_.highest();
    auto const x_low = x_range_.lowest();
    auto const x_high = x_range_.highest();
    auto const t_sum = t_.value(t_low, t_high);
    auto below = tt_.value(2 * t_low, 2 * t_high, count_);
    below -= square(t_sum);
    if (below.is_zero())
        return std::nullopt;
    auto above = tx_.value(t_low + x_low, t_high + x_high, count_);
    above -= t_sum * x_.value(x_low, x_high);
    auto result = quotient(above, below);
    result.exponent += 32 * (static_cast<int>(x_low) - static_cast<int>(t_low));
    return if_finite(nearest_double(result, above.is_negative()));
}

} // namespace windowd::window
