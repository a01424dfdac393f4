"""What the charts of a page are drawn with: inline SVG in the page's own colours, axes with round numbers."""

from __future__ import annotations

import math
from html import escape


def drawing(width: float, height: float, words: str, parts: list[str]) -> str:
    """A drawing of so many pixels, which shrinks on a narrow page; `words` say what it shows to who cannot see it."""
    return (
        f'<svg viewBox="0 0 {number(width)} {number(height)}" width="{number(width)}" role="img"'
        f' aria-label="{escape(words)}">{"".join(parts)}</svg>'
    )


def stretched(inside: str) -> str:
    """A bar as wide as what holds it, hidden from screen readers: the number stands beside it."""
    return f'<svg class="bar" height="18" aria-hidden="true">{inside}</svg>'


def share_bar(share: float) -> str:
    """A bar from 0 to 1, filled so far."""
    return stretched(
        '<rect class="track" y="5" width="100%" height="8" rx="2"/>'
        f'<rect class="soft" y="5" width="{percent(share)}" height="8" rx="2"/>'
    )


def upright(x: float, y: float, text: str) -> str:
    """The title of an axis at the left, read from below."""
    return f'<text class="strong" transform="translate({x} {y}) rotate(-90)" text-anchor="middle">{text}</text>'


def round_range(low: float, high: float) -> tuple[float, float]:
    """The range widened to whole steps of its ticks."""
    step = round_step(high - low)
    begin, end = math.floor(low / step) * step, math.ceil(high / step) * step
    return begin, max(end, begin + step)


def ticks(low: float, high: float) -> list[float]:
    """Round numbers from `low`, about five of them."""
    step = round_step(high - low)
    return [low + step * index for index in range(math.floor((high - low) / step + 1e-6) + 1)]


def round_step(span: float) -> float:
    """1, 2 or 5 times a power of ten, of which about five fit into a span."""
    raw = max(span, 1e-6) / 5
    power = 10.0 ** math.floor(math.log10(raw))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw * 0.999)


def percent(share: float) -> str:
    """A share as SVG wants a length, held between 0 and 1."""
    return f"{100 * max(min(share, 1.0), 0.0):.2f}%"


def number(value: float) -> str:
    """A coordinate, no longer than it must be."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
