"""Batches of random pieces of photos, in an order that is a function of the seed and the step.

Every piece is a function of the seed and its number, so that any number of threads, on any machine, at any time, makes
the same pieces; which pieces a step has follows from the step, so that a resumed run goes on exactly where it stopped.

Pieces are made by threads: decoding and resizing let go of Python's lock, and one process has one store of photos. A
piece took 1.4 ms of a processor's time from a photo that was kept, 5.6 ms from a file of 640x480 pixels; two processes
in place of threads would each decode and keep every photo, and took ten seconds to start.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray

    from liveseg.train.augment import Augment
    from liveseg.train.examples import Crop
    from liveseg.train.photos import Photos
    from liveseg.train.plan import Plan

_ORDER, _PIECE = 1, 2
"""What random numbers are for: each purpose has its own."""

_AHEAD = 2
"""Batches that are made ahead of the one in use."""

T = TypeVar("T")
U = TypeVar("U")


class Batch(NamedTuple):
    """Pieces of photos, as the network is fed with them.

    Args:
        image: `(N, S, S, 3)` `uint8` RGB.
        mask: `(N, S, S)` `uint8` class indices, 255 where no answer counts.
        teacher: `(N, C, t, t)` `float32` logits; `None` where there is no teacher.
        known: `(N, t, t)` `float32`, 1 where the teacher's logits are a teacher's.
    """

    image: Tensor
    mask: Tensor
    teacher: Tensor | None
    known: Tensor


@dataclass(frozen=True)
class Pieces:
    """The pieces of a whole training, by number.

    Args:
        photos: where they are cut from.
        order: the numbers of the photos of one pass, of which some may come more often; each pass shuffles them anew.
        augment: cuts them.
        seed: decides every choice.
    """

    photos: Photos
    order: tuple[int, ...]
    augment: Augment
    seed: int

    def photo(self, number: int) -> int:
        """Which photo a piece is of."""
        a_pass, place = divmod(number, len(self.order))
        return self.order[int(_shuffled(len(self.order), self.seed, a_pass)[place])]

    def __call__(self, number: int) -> Crop:
        """One piece."""
        rng = np.random.default_rng((self.seed, _PIECE, number))
        return self.augment(self.photos, self.photo(number), rng, len(self.photos))


@lru_cache(maxsize=4)
def _shuffled(count: int, seed: int, number: int) -> NDArray[np.intp]:
    return np.random.default_rng((seed, _ORDER, number)).permutation(count)


class Loader:
    """The batches of a round, from the step on that `done` says, for one of the devices.

    Args:
        pieces: of the whole training.
        plan: how many there are to a batch, to a step and to a round.
        workers: threads.
        rank: which of the devices.
        done: how many steps are done, asked at the begin of each round and of what is left of one.
        most: batches to give at most.
    """

    def __init__(
        self,
        pieces: Pieces,
        plan: Plan,
        *,
        workers: int,
        rank: int,
        done: Callable[[], int],
        most: int | None = None,
    ) -> None:
        self._pieces = pieces
        self._plan = plan
        self._workers = workers
        self._rank = rank
        self._done = done
        self._most = most

    def __len__(self) -> int:
        """Batches of a whole round."""
        return self._plan.interval * self._plan.accumulate

    def __iter__(self) -> Iterator[Batch]:
        done = self._done()
        first = done * self._plan.accumulate
        last = (done // self._plan.interval + 1) * len(self) if self._most is None else first + self._most
        numbers = (number for batch in range(first, last) for number in self._numbers(batch))
        size = self._plan.batch
        crops: list[Crop] = []
        for crop in in_order(self._pieces, numbers, workers=self._workers, ahead=_AHEAD * size):
            crops.append(crop)
            if len(crops) == size:
                yield collate(crops)
                crops = []

    def _numbers(self, batch: int) -> range:
        first = (batch * self._plan.devices + self._rank) * self._plan.batch
        return range(first, first + self._plan.batch)


def in_order(make: Callable[[T], U], items: Iterable[T], *, workers: int, ahead: int) -> Iterator[U]:
    """What `make` makes of each item, in their order; threads are at most so many items ahead of the caller."""
    waiting: deque[Future[U]] = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="liveseg-photos")
    try:
        for item in items:
            waiting.append(pool.submit(make, item))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def collate(crops: list[Crop]) -> Batch:
    """Pieces as one batch."""
    teachers = [crop.teacher for crop in crops if crop.teacher is not None]
    return Batch(
        torch.from_numpy(np.stack([crop.image for crop in crops])),
        torch.from_numpy(np.stack([crop.mask for crop in crops])),
        torch.from_numpy(np.stack(teachers)) if teachers else None,
        torch.from_numpy(np.stack([crop.known for crop in crops])),
    )
