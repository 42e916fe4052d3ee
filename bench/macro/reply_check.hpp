// Comparing replies with what they have to be.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string_view>

namespace windowd::bench {

/// A server has answered something else than it should, or not at all.
class wrong_reply : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Sees all bytes that come back on a connection.
class reply_check {
public:
    reply_check() = default;
    reply_check(reply_check const&) = delete;
    reply_check& operator=(reply_check const&) = delete;
    virtual ~reply_check() = default;

    /// The next bytes. Throws wrong_reply.
    virtual void take(std::string_view bytes) = 0;
    /// Whether all that has to come has come.
    virtual bool is_done() const noexcept = 0;
};

/// These bytes have to come back, and no others. They must outlive it.
class exact_replies final : public reply_check {
public:
    explicit exact_replies(std::string_view expected) noexcept : expected_(expected) {}

    void take(std::string_view bytes) override
    {
        if (!expected_.substr(at_).starts_with(bytes))
            complain(bytes);
        at_ += bytes.size();
    }
    bool is_done() const noexcept override { return at_ == expected_.size(); }

private:
    [[noreturn]] void complain(std::string_view bytes) const;

    std::string_view expected_;
    std::size_t at_ = 0;
};

/// Throws wrong_reply, which shows the line's beginnings, unless both are the same.
void expect_line(std::string_view expected, std::string_view came);

} // namespace windowd::bench
