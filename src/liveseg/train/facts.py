"""What a model was made from: how many photos and pixels of each class, on which side, and what was wrong with them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from numpy.typing import NDArray

    from liveseg.datasets import Dataset, Sample


@dataclass(frozen=True)
class ClassFacts:
    """One class.

    Args:
        name: its name.
        photos: to learn from that show it.
        pixels: of them that are it.
        measured: photos to measure on that show it.
    """

    name: str
    photos: int
    pixels: int
    measured: int


@dataclass(frozen=True, kw_only=True)
class DataFacts:
    """What a model was made from.

    Args:
        name: of the data set.
        train: labelled photos to learn from.
        validation: labelled photos to measure on.
        classes: one a class, in the order of the labels.
        split: how the photos were divided, a sentence.
        remarks: what was found wrong or surprising, a sentence each.
        unlabelled: photos without masks to learn from.
        teacher: whose answers were learned from besides masks, in words; empty for nobody's.
    """

    name: str
    train: int
    validation: int
    classes: tuple[ClassFacts, ...] = ()
    split: str = ""
    remarks: tuple[str, ...] = ()
    unlabelled: int = 0
    teacher: str = ""

    def to_json(self) -> dict[str, Any]:
        """The facts as JSON data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> DataFacts:
        """The facts from JSON data; what is no fact in it is left out."""
        own = {name: data[name] for name in cls.__dataclass_fields__ if name in data}
        own["classes"] = tuple(ClassFacts(**each) for each in own.get("classes", ()))
        own["remarks"] = tuple(own.get("remarks", ()))
        return cls(**own)


def facts_of(
    train: Dataset,
    validation: Dataset,
    pixels: Callable[[Sample], NDArray[np.int64]],
    *,
    split: str = "",
    remarks: Iterable[str] = (),
) -> DataFacts:
    """The facts of labelled photos.

    Args:
        train: to learn from.
        validation: to measure on.
        pixels: how many pixels of a photo each class has, `(C,)`.
        split: how they were divided, a sentence.
        remarks: what was found wrong or surprising.
    """
    classes = len(train.labels)
    here, there = (
        np.array([pixels(sample) for sample in part], np.int64).reshape(-1, classes) for part in (train, validation)
    )
    about = zip(train.labels.names, (here > 0).sum(0), here.sum(0), (there > 0).sum(0), strict=True)
    return DataFacts(
        name=train.name,
        train=len(train),
        validation=len(validation),
        classes=tuple(ClassFacts(name, int(photos), int(own), int(measured)) for name, photos, own, measured in about),
        split=split,
        remarks=tuple(remarks),
    )
