"""Live sources under watch: what each frame said, when it was taken, and what happened to its server meanwhile."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from liveseg.media.address import parse_address
from liveseg.media.live.open import open_live
from liveseg.media.live.options import LiveOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from liveseg.media.frame import Frame


@dataclass(frozen=True, eq=False)
class Taken:
    """A frame as it was taken: when, in seconds of `time.monotonic`, and what its picture says."""

    frame: Frame
    at: float
    reading: object | None

    @property
    def age(self) -> float:
        """Seconds since its picture was painted."""
        return self.at - self.reading.seconds

    @property
    def late(self) -> float:
        """Seconds from the painting of its picture to the arrival that it reports."""
        return self.frame.arrived - self.reading.seconds


@dataclass
class Seen:
    """What was seen of a source."""

    taken: list[Taken] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    name: str = ""
    ended: bool = False
    """Whether it ended by itself."""

    @property
    def real(self) -> list[Taken]:
        """The frames, without placeholders."""
        return [one for one in self.taken if not one.frame.placeholder]

    @property
    def legible(self) -> list[Taken]:
        """The frames whose clock can be read."""
        return [one for one in self.real if one.reading is not None]

    def good_since(self, moment: float) -> bool:
        """Whether the last five frames are legible, and painted after a moment of `time.monotonic`."""
        last = [one.reading for one in self.taken[-5:]]
        return len(last) == 5 and all(reading is not None and reading.seconds > moment for reading in last)

    @property
    def placeholders(self) -> list[Taken]:
        """What stood in for frames."""
        return [one for one in self.taken if one.frame.placeholder]


@pytest.fixture
def watch(read_clock):
    """`watch(url, seconds, …)`: take a source's frames for so long; gives what was seen. No thread may be left over.

    Its arguments:
        seconds: how long; the source may end before.
        pause: how long to be busy with each frame.
        events: what to do at which second after the first frame, when the next frame or placeholder has come.
        until: ends it before its time, once all events are past and this is true of what was seen.
        options: of `LiveOptions`.
    """

    def run(
        url: str,
        seconds: float,
        *,
        pause: float = 0.0,
        events: Sequence[tuple[float, Callable[[], object]]] = (),
        until: Callable[[Seen], bool] = lambda seen: False,
        **options: object,
    ) -> Seen:
        threads = set(threading.enumerate())
        seen = Seen(ended=True)
        coming = list(events)
        with open_live(parse_address(url), options=LiveOptions(**options)) as source:
            seen.name = source.info.name
            began = time.monotonic()
            for frame in source:
                at = time.monotonic()
                seen.taken.append(Taken(frame, at, None if frame.placeholder else read_clock(frame.image)))
                while coming and at - began > coming[0][0]:
                    coming.pop(0)[1]()
                if at - began > seconds or (not coming and until(seen)):
                    seen.ended = False
                    break
                time.sleep(pause)
        seen.notes = source.notes
        assert set(threading.enumerate()) <= threads, "a thread was left over"
        return seen

    return run


_STREAMS = {
    "rtsp": ("rtsp_server", "clock"),
    "mjpeg": ("http_server", "clock.mjpg"),
    "hls": ("http_server", "live/index.m3u8"),
    "mpegts": ("udp_server", ""),
}


@dataclass(frozen=True)
class Stream:
    """A stream with a clock: its server, its address and how to read it."""

    name: str
    server: object
    url: str
    options: dict[str, object]


@pytest.fixture
def stream(request):
    """A server and its clock, by name: `rtsp over tcp`, `rtsp over udp`, `mjpeg`, `mpegts`, `hls`."""
    kind = request.param.split()[0]
    fixture, path = _STREAMS[kind]
    server = request.getfixturevalue(fixture)
    options = {"rtsp_transport": request.param.split()[-1]} if kind == "rtsp" else {}
    return Stream(request.param, server, server.url(path), options)
