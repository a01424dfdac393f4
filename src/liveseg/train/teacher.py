"""`TeacherLogits`: what a teacher said of many photos, in a pair of files `NAME.json` and `NAME.bin`.

`NAME.json` gives for each photo's key `[offset, length, height, width, labelled]`: where its bytes lie in `NAME.bin`,
the grid of its logits, and whether the photo is known to have a mask (0 or 1). The bytes are zlib; inside is `uint8`,
class by class `(classes, height, width)`, each row as differences along the width, modulo 256. A logit is
`value * step + low`. The grid covers the whole photo, in half-pixel centres. Under the key `/`, which no photo can
have, stand the teacher's classes, `step` and `low`, and how the file was made; without it they are Pascal VOC's 21
classes, 1/5 and -12.8.
"""

from __future__ import annotations

import json
import mmap
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from liveseg.errors import DataError, SourceNotFoundError, UsageError, WeightsError
from liveseg.labels import PASCAL_VOC, LabelSet

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

HEADER = "/"
"""The key of what holds for the whole file; a photo's key never begins with a slash."""


@dataclass(frozen=True)
class Quantisation:
    """From logits to bytes and back: a logit is `value * step + low`; what lies outside is brought to the nearer end.

    Args:
        step: the distance of two neighbouring values.
        low: the logit of the value 0.
    """

    step: float = 0.2
    low: float = -12.8

    def values(self, logits: Floats) -> NDArray[np.uint8]:
        """The nearest values of finite logits."""
        nearest: Floats = np.rint((logits - self.low) / self.step)
        return np.clip(nearest, 0, 255).astype(np.uint8)

    def logits(self, values: NDArray[np.uint8]) -> Floats:
        """The logits that values stand for."""
        return values * np.float32(self.step) + np.float32(self.low)


@dataclass(frozen=True)
class Record:
    """Where one photo's logits lie, and on which grid; `labelled` says whether the photo is known to have a mask."""

    offset: int
    length: int
    height: int
    width: int
    labelled: bool = False

    def to_json(self) -> list[int]:
        """As the index has it."""
        return [self.offset, self.length, self.height, self.width, int(self.labelled)]

    @classmethod
    def from_json(cls, data: Any) -> Record:
        """From the index.

        Raises:
            ValueError: it is no such list of whole numbers.
        """
        if not isinstance(data, list) or len(data) != 5 or not all(type(item) is int and item >= 0 for item in data):
            raise ValueError(f"{data!r} is not [offset, length, height, width, labelled]")
        offset, length, height, width, labelled = data
        return cls(offset, length, height, width, bool(labelled))


def encode(values: NDArray[np.uint8]) -> bytes:
    """`(classes, height, width)` `uint8` as differences along the width, in zlib."""
    deltas = values.copy()
    deltas[:, :, 1:] -= values[:, :, :-1]
    return zlib.compress(deltas.tobytes(), 9)


def decode(data: bytes, height: int, width: int) -> NDArray[np.uint8]:
    """What `encode` was given.

    Raises:
        ValueError: bytes that are damaged, or not of that grid.
    """
    try:
        deltas = np.frombuffer(zlib.decompress(data), np.uint8)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if not deltas.size or deltas.size % (height * width or 1):
        raise ValueError(f"{deltas.size} values do not fill a grid of {height}x{width}")
    return np.cumsum(deltas.reshape(-1, height, width), axis=2, dtype=np.uint8)


