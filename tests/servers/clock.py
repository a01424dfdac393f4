"""A clock painted into pictures as black and white blocks, and read back from them after an encoder.

The upper half of a picture is a grid of 16 by 6 blocks: 8 bytes of nanoseconds, 3 of the frame's number and one of a
checksum. Blocks grow with the picture, so a scaled one reads as well. Painting needs the standard library alone, since
the RTSP server runs on the system's Python.
"""

from __future__ import annotations

import time
import zlib
from typing import NamedTuple

COLUMNS, ROWS = 16, 6
BLACK, GREY, WHITE = 16, 128, 235


class Reading(NamedTuple):
    """What a picture says: when it was painted, in seconds of `time.monotonic`, and which one of its stream it is."""

    seconds: float
    number: int


def paint(width: int, height: int, number: int) -> bytes:
    """A picture of now as planar YUV 4:2:0 of limited range: `width * height` bytes of brightness, then the colours.

    `width` has to be a multiple of 16, `height` one of 12.
    """
    payload = time.monotonic_ns().to_bytes(8, "big") + (number % 2**24).to_bytes(3, "big")
    payload += bytes([zlib.crc32(payload) & 0xFF])
    across, down = width // COLUMNS, height // (2 * ROWS)
    rows = [f"{int.from_bytes(payload[at : at + 2], 'big'):0{COLUMNS}b}" for at in range(0, 2 * ROWS, 2)]
    blocks = {"0": bytes([BLACK]) * across, "1": bytes([WHITE]) * across}
    upper = b"".join(b"".join(blocks[bit] for bit in row) * down for row in rows)
    # Something that moves, for eyes and for encoders.
    bar = [WHITE if column == number % COLUMNS else GREY for column in range(COLUMNS)]
    lower = b"".join(bytes([shade]) * across for shade in bar) * (height - ROWS * down)
    return upper + lower + bytes([128]) * (width * height // 2)


def read_clock(image) -> Reading | None:
    """The time and number in a picture `(H, W, 3)` `uint8`; `None` where there is none, or a damaged one."""
    height, width = image.shape[:2]
    across, down = width / COLUMNS, height / (2 * ROWS)
    bits = ""
    for row in range(ROWS):
        for column in range(COLUMNS):
            # The middle of a block: its edges are where an encoder and a scaler smear.
            top, left = int((row + 0.25) * down), int((column + 0.25) * across)
            block = image[top : top + max(int(down / 2), 1), left : left + max(int(across / 2), 1), 1]
            bits += "1" if block.mean() > GREY else "0"
    payload = int(bits, 2).to_bytes(12, "big")
    if payload[11] != zlib.crc32(payload[:11]) & 0xFF:
        return None
    return Reading(int.from_bytes(payload[:8], "big") / 1e9, int.from_bytes(payload[8:11], "big"))
