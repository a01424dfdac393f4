"""Every option of `liveseg plot`."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from liveseg.settings.option import check, option
from liveseg.settings.parse import parse_names, parse_seconds

_CHART = "Chart"
_OUTPUT = "Output"


@dataclass(frozen=True, kw_only=True)
class PlotSettings:
    """Every option of `liveseg plot`.

    Raises:
        UsageError: a value outside its range.
    """

    output: Path | None = option(
        None, "The chart: .png, .svg, .pdf, or .html, which shows the values under the pointer.",
        shown="the table's name, with .png", flags=("-o",), group=_OUTPUT, metavar="FILE",
    )  # fmt: skip
    overwrite: bool = option(False, "Replace a chart that exists.", group=_OUTPUT)
    classes: tuple[str, ...] | None = option(
        None, "Show only these classes, like person,car.", shown="all but the background", parse=parse_names,
        group=_CHART, metavar="NAMES",
    )  # fmt: skip
    zone: tuple[str, ...] | None = option(
        None, "Show only these zones.", shown="all, and the whole picture", parse=parse_names, group=_CHART,
        metavar="NAMES",
    )  # fmt: skip
    source: tuple[str, ...] | None = option(
        None, "Show only these sources.", shown="all", parse=parse_names, group=_CHART, metavar="NAMES"
    )
    smooth: Fraction = option(
        Fraction(0), "Show means over so many seconds.", parse=parse_seconds, group=_CHART, metavar="TIME"
    )

    def __post_init__(self) -> None:
        check(self)
