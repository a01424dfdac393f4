"""What flows out of a source and into a sink: a frame, what is known of its source, and which part is wanted."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType
    from typing import Self

    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of a source.

    Args:
        image: `(H, W, 3)` `uint8` RGB (sRGB or BT.709 transfer), upright, square pixels.
        index: its number in the source, counted from 0 over all frames that the source holds.
        pts: its presentation time in units of `time_base`, as the source's own clock has it.
        time_base: seconds a unit of `pts`.
        arrived: when the frame's first packet arrived, in seconds of `time.monotonic`; `None` where it was not live.
        dropped_before: how many frames between the last one given and this one were left out to keep up.
        placeholder: whether it only stands in for a source that is away.
    """

    image: NDArray[np.uint8]
    index: int = 0
    pts: int = 0
    time_base: Fraction = Fraction(1)
    arrived: float | None = None
    dropped_before: int = 0
    placeholder: bool = False

    @property
    def timestamp(self) -> Fraction:
        """The presentation time in seconds, not rounded."""
        return self.pts * self.time_base


@dataclass(frozen=True)
class Selection:
    """Which frames of a video are wanted.

    Args:
        start: seconds after the video's first frame.
        duration: seconds from `start`; `None` for the rest.
        every: keep one frame of this many, by index from the first one wanted.
        limit: at most this many frames; `None` for all.
    """

    start: Fraction = Fraction(0)
    duration: Fraction | None = None
    every: int = 1
    limit: int | None = None


@dataclass(frozen=True)
class SourceInfo:
    """What is known of a source before its first frame.

    Args:
        name: what to call it in messages: the path as the user gave it.
        kind: `image` for one picture without time, `video` for a sequence with timestamps.
        width: in pixels as shown: rotation and sample aspect ratio applied.
        height: likewise.
        rate: frames a second on average, exact; `None` for an image or where unknown.
        time_base: seconds a unit of the frames' `pts`.
        duration: seconds from the first frame that the selection wants to the end of the last; announced by the
            file, `None` where unknown.
        frame_count: how many frames to expect from the selection; an estimate, `None` where unknown.
        live: whether frames come at their own pace, so that one not taken in time is left out.
    """

    name: str
    kind: Literal["image", "video"]
    width: int
    height: int
    rate: Fraction | None = None
    time_base: Fraction = Fraction(1)
    frame_count: int | None = None
    duration: Fraction | None = None
    live: bool = False


@dataclass
class LiveFacts:
    """What became of a live source.

    Args:
        received: frames that arrived, decoded or not.
        dropped: those of them that were left out to keep up.
        damaged: packets that could not be decoded, and frames that were not whole.
        reconnects: how often it came back.
        away_seconds: for how long it was away, in all.
    """

    received: int = 0
    dropped: int = 0
    damaged: int = 0
    reconnects: int = 0
    away_seconds: float = 0.0


class Source(Protocol):
    """Where frames come from: iterate once, then close; a context manager that closes."""

    info: SourceInfo
    notes: list[str]
    """One line each for what the user should know, filled while reading: a truncated file, colours not handled."""
    facts: LiveFacts | None = None
    """What became of it so far, where it is live."""

    def __iter__(self) -> Iterator[Frame]: ...

    def end(self) -> None:
        """Ask a source that waits for its next frame to end soon; from any thread."""
        return None  # a file does not wait  # noqa: RET501 - an empty body would make it abstract

    def close(self) -> None:
        """Release the file; may be called twice, and from another thread once iteration has stopped."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Committing(Protocol):
    """What is written whole or not at all: a context manager that commits, or aborts where an exception leaves it."""

    notes: list[str]
    """One line each for what the user should know, filled while writing."""

    def commit(self) -> None:
        """Finish the file and give it its final name."""

    def abort(self) -> None:
        """Give up: leave nothing of the final name."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.commit()
        else:
            self.abort()


class Sink(Committing, Protocol):
    """Where frames go."""

    def write(self, frame: Frame) -> None:
        """Take a finished frame; its time must be later than the last one's."""
