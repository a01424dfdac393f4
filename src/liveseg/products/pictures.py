"""Products that are pictures: of an image one file, of a video one video; and files that hold one result whole."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from PIL import Image

from liveseg.errors import MediaError
from liveseg.files import atomic_write, refuse_existing
from liveseg.products.base import Product

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from liveseg.media.frame import Sink
    from liveseg.pipeline import Result
    from liveseg.segmentation import Segmentation

    Draw = Callable[[Segmentation], NDArray[np.uint8]]

_MARGIN = 16
_NEIGHBOURS = np.ones((2 * _MARGIN + 1, 2 * _MARGIN + 1), np.uint8)


class OneFile(Product):
    """What is made of one image, written whole.

    Args:
        path: the file.
        make: what the workers make of the image's segmentation.
        save: writes that, whole or not at all.
        source: the source's name, for messages.
        overwrite: whether a file of that name may be replaced.

    Raises:
        OutputExistsError: the file is there and `overwrite` is false.
    """

    def __init__(
        self,
        path: Path,
        make: Callable[[Segmentation], Any],
        save: Callable[[Any], None],
        source: str,
        *,
        overwrite: bool,
    ) -> None:
        super().__init__(path)
        # Before the work rather than after it.
        refuse_existing(path, overwrite=overwrite)
        self._target = path
        self._make = make
        self._save = save
        self._source = source
        self._written = False

    def prepare(self, found: Segmentation) -> Any:
        """Make it."""
        return self._make(found)

    def write(self, result: Result, prepared: Any) -> None:
        """Write it; the file is whole when this returns."""
        del result
        self._save(prepared)
        self._written = True

    def commit(self) -> None:
        """Make sure that there was an image."""
        if not self._written:
            raise MediaError(f"{self._source} gave no picture, so {self._target} was not written")

    def abort(self) -> None:
        """Nothing to undo: the file is written whole or not at all."""


class PictureVideo(Product):
    """A picture of each frame, as a video.

    Args:
        path: the file.
        draw: makes the picture; run by the workers.
        sink: takes frames whose `image` is that picture.
    """

    def __init__(self, path: Path, draw: Draw, sink: Sink) -> None:
        super().__init__(path)
        self.notes = sink.notes
        self._draw = draw
        self._sink = sink

    def prepare(self, found: Segmentation) -> NDArray[np.uint8]:
        """The picture."""
        return self._draw(found)

    def write(self, result: Result, prepared: NDArray[np.uint8]) -> None:
        """Encode the picture."""
        self._sink.write(replace(result.frame, image=prepared))

    def commit(self) -> None:
        """Finish the file and give it its final name."""
        self._sink.commit()

    def abort(self) -> None:
        """Give up: neither the file nor its partial one remains."""
        self._sink.abort()


def without_hidden(rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """An RGBA picture in which nothing is left of what is transparent, but for a margin of `_MARGIN` pixels.

    A video codec and a viewer that scales mix colours across the border of what is seen: the margin keeps those as they
    are in the picture, for black ones would make a dark rim. What lies farther off is black, which takes no room in the
    file and gives no background away.
    """
    seen = cv2.dilate(cv2.extractChannel(rgba, 3), _NEIGHBOURS)
    return np.asarray(cv2.bitwise_and(rgba, rgba, mask=seen), np.uint8)


def write_png(path: Path, picture: NDArray[np.uint8], *, overwrite: bool) -> None:
    """Write `(H, W)` grey levels or `(H, W, 4)` RGBA as PNG, whole or not at all.

    Raises:
        OutputExistsError: the file is there and `overwrite` is false.
        SinkError: the file cannot be written.
    """
    with atomic_write(path, overwrite=overwrite) as partial:
        Image.fromarray(picture).save(partial, format="PNG")
