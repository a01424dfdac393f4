"""The pictures that an export is compared on, and those that a quantised model is calibrated on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from liveseg.cli.demo import samples
from liveseg.errors import MediaError, SourceNotFoundError
from liveseg.runtimes.parity import Picture

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

MOST_COMPARED = 100
"""More photos take longer and say no more: by then the share of pixels is known to a tenth of a per cent."""

_FRAMES_APART = 40


@dataclass(frozen=True)
class Photos:
    """Photos with their true masks, each read when its turn comes.

    Args:
        paths: the photos.
        masks: the folder with a PNG of the same name for each; `None` where no truth is known.
    """

    paths: Sequence[Path]
    masks: Path | None = None

    def __len__(self) -> int:
        return len(self.paths)

    def __iter__(self) -> Iterator[Picture]:
        from liveseg.media.images import read_image

        for path in self.paths:
            image = read_image(path)
            yield Picture(image, None if self.masks is None else _read_mask(self.masks / f"{path.stem}.png", image))


def sample_pictures() -> list[Picture]:
    """The samples that ship with liveseg: its photos, and some frames of each of its videos."""
    from liveseg.media import open_source
    from liveseg.media.frame import Selection

    pictures = []
    for path in samples():
        with open_source(path, Selection(every=_FRAMES_APART)) as source:
            pictures += [Picture(frame.image) for frame in source]
    return pictures


def photos_in(folder: Path) -> list[Path]:
    """The photos of a folder, in natural order.

    Raises:
        SourceNotFoundError: no such folder, one that cannot be read, or no photos in it.
    """
    from liveseg.media.paths import IMAGE_EXTENSIONS, natural_key

    if not folder.is_dir():
        raise SourceNotFoundError(f"no such folder of photos: {folder}")
    try:
        files = [path for path in folder.iterdir() if path.suffix.lower() in IMAGE_EXTENSIONS and path.is_file()]
    except OSError as error:
        raise SourceNotFoundError(f"cannot read the folder {folder}: {error.strerror}") from error
    found = sorted((path for path in files if not path.name.startswith(".")), key=natural_key)
    if not found:
        raise SourceNotFoundError(f"no photos in the folder {folder}")
    return found


def spread(paths: Sequence[Path], most: int) -> list[Path]:
    """At most so many of them, evenly spread."""
    count = min(most, len(paths))
    return [paths[index * len(paths) // count] for index in range(count)]


def split(paths: Sequence[Path], most: int) -> tuple[list[Path], list[Path]]:
    """Photos to calibrate on, at most so many, and others to compare on; of fewer than three, all are both."""
    if len(paths) < 3:
        return list(paths), list(paths)
    rest = [path for index, path in enumerate(paths) if index % 3]
    return spread(rest, most), spread(paths[::3], MOST_COMPARED)


def _read_mask(path: Path, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    from PIL import Image

    if not path.is_file():
        raise SourceNotFoundError(f"no such mask: {path}; every photo needs a PNG of its name there")
    try:
        with Image.open(path) as file:
            mask = np.asarray(file)
    except (OSError, ValueError, SyntaxError) as error:
        raise MediaError(f"{path} cannot be read as a mask: {error}") from error
    if mask.dtype != np.uint8 or mask.shape != image.shape[:2]:
        height, width = image.shape[:2]
        raise MediaError(
            f"{path} is {mask.dtype} {mask.shape}; a mask has an 8-bit class index a pixel, {width}x{height}"
        )
    return mask
