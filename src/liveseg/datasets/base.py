"""What a set of labelled photos is, whatever files it lies in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from liveseg.errors import UsageError
from liveseg.media.images import read_image

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from liveseg.labels import LabelSet


@dataclass(frozen=True)
class Sample(ABC):
    """One photo and where its mask comes from; small, and fit to be sent to another process.

    Args:
        key: its name in the set, the same on every machine: the path below the folder of images, with `/` between
            folders and without the ending.
        image: the photo's file.
    """

    key: str
    image: Path

    def read_image(self) -> NDArray[np.uint8]:
        """The photo, `(H, W, 3)` `uint8` RGB, turned as its EXIF orientation says.

        Raises:
            MediaError: a file that is no image; its message names it.
        """
        return read_image(self.image)

    @abstractmethod
    def read_mask(self) -> NDArray[np.uint8]:
        """The true classes, `(H, W)` `uint8`: indices of the set's labels, 255 where no answer counts.

        Raises:
            DataError: a mask that is missing or makes no sense; its message names the file.
        """


@dataclass(frozen=True)
class Dataset:
    """Labelled photos and the classes of their masks.

    Args:
        name: what reports call it.
        layout: how its files lie, as `open_dataset` names it.
        root: the folder or file that it was opened from.
        labels: what the masks' indices stand for.
        samples: the photos, in a fixed order.
        notes: what was surprising while it was opened, a sentence each.
        strays: masks without a photo.
    """

    name: str
    layout: str
    root: Path
    labels: LabelSet
    samples: tuple[Sample, ...]
    notes: tuple[str, ...] = ()
    strays: tuple[Path, ...] = ()

    def __len__(self) -> int:
        return len(self.samples)

    def __iter__(self) -> Iterator[Sample]:
        return iter(self.samples)

    def subset(self, keys: Iterable[str]) -> Dataset:
        """Those photos only, in the order of this set.

        Raises:
            UsageError: a key that is not in the set.
        """
        wanted = set(keys)
        unknown = wanted - {sample.key for sample in self.samples}
        if unknown:
            raise UsageError(f"{self.name} has no photo {min(unknown)!r}")
        return replace(self, samples=tuple(sample for sample in self.samples if sample.key in wanted))

    def every(self, step: int) -> Dataset:
        """One photo of `step`, from the first on."""
        return replace(self, samples=self.samples[::step])

    def limit(self, count: int) -> Dataset:
        """The first `count` photos."""
        return replace(self, samples=self.samples[:count])
