"""From a data set to what training takes: photos to learn from and photos to measure on, looked through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from liveseg.datasets import find_splits, map_to, open_dataset, split_dataset
from liveseg.datasets.check import inspect
from liveseg.errors import DataError, SourceNotFoundError, UsageError
from liveseg.pages.text import count
from liveseg.runtimes.base import available_cores
from liveseg.train.facts import DataFacts, facts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from liveseg.datasets import Dataset
    from liveseg.datasets.check import Inspection, Problem
    from liveseg.settings.data import DataSettings
    from liveseg.train.run_folder import RunFolder

_FEW, _TRIES = 1000, 12
"""Photos of which the share for measuring is not left to chance, and how often another one is tried for that."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """Photos that are fit to train on.

    Args:
        train: to learn from.
        validation: to measure on; may be empty.
        facts: what is known of both.
    """

    train: Dataset
    validation: Dataset
    facts: DataFacts

    def write(self, folder: RunFolder) -> None:
        """Keep it in a run's folder, for whoever wants to know, and for going on."""
        keys = {
            name: [sample.key for sample in part]
            for name, part in (("train", self.train), ("validation", self.validation))
        }
        folder.write_json(folder.data, {"facts": self.facts.to_json(), "keys": keys})


def prepare(
    path: Path,
    settings: DataSettings,
    *,
    share: float,
    seed: int,
    found: Callable[[Sequence[Problem]], None] = lambda _problems: None,
    progress: Callable[[int, int], None] | None = None,
) -> Prepared:
    """Open a data set, look it through and divide it.

    Photos that look alike stay on one side, or what was learned by heart would be measured as if it were understood.

    Args:
        path: of the data set.
        settings: how its files lie.
        share: of the photos that is kept to measure on, where the data set does not say which; 0 for none.
        seed: of the division.
        found: called once with what is wrong, errors first.
        progress: is told how many photos have been looked at, and of how many.

    Raises:
        DataError: photos or masks that cannot be learned from, all of which `found` was told; or too few photos.
        LivesegError: a data set that cannot be opened.
    """
    train, validation = _parts(path, settings)
    if not len(train):
        raise DataError(f"{path} has no photos to learn from")
    notes = dict.fromkeys([*train.notes, *(() if validation is None else validation.notes)])
    others = () if validation is None else (validation,)
    seen = inspect(train, *others, progress=progress, workers=available_cores())
    problems = seen.problems
    if validation is not None:
        split = f"The data set itself keeps {count(len(validation), 'photo')} to measure on."
        problems = problems + seen.between(train, validation)
    elif not any(one.severity == "error" for one in problems):
        train, validation, split = _divided(train, share, seed, seen)
        problems = problems + seen.between(train, validation) if len(validation) else problems
    found(sorted(problems, key=lambda one: one.severity != "error"))
    errors = [one for one in problems if one.severity == "error"]
    if errors or validation is None:
        raise DataError(f"{path} has {count(len(errors), 'error')} that would spoil the training; put them right first")
    pixels = {one.sample.image: one.pixels for one in seen.photos if one.pixels is not None}
    remarks = [*notes, *in_short(problems)]
    facts = facts_of(train, validation, lambda sample: pixels[sample.image], split=split, remarks=remarks)
    return Prepared(train, validation, facts)


def in_short(problems: Sequence[Problem], each: int = 3) -> list[str]:
    """Problems as sentences; of many of one kind the first ones, and how many more there are."""
    kinds: dict[str, list[Problem]] = {}
    for one in problems:
        kinds.setdefault(one.kind, []).append(one)
    lines = []
    for own in kinds.values():
        lines += [f"{one.message}; {one.remedy}" for one in own[:each]]
        if len(own) > each:
            lines.append(f"and {len(own) - each:,} more of this kind")
    return lines


def _divided(dataset: Dataset, share: float, seed: int, seen: Inspection) -> tuple[Dataset, Dataset, str]:
    if share == 0:
        return dataset, dataset.limit(0), "None were kept to measure on."
    if len(dataset) == 1:
        raise DataError(f"{dataset.root} has one photo, and none to measure on; add photos, or give --validation 0")
    train, validation = divide(dataset, share, seed, seen)
    split = f"About {share:.0%} of the photos were drawn to measure on; those that look alike stay together."
    return train, validation, split


def divide(dataset: Dataset, share: float, seed: int, seen: Inspection) -> tuple[Dataset, Dataset]:
    """The division whose share is nearest to the one that was asked for.

    Each photo is drawn by itself, so of few photos many more or fewer may come out; then another share is halved in on.
    """
    groups, classes, wanted = seen.groups, seen.classes_in, share * len(dataset)
    low, high = 0.0, 1.0
    best = drawn = split_dataset(dataset, share, seed, groups, classes)
    for _ in range(_TRIES if len(dataset) < _FEW else 0):
        low, high = (low, share) if len(drawn[1]) > wanted else (share, high)
        share = (low + high) / 2
        drawn = split_dataset(dataset, share, seed, groups, classes)
        best = min(best, drawn, key=lambda parts: abs(len(parts[1]) - wanted))
    return best


def prepared_before(path: Path, settings: DataSettings, folder: RunFolder) -> Prepared:
    """What a run that is gone on with began with: the same photos on the same sides.

    Raises:
        UsageError: photos of it are gone.
        SourceNotFoundError: it was stopped before its photos were divided.
        WeightsError: the run's folder is damaged.
    """
    if not folder.data.is_file():
        raise SourceNotFoundError(f"the run in {folder.path} had not begun yet; leave out --resume to begin it")
    stored = folder.read_json(folder.data)
    train, validation = _parts(path, settings)
    measured = _kept(train if validation is None else validation, stored["keys"]["validation"])
    return Prepared(_kept(train, stored["keys"]["train"]), measured, DataFacts.from_json(stored["facts"]))


def _parts(path: Path, settings: DataSettings) -> tuple[Dataset, Dataset | None]:
    """The photos to learn from, and those to measure on where the data set says which."""
    chosen = settings.for_data
    if chosen["split"] is not None:
        return open_dataset(path, **chosen), None
    there = find_splits(path, **{name: chosen[name] for name in ("layout", "images", "masks")})
    kept = next((name for name in ("val", "test") if name in there), None)
    if "train" not in there:
        return open_dataset(path, **chosen), None
    train = open_dataset(path, **(chosen | {"split": "train"}))
    if kept is None:
        return train, None
    return train, map_to(open_dataset(path, **(chosen | {"split": kept})), train.labels)


def _kept(dataset: Dataset, keys: list[str]) -> Dataset:
    gone = set(keys) - {sample.key for sample in dataset}
    if gone:
        raise UsageError(
            f"{dataset.name} has lost {len(gone)} photos since the run began, such as {min(gone)!r}; put them back, or"
            " train anew with --overwrite"
        )
    return dataset.subset(keys)
