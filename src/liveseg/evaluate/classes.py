"""How the classes of predicted masks and those of the true ones go together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from liveseg.datasets.mapping import class_called, map_to
from liveseg.errors import UsageError
from liveseg.labels import UNKNOWN

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from liveseg.datasets.base import Dataset
    from liveseg.labels import LabelSet


def fitted(dataset: Dataset, labels: LabelSet) -> tuple[Dataset, NDArray[np.uint8], list[str]]:
    """The photos with classes that predicted masks have, and the table and notes of `translation`.

    Args:
        dataset: the photos.
        labels: of the predicted masks.

    Raises:
        UsageError: the truth has classes that no predicted mask can have; the message says what to do.
    """
    table, notes = translation(dataset.labels, labels)
    if table is None:
        dataset = map_to(dataset, labels)
        table, notes = translation(dataset.labels, labels)
    if table is None:
        raise UsageError(f"{dataset.name} has classes that the model does not; lead them to its own by --mapping")
    return dataset, table, notes


def translation(wanted: LabelSet, own: LabelSet) -> tuple[NDArray[np.uint8] | None, list[str]]:
    """From the indices of predicted masks to those of the truth.

    Classes go together by name, or by an alias such as `sofa` and `couch`. What has no counterpart in the truth becomes
    its background, which is all that has no name there; without a background, no class at all, as does `unknown`.

    Returns:
        A table of 256 indices, `len(wanted)` where it is none of them, and what the user should know; `None` where the
        truth has a class that no predicted mask can have.
    """
    table = np.full(256, len(wanted), np.uint8)
    reached = set()
    for index, name in enumerate(wanted.names):
        place = class_called(own, name)
        if place is None:
            named = (place for place, other in enumerate(own.names) if class_called(wanted, other) == index)
            place = next(named, None)
        if place is None:
            return None, []
        table[place] = index
        reached.add(place)
    others = [index for index, name in enumerate(own.names) if index not in reached and name != UNKNOWN]
    if not others:
        return table, []
    if wanted.background:
        table[others] = 0
    names = ", ".join(own.names[index] for index in others[:5]) + (", …" if len(others) > 5 else "")
    what = f"count as {wanted.names[0]}" if wanted.background else "count as wrong"
    return table, [f"predicted classes that the data set does not name {what}: {names}"]
