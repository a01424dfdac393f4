"""Areas over time as a chart: a panel for each source and zone, a line for each class."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from liveseg.errors import MissingExtraError, UsageError
from liveseg.files import atomic_write
from liveseg.labels import PASCAL_VOC, voc_palette

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from liveseg.events.table import Course

    Floats = NDArray[np.float64]

FORMATS = (".png", ".svg", ".pdf", ".html")

_MOST_POINTS = 1500
"""Points of a line; more than a picture is wide are drawn as means."""

_ROWS = 12
"""Panels below each other; more stand in columns."""

_MOST_PANELS = 48
_LEAST_GAP = 2.0
"""Seconds without a frame over which no line is drawn, where frames come more often than that."""


@dataclass(frozen=True, eq=False)
class Line:
    """One line of a chart.

    Args:
        name: the class.
        color: RGB, each in [0, 1].
        values: per cent of the picture or zone, `(N,)`; NaN where nothing is drawn.
    """

    name: str
    color: tuple[float, float, float]
    values: Floats


@dataclass(frozen=True, eq=False)
class Panel:
    """The lines of one source, or of one zone of it, over the same times `(N,)` in seconds."""

    title: str
    times: Floats
    lines: tuple[Line, ...]


def check_chart(path: Path) -> None:
    """See that a chart can be drawn into a file of that name.

    Raises:
        UsageError: an extension that is not known.
        MissingExtraError: matplotlib is not installed.
    """
    if path.suffix.lower() not in FORMATS:
        raise UsageError(f"{path} is no name for a chart; end it in {', '.join(FORMATS)}")
    try:
        import matplotlib.figure  # noqa: F401 - asked whether it is there
    except ImportError as error:
        raise MissingExtraError("liveseg plot needs matplotlib: pip install 'liveseg[plot]'") from error


def panels(
    courses: Sequence[Course],
    *,
    classes: Sequence[str] | None = None,
    sources: Sequence[str] | None = None,
    zones: Sequence[str] | None = None,
    smooth: float = 0.0,
) -> list[Panel]:
    """What a chart shows.

    Args:
        courses: as `read_courses` gives them.
        classes: only these, in this order; by default all but the background.
        sources: only these; by default all.
        zones: only these; by default all, and the whole picture.
        smooth: each value is the mean over so many seconds around it.

    Raises:
        UsageError: classes, sources or zones that are not in the table, or more panels than anyone can read.
    """
    known = list(dict.fromkeys(name for course in courses for name in course.shares))
    shown = [name for name in known if name != "background"] or known
    if classes is not None:
        shown = [_one_of(known, name, "class") for name in classes]
    if sources is not None:
        known_sources = list(dict.fromkeys(course.source for course in courses if course.source))
        wanted = [_one_of(known_sources, name, "source") for name in sources]
        courses = [course for course in courses if course.source in wanted]
    if zones is not None:
        known_zones = list(dict.fromkeys(course.zone for course in courses if course.zone))
        wanted = [_one_of(known_zones, name, "zone") for name in zones]
        courses = [course for course in courses if course.zone in wanted]
    if len(courses) > _MOST_PANELS:
        raise UsageError(
            f"a chart has room for {_MOST_PANELS} sources and zones, not {len(courses)}; choose by --source and --zone"
        )
    colors = _colors(known)
    several = len({course.source for course in courses}) > 1
    return [_panel(course, shown, colors, smooth, with_source=several) for course in courses]


def draw(chart: Sequence[Panel], path: Path, *, overwrite: bool = True) -> None:
    """Draw a chart into a file: a picture, or by `.html` a page that shows the values under the pointer.

    Raises:
        UsageError: an extension that is not known.
        MissingExtraError: matplotlib is not installed.
        SinkError: the file cannot be written.
    """
    check_chart(path)
    kind = path.suffix[1:].lower()
    with atomic_write(path, overwrite=overwrite) as partial:
        if kind == "html":
            partial.write_text(_page(chart), encoding="utf-8")
        else:
            figure, _ = _figure(chart)
            figure.savefig(partial, format=kind)


def _one_of(known: Sequence[str], name: str, what: str) -> str:
    for own in known:
        if own.casefold() == name.casefold():
            return own
    there = ", ".join(known) or "none"
    raise UsageError(f"the table has no {what} {name!r}; there is {there}")


def _colors(names: Sequence[str]) -> dict[str, tuple[float, float, float]]:
    """Pascal VOC's colour of each class that it has, and of the others the colours that follow in its palette."""
    others = iter(voc_palette(len(PASCAL_VOC) + len(names))[len(PASCAL_VOC) :])
    own = dict(zip(PASCAL_VOC.names, PASCAL_VOC.palette, strict=True))
    chosen = {name: own.get(name) or next(others) for name in names}
    return {name: (red / 255, green / 255, blue / 255) for name, (red, green, blue) in chosen.items()}


