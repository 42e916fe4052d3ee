// JSON with the user's own text of every number.
#include "ctl/request.hpp"

#include "ctl/json_text.hpp"

namespace windowd::ctl {

request::request(std::string_view op) : members_(R"({"op":)" + json_quoted(op)) {}

request& request::text(std::string_view name, std::string_view value)
{
    return number(name, json_quoted(value));
}

request& request::number(std::string_view name, std::string_view value)
{
    members_ = before(name).append(value);
    return *this;
}

std::string request::before(std::string_view name) const
{
    return members_ + "," + json_quoted(name) + ":";
}

std::string request::line() const
{
    return members_ + "}\n";
}

std::string open_request(std::string_view window, window_terms const& terms)
{
    request open("open");
    if (!window.empty())
        open.text("window", window);
    for (auto const& [name, value] :
         {std::pair("size", &terms.size), {"span", &terms.span}, {"min_count", &terms.min_count}}) {
        if (!value->empty())
            open.number(name, *value);
    }
    auto const list = [&open](std::string_view name, std::vector<std::string> const& elements,
                              bool are_texts) {
        std::string json;
        for (auto const& one : elements)
            json += (json.empty() ? "" : ",") + (are_texts ? json_quoted(one) : one);
        if (!elements.empty())
            open.number(name, "[" + json + "]");
    };
    list("stats", terms.stats, true);
    list("data", terms.data, false);
    return open.line();
}

} // namespace windowd::ctl
