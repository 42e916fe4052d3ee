// Making requests and their replies.
#include "workload.hpp"

#include <algorithm>
#include <stdexcept>

namespace windowd::bench {

value_source::value_source(std::string const& kind, unsigned seed) : shape_(shape_of(kind)), random_(seed) {}

value_source::shape value_source::shape_of(std::string const& kind)
{
    if (kind == "integers")
        return shape::integers;
    if (kind == "decimals")
        return shape::decimals;
    if (kind == "seq")
        return shape::sequence;
    throw std::invalid_argument("no such kind of values: " + kind);
}

double value_source::next()
{
    switch (shape_) {
    case shape::integers:
        return std::uniform_int_distribution(0, 999)(random_);
    case shape::decimals: // from 16 on they are multiples of 2^-48, which exact_mean can take
        return std::uniform_int_distribution(1600, 99'999)(random_) / 100.0;
    case shape::sequence:
        break;
    }
    return ++last_;
}

workload bare_values(std::size_t count, value_source& source, server_model& model)
{
    workload made;
    std::string text;
    for (; made.values < count; ++made.values) {
        auto const value = source.next();
        text.clear();
        append_request_number(text, value);
        made.requests.append(text).append(1, '\n');
        model.answer(text, value, made.replies);
        made.replies += '\n';
    }
    made.lines = made.values;
    return made;
}

workload value_arrays(std::size_t count, std::size_t size, value_source& source, server_model& model)
{
    workload made;
    std::string text;
    while (made.values < count) {
        auto const end = std::min(count, made.values + size);
        for (auto before = '['; made.values < end; ++made.values, before = ',') {
            auto const value = source.next();
            text.clear();
            append_request_number(text, value);
            made.requests.append(1, before).append(text);
            made.replies += before;
            model.answer(text, value, made.replies);
        }
        made.requests += "]\n";
        made.replies += "]\n";
        ++made.lines;
    }
    return made;
}

workload sends(std::size_t count, value_source& source, server_model& model)
{
    workload made;
    std::string text;
    for (; made.values < count; ++made.values) {
        auto const value = source.next();
        text.clear();
        append_request_number(text, value);
        made.requests.append(R"({"op":"send","value":)").append(text).append("}\n");
        made.replies += R"({"yield":)";
        model.answer(text, value, made.replies);
        made.replies += "}\n";
    }
    made.lines = made.values;
    return made;
}

void add_line(workload& to, std::string_view request, std::string_view reply)
{
    to.requests.append(request).append(1, '\n');
    to.replies.append(reply).append(1, '\n');
    ++to.lines;
}

} // namespace windowd::bench
