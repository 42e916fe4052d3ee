"""From the figures of each round to medians, ratios, and whether a target is reached."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from contestants import Figures
from plan import Column, Row, Target

Rounds = Mapping[str, Sequence[Figures]]  # by the contestant's name


def spread(numbers: Sequence[float]) -> dict[str, float]:
    return {"median": statistics.median(numbers), "lowest": min(numbers), "highest": max(numbers)}


def ratios(rounds: Rounds, column: Column, first: str, second: str) -> list[float]:
    """Round by round: what slows the machine for a while touches both alike."""
    pairs = zip(rounds[first], rounds[second], strict=True)
    return [one[column.figure] / other[column.figure] for one, other in pairs]


def target_result(target: Target, rounds: Rounds) -> dict[str, Any]:
    if target.against is None:
        found = [each[target.figure.figure] * target.figure.scale for each in rounds[target.contestant]]
    else:
        found = ratios(rounds, target.figure, target.contestant, target.against)
    result = {"what": target.what, "is_ratio": target.against is not None, **spread(found)}
    if target.at_least is not None:
        return {**result, "at_least": target.at_least, "reached": statistics.median(found) >= target.at_least}
    assert target.at_most is not None
    return {**result, "at_most": target.at_most, "reached": statistics.median(found) <= target.at_most}


def medians(figures: Sequence[Figures]) -> Figures:
    return {name: statistics.median(each[name] for each in figures) for name in figures[0]}


def row_result(row: Row, rounds: Rounds) -> dict[str, Any]:
    first = row.contestants[0].name
    contestants = [
        {
            "name": name,
            "median": medians(figures),
            "ratio": spread(ratios(rounds, row.columns[0], first, name)),
            "rounds": list(figures),
        }
        for name, figures in rounds.items()
    ]
    return {
        "key": row.key,
        "title": row.title,
        "note": row.note,
        "columns": [asdict(column) for column in row.columns],
        "contestants": contestants,
        "targets": [target_result(target, rounds) for target in row.targets],
    }
