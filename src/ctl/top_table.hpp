// The table that windowctl top draws: what is known of each window, and how it is laid out. Knows no sockets, no
// terminal and no clock.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace windowd::ctl {

class top_table {
public:
    using time_point = std::chrono::steady_clock::time_point;

    /// The list of all windows as the daemon tells it, a JSON object each. A window's rate is that since the list before.
    void take_list(std::vector<std::string> const& windows, time_point now);
    /// An event of a followed window.
    void take_event(std::string_view json);
    /// What a window would yield now: the reply to `read`.
    void take_reading(std::string const& name, std::string_view reply);

    /// The windows, of the first so many, of which no statistics are known though they have values.
    std::vector<std::string> unread(std::size_t most) const;

    std::size_t size() const noexcept { return rows_.size(); }
    std::uint64_t lost() const noexcept { return lost_; }

    struct layout {
        std::size_t width;  ///< of a line, in characters
        std::size_t height; ///< lines at most, the heading and a line for those that do not fit included
        bool has_unicode;
    };
    /// The lines, each ended by LF.
    std::string text(layout const& fit) const;

private:
    struct row {
        std::uint64_t n = 0;
        std::uint64_t count = 0;
        std::optional<double> rate; // changes per second
        std::string value;          // the newest, as the daemon writes it
        std::string statistics;     // as it has yielded them last
        std::deque<double> history; // of the first statistic
        bool is_listed = false;
    };
    static void note_yield(row& of, std::string_view yield);
    std::vector<std::string> cells(std::string const& name, row const& of, layout const& fit) const;

    std::map<std::string, row> rows_;
    std::optional<time_point> last_list_;
    std::uint64_t lost_ = 0;
};

} // namespace windowd::ctl