def _panel(
    course: Course,
    shown: Sequence[str],
    colors: dict[str, tuple[float, float, float]],
    smooth: float,
    *,
    with_source: bool,
) -> Panel:
    names = [course.source] if course.source and (with_source or not course.zone) else []
    title = ", ".join([*names, *([f"zone {course.zone}"] if course.zone else [])])
    columns = np.array([course.shares.get(name, np.zeros(len(course.times))) for name in shown]) * 100
    times, columns = _condensed(course.times, _smoothed(course.times, columns, smooth))
    lines = [Line(name, colors[name], values) for name, values in zip(shown, columns, strict=True)]
    return Panel(title, times, tuple(lines))


def _smoothed(times: Floats, columns: Floats, seconds: float) -> Floats:
    """The mean of each value and those within half of so many seconds before and after it."""
    if seconds <= 0:
        return columns
    first = np.searchsorted(times, times - seconds / 2, side="left")
    after = np.searchsorted(times, times + seconds / 2, side="right")
    sums = np.concatenate([np.zeros((len(columns), 1)), np.cumsum(columns, axis=1)], axis=1)
    return np.asarray((sums[:, after] - sums[:, first]) / (after - first))


def _condensed(times: Floats, columns: Floats) -> tuple[Floats, Floats]:
    """At most `_MOST_POINTS` points, each the mean of those in its stretch of time; NaN in the gaps between frames."""
    gap = max(_LEAST_GAP, 5 * float(np.median(np.diff(times)))) if len(times) > 1 else _LEAST_GAP
    if len(times) > _MOST_POINTS:
        edges = np.linspace(times[0], times[-1], _MOST_POINTS + 1)[1:-1]
        _, begins = np.unique(np.searchsorted(edges, times, side="right"), return_index=True)
        counts = np.diff(np.append(begins, len(times)))
        columns = np.add.reduceat(columns, begins, axis=1) / counts
        times = np.add.reduceat(times, begins) / counts
        gap = max(gap, 3 * (times[-1] - times[0]) / _MOST_POINTS)
    breaks = np.flatnonzero(np.diff(times) > gap) + 1
    times = np.insert(times, breaks, (times[breaks - 1] + times[breaks]) / 2)
    return times, np.insert(columns, breaks, np.nan, axis=1)


def _figure(chart: Sequence[Panel]) -> tuple[Any, list[Any]]:
    """A matplotlib figure, and the axes of its panels."""
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    columns = -(-len(chart) // _ROWS)
    rows = -(-len(chart) // columns)
    figure = Figure(figsize=(9 if columns == 1 else 6 * columns, 1.1 + 2.4 * rows), dpi=120, layout="constrained")
    # Down the first column, then down the next, as they would stand below each other.
    places = figure.subplots(rows, columns, squeeze=False).T.reshape(-1)
    axes = places[: len(chart)]
    for place in places[len(chart) :]:
        place.set_visible(False)
    for panel, own in zip(chart, axes, strict=True):
        for line in panel.lines:
            own.plot(panel.times, line.values, color=line.color, lw=1.4, solid_joinstyle="round")
        own.set_title(panel.title, fontsize=10, loc="left", parse_math=False)
        own.set_ylim(bottom=0, top=max(own.get_ylim()[1], 1e-3))
        own.margins(x=0)
        own.grid(alpha=0.25)
        own.spines[["top", "right"]].set_visible(False)
        own.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}%"))
        own.xaxis.set_major_formatter(FuncFormatter(lambda value, _: clock(value)))
        own.xaxis.set_major_locator(MaxNLocator(nbins=9, steps=[1, 2, 3, 5, 6, 10]))
    for own in {*axes[rows - 1 :: rows], axes[-1]}:
        own.set_xlabel("time")
    known = {line.name: line.color for panel in chart for line in panel.lines}
    keys = [Line2D([], [], color=color, lw=4) for color in known.values()]
    legend = figure.legend(
        keys,
        ["" for _ in known],
        loc="outside upper left",
        ncols=min(len(known), 7 * columns),
        frameon=False,
        fontsize=9,
    )
    # A name is no formula, whatever characters it holds.
    for text, name in zip(legend.get_texts(), known, strict=True):
        text.set_parse_math(False)
        text.set_text(name)
    return figure, list(axes)


def clock(seconds: float) -> str:
    """A time as `7.5s`, `1:07` or `2:01:07`."""
    if abs(seconds) < 60:
        return f"{round(seconds, 3):g}s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _page(chart: Sequence[Panel]) -> str:
    import matplotlib as mpl

    from liveseg.events.page import Plot, page

    text = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    # The same chart makes the same page; its words stay words.
    with mpl.rc_context({"svg.hashsalt": "liveseg", "svg.fonttype": "none", "font.family": "sans-serif"}):
        figure, axes = _figure(chart)
        figure.savefig(text, format="svg", metadata=nothing)
    width, height = figure.get_size_inches() * 72
    plots = []
    for panel, own in zip(chart, axes, strict=True):
        box = own.get_position()
        place = (box.x0 * width, (1 - box.y1) * height, box.width * width, box.height * height)
        plots.append(Plot(place, own.get_xlim(), panel))
    return page(text.getvalue(), plots)
