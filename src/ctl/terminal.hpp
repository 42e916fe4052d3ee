// The terminal while windowctl top has it: its size, its keys, and how it gets back to what it was.
#pragma once

#include <cstddef>
#include <optional>

#include <termios.h>

namespace windowd::ctl {

struct terminal_size {
    std::size_t columns;
    std::size_t lines;
};

/// Of the terminal on this descriptor; 80 by 24 where it does not tell.
terminal_size size_of_terminal(int descriptor) noexcept;

/// Whether the locale that the environment sets has UTF-8.
bool has_unicode();

/// Keys are read one by one and not shown, until it is destroyed. Does nothing where the descriptor is no terminal.
class raw_keys {
public:
    explicit raw_keys(int descriptor) noexcept;
    raw_keys(raw_keys const&) = delete;
    raw_keys& operator=(raw_keys const&) = delete;
    ~raw_keys();

    bool are_there() const noexcept { return before_.has_value(); }

private:
    int descriptor_;
    std::optional<termios> before_;
};

} // namespace windowd::ctl
