// The snippets of docs/generator.md, run; and a test that the page shows exactly these.
//
// A snippet stands between "// [snippet]" and "// [end]" lines. The page holds each, without its indentation,
// as a block of C++.
#include "nanoservice/support.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <memory_resource>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

// [snippet] ten lines
nanoservice::generator<double, double> running_mean()
{
    double sum = 0;
    double count = 0;
    for (double mean = 0;; mean = sum / count) {
        sum += co_yield mean;
        ++count;
    }
}
// [end]

namespace {

using namespace nanoservice_test;

// [snippet] act after the handler
struct reset {};

generator<int, int> resettable_total()
{
    for (int total = 0;;) {
        bool asked_to_reset = false;
        try {
            total += co_yield total;
        } catch (reset const&) {
            asked_to_reset = true; // a handler cannot yield: note it, act below
        }
        if (asked_to_reset) {
            co_yield -1;
            total = 0;
        }
    }
}
// [end]

// [snippet] as_result
generator<int, int> same_without_exceptions()
{
    for (int total = 0;;) {
        auto const received = co_yield as_result(total);
        if (received.has_value()) {
            total += *received;
        } else if (received.get_if<reset>() != nullptr) {
            co_yield -1;
            total = 0;
        } else {
            received.rethrow(); // generator_exit, and what this one does not know
        }
    }
}
// [end]

// [snippet] delegation
generator<std::string, std::string, std::size_t> ask(std::string question)
{
    std::string const answer = co_yield question;
    co_return answer.size();
}

generator<std::string, std::string> interview()
{
    std::size_t letters = co_yield elements_of(ask("first name?"));
    letters += co_yield elements_of(ask("last name?"));
    std::vector<std::string> const farewell{std::to_string(letters) + " letters", "goodbye"};
    co_yield elements_of(farewell);
}
// [end]

// [snippet] close
generator<int, int, int> sum_until_closed()
{
    for (int sum = 0;;) {
        auto const received = co_yield as_result(sum);
        if (received.get_if<generator_exit>() != nullptr)
            co_return sum;
        if (!received.has_value())
            received.rethrow();
        sum += *received;
    }
}
// [end]

// [snippet] memory
generator<int> countdown(std::allocator_arg_t, std::pmr::memory_resource*, int from)
{
    for (; from > 0; --from)
        co_yield from;
}
// [end]

std::filesystem::path this_file()
{
    return std::filesystem::path(__FILE__);
}

using lines = std::vector<std::string>;

lines lines_of(std::filesystem::path const& file)
{
    std::ifstream in(file);
    if (!in)
        throw std::runtime_error("cannot read " + file.string());
    lines all;
    for (std::string line; std::getline(in, line);)
        all.push_back(line);
    return all;
}

std::string without_indentation(lines const& block)
{
    auto indentation = std::string::npos;
    for (auto const& line : block)
        indentation = std::min(indentation, line.find_first_not_of(' '));
    std::string text;
    for (auto const& line : block)
        text += (line.empty() ? line : line.substr(indentation)) + '\n';
    return text;
}

// The blocks between lines that begin with `begin` and lines that are `end`, both without indentation.
std::vector<std::string> blocks_of(std::filesystem::path const& file, std::string const& begin,
                                   std::string const& end)
{
    std::vector<std::string> blocks;
    lines block;
    bool inside = false;
    for (auto const& line : lines_of(file)) {
        auto const text = line.substr(std::min(line.size(), line.find_first_not_of(' ')));
        if (inside && text == end) {
            blocks.push_back(without_indentation(block));
            block.clear();
            inside = false;
        } else if (inside) {
            block.push_back(line);
        } else {
            inside = text.starts_with(begin);
        }
    }
    return blocks;
}

} // namespace

BOOST_AUTO_TEST_SUITE(documentation)

BOOST_AUTO_TEST_CASE(the_page_shows_the_snippets_that_are_run_here)
{
    auto const page = this_file().parent_path() / ".." / ".." / "docs" / "generator.md";
    auto shown = blocks_of(page, "```cpp", "```");
    auto run = blocks_of(this_file(), "// [snippet]", "// [end]");
    std::sort(shown.begin(), shown.end()); // the page has an order of its own
    std::sort(run.begin(), run.end());
    BOOST_TEST(run.size() >= 10U);
    BOOST_TEST(shown == run, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(ten_lines_to_start)
{
    // [snippet] start
    auto mean = running_mean();
    mean.next();  // runs to the first yield, which gives 0
    mean.send(4); // 4
    mean.send(8); // 6
    mean.send(3); // 5: every call gives a pointer to what was yielded
    mean.close(); // the body ends; its locals are destroyed
    mean.next();  // null: it has ended
    // [end]
    auto again = running_mean();
    BOOST_TEST(given(again.next()) == 0);
    BOOST_TEST(given(again.send(4)) == 4);
    BOOST_TEST(given(again.send(8)) == 6);
    BOOST_TEST(given(again.send(3)) == 5);
    BOOST_TEST(mean.next() == nullptr);
}

BOOST_AUTO_TEST_CASE(a_value_before_the_first_yield)
{
    // [snippet] not started
    auto mean = running_mean();
    BOOST_CHECK_THROW(mean.send(4), not_started); // no yield waits for it
    BOOST_TEST(*mean.next() == 0);                // so begin with next
    // [end]
}

BOOST_AUTO_TEST_CASE(signals_to_a_body)
{
    // [snippet] signals
    for (auto total : {&resettable_total, &same_without_exceptions}) {
        auto g = total();
        g.next();
        g.send(5);
        BOOST_TEST(*g.throw_(reset{}) == -1);
        BOOST_TEST(*g.next() == 0);
        BOOST_TEST(*g.send(2) == 2);
    }
    // [end]
}

BOOST_AUTO_TEST_CASE(delegation_to_generators_and_ranges)
{
    // [snippet] delegation in use
    auto g = interview();
    BOOST_TEST(*g.next() == "first name?");
    BOOST_TEST(*g.send("Ada") == "last name?");
    BOOST_TEST(*g.send("Lovelace") == "11 letters");
    BOOST_TEST(*g.next() == "goodbye");
    BOOST_TEST(g.next() == nullptr);
    // [end]
}

BOOST_AUTO_TEST_CASE(closing_with_a_result)
{
    // [snippet] close in use
    auto g = sum_until_closed();
    g.next();
    g.send(2);
    g.send(3);
    BOOST_TEST(g.close().value() == 5);
    BOOST_TEST((g.state() == generator_state::closed));
    BOOST_TEST(!g.close().has_value()); // once more: nothing
    // [end]
}

BOOST_AUTO_TEST_CASE(frames_from_a_resource)
{
    // [snippet] memory in use
    std::byte buffer[1024];
    std::pmr::monotonic_buffer_resource memory(buffer, sizeof buffer, std::pmr::null_memory_resource());
    int sum = 0;
    auto numbers = countdown(std::allocator_arg, &memory, 4);
    while (auto const* number = numbers.next())
        sum += *number;
    BOOST_TEST(sum == 10);
    // [end]
}

BOOST_AUTO_TEST_SUITE_END()
