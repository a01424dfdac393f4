"""Segmentations from a mask file, in the place of those of a network: the same line makes the same pictures of them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from liveseg.contract import ModelContract
from liveseg.errors import UsageError
from liveseg.maskfile.masked import MaskedFrame
from liveseg.runtimes.base import available_cores
from liveseg.segmentation import Segmentation
from liveseg.segmenter import Inferred, Segmenter, parallel_for_video

if TYPE_CHECKING:
    from collections.abc import Mapping
    from fractions import Fraction

    from numpy.typing import NDArray

    from liveseg.labels import LabelSet
    from liveseg.media.frame import Frame

_NO_LOGITS = np.zeros((1, 1, 1), np.float32)


@dataclass(frozen=True, eq=False, kw_only=True)
class Remembered(Inferred):
    """A picture and the mask that it once got.

    Args:
        mask: `(H, W)` `uint8` class indices.
        confidence: `(H, W)` `uint8`, 255 times the probability of each pixel's class; `None` where it was not kept.
    """

    mask: NDArray[np.uint8]
    confidence: NDArray[np.uint8] | None = None


class _Kept:
    """What stands where a loaded network would: it knows the classes, and cannot run."""

    name = "masks"
    device = "cpu"

    def __init__(self, contract: ModelContract, precision: str) -> None:
        self.contract = contract
        self.precision = precision

    def __call__(self, images: NDArray[np.uint8]) -> NoReturn:
        raise UsageError(
            f"masks from a file know no other pictures, such as this of {images.shape[2]}x{images.shape[1]}"
        )


class Recalled(Segmenter):
    """Gives each frame of a `MaskedSource` the segmentation that it brings along; for `Pipeline`.

    Args:
        labels: what the class indices mean.
        ran: what made the masks, as far as it is known: `model`, `size`, `runtime`, `precision`.
        name: of the file that they come from.
        grid: rows and columns of the network's output, if known.
    """

    def __init__(
        self,
        labels: LabelSet,
        ran: Mapping[str, str | int],
        name: str,
        *,
        grid: tuple[int, int] | None = None,
    ) -> None:
        self._grid = grid
        self.threads = available_cores()
        self.parallel = parallel_for_video(self.threads)
        contract = ModelContract(str(ran.get("model", "unknown")), labels)
        size = ran.get("size")
        kept = _Kept(contract, str(ran.get("precision", "unknown")))
        self._adopt(kept, size if isinstance(size, int) else "native", tile="off")
        self.chosen = f"masks: read from {name}; no network ran"

    def infer_frame(self, frame: Frame) -> Inferred:
        """The mask that a frame of a `MaskedSource` brings along.

        Raises:
            UsageError: it brings none.
        """
        if not isinstance(frame, MaskedFrame):
            return self.infer(frame.image)
        return Remembered(
            image=frame.image,
            logits=_NO_LOGITS,
            align_corners=False,
            speed={},
            mask=frame.mask,
            confidence=frame.confidence,
        )

    def finish(self, inferred: Inferred, timestamp: Fraction | None = None) -> Segmentation:
        """The segmentation that `infer_frame` recalled; it has no logits.

        Raises:
            UsageError: `unknown` pixels are wanted, and the file has no confidences.
        """
        if not isinstance(inferred, Remembered):
            return super().finish(inferred, timestamp)
        found = Segmentation(
            image=inferred.image,
            mask=inferred.mask,
            labels=self.labels,
            logits=None,
            timestamp=timestamp,
            stored_confidence=inferred.confidence,
            stored_grid=self._grid,
        )
        if self.unknown is None:
            return found
        unsure = found.confidence_image() < math.ceil(self.unknown * 255)
        return replace(found, mask=np.where(unsure, np.uint8(len(self.labels) - 1), found.mask))

    def warm_up(self, width: int, height: int) -> None:
        """Do nothing: there is no network."""
        del width, height

    def device_line(self, table: NDArray[np.uint8]) -> None:
        """There is no device that draws."""
        del table
