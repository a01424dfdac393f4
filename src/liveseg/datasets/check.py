"""Bad data is named before anything is learned from it or measured on it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from liveseg.datasets.check_classes import count_classes, one_sided_classes, uneven_classes
from liveseg.datasets.check_copies import leaks, repeated, same_pixels
from liveseg.datasets.check_photo import examine
from liveseg.datasets.check_problem import KINDS, Problem, problem
from liveseg.datasets.duplicates import same_pictures

if TYPE_CHECKING:
    from collections.abc import Iterable

    from liveseg.datasets.base import Dataset, Sample
    from liveseg.datasets.check_classes import ClassCount
    from liveseg.datasets.check_photo import Seen
    from liveseg.datasets.duplicates import Progress

__all__ = ["Inspection", "Problem", "find_problems", "inspect", "ordered"]


def find_problems(
    dataset: Dataset,
    *,
    train: Dataset | None = None,
    validation: Dataset | None = None,
    progress: Progress | None = None,
    workers: int = 1,
) -> list[Problem]:
    """What is wrong with a set of labelled photos; errors come first.

    Args:
        dataset: the photos.
        train: those to be learned from, where they are known.
        validation: those to be judged by, likewise; then leaks between both are looked for. They may be parts of
            `dataset` or other photos.
        progress: is told how many photos have been read, and of how many.
        workers: how many photos are read at the same time.
    """
    others = [part for part in (train, validation) if part is not None]
    found = inspect(dataset, *others, progress=progress, workers=workers)
    if train is None or validation is None:
        return found.problems
    return ordered([*found.problems, *found.between(train, validation)])


def inspect(dataset: Dataset, *others: Dataset, progress: Progress | None = None, workers: int = 1) -> Inspection:
    """Read all photos and masks, one after the other, and tell what they are; 3 kB of each are kept.

    Args:
        dataset: the photos.
        others: more photos, with the same classes, as far as they are not among them.
        progress: is told how many photos have been read, and of how many.
        workers: how many photos are read at the same time.
    """
    samples: list[Sample] = []
    for part in (dataset, *others):
        known = {sample.image for sample in samples}
        # Within one part a photo may be there twice, under two names, each with a mask of its own.
        samples += [sample for sample in part if sample.image not in known]
    seen = []
    with ThreadPoolExecutor(workers) as pool:
        for done in pool.map(lambda sample: examine(sample, len(dataset.labels)), samples):
            seen.append(done)
            if progress is not None:
                progress(len(seen), len(samples))
    small = np.array([one.small for one in seen if one.small is not None])
    place = [index for index, one in enumerate(seen) if one.small is not None]
    alike = same_pictures(small, workers=workers) if len(small) else []
    return Inspection((dataset, *others), tuple(seen), tuple(tuple(place[index] for index in group) for group in alike))


@dataclass(frozen=True)
class Inspection:
    """What all photos of a set are.

    Args:
        parts: the set, and what else was looked at.
        photos: what is known of each.
        alike: the places of those that are the same picture, in groups.
    """

    parts: tuple[Dataset, ...]
    photos: tuple[Seen, ...]
    alike: tuple[tuple[int, ...], ...]

    @cached_property
    def problems(self) -> list[Problem]:
        """What is wrong with them, without the question of training and validation; errors come first."""
        dataset = self.parts[0]
        found = [own for seen in self.photos for own in seen.problems]
        strays = dict.fromkeys(stray for part in self.parts for stray in part.strays)
        found += [problem("no-photo", stray, f"the mask {stray} has no photo") for stray in strays]
        ignored = sum(seen.ignored for seen in self.photos)
        found += uneven_classes(self.classes, ignored, dataset.labels, dataset.root)
        found += repeated(self.photos, self._exact, self.alike)
        return ordered(found)

    @cached_property
    def classes(self) -> tuple[ClassCount, ...]:
        """How often each class occurs."""
        return count_classes(self.photos, self.parts[0].labels)

    @property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        """The keys of the photos that are the same picture, in groups, as `split_dataset` takes them."""
        both = (*self.alike, *self._exact)
        return tuple(tuple(self.photos[index].sample.key for index in group) for group in both)

    @property
    def classes_in(self) -> dict[str, tuple[int, ...]]:
        """The classes in each mask that could be read, by the photo's key, as `split_dataset` takes them."""
        return {
            seen.sample.key: tuple(int(index) for index in np.flatnonzero(seen.pixels))
            for seen in self.photos
            if seen.pixels is not None
        }

    def between(self, train: Dataset, validation: Dataset) -> list[Problem]:
        """What is wrong with training on some of the photos and judging by others."""
        place = {seen.sample.image: index for index, seen in enumerate(self.photos)}
        sides = [[place[sample.image] for sample in part] for part in (train, validation)]
        where = validation.root
        if train.labels.names != validation.labels.names:
            return [problem("other-classes", where, f"{train.name} and {validation.name} have other classes")]
        learned, judged = ([self.photos[index] for index in side] for side in sides)
        found = [*leaks(self.photos, set(sides[0]), set(sides[1]), self._exact, self.alike)]
        known = [seen.pixels for seen in judged if seen.pixels is not None]
        if known and not any(pixels.any() for pixels in known):
            found.append(problem("nothing-to-measure", where, f"all masks to measure on in {where} are ignored (255)"))
        found += one_sided_classes(learned, judged, train.labels, where)
        return ordered(found)

    @cached_property
    def _exact(self) -> list[tuple[int, ...]]:
        return same_pixels(self.photos)


def ordered(problems: Iterable[Problem]) -> list[Problem]:
    """Errors first, and what is of one kind together."""
    return sorted(problems, key=lambda one: (one.severity != "error", list(KINDS).index(one.kind)))
