// Tries the inputs of corpora, as tests by any compiler: fuzz_NAME FILE-OR-FOLDER...
#include "fuzz/fuzzer.hpp"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

std::vector<fs::path> files_in(std::span<char const* const> arguments)
{
    std::vector<fs::path> files;
    for (auto const* argument : arguments) {
        if (fs::is_directory(argument))
            std::ranges::copy(fs::directory_iterator(argument), std::back_inserter(files));
        else
            files.emplace_back(argument);
    }
    std::ranges::sort(files);
    return files;
}

void replay(fs::path const& file)
{
    std::ifstream input(file, std::ios::binary);
    if (!input)
        throw std::runtime_error("cannot read " + file.string());
    std::string const bytes{std::istreambuf_iterator<char>(input), {}};
    LLVMFuzzerTestOneInput(reinterpret_cast<std::uint8_t const*>(bytes.data()), bytes.size());
}

} // namespace

int main(int argc, char** argv)
{
    try {
        auto const files = files_in(std::span(argv, static_cast<std::size_t>(argc)).subspan(1));
        for (auto const& file : files) {
            std::printf("%s\n", file.c_str());
            std::fflush(stdout); // so that the last line names what did not pass
            replay(file);
        }
        std::printf("%zu inputs passed\n", files.size());
        return files.empty() ? EXIT_FAILURE : EXIT_SUCCESS;
    } catch (std::exception const& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return EXIT_FAILURE;
    }
}
