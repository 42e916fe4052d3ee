// The short way of the usual request to send a number: which lines take it, and that it answers as the long way does.
#include "protocol/send_line.hpp"
#include "protocol/support.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace windowd::test;
using windowd::protocol::read_send_line;

struct taken {
    std::string_view window;
    double value;
};

/// That this line is read to its end, whatever comes after it.
void takes(std::string const& line, taken const& expected)
{
    for (auto const* const behind : {"", "5\n", "{\"op\":\"send\",\"value\":7}\n"}) {
        auto const all = line + behind;
        auto const read = read_send_line(all.data(), all.data() + all.size());
        BOOST_TEST_CONTEXT(line)
        {
            BOOST_TEST_REQUIRE(read.next != nullptr);
            BOOST_TEST(read.next - all.data() == static_cast<std::ptrdiff_t>(line.size()));
            BOOST_TEST(*(read.end - 1) == '}');
            BOOST_TEST(read.window == expected.window);
            BOOST_TEST(read.value == expected.value);
        }
    }
}

std::vector<std::string> const other_lines{
    "{\"op\":\"send\",\"value\":5}", // no end
    "{\"op\":\"send\",\"value\":5} \n",
    "{\"op\":\"send\",\"value\":5}\r",
    " {\"op\":\"send\",\"value\":5}\n",
    "{\"op\" :\"send\",\"value\":5}\n",
    "{\"op\":\"send\",  \"value\":5}\n",
    "{\"op\":\"send\",\"value\":05}\n",
    "{\"op\":\"send\",\"value\":+5}\n",
    "{\"op\":\"send\",\"value\":1e999}\n",
    "{\"op\":\"send\",\"value\":\"5\"}\n",
    "{\"op\":\"send\",\"value\":null}\n",
    "{\"op\":\"send\",\"value\":}\n",
    "{\"op\":\"send\",\"value\":5,\"at\":1}\n",
    "{\"op\":\"send\",\"value\":5}}\n",
    "{\"op\":\"send\",\"values\":[5]}\n",
    "{\"op\":\"send\",\"window\":\"\",\"value\":5}\n",
    "{\"op\":\"send\",\"window\":\"w,\"value\":5}\n",
    "{\"op\":\"send\",\"window\":5,\"value\":5}\n",
    "{\"op\":\"send\",\"id\":1,\"value\":5}\n",
    "{\"value\":5,\"op\":\"send\"}\n",
    "{\"op\":\"read\"}\n",
    "{\n",
    "5\n",
};

} // namespace

BOOST_AUTO_TEST_SUITE(send_lines)

BOOST_AUTO_TEST_CASE(the_usual_forms_are_taken)
{
    takes("{\"op\":\"send\",\"value\":5}\n", {"", 5});
    takes("{\"op\": \"send\", \"value\": -0.25}\r\n", {"", -0.25});
    takes("{\"op\":\"send\",\"window\":\"cpu.load\",\"value\":1e3}\n", {"cpu.load", 1000});
    takes("{\"op\": \"send\", \"window\": \"a/b\", \"value\": 12345678.5}\n", {"a/b", 12345678.5});
    auto const longest = std::string(128, 'w');
    takes("{\"op\":\"send\",\"window\":\"" + longest + "\",\"value\":0}\n", {longest, 0});
}

BOOST_AUTO_TEST_CASE(other_lines_are_not)
{
    for (auto const& line : other_lines)
        BOOST_TEST((read_send_line(line.data(), line.data() + line.size()).next == nullptr), line);
    auto const too_long = "{\"op\":\"send\",\"window\":\"" + std::string(129, 'w') + "\",\"value\":0}\n";
    BOOST_TEST((read_send_line(too_long.data(), too_long.data() + too_long.size()).next == nullptr));
}

BOOST_AUTO_TEST_CASE(no_beginning_of_a_line_is_taken)
{
    std::string const line = "{\"op\": \"send\", \"window\": \"cpu\", \"value\": 5}\r\n";
    for (std::size_t size = 0; size < line.size(); ++size)
        BOOST_TEST((read_send_line(line.data(), line.data() + size).next == nullptr), size);
}

BOOST_AUTO_TEST_CASE(the_answers_are_those_of_the_long_way)
{
    auto const both_ways = [](std::string const& before, std::string const& window) {
        server short_host;
        server long_host;
        connection short_way(short_host);
        connection long_way(long_host);
        short_way.send(before);
        long_way.send(before);
        auto const name = window.empty() ? "" : "\"window\":\"" + window + "\",";
        for (auto const* const value : {"1", "-2.5", "1e300", "0", "-0", "123456789"}) {
            auto const usual = "{\"op\":\"send\"," + name + "\"value\":" + value + "}\n";
            auto const other = "{" + name + "\"value\":" + value + ",\"op\":\"send\"}\n";
            BOOST_TEST(short_way.send(usual) == long_way.send(other));
        }
        BOOST_TEST(short_host.counters.requests == long_host.counters.requests);
        BOOST_TEST(short_host.counters.values == long_host.counters.values);
        BOOST_TEST(short_host.counters.refused_with == long_host.counters.refused_with);
    };
    for (auto const* const window : {"", "cpu", "not a name", "caf\xc3\xa9"}) {
        both_ways("", window);
        both_ways("{\"op\":\"open\",\"stats\":[\"mean\",\"max\"],\"min_count\":3}\n", window);
        both_ways("{\"op\":\"open\",\"window\":\"cpu\",\"size\":2}\n", window);
        both_ways("{\"op\":\"close\"}\n", window);
        both_ways("{\"op\":\"subscribe\",\"window\":\"*\"}\n", window);
    }
}

BOOST_AUTO_TEST_SUITE_END()
