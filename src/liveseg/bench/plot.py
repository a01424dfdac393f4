"""Rate against quality as a picture: each combination a point, so that the best ones stand out at the upper right."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from liveseg.errors import MissingExtraError, UsageError
from liveseg.files import atomic_write

if TYPE_CHECKING:
    from os import PathLike

    from liveseg.bench.result import BenchResult, Entry

FORMATS = (".png", ".svg", ".pdf")

_MARKERS = {"onnx": "o", "openvino": "s", "torch": "^"}
_COLORS = {"float32": "tab:blue", "bfloat16": "tab:orange", "float16": "tab:green", "int8": "tab:red"}


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
        raise MissingExtraError("--plot needs matplotlib: pip install 'liveseg[bench]'") from error


def plot(result: BenchResult, path: str | PathLike[str], *, overwrite: bool = True) -> int:
    """Draw rate (median, with 5th to 95th percentile) against the model's mIoU; returns how many points it has.

    The quality is `Entry.quality`; points whose quality is assumed are hollow. Combinations whose quality is not known
    are left out, and the picture says how many.

    Raises:
        UsageError: an extension that is not known.
        MissingExtraError: matplotlib is not installed.
        SinkError: the file cannot be written.
    """
    check_plot(path)
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    measured = [entry for entry in result.entries if entry.rate is not None]
    shown = [entry for entry in measured if entry.quality is not None]
    figure = Figure(figsize=(9, 5.5), dpi=120, layout="constrained")
    axes = figure.subplots()
    for entry in shown:
        _point(axes, entry)
    unit = "network alone" if result.settings["network_only"] else "decoding to encoding"
    axes.set_xlabel(f"frames a second ({unit})")
    axes.set_ylabel("mIoU, per cent")
    axes.set_xlim(left=0)
    axes.margins(x=0.15, y=0.2)
    axes.grid(alpha=0.3)
    left_out = f"; {len(measured) - len(shown)} of unknown quality left out" if len(shown) < len(measured) else ""
    axes.set_title(
        f"{result.source['name']} {result.source['width']}x{result.source['height']},"
        f" {result.machine['processor']}\nhollow: mIoU assumed from that at another size{left_out}",
        fontsize=9,
    )
    runtimes = dict.fromkeys(entry.found["runtime"] for entry in shown)
    precisions = dict.fromkeys(entry.found["precision"] for entry in shown)
    keys = [Line2D([], [], color="gray", marker=_MARKERS.get(name, "D"), ls="", label=name) for name in runtimes]
    keys += [Line2D([], [], color=_COLORS.get(name, "black"), lw=4, label=name) for name in precisions]
    if keys:
        axes.legend(handles=keys, loc="lower right", fontsize=8)
    with atomic_write(path, overwrite=overwrite) as partial:
        figure.savefig(partial, format=Path(path).suffix[1:].lower())
    return len(shown)


def _point(axes: object, entry: Entry) -> None:
    rate, quality = entry.rate, entry.quality
    if rate is None or quality is None:
        return
    color = _COLORS.get(entry.found["precision"], "black")
    width, height = entry.found["network_input"]
    axes.errorbar(  # type: ignore[attr-defined]  # matplotlib has no types
        [rate.median],
        [quality[0]],
        xerr=[[rate.median - rate.p5], [rate.p95 - rate.median]],
        fmt=_MARKERS.get(entry.found["runtime"], "D"),
        color=color,
        markerfacecolor="none" if quality[1] == "assumed" else color,
        capsize=3,
    )
    axes.annotate(  # type: ignore[attr-defined]  # matplotlib has no types
        f"{entry.combination.model} {width}x{height}, {quality[1]}",
        (rate.median, quality[0]),
        xytext=(5, 6),
        textcoords="offset points",
        fontsize=7,
        rotation=20,
    )
