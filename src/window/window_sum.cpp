// How the sum of a window changes its form.
#include "window/window_sum.hpp"

#include <cassert>
#include <utility>

namespace windowd::window {

window_sum::window_sum(std::size_t max_count) : is_small_(max_count <= max_narrow)
{
    if (!is_small_)
        wide_ = std::make_unique<exact_sum>();
}

void window_sum::widen(value_queue const& present)
{
    auto wide = std::make_unique<exact_sum>();
    for (std::size_t i = 0; i < present.size(); ++i)
        wide->add(present[i]);
    wide_ = std::move(wide);
}

/// So that a value at that position, which fits, is at base_ or the next one. What is shifted out is 0.
void window_sum::move_base(unsigned position) noexcept
{
    if (is_zero()) {
        base_ = position;
    } else if (position < base_) {
        assert(position + 1 == base_ && uses_[1] == 0);
        total_ <<= 32;
        uses_ = {0, uses_[0]};
        base_ = position;
    } else {
        assert(position == base_ + 2 && uses_[0] == 0);
        total_ >>= 32;
        uses_ = {uses_[1], 0};
        ++base_;
    }
}

void window_sum::clear() noexcept
{
    total_ = 0;
    uses_ = {};
    if (is_small_)
        wide_.reset();
    else
        wide_->clear();
}

} // namespace windowd::window
