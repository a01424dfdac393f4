"""From a result to the picture that a style asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from liveseg.render.contours import draw_contours
from liveseg.render.legend import draw_legend
from liveseg.render.names import draw_names
from liveseg.render.overlay import Painter
from liveseg.render.style import Style

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from liveseg.labels import LabelSet
    from liveseg.render.style import Found

    Pixels = NDArray[np.uint8]


class Renderer:
    """Draws results of one label set in one style: `Renderer(labels, style)(segmentation)`.

    It keeps nothing between pictures and may be called from several threads at once.

    Args:
        labels: the classes; the style's palette takes the place of theirs.
        style: how they are drawn.

    Raises:
        UsageError: a palette that has not one colour for each class.
    """

    def __init__(self, labels: LabelSet, style: Style | None = None) -> None:
        self.style = Style() if style is None else style
        self.labels = labels if self.style.palette is None else labels.with_palette(self.style.palette)
        self._drawn = self.style.drawn(labels)
        self._painter = Painter(self.labels, self._drawn)

    def __call__(self, found: Found) -> Pixels:
        """The picture, `(H, W, 3)` `uint8` RGB, or twice as wide; the result's own arrays are not changed."""
        style, mask = self.style, found.mask
        if style.background is None:
            picture = self._painter.overlay(found.image, mask, style.alpha)
        else:
            picture = style.background(found)
        if style.contours:
            draw_contours(picture, mask, self._painter)
        panel = draw_legend(picture, mask, self.labels, self._drawn) if style.legend else None
        if style.names:
            draw_names(picture, mask, self.labels, self._painter, without=panel)
        return np.hstack((found.image, picture)) if style.side_by_side else picture

    def color(self, mask: Pixels) -> Pixels:
        """The classes' colours on black, `(H, W, 3)` `uint8` RGB."""
        return self._painter.color(mask)

    def untouched(self, image: Pixels) -> Pixels:
        """A picture in which nothing was looked for, at the size that drawings have."""
        return np.hstack((image, image)) if self.style.side_by_side else image

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height of what is drawn of pictures of a width and height."""
        return width * (2 if self.style.side_by_side else 1), height

    def table(self) -> Pixels | None:
        """What drawing does to a pixel, see `Painter.table`; `None` where more than its own colour and class counts."""
        return self._painter.table(self.style.alpha) if self.style.plain else None
