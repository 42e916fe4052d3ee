// Tokens: who is asked for one, what a wrong one costs, and which files the daemon does not start with.
#include "acceptance/client.hpp"
#include "acceptance/daemon_process.hpp"
#include "support/temporary_folder.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include <sys/stat.h>

namespace {

using namespace windowd::test;
using namespace std::chrono_literals;

std::string const read_it = R"({"op":"auth","token":"lantern-harbour-52"})";
std::string const write_it = R"({"op":"auth","token":"quiet-meadow-1871"})";
std::string const guess_it = R"({"op":"auth","token":"XYZZY424242"})";

/// A file of tokens, and the option that names it.
class token_file {
public:
    explicit token_file(std::string const& text = "read lantern-harbour-52 dashboard\n"
                                                  "write quiet-meadow-1871 # the sensors\n",
                        mode_t mode = S_IRUSR | S_IWUSR)
        : path_(folder_.write("tokens", text))
    {
        chmod(path_.c_str(), mode);
    }

    std::string option() const { return "--token-file=" + path_; }
    std::string const& path() const noexcept { return path_; }
    std::filesystem::path folder() const { return folder_.path(); }

private:
    temporary_folder folder_;
    std::string path_;
};

/// Runs a daemon with such a file, which has to end by itself, and returns what it wrote.
std::string refusal_of(token_file const& tokens)
{
    auto const ended = run_to_end({daemon_path(), "--listen=tcp://127.0.0.1:0", tokens.option()});
    BOOST_TEST(ended.end.status != 0);
    BOOST_TEST(ended.error_text.find("listening") == std::string::npos);
    return ended.error_text;
}

bool contains(std::string const& text, std::string const& part)
{
    return text.find(part) != std::string::npos;
}

} // namespace

BOOST_AUTO_TEST_SUITE(tokens)

BOOST_AUTO_TEST_CASE(every_listener_asks_for_a_token)
{
    token_file const tokens;
    daemon_process daemon({tokens.option(), "--listen=tcp://127.0.0.1:0",
                           "--listen=unix://" + (tokens.folder() / "socket").string()});
    for (auto const& address : std::vector(daemon.addresses(2))) {
        client one(address);
        BOOST_TEST(code_of(one.ask("5")) == "unauthorized");
        BOOST_TEST(code_of(one.ask(R"({"op":"info"})")) == "unauthorized");
        BOOST_TEST(one.ask(read_it) == R"({"authorized":"read"})");
        BOOST_TEST(one.ask(R"({"op":"read"})") == R"({"yield":null})");
        BOOST_TEST(code_of(one.ask("5")) == "unauthorized");
        BOOST_TEST(one.ask(write_it) == R"({"authorized":"write"})");
        BOOST_TEST(one.ask("5") == "5");
    }
    daemon.stop();
}

BOOST_AUTO_TEST_CASE(without_a_token_file_any_token_will_do)
{
    daemon_process daemon;
    client one(daemon.address());
    BOOST_TEST(one.ask("5") == "5");
    BOOST_TEST(one.ask(guess_it) == R"({"authorized":"write"})");
    BOOST_TEST(one.ask("7") == "6");
}

BOOST_AUTO_TEST_CASE(each_wrong_token_is_answered_after_a_second_and_others_do_not_wait)
{
    token_file const tokens;
    daemon_process daemon({tokens.option()});
    client guessing(daemon.address());
    client other(daemon.address());
    other.ask(write_it);
    auto const begin = wait_clock::now();
    guessing.send(guess_it + "\n" + guess_it + "\n" + write_it + "\n5\n");
    auto asked = 0;
    for (; wait_clock::now() - begin < 500ms; ++asked)
        BOOST_TEST(other.ask("5") == "5");
    BOOST_TEST(asked > 10);
    BOOST_TEST(code_of(guessing.read_line()) == "unauthorized");
    BOOST_TEST((wait_clock::now() - begin >= 900ms));
    BOOST_TEST(code_of(guessing.read_line()) == "unauthorized");
    BOOST_TEST((wait_clock::now() - begin >= 1900ms));
    BOOST_TEST(guessing.read_line() == R"({"authorized":"write"})");
    BOOST_TEST(guessing.read_line() == "5");
    daemon.stop();
}

