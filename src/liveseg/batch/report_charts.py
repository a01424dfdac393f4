"""The charts of a batch's page: where the time went, and how many files were finished when."""

from __future__ import annotations

import math
from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING

from liveseg.batch.words import share, shown, span
from liveseg.pages.drawing import drawing, number, percent, round_range, ticks, upright
from liveseg.pages.style import SERIES_LIGHT
from liveseg.pages.text import count

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from liveseg.batch.report_data import Moment

IDLE = "idle"

_GAP = 3
"""Stretches without anything that make a pause."""

_STEPS = (1e-3, 1e-2, 0.1, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
"""Seconds between the labels of an axis of time, where days are not enough a multiple of them."""

_MOST_LABELS = 8


def color_of(place: int, name: str) -> str:
    """The class of a part's colour; what nobody worked on has none of its own.

    Args:
        place: of the part among the others.
        name: of it.
    """
    return "track" if name == IDLE else f"series-{place % len(SERIES_LIGHT)}"


def stacked(parts: Mapping[str, float]) -> str:
    """A bar as wide as the page, cut into parts by how large they are.

    Args:
        parts: seconds by name.
    """
    whole = sum(parts.values())
    drawn, begun = [], 0.0
    for place, (name, seconds) in enumerate(parts.items()):
        if not whole or not seconds:
            continue
        words = f"{shown(name)}: {share(seconds, whole)}, {span(seconds)}"
        drawn.append(
            f'<rect class="{color_of(place, name)}" x="{percent(begun / whole)}" width="{percent(seconds / whole)}"'
            f' height="34" stroke="var(--page)" stroke-width="2"><title>{escape(words)}</title></rect>'
        )
        begun += seconds
    told = ", ".join(f"{shown(name)} {share(seconds, whole)}" for name, seconds in parts.items() if seconds)
    return f'<svg width="100%" height="34" role="img" aria-label="{escape(told)}">{"".join(drawn)}</svg>'


def throughput(moments: Sequence[Moment], seconds: float) -> str:
    """How many files were finished a minute, over the time at work: a pause is a dashed line.

    Args:
        moments: in order.
        seconds: of each.
    """
    width, height, left, top = 960.0, 190.0, 52.0, 22.0
    floor = top + height
    rates = [60 * each.files / seconds for each in moments]
    _, most = round_range(0, max(rates, default=0.0) or 1.0)
    each_width = width / len(moments)
    parts = []
    for tick in ticks(0, most):
        y = number(floor - height * tick / most)
        parts.append(f'<line class="grid" x1="{left}" x2="{left + width}" y1="{y}" y2="{y}"/>')
        parts.append(f'<text x="{left - 6}" y="{y}" dy="4" text-anchor="end">{_short(tick)}</text>')
    for place, (moment, rate) in enumerate(zip(moments, rates, strict=True)):
        words = f"after {span(place * seconds)}: {count(moment.files, 'file')} in {span(seconds)}"
        words += f", {moment.failed:,} failed" if moment.failed else ""
        x, wide = number(left + place * each_width), number(max(each_width - min(1.0, each_width / 4), 0.5))
        tall = height * rate / most
        broken = min(60 * moment.failed / seconds, rate) * height / most
        bars = f'<rect class="fill" x="{x}" y="{number(floor - tall)}" width="{wide}" height="{number(tall)}"/>'
        if broken:
            bars += f'<rect class="bad" x="{x}" y="{number(floor - broken)}" width="{wide}" height="{number(broken)}"/>'
        parts.append(f"<g><title>{escape(words)}</title>{bars}</g>")
    parts.append(f'<line class="axis" x1="{left}" x2="{left + width}" y1="{floor}" y2="{floor}"/>')
    parts += _pauses(moments, seconds, left, each_width, (top, floor))
    whole = len(moments) * seconds
    for tick in _times(whole):
        x = number(left + width * tick / whole)
        parts.append(
            f'<text x="{x}" y="{floor + 16}" text-anchor="middle">{escape(span(tick)) if tick else "0"}</text>'
        )
    parts.append(
        f'<text class="strong" x="{left + width / 2}" y="{floor + 35}" text-anchor="middle">time at work</text>'
    )
    parts.append(upright(10, top + height / 2, "files a minute"))
    return drawing(
        left + width + 16, floor + 42, "Files a minute over the time at work; the data are in report.json", parts
    )


def _pauses(
    moments: Sequence[Moment], seconds: float, left: float, each_width: float, span_of: tuple[float, float]
) -> list[str]:
    parts, free = [], 0.0
    for place, (before, after) in enumerate(pairwise(moments), start=1):
        away = after.began - before.began - seconds
        if away < _GAP * seconds:
            continue
        x = left + place * each_width
        top, floor = span_of
        parts.append(f'<line class="ideal" x1="{number(x)}" x2="{number(x)}" y1="{top}" y2="{floor}"/>')
        # Where pauses are many, words would be written over each other.
        if x >= free:
            parts.append(
                f'<text x="{number(x)}" y="{top - 7}" text-anchor="middle">{escape(f"pause of {span(away)}")}</text>'
            )
            free = x + 120
    return parts


def _times(whole: float) -> list[float]:
    """Times from 0 to a whole that are easily read, a few of them."""
    step = next((each for each in _STEPS if whole / each <= _MOST_LABELS), None)
    step = math.ceil(whole / _MOST_LABELS / _STEPS[-1]) * _STEPS[-1] if step is None else step
    return [step * index for index in range(int(whole / step) + 1)]


def _short(value: float) -> str:
    return f"{value / 1000:g}k" if value >= 10_000 else f"{value:g}"
