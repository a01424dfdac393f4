"""The names of a data set's classes: a file of them, a list, or those of Pascal VOC."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from liveseg.errors import DataError, SourceNotFoundError, UsageError, WeightsError
from liveseg.labels import PASCAL_VOC, LabelSet, voc_palette
from liveseg.palettes import color_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

LABELS_FILE = "labels.json"
"""What the file is called by which a folder names its classes."""

LabelsLike = LabelSet | str | Path | list[str] | tuple[str, ...]

_BACKGROUND = ("background", "_background_", "__background__")
_FORM = '["background", "leaf", …] or {"names": ["background", "leaf", …], "palette": [[0, 0, 0], [0, 128, 0], …]}'


def labels_of(given: LabelsLike) -> LabelSet:
    """A label set from `voc`, from names, or from a JSON file.

    The file holds a list of names, the first being that of mask value 0, or an object with `names` and, if need be,
    a `palette` of as many colours. Without colours those of Pascal VOC are made. Class 0 is the background where it is
    called so.

    Raises:
        SourceNotFoundError: no such file.
        DataError: a file of another form.
        UsageError: names that make no label set.
    """
    if isinstance(given, LabelSet):
        return given
    if isinstance(given, list | tuple):
        try:
            return labels_from(list(given))
        except ValueError as error:
            raise UsageError(f"these names make no classes: {error}") from error
    if str(given).strip().lower() == "voc":
        return PASCAL_VOC
    return read_labels(Path(given))


def read_labels(path: Path) -> LabelSet:
    """A label set from a JSON file; see `labels_of`."""
    try:
        return labels_from(read_json(path))
    except DataError:
        raise
    except ValueError as error:
        raise DataError(f"{path} names no classes: {error}") from error


def labels_from(data: Any) -> LabelSet:
    """A label set from JSON data; see `labels_of`.

    Raises:
        ValueError: data of another form.
    """
    if isinstance(data, list):
        data = {"names": data}
    names = data.get("names", data.get("classes")) if isinstance(data, dict) else None
    if not isinstance(names, list) or not all(isinstance(name, str) and name.strip() for name in names):
        raise ValueError(f"write {_FORM}")
    palette = data.get("palette")
    if palette is not None and not isinstance(palette, list):
        raise ValueError(f"write {_FORM}")
    colors = voc_palette(len(names)) if palette is None else [color_of(color) for color in palette]
    return make_labels([name.strip() for name in names], colors, data.get("background"))


def make_labels(
    names: Sequence[str], colors: Sequence[tuple[int, int, int]] | None = None, background: bool | None = None
) -> LabelSet:
    """Names and colours as a label set; class 0 is the background where it is called so.

    Raises:
        ValueError: names and colours that do not fit each other or a mask.
    """
    palette = tuple(voc_palette(len(names)) if colors is None else colors)
    first = names[0].lower() in _BACKGROUND if names else False
    try:
        return LabelSet(tuple(names), palette, first if background is None else bool(background))
    except WeightsError as error:
        raise ValueError(str(error)) from error


def with_background(
    names: Sequence[str], colors: Sequence[tuple[int, int, int]] | None = None
) -> tuple[LabelSet, list[int]]:
    """Classes after a background, which is added unless one of them is called so, and the index of each in masks.

    Raises:
        ValueError: as `make_labels`.
    """
    order = background_first(names)
    own = [names[place] for place in order]
    drawn = None if colors is None else [colors[place] for place in order]
    added = not own or own[0].lower() not in _BACKGROUND
    if added:
        own = ["background", *own]
        drawn = None if drawn is None else [(0, 0, 0), *drawn]
    indices = [0] * len(order)
    for index, place in enumerate(order, int(added)):
        indices[place] = index
    return make_labels(own, drawn), indices


def background_first(names: Sequence[str]) -> list[int]:
    """The places of the names, that of the background first if there is one."""
    return sorted(range(len(names)), key=lambda place: names[place].lower() not in _BACKGROUND)


def begins_with(path: Path, character: str) -> bool:
    """Whether a file is JSON by its name, and an object (`{`) or a list (`[`) by its first character."""
    if path.suffix.lower() != ".json":
        return False
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        return file.read(256).lstrip().startswith(character)


def read_json(path: str | PathLike[str]) -> Any:
    """The data of a JSON file.

    Raises:
        SourceNotFoundError: no such file.
        DataError: it cannot be read; the message says where it breaks.
    """
    try:
        # Some editors put a byte order mark before it.
        return json.loads(Path(path).read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise SourceNotFoundError(f"no such file: {path}") from error
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} cannot be read as JSON: {error}") from error
