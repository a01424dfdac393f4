"""The binary messages between the service and those who use it: frames one way, masks or overlays the other.

Little-endian, a header of 40 bytes and then two parts:

    offset  type    meaning
    0       u8[2]   b"LS"
    2       u8      version: 1
    3       u8      kind: 1 frame, 2 layers, 3 overlay
    4       u32     sequence: the frame's number; an answer carries its frame's
    8       f64     the sender's own time stamp of the frame in ms; an answer carries it back as it came
    16      f32     ms that the frame waited in the service
    20      f32     ms that was worked on it
    24      u32     frames dropped since the last answer
    28      u16[2]  width and height of the mask or picture in the first part; of a frame 0, 0
    32      u16[2]  width and height of the confidences in the second part; 0, 0: there are none
    36      u32     bytes of the first part; the second part is the rest

The first part of a frame is an encoded picture, that of an overlay a JPEG; neither has a second part. Those of layers
are zlib streams (RFC 1950): the mask, a class index a pixel, row by row; then the confidences, 0 to 255 for 0 to 1,
mostly much smaller than the mask: each stands in the middle of its part of the picture, with straight lines between.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from liveseg.errors import LivesegError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]

MEDIA_TYPE = "application/vnd.liveseg.layers"
"""What a `Layers` message is called where it is an answer over HTTP."""

VERSION = 1

LONGEST_SIDE = 0xFFFF
"""Pixels that a side may have: the header counts them in 16 bits."""

HEADER = struct.Struct("<2sBBIdffIHHHHI")
_TOLD, _TOLD_AT = struct.Struct("<ffI"), 16

_MAGIC = b"LS"
_FRAME, _LAYERS, _OVERLAY = 1, 2, 3
_MOST = 0xFFFFFFFF
_MOST_PIXELS = 100_000_000
_LEVEL = 1
"""Of zlib: masks are long runs of one value, which the fastest level finds, too."""


class WireError(LivesegError, ValueError):
    """A binary message that is none, or that cannot be written as one."""


@dataclass(frozen=True)
class Frame:
    """A picture on its way to the service.

    Args:
        picture: an encoded picture: JPEG, PNG or WebP.
        sequence: its number, from 0 to 2**32 - 1.
        stamp: when it was taken, in ms of the sender's own clock.
    """

    picture: bytes = field(repr=False)
    sequence: int = 0
    stamp: float = 0.0

    def pack(self) -> bytes:
        """The message.

        Raises:
            WireError: a number that does not fit into its place.
        """
        return _pack(_FRAME, self.sequence, self.stamp, (0.0, 0.0, 0), (0, 0), (0, 0), (self.picture, b""))


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What every answer of the service tells of its frame.

    Args:
        sequence: the frame's number; 0 for an answer over HTTP.
        stamp: the frame's time stamp, as it was sent.
        waited_ms: how long the frame waited in the service.
        worked_ms: how long it was worked on.
        dropped: frames that were left out since the last answer, because a newer one came.
    """

    sequence: int = 0
    stamp: float = 0.0
    waited_ms: float = 0.0
    worked_ms: float = 0.0
    dropped: int = 0

    @property
    def _about(self) -> tuple[float, float, int]:
        return self.waited_ms, self.worked_ms, self.dropped


@dataclass(frozen=True, eq=False)
class Layers(Answer):
    """What the network found in a frame.

    Args:
        mask: `(H, W)` `uint8` class indices; at the picture's size or a smaller one.
        confidence: `(h, w)` `uint8`, 255 times the probability of the winner in the middle of each of so many parts
            of the picture; `None` if it was not asked for.
    """

    mask: Pixels = field(repr=False)
    confidence: Pixels | None = field(default=None, repr=False)

    def pack(self, level: int = _LEVEL) -> bytes:
        """The message.

        Args:
            level: how hard zlib tries, from 0 to 9.

        Raises:
            WireError: a side longer than 65,535 pixels, a layer of another form, or a number that does not fit.
        """
        sizes = [_size_of("a mask", self.mask), (0, 0)]
        parts = [zlib.compress(np.ascontiguousarray(self.mask).data, level), b""]
        if self.confidence is not None:
            sizes[1] = _size_of("a confidence layer", self.confidence)
            parts[1] = zlib.compress(np.ascontiguousarray(self.confidence).data, level)
        return _pack(_LAYERS, self.sequence, self.stamp, self._about, sizes[0], sizes[1], (parts[0], parts[1]))


@dataclass(frozen=True)
class Overlay(Answer):
    """A frame with its classes drawn over it.

    Args:
        picture: a JPEG.
        width: of the picture, in pixels.
        height: of the picture, in pixels.
    """

    picture: bytes = field(repr=False)
    width: int
    height: int

    def pack(self) -> bytes:
        """The message.

        Raises:
            WireError: a number that does not fit into its place.
        """
        size = (self.width, self.height)
        return _pack(_OVERLAY, self.sequence, self.stamp, self._about, size, (0, 0), (self.picture, b""))


