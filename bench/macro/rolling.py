"""How fast pandas and bottleneck compute rolling statistics of an array that is whole in memory; one JSON object.

The first results are compared with what windowd answers when it is sent the same values one by one.
"""

import argparse
import json
import random
import socket
import time
from collections.abc import Callable
from typing import Any

import bottleneck
import numpy
import pandas

SHOWN = 20_000  # values that windowd is asked about
TOLERANCE = 1e-7  # relative, and absolute below 1: pandas and bottleneck round at each step, windowd does not

Array = Any  # of doubles; numpy's own types differ between its versions
Rolling = Callable[[Array, int], Array]

LIBRARIES: dict[str, dict[str, Rolling]] = {
    "pandas": {
        "mean": lambda values, size: pandas.Series(values).rolling(size).mean().to_numpy(),
        "std": lambda values, size: pandas.Series(values).rolling(size).std().to_numpy(),
        "median": lambda values, size: pandas.Series(values).rolling(size).median().to_numpy(),
        "min": lambda values, size: pandas.Series(values).rolling(size).min().to_numpy(),
        "max": lambda values, size: pandas.Series(values).rolling(size).max().to_numpy(),
        "skew": lambda values, size: pandas.Series(values).rolling(size).skew().to_numpy(),
    },
    "bottleneck": {
        "mean": lambda values, size: bottleneck.move_mean(values, size),
        "std": lambda values, size: bottleneck.move_std(values, size, ddof=1),
        "median": lambda values, size: bottleneck.move_median(values, size),
        "min": lambda values, size: bottleneck.move_min(values, size),
        "max": lambda values, size: bottleneck.move_max(values, size),
    },
}


def ask_windowd(port: int, values: list[float], size: int, statistic: str) -> list[float]:
    """What windowd yields to each value, once its window is full."""
    opening = json.dumps({"op": "open", "size": size, "stats": [statistic]})
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        with connection.makefile("r", encoding="utf-8") as replies:
            connection.sendall("\n".join([opening, *map(repr, values), ""]).encode())
            connection.shutdown(socket.SHUT_WR)
            lines = [json.loads(line) for line in replies]
    if len(lines) != 1 + len(values):
        raise SystemExit(f"windowd gave {len(lines)} replies to {1 + len(values)} requests: {lines[:1]}")
    yields: list[float] = lines[size:]
    return yields


def compare(found: Array, expected: list[float]) -> int:
    """How many are the same."""
    agree = numpy.isclose(found, expected, rtol=TOLERANCE, atol=TOLERANCE)
    if len(found) != len(expected) or not agree.all():
        where = int(numpy.argmin(agree))
        raise SystemExit(f"of result {where} windowd says {expected[where]!r}, this package {found[where]!r}")
    return len(expected)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("package", choices=LIBRARIES)
    parser.add_argument("--stat", required=True)
    parser.add_argument("--window-size", type=int, required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--port", type=int, required=True, help="of windowd")
    asked = parser.parse_args()
    source = random.Random(2015)
    values = [source.randrange(1600, 100_000) / 100 for _ in range(asked.count)]
    array = numpy.array(values)
    compute = LIBRARIES[asked.package][asked.stat]

    began, cpu_began = time.perf_counter(), time.process_time()
    results = compute(array, asked.window_size)
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu_began

    shown = values[:SHOWN]
    expected = ask_windowd(asked.port, shown, asked.window_size, asked.stat)
    checked = compare(results[asked.window_size - 1 : len(shown)], expected)
    print(
        json.dumps(
            {"values": asked.count, "seconds": seconds, "server_cpu_seconds": cpu_seconds, "checked": checked}
        )
    )


if __name__ == "__main__":
    main()
