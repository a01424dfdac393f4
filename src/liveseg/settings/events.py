"""What is counted and watched over time."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from liveseg.settings.option import option
from liveseg.settings.parse import parse_seconds

_EVENTS = "Areas and events"


@dataclass(frozen=True, kw_only=True)
class EventSettings:
    """What is counted and watched over time."""

    areas: Path | None = option(
        None, "Write the area of each class in each frame of all sources: .csv or .jsonl.", group=_EVENTS,
        metavar="FILE",
    )  # fmt: skip
    zone: tuple[str, ...] = option(
        (), "Count apart inside a polygon, like door=10%,20% 50%,20% 50%,90%; may be repeated.", repeat=True,
        group=_EVENTS, metavar="NAME=X,Y…",
    )  # fmt: skip
    when: tuple[str, ...] = option(
        (), "Watch for something, like 'person > 5% for 2s in door'; may be repeated.", repeat=True, group=_EVENTS,
        metavar="RULE",
    )  # fmt: skip
    then: tuple[str, ...] = option(
        (), "What happens then: clip:DIR, webhook:URL or jsonl:FILE; may be repeated.", repeat=True, group=_EVENTS,
        metavar="ACTION",
    )  # fmt: skip
    clip_before: Fraction = option(
        Fraction(3), "What clips show before an event.", parse=parse_seconds, group=_EVENTS, metavar="TIME"
    )
    clip_after: Fraction = option(
        Fraction(3), "What clips show after an event.", parse=parse_seconds, group=_EVENTS, metavar="TIME"
    )
    outlines: bool = option(True, "Draw no outlines of zones.", group=_EVENTS)
