"""What stands behind the foreground."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from liveseg.errors import UsageError
from liveseg.settings.option import option
from liveseg.settings.parse import parse_names

_BACKGROUND = "Background"

USUAL_BLUR = 4.0
"""How far `blur` blurs, in percent of the picture's shorter side."""

_MOST_BLUR = 50.0


@dataclass(frozen=True)
class Blur:
    """The picture's own background, out of focus.

    Args:
        strength: the blur's standard deviation in percent of the picture's shorter side.

    Raises:
        UsageError: a strength that is not above 0, or more than half of the picture.
    """

    strength: float = USUAL_BLUR

    def __post_init__(self) -> None:
        if not 0 < self.strength <= _MOST_BLUR:
            raise UsageError(
                f"--background blur:N takes a strength above 0 and up to {_MOST_BLUR:g}, not {self.strength:g}"
            )


@dataclass(frozen=True)
class Color:
    """One colour, RGB, each channel in [0, 255]."""

    rgb: tuple[int, int, int]


@dataclass(frozen=True)
class Scene:
    """The file of an image or a video, scaled to cover the picture."""

    path: Path


Background = Blur | Color | Scene


def parse_background(text: str) -> Background:
    """What to put behind the foreground: `blur`, `blur:N`, a colour, or the file of an image or a video.

    A colour is a name such as `green`, `#00ff00` or `0,255,0`; a file of such a name is written as `./green`.

    Raises:
        UsageError: none of these.
    """
    word = text.strip()
    kind, colon, strength = word.lower().partition(":")
    if kind == "blur":
        return _blur(strength) if colon else Blur()
    colour = _colour(word)
    if colour is not None:
        return Color(colour)
    named = Path(word)
    if os.path.isfile(word):  # noqa: PTH113  (pathlib raises where a name is too long)
        return Scene(named)
    is_missing = bool(named.suffix or len(named.parts) > 1) and not os.path.lexists(word)
    what = f"there is no file {text!r}, so it is" if is_missing else f"{text!r} is"
    raise UsageError(
        f"{what} no background; write blur or blur:N, a colour like green, #00ff00 or 0,255,0, or the file of an "
        "image or a video"
    )


def _blur(strength: str) -> Blur:
    try:
        return Blur(float(strength))
    except ValueError as error:
        if isinstance(error, UsageError):
            raise
        raise UsageError(f"--background blur:N takes a strength in percent, like blur:6, not {strength!r}") from error


def _colour(word: str) -> tuple[int, int, int] | None:
    numbers = re.fullmatch(r"(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})", word)
    if numbers is not None:
        red, green, blue = (int(number) for number in numbers.groups())
        return (red, green, blue) if max(red, green, blue) <= 255 else None
    from PIL import ImageColor

    try:
        channels = ImageColor.getrgb(word)
    except ValueError:
        return None
    if len(channels) != 3:
        raise UsageError(f"a background is not transparent as {word!r} is; save a cutout instead, by --save cutout")
    return channels


@dataclass(frozen=True, kw_only=True)
class BackgroundSettings:
    """What stands behind the foreground."""

    background: Background | None = option(
        None,
        "Replace the background: blur or blur:N, a colour, or the file of an image or a video.",
        parse=parse_background,
        group=_BACKGROUND,
        metavar="WHAT",
    )
    foreground: tuple[str, ...] | None = option(
        None,
        "Classes that stay in front of --background, and in a cutout.",
        shown="person, or all of a model without",
        parse=parse_names,
        group=_BACKGROUND,
        metavar="NAMES",
    )
