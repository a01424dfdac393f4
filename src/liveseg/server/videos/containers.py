"""Which container a file begins as, so that what is none is refused before anything reads it."""

from __future__ import annotations

import re

_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"styp")
_BEGINNINGS = (
    ("matroska", b"\x1a\x45\xdf\xa3"),
    ("ogg", b"OggS"),
    ("flv", b"FLV\x01"),
    ("asf", b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"),
    ("gif", b"GIF8"),
    ("mpeg", b"\x00\x00\x01\xba"),
    ("mpeg", b"\x00\x00\x01\xb3"),
)
_STILL = re.compile(rb"ftyp(avif|heic|heix|mif1|msf1|hevc|crx )")
"""Pictures in the boxes of MP4, though `avis` and `hevc` may be sequences; those are rare, and belong to pictures."""


def container_of(head: bytes) -> str | None:
    """The container, by FFmpeg's name for it; `None` for what is none of those that are taken.

    Args:
        head: the file's first bytes, 1024 if there are so many.
    """
    for name, beginning in _BEGINNINGS:
        if head.startswith(beginning):
            return name
    if head[:4] == b"RIFF" and head[8:12] in (b"AVI ", b"AVIX"):
        return "avi"
    if head[4:8] in _BOXES:
        return None if _STILL.match(head[4:12]) else "mov"
    # 188 bytes a packet, or 192 with a time before each (camcorders), or 204 with a checksum behind it.
    for size, first in ((188, 0), (192, 4), (204, 0)):
        starts = head[first::size]
        if len(starts) > 3 and not starts.strip(b"\x47"):
            return "mpegts"
    return None
