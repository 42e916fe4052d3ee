"""Runs the rounds of scripts/bench and writes what came out."""

import argparse
import json
import pathlib
import re
import signal
import sys
import tempfile
from types import FrameType
from typing import Any

import machine
import plots
import report
from contestants import Bench, Figures
from evaluation import row_result
from plan import ROWS, Row
from processes import Failure


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description="Measures windowd and what one would use instead side by side, and checks what they answer. "
        "Missed targets are shown, and do not make it fail; wrong results do.",
    )
    parser.add_argument("--build", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--results", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, help="how often all take turns (5)")
    parser.add_argument("--quick", action="store_true", help="one round with few values: whether everything works")
    parser.add_argument("--only", metavar="REGEX", help="the rows whose keys or titles match")
    parser.add_argument(
        "--output",
        type=pathlib.Path,
        metavar="FOLDER",
        help="where the page, the JSON file and the plots go (docs/benchmarks; nowhere with --quick or --only)",
    )
    chosen = parser.parse_args()
    chosen.rounds = chosen.rounds or (1 if chosen.quick else 5)
    if chosen.output is None and not chosen.quick and chosen.only is None:
        chosen.output = chosen.results
    return chosen


def chosen_rows(only: str | None) -> list[Row]:
    rows = [row for row in ROWS if only is None or re.search(only, row.key) or re.search(only, row.title)]
    if not rows:
        raise Failure("no row is called so; there are " + ", ".join(row.key for row in ROWS))
    return rows


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def run_round(bench: Bench, row: Row, number: int, rounds: dict[str, list[Figures]]) -> None:
    for contestant in row.contestants if number % 2 == 0 else reversed(row.contestants):
        figures = contestant.run(bench)
        rounds[contestant.name].append(figures)
        shown = (
            f"{figures[column.figure] * column.scale:,.{column.decimals}f} {column.heading}"
            for column in row.columns
            if column.figure in figures
        )
        say(f"  {contestant.name}: {', '.join(shown)}")


def run_all(bench: Bench, rows: list[Row], rounds: int) -> list[dict[str, Any]]:
    found: dict[str, dict[str, list[Figures]]] = {
        row.key: {contestant.name: [] for contestant in row.contestants} for row in rows
    }
    for number in range(rounds):
        for row in rows:
            say(f"round {number + 1} of {rounds}: {row.title}")
            run_round(bench, row, number, found[row.key])
    return [row_result(row, found[row.key]) for row in rows]


def write(results: dict[str, Any], folder: pathlib.Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    drawn = plots.draw(results, folder)
    (folder / "results.json").write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    (folder / "results.md").write_text(report.page(results, drawn))


def measure(chosen: argparse.Namespace, temporary: pathlib.Path) -> None:
    rows = chosen_rows(chosen.only)
    around = machine.circumstances(chosen.build)
    bench = Bench(chosen.build, temporary, chosen.quick)
    results = {**around, "rounds": chosen.rounds, "rows": run_all(bench, rows, chosen.rounds)}
    write(results, chosen.output or temporary / "results")
    print(report.targets_table(results), end="")
    if chosen.output:
        say(f"written to {chosen.output}")


def end_by_signal(number: int, _frame: FrameType | None) -> None:
    """As an exception, so that all that was started is stopped."""
    sys.exit(128 + number)


def main() -> int:
    signal.signal(signal.SIGTERM, end_by_signal)
    signal.signal(signal.SIGHUP, end_by_signal)
    chosen = arguments()
    try:
        with tempfile.TemporaryDirectory(prefix="windowd-bench-") as temporary:
            measure(chosen, pathlib.Path(temporary))
    except Failure as failure:
        say(f"scripts/bench: {failure}")
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return 0


if __name__ == "__main__":
    sys.exit(main())
