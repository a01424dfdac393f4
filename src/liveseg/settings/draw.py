"""How the result is drawn."""

from __future__ import annotations

from dataclasses import dataclass

from liveseg.settings.option import option
from liveseg.settings.parse import parse_names

_DRAW = "Drawing"


@dataclass(frozen=True, kw_only=True)
class DrawSettings:
    """How the result is drawn."""

    alpha: float = option(
        0.6, "Opacity of the colours, from 0 to 1.", least=0.0, most=1.0, group=_DRAW, metavar="NUMBER"
    )
    classes: tuple[str, ...] | None = option(
        None, "Show only these classes, like person,car.", parse=parse_names, group=_DRAW, metavar="NAMES"
    )
    caption: bool = option(True, "Draw no rate and age on frames of live sources.", group=_DRAW)
    grid: bool = option(False, "Show several live sources in one picture.", group=_DRAW)
