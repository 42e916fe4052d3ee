// The token file: what it allows, and what is refused, with the line, and without the token.
#include "daemon/token_file.hpp"
#include "support/temporary_folder.hpp"

#include <boost/test/unit_test.hpp>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace {

using namespace windowd::test;
using windowd::daemon::read_token_file;
using windowd::daemon::token_file;
using windowd::protocol::right;

constexpr mode_t for_its_owner = S_IRUSR | S_IWUSR;

/// A file of tokens that lasts as long as the test.
class file_of {
public:
    explicit file_of(std::string const& text, mode_t mode = for_its_owner)
        : path_(folder_.write("tokens", text))
    {
        chmod(path_.c_str(), mode);
    }

    std::string const& path() const noexcept { return path_; }

private:
    temporary_folder folder_;
    std::string path_;
};

token_file tokens_of(std::string const& text)
{
    return read_token_file(file_of(text).path());
}

/// What is said of a file that is refused, without its path.
std::string refusal_of(std::string const& path)
{
    try {
        read_token_file(path);
    } catch (std::runtime_error const& refused) {
        auto text = std::string(refused.what());
        for (auto at = text.find(path); at != std::string::npos; at = text.find(path))
            text.replace(at, path.size(), "FILE");
        return text;
    }
    return "it is accepted";
}

void check_refused(std::string const& text, std::string_view why)
{
    BOOST_TEST(refusal_of(file_of(text).path()) == "the token file FILE" + std::string(why), text);
}

} // namespace

BOOST_AUTO_TEST_SUITE(tokens)

