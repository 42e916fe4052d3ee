// The buffer of replies: what it holds after each way of writing to it, and after a failed one.
#include "protocol/output_buffer.hpp"
#include "support/allocation_counter.hpp"

#include <boost/test/unit_test.hpp>

#include <cstring>
#include <new>
#include <string>
#include <utility>

namespace {

using windowd::protocol::output_buffer;
using windowd::test::allocations;
using windowd::test::failing_allocation;

output_buffer holding(std::string_view text)
{
    output_buffer out;
    out.append(text);
    return out;
}

} // namespace

BOOST_AUTO_TEST_SUITE(output_buffers)

BOOST_AUTO_TEST_CASE(a_new_buffer_is_empty_and_owns_no_memory)
{
    auto const before = allocations();
    output_buffer out;
    BOOST_TEST(out.empty());
    BOOST_TEST(out.size() == 0U);
    BOOST_TEST(out.capacity() == 0U);
    BOOST_TEST(out.view() == "");
    BOOST_TEST(allocations() == before);
}

BOOST_AUTO_TEST_CASE(nothing_can_be_appended_to_nothing)
{
    output_buffer out;
    out.append("");
    out.insert(0, "");
    BOOST_TEST(out.empty());
}

BOOST_AUTO_TEST_CASE(what_is_appended_stands_at_the_end)
{
    output_buffer out;
    out.append("one");
    out.append(',');
    out.append("");
    out.append("two");
    BOOST_TEST(out.view() == "one,two");
    BOOST_TEST(out.size() == 7U);
    BOOST_TEST(!out.empty());
}

BOOST_AUTO_TEST_CASE(bytes_can_be_written_in_place)
{
    output_buffer out = holding("a");
    auto* const to = out.prepare(100);
    std::memcpy(to, "bcd", 3);
    out.written(to + 3);
    BOOST_TEST(out.view() == "abcd");
    out.prepare(10'000);
    BOOST_TEST(out.view() == "abcd"); // what was prepared and not written does not count
}

BOOST_AUTO_TEST_CASE(text_is_inserted_before_a_position)
{
    auto out = holding("ad");
    out.insert(1, "bc");
    BOOST_TEST(out.view() == "abcd");
    out.insert(0, "<");
    out.insert(5, ">");
    BOOST_TEST(out.view() == "<abcd>");
    auto const large = std::string(10'000, 'x');
    out.insert(1, large);
    BOOST_TEST((out.view() == "<" + large + "abcd>"));
}

BOOST_AUTO_TEST_CASE(contents_survive_growth)
{
    output_buffer out;
    std::string expected;
    for (auto i = 0; i < 20'000; ++i) {
        out.append(std::to_string(i));
        expected += std::to_string(i);
    }
    BOOST_TEST((out.view() == expected));
}

BOOST_AUTO_TEST_CASE(growing_by_small_steps_allocates_a_logarithm_of_times)
{
    auto const before = allocations();
    output_buffer out;
    for (auto i = 0; i < 1'000'000; ++i)
        out.append('x');
    BOOST_TEST(allocations() - before <= 10U);
}

BOOST_AUTO_TEST_CASE(what_is_cleared_or_cut_off_keeps_its_memory)
{
    auto out = holding("hello");
    auto const capacity = out.capacity();
    out.truncate(2);
    BOOST_TEST(out.view() == "he");
    out.truncate(2);
    BOOST_TEST(out.view() == "he");
    out.clear();
    BOOST_TEST(out.empty());
    BOOST_TEST(out.capacity() == capacity);
    auto const before = allocations();
    out.append("again");
    BOOST_TEST(out.view() == "again");
    BOOST_TEST(allocations() == before);
}

BOOST_AUTO_TEST_CASE(a_moved_from_buffer_is_empty_and_usable)
{
    auto from = holding("text");
    auto to = std::move(from);
    BOOST_TEST(to.view() == "text");
    BOOST_TEST(from.empty()); // NOLINT(bugprone-use-after-move)
    BOOST_TEST(from.capacity() == 0U);
    from.append("new");
    to = std::move(from);
    BOOST_TEST(to.view() == "new");
    BOOST_TEST(from.view() == "");
}

BOOST_AUTO_TEST_CASE(where_memory_runs_out_nothing_has_changed)
{
    auto out = holding("kept");
    auto const large = std::string(100'000, 'x');
    {
        failing_allocation const failure(1);
        BOOST_CHECK_THROW(out.append(large), std::bad_alloc);
    }
    {
        failing_allocation const failure(1);
        BOOST_CHECK_THROW(out.insert(2, large), std::bad_alloc);
    }
    BOOST_TEST(out.view() == "kept");
    out.append("!");
    BOOST_TEST(out.view() == "kept!");
}

BOOST_AUTO_TEST_SUITE_END()
