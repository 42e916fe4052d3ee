// The register of the shared windows that live in this process, as one thread has it.
#pragma once

#include "window/window_register.hpp"
#include "window/window_store.hpp"

#include <cstddef>
#include <string_view>
#include <vector>

namespace windowd::window {

/// Performs every operation at once: perform() never returns null, nor throws; where memory runs out, the result says
/// so. Each thread has one, and all have the windows of one store; what they are told stays as it is whatever other
/// threads do.
class local_register final : public window_register {
public:
    /// The store must outlive it, and the observer the store: it may be told the steps of windows made here by any
    /// thread.
    explicit local_register(window_store& store, step_observer* observer = nullptr)
        : store_(store),
          observer_(observer)
    {}

    result* perform(operation const& asked, asker& by) override;
    void forget(asker& by) noexcept override;
    /// For the whole store; harmless if each thread does it.
    void configure(register_limits const& limits, window_options defaults) noexcept override;
    std::vector<window_state> list(std::string_view match, std::string_view after, std::size_t limit,
                                   double now) override;
    followed follow(follower& by, std::string_view pattern) override;
    bool unfollow(follower& by, std::string_view pattern) noexcept override;
    void unfollow_all(follower& by) noexcept override;
    std::size_t count() const noexcept override;
    double close_idle(double now) noexcept override;

private:
    window_store& store_;
    step_observer* observer_;
    answer answer_;
    listing listing_;
};

} // namespace windowd::window
