"""Photos of a set that are the same picture: copies of other quality, size or light, mirrored or cropped ones."""

from __future__ import annotations

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from liveseg.datasets.hashing import WINDOWS, Candidates, candidates
from liveseg.datasets.likeness import SIDE, same_picture, thumbnail

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from liveseg.datasets.base import Sample

    Progress = Callable[[int, int], None]
    """Takes how many are done, and of how many."""

_HELD = 1 << 20
_BLOCK = 256


def near_duplicates(
    samples: Sequence[Sample], *, workers: int = 1, progress: Progress | None = None
) -> tuple[tuple[str, ...], ...]:
    """The keys of the photos that are the same picture, in groups of two and more.

    Photos with next to nothing in them, such as a plain wall, have no likeness to go by and are in no group. It holds
    2.3 kB a photo.

    Args:
        samples: the photos.
        workers: how many are read and compared at the same time.
        progress: is told how many have been read, and of how many.

    Raises:
        MediaError: a photo that cannot be read.
    """
    small = np.empty((len(samples), SIDE, SIDE), np.uint8)
    with ThreadPoolExecutor(workers) as pool:
        for index, copy in enumerate(pool.map(_read, samples)):
            small[index] = copy
            if progress is not None:
                progress(index + 1, len(samples))
    return tuple(tuple(samples[index].key for index in group) for group in same_pictures(small, workers=workers))


def same_pictures(thumbnails: NDArray[np.uint8], *, workers: int = 1) -> list[tuple[int, ...]]:
    """The places of the thumbnails that show the same picture, in groups of two and more, ascending.

    Args:
        thumbnails: `(N, 48, 48)` `uint8`, as `liveseg.datasets.likeness.thumbnail` makes them.
        workers: how many pairs are compared at the same time.
    """
    groups = _Groups(thumbnails, workers)
    found: list[Candidates] = []
    for some in candidates(thumbnails):
        found.append(some.only(groups.apart(some)))
        if sum(len(held.first) for held in found) > _HELD:
            groups.join(_nearest(found))
            found = []
    groups.join(_nearest(found))
    return groups.listed()


class _Groups:
    """Which photos belong together so far."""

    def __init__(self, thumbnails: NDArray[np.uint8], workers: int) -> None:
        self._thumbnails = thumbnails
        self._workers = workers
        self._root = np.arange(len(thumbnails))
        """For each photo the first one of its group."""

    def apart(self, pairs: Candidates) -> NDArray[np.bool_]:
        """Which pairs are not known to belong together."""
        return np.asarray(self._root[pairs.first] != self._root[pairs.second])

    def join(self, pairs: Candidates) -> None:
        """Look at the pairs in their order, and put together those that are the same picture."""
        with ThreadPoolExecutor(self._workers) as pool:
            while len(pairs.first):
                for pair, same in zip(
                    zip(pairs.first[:_BLOCK], pairs.second[:_BLOCK], strict=True),
                    pool.map(self._same, *pairs.only(slice(_BLOCK))),
                    strict=True,
                ):
                    if same:
                        low, high = sorted(self._root[list(pair)])
                        self._root[self._root == high] = low
                pairs = pairs.only(slice(_BLOCK, None))
                # Of the pairs of a large group most need no look once some have joined it.
                pairs = pairs.only(self.apart(pairs))

    def listed(self) -> list[tuple[int, ...]]:
        """The groups of two and more."""
        members = defaultdict(list)
        for index, root in enumerate(self._root.tolist()):
            members[root].append(index)
        return [tuple(group) for group in members.values() if len(group) > 1]

    def _same(self, first: int, second: int, _apart: int, window: int, mirrored: np.bool_) -> bool:
        top, left, size = WINDOWS[window]
        whole, part = self._thumbnails[first], self._thumbnails[second]
        return same_picture(whole, part, (top, left), size, mirrored=bool(mirrored))


def _nearest(found: Sequence[Candidates]) -> Candidates:
    """All of them, the nearest first, each pair once: by the window where it is the nearest."""
    if not found:
        none = np.zeros(0, np.intp)
        return Candidates(none, none, none.astype(np.uint8), none.astype(np.uint8), none.astype(bool))
    every = Candidates(*(np.concatenate(column) for column in zip(*found, strict=True)))
    every = every.only(np.argsort(every.apart, kind="stable"))
    low, high = np.minimum(every.first, every.second), np.maximum(every.first, every.second)
    _, kept = np.unique(low * (int(high.max(initial=0)) + 1) + high, return_index=True)
    return every.only(np.sort(kept))


def _read(sample: Sample) -> NDArray[np.uint8]:
    return thumbnail(sample.read_image())