BOOST_AUTO_TEST_CASE(a_wrong_token_on_a_last_line_without_an_end_waits_too)
{
    token_file const tokens;
    daemon_process daemon({tokens.option()});
    client guessing(daemon.address());
    auto const begin = wait_clock::now();
    guessing.send(guess_it);
    guessing.half_close();
    BOOST_TEST(code_of(guessing.read_to_end()) == "unauthorized");
    BOOST_TEST((wait_clock::now() - begin >= 900ms));
}

BOOST_AUTO_TEST_CASE(a_wrong_token_is_logged_with_the_peer_and_never_itself)
{
    token_file const tokens;
    for (auto const* const level : {"info", "trace"}) {
        daemon_process daemon({tokens.option(), std::string("--log-level=") + level});
        auto const from = daemon.error_text().size();
        client one(daemon.address());
        one.ask(guess_it);
        one.ask(write_it);
        daemon.wait_for_error_text("tcp://127.0.0.1:", from);
        daemon.stop();
        for (auto const* const token : {"XYZZY", "quiet-meadow", "lantern-harbour"})
            BOOST_TEST(!contains(daemon.error_text(), token), daemon.error_text());
    }
}

BOOST_AUTO_TEST_CASE(who_has_shown_no_token_can_fill_neither_memory_nor_windows)
{
    token_file const tokens;
    daemon_process daemon({tokens.option()});
    client writer(daemon.address());
    writer.ask(write_it);
    auto const before = daemon.peak_memory();
    std::vector<client> strangers;
    for (auto i = 0; i < 200; ++i) {
        strangers.emplace_back(daemon.address());
        strangers.back().send("[" + std::string(100'000, '1')); // a line that does not end
    }
    for (auto& one : strangers)
        BOOST_TEST(code_of(one.read_line()) == "unauthorized");
    BOOST_TEST(daemon.peak_memory() - before < 200U * 20'000U);
    BOOST_TEST(writer.ask(R"({"op":"windows"})") == R"({"windows":[],"more":false})");
}

BOOST_AUTO_TEST_CASE(a_bad_file_is_refused_at_the_start_with_its_line_and_without_its_tokens)
{
    token_file const bad("read lantern-harbour-52\nquiet-meadow-1871 write\n");
    auto const said = refusal_of(bad);
    BOOST_TEST(contains(said, bad.path() + ", line 2: "), said);
    BOOST_TEST(!contains(said, "quiet-meadow"), said);
    BOOST_TEST(!contains(said, "lantern"), said);
    BOOST_TEST(contains(refusal_of(token_file("")), "has no tokens"));
    token_file const none;
    std::filesystem::remove(none.path());
    BOOST_TEST(contains(refusal_of(none), "No such file or directory"));
}

BOOST_AUTO_TEST_CASE(a_file_that_others_can_read_is_refused_and_the_remedy_told)
{
    token_file const open_to_all("read lantern-harbour-52\n", S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH);
    BOOST_TEST(contains(refusal_of(open_to_all), "chmod 600 " + open_to_all.path()));
}

BOOST_AUTO_TEST_CASE(a_short_token_is_warned_of)
{
    token_file const tokens("read lantern-harbour-52\nwrite xyzzy\n");
    daemon_process daemon({tokens.option()});
    daemon.stop();
    BOOST_TEST(contains(daemon.error_text(), "line 2: a token of fewer than 16 characters"),
               daemon.error_text());
    BOOST_TEST(!contains(daemon.error_text(), "xyzzy"));
}

BOOST_AUTO_TEST_SUITE_END()
