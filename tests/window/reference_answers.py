#!/usr/bin/env python3
"""Writes reference_answers.hpp: what Python says of some windows, in exact fractions and with pandas.

Needs Debian's python3-pandas, and is run only to change the table:
    /usr/bin/python3 tests/window/reference_answers.py | clang-format-16 > tests/window/reference_answers.hpp
"""
import math
import statistics
from fractions import Fraction

import numpy
import pandas

# Of the statistics at hand pandas rounds its own way: the table has its skew and kurt only of windows where it keeps
# twelve digits. Elsewhere it takes a small sum of powers for zero, overflows, or loses digits beside a large mean.
WINDOWS = [
    # (what it is, values, times or none, whether pandas is fit for it)
    ("one value", [7.25], [], False),
    ("two values", [0.1, 0.7], [], False),
    ("three values", [3.5, -1.25, 0.1], [], True),
    ("equal values", [1.1] * 6, [], False),
    ("whole numbers", [1, 2, 3, 4, 10], [], True),
    ("temperatures", [138, 136, 137, 137, 135, 136, 135, 135, 135], [], True),
    ("tenths", [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7], [], False),
    ("both signs", [-0.3, 2.75, -19.01, 4.4, 4.4, -7.125, 0.0, 13.37], [], True),
    ("response times with an outlier",
     [12.1, 11.8, 14.9, 12.2, 13.7, 12.4, 11.9, 940.2, 12.6, 15.3, 12.0, 12.8, 13.1, 12.3, 11.7, 14.2, 12.5, 13.3,
      12.7, 16.4], [], True),
    ("a hundred and one squares modulo 97", [i * i % 97 / 8 for i in range(101)], [], True),
    ("far from zero", [1e9 + 0.1, 1e9 + 0.7, 1e9 + 0.2, 1e9 + 0.9, 1e9 + 0.4], [], False),
    ("neighbours", [1.0, math.nextafter(1, 2), 1.0, math.nextafter(1, 0), 1.0], [], False),
    ("cancelling", [1.0, 1e100, 1.0, -1e100, 3e16], [], False),
    ("beyond the range of a variance", [1e200, -3e200, 2.5e200, 1.7e308, -1e308], [], False),
    ("denormals", [5e-324, 1e-320, -2.5e-322, 4e-310, 0.0, 3e-319], [], False),
    ("seconds, some of them equal",
     [3.5, 4.25, 4.5, 5.125, 5.0, 7.75],
     [1700000000.25, 1700000000.5, 1700000000.5, 1700000003.125, 1700000004.0, 1700000004.1], True),
    ("microseconds", [0.1, 0.4, 0.2, 0.7], [1.7e9, 1.7e9 + 1e-6, 1.7e9 + 3e-6, 1.7e9 + 5e-6], True),
]


def rounded(exact):
    """The nearest double; None where that would be infinite."""
    try:
        return float(exact)
    except OverflowError:
        return None


def rounded_root(exact):
    """The double nearest to the square root. Of 200 bits and more: the rest can only decide a tie."""
    shift = 400 + 2 * max(0, exact.denominator.bit_length() - exact.numerator.bit_length())
    square = exact * 4**shift
    root = math.isqrt(square.numerator // square.denominator)
    return rounded(Fraction(2 * root + (root * root != square), 2 * 2**shift))


def signed_root(exact_square, sign):
    root = rounded_root(exact_square)
    return -root if sign < 0 else root


def percentile(values, percent):
    ordered = sorted(map(Fraction, values))
    position = Fraction(percent) / 100 * (len(ordered) - 1)
    lower = math.floor(position)
    upper = min(lower + 1, len(ordered) - 1)
    return rounded(ordered[lower] + (ordered[upper] - ordered[lower]) * (position - lower))


def slope(values, times):
    n = len(values)
    t = [Fraction(time) for time in times] or [Fraction(i) for i in range(n)]
    x = [Fraction(value) for value in values]
    below = n * sum(a * a for a in t) - sum(t) ** 2
    return rounded((n * sum(a * b for a, b in zip(t, x)) - sum(t) * sum(x)) / below) if below else None


def answers(values, times):
    n = len(values)
    exact = [Fraction(value) for value in values]
    mean = sum(exact) / n
    second, third, fourth = (sum((x - mean) ** k for x in exact) for k in (2, 3, 4))
    spread = n > 1 and second != 0
    return {
        "var": rounded(second / (n - 1)) if n > 1 else None,
        "std": rounded_root(second / (n - 1)) if n > 1 else None,
        "pvar": rounded(second / n),
        "pstd": rounded_root(second / n),
        "median": percentile(values, "50"),
        "p25": percentile(values, "25"),
        "p95": percentile(values, "95"),
        "p99.9": percentile(values, "99.9"),
        "skew": signed_root(Fraction(n * n * (n - 1), (n - 2) ** 2) * third**2 / second**3, third)
        if n > 2 and spread else None,
        "kurt": rounded(Fraction(n - 1, (n - 2) * (n - 3)) * (n * (n + 1) * fourth / second**2 - 3 * (n - 1)))
        if n > 3 and spread else None,
        "slope": slope(values, times),
        "zscore": signed_root((exact[-1] - mean) ** 2 * (n - 1) / second, exact[-1] - mean) if spread else None,
    }


def of_pandas(values):
    series = pandas.Series(values, dtype="float64")
    found = {"skew": series.skew(), "kurt": series.kurt()}
    return {name: float(value) for name, value in found.items() if not math.isnan(value)}


def check(values, exact, pandas_is_fit):
    """Says so if this file is wrong: the standard library, which has its own fractions, NumPy and pandas."""
    if len(values) > 1 and exact["var"] is not None:
        assert exact["var"] == statistics.variance(values), "var"
        assert exact["std"] == statistics.stdev(values), "std"
        assert exact["pvar"] == statistics.pvariance(values), "pvar"
        assert exact["pstd"] == statistics.pstdev(values), "pstd"
    if pandas_is_fit:
        for name, percent in (("median", 50), ("p25", 25), ("p95", 95), ("p99.9", 99.9)):
            assert math.isclose(exact[name], numpy.percentile(values, percent), rel_tol=1e-12), name
        for name, value in of_pandas(values).items():
            assert math.isclose(exact[name], value, rel_tol=1e-12), (name, exact[name], value)


def numbers(values):
    return "{" + ", ".join(repr(value) for value in values) + "}"


def table(found):
    return "{" + ", ".join(f'{{"{name}", {"undefined" if value is None else repr(value)}}}'
                           for name, value in found.items()) + "}"


def main():
    print(f"""// What Python says of some windows. Written by reference_answers.py, which see; not to be edited.
// Python's fractions, rounded once; pandas {pandas.__version__}.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

namespace windowd::window::test {{

struct reference_answer {{
    std::string_view statistic;
    std::optional<double> value;
}};

struct reference_window {{
    std::string_view what;
    std::vector<double> values;
    std::vector<double> times; // none: not a window of time
    std::vector<reference_answer> exact;
    std::vector<reference_answer> pandas; // rounded by pandas, as it happens
}};

inline std::vector<reference_window> reference_windows()
{{
    constexpr auto undefined = std::nullopt;
    return {{""")
    for what, values, times, pandas_is_fit in WINDOWS:
        exact = answers(values, times)
        check(values, exact, pandas_is_fit)
        rounded_by_pandas = of_pandas(values) if pandas_is_fit else {}
        print(f'{{"{what}", {numbers(values)}, {numbers(times)}, {table(exact)}, {table(rounded_by_pandas)}}},')
    print("""};
}

} // namespace windowd::window::test""")


if __name__ == "__main__":
    main()
