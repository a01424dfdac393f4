"""The mask of a photo: a PNG of class indices, with the classes' colours as its palette."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from liveseg.errors import MediaError, SourceNotFoundError, WeightsError
from liveseg.labels import IGNORE_INDEX, PASCAL_VOC, LabelSet
from liveseg.maskfile.reader import StoredMask
from liveseg.media.images import LABELS_KEY
from liveseg.media.pixels import one_line

if TYPE_CHECKING:
    from os import PathLike

    from numpy.typing import NDArray

_NUMBERED = "class "


def is_mask_picture(path: str | PathLike[str]) -> bool:
    """Whether a file is clearly the mask of a photo, by its text chunk or by the palette of Pascal VOC; never raises.

    A PNG with another palette may be any picture of few colours.
    """
    try:
        _, labels = read_mask_picture(path)
    except (MediaError, SourceNotFoundError):
        return False
    return not labels.names[0].startswith(_NUMBERED)


def read_mask_picture(path: str | PathLike[str]) -> tuple[StoredMask, LabelSet]:
    """Read a mask that `--save mask` or another program wrote as a PNG with a palette.

    The class names are those in its text chunk `liveseg`; without it, those of Pascal VOC where the palette is VOC's,
    and numbers otherwise.

    Raises:
        SourceNotFoundError: no such file.
        MediaError: no PNG with a palette, or a damaged one.
    """
    path = Path(path)
    try:
        with Image.open(path, formats=["PNG"]) as image:
            if image.mode != "P":
                raise MediaError(
                    f"{path} is no mask: a mask is a PNG with a palette, this one's pixels are {image.mode}"
                )
            mask = np.array(image)
            text = getattr(image, "text", {}).get(LABELS_KEY)
            palette = np.asarray(image.getpalette("RGB"), np.uint8).reshape(-1, 3)
    except FileNotFoundError as error:
        raise SourceNotFoundError(f"no such file: {path}") from error
    except MediaError:
        raise
    except Exception as error:  # what a parser raises on damaged data has no common class
        raise MediaError(f"cannot read {path} as a mask, a PNG with a palette: {one_line(error)}") from error
    try:
        labels = _by_palette(mask, palette) if text is None else LabelSet.from_json(json.loads(text))
    except (ValueError, WeightsError) as error:
        raise MediaError(f"the class names in {path} cannot be read: {one_line(error)}") from error
    return StoredMask(0, Fraction(1), mask), labels


def _by_palette(mask: NDArray[np.uint8], palette: NDArray[np.uint8]) -> LabelSet:
    known: Any = mask[mask != IGNORE_INDEX]
    count = int(known.max()) + 1 if known.size else 1
    if count <= len(PASCAL_VOC) and np.array_equal(palette[:count], PASCAL_VOC.colors[:count]):
        return PASCAL_VOC
    colours = np.zeros((count, 3), np.uint8)
    colours[: len(palette)] = palette[:count]
    red_green_blue = tuple((int(red), int(green), int(blue)) for red, green, blue in colours)
    return LabelSet(tuple(f"{_NUMBERED}{number}" for number in range(count)), red_green_blue)
