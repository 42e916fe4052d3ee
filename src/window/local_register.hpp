// The register of the shared windows that live in this process.
#pragma once

#include "window/window_register.hpp"

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

namespace windowd::window {

/// Performs every operation at once: perform() never returns null, nor throws; where memory runs out, the result says
/// so.
///
/// Besides what the window's service does, an operation on a window that there is takes constant time, and allocates
/// nothing but the copy of a dump; what is kept for the yields of a batch is released if it was a large one. A new
/// window takes time for each pattern that is followed. To follow a pattern that nobody follows yet, or to be the last
/// to follow it, takes time for each window whose name begins as the pattern does.
class local_register final : public window_register {
public:
    /// What it refers to must outlive it. `defaults` is what windows are made with that are not opened but sent to,
    /// and what opening leaves out.
    local_register(register_limits const& limits, window_options defaults, event_writer& writer,
                   step_observer* observer = nullptr);
    ~local_register() override;

    result* perform(operation const& asked, asker& by) override;
    void forget(asker& by) noexcept override;
    void configure(register_limits const& limits, window_options defaults) noexcept override;
    std::vector<window_state> list(std::string_view match, std::string_view after, std::size_t limit,
                                   double now) override;
    followed follow(follower& by, std::string_view pattern) override;
    bool unfollow(follower& by, std::string_view pattern) noexcept override;
    void unfollow_all(follower& by) noexcept override;
    std::size_t count() const noexcept override;
    double close_idle(double now) noexcept override;

private:
    class state;
    std::unique_ptr<state> state_;
};

} // namespace windowd::window
