"""What is wrong with one photo and its mask, and what the checks of the whole set need to know of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from liveseg.datasets.check_problem import problem
from liveseg.datasets.likeness import thumbnail
from liveseg.datasets.mask_file import MaskFileSample
from liveseg.datasets.photo import shown_size
from liveseg.errors import DataError, MediaError, SourceNotFoundError
from liveseg.labels import IGNORE_INDEX
from liveseg.media.pixels import orientation, quiet

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from liveseg.datasets.base import Sample
    from liveseg.datasets.check_problem import Problem

_HUGE = 40_000_000
"""Pixels: the larger cameras of phones are below it."""

_TINY = 32
"""Pixels of the shorter side: less than one cell of the coarsest features of a network."""


@dataclass(frozen=True)
class Seen:
    """What is known of one photo and its mask.

    Args:
        sample: they.
        problems: what is wrong with them.
        photo: a digest of the photo's pixels; `None` where it cannot be read.
        small: the photo as `thumbnail` makes it; likewise.
        mask: a digest of the mask's classes; `None` where it cannot be read.
        pixels: of each class in the mask, `(C,)` `int64`; likewise.
        ignored: pixels of the mask that are ignored.
    """

    sample: Sample
    problems: tuple[Problem, ...]
    photo: bytes | None = None
    small: NDArray[np.uint8] | None = None
    mask: bytes | None = None
    pixels: NDArray[np.int64] | None = None
    ignored: int = 0


def examine(sample: Sample, classes: int) -> Seen:
    """Read a photo and its mask and look for what is wrong with them.

    Args:
        sample: they.
        classes: how many classes the set has.
    """
    try:
        image = sample.read_image()
    except SourceNotFoundError:
        return Seen(sample, (problem("unreadable-photo", sample.image, f"there is no photo {sample.image}"),))
    except MediaError as error:
        return Seen(sample, (problem("unreadable-photo", sample.image, str(error)),))
    problems = _of_photo(sample.image, image)
    photo, small = _digest(image), thumbnail(image)
    del image
    try:
        mask = sample.read_mask()
    except (DataError, MediaError) as error:
        return Seen(sample, (*problems, _of_unreadable(sample, error)), photo, small)
    problems += _of_mask(sample, mask)
    counts = np.bincount(mask.reshape(-1), minlength=256)
    strange = [int(value) for value in np.flatnonzero(counts[:IGNORE_INDEX]) if value >= classes]
    if strange:
        problems.append(problem("unknown-index", _file(sample), _values(sample, strange, counts, classes)))
        return Seen(sample, tuple(problems), photo, small)
    pixels, ignored = counts[:classes].astype(np.int64), int(counts[IGNORE_INDEX])
    return Seen(sample, tuple(problems), photo, small, _digest(mask), pixels, ignored)


def _of_photo(path: Path, image: NDArray[np.uint8]) -> list[Problem]:
    problems = []
    height, width = image.shape[:2]
    if _orientation(path) != 1:
        problems.append(problem("turned-photo", path, f"{path} is stored lying and turned when it is shown (EXIF)"))
    if height * width > _HUGE:
        problems.append(problem("huge-photo", path, f"{path} has {height * width / 1e6:.0f} million pixels"))
    if min(height, width) < _TINY:
        problems.append(problem("tiny-photo", path, f"{path} is only {width} x {height} pixels"))
    return problems


def _of_mask(sample: Sample, mask: NDArray[np.uint8]) -> list[Problem]:
    problems = []
    file = _file(sample)
    if (mask == IGNORE_INDEX).all():
        problems.append(problem("all-ignored", file, f"{file} has nothing but {IGNORE_INDEX}, which is ignored"))
    if isinstance(sample, MaskFileSample) and not sample.code.by_color and _mode(sample.mask) in ("RGB", "RGBA"):
        problems.append(problem("mask-in-colours", file, f"{file} holds colours instead of class numbers"))
    return problems


def _of_unreadable(sample: Sample, error: Exception) -> Problem:
    """Why a mask could not be read, as closely as can be told."""
    message, _, remedy = str(error).partition("; ")
    if not isinstance(sample, MaskFileSample):
        return problem("unreadable-mask", sample.image, message, remedy)
    path = sample.mask
    if not path.is_file():
        blurred = next((own for ending in (".jpg", ".jpeg") if (own := path.with_suffix(ending)).is_file()), None)
        if blurred is not None:
            return problem("jpeg-mask", blurred, f"{blurred} is a JPEG file")
        return problem("no-mask", sample.image, message)
    kind = _kind(sample)
    if kind == "unknown-index":
        values = _stored(path)
        counts = np.bincount(values.reshape(-1), minlength=256)
        known = np.frombuffer(sample.code.values, np.int16) >= 0
        strange = [int(value) for value in np.flatnonzero(counts) if not known[value]]
        return problem(kind, path, _values(sample, strange, counts, int(known[:IGNORE_INDEX].sum())))
    return problem(kind, path, message, remedy if kind == "unreadable-mask" else None)


def _kind(sample: MaskFileSample) -> str:
    from PIL import Image

    try:
        with quiet():
            opened = Image.open(sample.mask)
        with opened:
            if opened.format in ("JPEG", "MPO"):
                return "jpeg-mask"
            opened.load()
            size, mode = opened.size, opened.mode
    except Exception:  # noqa: BLE001  (what a decoder raises on damaged data has no common class)
        return "unreadable-mask"
    if mode in ("L", "P") and not sample.code.by_color:
        known = np.frombuffer(sample.code.values, np.int16) >= 0
        if not known[np.unique(_stored(sample.mask))].all():
            return "unknown-index"
    height, width = shown_size(sample.image)
    if sorted(size) != sorted((width, height)) or (size != (width, height) and _orientation(sample.image) < 5):
        return "other-size"
    return "unknown-colour" if mode in ("RGB", "RGBA", "P", "PA") else "unreadable-mask"


def _values(sample: Sample, strange: list[int], counts: NDArray[np.intp], classes: int) -> str:
    listed = ", ".join(f"{value} at {counts[value]:,} pixels" for value in strange[:8])
    more = f" and {len(strange) - 8} more" if len(strange) > 8 else ""
    plural = "value" if len(strange) == 1 else "values"
    return f"{_file(sample)} has the {plural} {listed}{more}, which none of the {classes} classes has"


def _stored(path: Path) -> NDArray[np.uint8]:
    from PIL import Image

    with Image.open(path) as opened:
        return np.asarray(opened, np.uint8)


def _mode(path: Path) -> str:
    from PIL import Image

    with quiet(), Image.open(path) as opened:
        return opened.mode


def _orientation(path: Path) -> int:
    from PIL import Image

    try:
        with quiet():
            opened = Image.open(path)
        with opened:
            return orientation(opened)
    except (OSError, ValueError, SyntaxError):
        return 1  # of a format that only OpenCV reads, which knows no orientation


def _file(sample: Sample) -> Path:
    """The file that a mask comes from, where it has one of its own."""
    return sample.mask if isinstance(sample, MaskFileSample) else sample.image


def _digest(pixels: NDArray[np.uint8]) -> bytes:
    digest = hashlib.blake2b(np.ascontiguousarray(pixels).data, digest_size=16)
    digest.update(repr(pixels.shape).encode())
    return digest.digest()
