// The models of windowd and its yardsticks.
#include "server_model.hpp"

#include "window/statistic.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <stdexcept>

namespace windowd::bench {
namespace {

constexpr int fraction_bits = 48;
constexpr std::size_t default_size = 3;

class mean_model final : public server_model {
public:
    explicit mean_model(std::size_t size) : mean_(size) {}

    void answer(std::string_view /*text*/, double value, std::string& out) override
    {
        append_shortest(out, mean_.add(value));
    }

private:
    exact_mean mean_;
};

class statistic_model final : public server_model {
public:
    statistic_model(std::size_t size, window::statistic_ptr stat) : window_({.size = size, .stats = {stat}})
    {}

    void answer(std::string_view /*text*/, double value, std::string& out) override
    {
        window_.push(value);
        if (auto const result = window_.first_reading())
            append_shortest(out, *result);
        else
            out += "null";
    }

private:
    window::sliding_window window_;
};

/// Rounds where the naive server does.
class naive_model final : public server_model {
public:
    void answer(std::string_view /*text*/, double value, std::string& out) override
    {
        if (last_.size() == default_size) {
            sum_ -= last_.front();
            last_.pop_front();
        }
        sum_ += value;
        last_.push_back(value);
        append_shortest(out, sum_ / static_cast<double>(last_.size()));
    }

private:
    std::deque<double> last_;
    double sum_ = 0;
};

class echo_model final : public server_model {
public:
    void answer(std::string_view text, double /*value*/, std::string& out) override { out += text; }
};

} // namespace

double exact_mean::add(double value)
{
    auto const scaled = std::ldexp(value, fraction_bits);
    if (scaled != std::trunc(scaled))
        throw std::invalid_argument("a value with too many fraction bits for the benchmark's own mean");
    if (last_.size() == size_) {
        sum_ -= last_.front();
        last_.pop_front();
    }
    last_.push_back(static_cast<int128>(scaled));
    sum_ += last_.back();
    return std::ldexp(static_cast<double>(sum_), -fraction_bits) / static_cast<double>(last_.size());
}

std::unique_ptr<server_model> make_model(std::string const& server)
{
    if (server == "windowd")
        return std::make_unique<mean_model>(default_size);
    if (server == "naive")
        return std::make_unique<naive_model>();
    if (server == "echo")
        return std::make_unique<echo_model>();
    throw std::invalid_argument("no such server: " + server);
}

std::unique_ptr<server_model> make_window_model(std::size_t size, std::string const& stat)
{
    if (stat == "mean")
        return std::make_unique<mean_model>(size);
    auto found = window::find_statistic(stat);
    if (found == nullptr)
        throw std::invalid_argument("no such statistic: " + stat);
    return std::make_unique<statistic_model>(size, found);
}

void append_request_number(std::string& out, double value)
{
    constexpr double exact_integers = 9007199254740992; // 2^53
    if (std::fabs(value) < exact_integers && value == std::trunc(value))
        out += std::to_string(static_cast<std::int64_t>(value));
    else
        append_shortest(out, value);
}

void append_shortest(std::string& out, double value)
{
    std::array<char, 32> text{};
    out.append(text.begin(), std::to_chars(text.begin(), text.end(), value).ptr);
}

} // namespace windowd::bench
