"""A data set in two: photos to learn from and photos to judge by."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from liveseg.datasets.roboflow import source_of
from liveseg.errors import UsageError
from liveseg.labels import IGNORE_INDEX

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from numpy.typing import NDArray

    from liveseg.datasets.base import Dataset


@dataclass(frozen=True)
class _Group:
    """Photos that stay together.

    Args:
        keys: theirs.
        place: where their hash lies in [0, 1).
        classes: what occurs in any of their masks.
    """

    keys: tuple[str, ...]
    place: float
    classes: frozenset[int]


def split_dataset(
    dataset: Dataset,
    share: float = 0.2,
    seed: int = 0,
    groups: Iterable[Collection[str]] | None = None,
    classes: Mapping[str, Collection[int]] | None = None,
) -> tuple[Dataset, Dataset]:
    """Divide a data set into one for training and one for validation.

    A photo's side follows from a hash of its key and the seed alone, so it stays where it is when photos are added.
    Then as few photos as need be change sides, so that each class that occurs in two photos or more is on both, the
    rarest class first, and so that neither side is empty. The copies that Roboflow makes of a photo stay together.

    Args:
        dataset: at least two photos.
        share: of the photos for validation, in (0, 1); about so many, since each photo is drawn by itself.
        seed: another number gives another division.
        groups: keys of photos that stay on one side, such as near-duplicates.
        classes: the classes in each photo's mask by its key, where they are known; otherwise all masks are read.

    Returns:
        The photos for training, and those for validation.

    Raises:
        UsageError: a share outside of (0, 1), an unknown key in a group, or all photos in one group.
        DataError: a mask that cannot be read.
    """
    if not 0 < share < 1:
        raise UsageError(f"the share for validation lies between 0 and 1, not at {share:g}")
    members = _groups(dataset, groups or ())
    if len(members) < 2:
        what = "one photo" if len(dataset) < 2 else "photos that all resemble each other"
        raise UsageError(f"{dataset.name} is {what}, which cannot be divided; add photos, or name a set for validation")
    if classes is None:
        classes = {sample.key: classes_in(sample.read_mask()) for sample in dataset}
    found = [
        _Group(keys, min(_place(key, seed) for key in keys), frozenset().union(*(classes[key] for key in keys)))
        for keys in members
    ]
    found.sort(key=lambda group: group.place)
    chosen = _balanced(found, {number for number, group in enumerate(found) if group.place < share})
    validation = {key for number in chosen for key in found[number].keys}
    training = {sample.key for sample in dataset} - validation
    return dataset.subset(training), dataset.subset(validation)


def classes_in(mask: NDArray[np.uint8]) -> tuple[int, ...]:
    """The classes that occur in a mask, ascending, without what is ignored."""
    present = np.flatnonzero(np.bincount(mask.reshape(-1), minlength=256)[:IGNORE_INDEX])
    return tuple(int(index) for index in present)


def _place(key: str, seed: int) -> float:
    digest = hashlib.sha256(f"{seed}/{key}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def _groups(dataset: Dataset, groups: Iterable[Collection[str]]) -> list[tuple[str, ...]]:
    """The keys by what stays together: groups that share a photo are one."""
    leader = {sample.key: sample.key for sample in dataset}

    def find(key: str) -> str:
        while leader[key] != key:
            leader[key] = key = leader[leader[key]]
        return key

    for group in groups:
        keys = list(group)
        unknown = [key for key in keys if key not in leader]
        if unknown:
            raise UsageError(f"{dataset.name} has no photo {unknown[0]!r}")
        for key in keys[1:]:
            leader[find(key)] = find(keys[0])
    if dataset.layout == "roboflow":
        copies: dict[str, str] = {}
        for key in leader:
            first = copies.setdefault(source_of(key), key)
            leader[find(key)] = find(first)
    found: dict[str, list[str]] = {}
    for key in leader:
        found.setdefault(find(key), []).append(key)
    return [tuple(keys) for keys in found.values()]


def _balanced(groups: list[_Group], chosen: set[int]) -> set[int]:
    """The groups for validation: those chosen by hash, and as few changes as bring each class to both sides.

    Args:
        groups: ascending by their place.
        chosen: the numbers of those whose place is below the share.
    """
    chosen = set(chosen)
    holders: dict[int, list[int]] = {}
    for number, group in enumerate(groups):
        for index in group.classes:
            holders.setdefault(index, []).append(number)
    for index in sorted(holders, key=lambda index: (len(holders[index]), index)):
        own = holders[index]
        if len(own) < 2:
            continue
        # By their places those change sides first that lie nearest to the other.
        if not chosen.intersection(own):
            chosen.add(_movable(own, groups, holders, chosen))
        elif chosen.issuperset(own):
            rest = set(range(len(groups))) - chosen
            chosen.remove(_movable(own[::-1], groups, holders, rest))
    if not chosen:
        chosen.add(0)
    if len(chosen) == len(groups):
        chosen.remove(len(groups) - 1)
    return chosen


def _movable(own: list[int], groups: list[_Group], holders: dict[int, list[int]], there: set[int]) -> int:
    """Which of the groups with a class changes to the other side: the first that takes no other class away here.

    Args:
        own: the groups to choose from, the nearest first.
        groups: all of them.
        holders: the groups with each class.
        there: the numbers of the groups on the side to go to.
    """

    def lost(number: int) -> int:
        return sum(
            len(holders[index]) > 1 and there.issuperset(set(holders[index]) - {number})
            for index in groups[number].classes
        )

    return min(own, key=lost)
