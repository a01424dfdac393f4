"""Photos of the page: each with its true mask, its predicted masks and where they differ, small and inside the page."""

from __future__ import annotations

import base64
import io
import os
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import numpy as np
from PIL import Image

from liveseg.labels import IGNORE_INDEX, UNKNOWN_COLOR
from liveseg.pages.text import swatch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from liveseg.labels import LabelSet

    Pixels = NDArray[np.uint8]

SIDE = 320
"""The longest side of a picture in the page, in pixels."""

MOST_BYTES = 60_000

MOST_WITH_MISTAKES = 2
"""Predictions of a photo up to which each has a picture of its mistakes, too."""

_ALPHA = 0.65
_MISSED = (255, 176, 0)
_INVENTED = (110, 64, 220)
_MIXED_UP = (220, 38, 100)
_UNCOUNTED = (128, 128, 128)


@dataclass(frozen=True, eq=False)
class Photo:
    """A photo with its masks.

    Args:
        key: of the sample.
        path: its file.
        said: what is said of it.
        image: `(H, W, 3)` `uint8` RGB.
        truth: `(H, W)` `uint8`, 255 where no answer counts.
        predicted: masks of the same size, by what each is called.
    """

    key: str
    path: Path
    said: str
    image: Pixels
    truth: Pixels
    predicted: dict[str, Pixels]


def photo(shown: Photo, labels: LabelSet, beside: Path) -> str:
    """A photo, its truth, and of each prediction the mask and, where they are few, the mistakes, side by side.

    Args:
        shown: the photo.
        labels: the classes of its masks.
        beside: the folder of the page, from which the photo's file is named.
    """
    colors = labels.colors.copy()
    colors[IGNORE_INDEX] = UNKNOWN_COLOR
    image = _shrunk(shown.image)
    size = (image.shape[1], image.shape[0])
    truth = _shrunk_mask(shown.truth, size)
    panels = [_figure(image, "photo", f"photo {shown.key}")]
    panels.append(_figure(_tinted(image, truth, colors, labels), "truth", _in_words(shown.truth, labels)))
    for name, whole in shown.predicted.items():
        mask = _shrunk_mask(whole, size)
        wrong = f"{_wrong(shown.truth, whole):.1%} of the pixels are wrong"
        tinted = _tinted(image, mask, colors, labels)
        panels.append(_figure(tinted, f"{name}: {wrong}", _in_words(whole, labels)))
        if len(shown.predicted) <= MOST_WITH_MISTAKES:
            title = "mistakes" if len(shown.predicted) == 1 else f"mistakes of {name}"
            panels.append(_figure(_mistakes(image, truth, mask, background=labels.background), title, wrong))
    seen = np.unique(np.concatenate([np.unique(mask) for mask in (shown.truth, *shown.predicted.values())]))
    return (
        f'<article class="photo"><h3>{_link(shown, beside)}</h3><p class="muted">{escape(shown.said)}</p>'
        f'<div class="panels">{"".join(panels)}</div>{_key(seen, colors, labels)}</article>'
    )


def mistakes_key(*, background: bool) -> str:
    """What the colours of the mistakes mean."""
    meanings = {_MISSED: "missed: background was found where an object is"} if background else {}
    if background:
        meanings[_INVENTED] = "invented: an object was found where background is"
    meanings[_MIXED_UP] = "mixed up: another class was found" + (" than the object's" if background else "")
    meanings[_UNCOUNTED] = "does not count: no true class is known"
    return _swatches(list(meanings.items()))


def _link(shown: Photo, beside: Path) -> str:
    try:
        relative = Path(os.path.relpath(shown.path.absolute(), beside.absolute())).as_posix()
    except ValueError:  # on another drive of Windows there is no way from here to there
        return escape(shown.key)
    return f'<a href="{escape(quote(relative))}">{escape(shown.key)}</a>'


def _figure(picture: Pixels, title: str, words: str) -> str:
    height, width = picture.shape[:2]
    return (
        f'<figure><img src="data:image/jpeg;base64,{base64.b64encode(_jpeg(picture)).decode("ascii")}"'
        f' width="{width}" height="{height}" alt="{escape(title)}: {escape(words)}">'
        f"<figcaption>{escape(title)}</figcaption></figure>"
    )


def _jpeg(picture: Pixels) -> bytes:
    """The picture as JPEG, as well as fits into `MOST_BYTES`."""
    for quality in (82, 65, 45, 25):
        stream = io.BytesIO()
        # Full colour resolution: the borders of tinted classes are what is looked at.
        Image.fromarray(picture).save(stream, "JPEG", quality=quality, subsampling=0, optimize=True)
        if stream.tell() <= MOST_BYTES:
            break
    return stream.getvalue()


def _shrunk(image: Pixels) -> Pixels:
    height, width = image.shape[:2]
    scale = min(SIDE / max(height, width), 1.0)
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.LANCZOS))


def _shrunk_mask(mask: Pixels, size: tuple[int, int]) -> Pixels:
    return np.asarray(Image.fromarray(mask).resize(size, Image.Resampling.NEAREST))


def _tinted(image: Pixels, mask: Pixels, colors: Pixels, labels: LabelSet) -> Pixels:
    tinted = _blend(image, colors[mask], _ALPHA)
    plain = (mask == 0) & labels.background
    tinted[plain] = image[plain]
    return tinted


def _mistakes(image: Pixels, truth: Pixels, mask: Pixels, *, background: bool) -> Pixels:
    grey = np.repeat(np.asarray(Image.fromarray(image).convert("L"))[..., None], 3, 2)
    picture = _blend(grey, np.full_like(grey, 255), 0.45)
    wrong = (truth != mask) & (truth != IGNORE_INDEX)
    kinds = [(wrong, _MIXED_UP), (truth == IGNORE_INDEX, _UNCOUNTED)]
    if background:
        kinds += [(wrong & (mask == 0), _MISSED), (wrong & (truth == 0), _INVENTED)]
    for where, color in kinds:
        picture[where] = color
    return picture


def _blend(image: Pixels, color: Pixels, alpha: float) -> Pixels:
    return np.rint((1 - alpha) * image + alpha * color.astype(np.float32)).astype(np.uint8)


def _wrong(truth: Pixels, mask: Pixels) -> float:
    counted = truth != IGNORE_INDEX
    return float((truth != mask)[counted].mean()) if counted.any() else 0.0


def _in_words(mask: Pixels, labels: LabelSet) -> str:
    counts = np.bincount(mask.reshape(-1), minlength=256)
    order = [index for index in np.argsort(counts)[::-1].tolist() if counts[index] and index < len(labels)]
    return ", ".join(f"{labels.names[index]} {counts[index] / mask.size:.0%}" for index in order[:6])


def _key(seen: NDArray[np.uint8], colors: Pixels, labels: LabelSet) -> str:
    drawn = [index for index in seen.tolist() if index < len(labels) and not (index == 0 and labels.background)]
    return _swatches([(tuple(colors[index].tolist()), labels.names[index]) for index in drawn])


def _swatches(entries: Sequence[tuple[tuple[int, ...], str]]) -> str:
    items = "".join(f"<li>{swatch(color)}{escape(text)}</li>" for color, text in entries)
    return f'<ul class="key">{items}</ul>' if items else ""
