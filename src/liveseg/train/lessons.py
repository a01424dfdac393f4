"""What a student learns from a teacher: photos without masks, what the teacher says of them, and labelled photos."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from liveseg.datasets.check import inspect
from liveseg.datasets.check_copies import same_pixels
from liveseg.errors import DataError, UsageError
from liveseg.pages.text import count
from liveseg.runtimes.base import available_cores
from liveseg.train.facts import facts_of
from liveseg.train.prepare import Prepared, divide

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from liveseg.datasets import Dataset
    from liveseg.train.run_folder import RunFolder

    Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Lessons:
    """Photos that are fit to learn from.

    Args:
        labelled: photos with masks to learn from, none where there are no such, and photos to measure on.
        photos: photos without masks to learn from.
    """

    labelled: Prepared
    photos: Dataset

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files of the photos without masks."""
        return tuple(sample.image for sample in self.photos)

    def write(self, folder: RunFolder) -> None:
        """Keep it in a run's folder, for whoever wants to know, and for going on."""
        self.labelled.write(folder)
        kept = folder.read_json(folder.data)
        kept["keys"]["unlabelled"] = [sample.key for sample in self.photos]
        folder.write_json(folder.data, kept)


def with_labelled(photos: Dataset, labelled: Prepared, teacher: str, *, progress: Progress | None = None) -> Lessons:
    """Photos to learn from beside labelled ones; those that are one of the labelled photos are left out.

    Otherwise what is measured on would have been seen, and what has a mask would be learned without it as well.

    Args:
        photos: what a teacher says of them are their masks.
        labelled: photos with masks, looked through and divided.
        teacher: in words.
        progress: is told how many photos have been looked at, and of how many.

    Raises:
        DataError: no photo is left.
    """
    seen = inspect(photos, labelled.train, labelled.validation, progress=progress, workers=available_cores())
    own = {sample.image for sample in photos}
    places = (*seen.alike, *same_pixels(seen.photos))
    groups = [{seen.photos[place].sample.image for place in group} for group in places]
    out = {path for group in groups if not own.issuperset(group) for path in group}
    out |= {sample.image for part in (labelled.train, labelled.validation) for sample in part}
    out |= {one.sample.image for one in seen.photos if one.pixels is None}
    left = photos.subset(sample.key for sample in photos if sample.image not in out)
    if not len(left):
        raise DataError(f"all photos of {photos.name} are among the labelled ones; add others, or use liveseg train")
    remarks = labelled.facts.remarks
    if len(left) < len(photos):
        fewer = count(len(photos) - len(left), "photo")
        remarks = (*remarks, f"{fewer} of {photos.name} are among the labelled ones, or like them, and were left out.")
    facts = replace(labelled.facts, unlabelled=len(left), teacher=teacher, remarks=remarks)
    return Lessons(replace(labelled, facts=facts), left)


def without_labelled(
    photos: Dataset, teacher: str, *, share: float, seed: int, progress: Progress | None = None
) -> Lessons:
    """Photos to learn from, and a share of them to measure on against what the teacher says of them.

    Args:
        photos: what a teacher says of them are their masks.
        teacher: in words.
        share: of the photos that is kept to measure on; 0 for none.
        seed: of the division.
        progress: is told how many photos have been looked at, and of how many.

    Raises:
        UsageError: too few photos.
    """
    seen = inspect(photos, progress=progress, workers=available_cores())
    pixels = {one.sample.image: one.pixels for one in seen.photos if one.pixels is not None}
    sound = photos.subset(sample.key for sample in photos if sample.image in pixels)
    learned, measured = divide(sound, share, seed, seen) if share else (sound, sound.limit(0))
    facts = facts_of(
        learned,
        measured,
        lambda sample: pixels[sample.image],
        split="Classes and pixels are those that the teacher sees.",
        remarks=photos.notes,
    )
    facts = replace(facts, train=0, unlabelled=len(learned), teacher=teacher)
    return Lessons(Prepared(learned.limit(0), measured, facts), learned)


def lessons_before(photos: Dataset, labelled: Prepared, keys: Sequence[str]) -> Lessons:
    """What a run that is gone on with began with.

    Args:
        photos: as they are now.
        labelled: the labelled photos, and those to measure on, that it began with.
        keys: of the photos without masks that it began with.

    Raises:
        UsageError: some of them are gone.
    """
    gone = set(keys) - {sample.key for sample in photos}
    if gone:
        raise UsageError(
            f"{photos.name} has lost {count(len(gone), 'photo')} since the run began, such as {min(gone)!r}; put them"
            " back, or train anew with --overwrite"
        )
    return Lessons(labelled, photos.subset(keys))
