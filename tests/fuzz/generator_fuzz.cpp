// Programs of next, send, throw_, close, moves and delegation, against the model of PEP 342 and PEP 380.
#include "fuzz/fuzzer.hpp"
#include "nanoservice/model.hpp"

int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    constexpr auto depth = 6;
    constexpr auto most_steps = 60;
    auto below = windowd::fuzz::choices(windowd::fuzz::text_of(data, size));
    nanoservice_test::coverage ignored;
    auto const different = nanoservice_test::difference(below, depth, most_steps, ignored);
    windowd::fuzz::expect(different.empty(), different);
    return 0;
}
