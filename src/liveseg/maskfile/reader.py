"""Reading a mask file, whole or as far as a killed run got."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from av.error import FFmpegError

from liveseg.errors import MediaError, SourceNotFoundError, UsageError
from liveseg.maskfile.header import TAG, MaskHeader
from liveseg.media.video_open import open_container, reason

if TYPE_CHECKING:
    from collections.abc import Iterator
    from os import PathLike
    from types import TracebackType
    from typing import Self

    from av.container import InputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream
    from numpy.typing import NDArray

    from liveseg.labels import LabelSet

    Packets = list[Packet[VideoStream]]

_END_OF_IMAGE = b"\xff\xd9"
"""The marker that ends a JPEG-LS picture: without it, the packet was cut off."""

_MAGIC = b"nut/multimedia container"

_INDEX = bytes.fromhex("4e58dd672f23e64e")
"""The start code of NUT's index, which is the last thing in a whole file; its length stands before the checksum."""


@dataclass(frozen=True, slots=True)
class StoredMask:
    """A mask as it lies in a file.

    Args:
        pts: of the source's frame, in units of `time_base`.
        time_base: the source's, in seconds.
        mask: `(H, W)` `uint8` class indices.
        confidence: `(H, W)` `uint8`, 255 times the probability of each pixel's class; `None` where the file has none.
    """

    pts: int
    time_base: Fraction
    mask: NDArray[np.uint8]
    confidence: NDArray[np.uint8] | None = None

    @property
    def timestamp(self) -> Fraction:
        """The presentation time of the source's frame in seconds, exact."""
        return self.pts * self.time_base


