// Strings and integers of replies.
#include "protocol/json_writer.hpp"

#include <boost/json/serializer.hpp>

#include <charconv>

namespace windowd::protocol {

json_writer& json_writer::integer(std::uint64_t value)
{
    separate();
    auto* const to = out_.prepare(max_number_size);
    out_.written(std::to_chars(to, to + max_number_size, value).ptr);
    return *this;
}

json_writer& json_writer::string(std::string_view utf8)
{
    constexpr std::size_t piece = 256;
    separate();
    boost::json::serializer serializer;
    serializer.reset(boost::json::string_view(utf8.data(), utf8.size()));
    while (!serializer.done()) {
        auto const written = serializer.read(out_.prepare(piece), piece);
        out_.written(written.data() + written.size());
    }
    return *this;
}

} // namespace windowd::protocol
