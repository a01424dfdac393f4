"""Rate against quality as a picture: each way to run a model a point, the best ones at the upper right."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from liveseg.errors import MissingExtraError, UsageError
from liveseg.files import atomic_write

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    from liveseg.evaluate.compare import Contender

FORMATS = (".png", ".svg", ".pdf")

_MARKERS = {"onnx": "o", "openvino": "s", "torch": "^"}
_COLORS = {"float32": "tab:blue", "bfloat16": "tab:orange", "float16": "tab:green", "int8": "tab:red"}


@dataclass(frozen=True)
class Span:
    """A number and how far it may be off.

    Args:
        value: the number.
        low: where its interval begins.
        high: where that ends.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Point:
    """One way to run a model.

    Args:
        label: what stands beside it.
        rate: pictures a second.
        quality: mIoU in per cent.
        runtime: its marker.
        precision: its colour.
        hollow: whether its quality is only assumed.
    """

    label: str
    rate: Span
    quality: Span
    runtime: str
    precision: str
    hollow: bool = False


def check_plot(path: str | PathLike[str]) -> None:
    """See that a plot can be drawn into a file of that name, before the work that goes into it.

    Raises:
        UsageError: an extension that is not known.
        MissingExtraError: matplotlib is not installed.
    """
    if Path(path).suffix.lower() not in FORMATS:
        raise UsageError(f"{path} is no name for a plot; end it in {', '.join(FORMATS)}")
    try:
        import matplotlib.figure  # noqa: F401 - asked whether it is there
    except ImportError as error:
        raise MissingExtraError("--plot needs matplotlib: pip install 'liveseg[plot]'") from error


def draw_points(
    points: Sequence[Point], path: str | PathLike[str], *, across: str, title: str, overwrite: bool = True
) -> None:
    """Draw quality against rate, each with its interval.

    Args:
        points: the ways to run.
        path: the picture; its extension is its format.
        across: what the rate is.
        title: what was run, on what.
        overwrite: replace a file that is there.

    Raises:
        UsageError: an extension that is not known.
        MissingExtraError: matplotlib is not installed.
        SinkError: the file cannot be written.
    """
    check_plot(path)
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    figure = Figure(figsize=(9, 5.5), dpi=120, layout="constrained")
    axes = figure.subplots()
    for point in points:
        _draw(axes, point)
    axes.set_xlabel(across)
    axes.set_ylabel("mIoU, per cent")
    axes.margins(x=0.15, y=0.2)
    axes.set_xlim(left=0)
    axes.grid(alpha=0.3)
    axes.set_title(title, fontsize=9)
    runtimes = dict.fromkeys(point.runtime for point in points)
    precisions = dict.fromkeys(point.precision for point in points)
    keys = [Line2D([], [], color="gray", marker=_MARKERS.get(name, "D"), ls="", label=name) for name in runtimes]
    keys += [Line2D([], [], color=_COLORS.get(name, "black"), lw=4, label=name) for name in precisions]
    if keys:
        axes.legend(handles=keys, loc="best", fontsize=8)
    with atomic_write(path, overwrite=overwrite) as partial:
        figure.savefig(partial, format=Path(path).suffix[1:].lower())


def _reach(span: Span) -> list[list[float]] | None:
    """How far the whiskers reach down and up, as matplotlib wants it; none where they would be points."""
    return [[span.value - span.low], [span.high - span.value]] if span.low < span.high else None


def _draw(axes: Any, point: Point) -> None:
    color = _COLORS.get(point.precision, "black")
    rate, quality = point.rate, point.quality
    axes.errorbar(
        [rate.value],
        [quality.value],
        xerr=_reach(rate),
        yerr=_reach(quality),
        fmt=_MARKERS.get(point.runtime, "D"),
        color=color,
        markerfacecolor="none" if point.hollow else color,
        capsize=3,
    )
    axes.annotate(
        point.label,
        (rate.value, quality.value),
        xytext=(5, 6),
        textcoords="offset points",
        fontsize=7,
        rotation=20,
    )


def plot_contenders(contenders: Sequence[Contender], path: str | PathLike[str], *, overwrite: bool = True) -> None:
    """Draw a comparison: those whose rate is known.

    Args:
        contenders: what was compared.
        path: as for `draw_points`.
        overwrite: likewise.

    Raises:
        UsageError: an extension that is not known, or no rate to draw.
        MissingExtraError: matplotlib is not installed.
        SinkError: the file cannot be written.
    """
    shown = [_point(own) for own in contenders if own.rate is not None]
    if not shown:
        raise UsageError("--plot draws quality against rate, and no rate is known: these are masks from files")
    own = contenders[0].evaluation
    left_out = f"; {len(contenders) - len(shown)} of unknown rate left out" if len(shown) < len(contenders) else ""
    processor = own.machine.get("processor", "unknown processor")
    title = f"{own.dataset}, {own.images} photos, {processor}\nwith 95 % intervals of each by itself{left_out}"
    draw_points(shown, path, across="photos a second (the network's line)", title=title, overwrite=overwrite)


def _point(own: Contender) -> Point:
    rate, miou = own.rate or 0.0, own.evaluation.scores["miou"]
    low, high = (miou.value if end is None else end for end in (miou.low, miou.high))
    return Point(
        own.name,
        Span(rate, rate, rate),
        Span(100 * miou.value, 100 * low, 100 * high),
        own.evaluation.runtime,
        own.evaluation.precision,
    )
