"""The plots of the results: SVG, the same bytes for the same results."""

import pathlib
from collections.abc import Callable
from typing import Any

import matplotlib

matplotlib.use("svg")

from matplotlib import pyplot  # noqa: E402  (the line above decides what it draws on)
from matplotlib.axes import Axes  # noqa: E402

matplotlib.rcParams.update({"svg.hashsalt": "windowd", "svg.fonttype": "none", "font.size": 9})

OURS, OTHERS = "#1f6f8b", "#b0b7bc"
LINES = {"windowd": OURS, "windowd --threads 1": "#6fb1c4", "bare Asio echo server": "#c0603a"}
QUANTILES = {"p50_us": "p50", "p90_us": "p90", "p99_us": "p99", "p999_us": "p99.9", "max_us": "max"}

Rows = dict[str, dict[str, Any]]  # by their keys


def throughput(axes: Axes, rows: Rows) -> None:
    """Of everything that takes values one by one, or a file of them."""
    found = {
        each["name"]: each["median"]["values_per_second"]
        for key in ("one-connection", "requests")
        for each in rows[key]["contestants"]
    }
    names = sorted(found, key=found.__getitem__)
    bars = axes.barh(
        names, [found[name] for name in names], color=[OURS if name.startswith("windowd") else OTHERS for name in names]
    )
    axes.bar_label(bars, [f"{found[name] / 1e6:.2f} M" for name in names], padding=3)
    axes.set_xscale("log")
    axes.set_xlim(right=max(found.values()) * 3)
    axes.set_xlabel("values a second, one connection (logarithmic)")


def latency(axes: Axes, rows: Rows) -> None:
    for key, style, load in (("latency", "-", "alone"), ("busy", "--", "among 1,000 busy ones")):
        for each in rows[key]["contestants"]:
            known = [name for name in QUANTILES if name in each["median"]]
            axes.plot(
                [QUANTILES[name] for name in known],
                [each["median"][name] for name in known],
                style,
                marker="o",
                color=LINES[each["name"]],
                label=f"{each['name']}, {load}",
            )
    axes.set_yscale("log")
    axes.set_ylabel("µs from request to answer (logarithmic)")
    axes.legend()


def window_sizes(axes: Axes, rows: Rows) -> None:
    for statistic, color in (("mean", OURS), ("p99", "#c0603a")):
        chosen = [each for each in rows["sizes"]["contestants"] if each["name"].startswith(f"{statistic} ")]
        axes.plot(
            [each["median"]["window_size"] for each in chosen],
            [each["median"]["cpu_ns_per_value"] for each in chosen],
            marker="o",
            color=color,
            label=statistic,
        )
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("values in the window (logarithmic)")
    axes.set_ylabel("server CPU, ns a value")
    axes.legend()


# What is drawn, what of, and what it is called.
PLOTS: dict[str, tuple[Callable[[Axes, Rows], None], set[str], str]] = {
    "throughput.svg": (throughput, {"one-connection", "requests"}, "Throughput of all, one connection"),
    "latency.svg": (latency, {"latency", "busy"}, "Latency of windowd and of a bare echo"),
    "window-sizes.svg": (window_sizes, {"sizes"}, "What a value costs, by the size of the window"),
}


def draw(results: dict[str, Any], folder: pathlib.Path) -> dict[str, str]:
    """Writes those whose rows are there; what each shows, by the name of its file."""
    rows = {row["key"]: row for row in results["rows"]}
    drawn = {}
    for name, (plot, needed, title) in PLOTS.items():
        if needed <= rows.keys():
            figure, axes = pyplot.subplots(figsize=(7.5, 4.2), layout="constrained")
            plot(axes, rows)
            axes.set_title(title)
            figure.savefig(folder / name, metadata={"Date": None})
            pyplot.close(figure)
            drawn[name] = title
    return drawn
