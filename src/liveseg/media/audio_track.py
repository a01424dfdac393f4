"""One track of sound that follows the pictures: read as they advance, from where they begin to where they end."""

from __future__ import annotations

from abc import ABC, abstractmethod
from fractions import Fraction
from typing import TYPE_CHECKING

from av.error import FFmpegError
from av.stream import Discard

from liveseg.media.video_open import reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from av.audio.stream import AudioStream
    from av.container import InputContainer, OutputContainer
    from av.packet import Packet

_PREROLL = Fraction(1, 2)
"""Seconds of sound read before the first frame: decoders need some to get going, and seeking is not exact."""


class Sound(ABC):
    """One track of sound that follows the pictures.

    Args:
        output: where it goes.
        source: the file it is read from; closed with this.
        stream: which of the source's streams.
        notes: takes a line for what is broken.
    """

    def __init__(self, output: OutputContainer, source: InputContainer, stream: AudioStream, notes: list[str]) -> None:
        self._output = output
        self._source: InputContainer | None = source
        self._stream: AudioStream | None = stream
        self._time_base = stream.time_base or Fraction(1, stream.sample_rate)
        self._notes = notes
        self._start = Fraction(0)
        self._packets: Iterator[Packet[AudioStream]] = iter(())
        self._next: Packet[AudioStream] | None = None
        self._damaged = 0
        for other in source.streams:
            if other.index != stream.index:
                other.discard = Discard.all

    def begin(self, start: Fraction) -> None:
        """Go to where the pictures begin.

        Args:
            start: the time of the first frame, in seconds, by the source's clock; it becomes 0.
        """
        if self._source is None or self._stream is None:
            return
        self._start = start
        first = self._stream.start_time
        target = round((start - _PREROLL) / self._time_base)
        if first is not None and target > first:
            try:
                self._source.seek(target, stream=self._stream)
            except FFmpegError:
                self._note("it is read from its beginning, as the file cannot be searched")
        self._packets = self._read(self._source, self._stream)
        self._next = next(self._packets, None)

    def advance(self, until: Fraction) -> None:
        """Write the sound that begins before a time, in seconds by the source's clock."""
        self._pump(until, None)

    def finish(self, end: Fraction) -> None:
        """Write the sound up to a time, in seconds by the source's clock, and no further."""
        self._pump(end, end)
        try:
            self._end(end)
        except (FFmpegError, ValueError) as error:
            self._give_up(error)
        if self._damaged:
            self._note(f"{self._damaged} of its packets are damaged and were left out")

    def close(self) -> None:
        """Release the file; may be called twice."""
        self._packets = iter(())
        self._next = None
        source, self._source, self._stream = self._source, None, None
        if source is not None:
            source.close()

    def _pump(self, before: Fraction, end: Fraction | None) -> None:
        try:
            while self._next is not None and self._time_of(self._next) < before:
                packet, self._next = self._next, next(self._packets, None)
                self._write(packet, end)
        except (FFmpegError, ValueError) as error:
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        """Go on without sound, unless it is the file that cannot be written."""
        if isinstance(error, OSError | MemoryError):
            raise error
        self._packets = iter(())
        self._next = None
        self._note(f"it ends early, as it cannot be used: {reason(error)}")

    @abstractmethod
    def _write(self, packet: Packet[AudioStream], until: Fraction | None) -> None:
        """Write a packet; with `until`, nothing of it that is later."""

    @abstractmethod
    def _end(self, end: Fraction) -> None:
        """Write what is held back."""

    def _read(self, source: InputContainer, stream: AudioStream) -> Iterator[Packet[AudioStream]]:
        try:
            for packet in source.demux(stream):
                if packet.size and not packet.is_corrupt and (packet.pts is not None or packet.dts is not None):
                    yield packet
                elif packet.size:
                    self._damaged += 1
        except MemoryError:
            raise
        except (FFmpegError, OSError) as error:
            self._note(f"it cannot be read to its end: {reason(error)}")

    def _time_of(self, packet: Packet[AudioStream]) -> Fraction:
        return Fraction(packet.pts if packet.pts is not None else packet.dts or 0) * self._time_base

    def _note(self, text: str) -> None:
        self._notes.append(f"the sound: {text}")
