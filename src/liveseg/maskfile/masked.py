"""A source whose frames bring their masks along: frames and masks that belong together, told by their times."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from liveseg.errors import MediaError
from liveseg.media.frame import Frame, Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from fractions import Fraction

    import numpy as np
    from numpy.typing import NDArray

    from liveseg.maskfile.reader import StoredMask


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskedFrame(Frame):
    """A frame and its mask.

    Args:
        mask: `(H, W)` `uint8` class indices.
        confidence: `(H, W)` `uint8`, 255 times the probability of each pixel's class; `None` where unknown.
    """

    mask: NDArray[np.uint8]
    confidence: NDArray[np.uint8] | None = None


class MaskedSource(Source):
    """The frames of a source that have a mask, each with its own; those without are left out, and counted in a note.

    A mask is never shown on another frame than its own: it would be beside what moved meanwhile.

    Args:
        source: closed with this one.
        masks: begins to give the masks, in the order of their times.
        name: of where they come from, for messages.
        rate: masks a second, on average; `None` where unknown.
        count: how many masks there are; `None` where unknown.
    """

    def __init__(
        self,
        source: Source,
        masks: Callable[[], Iterable[StoredMask]],
        name: str,
        *,
        rate: Fraction | None = None,
        count: int | None = None,
    ) -> None:
        self._source = source
        self._masks = masks
        self._name = name
        self.notes = source.notes
        rates = [known for known in (rate, source.info.rate) if known]
        counts = [known for known in (count, source.info.frame_count) if known is not None]
        self.info = replace(
            source.info, rate=min(rates, default=None), frame_count=min(counts, default=None), live=False
        )

    def __iter__(self) -> Iterator[Frame]:
        masks = iter(self._masks())
        stored = next(masks, None)
        left_out = given = 0
        for frame in self._source:
            while stored is not None and stored.timestamp < frame.timestamp:
                stored = next(masks, None)
            if stored is None:
                self.notes.append(f"the masks end at {float(frame.timestamp):.2f} s; what comes after is left out")
                break
            if stored.timestamp > frame.timestamp:
                left_out += 1
                continue
            if stored.mask.shape != frame.image.shape[:2]:
                sizes = ["{1}x{0}".format(*shape) for shape in (stored.mask.shape, frame.image.shape)]
                raise MediaError(f"the masks of {self._name} are {sizes[0]}, but {self.info.name} is {sizes[1]}")
            given += 1
            yield MaskedFrame(
                frame.image,
                frame.index,
                frame.pts,
                frame.time_base,
                mask=stored.mask,
                confidence=stored.confidence,
            )
        if not given:
            raise MediaError(
                f"no frame of {self.info.name} has a mask in {self._name}, of those that were asked for; see by liveseg"
                " info which times it holds"
            )
        if left_out:
            self.notes.append(f"frames without a mask, left out: {left_out}")

    def end(self) -> None:
        """Ask the source to end soon; from any thread."""
        self._source.end()

    def close(self) -> None:
        """Release the source; may be called twice."""
        self._source.close()
