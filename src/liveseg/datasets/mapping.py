"""From the classes of a data set to others: by a file that says how, or by their names."""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from liveseg.datasets import coco
from liveseg.datasets.base import Sample
from liveseg.datasets.labels_file import labels_from, read_json
from liveseg.errors import DataError, SourceNotFoundError, UsageError
from liveseg.labels import IGNORE_INDEX, PASCAL_VOC

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from liveseg.datasets.base import Dataset
    from liveseg.labels import LabelSet

Rest = Literal["error", "background", "ignore"]
_RESTS = ("error", "background", "ignore")

_TO_FILL_IN = "?"


@dataclass(frozen=True)
class ClassMapping:
    """What a mapping file says.

    Args:
        labels: the classes that masks shall have.
        classes: for a class of the data set, by its name or mask value, the name or index of one of `labels`; `None`
            for ignored.
        rest: what becomes of classes that are not named, and that `labels` has none of that name for.
        origin: what the file is called, for messages.
    """

    labels: LabelSet
    classes: tuple[tuple[str, str | int | None], ...]
    rest: Rest = "error"
    origin: str = "the mapping"

    @property
    def values(self) -> tuple[int, ...]:
        """The mask values that it names by number."""
        return tuple(int(source) for source, _ in self.classes if _is_value(source))


@dataclass(frozen=True)
class MappedSample(Sample):
    """A photo whose mask is translated when it is read.

    Args:
        sample: the photo with its own mask.
        table: the class for each value of that mask: 256 bytes.
    """

    sample: Sample
    table: bytes

    def read_mask(self) -> NDArray[np.uint8]:
        """The mask in the other classes."""
        return np.frombuffer(self.table, np.uint8)[self.sample.read_mask()]


def read_mapping(given: str | Path | Mapping[str, Any] | ClassMapping) -> ClassMapping:
    """A mapping from a JSON or TOML file, or from its data.

    It looks like `{"labels": "voc", "classes": {"puppy": "dog", "toy": null}, "rest": "background"}`: `labels` is
    `voc`, a list of names or a label set as in `labels.json`; `classes` leads from a class of the data set, by its name
    or mask value, to one of these, or to `null` (in TOML `"ignore"`) for ignored. Classes that are not named go to the
    class of the same name; `rest` says what becomes of others: `error` (the default), `background` or `ignore`.

    Raises:
        SourceNotFoundError: no such file.
        DataError: a file of another form.
    """
    if isinstance(given, ClassMapping):
        return given
    if isinstance(given, Mapping):
        return _mapping(given, "the mapping")
    path = Path(given)
    if path.suffix.lower() != ".toml":
        return _mapping(read_json(path), str(path))
    try:
        return _mapping(tomllib.loads(path.read_text(encoding="utf-8-sig")), str(path))
    except FileNotFoundError as error:
        raise SourceNotFoundError(f"no such file: {path}") from error
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read as TOML: {error}") from error


def apply_mapping(dataset: Dataset, mapping: ClassMapping) -> Dataset:
    """The data set with masks in the classes of a mapping.

    Raises:
        UsageError: a class that the data set or the target does not have, or one that is led nowhere; the message
            names it.
    """
    if mapping.rest == "background" and not mapping.labels.background:
        raise UsageError(
            f'{mapping.origin} leads the rest to background, but its labels have none; write "rest": "ignore"'
        )
    table = np.full(256, IGNORE_INDEX, np.uint8)
    named: dict[int, str] = {}
    for source, target in mapping.classes:
        index = _source(dataset.labels, source, mapping.origin)
        if index in named:
            raise UsageError(f"{mapping.origin} names one class twice: {named[index]!r} and {source!r}")
        named[index] = source
        table[index] = IGNORE_INDEX if target is None else _target(mapping.labels, target, mapping.origin)
    lost = []
    for index, name in enumerate(dataset.labels.names):
        if index in named:
            continue
        same = class_called(mapping.labels, name)
        if same is None and mapping.rest == "error":
            lost.append(name)
        elif same is not None or mapping.rest == "background":
            table[index] = same or 0
    if lost:
        raise UsageError(
            f"{mapping.origin} does not say what becomes of {', '.join(map(repr, lost))}; name them in its classes, or"
            ' add "rest": "background" or "ignore"'
        )
    return _translated(dataset, mapping.labels, table)


