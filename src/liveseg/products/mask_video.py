"""The masks of a video as a mask file, which `liveseg render` makes everything else from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liveseg.maskfile.writer import MaskWriter
from liveseg.products.base import Product

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from liveseg.labels import LabelSet
    from liveseg.maskfile.identity import Identity
    from liveseg.media.frame import SourceInfo
    from liveseg.pipeline import Result
    from liveseg.segmentation import Segmentation


class MaskVideo(Product):
    """A mask file; see `MaskWriter` for what it takes and raises.

    Args:
        path: the file.
        info: the source's.
        labels: names and colours of the classes.
        identity: what the masks are made from.
        ran: what makes them.
        confidence: whether the confidence of each pixel goes along.
        overwrite: whether a file of that name may be replaced.
    """

    def __init__(
        self,
        path: Path,
        info: SourceInfo,
        labels: LabelSet,
        identity: Identity,
        *,
        ran: Mapping[str, str | int],
        confidence: bool,
        overwrite: bool,
    ) -> None:
        super().__init__(path)
        self._confidence = confidence
        self._writer = MaskWriter(
            path, labels, info, identity=identity, confidence=confidence, ran=ran, overwrite=overwrite
        )
        self.notes = self._writer.notes

    def prepare(self, found: Segmentation) -> NDArray[np.uint8] | None:
        """The confidence, where it is wanted."""
        return found.confidence_image() if self._confidence else None

    def write(self, result: Result, prepared: NDArray[np.uint8] | None) -> None:
        """Append the mask of a frame."""
        found = result.segmentation
        self._writer.write(result.frame, found.mask, prepared, grid=found.grid)

    def commit(self) -> None:
        """Finish the file and give it its final name."""
        self._writer.commit()

    def abort(self) -> None:
        """Give up: neither the file nor its partial one remains."""
        self._writer.abort()
