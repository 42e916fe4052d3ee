// What a server has to answer: computed beforehand, by other means than the server's own where that is possible.
#pragma once

#include "window/sliding_window.hpp"

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <string_view>

namespace windowd::bench {

/// The exact mean of the last values, by integer arithmetic: sum and values are multiples of 2^-48, so that it takes
/// integers, and other numbers from 16 on, of magnitudes up to 2^40.
class exact_mean {
public:
    explicit exact_mean(std::size_t size) : size_(size) {}

    /// Takes in a value. Returns the correctly rounded sum of the last `size` values, divided by their number.
    /// Throws std::invalid_argument where the value is no multiple of 2^-48.
    double add(double value);

private:
    __extension__ using int128 = __int128;

    std::size_t size_;
    std::deque<int128> last_;
    int128 sum_ = 0;
};

/// One connection of a server, as it should be.
class server_model {
public:
    server_model() = default;
    server_model(server_model const&) = delete;
    server_model& operator=(server_model const&) = delete;
    virtual ~server_model() = default;

    /// Appends to `out` what the server says to `value`, which it is sent as `text`; without line ends.
    virtual void answer(std::string_view text, double value, std::string& out) = 0;
};

/// The servers by name: "windowd" (a window of 3, the mean), "naive" or "echo". Throws std::invalid_argument.
std::unique_ptr<server_model> make_model(std::string const& server);

/// windowd with a window of that size and one statistic. Means are computed independently; other statistics by windowd's
/// own code in this process, so that what is checked of them is that the server says the same.
std::unique_ptr<server_model> make_window_model(std::size_t size, std::string const& stat);

/// Appends the number as programs print it: an integer without an exponent, others in the shortest form.
void append_request_number(std::string& out, double value);
/// Appends the shortest text that reads back to the same bits.
void append_shortest(std::string& out, double value);

} // namespace windowd::bench
