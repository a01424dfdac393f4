"""How the result is drawn."""

from __future__ import annotations

import re
from dataclasses import dataclass

from liveseg.errors import UsageError
from liveseg.settings.option import option
from liveseg.settings.parse import parse_names

_DRAW = "Drawing"


def parse_share(text: str) -> float:
    """A share of the whole between 0 and 1, as `0.6` or `60%`.

    Raises:
        UsageError: anything else.
    """
    match = re.fullmatch(r"(\d+(?:\.\d*)?|\.\d+)\s*(%?)", text.strip())
    share = float(match[1]) / (100 if match[2] else 1) if match is not None else 0.0
    if not 0.0 < share < 1.0:
        raise UsageError(f"{text!r} is no share between 0 and 1; write it as 0.6 or 60%")
    return share


@dataclass(frozen=True, kw_only=True)
class StyleSettings:
    """How classes are drawn, the same on every picture."""

    alpha: float = option(
        0.6, "Opacity of the colours, from 0 to 1.", least=0.0, most=1.0, group=_DRAW, metavar="NUMBER"
    )
    palette: str | None = option(
        None, "Colours: model, voc, safe for colour-blind eyes, vivid, or a .json file of names and colours.",
        shown="model", group=_DRAW, metavar="NAME|FILE",
    )  # fmt: skip
    classes: tuple[str, ...] | None = option(
        None, "Draw only these classes, like person,car.", parse=parse_names, group=_DRAW, metavar="NAMES"
    )
    hide: tuple[str, ...] | None = option(
        None, "Draw all but these classes.", parse=parse_names, group=_DRAW, metavar="NAMES"
    )
    unknown: float | None = option(
        None, "Make pixels of which the network is less sure than this a class of their own, like 60%.",
        parse=parse_share, group=_DRAW, metavar="SHARE",
    )  # fmt: skip
    contours: bool = option(False, "Draw the borders of classes.", group=_DRAW)
    labels: bool = option(False, "Write the names of classes at the objects.", group=_DRAW)
    legend: bool = option(False, "List the classes present, with their colours.", group=_DRAW)
    side_by_side: bool = option(False, "Put the source to the left of the drawing.", group=_DRAW)


@dataclass(frozen=True, kw_only=True)
class DrawSettings(StyleSettings):
    """How the result is drawn."""

    caption: bool | None = option(
        None, "Draw rate and time on the frames of videos, and the age on live ones.", shown="live sources", group=_DRAW
    )
    grid: bool = option(False, "Show several live sources in one picture.", group=_DRAW)
