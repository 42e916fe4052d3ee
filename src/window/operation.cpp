// The terms of windows.
#include "window/operation.hpp"

#include <algorithm>

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

} // namespace windowd::window
