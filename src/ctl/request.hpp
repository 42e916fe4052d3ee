// The request lines that windowctl sends.
#pragma once

#include "ctl/options.hpp"

#include <string>
#include <string_view>

namespace windowd::ctl {

/// {"op":"read","window":"cpu"} and LF, one member after the other.
class request {
public:
    explicit request(std::string_view op);
    request& text(std::string_view name, std::string_view value);   ///< as a string
    request& number(std::string_view name, std::string_view value); ///< as it is written
    /// The line up to a value of that name; the value and `}` LF are still to come.
    std::string before(std::string_view name) const;
    std::string line() const;

private:
    std::string members_;
};

/// `open` with these terms. An empty window is the connection's own.
std::string open_request(std::string_view window, window_terms const& terms);

} // namespace windowd::ctl
