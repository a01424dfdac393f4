"""Any picture that Pillow can hold, as a viewer would show it: upright, opaque, 8 bits a channel, sRGB."""

from __future__ import annotations

import io
import logging
import threading
import warnings
from contextlib import contextmanager
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageCms, ImageOps

from liveseg.errors import MediaError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_TIFF_BITS = 258
_TIFF_PHOTOMETRIC = 262
_WHITE_IS_ZERO = 0
_FILTERS = threading.Lock()
_STRIP_PIXELS = 1 << 22
_LARGEST_PROFILE = 1 << 22
"""Bytes of a colour profile: those of presses have up to three million, and the last few are kept in memory."""
_DEEP = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N")
"""More than 8 bits a pixel, whose range is that of the whole picture."""

# Without a handler, Python prints what Pillow logs about a damaged file beside our own line.
logging.getLogger("PIL").addHandler(logging.NullHandler())


def to_rgb(image: Image.Image, notes: list[str] | None = None) -> NDArray[np.uint8]:
    """The pixels of a picture as `(H, W, 3)` `uint8` RGB in sRGB.

    The EXIF orientation is applied. Colours are converted from the embedded ICC profile, relative
    colorimetric with black point compensation; a profile that is broken, of other channels or larger than
    4 MiB is left out, with a note. More than 8 bits are scaled, not clipped: see `scale_to_8_bits`.
    Transparent pixels lie over white.

    Args:
        image: of any mode; its file is read if it has not been.
        notes: takes one line for each thing that the user should know.

    Raises:
        MediaError: the picture has no pixels, or its file is damaged.
    """
    notes = [] if notes is None else notes
    if 0 in image.size:
        raise MediaError(f"a picture of {image.width} x {image.height} pixels has nothing to segment")
    try:
        image.load()
    except Exception as error:  # what a decoder raises on damaged data has no common class
        raise MediaError(f"the picture is damaged: {one_line(error)}") from error
    image = _upright(image, notes)
    if image.mode in _DEEP or image.width * image.height <= _STRIP_PIXELS:
        return _opaque_rgb(image, notes)
    # What a large picture becomes on its way is made of strips of it, or it would be in memory several times over.
    pixels = np.empty((image.height, image.width, 3), np.uint8)
    rows = max(_STRIP_PIXELS // image.width, 1)
    for top in range(0, image.height, rows):
        said: list[str] = []
        strip = image.crop((0, top, image.width, min(top + rows, image.height)))
        pixels[top : top + rows] = _opaque_rgb(strip, said)
        notes += [note for note in said if note not in notes]
    return pixels


def _opaque_rgb(image: Image.Image, notes: list[str]) -> NDArray[np.uint8]:
    profile = image.info.get("icc_profile")
    color, alpha = _split_alpha(image, notes)
    if profile:
        color = _to_srgb(color, profile, notes)
    color = color.convert("RGB")
    if alpha is not None:
        canvas = Image.new("RGB", color.size, "white")
        canvas.paste(color, mask=alpha)
        color = canvas
    return np.array(color)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Pillow's warnings about a file from the user, who cannot act on them.

    Filters of warnings belong to the whole process: hold this only around headers, never around pixels.
    """
    with _FILTERS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


_PNG_TEXTS = {"Raw profile type exif", "XML:com.adobe.xmp", "xmp"}
"""Other places of a PNG where Pillow finds an orientation."""


def orientation(image: Image.Image) -> int:
    """The EXIF orientation that has yet to be applied: 1 to 8, and 1 where there is none that can be read."""
    read = image.getexif
    if image.format == "PNG" and getattr(image, "tile", None) and "exif" not in image.info:
        # Pillow would decode the whole picture, to look for EXIF behind it, and what is damaged would be found here.
        if not _PNG_TEXTS & image.info.keys():
            return 1
        read = partial(Image.Image.getexif, image)
    try:
        with quiet():
            value = read().get(0x0112, 1)
    except Exception:  # noqa: BLE001  (damaged EXIF raises whatever its parser stumbles over)
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def scale_to_8_bits(values: NDArray[Any], notes: list[str]) -> NDArray[np.uint8]:
    """Numbers of any range as `uint8`, rounded.

    16-bit integers are scaled by their whole range. Of wider integers and floating point numbers the range is
    not known: it is taken as [0, 1] (floating point only), [0, 255] or [0, 65535] (for signed integers up to
    what they hold), whichever is the smallest that fits, and otherwise as what lies between the least and the
    greatest, with a note. One floating point number in a hundred may lie above its range, as highlights do.
    """
    if values.dtype == np.uint8:
        return values
    if values.dtype == np.uint16:
        return _from_range(values, 0, 65535)
    if values.dtype.kind == "f":
        if not np.isfinite(values).all():
            notes.append("pixels that are no numbers are shown black")
            values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
        tops: tuple[int, ...] = (1, 255, 65535)
        usual = float(np.percentile(values, 99))
    else:
        largest = int(np.iinfo(values.dtype).max)
        tops = tuple(top for top in (255, 65535) if top <= largest) + ((largest,) if largest < 65535 else ())
        usual = float(values.max())
    low, high = float(values.min()), float(values.max())
    for top in tops if low >= 0 else ():
        if usual <= top:
            return _from_range(values, 0, top)
    notes.append(f"pixel values from {low:g} to {high:g} are stretched to black and white")
    return _from_range(values, low, high)


def one_line(error: BaseException) -> str:
    """What an exception says, on one line; its class where it says nothing."""
    return " ".join(str(error).split()) or type(error).__name__


def _from_range(values: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    # float32 holds 24 bits, which is exact for 16-bit integers; 32-bit ones need the wider type.
    wide = np.float64 if values.dtype.itemsize > 2 else np.float32
    scaled: NDArray[Any] = values.astype(wide)
    scaled -= low
    scaled *= 255 / (high - low) if high > low else 0
    whole: NDArray[np.uint8] = np.clip(np.rint(scaled, out=scaled), 0, 255, out=scaled).astype(np.uint8)
    return whole


def _upright(image: Image.Image, notes: list[str]) -> Image.Image:
    if orientation(image) == 1:
        return image
    try:
        with quiet():
            return ImageOps.exif_transpose(image)
    except Exception:  # noqa: BLE001  (it rewrites the EXIF block, which may be damaged elsewhere)
        notes.append("its EXIF data is damaged; the picture may lie on its side")
        return image


def _split_alpha(image: Image.Image, notes: list[str]) -> tuple[Image.Image, Image.Image | None]:
    """The colours, in the mode that an ICC profile speaks of (L, RGB or CMYK), and the opacity."""
    if image.mode in _DEEP:
        return Image.fromarray(_grey(image, notes)), None
    if image.mode == "La":
        image = image.convert("LA")
    alpha = image.convert("RGBA").getchannel("A") if image.has_transparency_data else None
    if image.mode in ("1", "L", "LA"):
        return image.convert("L"), alpha
    if image.mode == "CMYK":
        return image, alpha
    # Pillow warns when a palette with transparency is made RGB at once.
    return (image if alpha is None else image.convert("RGBA")).convert("RGB"), alpha


def _grey(image: Image.Image, notes: list[str]) -> NDArray[np.uint8]:
    values = np.asarray(image)
    if image.mode in ("I", "F"):
        return scale_to_8_bits(values, notes)
    tags = getattr(image, "tag_v2", {})
    bits = tags.get(_TIFF_BITS, (16,))[0]
    grey = _from_range(values, 0, (1 << bits) - 1)
    return 255 - grey if tags.get(_TIFF_PHOTOMETRIC) == _WHITE_IS_ZERO else grey


def _to_srgb(image: Image.Image, profile: bytes, notes: list[str]) -> Image.Image:
    if len(profile) > _LARGEST_PROFILE:
        notes.append(f"its colour profile has more than {_LARGEST_PROFILE >> 20} MiB; colours are taken as sRGB")
        return image
    try:
        space = _color_space(profile)
        if image.mode == "L" and space == "RGB":
            image = image.convert("RGB")
        if space != {"L": "GRAY"}.get(image.mode, image.mode):
            notes.append(f"its colour profile is for {space}, not for {image.mode}; colours are taken as sRGB")
            return image
        transform = _transform(profile, image.mode)
        return image if transform is None else _applied(transform, image)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        notes.append("its colour profile cannot be read; colours are taken as sRGB")
        return image


def _color_space(profile: bytes) -> str:
    return ImageCms.ImageCmsProfile(io.BytesIO(profile)).profile.xcolor_space.strip()


@lru_cache(maxsize=8)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    transform = ImageCms.buildTransform(
        ImageCms.ImageCmsProfile(io.BytesIO(profile)),
        ImageCms.createProfile("sRGB"),
        mode,
        "RGB",
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
        ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    if mode != "RGB":
        return transform
    # Most profiles are sRGB under one of its many names; then the pixels are right as they are.
    steps = np.linspace(0, 255, 9).round().astype(np.uint8)
    cube = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(27, 27, 3)
    moved = np.asarray(_applied(transform, Image.fromarray(cube))).astype(np.int16) - cube
    return transform if np.abs(moved).max() > 1 else None


def _applied(transform: ImageCms.ImageCmsTransform, image: Image.Image) -> Image.Image:
    result = ImageCms.applyTransform(image, transform)
    if result is None:
        raise ValueError("the transform worked in place")
    return result
