"""Images written: whole or not at all where they are files, or as bytes; pictures, and masks with their palette."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from PIL import Image, PngImagePlugin

from liveseg.errors import SinkError, UsageError
from liveseg.files import atomic_write, refuse_existing
from liveseg.labels import IGNORE_INDEX

if TYPE_CHECKING:
    from os import PathLike

    from numpy.typing import NDArray

    from liveseg.labels import LabelSet

WRITTEN_EXTENSIONS: dict[str, dict[str, Any]] = {
    ".jpg": {"format": "JPEG", "subsampling": 0},
    ".jpeg": {"format": "JPEG", "subsampling": 0},
    ".png": {"format": "PNG"},
    ".webp": {"format": "WEBP"},
    ".bmp": {"format": "BMP"},
    ".tif": {"format": "TIFF", "compression": "tiff_lzw"},
    ".tiff": {"format": "TIFF", "compression": "tiff_lzw"},
}
"""The extensions that `write_image` knows, with what Pillow is told for each."""

ENCODED = ("jpeg", "png", "webp")
"""The formats of `encode_image`."""

_LONGEST_SIDE = {"JPEG": 65500, "WEBP": 16383}
_IGNORED_COLOR = (224, 224, 192)

LABELS_KEY = "liveseg"
"""The text chunk of a mask's PNG that holds its label set, as JSON."""


def check_writable(path: Path, *, overwrite: bool) -> dict[str, Any]:
    """Pillow's options for an image of that name; an error where it could not be written, as in `write_image`."""
    options = WRITTEN_EXTENSIONS.get(path.suffix.lower())
    if options is None:
        known = ", ".join(WRITTEN_EXTENSIONS)
        raise UsageError(f"cannot write an image as {path.name!r}: its extension must be one of {known}")
    refuse_existing(path, overwrite=overwrite)
    return options


def write_image(
    path: str | PathLike[str], rgb: NDArray[np.uint8], *, quality: int = 95, overwrite: bool = False
) -> Path:
    """Write `(H, W, 3)` `uint8` RGB in the format that the extension names; whole, or not at all.

    Args:
        path: ends in .jpg, .jpeg, .png, .webp, .bmp, .tif or .tiff; missing folders are made.
        rgb: the pixels, in sRGB.
        quality: of JPEG (without chroma subsampling) and WebP, 1 to 100.
        overwrite: replace a file that is there.

    Raises:
        UsageError: another extension, or an array of another form.
        OutputExistsError: the file is there and `overwrite` is false.
        SinkError: the file cannot be written, or the format does not hold a picture of that size.
    """
    path = Path(path)
    options = check_writable(path, overwrite=overwrite)
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or 0 in rgb.shape:
        raise UsageError(f"an image is (H, W, 3) uint8, not {rgb.shape} {rgb.dtype}")
    longest = _LONGEST_SIDE.get(options["format"])
    if longest is not None and max(rgb.shape) > longest:
        raise SinkError(f"cannot write {path}: {options['format']} holds at most {longest} pixels a side; write a .png")
    lossy = options["format"] in ("JPEG", "WEBP")
    image = Image.fromarray(np.ascontiguousarray(rgb))
    with atomic_write(path, overwrite=overwrite) as partial:
        image.save(partial, **({"quality": quality} | options if lossy else options))
    return path


def encode_image(picture: NDArray[np.uint8], form: str, *, quality: int = 95) -> bytes:
    """A picture as the bytes of a file, for those who send it somewhere.

    What is made for someone who waits is made fast: JPEG and PNG by OpenCV, which takes half and a sixth of Pillow's
    time and leaves other threads running; such a PNG is a quarter to a half larger.

    Args:
        picture: `(H, W, 3)` `uint8` RGB; for PNG also `(H, W, 4)` RGBA or `(H, W)` grey.
        form: one of `ENCODED`.
        quality: of JPEG (without chroma subsampling) and WebP, 1 to 100.

    Raises:
        UsageError: an array of another form, or a format that is none of these.
        SinkError: the format does not hold a picture of that size.
    """
    channels = 1 if picture.ndim == 2 else picture.shape[-1]
    allowed = (1, 3, 4) if form == "png" else (3,)
    if form not in ENCODED:
        raise UsageError(f"a picture is encoded as {', '.join(ENCODED)}, not as {form!r}")
    if picture.ndim not in (2, 3) or channels not in allowed or picture.dtype != np.uint8 or 0 in picture.shape:
        raise UsageError(f"no picture that {form} holds: {picture.shape} {picture.dtype}")
    longest = _LONGEST_SIDE.get(form.upper())
    if longest is not None and max(picture.shape) > longest:
        raise SinkError(f"{form.upper()} holds at most {longest} pixels a side; take png")
    if form == "webp":
        target = io.BytesIO()
        # The least effort but one takes a third of the default's time, for a tenth more bytes.
        Image.fromarray(np.ascontiguousarray(picture)).save(target, "WEBP", quality=quality, method=1)
        return target.getvalue()
    import cv2

    options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    options += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    order = {3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}
    swapped = picture if channels == 1 else cv2.cvtColor(picture, order[channels])
    done, data = cv2.imencode(f".{form}", swapped, options if form == "jpeg" else [])
    if not done:
        raise SinkError(f"a picture of {picture.shape[1]}x{picture.shape[0]} could not be encoded as {form}")
    return data.tobytes()


def mask_image(mask: NDArray[np.uint8], labels: LabelSet) -> Image.Image:
    """`(H, W)` `uint8` class indices as a Pillow image of mode `P`, with the classes' colours as its palette.

    Index 255 (no class) is light grey.

    Raises:
        UsageError: an array of another form.
    """
    if mask.ndim != 2 or mask.dtype != np.uint8 or 0 in mask.shape:
        raise UsageError(f"a mask is (H, W) uint8, not {mask.shape} {mask.dtype}")
    palette = labels.colors.copy()
    palette[IGNORE_INDEX] = _IGNORED_COLOR
    image = Image.fromarray(np.ascontiguousarray(mask))
    image.putpalette(palette.tobytes())
    return image


def write_mask(
    path: str | PathLike[str], mask: NDArray[np.uint8], labels: LabelSet, *, overwrite: bool = False
) -> Path:
    """Write `(H, W)` `uint8` class indices as a palette PNG, as Pascal VOC does.

    Viewers show the classes' colours, and index 255 (no class) in light grey. Read by Pillow, as in
    `numpy.array(PIL.Image.open(path))`, it is the mask again; OpenCV gives the colours, whatever its flags. The class
    names are in its text chunk `liveseg`.

    Raises:
        UsageError: an extension other than .png, or an array of another form.
        OutputExistsError: the file is there and `overwrite` is false.
        SinkError: the file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise UsageError(f"a mask is written as .png, which keeps its numbers, not as {path.name!r}")
    image = mask_image(mask, labels)
    with atomic_write(path, overwrite=overwrite) as partial:
        _save_mask(image, labels, partial)
    return path


def encode_mask(mask: NDArray[np.uint8], labels: LabelSet) -> bytes:
    """`(H, W)` `uint8` class indices as the bytes of the palette PNG that `write_mask` writes.

    Raises:
        UsageError: an array of another form.
    """
    target = io.BytesIO()
    _save_mask(mask_image(mask, labels), labels, target)
    return target.getvalue()


def _save_mask(image: Image.Image, labels: LabelSet, target: Path | IO[bytes]) -> None:
    names = PngImagePlugin.PngInfo()
    names.add_text(LABELS_KEY, json.dumps(labels.to_json()))
    image.save(target, format="PNG", pnginfo=names)