def map_to(dataset: Dataset, labels: LabelSet) -> Dataset:
    """The data set in the classes of a model, where their names say how; of COCO's own categories by its reference.

    Every class of the data set has to occur among `labels`, by its name or an alias such as `tv` for `tvmonitor`; the
    order does not matter. COCO's 80 categories become Pascal VOC's classes by `coco.as_voc`.

    Raises:
        UsageError: classes that do not occur there; the message holds a mapping file to fill in.
    """
    if dataset.labels.names == labels.names:
        return replace(dataset, labels=labels)
    if labels.names == PASCAL_VOC.names and dataset.layout == "coco" and coco.is_original(dataset.labels):
        return replace(coco.as_voc(dataset), labels=labels)
    table = np.full(256, IGNORE_INDEX, np.uint8)
    lost = []
    for index, name in enumerate(dataset.labels.names):
        same = class_called(labels, name)
        if same is None:
            lost.append(name)
        else:
            table[index] = same
    if lost:
        target: object = "voc" if labels.names == PASCAL_VOC.names else list(labels.names)
        form = {"labels": target, "classes": dict.fromkeys(lost, _TO_FILL_IN)}
        raise UsageError(
            f"{dataset.name} has classes that the model does not: {', '.join(lost)}; write a mapping file, with a class"
            " of the model or null (ignored) for each ?, and name it by --mapping:"
            f" {json.dumps(form, ensure_ascii=False)}"
        )
    return _translated(dataset, labels, table)


def _translated(dataset: Dataset, labels: LabelSet, table: NDArray[np.uint8]) -> Dataset:
    count = len(dataset.labels)
    if (table[:count] == np.arange(count)).all() and (table[count:] == IGNORE_INDEX).all():
        return replace(dataset, labels=labels)
    content = table.tobytes()
    samples = tuple(MappedSample(sample.key, sample.image, sample, content) for sample in dataset.samples)
    return replace(dataset, labels=labels, samples=samples)


def _mapping(data: Any, origin: str) -> ClassMapping:
    if not isinstance(data, Mapping) or not isinstance(data.get("classes", {}), Mapping) or "labels" not in data:
        raise DataError(
            f'{origin} is no mapping; write {{"labels": "voc", "classes": {{"puppy": "dog", "toy": null}}}}'
        )
    unknown = set(data) - {"labels", "classes", "rest"}
    if unknown:
        raise DataError(f"{origin} has {min(unknown)!r}; a mapping has labels, classes and rest")
    rest = data.get("rest", "error")
    if rest not in _RESTS:
        raise DataError(f"{origin}: rest is one of {', '.join(_RESTS)}, not {rest!r}")
    try:
        labels = PASCAL_VOC if data["labels"] == "voc" else labels_from(data["labels"])
    except ValueError as error:
        raise DataError(f"{origin}, at labels: {error}") from error
    classes = []
    for source, target in data.get("classes", {}).items():
        if not (target is None or (isinstance(target, str | int) and not isinstance(target, bool))):
            raise DataError(f"{origin}, at {source!r}: {target!r} is neither a class nor null")
        if target == _TO_FILL_IN:
            raise DataError(f"{origin}, at {source!r}: fill in a class, or null for ignored, instead of {_TO_FILL_IN}")
        ignored = target == "ignore" and "ignore" not in labels.names
        classes.append((str(source), None if ignored else target))
    return ClassMapping(labels, tuple(classes), rest, origin)


def _is_value(text: str) -> bool:
    return text.isdecimal() and int(text) <= IGNORE_INDEX


def _source(labels: LabelSet, name: str, origin: str) -> int:
    same = class_called(labels, name)
    if same is not None:
        return same
    if _is_value(name):
        return int(name)
    raise UsageError(f"{origin} names {name!r}, which the data set does not have{_near(labels, name)}")


def _target(labels: LabelSet, name: str | int, origin: str) -> int:
    same = class_called(labels, str(name))
    if same is not None:
        return same
    if str(name).isdecimal() and int(name) < len(labels):
        return int(name)
    raise UsageError(f"{origin} leads to {name!r}, which its labels do not have{_near(labels, str(name))}")


def class_called(labels: LabelSet, name: str) -> int | None:
    """The class of that name, or of one that means the same; never by its number."""
    if name in labels.names:
        return labels.names.index(name)
    if name.strip().isdecimal():
        return None
    try:
        return labels.index(name)
    except UsageError:
        return None


def _near(labels: LabelSet, name: str) -> str:
    near = difflib.get_close_matches(name, labels.names, n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; there is {', '.join(labels.names)}"
