// windowctl top: a table that follows the windows; on a terminal it stays in its place.
#include "ctl/commands.hpp"
#include "ctl/json_text.hpp"
#include "ctl/readiness.hpp"
#include "ctl/request.hpp"
#include "ctl/terminal.hpp"
#include "ctl/text.hpp"
#include "ctl/top_table.hpp"

#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdint>
#include <limits>
#include <optional>

#include <unistd.h>

namespace windowd::ctl {
namespace {

using clock = connection::clock;

// A pipe has no end of lines; of so many windows at most the statistics are asked for at once.
constexpr std::size_t most_readings = 100;
constexpr std::size_t pipe_width = 200;

/// Another screen for as long as it lives, so that what was there comes back.
class other_screen {
public:
    explicit other_screen(output& out) : out_(out) { out_ << "\x1b[?1049h\x1b[?25l"; }
    other_screen(other_screen const&) = delete;
    other_screen& operator=(other_screen const&) = delete;
    ~other_screen()
    {
        try {
            out_ << "\x1b[?25h\x1b[?1049l";
            out_.flush();
        } catch (failure const&) { // the terminal has gone
            return;
        }
    }

private:
    output& out_;
};

/// Thrown from where keys and signals come in, so that a daemon that does not answer keeps nobody waiting.
struct ended_by_user {};

class top {
public:
    explicit top(workplace const& here)
        : here_(here),
          timer_(here.context),
          signals_(here.context),
          is_live_(here.out.is_terminal() && !here.set.is_json),
          has_unicode_(has_unicode())
    {}

    exit_status run()
    {
        here_.daemon.on_event([this](std::string_view event) { table_.take_event(event); });
        here_.daemon.request(request("subscribe").text("window", here_.set.pattern).line());
        refresh();
        return is_live_ ? run_live() : run_quietly();
    }

private:
    exit_status run_live()
    {
        raw_keys const keys(STDIN_FILENO);
        other_screen const screen(here_.out);
        std::optional<readiness> input;
        if (keys.are_there())
            wait_for_keys(input.emplace(here_.context, STDIN_FILENO));
        for (auto const number : {SIGINT, SIGTERM, SIGHUP, SIGWINCH})
            signals_.add(number);
        wait_for_signals();
        try {
            draw();
            for (std::uint64_t i = 1; i != here_.set.count; ++i) {
                wait();
                refresh();
                draw();
            }
        } catch (ended_by_user const&) {
            return exit_status::success;
        }
        return exit_status::success;
    }

    /// A table for each interval. The first one comes behind the first interval, for before it there is no rate.
    exit_status run_quietly()
    {
        for (std::uint64_t i = 0; i < here_.set.count.value_or(1); ++i) {
            wait();
            refresh();
            read_all_statistics();
            if (here_.set.is_json)
                print_list();
            else
                here_.out << (i == 0 ? "" : "\n")
                          << table_.text({pipe_width, std::numeric_limits<std::size_t>::max(), has_unicode_});
            here_.out.flush();
        }
        return exit_status::success;
    }

    void print_list()
    {
        for (auto const& window : list_)
            print_json(here_.out, window);
    }

    void refresh()
    {
        list_ = list_windows(here_.daemon, here_.set.pattern);
        table_.take_list(list_, clock::now());
        read_statistics();
    }

    /// Of the next windows of which none have been seen yet; whether there were any.
    bool read_statistics()
    {
        auto const names = table_.unread(most_readings);
        for (auto const& name : names)
            here_.daemon.send(request("read").text("window", name).line());
        for (auto const& name : names)
            table_.take_reading(name, here_.daemon.reply());
        return !names.empty();
    }

    /// A window that yields nothing stays unread: each is asked for once.
    void read_all_statistics()
    {
        for (std::size_t read = 0; read < table_.size() && read_statistics(); read += most_readings)
            continue;
    }

    void draw()
    {
        auto const size = size_of_terminal(STDOUT_FILENO);
        auto title = "windowctl top " + here_.daemon.address() + ": " + std::to_string(table_.size()) +
                     (table_.size() == 1 ? " window" : " windows") + "; q ends";
        if (table_.lost() != 0)
            title += "; " + std::to_string(table_.lost()) + " events lost";
        auto const lines =
            fitted(title, size.columns) + "\n" +
            table_.text({size.columns, size.lines - std::min<std::size_t>(size.lines, 2), has_unicode_});
        // Each line clears what is left of the line that was there: the picture does not flicker.
        std::string picture = "\x1b[H";
        for (auto const c : lines)
            picture += c == '\n' ? "\x1b[K\n" : std::string(1, c);
        here_.out << picture << "\x1b[J";
        here_.out.flush();
    }

    /// Until the interval is over.
    void wait()
    {
        bool is_over = false;
        timer_.expires_after(here_.set.interval);
        timer_.async_wait([&is_over](boost::system::error_code const&) { is_over = true; });
        while (!is_over) {
            here_.daemon.take_events();
            if (has_new_size_)
                draw();
            has_new_size_ = false;
            here_.daemon.run_one();
        }
    }

    void wait_for_keys(readiness& input)
    {
        input.async_wait([this, &input] {
            std::array<char, 64> keys{};
            auto const size = ::read(STDIN_FILENO, keys.data(), keys.size());
            auto const come =
                std::string_view(keys.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
            if (come.empty() || come.find('q') != std::string_view::npos) // empty: the terminal has gone
                throw ended_by_user();
            wait_for_keys(input);
        });
    }

    void wait_for_signals()
    {
        signals_.async_wait([this](boost::system::error_code const& error, int number) {
            if (error)
                return;
            if (number != SIGWINCH)
                throw ended_by_user();
            has_new_size_ = true;
            wait_for_signals();
        });
    }

    workplace const& here_;
    boost::asio::steady_timer timer_;
    boost::asio::signal_set signals_;
    top_table table_;
    std::vector<std::string> list_;
    bool is_live_;
    bool has_unicode_;
    bool has_new_size_ = false;
};

} // namespace

exit_status show_top(workplace const& here)
{
    return top(here).run();
}

} // namespace windowd::ctl
