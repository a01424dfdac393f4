"""Anything that is taken for a picture, as the bytes that are sent of it."""

from __future__ import annotations

import io
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from liveseg.errors import MediaError, SourceNotFoundError, UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image

    Sendable = str | PathLike[str] | bytes | NDArray[np.uint8] | Image

_OTHER_COLOURS = ("CMYK", "YCbCr", "LAB", "HSV", "RGBX")
"""Pillow's modes that a PNG does not hold, and that are RGB in other words."""


def encoded(picture: Sendable, *, quality: int | None = None) -> bytes:
    """The bytes of a picture.

    Args:
        picture: a file's path or its bytes, which are sent as they are; `(H, W, 3)` `uint8` RGB; or a PIL image.
        quality: of the JPEG that an array or a PIL image is made into; by default it is a PNG, which loses nothing.

    Raises:
        SourceNotFoundError: no such file.
        MediaError: it cannot be read.
        UsageError: anything else.
    """
    if isinstance(picture, bytes):
        return picture
    if isinstance(picture, str | PathLike):
        return _read(Path(picture))
    from PIL import Image

    if isinstance(picture, np.ndarray):
        if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3 or 0 in picture.shape:
            raise UsageError(f"an array is (H, W, 3) uint8 RGB, not {picture.shape} {picture.dtype}")
        picture = Image.fromarray(np.ascontiguousarray(picture))
    if not isinstance(picture, Image.Image):
        raise UsageError(f"a picture is a path, bytes, a numpy array or a PIL image, not {type(picture).__name__}")
    target = io.BytesIO()
    try:
        if quality is None:
            # More effort makes it a few percent smaller, and takes three times as long.
            picture = picture.convert("RGB") if picture.mode in _OTHER_COLOURS else picture
            picture.save(target, "PNG", compress_level=1)
        else:
            picture.convert("RGB").save(target, "JPEG", quality=quality)
    except OSError as error:
        # Of a file that Pillow has opened the pixels are read only now.
        raise MediaError(f"cannot send the picture: {' '.join(str(error).split())}") from error
    return target.getvalue()


def checked(path: str | PathLike[str]) -> Path:
    """The path of a file that is there.

    Raises:
        SourceNotFoundError: no such file.
    """
    found = Path(path)
    if not found.is_file():
        raise SourceNotFoundError(f"no such file: {found}")
    return found


def _read(path: Path) -> bytes:
    try:
        return checked(path).read_bytes()
    except SourceNotFoundError:
        raise
    except OSError as error:
        raise MediaError(f"cannot read {path}: {error.strerror or error}") from error
