// What the tests of nanoservice::generator share: printers, errors to throw in, and objects that count
// themselves.
#pragma once

#include <nanoservice/generator.hpp>

#include <optional>
#include <ostream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace nanoservice {

inline std::ostream& operator<<(std::ostream& out, generator_state state)
{
    static constexpr char const* names[] = {"created", "suspended", "running", "closed"};
    return out << names[static_cast<int>(state)];
}

} // namespace nanoservice

namespace nanoservice_test {

using nanoservice::already_executing;
using nanoservice::as_result;
using nanoservice::elements_of;
using nanoservice::generator;
using nanoservice::generator_error;
using nanoservice::generator_exit;
using nanoservice::generator_state;
using nanoservice::ignored_exit;
using nanoservice::no_value;
using nanoservice::not_sendable;
using nanoservice::not_started;
using nanoservice::resumption;

/// What was yielded; an error that names the reason where the generator has ended instead.
template <class T>
T const& given(T const* yielded)
{
    if (yielded == nullptr)
        throw std::runtime_error("the generator ended where the test expects it to yield");
    return *yielded;
}

/// An error to throw in, of no relation to std::exception.
struct failure {
    int code;
};

/// An error to throw in, with a base.
struct named_failure : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// What happened, in order.
using notes = std::vector<std::string>;

/// A local that notes when it is destroyed.
class noted {
public:
    noted(notes& to, std::string what) : to_(to), what_(std::move(what)) {}
    noted(noted const&) = delete;
    noted& operator=(noted const&) = delete;
    ~noted() { to_.push_back(what_); }

private:
    notes& to_;
    std::string what_;
};

/// How many objects were made and destroyed.
struct tally {
    int made = 0;
    int copied = 0;
    int destroyed = 0;
    int alive() const { return made - destroyed; }
};

/// An object that is entered in a tally when it is made, copied or moved, and destroyed. It must not be
/// destroyed twice.
class counted {
public:
    explicit counted(tally& in, int value = 0) : in_(&in), value_(value) { ++in_->made; }
    counted(counted const& other) : in_(other.in_), value_(other.value_)
    {
        ++in_->made;
        ++in_->copied;
    }
    counted(counted&& other) noexcept : in_(other.in_), value_(other.value_) { ++in_->made; }
    counted& operator=(counted const&) = default;
    counted& operator=(counted&&) = default;
    ~counted() { ++in_->destroyed; }

    int value() const { return value_; }

private:
    tally* in_;
    int value_;
};

} // namespace nanoservice_test
