// How libFuzzer changes inputs that are lines: half of the time as it likes, else by whole lines, some of them requests
// that make sense.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <random>
#include <string>
#include <string_view>
#include <vector>

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace {

using random_source = std::minstd_rand;
using texts = std::initializer_list<std::string_view>;

std::size_t below(random_source& random, std::size_t limit)
{
    return random() % limit;
}

std::string one_of(random_source& random, texts all)
{
    return std::string(all.begin()[below(random, all.size())]);
}

std::string number(random_source& random)
{
    return one_of(random, {"1",
                           "2",
                           "3",
                           "0",
                           "-0",
                           "0.1",
                           "-7.25",
                           "1e3",
                           "1e16",
                           "1e300",
                           "-1e308",
                           "1.7976931348623157e308",
                           "5e-324",
                           "1e400",
                           "1e-400",
                           "9007199254740993",
                           "123456789.125",
                           "1000000",
                           "999999.5",
                           "null"});
}

std::string value(random_source& random)
{
    return below(random, 8) != 0 ? number(random)
                                 : one_of(random, {"true", "\"x\"", "{}", "[]", "[[1]]", "\"\\u20ac\""});
}

std::string array_of(random_source& random, std::string (*make)(random_source&))
{
    std::string text = "[";
    for (auto left = below(random, 6); left != 0; --left)
        text += make(random) + (left == 1 ? "" : ",");
    return text + "]";
}

std::string name(random_source& random)
{
    return "\"" +
           one_of(random, {"a", "b", "c", "cpu", "cpu.load", "lab/boiler", "a*", "*", "c*u", "", "no name"}) +
           "\"";
}

std::string statistic(random_source& random)
{
    return "\"" + one_of(random, {"count", "sum",  "mean", "min",   "max",    "range",  "first",
                                  "last",  "var",  "std",  "pvar",  "pstd",   "median", "p95",
                                  "p99.9", "skew", "kurt", "slope", "zscore", "p101",   "mode"}) +
           "\"";
}

std::string operation(random_source& random)
{
    return "\"" +
           one_of(random, {"send", "next", "throw", "dump", "clear", "read", "close", "open", "windows",
                           "subscribe", "unsubscribe", "ping", "info", "help", "auth", "nonsense"}) +
           "\"";
}

std::string identifier(random_source& random)
{
    return one_of(random, {"1", "-5", "\"x\"", "\"\\n\\u0000\"", "12345678901234567890", "1.5", "null",
                           "\"\xc3\xa9\""});
}

std::string member(random_source& random)
{
    switch (below(random, 16)) {
    case 0:
    case 1:
    case 2:
        return "\"window\":" + name(random);
    case 3:
    case 4:
        return "\"value\":" + value(random);
    case 5:
        return "\"values\":" + array_of(random, value);
    case 6:
        return "\"at\":" + number(random);
    case 7:
        return "\"size\":" + number(random);
    case 8:
        return "\"span\":" + number(random);
    case 9:
        return "\"stats\":" + array_of(random, statistic);
    case 10:
        return "\"data\":" + array_of(random, number);
    case 11:
        return "\"min_count\":" + number(random);
    case 12:
        return "\"exception\":\"" +
               one_of(random, {"DumpData", "ClearWindow", "ReadStatistics", "GeneratorExit", "KeyError"}) +
               "\"";
    case 13:
        return "\"id\":" + identifier(random);
    case 14:
        return one_of(random,
                      {R"("token":"reader")", R"("token":"writer")", R"("token":"x")", R"("more":1)"});
    default:
        return one_of(random, {R"("match":"*")", R"("match":"cpu*")", R"("limit":1)", R"("limit":2)",
                               R"("after":"a")", R"("after":"")"});
    }
}

std::string request(random_source& random)
{
    if (below(random, 4) == 0)
        return below(random, 3) == 0 ? array_of(random, value) : value(random);
    std::string text = "{\"op\":" + operation(random);
    for (auto left = below(random, 4); left != 0; --left)
        text += "," + member(random);
    return text + "}";
}

/// A request, cut or steered here and there as conversation_fuzz.cpp reads it.
std::string line(random_source& random)
{
    auto text = request(random);
    for (auto left = below(random, 3); left != 0; --left)
        text.insert(below(random, text.size() + 1), "\x1b|");
    if (below(random, 4) == 0)
        text.insert(0, one_of(random, {"\x1b"
                                       "0",
                                       "\x1b"
                                       "1",
                                       "\x1b"
                                       "2",
                                       "\x1bt\x0f", "\x1bt\x50",
                                       "\x1b"
                                       "a\x01",
                                       "\x1b"
                                       "a\x07",
                                       "\x1b"
                                       "f",
                                       "\x1bx"}));
    return text + "\n";
}

/// Where lines begin, and the end of the last.
std::vector<std::size_t> borders(std::string_view text)
{
    std::vector<std::size_t> all{0};
    for (std::size_t i = 0; i < text.size(); ++i)
        if (text[i] == '\n')
            all.push_back(i + 1);
    if (all.back() != text.size())
        all.push_back(text.size());
    return all;
}

void change_lines(std::string& text, random_source& random)
{
    auto const at = borders(text);
    auto const from = at[below(random, at.size())];
    auto const next = std::upper_bound(at.begin(), at.end(), from);
    auto const size = next == at.end() ? 0 : *next - from;
    auto const to = at[below(random, at.size())];
    switch (below(random, 5)) {
    case 0:
        text.erase(from, size);
        break;
    case 1:
        text.insert(to, std::string(text, from, size));
        break;
    case 2:
        text.replace(from, size, line(random));
        break;
    default:
        text.insert(from, line(random));
        break;
    }
}

} // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed)
{
    random_source random(seed);
    if (below(random, 2) == 0)
        return LLVMFuzzerMutate(data, size, max_size);
    std::string text(reinterpret_cast<char const*>(data), size);
    for (auto left = 1 + below(random, 4); left != 0; --left)
        change_lines(text, random);
    text.resize(std::min(text.size(), max_size));
    std::ranges::copy(text, data);
    return text.size();
}
