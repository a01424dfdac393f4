"""How results are drawn, resolved for one model's classes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from liveseg.errors import UsageError
from liveseg.palettes import palette_of
from liveseg.render.overlay import DEFAULT_ALPHA

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import NDArray

    from liveseg.labels import LabelSet
    from liveseg.settings.draw import StyleSettings

    Pixels = NDArray[np.uint8]


class Found(Protocol):
    """What drawing needs of a result; a `liveseg.segmentation.Segmentation` is one."""

    @property
    def image(self) -> Pixels:
        """The picture, `(H, W, 3)` `uint8` RGB."""

    @property
    def mask(self) -> Pixels:
        """Its class indices, `(H, W)` `uint8`."""


class Backdrop(Protocol):
    """What puts a result's foreground before another background."""

    def __call__(self, found: Any, /) -> Pixels:
        """The new picture, `(H, W, 3)` `uint8` RGB; not the result's own array."""


@dataclass(frozen=True)
class Style:
    """How results are drawn; made from options by `style_of`, or by hand.

    Args:
        alpha: opacity of the colours, in [0, 1].
        palette: a colour for each class; `None` for those of the label set.
        classes: indices of the classes that are drawn; `None` for all. The background is never drawn.
        hidden: indices of classes that are not.
        contours: whether the classes' borders are drawn.
        names: whether the classes' names stand at the objects.
        legend: whether a panel says which colour is which class.
        side_by_side: whether the picture itself stands to the left of the drawing.
        background: what stands behind the foreground; with one the classes are not tinted.
    """

    alpha: float = DEFAULT_ALPHA
    palette: tuple[tuple[int, int, int], ...] | None = None
    classes: tuple[int, ...] | None = None
    hidden: tuple[int, ...] = ()
    contours: bool = False
    names: bool = False
    legend: bool = False
    side_by_side: bool = False
    background: Backdrop | None = None

    def __post_init__(self) -> None:
        if not 0.0 <= self.alpha <= 1.0:
            raise UsageError(f"alpha is an opacity from 0 to 1, not {self.alpha}")

    @property
    def plain(self) -> bool:
        """Whether each pixel depends on its own colour and class only, so that a table can draw it."""
        return not (self.contours or self.names or self.legend or self.side_by_side) and self.background is None

    def showing(self, labels: LabelSet, classes: Iterable[str] | None, hide: Iterable[str] | None) -> Style:
        """The same style for these classes only, by name, and without others.

        Raises:
            UsageError: a class that is not there, or that is both kept and hidden.
        """
        kept = None if classes is None else labels.indices(classes)
        hidden = labels.indices(hide or ())
        both = set(kept or ()) & set(hidden)
        if both:
            names = ", ".join(labels.names[index] for index in sorted(both))
            raise UsageError(f"both kept by --classes and dropped by --hide: {names}; leave it out of one of them")
        return replace(self, classes=kept, hidden=hidden)

    def drawn(self, labels: LabelSet) -> tuple[int, ...]:
        """The indices of the classes that are drawn."""
        shown = range(len(labels)) if self.classes is None else self.classes
        return tuple(index for index in shown if index not in self.hidden and not (labels.background and index == 0))


def style_of(settings: StyleSettings, labels: LabelSet, background: Backdrop | None = None) -> Style:
    """What the options say, for the classes of a model.

    Args:
        settings: what the user said.
        labels: the model's classes.
        background: what stands behind the foreground, where that was asked for.

    Raises:
        UsageError: a class that is not there, or that is both kept and hidden; a palette that is none.
    """
    return Style(
        alpha=settings.alpha,
        palette=None if settings.palette is None else palette_of(settings.palette, labels),
        contours=settings.contours,
        names=settings.labels,
        legend=settings.legend,
        side_by_side=settings.side_by_side,
        background=background,
    ).showing(labels, settings.classes, settings.hide)
