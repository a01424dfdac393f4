"""TIFF files that Pillow does not know, or gets wrong, such as three channels of floating point, by OpenCV."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, TiffImagePlugin

from liveseg.errors import MediaError
from liveseg.media.pixels import quiet, scale_to_8_bits

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIGNATURES = (b"II*\0", b"MM\0*")
WIDTH, HEIGHT = 256, 257
_BITS, _ORIENTATION, _PLANES, _PROFILE = 258, 274, 284, 34675
_SEPARATE = 2


def needs_opencv(image: Image.Image) -> bool:
    """Whether Pillow opens a TIFF file, but gets the numbers of its pixels wrong.

    It takes 32-bit integers for signed ones, and forgets the byte order of compressed big-endian files.

    Raises:
        MediaError: deep pixels in separate colour planes, which neither library reads rightly.
    """
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return False
    _refuse_deep_planes(image.tag_v2)
    return image.mode in ("I", "F")


def read_by_opencv(data: bytes, most_pixels: int, notes: list[str]) -> Image.Image | None:
    """The first picture of a TIFF file, upright, its colour profile yet to be applied.

    Args:
        data: the whole file.
        most_pixels: a file that claims more is not decoded.
        notes: takes one line for each thing that the user should know.

    Returns:
        `None` where OpenCV cannot read it either.

    Raises:
        MediaError: deep pixels in separate colour planes.
    """
    try:
        tags = TiffImagePlugin.ImageFileDirectory_v2(data[:8])
        file = io.BytesIO(data)
        file.seek(tags.next)
        with quiet():
            tags.load(file)
        width, height = int(tags[WIDTH]), int(tags[HEIGHT])
    except Exception:  # noqa: BLE001  (what a parser raises on damaged data has no common class)
        return None
    if not 0 < width * height <= most_pixels:
        return None
    _refuse_deep_planes(tags)
    values = _decode(data)
    # OpenCV applies the orientation of TIFF files, whatever its flags.
    shown = (width, height) if tags.get(_ORIENTATION, 1) >= 5 else (height, width)
    if values is None or values.shape[:2] != shown:
        return None
    image = Image.fromarray(scale_to_8_bits(values, notes))
    if profile := tags.get(_PROFILE):
        image.info["icc_profile"] = profile
    return image


def _refuse_deep_planes(tags: TiffImagePlugin.ImageFileDirectory_v2) -> None:
    bits = tags.get(_BITS, (1,))
    if tags.get(_PLANES, 1) == _SEPARATE and len(bits) > 1 and max(bits) > 8:
        raise MediaError(
            f"a TIFF file of {max(bits)} bits in separate colour planes is not read; save it with its channels"
            " interleaved"
        )


def _decode(data: bytes) -> NDArray[Any] | None:
    import cv2

    log = cv2.utils.logging
    before = log.setLogLevel(log.LOG_LEVEL_SILENT)
    try:
        values = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None
    finally:
        log.setLogLevel(before)
    if values is None or values.ndim == 2:
        return values
    return values[..., [2, 1, 0, 3][: values.shape[2]]] if values.shape[2] in (3, 4) else None
