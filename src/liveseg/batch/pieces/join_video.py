"""Parts of a video joined: their packets as they are, at the source's own times, with the sound of the whole."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, pairwise
from typing import TYPE_CHECKING

import av
from av.error import FFmpegError

from liveseg.batch.pieces.part import SeamError
from liveseg.errors import SinkError
from liveseg.files import atomic_write
from liveseg.media.audio import open_sound
from liveseg.media.encoding import CONTAINERS, usable_time_base
from liveseg.media.remux import TAGS
from liveseg.media.video_open import open_video, reason

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from av.container import OutputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream

    from liveseg.media.audio_track import Sound
    from liveseg.media.encoding import Container
    from liveseg.media.untrusted import Untrusted

_VARIANTS = frozenset({"prores"})
"""Codecs whose tag says which of their variants it is, so that it has to go along."""


@dataclass(frozen=True)
class _Times:
    """When the frames of the joined video are shown and decoded.

    Args:
        moments: of each frame in seconds, by the source's clock, in the order in which they are shown.
        unit: seconds a unit of the others.
        shown: of each frame, likewise, from 0.
        lengths: likewise.
        delay: how many frames later than it would have to be for that order each packet is decoded, at most.
    """

    moments: Sequence[Fraction]
    unit: Fraction
    shown: Sequence[int]
    lengths: Sequence[int]
    delay: int

    def decoded(self, number: int) -> int:
        """When the packet of a number in the order of the file is decoded: as encoders have it, by frames shown."""
        if number >= self.delay:
            return self.shown[number - self.delay]
        return self.shown[number] - self.shown[self.delay] + self.shown[0]


def join_videos(
    parts: Sequence[tuple[Path, Sequence[int]]],
    target: Path,
    *,
    time_base: Fraction,
    rate: Fraction | None,
    sound: Path | None = None,
    untrusted: Untrusted | None = None,
) -> list[str]:
    """Join videos that `VideoSink` wrote, without encoding anything again.

    Args:
        parts: each with the source's own times of its frames.
        target: the video; its extension says its kind, which is that of the parts.
        time_base: seconds a unit of these times.
        rate: the source's frames a second on average; `None` where unknown.
        sound: the file whose sound goes along, as `VideoSink` takes it; `None` for a silent video.
        untrusted: where that came from somebody unknown, how far it is trusted.

    Returns:
        What the user should know of the sound.

    Raises:
        SeamError: the parts do not fit together: other frames than those of these times, or another way of encoding.
        SinkError: it cannot be written.
    """
    orders = [_order(path, len(pts)) for path, pts in parts]
    times = _times([pts for _, pts in parts], orders, time_base, rate)
    with atomic_write(target, overwrite=True) as partial:
        joined = _Joined(partial, CONTAINERS[target.suffix.lower()], times, rate or Fraction(25))
        try:
            for (path, _), order in zip(parts, orders, strict=True):
                part, stream = open_video(path)
                with part:
                    joined.track(stream, sound, untrusted)
                    for packet, rank in zip(_packets(part.demux(stream)), order, strict=True):
                        joined.write(packet, rank)
                    joined.end_part()
            joined.finish()
        except FFmpegError as error:
            if isinstance(error, OSError):
                raise  # a full disk, for one, which `atomic_write` tells of
            raise SinkError(f"cannot write {target}: {reason(error)}") from error
        finally:
            joined.close()
    return joined.notes


class _Joined:
    """The file that grows.

    Args:
        partial: its path.
        container: its kind.
        times: of its frames.
        rate: frames a second on average.
    """

    def __init__(self, partial: Path, container: Container, times: _Times, rate: Fraction) -> None:
        self.notes: list[str] = []
        self._container = container
        self._times = times
        # MP4 has times of frames only; Matroska has a rate besides.
        self._rate = None if container.fragments else rate.limit_denominator(1_000_000)
        options = container.finished(times.unit) if container.fragments else container.growing(times.unit)
        self._output = av.open(f"file:{partial}", "w", format=container.format, container_options=options)
        self._track: VideoStream | None = None
        self._parameters: tuple[object, ...] = ()
        self._voice: Sound | None = None
        self._number = self._first = 0

    def track(self, stream: VideoStream, sound: Path | None, untrusted: Untrusted | None) -> None:
        """Make a track for a part's pictures, if it is the first, and one for the sound; or see that it fits."""
        if self._track is None:
            self._parameters = _parameters(stream)
            self._track = _track(self._output, stream, self._rate)
            if sound is not None:
                self._voice = open_sound(self._output, self._container, sound, self.notes, untrusted)
            if self._voice is not None:
                self._voice.begin(self._times.moments[0])
        elif _parameters(stream) != self._parameters:
            raise SeamError("the encoder wrote other parameters for each piece")

    def write(self, packet: Packet[VideoStream], rank: int) -> None:
        """Take a part's next packet, whose picture is shown as the how manieth of its part."""
        if self._track is None:
            raise ValueError("there is no track yet")
        times, number, shown = self._times, self._number, self._first + rank
        if self._voice is not None:
            self._voice.advance(times.moments[number])
        packet.time_base = times.unit
        packet.pts = times.shown[shown]
        packet.dts = times.decoded(number)
        packet.duration = times.lengths[shown]
        packet.stream = self._track
        self._output.mux(packet)
        self._number += 1

    def end_part(self) -> None:
        """The next packet is of another part."""
        self._first = self._number

    def finish(self) -> None:
        """Write the rest of the sound."""
        times = self._times
        if self._voice is not None:
            self._voice.finish(times.moments[-1] + times.lengths[-1] * times.unit)

    def close(self) -> None:
        """Finish the file."""
        if self._voice is not None:
            self._voice.close()
        self._output.close()


