"""Several models on the same photos, photo by photo in turn, so that what slows the machine down slows all of them."""

from __future__ import annotations

import heapq
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from liveseg.errors import DataError, MediaError, SourceNotFoundError, UsageError
from liveseg.evaluate.compare import Agreement
from liveseg.evaluate.confusion import pairs
from liveseg.evaluate.counts import ImageCounts
from liveseg.evaluate.engine import prepare
from liveseg.evaluate.masks import recipe_of
from liveseg.evaluate.options import EvalOptions
from liveseg.evaluate.running import Run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from liveseg.datasets.base import Dataset, Sample
    from liveseg.evaluate.engine import Prepared
    from liveseg.evaluate.masks import Found, Masks
    from liveseg.evaluate.result import Evaluation
    from liveseg.labels import LabelSet
    from liveseg.segmenter import Segmenter
    from liveseg.settings import ModelSettings
    from liveseg.weights.patience import Progress as Download

    Pixels = NDArray[np.uint8]
    Progress = Callable[[int, int, float], None]

_T = TypeVar("_T")


@dataclass(frozen=True, eq=False)
class InTurn:
    """What came out, in the order in which it was asked for.

    Args:
        evaluations: of each.
        agreements: of the masks of each with those of the first; `None` of the first.
        differing: the photos whose masks differ most, by key, with the share of their pixels; most first.
    """

    evaluations: list[Evaluation]
    agreements: list[Agreement | None]
    differing: dict[str, float]


def evaluate_in_turn(
    wanted: Sequence[Segmenter | ModelSettings | Path],
    dataset: Dataset,
    *,
    options: EvalOptions | None = None,
    progress: Progress | None = None,
    download: Download | None = None,
) -> InTurn:
    """Score the masks of several models, or folders of masks, on the same photos.

    Each photo is read once and given to one after the other; who is first changes from photo to photo. The scores are
    those of `evaluate`; a photo that cannot be read is left out for all.

    Args:
        wanted: loaded models, the settings of some to load, or folders of masks.
        dataset: the photos.
        options: how they are scored; there is one worker. `worst` says how many of the differing photos are named, too.
        progress: called after each photo with how many are done and of how many, and the first one's mIoU so far.
        download: called while weights are downloaded.

    Raises:
        UsageError: models that know other classes, or the data set has classes that a model does not.
        DataError: no photos, one that cannot be read (unless such are skipped), or none with a pixel that counts.
        LivesegError: as `Segmenter` raises.
    """
    options = options or EvalOptions()
    if not len(dataset):
        raise DataError(f"{dataset.name} has no photos")
    entrants = []
    for own in wanted:
        masks = recipe_of(own, dataset, options).open(options.threads, download)
        entrants.append(_Entrant(masks, prepare(masks, dataset, options), options))
    labels = [own.ready.dataset.labels for own in entrants]
    if any(own.names != labels[0].names for own in labels):
        raise UsageError(
            "these models know other classes than each other; lead the data set's to some of all: --mapping"
        )
    differing: list[tuple[float, str]] = []
    for number, sample in enumerate(entrants[0].ready.dataset):
        found = _one(entrants, sample, number)
        if found is not None:
            heapq.heappush(differing, (found, sample.key))
            if len(differing) > options.worst:
                heapq.heappop(differing)
        if progress is not None:
            progress(number + 1, len(dataset), entrants[0].run.miou)
    return InTurn(
        [own.evaluation() for own in entrants],
        [own.agreement() if index else None for index, own in enumerate(entrants)],
        {key: share for share, key in sorted(differing, reverse=True)},
    )


