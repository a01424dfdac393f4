"""Which frames of a video are wanted."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from liveseg.settings.option import option
from liveseg.settings.parse import parse_seconds

_CLIP = "Part of the video"


@dataclass(frozen=True, kw_only=True)
class ClipSettings:
    """Which frames of a video are wanted."""

    start: Fraction = option(
        Fraction(0), "Skip this much of the video.", parse=parse_seconds, group=_CLIP, metavar="TIME"
    )
    duration: Fraction | None = option(
        None, "Process this much of it.", parse=parse_seconds, group=_CLIP, metavar="TIME"
    )
    every: int = option(1, "Process one frame of N.", least=1, group=_CLIP, metavar="N")
    limit: int | None = option(None, "Process at most N frames.", least=1, group=_CLIP, metavar="N")
