// The parts of a window's contents: made as asked for, and kept in step with its values.
#include "window/contents.hpp"

#include <utility>

namespace windowd::window {
namespace {

constexpr auto any_powers = part::second_powers | part_set(part::third_powers) | part::fourth_powers;

moments::power highest_power(part_set kept)
{
    if (kept.contains(part::fourth_powers))
        return moments::power::fourth;
    return kept.contains(part::third_powers) ? moments::power::third : moments::power::second;
}

} // namespace

contents::contents(part_set kept, bool timed, std::size_t max_count)
    : kept_(kept),
      timed_(timed),
      has_others_(timed || !(kept - part::sum).empty()),
      max_count_(max_count)
{
    if (kept.contains(part::sum))
        sum_.emplace(max_count);
    if (timed)
        times_ = std::make_unique<value_queue>();
    if (kept - any_powers != kept)
        powers_ = std::make_unique<moments>(highest_power(kept));
    if (kept.contains(part::line))
        line_ = std::make_unique<regression>();
    if (kept.contains(part::order))
        order_ = std::make_unique<sorted_values>();
    if (kept.contains(part::minimum))
        minimum_ = std::make_unique<window_minimum>();
    if (kept.contains(part::maximum))
        maximum_ = std::make_unique<window_maximum>();
}

void contents::prepare_others()
{
    if (timed_)
        times_->prepare_push();
    if (order_)
        order_->prepare_insert();
    if (minimum_)
        minimum_->prepare_push();
    if (maximum_)
        maximum_->prepare_push();
}

/// After prepare_push(), so none of it can throw.
void contents::push_others(double value, double time) noexcept
{
    if (timed_)
        times_->push_prepared(time);
    if (powers_)
        powers_->push(value);
    if (line_)
        line_->push(timed_ ? time : static_cast<double>(popped_ + count() - 1), value);
    if (order_)
        order_->insert(value);
    if (minimum_)
        minimum_->push(value);
    if (maximum_)
        maximum_->push(value);
}

void contents::pop_others(double value) noexcept
{
    auto const time = timed_ ? times_->pop_front() : static_cast<double>(popped_++);
    if (powers_)
        powers_->pop(value);
    if (line_)
        line_->pop(time, value);
    if (order_)
        order_->erase(value);
    if (minimum_)
        minimum_->pop();
    if (maximum_)
        maximum_->pop();
}

contents contents::newest(std::size_t count) const
{
    auto fresh = contents(kept_, timed_, max_count_);
    for (auto i = this->count() - count; i < this->count(); ++i)
        fresh.push(values_[i], (*times_)[i]);
    return fresh;
}

void contents::clear() noexcept
{
    values_.clear();
    if (timed_)
        times_->clear();
    popped_ = 0;
    if (sum_)
        sum_->clear();
    if (powers_)
        powers_->clear();
    if (line_)
        line_->clear();
    if (order_)
        order_->clear();
    if (minimum_)
        minimum_->clear();
    if (maximum_)
        maximum_->clear();
}

} // namespace windowd::window
