// The statistics, a small class each, and the one table of them.
#include "window/statistic.hpp"

#include "window/contents.hpp"
#include "window/percentile.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <string>
#include <utility>

namespace windowd::window {
namespace {

/// A text as a template argument.
template <std::size_t Size>
struct literal {
    constexpr literal(char const (&from)[Size]) { std::copy_n(from, Size - 1, text.begin()); }
    std::array<char, Size - 1> text{};
};

/// What all statistics but percentiles have in common: a name, and the parts that they need.
template <literal Name, part... Needed>
class named : public statistic {
public:
    static constexpr auto its_name = std::string_view(Name.text.data(), Name.text.size());

    std::string_view name() const noexcept final { return its_name; }
    part_set needs() const noexcept final { return (part_set() | ... | part_set(Needed)); }
};

double or_nan(std::optional<double> result) noexcept
{
    return result.value_or(std::numeric_limits<double>::quiet_NaN());
}

// Each says what it means, of n values x; what it costs for a value in, one out and a reading; how it is computed;
// and where that is from. Constant time is that of a few words for everyday data, and more, but bounded, for values
// of very different size: see the headers of the parts, which have all details.

/// n. Constant time.
class count final : public named<"count"> {
    double compute(contents const& window) const noexcept override
    {
        return static_cast<double>(window.count());
    }
};

/// The sum, correctly rounded; not where that is beyond the range of a double. Constant time. Exact until it is read:
/// Neal, "Fast exact summation using small and large superaccumulators" (2015), in exact_sum.hpp.
class sum final : public named<"sum", part::sum> {
    double compute(contents const& window) const noexcept override { return window.sum().value(); }
};

/// The correctly rounded sum divided by n, as Python's math.fsum(x) / len(x); where the sum is beyond the range, the
/// exact quotient, correctly rounded. Constant time. Neal (2015), as `sum`.
class mean final : public named<"mean", part::sum> {
    double compute(contents const& window) const noexcept override
    {
        return window.sum().mean(window.count());
    }
};

/// The least value. O(log n) at worst, constant on average; read in constant time. A monotone queue: Lemire,
/// "Streaming maximum-minimum filter using no more than three comparisons per element" (2006), in extremes.hpp.
class min final : public named<"min", part::minimum> {
    double compute(contents const& window) const noexcept override { return window.minimum().value(); }
};

/// The greatest value; as `min`.
class max final : public named<"max", part::maximum> {
    double compute(contents const& window) const noexcept override { return window.maximum().value(); }
};

/// max - min, correctly rounded; not where that is beyond the range of a double. As `min` and `max`.
class range final : public named<"range", part::minimum, part::maximum> {
    double compute(contents const& window) const noexcept override
    {
        return window.maximum().value() - window.minimum().value();
    }
};

/// The oldest value. Constant time.
class first final : public named<"first"> {
    double compute(contents const& window) const noexcept override { return window.first(); }
};

/// The newest value. Constant time.
class last final : public named<"last"> {
    double compute(contents const& window) const noexcept override { return window.last(); }
};

/// The variance: the sum of (x - mean)^2 over n - 1. Not for fewer than 2 values. Constant time. The power sums are
/// exact (Neal 2015), and the formula (Pebay, "Formulas for robust, one-pass parallel computation of covariances and
/// arbitrary-order statistical moments", 2008) is evaluated in whole numbers and rounded once: moments.hpp.
class var final : public named<"var", part::second_powers> {
    double compute(contents const& window) const noexcept override
    {
        return or_nan(window.powers().variance());
    }
};

/// The standard deviation: the root of the exact `var`, rounded once. As that.
class std_ final : public named<"std", part::second_powers> {
    double compute(contents const& window) const noexcept override
    {
        return or_nan(window.powers().standard_deviation());
    }
};

/// The variance of a whole population: over n. 0 for one value. As `var`.
class pvar final : public named<"pvar", part::second_powers> {
    double compute(contents const& window) const noexcept override
    {
        return or_nan(window.powers().population_variance());
    }
};

/// The standard deviation of a whole population: the root of the exact `pvar`. 0 for one value. As `var`.
class pstd final : public named<"pstd", part::second_powers> {
    double compute(contents const& window) const noexcept override
    {
        return or_nan(window.powers().population_standard_deviation());
    }
};

/// The value in the middle, or halfway between the two there, correctly rounded. O(log n). A B+ tree with counts:
/// Bayer and McCreight, "Organization and maintenance of large ordered indices" (1972), split and merged on the way
/// down after Guibas and Sedgewick, "A dichromatic framework for balanced trees" (1978), in sorted_values.hpp.
class median final : public named<"median", part::order> {
    double compute(contents const& window) const noexcept override
    {
        return percentile::median().of(window.order());
    }
};

/// The percentile that its name says, with up to seven decimals ("p95", "p99.9"), by linear interpolation between
/// neighbours: type 7 of Hyndman and Fan, "Sample quantiles in statistical packages" (1996), as in NumPy and pandas.
/// The position is exact, and the result correctly rounded: percentile.hpp. O(log n), as `median`.
class pnn final : public statistic {
public:
    pnn(std::string_view name, percentile which) : name_(name), which_(which) {}

