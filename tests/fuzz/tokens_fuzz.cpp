// Files of tokens, against what a file of few rules says.
#include "daemon/token_file.hpp"
#include "fuzz/fuzzer.hpp"
#include "fuzz/memory_file.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace windowd;
using fuzz::expect;
using protocol::right;

std::vector<std::string> words_of(std::string_view line)
{
    std::vector<std::string> words;
    auto in_word = false;
    for (auto const c : line) {
        auto const is_blank = c == ' ' || c == '\t';
        if (!in_word && c == '#')
            break;
        if (!is_blank && !in_word)
            words.emplace_back();
        if (!is_blank)
            words.back() += c;
        in_word = !is_blank;
    }
    return words;
}

bool is_printable(std::string_view text)
{
    return std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

bool is_name(std::string_view text)
{
    constexpr std::string_view allowed =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:/-";
    return text.size() <= 128 && text.find_first_not_of(allowed) == std::string_view::npos;
}

using token_rights = std::map<std::string, right>;

/// Takes in a line; false if the file is to be refused for it.
bool take(std::string_view line, token_rights& tokens)
{
    if (line.ends_with('\r'))
        line.remove_suffix(1);
    auto const words = words_of(line);
    if (words.empty())
        return true;
    if (words.size() < 2 || words.size() > 3 || (words[0] != "read" && words[0] != "write"))
        return false;
    if (words[1].size() > daemon::token_file::max_token_size || !is_printable(words[1]))
        return false;
    if (words.size() == 3 && !is_name(words[2]))
        return false;
    return tokens.emplace(words[1], words[0] == "read" ? right::read : right::write).second;
}

/// Nothing if the file is to be refused.
std::optional<token_rights> expected_tokens(std::string_view text)
{
    token_rights tokens;
    while (!text.empty()) {
        auto const line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        if (!take(line, tokens))
            return std::nullopt;
    }
    return tokens.empty() ? std::nullopt : std::optional(tokens);
}

void check_tokens(daemon::token_file const& read, token_rights const& expected)
{
    expect(read.size() == expected.size(), "another number of tokens");
    for (auto const& [token, allows] : expected) {
        expect(read.check(token) == allows, "a token has another right");
        for (auto const& other : {token + "x", token.substr(1)})
            if (!expected.contains(other))
                expect(read.check(other) == right::none, "a token that is none has a right");
    }
}

std::optional<daemon::token_file> try_to_read(std::string const& path)
{
    try {
        return daemon::read_token_file(path);
    } catch (std::runtime_error const& refused) {
        expect(std::string_view(refused.what()).starts_with("the token file "), refused.what());
        return std::nullopt;
    }
}

} // namespace

int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    static fuzz::memory_file file;
    auto const text = fuzz::text_of(data, size);
    file.write(text);
    auto const expected = expected_tokens(text);
    auto const read = try_to_read(file.path());
    expect(read.has_value() == expected.has_value(), read ? "a bad file is taken" : "a good file is refused");
    if (read)
        check_tokens(*read, *expected);
    return 0;
}
