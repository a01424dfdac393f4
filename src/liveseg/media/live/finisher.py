"""What is done with a live frame only once it is taken: its time, its picture, and the count of those left out."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from liveseg.media.frame import Frame
from liveseg.media.live.placeholder import placeholder
from liveseg.media.live.timeline import Timeline
from liveseg.media.picking import Picker

if TYPE_CHECKING:
    from fractions import Fraction

    from av.video.frame import VideoFrame

    from liveseg.media.conversion import Conversion
    from liveseg.media.frame import LiveFacts, Selection, SourceInfo


@dataclass(frozen=True, slots=True)
class Item:
    """A decoded frame that waits to be taken.

    Args:
        frame: its `pts` is on its connection's clock, or `None`.
        time_base: seconds a unit of it.
        arrived: when its first packet did, in seconds of `time.monotonic`.
        index: its number among all frames that arrived.
        connection: the number of the connection that it came by.
    """

    frame: VideoFrame
    time_base: Fraction
    arrived: float
    index: int
    connection: int


class Finisher:
    """Makes the frames that are given out; one for each source, used by whoever takes them.

    Args:
        info: of the source.
        convert: makes the pictures.
        selection: which frames are wanted; `every` is left to the reader, so that what it leaves out replaces nothing.
        facts: counts the frames that were dropped.
    """

    def __init__(self, info: SourceInfo, convert: Conversion, selection: Selection, facts: LiveFacts) -> None:
        self._info = info
        self._convert = convert
        self._selection = selection
        self._facts = facts
        self._timeline = Timeline(info.time_base)
        self._picker: Picker | None = None
        self._last: Item | None = None

    @property
    def over(self) -> bool:
        """Whether no later frame is wanted."""
        return self._picker is not None and self._picker.over

    def __call__(self, item: Item) -> Frame | None:
        """The frame, or `None` where the selection does not want it."""
        every = self._selection.every
        dropped = (item.index - (self._last.index if self._last is not None else -every)) // every - 1
        self._last = item
        self._facts.dropped += dropped
        pts = self._timeline.stamp(item.frame.pts, item.time_base, item.arrived, item.connection)
        if not self._takes(pts):
            return None
        arrived = item.arrived if self._info.live else None
        picture = self._convert(item.frame)
        if item.frame.format.name == "rgb24":
            # It was not converted, so the picture is the frame's own memory, which a placeholder may need unchanged.
            picture = picture.copy()
        return Frame(picture, item.index, pts, self._info.time_base, arrived, dropped)

    def placeholder(self) -> Frame | None:
        """What stands in for a frame now; `None` before the first one."""
        if self._last is None:
            return None
        pts = self._timeline.now(time.monotonic())
        if not self._takes(pts):
            return None
        picture = placeholder(self._convert(self._last.frame), "reconnecting ...")
        return Frame(picture, self._last.index, pts, self._info.time_base, placeholder=True)

    def _takes(self, pts: int) -> bool:
        moment = pts * self._info.time_base
        if self._picker is None:
            self._picker = Picker(replace(self._selection, every=1), moment)
        return self._picker.takes(moment)
