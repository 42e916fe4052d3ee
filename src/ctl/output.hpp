// Standard output: written in large pieces, never lost without a word.
#pragma once

#include <string>
#include <string_view>

namespace windowd::ctl {

/// A reader that has gone (`| head`) ends the process as it ends other tools: by SIGPIPE. Any other failure to
/// write is thrown as a failure.
class output {
public:
    explicit output(int descriptor) noexcept : descriptor_(descriptor) {}
    output(output const&) = delete;
    output& operator=(output const&) = delete;

    output& operator<<(std::string_view text);
    void flush();
    bool is_terminal() const noexcept;

private:
    int descriptor_;
    std::string pending_;
};

} // namespace windowd::ctl
