"""Palettes: the colours in which classes are drawn, by name or from a file."""

from __future__ import annotations

import colorsys
import json
from pathlib import Path
from typing import TYPE_CHECKING

from liveseg.errors import SourceNotFoundError, UsageError
from liveseg.labels import UNKNOWN, UNKNOWN_COLOR, voc_palette

if TYPE_CHECKING:
    from os import PathLike

    from liveseg.labels import LabelSet

    Color = tuple[int, int, int]

PALETTES = ("model", "voc", "safe", "vivid")
"""Those that have a name: the model's own, Pascal VOC's, one for all eyes, and one for dim pictures."""

_SAFE = bytes.fromhex(
    "4b55fe 914766 939300 acbeff 7b0a00 63328c b980b3 6ffff7 e15a7b d4ff91"
    "cfc600 039b83 abbb79 f29dbb d40047 0000e8 896199 720f4b 0b6e3e 988bff"
)
"""Twenty colours, found by moving them apart in CIEDE2000 as normal, protanope, deuteranope and tritanope eyes see them
(Machado, Oliveira and Fernandes 2009, severity 1); any two of them, black, and the colour of `unknown` are at least
12.5 apart to each of these eyes, where about 2 is what can just be told apart. The order gives the first few the most:
the first six are 15 apart, the first three 22."""


def palette_of(name: str | PathLike[str], labels: LabelSet) -> tuple[Color, ...]:
    """The colours of a palette, one for each class of a label set.

    Args:
        name: one of `PALETTES`, or a JSON file of class names and colours, such as
            `{"person": "#ff0000", "car": [0, 0, 255], "dog": "gold"}`; classes that it leaves out keep the model's.
        labels: the classes; their background stays black, and `unknown` its own colour unless a file gives another.

    Raises:
        UsageError: no palette of that name, or a file that is none; the message names the key.
        SourceNotFoundError: no such file.
    """
    word = str(name).strip()
    if word.lower() not in PALETTES:
        return _from_file(Path(name), labels)
    if word.lower() == "model":
        return labels.palette
    first = int(labels.background)
    count = len(labels) - first
    match word.lower():
        case "voc":
            colors = list(voc_palette(len(labels))[first:])
        case "safe":
            colors = [_safe(number) for number in range(count)]
        case _:
            colors = [_vivid(number) for number in range(count)]
    colors = [(0, 0, 0)] * first + colors
    return tuple(UNKNOWN_COLOR if own == UNKNOWN else color for own, color in zip(labels.names, colors, strict=True))


def color_of(text: object) -> Color:
    """A colour as `#ff0000`, `#f00`, by its CSS name, as `rgb(255, 0, 0)`, or as three numbers from 0 to 255.

    Raises:
        UsageError: anything else.
    """
    if isinstance(text, list | tuple):
        if len(text) == 3 and all(type(part) is int and 0 <= part <= 255 for part in text):
            return int(text[0]), int(text[1]), int(text[2])
    elif isinstance(text, str):
        from PIL import ImageColor

        try:
            channels: tuple[int, ...] = ImageColor.getrgb(text.strip())
        except ValueError:
            channels = ()
        if len(channels) == 3:  # four have an opacity
            return channels[0], channels[1], channels[2]
    raise UsageError(f"{text!r} is no colour; write it as #ff8000, as a name like orange, or as [255, 128, 0]")


def _safe(number: int) -> Color:
    red, green, blue = _SAFE[number % 20 * 3 :][:3]
    # Beyond twenty: darker and lighter shades of the same, in turn.
    turn = number // 20
    share, end = 0.6 ** ((turn + 1) // 2), 255 * (turn % 2 == 0)
    return round(end + (red - end) * share), round(end + (green - end) * share), round(end + (blue - end) * share)


def _vivid(number: int) -> Color:
    # By the golden section the hues of any first few are spread out.
    hue = number * 0.618034 % 1.0
    saturation, value = ((1.0, 1.0), (0.55, 1.0), (0.9, 0.75))[number % 3]
    red, green, blue = colorsys.hsv_to_rgb(hue, saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)


def _from_file(path: Path, labels: LabelSet) -> tuple[Color, ...]:
    if path.suffix.lower() != ".json":
        raise UsageError(f"no palette called {str(path)!r}; choose {', '.join(PALETTES)} or name a .json file")
    try:
        # Some editors put a byte order mark before it.
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise SourceNotFoundError(f"no such palette: {path}") from error
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"the palette {path} cannot be read: {error}") from error
    if not isinstance(data, dict):
        raise UsageError(f'the palette {path} is no JSON object of names and colours, like {{"person": "#ff0000"}}')
    colors = list(labels.palette)
    given: dict[int, str] = {}
    for name, value in data.items():
        if name == UNKNOWN and UNKNOWN not in labels.names:
            continue  # the same file serves with and without --unknown
        try:
            index, color = labels.index(name), color_of(value)
        except UsageError as error:
            raise UsageError(f"the palette {path}, at {name!r}: {error}") from error
        if index in given:
            raise UsageError(f"the palette {path}, at {name!r}: the same class as {given[index]!r}; leave one out")
        given[index], colors[index] = name, color
    return tuple(colors)
