"""Videos that a service works on, as Python sees them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from liveseg.client.errors import VideoFailedError

OnProgress = Callable[["VideoStatus"], None]


@dataclass(frozen=True)
class VideoStatus:
    """How it stands with a video.

    Args:
        id: its name.
        state: `queued`, `running`, `done`, `failed`, `cancelled` or `expired`.
        share: of the whole that is done, from 0 to 1; `None` where the length is not known.
        frames: done.
        rate: frames a second, lately.
        remaining_seconds: time left, as far as it can be told.
        file_name: what the result is to be called, once it is there.
        notes: what is worth knowing.
        failure: why it failed.
        about: all that the service told.
    """

    id: str
    state: str
    share: float | None
    frames: int
    rate: float
    remaining_seconds: float | None
    file_name: str | None
    notes: tuple[str, ...]
    failure: str | None
    about: Mapping[str, Any] = field(repr=False)

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> VideoStatus:
        """From the service's JSON."""
        progress, result, failure = told["progress"], told.get("result"), told.get("failure")
        return cls(
            id=told["id"],
            state=told["state"],
            share=progress["share"],
            frames=progress["frames"],
            rate=progress["rate"],
            remaining_seconds=progress["remaining_seconds"],
            file_name=None if result is None else result["file_name"],
            notes=tuple(told.get("notes", ())),
            failure=None if failure is None else failure["detail"],
            about=dict(told),
        )

    @property
    def ended(self) -> bool:
        """Whether nothing more happens to it."""
        return self.state not in ("queued", "running")

    def check(self) -> None:
        """See that it came to a good end.

        Raises:
            VideoFailedError: it did not.
        """
        if self.state != "done":
            raise VideoFailedError(f"the video is {self.state}" + (f": {self.failure}" if self.failure else ""))


@dataclass(frozen=True)
class ClassOverTime:
    """A class's share of the picture over time.

    Args:
        index: of the class.
        name: of the class.
        color: red, green and blue.
        share: in [0, 1], one for each of the times.
    """

    index: int
    name: str
    color: tuple[int, int, int]
    share: tuple[float, ...] = field(repr=False)


@dataclass(frozen=True)
class VideoAreas:
    """How much of the picture each class covers, over time.

    Args:
        frames: measured so far.
        times: in seconds from the first frame.
        classes: those seen in any frame, by falling mean share.
    """

    frames: int
    times: tuple[float, ...] = field(repr=False)
    classes: tuple[ClassOverTime, ...]

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> VideoAreas:
        """From the service's JSON."""
        classes = tuple(
            ClassOverTime(one["index"], one["name"], (*one["color"],), tuple(one["share"])) for one in told["classes"]
        )
        return cls(told["frames"], tuple(told["times"]), classes)
