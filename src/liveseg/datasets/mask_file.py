"""Masks that are pictures: each pixel's value, or its colour, says its class."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from liveseg.datasets.base import Sample
from liveseg.datasets.labels_file import labels_from
from liveseg.datasets.photo import fitted
from liveseg.errors import DataError
from liveseg.labels import IGNORE_INDEX, UNKNOWN_COLOR
from liveseg.media.images import LABELS_KEY
from liveseg.media.pixels import one_line, quiet

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray
    from PIL import Image

    from liveseg.labels import LabelSet

MASK_EXTENSIONS = frozenset((".png", ".bmp", ".tif", ".tiff", ".gif"))
"""The extensions by which a mask is found in a folder: of formats that keep every value."""

_UNKNOWN = -1


@dataclass(frozen=True)
class MaskCode:
    """What the pixels of mask files stand for.

    Args:
        values: the class of each value from 0 to 255, 255 for ignored, -1 where there is none; as bytes of `int16`.
        colors: the class of each colour, for masks in colours.
        by_color: whether files with a palette are read by their colours too, not by their values.
        known: what the classes are, for messages.
    """

    values: bytes
    colors: tuple[tuple[tuple[int, int, int], int], ...]
    by_color: bool
    known: str

    @classmethod
    def of(
        cls,
        labels: LabelSet,
        *,
        values: Mapping[int, int] | None = None,
        as_they_are: Iterable[int] = (),
        by_color: bool = False,
    ) -> MaskCode:
        """The code of masks whose values are the indices of a label set.

        Args:
            labels: the classes, and the colours by which masks in colours are read.
            values: the class of each value, where it is not the value itself.
            as_they_are: values besides that are kept, because a mapping file names them.
            by_color: as the field.
        """
        own = {index: index for index in range(len(labels))} if values is None else values
        table = np.full(256, _UNKNOWN, np.int16)
        for value, index in ({kept: kept for kept in as_they_are} | dict(own) | {IGNORE_INDEX: IGNORE_INDEX}).items():
            table[value] = index
        named = dict(zip(labels.palette, range(len(labels)), strict=True))
        colors = {UNKNOWN_COLOR: IGNORE_INDEX} | named
        numbers = ", ".join(str(value) for value in sorted(own)[:30]) + ("…" if len(own) > 30 else "")
        return cls(table.tobytes(), tuple(colors.items()), by_color, f"classes have {numbers}, and 255 is ignored")


@dataclass(frozen=True)
class MaskFileSample(Sample):
    """A photo with its mask in a file.

    Args:
        mask: the mask's file.
        code: what its pixels stand for.
    """

    mask: Path
    code: MaskCode

    def read_mask(self) -> NDArray[np.uint8]:
        """The mask's classes, turned as the photo is."""
        return fitted(read_mask_file(self.mask, self.code, self.image), self.image, str(self.mask))


def read_mask_file(path: Path, code: MaskCode, image: Path) -> NDArray[np.uint8]:
    """The classes of a mask file as it lies there, `(H, W)` `uint8`.

    Files of one channel, and those with a palette, are read by their values. Files in colours are read by the labels'
    palette; where that does not know a colour and all channels are the same, by their values again. Opacity is left
    out.

    Args:
        path: the mask.
        code: what its pixels stand for.
        image: the photo that it belongs to, for messages.

    Raises:
        DataError: no such file, no picture, a value or colour that no class has; the message names it.
    """
    values = _pixels(path, code, image)
    if values.ndim == 3:
        return _by_color(values, code, path)
    table = np.frombuffer(code.values, np.int16)
    counts = np.bincount(values.reshape(-1), minlength=256)
    present = np.flatnonzero(counts)
    for value in present:
        if table[value] == _UNKNOWN:
            raise DataError(
                f"{path} has the value {value} at {counts[value]} pixels, which no class has: {code.known}; name the"
                " classes by --labels, or translate them by --mapping"
            )
    return values if (table[present] == present).all() else table.astype(np.uint8)[values]


def embedded_labels(path: Path) -> LabelSet | None:
    """The classes that a mask written by liveseg carries in itself; `None` where it carries none."""
    from PIL import Image

    try:
        with quiet():
            opened = Image.open(path)
        with opened:
            text: Any = getattr(opened, "text", {}).get(LABELS_KEY)
            return None if text is None else labels_from(json.loads(text))
    except (OSError, ValueError, SyntaxError):
        return None


