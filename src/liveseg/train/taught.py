"""Photos without masks as a data set: their masks are what a teacher says, for measuring how well a student listens."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from liveseg.datasets.base import Dataset, Sample
from liveseg.postprocess import upsampled_argmax
from liveseg.train.teacher import TeacherLogits

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from liveseg.labels import LabelSet

NOTE = "there are no masks: the scores say how far the model agrees with its teacher, not how right either is"


@dataclass(frozen=True)
class TaughtSample(Sample):
    """A photo whose mask is what a teacher says.

    Args:
        logits: the file of the teacher's logits.
        labels: the classes that they are led to.
        teacher_key: the photo's key there.
    """

    logits: Path
    labels: LabelSet
    teacher_key: str

    def read_mask(self) -> NDArray[np.uint8]:
        """The class that the teacher finds likeliest at each pixel of the photo."""
        height, width = self.read_image().shape[:2]
        said = _opened(self.logits, self.labels)[self.teacher_key].astype(np.float32)
        return upsampled_argmax(said, height, width, align_corners=False)


def taught(name: str, root: Path, photos: Mapping[str, Path], teacher: TeacherLogits) -> Dataset:
    """Photos with what a teacher says of them as their masks.

    Args:
        name: what reports call them.
        root: the folder that they come from.
        photos: the photos by their keys; those of which the teacher says nothing are left out.
        teacher: its classes are the data set's.
    """
    known = ((key, path, teacher.key_of(path)) for key, path in photos.items())
    samples = tuple(
        TaughtSample(key, path, teacher.path, teacher.labels, found) for key, path, found in known if found is not None
    )
    return Dataset(name, "teacher", root, teacher.labels, samples, (NOTE,))


@lru_cache(maxsize=4)
def _opened(path: Path, labels: LabelSet) -> TeacherLogits:
    # By its path, so that a sample stays small: an index of many photos would travel with each.
    return TeacherLogits.open(path).for_labels(labels)
