"""Photos that are in a set twice: with masks that contradict each other, or in training and in validation."""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from liveseg.datasets.check_problem import problem

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from liveseg.datasets.check_photo import Seen
    from liveseg.datasets.check_problem import Problem

_OTHER_CONTENT = 0.3
"""Of two masks, the share of pixels that changes its class at least; a crop by a tenth of each side changes 0.2."""

_MOST_COMPARED = 50


def same_pixels(photos: Sequence[Seen]) -> list[tuple[int, ...]]:
    """The places of the photos with exactly the same pixels, in groups of two and more."""
    found = defaultdict(list)
    for index, seen in enumerate(photos):
        if seen.photo is not None:
            found[seen.photo].append(index)
    return [tuple(group) for group in found.values() if len(group) > 1]


def repeated(
    photos: Sequence[Seen], exact: Iterable[Sequence[int]], alike: Iterable[Sequence[int]]
) -> Iterator[Problem]:
    """Which photos come several times, and which of them have masks that contradict each other.

    Args:
        photos: all of them.
        exact: the groups with the same pixels.
        alike: the groups of the same picture, as `same_pictures` finds them.
    """
    for group in exact:
        first, *others = (photos[index] for index in group)
        masks = {seen.mask for seen in (first, *others) if seen.mask is not None}
        if len(masks) > 1:
            yield problem(
                "contradiction", first.sample.image, f"{_all(first, others)} are the same photo with other masks"
            )
        else:
            yield problem("same-photo", first.sample.image, f"{_all(first, others)} are the same photo")
    for group in alike:
        members = [photos[index] for index in group if photos[index].pixels is not None]
        pair = next((pair for pair in combinations(members[:_MOST_COMPARED], 2) if _contradict(*pair)), None)
        if pair is not None:
            one, other = (seen.sample.image for seen in pair)
            yield problem("contradiction", one, f"{one} and {other} are much the same photo with quite other masks")


def leaks(
    photos: Sequence[Seen],
    training: Collection[int],
    validation: Collection[int],
    exact: Iterable[Sequence[int]],
    alike: Iterable[Sequence[int]],
) -> Iterator[Problem]:
    """Which photos are in training and in validation.

    Args:
        photos: all of them.
        training: the places of those in training.
        validation: likewise.
        exact: as for `repeated`.
        alike: likewise.
    """
    told = set()
    for index in sorted(set(training) & set(validation)):
        file = photos[index].sample.image
        told.add(index)
        yield problem("leak", file, f"{file} is in training and in validation")
    for kind, how, groups in (("leak", "exactly", exact), ("near-leak", "much", alike)):
        for group in groups:
            learned = [index for index in group if index in training]
            for index in group:
                other = next((own for own in learned if own != index), None)
                if index in validation and index not in told and other is not None:
                    told.add(index)
                    one, same = photos[index].sample.image, photos[other].sample.image
                    yield problem(kind, one, f"{one}, in validation, is {how} the same photo as {same}, in training")


def _contradict(one: Seen, other: Seen) -> bool:
    if one.photo == other.photo or one.pixels is None or other.pixels is None:
        return False
    shares = [seen / max(int(seen.sum()), 1) for seen in (one.pixels, other.pixels)]
    return bool(np.abs(shares[0] - shares[1]).sum() / 2 > _OTHER_CONTENT)


def _all(first: Seen, others: Sequence[Seen]) -> str:
    names = [str(seen.sample.image) for seen in (first, *others)]
    if len(names) > 4:
        return f"{', '.join(names[:3])} and {len(names) - 3} more"
    return f"{', '.join(names[:-1])} and {names[-1]}"
