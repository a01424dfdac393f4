"""The charts of the pages, as inline SVG in the page's own colours; each says in words what it shows."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np

from liveseg.pages.drawing import drawing, number, percent, round_range, round_step, stretched, ticks, upright

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from liveseg.evaluate.result import Interval

    Floats = NDArray[np.float64]

_HISTOGRAM_BINS = 20

_NAME_WIDTH, _NAME_HEIGHT = 90.0, 14.0
"""About what a name beside a point takes, in pixels."""

_LEAST_SHARE = 0.001
"""Of all pixels, those that a bin must have to be believed."""


def interval_bar(score: Interval) -> str:
    """A bar from 0 to 1 with its interval as a whisker; as wide as what holds it, and hidden from screen readers."""
    return stretched(
        '<rect class="track" y="5" width="100%" height="8" rx="2"/>'
        f'<rect class="soft" y="5" width="{percent(score.value)}" height="8" rx="2"/>' + _whisker(score.low, score.high)
    )


def difference_bar(difference: Interval, span: float) -> str:
    """A point with its whisker on a line from `-span` to `span`, whose middle is marked; as wide as what holds it."""
    low, high = difference.low, difference.high

    def place(each: float) -> float:
        return 0.5 + 0.5 * max(min(each / span, 1.0), -1.0)

    kind = "even" if low is None or high is None or low <= 0 <= high else "fill" if low > 0 else "bad"
    return stretched(
        '<line class="grid" x2="100%" y1="9" y2="9"/>'
        '<line class="axis" x1="50%" x2="50%" y1="0" y2="18"/>'
        + _whisker(*(None if end is None else place(end) for end in (low, high)))
        + f'<circle class="{kind}" cx="{percent(place(difference.value))}" cy="9" r="5"/>'
    )


def reliability(confidence: Floats, accuracy: Floats, share: Floats) -> str:
    """How often pixels are right against how sure the network is of them; below it, how many pixels are how sure.

    Bins of very few pixels are hollow, and no line goes to them.

    Args:
        confidence: the mean of each bin, `(N,)`, in [0, 1]; bins without pixels are left out.
        accuracy: the share of them that is right, `(N,)`.
        share: of all pixels, `(N,)`.
    """
    side, left, top, gap, low = 260.0, 44.0, 10.0, 14.0, 60.0

    def x(each: float) -> str:
        return number(left + side * each)

    def y(each: float) -> str:
        return number(top + side * (1 - each))

    parts = _axes(left, top, side, side)
    parts.append(f'<line class="ideal" x1="{x(0)}" y1="{y(0)}" x2="{x(1)}" y2="{y(1)}"/>')
    points = list(zip(confidence.tolist(), accuracy.tolist(), share.tolist(), strict=True))
    many = [(sure, right) for sure, right, part in points if part >= _LEAST_SHARE]
    parts += [
        f'<line class="off" x1="{x(sure)}" y1="{y(sure)}" x2="{x(sure)}" y2="{y(right)}"/>' for sure, right in many
    ]
    trace = " ".join(f"{x(sure)},{y(right)}" for sure, right in many)
    parts.append(f'<polyline class="whisker" points="{trace}"/>')
    for sure, right, part in points:
        kind = "fill" if part >= _LEAST_SHARE else "hollow"
        parts.append(f'<circle class="{kind}" cx="{x(sure)}" cy="{y(right)}" r="3.5"/>')
    floor = top + side + gap + low
    most = float(share.max()) if len(share) else 1.0
    for sure, _, part in points:
        height = low * part / most
        parts.append(
            f'<rect class="soft" x="{number(left + side * sure - 5)}" y="{number(floor - height)}" width="10"'
            f' height="{number(height)}"/>'
        )
    parts.append(f'<line class="axis" x1="{left}" x2="{left + side}" y1="{floor}" y2="{floor}"/>')
    parts += _ticks_below(left, floor, side, "how sure the network is, per cent")
    parts.append(f'<text x="{left - 6}" y="{floor - low + 4}" text-anchor="end">{100 * most:.0f}%</text>')
    parts.append(f'<text x="{left - 6}" y="{floor}" text-anchor="end">0%</text>')
    parts.append(upright(12, top + side / 2, "pixels that are right, per cent"))
    return drawing(left + side + 16, floor + 42, "Right answers against confidence; the table has the numbers", parts)


def photo_counts(scores: Sequence[float]) -> tuple[NDArray[np.int64], Floats]:
    """How many of some shares in [0, 1] lie in each of 20 equal bins, and the bins' 21 edges."""
    counts, edges = np.histogram(scores, bins=_HISTOGRAM_BINS, range=(0.0, 1.0))
    return counts, edges


