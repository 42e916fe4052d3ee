// Tests the cutting of standard input into lines.
#include "ctl/line_reader.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <string>

using namespace windowd::ctl;

namespace {

/// All lines of a text that comes in pieces of this size, as `number:text|`.
std::string lines_of(std::string_view text, std::size_t piece)
{
    line_reader reader;
    std::string all;
    auto const take = [&] {
        while (auto const line = reader.next())
            all += std::to_string(line->number) + ":" +
                   (line->is_too_long ? "too long" : std::string(line->text)) + "|";
    };
    for (; !text.empty(); text.remove_prefix(std::min(piece, text.size()))) {
        reader.feed(text.substr(0, piece));
        take();
    }
    reader.end();
    take();
    return all;
}

} // namespace

BOOST_AUTO_TEST_SUITE(input_lines)

BOOST_AUTO_TEST_CASE(lines_are_numbered_and_trimmed_whatever_the_pieces)
{
    for (std::size_t piece = 1; piece < 30; ++piece)
        BOOST_TEST(lines_of("5\n\n  7 \t\r\n9 9\n-1", piece) == "1:5|2:|3:7|4:9 9|5:-1|");
    BOOST_TEST(lines_of("", 1) == "");
    BOOST_TEST(lines_of("\n", 1) == "1:|");
    BOOST_TEST(lines_of("5\n", 1) == "1:5|");
}

BOOST_AUTO_TEST_CASE(a_line_that_is_too_long_is_left_out_once_and_the_next_ones_count)
{
    std::string const longest(line_reader::max_line, '1');
    for (std::size_t const piece : {1U, 1000U, 65536U, 1000000U}) {
        BOOST_TEST(lines_of("5\n" + longest + "1\n7\n", piece) == "1:5|2:too long|3:7|");
        BOOST_TEST(lines_of("5\n" + longest + longest + longest, piece) == "1:5|2:too long|");
        BOOST_TEST(lines_of(longest + "\n7\n", piece) == "1:" + longest + "|2:7|");
    }
}

BOOST_AUTO_TEST_SUITE_END()
