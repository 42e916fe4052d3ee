// Shared pointers to what lives on a test's stack.
#pragma once

#include <memory>

namespace windowd::test {

/// Points there and owns nothing.
template <class T>
std::shared_ptr<T const> not_owned(T const& object)
{
    return {std::shared_ptr<void>(), &object};
}

} // namespace windowd::test
