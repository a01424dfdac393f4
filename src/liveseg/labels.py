"""Label sets: the names and colours of the classes that a mask's indices stand for."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from liveseg.errors import UsageError, WeightsError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

IGNORE_INDEX = 255
"""The mask value that stands for no class at all, as Pascal VOC uses it."""

UNKNOWN = "unknown"
"""The class of the pixels that the network is not sure of, where it was asked to tell them apart."""

UNKNOWN_COLOR = (224, 224, 192)
"""The cream in which Pascal VOC's development kit draws what is no class."""


@dataclass(frozen=True)
class LabelSet:
    """The classes of a model: index `i` of a mask is `names[i]`, drawn in `palette[i]`.

    Args:
        names: one name a class; class 0 is the background where `background` is true.
        palette: one RGB colour a class, each channel in [0, 255].
        background: whether class 0 is the background, which is not drawn.

    Raises:
        WeightsError: names and palette that do not fit each other or a `uint8` mask.
    """

    names: tuple[str, ...]
    palette: tuple[tuple[int, int, int], ...]
    background: bool = field(default=True)

    def __post_init__(self) -> None:
        if not 1 <= len(self.names) <= IGNORE_INDEX:
            raise WeightsError(f"a label set has 1 to {IGNORE_INDEX} classes, not {len(self.names)}")
        if len(self.names) != len(self.palette):
            raise WeightsError(f"{len(self.names)} class names but {len(self.palette)} palette colours")
        if len(set(self.names)) != len(self.names):
            raise WeightsError("two classes have the same name")
        for name, colour in zip(self.names, self.palette, strict=True):
            if len(colour) != 3 or not all(isinstance(c, int) and 0 <= c <= 255 for c in colour):
                raise WeightsError(f"the colour of class {name!r} is not three numbers from 0 to 255: {colour!r}")

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def colors(self) -> NDArray[np.uint8]:
        """The palette as an array: `(256, 3)` `uint8` RGB, black beyond the last class."""
        table = np.zeros((256, 3), np.uint8)
        table[: len(self.palette)] = self.palette
        return table

    def index(self, name: str | int) -> int:
        """The index of a class by its name, an alias such as `sofa`/`couch`, or its number.

        Raises:
            UsageError: no such class; the message offers the nearest names.
        """
        wanted = _normalise(str(name))
        if wanted.isdecimal() and int(wanted) < len(self.names):
            return int(wanted)
        known = {_normalise(own): i for i, own in enumerate(self.names)}
        for candidate in (wanted, _ALIASES.get(wanted, wanted)):
            if candidate in known:
                return known[candidate]
        near = difflib.get_close_matches(wanted, known, n=3, cutoff=0.6)
        nearest = " or ".join(self.names[known[own]] for own in near)
        hint = f"did you mean {nearest}?" if near else "there is " + ", ".join(self.names)
        raise UsageError(f"no class named {name!r} in this model; {hint}")

    def indices(self, names: Iterable[str | int]) -> tuple[int, ...]:
        """The indices of several classes, in ascending order and without repetition."""
        return tuple(sorted({self.index(name) for name in names}))

    def with_unknown(self) -> LabelSet:
        """The same with one class more, `unknown`, for the pixels that the network is not sure of.

        Raises:
            UsageError: there is no place for it, or another class of that name.
        """
        if len(self.names) == IGNORE_INDEX:
            raise UsageError(f"a mask has {IGNORE_INDEX} classes at most; there is no place for {UNKNOWN!r}")
        if UNKNOWN in self.names:
            raise UsageError(f"this model has a class {UNKNOWN!r} of its own; leave out --unknown")
        return replace(self, names=(*self.names, UNKNOWN), palette=(*self.palette, UNKNOWN_COLOR))

    def with_palette(self, palette: Iterable[tuple[int, int, int]]) -> LabelSet:
        """The same classes in other colours, one a class; see `liveseg.palettes.palette_of`."""
        return replace(self, palette=tuple(palette))

    def to_json(self) -> dict[str, Any]:
        """The label set as JSON data: `classes`, `palette` and `background`."""
        return {
            "classes": list(self.names),
            "palette": [list(c) for c in self.palette],
            "background": self.background,
        }

    @classmethod
    def from_json(cls, data: object) -> LabelSet:
        """A label set from JSON data: `classes` (names), and optionally `palette` and `background`.

        Without a palette the Pascal VOC colours are made, which exist for any number of classes.

        Raises:
            WeightsError: data of another form.
        """
        if isinstance(data, list):
            data = {"classes": data}
        if not isinstance(data, dict) or not isinstance(data.get("classes"), list):
            raise WeightsError('labels are JSON like {"classes": ["background", …], "palette": [[0, 0, 0], …]}')
        names = tuple(str(name) for name in data["classes"])
        palette = data.get("palette")
        if palette is None:
            palette = voc_palette(len(names))
        try:
            colours = tuple((int(r), int(g), int(b)) for r, g, b in palette)
        except (TypeError, ValueError, OverflowError) as error:
            raise WeightsError(f"the palette is not a list of [red, green, blue]: {error}") from error
        return cls(names, colours, bool(data.get("background", True)))


def voc_palette(count: int) -> tuple[tuple[int, int, int], ...]:
    """The first `count` colours of the Pascal VOC colour map (VOC development kit, `VOCcolormap`)."""
    colours = []
    for index in range(count):
        channels = [0, 0, 0]
        rest = index
        for shift in range(7, -1, -1):
            for channel in range(3):
                channels[channel] |= ((rest >> channel) & 1) << shift
            rest >>= 3
        colours.append((channels[0], channels[1], channels[2]))
    return tuple(colours)


def _normalise(name: str) -> str:
    return re.sub(r"[\s_/-]+", "", name).lower()


_ALIASES = {
    "airplane": "aeroplane",
    "bike": "bicycle",
    "motorcycle": "motorbike",
    "couch": "sofa",
    "table": "diningtable",
    "plant": "pottedplant",
    "tv": "tvmonitor",
    "monitor": "tvmonitor",
    "people": "person",
}

PASCAL_VOC = LabelSet(
    names=(
        "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
        "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train",
        "tvmonitor",
    ),
    palette=voc_palette(21),
)  # fmt: skip
"""The 21 classes of Pascal VOC 2012 with the colours of its development kit."""
