"""The statistics of a benchmark: medians and percentiles of raw values, and ratios taken round by round."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Summary:
    """What is said of several values of one quantity.

    Args:
        median: half of the values lie below it.
        p5: 5 per cent of them do, linearly interpolated between neighbours; of few values close to the least.
        p95: 95 per cent of them do.
        count: how many values there are.
    """

    median: float
    p5: float
    p95: float
    count: int


def summarize(values: Sequence[float]) -> Summary | None:
    """The summary of raw values; `None` of none."""
    if not values:
        return None
    p5, median, p95 = (float(value) for value in np.percentile(values, [5, 50, 95]))
    return Summary(median, p5, p95, len(values))


def median(values: Sequence[float]) -> float | None:
    """The median; `None` of no values."""
    return float(np.median(values)) if values else None


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """How many times as much `ours` is in each round: what slowed a round down slowed both of its sides."""
    return [own / other for own, other in zip(ours, theirs, strict=False) if other > 0]


def median_by_key(rows: Sequence[dict[str, float]]) -> dict[str, float]:
    """The median of each key over the rows that have it, keys in the order in which they first appear."""
    keys = dict.fromkeys(key for row in rows for key in row)
    return {key: float(np.median([row[key] for row in rows if key in row])) for key in keys}


def rounded(value: Any) -> Any:
    """The same JSON data with six significant digits: more are noise."""
    if isinstance(value, dict):
        return {name: rounded(own) for name, own in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(own) for own in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value