class MaskReader:
    """The masks in a file; iterate over (timestamp, mask), as often as wanted, or ask `at` a time.

    Args:
        path: the file; one of a killed run is read to its last whole mask.

    Attributes:
        header: all that it says of itself.
        complete: whether the run that wrote it came to its end; masks of an interrupted one may end early either way.
        notes: one line for each thing that the user should know, filled while reading.

    Raises:
        SourceNotFoundError: no such file.
        MediaError: no mask file, or one that cannot be read.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        self.path = Path(path)
        self.notes: list[str] = []
        self._container = self._open()
        try:
            self.header = MaskHeader.from_tags(self._container.metadata, str(self.path))
            tracks = self._container.streams.video
            # A record that promises more than is there comes from another program.
            if len(tracks) != 1 + self.header.confidence or not all(track.time_base for track in tracks):
                raise MediaError(f"{self.path} is damaged: its tracks are not those that it announces")
            self.complete = _has_index(self.path)
        except BaseException:
            self.close()
            raise

    @property
    def labels(self) -> LabelSet:
        """What the class indices mean."""
        return self.header.labels

    def __iter__(self) -> Iterator[tuple[Fraction, NDArray[np.uint8]]]:
        for stored in self.frames():
            yield stored.timestamp, stored.mask

    def __len__(self) -> int:
        """How many masks there are; found by a look through the file, without decoding."""
        return len(self.timestamps)

    @cached_property
    def timestamps(self) -> list[Fraction]:
        """The times of all masks in seconds, exact; found by a look through the file, without decoding."""
        container = self._open()
        try:
            return [pts * self.header.time_base for pts, _ in self._whole(container)]
        finally:
            container.close()

    def frames(self) -> Iterator[StoredMask]:
        """All masks in order, with their confidences."""
        container = self._open()
        damaged = 0
        try:
            for pts, packets in self._whole(container):
                stored = self._decoded(pts, packets)
                if stored is None:
                    damaged += 1
                else:
                    yield stored
        finally:
            container.close()
            if damaged:
                self._note(f"{self.path} is damaged: masks left out that cannot be decoded: {damaged}")

    def at(self, timestamp: Fraction | float) -> StoredMask:
        """The mask that is shown at a time: the newest one that is not later; after the end, the last.

        To be asked by one thread at a time.

        Args:
            timestamp: in seconds, by the source's clock.

        Raises:
            UsageError: the first mask is later.
            MediaError: the mask cannot be decoded.
        """
        container = self._container
        wanted = Fraction(timestamp) / self.header.time_base
        first = container.streams.video[0]
        found: tuple[int, Packets] | None = None
        try:
            container.seek(max(int((wanted - self.header.offset) * self._scale(first)), 0), stream=first)
            for pts, packets in self._whole(container):
                if pts > wanted:
                    break
                found = pts, packets
        except FFmpegError as error:
            raise MediaError(f"cannot read {self.path} at {float(timestamp):.3f} s: {reason(error)}") from error
        if found is None:
            raise UsageError(f"{self.path} has no mask at {float(timestamp):.3f} s: its first one is later")
        stored = self._decoded(*found)
        if stored is None:
            raise MediaError(f"{self.path} is damaged: the mask at {float(timestamp):.3f} s cannot be decoded")
        return stored

    def close(self) -> None:
        """Release the file; may be called twice."""
        self._container.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open(self) -> InputContainer:
        container = open_container(self.path)
        for track in container.streams.video:
            # One packet in, one picture out, at once: every picture stands for itself.
            track.codec_context.thread_count = 1
        return container

    def _note(self, note: str) -> None:
        if note not in self.notes:  # it may be read several times
            self.notes.append(note)

    def _scale(self, track: VideoStream) -> Fraction:
        """How many of the container's units of time are one of the source's."""
        return self.header.time_base / (track.time_base or 1)

    def _whole(self, container: InputContainer) -> Iterator[tuple[int, Packets]]:
        """The packets of each frame from where the file stands, by the source's `pts`; none that was cut off."""
        tracks = container.streams.video
        scale = self._scale(tracks[0])
        waiting: dict[int, Packets] = {}
        try:
            for packet in container.demux(tracks):
                if packet.pts is None or bytes(packet)[-2:] != _END_OF_IMAGE:
                    continue
                pts = packet.pts / scale + self.header.offset
                if pts.denominator != 1:
                    raise MediaError(f"{self.path} is damaged: the time {packet.pts} is none of its source's")
                packets = waiting.setdefault(int(pts), [])
                packets.append(packet)
                if len(packets) == len(tracks):
                    waiting.clear()
                    yield int(pts), sorted(packets, key=lambda own: own.stream_index)
        except (FFmpegError, OSError) as error:
            if not isinstance(error, MediaError):
                self._note(f"reading {self.path} ended early: {reason(error)}")

    def _decoded(self, pts: int, packets: Packets) -> StoredMask | None:
        own = ("gray", self.header.width, self.header.height)
        planes: list[NDArray[np.uint8]] = []
        for packet in packets:
            try:
                pictures = packet.stream.decode(packet)
            except FFmpegError:
                return None
            # Another program may have written pictures of any size and depth.
            if not pictures or (pictures[0].format.name, pictures[0].width, pictures[0].height) != own:
                return None
            planes.append(np.ascontiguousarray(pictures[0].to_ndarray(), np.uint8))
        return StoredMask(pts, self.header.time_base, *planes)


def is_mask_file(path: str | PathLike[str]) -> bool:
    """Whether a file says of itself that it is a mask file of a video; never raises."""
    try:
        with Path(path).open("rb") as file:
            if file.read(len(_MAGIC)) != _MAGIC:
                return False
        with open_container(Path(path)) as container:
            return TAG in container.metadata
    except (MediaError, SourceNotFoundError, OSError):
        return False


def _has_index(path: Path) -> bool:
    """Whether a NUT file ends in its index, as it does once it was finished."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(size - 12, 0))
        length = int.from_bytes(file.read(8), "big")
        if not len(_INDEX) < length <= size:
            return False
        file.seek(size - length)
        return file.read(len(_INDEX)) == _INDEX
