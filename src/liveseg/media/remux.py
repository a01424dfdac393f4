"""The same packets in another order of boxes: from a file that grew in fragments to one that players start at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import av

if TYPE_CHECKING:
    from collections.abc import Mapping
    from fractions import Fraction
    from pathlib import Path


TAGS = {"hevc": "hvc1"}
"""Codec tags by codec: Apple's players want HEVC's parameters outside of the packets, which this one promises."""

_VARIANTS = frozenset({"prores"})
"""Codecs whose tag says which of their variants it is, so that it has to go along."""


def remux(
    source: Path,
    target: Path,
    kind: str,
    options: Mapping[str, str],
    *,
    last: tuple[Fraction, Fraction] | None = None,
) -> None:
    """Copy all packets of a file, as they are and with their times, into a new file.

    Args:
        source: a whole file.
        target: written, or written over.
        kind: FFmpeg's name of the target's format.
        options: of FFmpeg's muxer; `{"movflags": "faststart"}` puts the index before the data.
        last: when the picture shown last begins and when it is over, in seconds. Fragments know lengths in the order of
            decoding only, where it stands between two others.

    Raises:
        OSError: the target cannot be written; in that case and any other it is not whole.
        av.FFmpegError: likewise.
    """
    with (
        av.open(f"file:{source}", "r") as reading,
        av.open(f"file:{target}", "w", format=kind, container_options=dict(options)) as writing,
    ):
        tracks = {}
        for stream in reading.streams:
            # As it is: otherwise PyAV would look for an encoder of that codec.
            track = writing.add_stream_from_template(stream, opaque=True)
            codec = track.codec_context.codec.canonical_name
            if codec in TAGS:
                track.codec_context.codec_tag = TAGS[codec]
            elif codec in _VARIANTS:
                track.codec_context.codec_tag = stream.codec_context.codec_tag
            tracks[stream.index] = track
        for packet in reading.demux():
            if packet.dts is not None:
                if last is not None and packet.stream.type == "video" and packet.pts is not None:
                    begin, end = (round(time / packet.time_base) for time in last)
                    left = end - packet.pts
                    packet.duration = left if packet.pts >= begin else max(min(packet.duration or left, left), 1)
                packet.stream = tracks[packet.stream_index]
                writing.mux(packet)
