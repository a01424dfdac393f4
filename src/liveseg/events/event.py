"""What is told of an event, and what may be done with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from liveseg.events.onset import Change
    from liveseg.events.rules import Rule


@dataclass(frozen=True)
class Event:
    """A rule's condition has begun or ended.

    Args:
        rule: whose.
        change: what became of its condition.
        source: the source's name, without passwords.
        frame: the number of the frame that told it.
        areas: of each class that the rule names: its pixels, and those of the picture or zone.
        clip: the clip that shows it, if there is one.
        wall: when it was told, by this machine's clock.
    """

    rule: Rule
    change: Change
    source: str
    frame: int
    areas: Mapping[str, tuple[int, int]]
    clip: str | None
    wall: datetime

    def to_json(self) -> dict[str, Any]:
        """The event as JSON data, with the seconds of the stream as `timestamp` and `began`."""
        record: dict[str, Any] = {
            "event": self.change.kind,
            "rule": self.rule.name,
            "when": self.rule.without_name,
            "source": self.source,
            "zone": self.rule.zone,
            "frame": self.frame,
            "timestamp": round(float(self.change.time), 6),
            "began": round(float(self.change.began), 6),
            "seconds": round(float(self.change.time - self.change.began), 6),
            "time": iso(self.wall),
            "areas": {
                name: {"pixels": pixels, "share": round(pixels / of, 6)} for name, (pixels, of) in self.areas.items()
            },
        }
        return record if self.clip is None else record | {"clip": self.clip}


class Action(Protocol):
    """What is done with each event, of all sources: from several threads, at once, and never raising.

    What fails is counted, and told in `notes` at the end.
    """

    notes: list[str]

    def take(self, event: Event) -> None:
        """Take an event, without making the frames wait for it."""

    def close(self) -> None:
        """Finish within a short time, and say in `notes` what could not be done; may be called twice."""


def iso(moment: datetime) -> str:
    """A time as ISO 8601 in UTC, to the millisecond: `2026-03-01T14:03:07.250Z`."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
