// What the tests of the register share: a register that is driven as conversations do it, in virtual time, and says
// in short texts what came of each operation and what its followers were told.
#pragma once

#include "window/local_register.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace windowd::test {

/// "null", "6", "{mean:6 max:9}" or "!not_a_number"
std::string text_of(window::yielded const& answer);
/// "cpu size=3 stats=mean min_count=1 count=2 n=5", with "span=30" after the size of a window of time.
std::string text_of(window::window_state const& window);
/// "yield cpu n=1 value=5 yields 5"
std::string text_of(window::event const& happened);
std::string text_of(window::failure why);

std::vector<window::statistic_ptr> stats(std::vector<std::string_view> const& names);
std::vector<window::sent> numbers(std::vector<double> const& values);

/// Counts what it writes.
class test_writer final : public window::event_writer {
public:
    window::event_text write(window::event const& happened) override;

    std::size_t written = 0;
};

/// Keeps what it is told.
class test_follower final : public window::follower {
public:
    void deliver(window::event_text const& happened) noexcept override { told_.push_back(happened); }

    std::vector<window::event_text> const& texts() const noexcept { return told_; }
    /// What it was told since the last call; "lost" where there was no memory.
    std::vector<std::string> told();

private:
    std::vector<window::event_text> told_;
};

/// Waits for nothing: the local register has its results at once.
class test_asker final : public window::asker {
    void finished(window::result&) noexcept override {}
};

/// A register whose operations are functions. Of what came they give the failure, or "created" where that is so, the
/// window of an open, yields and dumps in brackets.
class test_register {
public:
    explicit test_register(window::register_limits const& limits = {}, window::window_options defaults = {},
                           window::step_observer* observer = nullptr);

    std::string open(std::string_view name, window::window_terms terms = {},
                     std::vector<double> const& data = {});
    std::string send_objects(std::string_view name, std::vector<window::sent> const& values,
                             std::uint64_t id = 0);
    std::string send(std::string_view name, std::vector<double> const& values, std::uint64_t id = 0);
    std::string next(std::string_view name, std::uint64_t id = 0);
    std::string read(std::string_view name, std::uint64_t id = 0);
    std::string clear(std::string_view name, std::uint64_t id = 0);
    std::string dump(std::string_view name, std::uint64_t id = 0);
    std::string close(std::string_view name, std::uint64_t id = 0);
    /// The names, and "..." if there are more than the limit.
    std::string list(std::string_view match = "*", std::string_view after = "", std::size_t limit = 100);

    /// Of a window that is there.
    window::window_state state_of(std::string_view name);
    /// All that can be seen of it from outside, but ids and followers.
    std::string everything();

    window::result& perform(std::string_view name, std::uint64_t id, window::operation what);
    window::window_register& get() noexcept { return register_; }

    double now = 1'000'000; ///< given with all operations
    test_writer writer;

private:
    test_asker asker_;
    window::window_store store_;
    window::local_register register_;
};

} // namespace windowd::test
