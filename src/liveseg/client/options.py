"""What may be asked for besides the picture or video itself; the service checks the values and says what it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypedDict

if TYPE_CHECKING:
    from collections.abc import Sequence


class PictureOptions(TypedDict, total=False):
    """Of one picture; what is left out or `None` is as the service has it."""

    model: str | None
    size: int | Literal["native"] | None
    url: str | None
    """Where the service fetches the picture, if it is allowed to; instead of the picture."""
    format: Literal["jpeg", "png", "webp"] | None
    """Of an overlay."""
    alpha: float | None
    palette: str | None
    classes: str | Sequence[str] | None
    hide: str | Sequence[str] | None
    contours: bool | None
    labels: bool | None
    legend: bool | None
    side_by_side: bool | None
    foreground: str | Sequence[str] | None
    """Of a cut-out: the classes that stay."""


class VideoOptions(TypedDict, total=False):
    """Of a video; what is left out or `None` is as the service has it."""

    output: Literal["overlay", "color", "cutout", "mask", "polygons", "areas"] | None
    model: str | None
    size: int | None
    smooth: bool | None
    alpha: float | None
    palette: str | None
    classes: str | Sequence[str] | None
    contours: bool | None
    name: str | None
    """What the file is called in answers; its own name by default."""


class LiveOptions(TypedDict, total=False):
    """Of live pictures; `None` is as the service has it."""

    model: str | None
    size: int | None
    confidence: bool | None
    mask: int | Literal["frame"] | None
    """Shorter side of the masks in pixels, or `frame` for each frame's own size."""
    rate: float | None
    """At most so many answers a second."""
    smooth: bool | None
    """Steady the masks over time."""
    alpha: float | None
    palette: str | None
    contours: bool | None
    quality: int | None
