"""The parity gate: how a network's results in one runtime compare with those in another, on pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from liveseg.errors import ParityError, UsageError
from liveseg.postprocess import upsampled_argmax
from liveseg.preprocess import input_size, resize

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from liveseg.contract import ModelContract
    from liveseg.preprocess import Size
    from liveseg.runtimes.base import Runtime


class Picture(NamedTuple):
    """A picture to compare results on: `(H, W, 3)` `uint8` RGB, and its true mask, `(H, W)` `uint8`, if known.

    In a mask, an index beyond the network's classes, such as 255, says that the pixel does not count.
    """

    image: NDArray[np.uint8]
    truth: NDArray[np.uint8] | None = None


class Pictures(Protocol):
    """Pictures that can be counted and gone through several times, such as a list, or files read one by one."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Picture]: ...


@dataclass(frozen=True)
class Limits:
    """How far results may differ.

    Args:
        agreement: the least share of pixels with the same class.
        difference: the largest difference of a logit, as a share of the largest logit; `None` for any.
    """

    agreement: float
    difference: float | None = None


FLOAT = Limits(agreement=0.999, difference=1e-3)
"""Float arithmetic in another order differs by about 1e-6 of the largest logit; a wrong graph by far more."""

INT8 = Limits(agreement=0.97)
"""A logit of an int8 network differs by up to a third of the largest, where neither changes the winner."""


@dataclass(frozen=True)
class Parity:
    """How a candidate compares with its reference.

    Args:
        pictures: on how many pictures.
        agreement: share of all their pixels with the same class, at the pictures' own sizes.
        worst: the same of the picture where it is lowest.
        difference: the largest difference of a logit, as a share of the picture's largest logit.
        mask_miou: mean over classes of intersection over union, between the candidate's masks and the reference's.
        reference_miou: the same between the reference's masks and the true ones; `None` without those.
        miou: the same between the candidate's masks and the true ones.
    """

    pictures: int
    agreement: float
    worst: float
    difference: float
    mask_miou: float
    reference_miou: float | None = None
    miou: float | None = None

    def within(self, limits: Limits) -> bool:
        """Whether it keeps the limits."""
        far = limits.difference is not None and self.difference > limits.difference
        return self.agreement >= limits.agreement and not far

    def to_json(self) -> dict[str, Any]:
        """As a record; the change in mIoU is `None` where no true masks were given."""
        change = None if self.miou is None or self.reference_miou is None else self.miou - self.reference_miou
        return {
            "pictures": self.pictures,
            "pixel_agreement": self.agreement,
            "worst_picture": self.worst,
            "largest_logit_difference": self.difference,
            "miou_between_masks": self.mask_miou,
            "reference_miou": self.reference_miou,
            "miou": self.miou,
            "miou_change": change,
        }


def compare(
    reference: Runtime,
    candidates: Sequence[Runtime],
    pictures: Pictures,
    *,
    size: Size,
    contract: ModelContract | None = None,
) -> list[Parity]:
    """Compare runtimes with a reference, which answers each picture once for all of them.

    Args:
        reference: what counts as right.
        candidates: what is held to it.
        pictures: of any sizes.
        size: shorter side of the network's input in pixels, or `native`.
        contract: how pictures are fed; as the reference's contract says, by default.

    Returns:
        One result a candidate.

    Raises:
        UsageError: no pictures.
        ParityError: logits of another shape than the reference's.
        WeightsError: logits that are not finite.
    """
    if not len(pictures):
        raise UsageError("a comparison needs at least one picture")
    contract = contract or reference.contract
    tallies = [_Tally(len(contract.labels)) for _ in candidates]
    for picture in pictures:
        height, width = picture.image.shape[:2]
        pixels = resize(picture.image, *input_size(height, width, size, contract))[None]
        wanted = reference(pixels)[0]
        mask = upsampled_argmax(wanted, height, width, align_corners=reference.contract.align_corners)
        for candidate, tally in zip(candidates, tallies, strict=True):
            got = candidate(pixels)[0]
            if got.shape != wanted.shape:
                raise ParityError(
                    f"the {candidate.name} runtime gives logits of shape {got.shape} where {reference.name} gives"
                    f" {wanted.shape}; nothing was written"
                )
            # Its own contract, since that is what its user's masks will be made by.
            align = candidate.contract.align_corners
            tally.add(wanted, got, mask, upsampled_argmax(got, height, width, align_corners=align), picture.truth)
    return [tally.result() for tally in tallies]


class _Tally:
    """What is counted of one candidate while the pictures pass."""

    def __init__(self, classes: int) -> None:
        self.shares: list[float] = []
        self._differences: list[float] = []
        self._equal = self._pixels = 0
        self._masks, self._reference, self._candidate = (np.zeros((classes, classes), np.int64) for _ in range(3))
        self._has_truth = False

    def add(
        self,
        wanted: NDArray[np.float32],
        got: NDArray[np.float32],
        mask: NDArray[np.uint8],
        own_mask: NDArray[np.uint8],
        truth: NDArray[np.uint8] | None,
    ) -> None:
        self._differences.append(float(np.abs(wanted - got).max() / max(float(np.abs(wanted).max()), 1e-12)))
        equal = int((mask == own_mask).sum())
        self.shares.append(equal / mask.size)
        self._equal += equal
        self._pixels += mask.size
        self._masks += _confusion(mask, own_mask, len(self._masks))
        if truth is not None:
            self._has_truth = True
            self._reference += _confusion(truth, mask, len(self._masks))
            self._candidate += _confusion(truth, own_mask, len(self._masks))

    def result(self) -> Parity:
        return Parity(
            pictures=len(self.shares),
            agreement=self._equal / self._pixels,
            worst=min(self.shares),
            difference=max(self._differences),
            mask_miou=_miou(self._masks),
            reference_miou=_miou(self._reference) if self._has_truth else None,
            miou=_miou(self._candidate) if self._has_truth else None,
        )


def _confusion(rows: NDArray[np.uint8], columns: NDArray[np.uint8], classes: int) -> NDArray[np.int64]:
    """`(classes, classes)` counts of pixels by their class in `rows`, where that is one, and in `columns`."""
    known = rows < classes
    joint = rows[known].astype(np.int64) * classes + columns[known]
    return np.bincount(joint, minlength=classes * classes).reshape(classes, classes).astype(np.int64)


def _miou(confusion: NDArray[np.int64]) -> float:
    """The mean over the classes that either side has, as in torchvision's segmentation reference."""
    hit = np.diag(confusion)
    union = confusion.sum(axis=0) + confusion.sum(axis=1) - hit
    seen = union > 0
    return float((hit[seen] / union[seen]).mean()) if seen.any() else 0.0
