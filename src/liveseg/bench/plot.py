"""The picture of a benchmark: rate against the mIoU that is known of each combination."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liveseg.evaluate.plot import Point, Span, draw_points

if TYPE_CHECKING:
    from os import PathLike

    from liveseg.bench.result import BenchResult, Entry


def plot(result: BenchResult, path: str | PathLike[str], *, overwrite: bool = True) -> int:
    """Draw rate (median, with 5th to 95th percentile) against the model's mIoU; returns how many points it has.

    The quality is `Entry.quality`; points whose quality is assumed are hollow. Combinations whose quality is not known
    are left out, and the picture says how many.

    Raises:
        UsageError: an extension that is not known.
        MissingExtraError: matplotlib is not installed.
        SinkError: the file cannot be written.
    """
    measured = [entry for entry in result.entries if entry.rate is not None]
    points = [point for point in map(_point, measured) if point is not None]
    unit = "network alone" if result.settings["network_only"] else "decoding to encoding"
    left_out = f"; {len(measured) - len(points)} of unknown quality left out" if len(points) < len(measured) else ""
    title = (
        f"{result.source['name']} {result.source['width']}x{result.source['height']},"
        f" {result.machine['processor']}\nhollow: mIoU assumed from that at another size{left_out}"
    )
    draw_points(points, path, across=f"frames a second ({unit})", title=title, overwrite=overwrite)
    return len(points)


def _point(entry: Entry) -> Point | None:
    rate, quality = entry.rate, entry.quality
    if rate is None or quality is None:
        return None
    value, kind = quality
    width, height = entry.found["network_input"]
    return Point(
        f"{entry.combination.model} {width}x{height}, {kind}",
        Span(rate.median, rate.p5, rate.p95),
        Span(value, value, value),
        entry.found["runtime"],
        entry.found["precision"],
        hollow=kind == "assumed",
    )