BOOST_AUTO_TEST_CASE(each_token_has_its_right_and_others_have_none)
{
    auto const tokens = tokens_of("read 0123456789abcdef dashboard\nwrite fedcba9876543210\n");
    BOOST_TEST(tokens.size() == 2U);
    BOOST_TEST((tokens.check("0123456789abcdef") == right::read));
    BOOST_TEST((tokens.check("fedcba9876543210") == right::write));
    BOOST_TEST((tokens.check("0123456789abcdef") == right::read)); // again, after another
    for (std::string_view const other :
         {"", "0", "0123456789abcde", "0123456789abcdeF", "0123456789abcdef ", "dashboard", "read", "write"})
        BOOST_TEST((tokens.check(other) == right::none), other);
    BOOST_TEST((tokens.check(std::string(100'000, 'x')) == right::none));
    BOOST_TEST(tokens.warnings().empty());
}

BOOST_AUTO_TEST_CASE(blanks_comments_and_ends_of_lines_do_not_matter)
{
    auto const tokens =
        tokens_of("# who may read\r\n\r\n \t\n  read\t0123456789-first  \tdash/board # at home\r\n"
                  "\t# nobody else\nwrite 0123456789#second\t# token with a hash\nread 0123456789-third");
    BOOST_TEST(tokens.size() == 3U);
    BOOST_TEST((tokens.check("0123456789-first") == right::read));
    BOOST_TEST((tokens.check("0123456789#second") == right::write));
    BOOST_TEST((tokens.check("0123456789-third") == right::read));
    BOOST_TEST((tokens.check("0123456789") == right::none));
    BOOST_TEST(tokens.warnings().empty());
}

BOOST_AUTO_TEST_CASE(a_token_may_have_any_printable_characters_and_1024_of_them)
{
    std::string all;
    for (auto c = '!'; c <= '~'; ++c)
        all += c == '#' ? "" : std::string(1, c);
    auto const longest = std::string(1024, 'x');
    auto const tokens = tokens_of("write " + all + "\nread " + longest + "\n");
    BOOST_TEST((tokens.check(all) == right::write));
    BOOST_TEST((tokens.check(longest) == right::read));
    BOOST_TEST((tokens.check(longest.substr(1)) == right::none));
}

BOOST_AUTO_TEST_CASE(short_tokens_are_warned_of_by_their_line)
{
    file_of const file("read 0123456789abcdef\n\nwrite 0123456789abcde\nread x\n");
    auto const tokens = read_token_file(file.path());
    BOOST_TEST(tokens.warnings() == (std::vector<std::string>{
                                        "the token file " + file.path() +
                                            ", line 3: a token of fewer than 16 characters may be guessed",
                                        "the token file " + file.path() +
                                            ", line 4: a token of fewer than 16 characters may be guessed"}),
               boost::test_tools::per_element());
    BOOST_TEST((tokens.check("x") == right::read));
}

BOOST_AUTO_TEST_CASE(a_bad_line_is_refused_by_its_number_and_not_shown)
{
    check_refused("read 0123456789\nsecret write\n", ", line 2: a line begins with 'read' or 'write'");
    check_refused("READ 0123456789\n", ", line 1: a line begins with 'read' or 'write'");
    check_refused("\xef\xbb\xbfread 0123456789\n", ", line 1: a line begins with 'read' or 'write'");
    check_refused("\n#\nread\n", ", line 3: there is no token behind the right");
    check_refused("write #secret\n", ", line 1: there is no token behind the right");
    auto const characters = ", line 1: a token is 1 to 1024 printable ASCII characters";
    check_refused("read " + std::string(1025, 'x'), characters);
    check_refused("read caf\xc3\xa9", characters);
    check_refused("read a\vb", characters);
    check_refused("read a\rb", characters);
    check_refused(std::string("read a\0b", 8), characters);
    auto const name = ", line 1: a name is 1 to 128 characters of A-Z a-z 0-9 . _ : / -";
    check_refused("read secret the*name", name);
    check_refused("read secret " + std::string(129, 'n'), name);
    check_refused("read secret name more", ", line 1: there is more than RIGHT TOKEN [NAME]");
    check_refused("read one\nwrite two\n\nwrite one name\n", ", line 4: the token is that of line 1");
    check_refused("read one\nread one\n", ", line 2: the token is that of line 1");
}

BOOST_AUTO_TEST_CASE(a_file_without_tokens_is_refused)
{
    for (auto const* text : {"", "\n", "# read 0123456789abcdef\n"})
        check_refused(text, " has no tokens; a line is: RIGHT TOKEN [NAME]");
}

BOOST_AUTO_TEST_CASE(there_are_at_most_10000_tokens_in_a_mebibyte)
{
    std::string most;
    for (auto i = 0; i < 10'000; ++i)
        most += "read 0123456789-" + std::to_string(i) + "\n";
    auto const tokens = tokens_of(most);
    BOOST_TEST(tokens.size() == 10'000U);
    BOOST_TEST((tokens.check("0123456789-0") == right::read));
    BOOST_TEST((tokens.check("0123456789-9999") == right::read));
    BOOST_TEST((tokens.check("0123456789-10000") == right::none));
    check_refused(most + "read one-more\n", ", line 10001: there are more than 10000 tokens");
    auto const line = std::string("read 0123456789abcdef\n");
    BOOST_TEST(tokens_of(line + std::string(token_file::max_file_size - line.size(), '\n')).size() == 1U);
    check_refused(line + std::string(token_file::max_file_size - line.size() + 1, '\n'),
                  " is larger than 1048576 bytes");
}

BOOST_AUTO_TEST_CASE(a_file_that_is_open_to_others_is_refused)
{
    using modes = std::initializer_list<mode_t>;
    auto const text = std::string("read 0123456789abcdef\n");
    for (auto const mode : modes{S_IRGRP, S_IWGRP, S_IXGRP, S_IROTH, S_IWOTH, S_IXOTH}) {
        file_of const file(text, for_its_owner | mode);
        BOOST_TEST(refusal_of(file.path()) ==
                   "the token file FILE is open to others than its owner; this mends it: chmod 600 FILE");
    }
    for (auto const mode : modes{S_IRUSR, for_its_owner, S_IRWXU})
        BOOST_TEST(refusal_of(file_of(text, mode).path()) == "it is accepted");
}

BOOST_AUTO_TEST_CASE(a_file_that_a_list_gives_to_this_user_alone_is_read)
{
    struct list {
        posix_acl_xattr_header header;
        std::array<posix_acl_xattr_entry, 5> entries;
    };
    // As systemd gives credentials to the user of a service: its mode is 0440.
    auto const is_read = [](std::uint32_t user, std::uint16_t group, std::uint16_t others) {
        file_of const file("read 0123456789abcdef\n");
        list const acl{{POSIX_ACL_XATTR_VERSION},
                       {{{ACL_USER_OBJ, ACL_READ, ~0U},
                         {ACL_USER, ACL_READ, user},
                         {ACL_GROUP_OBJ, group, ~0U},
                         {ACL_MASK, ACL_READ, ~0U},
                         {ACL_OTHER, others, ~0U}}}};
        BOOST_TEST_REQUIRE(setxattr(file.path().c_str(), "system.posix_acl_access", &acl, sizeof acl, 0) ==
                           0);
        return refusal_of(file.path()) == "it is accepted";
    };
    BOOST_TEST(is_read(geteuid(), 0, 0));
    BOOST_TEST(!is_read(geteuid() + 1, 0, 0));
    BOOST_TEST(!is_read(geteuid(), ACL_READ, 0));
    BOOST_TEST(!is_read(geteuid(), 0, ACL_READ));
}

BOOST_AUTO_TEST_CASE(only_a_regular_file_or_a_link_to_one_is_read)
{
    file_of const file("read 0123456789abcdef\n");
    temporary_folder const folder;
    auto const link = (folder.path() / "link").string();
    std::filesystem::create_symlink(file.path(), link);
    BOOST_TEST(read_token_file(link).size() == 1U);

    auto const fifo = (folder.path() / "fifo").string();
    BOOST_TEST_REQUIRE(mkfifo(fifo.c_str(), for_its_owner) == 0);
    BOOST_TEST(refusal_of(fifo) ==
               "the token file FILE is not a regular file"); // and does not wait for a writer
    BOOST_TEST(refusal_of(folder.path().string()) == "the token file FILE is not a regular file");
    BOOST_TEST(refusal_of("/dev/null") == "the token file FILE is not a regular file");
    BOOST_TEST(refusal_of((folder.path() / "none").string()) ==
               "the token file FILE cannot be read: No such file or directory");
}

BOOST_AUTO_TEST_CASE(tokens_are_those_of_when_they_were_read_and_can_be_moved)
{
    file_of const file("read 0123456789abcdef\n");
    auto tokens = read_token_file(file.path());
    std::ofstream(file.path()) << "write fedcba9876543210\n";
    auto const moved = std::move(tokens);
    BOOST_TEST((moved.check("0123456789abcdef") == right::read));
    BOOST_TEST((moved.check("fedcba9876543210") == right::none));
    BOOST_TEST((read_token_file(file.path()).check("fedcba9876543210") == right::write));
}

BOOST_AUTO_TEST_SUITE_END()