def _pixels(path: Path, code: MaskCode, image: Path) -> NDArray[np.uint8]:
    """The values, `(H, W)`, or the colours, `(H, W, 3)`."""
    from PIL import Image

    try:
        with quiet():
            opened = Image.open(path)
        with opened:
            if opened.format in ("JPEG", "MPO"):
                raise DataError(f"{path} is a JPEG file, which blurs the values of a mask; save it as PNG")
            deep = opened.mode in ("RGB", "RGBA", "LA") and any(";16" in str(tile) for tile in opened.tile)
            opened.load()
            return _deep(path) if deep else _channels(opened, code, path)
    except FileNotFoundError as error:
        raise DataError(f"no mask for {image}: there is no {path}") from error
    except DataError:
        raise
    except PermissionError as error:
        raise DataError(f"cannot read the mask {path}: {error.strerror}") from error
    except Exception as error:  # what a decoder raises on damaged data has no common class
        raise DataError(f"the mask {path} cannot be read: {one_line(error)}") from error


def _channels(opened: Image.Image, code: MaskCode, path: Path) -> NDArray[np.uint8]:
    if opened.mode == "P" and not code.by_color:
        return np.asarray(opened)
    if opened.mode in ("RGB", "RGBA", "P", "PA"):
        return np.asarray(opened.convert("RGBA").convert("RGB") if opened.mode != "RGB" else opened)
    if opened.mode in ("L", "LA"):
        return np.asarray(opened.getchannel(0))
    if opened.mode == "1":
        return np.asarray(opened).astype(np.uint8)
    values = np.asarray(opened)
    if values.ndim != 2 or values.dtype.kind not in "iu":
        raise DataError(f"{path} is a picture of mode {opened.mode}, not a mask; save it with one channel of 8 bits")
    if values.min() < 0 or values.max() > IGNORE_INDEX:
        wrong = int(values.min() if values.min() < 0 else values.max())
        raise DataError(f"{path} has the value {wrong}, which no class has; a mask's values are 0 to 255")
    return values.astype(np.uint8)


def _deep(path: Path) -> NDArray[np.uint8]:
    """The channels of a picture with 16 bits in each: the upper ones of colours, the lower ones of class numbers."""
    import cv2  # Pillow gives the upper ones only, in which every class number is 0

    pixels = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise ValueError("it has 16 bits in each of several channels; save it with one channel of 8 bits")
    colors = np.asarray(pixels[:, :, 2::-1], np.uint16)
    return (colors >> 8 if colors.max() > IGNORE_INDEX else colors).astype(np.uint8)


def _by_color(pixels: NDArray[np.uint8], code: MaskCode, path: Path) -> NDArray[np.uint8]:
    known, classes = _color_table(code.colors)
    wide = pixels.astype(np.uint32)
    packed = wide[:, :, 0] << 16 | wide[:, :, 1] << 8 | wide[:, :, 2]
    place = np.minimum(np.searchsorted(known, packed), len(known) - 1)
    strange = known[place] != packed
    if not strange.any():
        return classes[place]
    if (pixels == pixels[:, :, :1]).all():
        table = np.frombuffer(code.values, np.int16)[pixels[:, :, 0]]
        if (table != _UNKNOWN).all():
            return table.astype(np.uint8)
    y, x = np.argwhere(strange)[0]
    color = ", ".join(str(channel) for channel in pixels[y, x])
    raise DataError(
        f"{path} has the colour ({color}) at column {x}, row {y}, which no class has; give the colours as the palette"
        " of --labels, or save masks of class numbers"
    )


@lru_cache(maxsize=16)
def _color_table(colors: tuple[tuple[tuple[int, int, int], int], ...]) -> tuple[NDArray[np.uint32], NDArray[np.uint8]]:
    """The colours as numbers, ascending, and their classes."""
    numbers = {red << 16 | green << 8 | blue: index for (red, green, blue), index in colors}
    known = sorted(numbers)
    return np.array(known, np.uint32), np.array([numbers[color] for color in known], np.uint8)
