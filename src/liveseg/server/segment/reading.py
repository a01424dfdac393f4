"""From the bytes of an upload to pixels, under limits: nothing is decoded whose cost is not known before."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from liveseg.errors import MediaError
from liveseg.media.hostile import refuse_costly
from liveseg.media.images import ImageSource, NotAnImageError, TooManyPixelsError
from liveseg.server.problems import Problem

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")
"""What is taken from strangers, by Pillow's names.

AVIF is not: its file may claim 64x64 pixels and hold a stream of 81 million, which is decoded before anyone can see
that, and the library takes no limit. TIFF is not: its dozens of encodings are read by two large libraries, and no
browser sends it.
"""

MEDIA_TYPES = ("image/jpeg", "image/png", "image/webp", "image/gif", "image/bmp")
"""What they are called over HTTP."""

_OTHERS = ((b"ftypavif", "AVIF"), (b"ftypavis", "AVIF"), (b"ftyphei", "HEIF"), (b"ftypmif1", "HEIF or AVIF"))


def read_upload(data: bytes | Path, *, max_pixels: int) -> NDArray[np.uint8]:
    """An uploaded image as `(H, W, 3)` `uint8` RGB, upright; of an animation the first picture. Call it in a thread.

    What it is, is said by its content alone. Nothing of its metadata is kept.

    Args:
        data: the whole file, or where it lies.
        max_pixels: more than these are refused before anything is decoded.

    Raises:
        Problem: 413 for too many pixels, 415 for what is none of `FORMATS`, 422 for what is damaged or cut off, or
            costs more to read than its pixels do.
    """
    return OpenedUpload(data.read_bytes() if isinstance(data, Path) else data, max_pixels=max_pixels).read()


class OpenedUpload:
    """An uploaded image of which only the header was read.

    Args:
        data: the whole file.
        max_pixels: as `read_upload` takes it.

    Raises:
        Problem: as `read_upload`; damage behind the header is found by `read`.
    """

    def __init__(self, data: bytes, *, max_pixels: int) -> None:
        if not data:
            raise Problem(422, "the image is empty; send the bytes of a file", type="unusable")
        try:
            refuse_costly(data)
            self._source = ImageSource(io.BytesIO(data), formats=FORMATS, most_pixels=max_pixels)
        except TooManyPixelsError as error:
            raise Problem(413, str(error), type="too-many-pixels", max_pixels=max_pixels) from error
        except NotAnImageError as error:
            raise Problem(415, _unknown(data), accepted=list(MEDIA_TYPES)) from error
        except MediaError as error:
            raise _unusable(error) from error

    @property
    def pixels(self) -> int:
        """How many it says it has, which is how many are decoded."""
        return self._source.info.width * self._source.info.height

    def read(self) -> NDArray[np.uint8]:
        """Decode it, once, and let go of the file's bytes.

        Raises:
            Problem: 422, where it is damaged or cut off.
        """
        try:
            with self._source as source:
                return source.read()
        except MediaError as error:
            raise _unusable(error) from error


def _unusable(error: MediaError) -> Problem:
    return Problem(422, str(error), type="unusable")


def _unknown(data: bytes) -> str:
    """What a file is that is not taken, as far as its first bytes tell."""
    names = [name for sign, name in _OTHERS if data[4:16].startswith(sign)]
    if data.startswith((b"II*\0", b"MM\0*")):
        names = ["TIFF"]
    what = f"{names[0]} is not taken" if names else "this is no image that is taken"
    return f"{what}; send JPEG, PNG, WebP, GIF or BMP"