def histogram(scores: Sequence[float]) -> str:
    """How many photos reach which score, a share in [0, 1]; a line marks the median."""
    width, height, left, top = 440.0, 200.0, 40.0, 24.0
    counts, edges = photo_counts(scores)
    most = max(int(counts.max()), 1)
    step = max(int(round_step(most)), 1)
    floor = top + height
    parts = []
    for tick in range(0, most + 1, step):
        y = number(floor - height * tick / most)
        parts.append(f'<line class="grid" x1="{left}" x2="{left + width}" y1="{y}" y2="{y}"/>')
        parts.append(f'<text x="{left - 6}" y="{y}" dy="4" text-anchor="end">{tick}</text>')
    for count, begin, end in zip(counts.tolist(), edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        tall = height * count / most
        parts.append(
            f'<rect class="fill" x="{number(left + width * begin + 1)}" y="{number(floor - tall)}"'
            f' width="{number(width * (end - begin) - 2)}" height="{number(tall)}">'
            f"<title>{100 * begin:.0f} to {100 * end:.0f}: {count}</title></rect>"
        )
    middle = float(np.median(np.array(scores)))
    x = number(left + width * middle)
    parts.append(f'<line class="median" x1="{x}" x2="{x}" y1="{top - 4}" y2="{floor}"/>')
    parts.append(f'<text class="strong" x="{x}" y="{top - 9}" text-anchor="middle">median {100 * middle:.1f}</text>')
    parts.append(f'<line class="axis" x1="{left}" x2="{left + width}" y1="{floor}" y2="{floor}"/>')
    parts += _ticks_below(left, floor, width, "mIoU of a photo, per cent")
    parts.append(upright(10, top + height / 2, "photos"))
    return drawing(left + width + 16, floor + 42, f"Photos by their mIoU; the median is {100 * middle:.1f}", parts)


def scatter(names: Sequence[str], rates: Sequence[float], scores: Sequence[Interval]) -> str:
    """Score against rate, a point each with its interval; the best stand at the upper right.

    Args:
        names: what stands beside the points.
        rates: photos a second.
        scores: shares in [0, 1].
    """
    width, height, left, top = 620.0, 300.0, 48.0, 16.0
    lows = [score.value if score.low is None else score.low for score in scores]
    highs = [score.value if score.high is None else score.high for score in scores]
    bottom, ceiling = round_range(100 * min(lows), 100 * max(highs))
    _, most = round_range(0, 1.1 * max(rates))
    floor = top + height

    def x(rate: float) -> float:
        return left + width * rate / most

    def y(share: float) -> float:
        return floor - height * (100 * share - bottom) / (ceiling - bottom)

    parts = []
    for tick in ticks(bottom, ceiling):
        place = number(floor - height * (tick - bottom) / (ceiling - bottom))
        parts.append(f'<line class="grid" x1="{left}" x2="{left + width}" y1="{place}" y2="{place}"/>')
        parts.append(f'<text x="{left - 6}" y="{place}" dy="4" text-anchor="end">{tick:g}</text>')
    parts += [
        f'<text x="{number(x(tick))}" y="{floor + 16}" text-anchor="middle">{tick:g}</text>' for tick in ticks(0, most)
    ]
    parts.append(f'<line class="axis" x1="{left}" x2="{left + width}" y1="{floor}" y2="{floor}"/>')
    taken: list[tuple[float, float]] = []
    for name, rate, score, low, high in zip(names, rates, scores, lows, highs, strict=True):
        at, place = number(x(rate)), number(y(score.value))
        parts.append(f'<line class="whisker" x1="{at}" x2="{at}" y1="{number(y(low))}" y2="{number(y(high))}"/>')
        parts.append(f'<circle class="fill" cx="{at}" cy="{place}" r="5"/>')
        # A name that would leave the drawing stands to the left of its point.
        side = 'dx="-9" text-anchor="end"' if rate > 0.7 * most else 'dx="9"'
        level = _free_level(taken, x(rate), y(score.value) - 5)
        parts.append(f'<text class="strong" x="{at}" y="{number(level)}" {side}>{escape(name)}</text>')
    parts.append(
        f'<text class="strong" x="{left + width / 2}" y="{floor + 35}" text-anchor="middle">photos a second,'
        " the network's line alone</text>"
    )
    parts.append(upright(12, top + height / 2, "mIoU, per cent"))
    return drawing(left + width + 16, floor + 42, "mIoU against rate; the table has the numbers", parts)


def _free_level(taken: list[tuple[float, float]], across: float, level: float) -> float:
    """The height at which a text is not written over another one, which is then taken; below where it was wanted."""
    while any(abs(across - x) < _NAME_WIDTH and abs(level - y) < _NAME_HEIGHT for x, y in taken):
        level += _NAME_HEIGHT
    taken.append((across, level))
    return level


def _whisker(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return ""
    begin, end = percent(low), percent(high)
    return (
        f'<line class="whisker" x1="{begin}" x2="{end}" y1="9" y2="9"/>'
        f'<line class="whisker" x1="{begin}" x2="{begin}" y1="5" y2="13"/>'
        f'<line class="whisker" x1="{end}" x2="{end}" y1="5" y2="13"/>'
    )


def _axes(left: float, top: float, width: float, height: float) -> list[str]:
    """A grid of quarters with the left axis's numbers, for shares shown as per cent."""
    parts = []
    for tick in (0, 25, 50, 75, 100):
        y, x = number(top + height * (1 - tick / 100)), number(left + width * tick / 100)
        parts.append(f'<line class="grid" x1="{left}" x2="{left + width}" y1="{y}" y2="{y}"/>')
        parts.append(f'<line class="grid" x1="{x}" x2="{x}" y1="{top}" y2="{top + height}"/>')
        parts.append(f'<text x="{left - 6}" y="{y}" dy="4" text-anchor="end">{tick}</text>')
    return parts


def _ticks_below(left: float, floor: float, width: float, title: str) -> list[str]:
    parts = [
        f'<text x="{number(left + width * tick / 100)}" y="{floor + 16}" text-anchor="middle">{tick}</text>'
        for tick in (0, 25, 50, 75, 100)
    ]
    parts.append(f'<text class="strong" x="{left + width / 2}" y="{floor + 35}" text-anchor="middle">{title}</text>')
    return parts
