"""Photos to learn from, by number: read once, made no larger than pieces of them need, and kept where memory allows."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from liveseg.errors import DataError
from liveseg.train.examples import Example, unlabelled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from liveseg.datasets import Sample
    from liveseg.train.examples import Pixels
    from liveseg.train.teacher import TeacherLogits

LARGEST = 1.5
"""How much larger than at scale 1 photos are kept; beyond, pieces are enlarged, which is rare and costs little."""

_SHARE, _USUAL_ROOM = 3, 2 << 30
"""Photos may take a third of the memory that is free, or 2 GiB where the system does not say how much that is."""


class Photos:
    """Labelled photos first, then those without masks; called with a number, gives the `Example`.

    Calls may come from several threads at once. What does not fit into memory any more is read each time.

    Args:
        samples: the labelled photos.
        others: photos without masks.
        side: the shorter side of a photo at scale 1, in pixels.
        teacher: a teacher's logits for the same classes.
        room: bytes that photos may take.

    Raises:
        DataError: nothing says anything about some photo without a mask.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        others: Sequence[Path] = (),
        *,
        side: int,
        teacher: TeacherLogits | None = None,
        room: int | None = None,
    ) -> None:
        self._samples = tuple(samples)
        self._others = tuple(others)
        self._side = side
        self._teacher = teacher
        self._room = free_memory() // _SHARE if room is None else room
        self._keys = [self._key(index) for index in range(len(self))]
        untaught = next((photo for photo, key in zip(others, self._keys[len(samples) :], strict=True) if not key), None)
        if untaught is not None:
            raise DataError(f"{untaught} has neither a mask nor a teacher's logits; leave it out")
        self._forget()

    def __len__(self) -> int:
        return len(self._samples) + len(self._others)

    @property
    def labelled(self) -> int:
        """How many have masks; they come first."""
        return len(self._samples)

    def __call__(self, index: int) -> Example:
        """The photo of a number.

        Raises:
            MediaError: a photo that cannot be read.
            DataError: a mask or a teacher's logits that cannot be read, or a mask of another size than its photo.
        """
        kept = self._kept.get(index)
        if kept is not None:
            return kept
        example = self._read(index)
        size = example.image.nbytes + example.mask.nbytes + (0 if example.teacher is None else example.teacher.nbytes)
        with self._lock:
            # What came first stays: whichever photo leaves for another, the next pass would want it as much.
            if self._used + size <= self._room and index not in self._kept:
                self._used += size
                self._kept[index] = example
        return example

    def _read(self, index: int) -> Example:
        key = self._keys[index]
        teacher = self._teacher[key] if self._teacher is not None and key is not None else None
        if index >= len(self._samples):
            from liveseg.media.images import read_image

            return unlabelled(shrunk(read_image(self._others[index - len(self._samples)]), self._largest), teacher)
        image, mask = read_labelled(self._samples[index])
        return Example(shrunk(image, self._largest), shrunk(mask, self._largest), teacher)

    @property
    def _largest(self) -> int:
        return round(LARGEST * self._side)

    def _key(self, index: int) -> str | None:
        """What the teacher calls a photo; `None` where it says nothing about it."""
        if self._teacher is None:
            return None
        if index >= len(self._samples):
            return self._teacher.key_of(self._others[index - len(self._samples)])
        # By its key alone: by its path it might be taken for a photo of another folder of the same name.
        key = self._samples[index].key
        return key if key in self._teacher else None

    def _forget(self) -> None:
        self._kept: dict[int, Example] = {}
        self._used = 0
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("_kept", "_used", "_lock")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._forget()


def read_labelled(sample: Sample) -> tuple[Pixels, Pixels]:
    """A photo `(H, W, 3)` and its mask `(H, W)`.

    Raises:
        MediaError: the photo cannot be read.
        DataError: the mask cannot be read, or is of another size.
    """
    image, mask = sample.read_image(), sample.read_mask()
    if image.shape[:2] != mask.shape:
        sizes = " and ".join(f"{size[1]}x{size[0]}" for size in (image.shape, mask.shape))
        raise DataError(f"the photo {sample.key} and its mask have different sizes: {sizes}")
    return image, mask


def shrunk(pixels: Pixels, shorter: int) -> Pixels:
    """A photo `(H, W, 3)` or a mask `(H, W)`, brought to a shorter side of at most `shorter`."""
    scale = shorter / min(pixels.shape[:2])
    if scale >= 1:
        return pixels
    size = round(pixels.shape[1] * scale), round(pixels.shape[0] * scale)
    method = cv2.INTER_AREA if pixels.ndim == 3 else cv2.INTER_NEAREST_EXACT
    return np.asarray(cv2.resize(pixels, size, interpolation=method), np.uint8)


def free_memory() -> int:
    """Bytes of memory that are free or can be freed, as far as the system says; 6 GiB if not."""
    status = Path("/proc/meminfo")
    if status.exists():
        for line in status.read_text(encoding="utf-8").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return _USUAL_ROOM * _SHARE


def class_pixels(mask: NDArray[np.uint8], classes: int) -> NDArray[np.int64]:
    """How many pixels of a mask each class has, `(classes,)`."""
    return np.bincount(mask.ravel(), minlength=256)[:classes].astype(np.int64)
