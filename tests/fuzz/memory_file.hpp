// A file in memory, for what reads files.
#pragma once

#include "fuzz/fuzzer.hpp"

#include <string>
#include <string_view>

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace windowd::fuzz {

/// Written anew for each input; nobody else may read it.
class memory_file {
public:
    memory_file() : number_(memfd_create("input", MFD_CLOEXEC))
    {
        expect(number_ >= 0 && fchmod(number_, S_IRUSR | S_IWUSR) == 0, "there is no file to be had");
    }
    memory_file(memory_file const&) = delete;
    memory_file& operator=(memory_file const&) = delete;
    ~memory_file() { close(number_); }

    std::string path() const { return "/proc/self/fd/" + std::to_string(number_); }
    void write(std::string_view text)
    {
        expect(ftruncate(number_, 0) == 0, "the file cannot be emptied");
        auto const written = pwrite(number_, text.data(), text.size(), 0);
        expect(written == static_cast<ssize_t>(text.size()), "the file cannot be written");
    }

private:
    int number_;
};

} // namespace windowd::fuzz