@dataclass(frozen=True, eq=False)
class TeacherLogits(Mapping[str, "NDArray[np.float16]"]):
    """A teacher's logits by the photos' keys; each is read when it is asked for, by any number of processes.

    `logits[key]` is `(classes, height, width)` `float16` for the classes of `labels`. Each pixel's logits are as good
    as any others of the same softmax.

    Args:
        path: `NAME.json`; `NAME.bin` lies beside it.
        labels: what the logits are for.
        records: where each photo's lie.
        quantisation: how they are stored.
        made: how the file was made, for reports.
        merged: by class of `labels`, the teacher's classes that it is made of; `None` where they are the same.
    """

    path: Path
    labels: LabelSet
    records: Mapping[str, Record]
    quantisation: Quantisation = Quantisation()
    made: Mapping[str, Any] = field(default_factory=dict)
    merged: tuple[tuple[int, ...], ...] | None = None

    @classmethod
    def open(cls, path: Path, labels: LabelSet | None = None) -> TeacherLogits:
        """Open `NAME.json` with the `NAME.bin` beside it.

        Args:
            path: the JSON file.
            labels: the teacher's classes, where the file does not name them; Pascal VOC's by default.

        Raises:
            SourceNotFoundError: one of the two is not there.
            DataError: it is no such pair.
        """
        for part in (path, path.with_suffix(".bin")):
            if not part.is_file():
                raise SourceNotFoundError(f"no such file: {part}; a teacher's logits are a NAME.json and its NAME.bin")
        try:
            index = json.loads(path.read_text(encoding="utf-8"))
            header = index.pop(HEADER, {})
            named = LabelSet.from_json(header["labels"]) if "labels" in header else labels or PASCAL_VOC
            default = Quantisation()
            quantisation = Quantisation(float(header.get("step", default.step)), float(header.get("low", default.low)))
            made = dict(header.get("made", {}))
            records = {key: Record.from_json(item) for key, item in index.items()}
        except (ValueError, AttributeError, TypeError, WeightsError) as error:
            raise DataError(f"{path} is no index of a teacher's logits: {error}") from error
        size = path.with_suffix(".bin").stat().st_size
        if any(record.offset + record.length > size for record in records.values()):
            raise DataError(f"{path.with_suffix('.bin')} is shorter than {path.name} says; make both again")
        return cls(path, named, records, quantisation, made)

    def __getitem__(self, key: str) -> NDArray[np.float16]:
        record = self.records[key]
        try:
            data = self._bytes()[record.offset : record.offset + record.length]
            values = decode(data, record.height, record.width)
        except ValueError as error:
            raise DataError(f"{self.path.with_suffix('.bin')} is damaged at {key!r}: {error}; make it again") from error
        expected = len(self.labels) if self.merged is None else 1 + max(map(max, self.merged))
        if len(values) < expected or (self.merged is None and len(values) != expected):
            raise DataError(f"{self.path} holds logits of {len(values)} classes for {key!r}, not of {expected}")
        logits = self.quantisation.logits(values)
        return (logits if self.merged is None else _merge(logits, self.merged)).astype(np.float16)

    def __iter__(self) -> Iterator[str]:
        return iter(self.records)

    def __len__(self) -> int:
        return len(self.records)

    def __contains__(self, key: object) -> bool:
        return key in self.records

    def key_of(self, photo: Path) -> str | None:
        """The key of a photo in these logits: the longest end of its path, without the ending, that is one."""
        parts = photo.with_suffix("").parts
        ends = ("/".join(parts[start:]) for start in range(len(parts)))
        return next((end for end in ends if end in self.records), None)

    def for_labels(self, labels: LabelSet) -> TeacherLogits:
        """The same for a student's classes, which are found among the teacher's by their names.

        The teacher's other classes count as the student's background; where it has none, they are left out.

        Raises:
            UsageError: the teacher does not know one of the student's classes.
        """
        merged = merged_classes(labels, self.labels)
        return TeacherLogits(self.path, labels, self.records, self.quantisation, self.made, merged)

    def _bytes(self) -> mmap.mmap:
        opened: mmap.mmap | None = self.__dict__.get("_mapped")
        if opened is None:
            with self.path.with_suffix(".bin").open("rb") as file:
                opened = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            # Frozen for its users; this is no part of what it is, and each process opens its own.
            self.__dict__["_mapped"] = opened
        return opened

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_mapped"}


def merged_classes(student: LabelSet, teacher: LabelSet) -> tuple[tuple[int, ...], ...] | None:
    """By class of a student, its teacher's classes that it is made of; `None` where all names are the same.

    Raises:
        UsageError: the teacher does not know one of the student's classes.
    """
    if student.names == teacher.names:
        return None
    sources = [_source(student, index, teacher) for index in range(len(student))]
    rest = tuple(sorted(set(range(len(teacher))) - {source for source in sources if source is not None}))
    merged: list[tuple[int, ...]] = [() if source is None else (source,) for source in sources]
    if student.background:
        merged[0] += rest
    unknown = [name for name, source in zip(student.names, merged, strict=True) if not source]
    if unknown:
        raise UsageError(
            f"the teacher does not know {' and '.join(map(repr, unknown))}; it knows {', '.join(teacher.names)}"
        )
    return tuple(merged)


def _source(student: LabelSet, index: int, teacher: LabelSet) -> int | None:
    """The teacher's class that is called as the student's is; `None` if there is none."""
    if index == 0 and student.background:
        return 0 if teacher.background else None
    name = student.names[index]
    if name in teacher.names:
        return teacher.names.index(name)
    if name.isdecimal():
        return None  # `LabelSet.index` would take it for a number of the teacher's
    try:
        return teacher.index(name)
    except UsageError:
        return None


def _merge(logits: Floats, merged: tuple[tuple[int, ...], ...]) -> Floats:
    """One logit for several classes: that of the sum of their probabilities."""
    highest = logits.max(axis=0)
    odds = np.exp(logits - highest)
    smallest = np.finfo(np.float32).tiny
    return np.stack([np.log(np.maximum(odds[list(own)].sum(axis=0), smallest)) for own in merged])
