"""Parts of a mask file joined: the pictures as they are, at the source's own times."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import av
from av.error import FFmpegError

from liveseg.batch.pieces.part import SeamError
from liveseg.files import atomic_write
from liveseg.maskfile.header import MaskHeader
from liveseg.maskfile.writer import FORMAT
from liveseg.media.video_open import open_container, reason

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from av.container import InputContainer, OutputContainer
    from av.video.stream import VideoStream

    from liveseg.maskfile.identity import Identity


def join_masks(parts: Sequence[tuple[Path, Sequence[int]]], target: Path, source: Identity) -> None:
    """Join mask files without unpacking a mask.

    Args:
        parts: each with the times of its masks in the source's units.
        target: the mask file.
        source: what the masks were made from.

    Raises:
        SeamError: one holds other masks than those of these times.
        SinkError: it cannot be written.
    """
    with atomic_write(target, overwrite=True) as partial:
        # As `MaskWriter` opens it, so that its bytes come out as that one's.
        output = av.open(f"file:{partial}", "w", format=FORMAT, container_options={"flush_packets": "1"})
        try:
            tracks: list[VideoStream] = []
            offset = 0
            for path, pts in parts:
                with open_container(path) as part:
                    header = MaskHeader.from_tags(part.metadata, path.name)
                    if not tracks:
                        offset = header.offset
                        output.metadata.update(replace(header, source=source).to_tags())
                        tracks = [_track(output, track, header) for track in part.streams.video]
                    _copy(part, header, pts, offset, output, tracks)
        except FFmpegError as error:
            raise SeamError(f"the parts of {target.name} cannot be joined: {reason(error)}") from error
        finally:
            output.close()


def _track(output: OutputContainer, template: VideoStream, header: MaskHeader) -> VideoStream:
    track = output.add_stream_from_template(template, opaque=True)
    track.time_base = header.time_base
    # The template does not tell it, and NUT's header depends on it.
    track.codec_context.framerate = (header.rate or Fraction(25)).limit_denominator(1_000_000)
    track.metadata["title"] = template.metadata["title"]
    return track


def _copy(
    part: InputContainer,
    header: MaskHeader,
    pts: Sequence[int],
    offset: int,
    output: OutputContainer,
    tracks: Sequence[VideoStream],
) -> None:
    copied = [0] * len(tracks)
    for packet in part.demux(part.streams.video):
        if packet.pts is None or not packet.size:
            continue
        number = copied[packet.stream_index]
        if number >= len(pts) or packet.pts * packet.time_base != (pts[number] - header.offset) * header.time_base:
            raise SeamError(f"a mask of {header.source.name} is not at the time of its frame")
        copied[packet.stream_index] += 1
        packet.time_base = header.time_base
        packet.pts = packet.dts = pts[number] - offset
        packet.stream = tracks[packet.stream_index]
        output.mux(packet)
    if any(number != len(pts) for number in copied):
        raise SeamError(f"{copied[0]} masks of {len(pts)} frames of {header.source.name}")