    std::string_view name() const noexcept override { return name_; }
    part_set needs() const noexcept override { return part::order; }
    double compute(contents const& window) const noexcept override { return which_.of(window.order()); }

private:
    std::string name_;
    percentile which_;
};

/// The skewness, bias-corrected: G1 of Joanes and Gill, "Comparing measures of sample skewness and kurtosis" (1998),
/// as in pandas. Not for fewer than 3 values, nor for equal ones. Constant time. As `var`; within 0.51 units in the
/// last place.
class skew final : public named<"skew", part::third_powers> {
    double compute(contents const& window) const noexcept override
    {
        return or_nan(window.powers().skewness());
    }
};

/// The excess kurtosis, bias-corrected: G2 of Joanes and Gill (1998), as in pandas. Not for fewer than 4 values, nor
/// for equal ones. Constant time. As `var`.
class kurt final : public named<"kurt", part::fourth_powers> {
    double compute(contents const& window) const noexcept override
    {
        return or_nan(window.powers().kurtosis());
    }
};

/// The slope of the line that fits the values best (least squares): per value, or per second in a window of time. Not
/// for fewer than 2 values, nor for equal times, nor where it is beyond the range of a double. Constant time. As
/// `var`.
class slope final : public named<"slope", part::line> {
    double compute(contents const& window) const noexcept override { return or_nan(window.line().slope()); }
};

/// How many standard deviations the newest value is above the mean: (last - mean) / std. Not where `std` is 0 or
/// undefined. Constant time. As `var`; within 0.51 units in the last place.
class zscore final : public named<"zscore", part::second_powers> {
    double compute(contents const& window) const noexcept override
    {
        return or_nan(window.powers().z_score(window.last()));
    }
};

/// Null if its name is another. It exists once and is not counted, so that copies cost nothing.
template <class Named>
statistic_ptr find_named(std::string_view name)
{
    static Named const only;
    return name == Named::its_name ? statistic_ptr(statistic_ptr(), &only) : nullptr;
}

statistic_ptr find_percentile(std::string_view name)
{
    if (!name.starts_with('p'))
        return nullptr;
    auto const which = percentile::parse(name.substr(1));
    return which ? std::make_shared<pnn>(name, *which) : nullptr;
}

struct row {
    std::string_view name; // as it is listed
    statistic_ptr (*find)(std::string_view name);
};

template <class Named>
constexpr row row_of = {Named::its_name, &find_named<Named>};

constexpr auto table = std::array{
    row_of<count>,  row_of<sum>,
    row_of<mean>,   row_of<min>,
    row_of<max>,    row_of<range>,
    row_of<first>,  row_of<last>,
    row_of<var>,    row_of<std_>,
    row_of<pvar>,   row_of<pstd>,
    row_of<median>, row{"pNN", &find_percentile},
    row_of<skew>,   row_of<kurt>,
    row_of<slope>,  row_of<zscore>,
};

} // namespace

statistic_ptr find_statistic(std::string_view name)
{
    for (auto const& [listed, find] : table) {
        if (auto found = find(name))
            return found;
    }
    return nullptr;
}

std::vector<std::string_view> statistic_names()
{
    std::vector<std::string_view> names(table.size());
    std::transform(table.begin(), table.end(), names.begin(), [](row const& each) { return each.name; });
    return names;
}

} // namespace windowd::window