def _order(path: Path, frames: int) -> list[int]:
    """For each packet, in the order of the file, the how manieth of the part it is that is shown."""
    part, stream = open_video(path)
    with part:
        pts = [packet.pts or 0 for packet in _packets(part.demux(stream))]
    ranks = {moment: rank for rank, moment in enumerate(sorted(pts))}
    if len(ranks) != frames or len(pts) != frames:
        raise SeamError(f"{path.name} holds {len(ranks)} pictures of {frames} frames")
    return [ranks[moment] for moment in pts]


def _packets(packets: Iterator[Packet[VideoStream]]) -> Iterator[Packet[VideoStream]]:
    return (packet for packet in packets if packet.size)


def _times(
    parts: Sequence[Sequence[int]], orders: Sequence[Sequence[int]], time_base: Fraction, rate: Fraction | None
) -> _Times:
    unit = usable_time_base(time_base)
    pts = list(chain.from_iterable(parts))
    # As `VideoSink` has them: the first frame at 0, the last one as long as frames are on average.
    shown = [round((moment - pts[0]) * time_base / unit) for moment in pts]
    last = max(round(1 / (rate * unit)), 1) if rate else 1
    delay = max(number - rank for order in orders for number, rank in enumerate(order))
    moments = [moment * time_base for moment in pts]
    return _Times(moments, unit, shown, [*(after - before for before, after in pairwise(shown)), last], delay)


def _track(output: OutputContainer, template: VideoStream, rate: Fraction | None) -> VideoStream:
    # As it is: otherwise PyAV would look for an encoder of that codec.
    track = output.add_stream_from_template(template, opaque=True)
    codec = track.codec_context.codec.canonical_name
    if codec in TAGS:
        track.codec_context.codec_tag = TAGS[codec]
    elif codec in _VARIANTS:
        track.codec_context.codec_tag = template.codec_context.codec_tag
    if rate is not None:
        track.codec_context.framerate = rate
    alpha = next((value for name, value in template.metadata.items() if name.lower() == "alpha_mode"), None)
    if alpha is not None:
        track.metadata["alpha_mode"] = alpha
    return track


def _parameters(stream: VideoStream) -> tuple[object, ...]:
    """What the header of a track says once for all packets."""
    context = stream.codec_context
    return (context.name, context.codec_tag, context.width, context.height, context.pix_fmt, context.extradata)
