// Writing families of metrics.
#include "daemon/openmetrics.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <stdexcept>

namespace windowd::daemon {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using labels = std::vector<ClientMetric::Label>;

// Below, a double has every integer.
constexpr auto exact_integers = 9007199254740992.0;

template <class... Format>
void append_chars(std::string& text, Format... value)
{
    std::array<char, 32> digits; // NOLINT(cppcoreguidelines-pro-type-member-init): to_chars writes it
    auto const written = std::to_chars(digits.data(), digits.data() + digits.size(), value...);
    text.append(digits.data(), written.ptr);
}

/// True for what has no digits, which is then written.
bool append_special(std::string& text, double value)
{
    if (std::isnan(value))
        text += "NaN";
    else if (std::isinf(value))
        text += value > 0 ? "+Inf" : "-Inf";
    return !std::isfinite(value);
}

void append_number(std::string& text, double value)
{
    if (append_special(text, value))
        return;
    if (std::abs(value) < exact_integers && value == std::trunc(value))
        append_chars(text, static_cast<std::int64_t>(value)); // counters, digit by digit
    else
        append_chars(text, value);
}

/// The specification's canonical form: a bound is a label, and the same one only if it is the same text.
void append_bound(std::string& text, double value)
{
    if (append_special(text, value))
        return;
    auto const start = text.size();
    append_chars(text, value, std::chars_format::general);
    if (text.find_first_of(".e", start) == std::string::npos)
        text += ".0";
}

void append_escaped(std::string& text, std::string_view raw)
{
    for (auto const c : raw) {
        if (c == '\n') {
            text += "\\n";
            continue;
        }
        if (c == '\\' || c == '"')
            text += '\\';
        text += c;
    }
}

void append_label(std::string& text, std::string_view name, std::string_view value)
{
    text += text.back() == '{' ? "" : ",";
    text += name;
    text += "=\"";
    append_escaped(text, value);
    text += '"';
}

/// `bound` is that of a bucket, or null.
void append_sample(std::string& text, std::string_view name, std::string_view suffix, labels const& own,
                   double value, double const* bound = nullptr)
{
    text.append(name).append(suffix);
    if (!own.empty() || bound != nullptr) {
        text += '{';
        for (auto const& label : own)
            append_label(text, label.name, label.value);
        if (bound != nullptr) {
            std::string le;
            append_bound(le, *bound);
            append_label(text, "le", le);
        }
        text += '}';
    }
    text += ' ';
    append_number(text, value);
    text += '\n';
}

void append_histogram(std::string& text, std::string_view name, ClientMetric const& metric)
{
    auto const& histogram = metric.histogram;
    for (auto const& bucket : histogram.bucket)
        append_sample(text, name, "_bucket", metric.label, static_cast<double>(bucket.cumulative_count),
                      &bucket.upper_bound);
    append_sample(text, name, "_count", metric.label, static_cast<double>(histogram.sample_count));
    append_sample(text, name, "_sum", metric.label, histogram.sample_sum);
}

std::string_view type_of(MetricFamily const& family)
{
    switch (family.type) {
    case MetricType::Counter:
        return "counter";
    case MetricType::Gauge:
        return "gauge";
    case MetricType::Histogram:
        return "histogram";
    case MetricType::Summary:
    case MetricType::Untyped:
        break;
    }
    throw std::invalid_argument(family.name + " is not a counter, gauge or histogram");
}

void append_descriptor(std::string& text, std::string_view kind, std::string_view name, std::string_view what)
{
    text.append("# ").append(kind).append(" ").append(name).append(" ");
    append_escaped(text, what);
    text += '\n';
}

void append_family(std::string& text, MetricFamily const& family)
{
    std::string_view name = family.name;
    if (family.type == MetricType::Counter && name.ends_with("_total"))
        name.remove_suffix(std::string_view("_total").size());
    append_descriptor(text, "TYPE", name, type_of(family));
    for (std::string_view const ending : {"_seconds", "_bytes"})
        if (name.ends_with(ending))
            append_descriptor(text, "UNIT", name, ending.substr(1));
    append_descriptor(text, "HELP", name, family.help);
    for (auto const& metric : family.metric) {
        if (family.type == MetricType::Counter)
            append_sample(text, name, "_total", metric.label, metric.counter.value);
        else if (family.type == MetricType::Gauge)
            append_sample(text, name, "", metric.label, metric.gauge.value);
        else
            append_histogram(text, name, metric);
    }
}

} // namespace

std::string to_openmetrics(std::span<MetricFamily const> families)
{
    std::string text;
    for (auto const& family : families)
        append_family(text, family);
    text += "# EOF\n";
    return text;
}

} // namespace windowd::daemon