def _one(entrants: Sequence[_Entrant], sample: Sample, number: int) -> float | None:
    """Give a photo to all; returns the largest share of its pixels in which a mask differs from the first one's."""
    try:
        truth, all_reading = _timed(sample.read_mask)
        image, reading = _timed(sample.read_image) if any(own.network for own in entrants) else (truth, 0.0)
        reads = [(image, reading) if own.network else _timed(partial(own.read, sample)) for own in entrants]
    except (MediaError, DataError, SourceNotFoundError) as error:
        _left_out(entrants, sample, str(error))
        return None
    counts: dict[int, tuple[ImageCounts, float]] = {}
    for index in _order(len(entrants), number):
        own, (read, reading) = entrants[index], reads[index]
        own.get_ready(read)
        # What is read for all counts for each, as if it were alone.
        reading += all_reading
        counted, spent = _timed(partial(own.ready.counting, own, sample, read, truth, 1e3 * reading))
        if counted.bad:
            _left_out(entrants, sample, counted.bad)
            return None
        counts[index] = counted, reading + spent
    for index, own in enumerate(entrants):
        own.run.add(*counts[index])
    first = entrants[0].translated()
    return max((own.hold_against(first) for own in entrants[1:]), default=0.0)


def _timed(work: Callable[[], _T]) -> tuple[_T, float]:
    """What some work gives, and the seconds that it took."""
    began = time.perf_counter()
    return work(), time.perf_counter() - began


def _left_out(entrants: Sequence[_Entrant], sample: Sample, why: str) -> None:
    for own in entrants:
        own.run.add(ImageCounts(sample.key, bad=why), 0.0)


def _order(count: int, number: int) -> list[int]:
    """Whose turn it is: on each photo another one's first."""
    return [(number + place) % count for place in range(count)]


class _Entrant:
    """One of the things compared: it stands for its masks, and keeps the last of them."""

    network: bool

    def __init__(self, masks: Masks, ready: Prepared, options: EvalOptions) -> None:
        self.masks, self.ready = masks, ready
        self.run = Run(ready.header, ready.dataset.labels, options)
        self.network, self.threads = masks.network, masks.threads
        self._warm = False
        self._last: Pixels | None = None
        side = len(ready.dataset.labels) + 1
        self._alike = np.zeros((side, side), np.int64)
        self._same = self._pixels = 0

    @property
    def labels(self) -> LabelSet:
        """As `Masks` has it."""
        return self.masks.labels

    @property
    def facts(self) -> Mapping[str, Any]:
        """As `Masks` has it."""
        return self.masks.facts

    def warm_up(self, height: int, width: int) -> None:
        """As `Masks` has it."""
        self.masks.warm_up(height, width)

    def get_ready(self, read: Pixels) -> None:
        """Warm up once, so that the first photo is as quick as others."""
        if not self._warm:
            self.warm_up(*read.shape[:2])
            self._warm = True

    def read(self, sample: Sample) -> Pixels:
        """As `Masks` has it."""
        return self.masks.read(sample)

    def find(self, read: Pixels, *, confident: bool) -> Found:
        """As `Masks` has it; the mask is kept."""
        found = self.masks.find(read, confident=confident)
        self._last = found.mask
        return found

    def translated(self) -> Pixels:
        """The last mask in the data set's classes; what is none of them has their number."""
        mask, table = self._last, self.ready.counting.table
        if mask is None:
            raise UsageError("no photo has been given yet")
        classes = self.ready.counting.classes
        return np.minimum(mask if table is None else np.frombuffer(table, np.uint8)[mask], classes).astype(np.uint8)

    def hold_against(self, first: Pixels) -> float:
        """Count where the last mask is that of the first; returns the share of the pixels where it is not."""
        own = self.translated()
        for row, column, pixels in pairs(first, own, min(len(self._alike), 255)):
            self._alike[row, column] += pixels
        same = int(np.count_nonzero(first == own))
        self._same += same
        self._pixels += own.size
        return 1.0 - same / own.size

    def agreement(self) -> Agreement:
        """How alike all masks so far are to the first one's."""
        right = np.diag(self._alike)
        union = self._alike.sum(0) + self._alike.sum(1) - right
        there = union > 0
        return Agreement(self._same / max(self._pixels, 1), float((right[there] / union[there]).mean()))

    def evaluation(self) -> Evaluation:
        """What its masks come to."""
        return self.run.evaluation(1, self.threads, self.ready.header["run"]["machine"])
