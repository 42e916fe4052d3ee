// windowctl send: values out and yields in, as fast as both sides go, in bounded memory.
#include "ctl/commands.hpp"
#include "ctl/json_text.hpp"
#include "ctl/line_reader.hpp"
#include "ctl/readiness.hpp"
#include "ctl/request.hpp"
#include "ctl/text.hpp"

#include <cerrno>
#include <cstdint>
#include <deque>
#include <iostream>
#include <optional>
#include <system_error>
#include <vector>

#include <unistd.h>

namespace windowd::ctl {
namespace {

using clock = connection::clock;

// So much is sent ahead of what has been read: enough to keep both sides busy.
constexpr std::size_t max_unsent = 262144;
constexpr std::size_t max_unanswered = 65536;
constexpr std::size_t piece_size = 65536;

/// A number or null.
bool is_bare(std::string_view text) noexcept
{
    return text == "null" || text.find_first_not_of("0123456789.+-e") == std::string_view::npos;
}

class sender {
public:
    explicit sender(workplace const& here)
        : here_(here),
          piece_(piece_size),
          is_shared_(!here.set.window.empty())
    {
        if (is_shared_)
            before_ = request("send").text("window", here.set.window).before("value");
        if (here.set.values.front() == "-")
            input_.emplace(here.context, STDIN_FILENO);
    }

    exit_status run()
    {
        if (!here_.set.terms.is_empty())
            here_.daemon.request(open_request(here_.set.window, here_.set.terms));
        if (!input_)
            send_arguments();
        for (;;) {
            take_replies();
            send_lines();
            if (has_ended_ && unanswered_.empty())
                return has_failed_ ? exit_status::refused : exit_status::success;
            if (unanswered_.empty())
                here_.daemon.run_one();
            else
                here_.daemon.run_one_due(progress_);
        }
    }

private:
    void send_arguments()
    {
        for (auto const& value : here_.set.values)
            send(unanswered_.size() + 1, value);
        has_ended_ = true;
    }

    void send_lines()
    {
        auto const has_room = [this] {
            return here_.daemon.unsent() < max_unsent && unanswered_.size() < max_unanswered;
        };
        while (has_room()) {
            auto const line = lines_.next();
            if (line)
                check(*line);
            else if (!read_more())
                return;
        }
    }

    void check(input_line const& line)
    {
        if (line.is_too_long)
            complain(line.number, "longer than any number");
        else if (line.text.empty())
            return;
        else if (line.text != "null" && !is_json_number(line.text))
            complain(line.number, "'" + fitted(printable(line.text), 40) + "' is no number");
        else
            send(line.number, line.text);
    }

    void send(std::uint64_t number, std::string_view value)
    {
        if (unanswered_.empty())
            progress_ = clock::now();
        unanswered_.push_back(number);
        request_.clear();
        request_.append(before_).append(value).append(is_shared_ ? "}\n" : "\n");
        here_.daemon.send(request_);
    }

    /// Whether there may be a line now.
    bool read_more()
    {
        if (has_ended_ || input_->is_waiting())
            return false;
        if (!can_read_) {
            input_->async_wait([this] { can_read_ = true; });
            return false;
        }
        can_read_ = false;
        auto const size = ::read(STDIN_FILENO, piece_.data(), piece_.size());
        if (size < 0 && (errno == EINTR || errno == EAGAIN))
            return true;
        if (size < 0)
            throw failure(exit_status::unreachable,
                          "cannot read standard input: " + std::generic_category().message(errno));
        if (size == 0) {
            has_ended_ = true;
            lines_.end();
        }
        lines_.feed(std::string_view(piece_.data(), static_cast<std::size_t>(size)));
        return true;
    }

    void take_replies()
    {
        auto has_any = false;
        while (auto const line = here_.daemon.next_line()) {
            if (unanswered_.empty())
                throw failure(exit_status::unreachable,
                              here_.daemon.address() + ": a reply that nobody asked for");
            print(*line, unanswered_.front());
            unanswered_.pop_front();
            has_any = true;
        }
        if (has_any)
            progress_ = clock::now();
        // At once: whoever has typed a value waits for its answer.
        here_.out.flush();
    }

    void print(std::string_view reply, std::uint64_t number)
    {
        if (here_.set.is_json)
            print_json(here_.out, reply);
        else if (is_bare(reply))
            here_.out << reply << "\n";
        if (!is_bare(reply))
            print_object(reply, number);
    }

    void print_object(std::string_view reply, std::uint64_t number)
    {
        constexpr std::string_view yield = R"({"yield":)";
        if (reply.starts_with(yield) && reply.ends_with('}')) {
            auto const value = reply.substr(yield.size(), reply.size() - yield.size() - 1);
            if (is_bare(value)) {
                if (!here_.set.is_json)
                    here_.out << value << "\n";
                return;
            }
        }
        if (!is_json(reply))
            throw failure(exit_status::unreachable,
                          here_.daemon.address() + ": what answers there is no windowd");
        if (auto const refusal = refusal_of(reply))
            complain(number, *refusal);
        else if (!here_.set.is_json)
            here_.out << yield_text(json_member_of(reply, "yield").value_or(reply)) << "\n";
    }

    void complain(std::uint64_t number, std::string const& why)
    {
        has_failed_ = true;
        auto const* const what = input_ ? "line " : "value ";
        std::cerr << "windowctl: " + (what + std::to_string(number)) + ": " + why + "\n";
    }

    workplace const& here_;
    std::optional<readiness> input_; // where values come from there
    std::vector<char> piece_;
    line_reader lines_;
    bool is_shared_;
    std::string before_;
    std::string request_;
    std::deque<std::uint64_t> unanswered_; // the numbers of their lines
    clock::time_point progress_;
    bool can_read_ = false;
    bool has_ended_ = false;
    bool has_failed_ = false;
};

} // namespace

exit_status send_values(workplace const& here)
{
    return sender(here).run();
}

} // namespace windowd::ctl
