// The text of metrics, letter by letter.
#include "daemon/openmetrics.hpp"

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace windowd;
using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

std::string text_of(MetricFamily const& family)
{
    return daemon::to_openmetrics({&family, 1});
}

MetricFamily gauge(std::string name, double value)
{
    ClientMetric metric;
    metric.gauge.value = value;
    return {std::move(name), "Some.", MetricType::Gauge, {metric}};
}

/// The value of a gauge as it is written.
std::string written(double value)
{
    auto const text = text_of(gauge("g", value));
    auto const start = text.find("\ng ") + 3;
    return text.substr(start, text.find('\n', start) - start);
}

/// The bound of a bucket as it is written.
std::string written_bound(double bound)
{
    ClientMetric metric;
    metric.histogram.bucket = {{0, bound}};
    auto const text = text_of({"h", "", MetricType::Histogram, {metric}});
    auto const start = text.find("le=\"") + 4;
    return text.substr(start, text.find('"', start) - start);
}

} // namespace

BOOST_AUTO_TEST_SUITE(openmetrics_text)

BOOST_AUTO_TEST_CASE(no_metrics_are_an_end_mark)
{
    BOOST_TEST(daemon::to_openmetrics({}) == "# EOF\n");
}

BOOST_AUTO_TEST_CASE(a_gauge_is_a_line_under_its_description)
{
    BOOST_TEST(text_of(gauge("open", 3)) == "# TYPE open gauge\n"
                                            "# HELP open Some.\n"
                                            "open 3\n"
                                            "# EOF\n");
}

BOOST_AUTO_TEST_CASE(a_counter_says_total_in_its_samples_alone)
{
    ClientMetric one;
    one.label = {{"code", "bad_json"}};
    one.counter.value = 2;
    ClientMetric other;
    other.label = {{"code", "closed"}, {"by", "peer"}};
    std::string const samples = "refused_total{code=\"bad_json\"} 2\n"
                                "refused_total{code=\"closed\",by=\"peer\"} 0\n"
                                "# EOF\n";
    for (auto const* const name : {"refused_total", "refused"})
        BOOST_TEST(text_of({name, "Some.", MetricType::Counter, {one, other}}) == "# TYPE refused counter\n"
                                                                                  "# HELP refused Some.\n" +
                                                                                      samples);
}

BOOST_AUTO_TEST_CASE(a_unit_that_a_name_ends_with_is_told)
{
    MetricFamily const bytes{"sent_bytes_total", "Some.", MetricType::Counter, {}};
    BOOST_TEST(text_of(bytes) == "# TYPE sent_bytes counter\n"
                                 "# UNIT sent_bytes bytes\n"
                                 "# HELP sent_bytes Some.\n"
                                 "# EOF\n");
    BOOST_TEST(text_of(gauge("start_seconds", 1))
                   .starts_with("# TYPE start_seconds gauge\n"
                                "# UNIT start_seconds seconds\n"));
    BOOST_TEST(text_of(gauge("megabytes", 1)).find("UNIT") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_histogram_has_buckets_count_and_sum)
{
    ClientMetric metric;
    metric.label = {{"a", "b"}};
    metric.histogram.sample_count = 6;
    metric.histogram.sample_sum = 0.25;
    metric.histogram.bucket = {{1, 1e-8}, {5, 10}, {6, std::numeric_limits<double>::infinity()}};
    BOOST_TEST(text_of({"lag_seconds", "Some.", MetricType::Histogram, {metric}}) ==
               "# TYPE lag_seconds histogram\n"
               "# UNIT lag_seconds seconds\n"
               "# HELP lag_seconds Some.\n"
               "lag_seconds_bucket{a=\"b\",le=\"1e-08\"} 1\n"
               "lag_seconds_bucket{a=\"b\",le=\"10.0\"} 5\n"
               "lag_seconds_bucket{a=\"b\",le=\"+Inf\"} 6\n"
               "lag_seconds_count{a=\"b\"} 6\n"
               "lag_seconds_sum{a=\"b\"} 0.25\n"
               "# EOF\n");
}

BOOST_AUTO_TEST_CASE(a_summary_is_not_written)
{
    BOOST_CHECK_THROW(text_of({"s", "", MetricType::Summary, {}}), std::invalid_argument);
    BOOST_CHECK_THROW(text_of({"u", "", MetricType::Untyped, {}}), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(quotes_backslashes_and_line_ends_are_escaped)
{
    auto family = gauge("g", 1);
    family.help = "a \"b\" \\ c\nd é";
    family.metric[0].label = {{"l", "a \"b\" \\ c\nd é"}};
    BOOST_TEST(text_of(family) == "# TYPE g gauge\n"
                                  "# HELP g a \\\"b\\\" \\\\ c\\nd é\n"
                                  "g{l=\"a \\\"b\\\" \\\\ c\\nd é\"} 1\n"
                                  "# EOF\n");
}

BOOST_AUTO_TEST_CASE(numbers_are_the_shortest_text_that_gives_them_back_and_counts_have_no_exponent)
{
    BOOST_TEST(written(0) == "0");
    BOOST_TEST(written(0.1) == "0.1");
    BOOST_TEST(written(-2.5) == "-2.5");
    BOOST_TEST(written(1e9) == "1000000000");
    BOOST_TEST(written(9007199254740991) == "9007199254740991");
    BOOST_TEST(written(1e100) == "1e+100");
    BOOST_TEST(written(5e-324) == "5e-324");
    BOOST_TEST(written(std::nan("")) == "NaN");
    BOOST_TEST(written(std::numeric_limits<double>::infinity()) == "+Inf");
    BOOST_TEST(written(-std::numeric_limits<double>::infinity()) == "-Inf");
}

BOOST_AUTO_TEST_CASE(bounds_are_in_the_canonical_form_of_the_specification)
{
    std::vector<std::pair<double, std::string>> const examples{
        {1e-10, "1e-10"},     {1e-5, "1e-05"},   {2.5e-5, "2.5e-05"}, {1e-4, "0.0001"},
        {0.00025, "0.00025"}, {0.1, "0.1"},      {1, "1.0"},          {2.5, "2.5"},
        {10, "10.0"},         {1e5, "100000.0"}, {1e6, "1e+06"},      {1e10, "1e+10"}};
    for (auto const& [bound, text] : examples)
        BOOST_TEST(written_bound(bound) == text);
}

BOOST_AUTO_TEST_SUITE_END()
