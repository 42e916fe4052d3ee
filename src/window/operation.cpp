// The terms of windows, and the account of copies that are under way.
#include "window/operation.hpp"

#include <algorithm>
#include <utility>

namespace windowd::window {

window_options complete(window_terms const& terms, window_options const& defaults, std::size_t max_size)
{
    auto options = defaults;
    if (terms.size) {
        options.size = *terms.size;
        options.min_count = std::min(options.min_count, options.size);
    } else if (terms.span) {
        options.size = max_size;
    }
    if (terms.span)
        options.span = *terms.span;
    if (terms.stats)
        options.stats = *terms.stats;
    if (terms.min_count)
        options.min_count = *terms.min_count;
    return options;
}

bool contradicts(window_terms const& terms, window_options const& options)
{
    return (terms.size && *terms.size != options.size) ||
           (terms.min_count && *terms.min_count != options.min_count) ||
           (terms.span && *terms.span != options.span) ||
           (terms.stats &&
            !std::ranges::equal(*terms.stats, options.stats, {}, &statistic::name, &statistic::name));
}

dumped_values::dumped_values(std::vector<double> values, std::size_t& total) noexcept
    : values_(std::move(values)),
      total_(&total)
{
    total += values_.size();
}

dumped_values::dumped_values(dumped_values&& other) noexcept
    : values_(std::move(other.values_)),
      total_(std::exchange(other.total_, nullptr))
{}

dumped_values& dumped_values::operator=(dumped_values&& other) noexcept
{
    auto moved = dumped_values(std::move(other));
    values_.swap(moved.values_);
    std::swap(total_, moved.total_);
    return *this;
}

dumped_values::~dumped_values()
{
    if (total_ != nullptr)
        *total_ -= values_.size();
}

} // namespace windowd::window
