"""The page of results, from what the JSON file holds and nothing else."""

from collections.abc import Sequence
from typing import Any

Line = Sequence[str]

OPENING = """\
# Benchmarks: windowd and what one would use instead

This page is written by `scripts/bench`, with the plots and `results.json`, which holds the figures of every round. To
make it again, on Debian 12: `scripts/bench` (rounds: {rounds}; `--quick` only tries whether everything runs, `--only
REGEX` takes some rows, `--help` tells the rest).

Everything runs on one machine and talks over 127.0.0.1. In each round all of a row take turns, in the opposite order in
every other round, each in a process that is new; a ratio is the median of the ratios of the rounds, with the lowest
and the highest beside it. Every reply to the client is compared with what it has to be; where somebody else's client is
used, the row says what is checked. *CPU ns/value* is what the server alone uses, in user and kernel mode, for one
value; for what runs in one process, that process while it works. A *ratio* in a row's table is its first line's first
figure divided by that of the line.
"""


def aligned(headings: Line, lines: Sequence[Line], left: int = 1) -> str:
    """A table whose first `left` columns are texts, and the others numbers."""
    widths = [max(map(len, column)) for column in zip(headings, *lines, strict=True)]

    def text_of(cells: Line) -> str:
        padded = (
            cell.ljust(width) if index < left else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        return f"| {' | '.join(padded)} |"

    rules = ["-" * width if index < left else "-" * (width - 1) + ":" for index, width in enumerate(widths)]
    return "\n".join([text_of(headings), text_of(rules), *map(text_of, lines)]) + "\n"


def figure_text(value: float | None, column: dict[str, Any]) -> str:
    if value is None:
        return "–"
    return f"{value * column['scale']:,.{column['decimals']}f}"


def spread_text(found: dict[str, Any]) -> str:
    return f"{found['median']:.2f} ({found['lowest']:.2f} to {found['highest']:.2f})"


def target_line(target: dict[str, Any]) -> Line:
    unit = " ×" if target["is_ratio"] else ""
    limit = f"≥ {target['at_least']}" if "at_least" in target else f"≤ {target['at_most']}"
    return [target["what"], limit + unit, spread_text(target), "yes" if target["reached"] else "**no**"]


def targets_table(results: dict[str, Any]) -> str:
    lines = [target_line(target) for row in results["rows"] for target in row["targets"]]
    return aligned(["what", "to reach", "median (lowest to highest)", "reached"], lines) if lines else ""


def row_table(row: dict[str, Any]) -> str:
    columns = row["columns"]
    headings = ["", *(column["heading"] for column in columns), "ratio"]
    lines = [
        [
            each["name"],
            *(figure_text(each["median"].get(column["figure"]), column) for column in columns),
            spread_text(each["ratio"]),
        ]
        for each in row["contestants"]
    ]
    return aligned(headings, lines)


def row_section(row: dict[str, Any]) -> str:
    return f"## {row['title']}\n\n{row['note']}\n\n{row_table(row)}"


def facts(found: dict[str, str]) -> str:
    return "".join(f"- {name}: {text}\n" for name, text in found.items())


def page(results: dict[str, Any], plots: dict[str, str]) -> str:
    """`plots`: what each shows, by the name of its file."""
    pictures = "\n".join(f"![{text}]({name})" for name, text in plots.items())
    parts = [
        OPENING.format(rounds=results["rounds"]),
        f"## To reach\n\n{targets_table(results)}",
        f"{pictures}\n" if plots else "",
        *map(row_section, results["rows"]),
        f"## Where and with what\n\n{results['date']}, rounds: {results['rounds']}.\n\n"
        f"{facts(results['machine'])}\n{facts(results['versions'])}",
    ]
    return "\n".join(part for part in parts if part)
