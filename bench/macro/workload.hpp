// Requests, and the replies that they have to get, made before anything is timed.
#pragma once

#include "server_model.hpp"

#include <cstddef>
#include <random>
#include <string>
#include <string_view>

namespace windowd::bench {

/// An endless stream of values, the same in every run.
class value_source {
public:
    /// "integers" (0 to 999, at random), "decimals" (16.00 to 999.99, at random) or "seq" (1, 2, 3 …).
    /// Throws std::invalid_argument.
    explicit value_source(std::string const& kind, unsigned seed = 2015);

    double next();

private:
    enum class shape { integers, decimals, sequence };

    static shape shape_of(std::string const& kind);

    shape shape_;
    std::mt19937_64 random_;
    double last_ = 0;
};

/// Bytes to send, and the bytes that have to come back.
struct workload {
    std::string requests;
    std::string replies;
    std::size_t values = 0;
    std::size_t lines = 0; ///< of requests, and of replies
};

// Each takes the next values from `source`, and what they are answered from `model`, which both go on in the next workload.

/// A value a line.
workload bare_values(std::size_t count, value_source& source, server_model& model);
/// `size` values a line, as a JSON array; the last line may have less.
workload value_arrays(std::size_t count, std::size_t size, value_source& source, server_model& model);
/// A value a line, in the operation `send`.
workload sends(std::size_t count, value_source& source, server_model& model);

/// Adds a line: `request`, to be answered with `reply`, neither with its line end.
void add_line(workload& to, std::string_view request, std::string_view reply);

} // namespace windowd::bench