def unpack(message: bytes | memoryview, *, max_pixels: int = _MOST_PIXELS) -> Frame | Layers | Overlay:
    """Read a message.

    Args:
        message: all its bytes.
        max_pixels: how many a layer may claim to have; no more bytes than it claims are ever unpacked.

    Raises:
        WireError: a message that is none: cut off, of another version or kind, with bytes too many, or with layers of
            another size than it says.
    """
    header, parts = _parts(message)
    kind, width, height = header.kind, header.width, header.height
    about: dict[str, Any] = {
        "sequence": header.sequence,
        "stamp": header.stamp,
        "waited_ms": header.waited,
        "worked_ms": header.worked,
        "dropped": header.dropped,
    }
    if kind == _LAYERS:
        mask = _layer("mask", parts[0], width, height, max_pixels)
        if (header.columns, header.rows) == (0, 0):
            _nothing_after(parts[1])
            return Layers(mask, **about)
        return Layers(mask, _layer("confidence layer", parts[1], header.columns, header.rows, max_pixels), **about)
    picture = _picture(parts)
    if kind == _FRAME:
        return Frame(picture, header.sequence, header.stamp)
    if kind == _OVERLAY:
        return Overlay(picture, width, height, **about)
    raise WireError(f"a message of an unknown kind: {kind}")


def unpack_frame(message: bytes | memoryview) -> Frame:
    """Read a message that has to be a frame; one of another kind is not unpacked.

    Raises:
        WireError: it is none.
    """
    header, parts = _parts(message)
    if header.kind != _FRAME:
        raise WireError(f"a client sends frames, of kind {_FRAME}; this message is of kind {header.kind}")
    return Frame(_picture(parts), header.sequence, header.stamp)


def told(message: bytes, *, waited_ms: float, worked_ms: float, dropped: int) -> bytes:
    """An answer's message with what is known only when it is sent: its times in the service, and what was dropped."""
    changed = bytearray(message)
    _TOLD.pack_into(changed, _TOLD_AT, waited_ms, worked_ms, min(dropped, _MOST))
    return bytes(changed)


class _Header(NamedTuple):
    """The fields of a header, in their order."""

    magic: bytes
    version: int
    kind: int
    sequence: int
    stamp: float
    waited: float
    worked: float
    dropped: int
    width: int
    height: int
    columns: int
    rows: int
    first: int


def _parts(message: bytes | memoryview) -> tuple[_Header, tuple[memoryview, memoryview]]:
    data = memoryview(message)
    if len(data) < HEADER.size:
        raise WireError(f"a message begins with a header of {HEADER.size} bytes; this one has {len(data)} in all")
    header = _Header(*HEADER.unpack_from(data))
    if header.magic != _MAGIC:
        raise WireError(f"a message begins with {_MAGIC!r}, not {header.magic!r}")
    if header.version != VERSION:
        raise WireError(
            f"a message of version {header.version}; this liveseg knows version {VERSION}: update the older side"
        )
    rest = data[HEADER.size :]
    if header.first > len(rest):
        raise WireError(f"the message is cut off: its first part has {header.first} bytes, there are {len(rest)}")
    return header, (rest[: header.first], rest[header.first :])


def _picture(parts: tuple[memoryview, memoryview]) -> bytes:
    _nothing_after(parts[1])
    if not len(parts[0]):
        raise WireError("the message holds no picture")
    return bytes(parts[0])


def _pack(
    kind: int,
    sequence: int,
    stamp: float,
    about: tuple[float, float, int],
    size: tuple[int, int],
    grid: tuple[int, int],
    parts: tuple[bytes, bytes],
) -> bytes:
    waited, worked, dropped = about
    if max(size) > LONGEST_SIDE:
        raise WireError(_too_long("a picture", *size))
    try:
        header = HEADER.pack(
            _MAGIC, VERSION, kind, sequence, stamp, waited, worked, min(dropped, _MOST), *size, *grid, len(parts[0])
        )
    except (struct.error, OverflowError) as error:
        raise WireError(f"a number does not fit into the header of a message: {error}") from error
    return b"".join((header, *parts))


def _size_of(what: str, layer: Pixels) -> tuple[int, int]:
    if layer.ndim != 2 or layer.dtype != np.uint8 or 0 in layer.shape:
        raise WireError(f"{what} is (H, W) uint8, not {layer.shape} {layer.dtype}")
    height, width = layer.shape
    if max(width, height) > LONGEST_SIDE:
        raise WireError(_too_long(what, width, height))
    return width, height


def _too_long(what: str, width: int, height: int) -> str:
    return f"{what} of {width}x{height} does not fit into a message, which holds {LONGEST_SIDE} pixels a side at most"


def _layer(what: str, packed: memoryview, width: int, height: int, max_pixels: int) -> Pixels:
    """A layer, of which never more is unpacked than the header says."""
    if not width or not height:
        raise WireError(f"a {what} of {width}x{height} pixels has none")
    pixels = width * height
    if pixels > max_pixels:
        raise WireError(f"a {what} of {width}x{height} is more than the {max_pixels} pixels that are taken")
    stream = zlib.decompressobj()
    try:
        # One byte more than there should be is enough to see that it is another layer.
        values = stream.decompress(packed, pixels + 1)
    except zlib.error as error:
        raise WireError(f"the {what} is damaged: {error}") from error
    if len(values) != pixels or not stream.eof or stream.unused_data:
        raise WireError(f"the {what} is not the {width}x{height} pixels that its message says")
    return np.frombuffer(values, np.uint8).reshape(height, width)


def _nothing_after(part: memoryview) -> None:
    if len(part):
        raise WireError(f"{len(part)} bytes too many behind the first part")
