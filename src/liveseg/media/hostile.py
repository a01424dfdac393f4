"""Image files that are made to cost their reader more than their pixels do; they are seen by walking their structure.

A limit on pixels does not bound the work: a JPEG may go over all its pixels again in each of half a million scans of 75
bytes, and a file may consist of millions of empty parts, which are read one by one. No program writes such files by
itself, so the limits here lie far above what is found in real ones.
"""

from __future__ import annotations

import re

from liveseg.errors import MediaError

MOST_SCANS = 32
"""Of a JPEG: progressive ones have about ten."""

MOST_PARTS = 4096
"""Segments, chunks or blocks before the pixels; a JPEG's colour profile alone may take 255."""

MOST_PIECES = 1 << 18
"""Parts that the pixels are cut into: a PNG of 32 MiB mostly has 4,096 of them, a GIF 131,072."""

_MOST_JUNK = 1 << 16
"""Bytes between the segments of a JPEG's head, which Pillow skips one by one."""

# What is no marker: an escaped 255, the restarts of a scan, and fill bytes.
_MARKER = re.compile(rb"\xff([^\x00\xd0-\xd7\xff])")
_PNG = b"\x89PNG\r\n\x1a\n"
_BMP_RUN_LENGTHS = (1, 2)


def refuse_costly(data: bytes) -> None:
    """Refuse a JPEG, PNG, GIF or BMP whose structure costs more to read than its pixels do.

    Args:
        data: the whole file; what is damaged or of another format is left for its reader to refuse.

    Raises:
        MediaError: it is such a file; the message says of what there is too much.
    """
    if data.startswith(b"\xff\xd8\xff"):
        _jpeg(data)
    elif data.startswith(_PNG):
        _png(data)
    elif data.startswith(b"GIF8"):
        _gif(data)
    elif data.startswith(b"BM") and int.from_bytes(data[30:34], "little") in _BMP_RUN_LENGTHS:
        raise MediaError("a BMP file with run lengths is not read here; save it as PNG")


def _jpeg(data: bytes) -> None:
    place, parts, scans, junk = 2, 0, 0, 0
    while (marker := _MARKER.search(data, place)) is not None:
        code = marker[1][0]
        if code == 0xD9:  # the end; what follows is no part of the picture
            return
        if not scans:
            junk += marker.start() - place
        place = marker.end()
        parts += 1
        scans += code == 0xDA
        if code not in (0x01, 0xD8):  # those stand alone
            place += max(int.from_bytes(data[place : place + 2], "big"), 2)
        _hold("scans", scans, MOST_SCANS)
        _hold("segments", parts, MOST_PARTS)
        _hold("bytes between its segments", junk, _MOST_JUNK)


def _png(data: bytes) -> None:
    place, parts, pieces = len(_PNG), 0, 0
    while place + 8 <= len(data):
        kind = data[place + 4 : place + 8]
        if kind == b"IEND" or (kind == b"fcTL" and pieces):  # the second picture of an animation begins
            return
        place += 12 + int.from_bytes(data[place : place + 4], "big")
        if kind == b"IDAT":
            pieces += 1
        else:
            parts += 1
        _hold("chunks", parts, MOST_PARTS)
        _hold("pieces", pieces, MOST_PIECES)


def _gif(data: bytes) -> None:
    place, parts, pieces, pictures = 13 + _table(data[10:11]), 0, 0, 0
    # The head of the second picture is read as well, to see whether there is one.
    while pictures < 2 and place < len(data) and data[place] in (0x21, 0x2C):
        if data[place] == 0x2C:
            pictures += 1
            place += 11 + _table(data[place + 9 : place + 10])
        else:
            place += 2
        parts += 1
        while place < len(data) and (size := data[place]):
            place += size + 1
            pieces += 1
            _hold("pieces", pieces, MOST_PIECES)
        place += 1
        _hold("blocks", parts, MOST_PARTS)


def _table(flags: bytes) -> int:
    """Bytes of the colour table that a GIF's flags announce."""
    return 3 << (flags[0] & 7) + 1 if flags and flags[0] & 0x80 else 0


def _hold(what: str, count: int, most: int) -> None:
    if count > most:
        raise MediaError(f"the image has more than {most:,} {what}, which no program writes; save it anew, as PNG")
