"""What is kept of one image: small counts, from which every score of a set is made."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from liveseg.evaluate import boundary, calibration, confusion

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from liveseg.evaluate.boundary import Edge
    from liveseg.evaluate.calibration import Bin
    from liveseg.evaluate.confusion import Pair


@dataclass(frozen=True)
class ImageCounts:
    """What was counted on one image.

    Args:
        key: of the sample.
        pairs: see `confusion.pairs`.
        edges: see `boundary.edges`; empty where they were not asked for.
        bins: see `calibration.bins`; empty where there are no confidences.
        speed: milliseconds by stage.
        bad: why it could not be read, so that nothing was counted; empty where it could.
    """

    key: str
    pairs: tuple[Pair, ...] = ()
    edges: tuple[Edge, ...] = ()
    bins: tuple[Bin, ...] = ()
    speed: Mapping[str, float] = field(default_factory=dict)
    bad: str = ""

    def to_line(self, seconds: float) -> str:
        """The counts as a line of JSON.

        Args:
            seconds: wall time since the image before.
        """
        record: dict[str, Any] = {"key": self.key, "seconds": round(seconds, 6)}
        if self.bad:
            record["bad"] = self.bad
        else:
            record["speed"] = {name: round(spent, 4) for name, spent in self.speed.items()}
            record |= {"pairs": self.pairs, "edges": self.edges, "bins": self.bins}
        return json.dumps(record, separators=(",", ":"), ensure_ascii=False)

    @classmethod
    def from_line(cls, line: str) -> tuple[ImageCounts, float]:
        """Read what `to_line` made: the counts and the seconds.

        Raises:
            ValueError: a line of another form.
        """
        try:
            record = json.loads(line)
            seconds = float(record.pop("seconds"))
            for name in ("pairs", "edges", "bins"):
                record[name] = tuple(tuple(int(number) for number in each) for each in record.get(name, ()))
            return cls(**record), seconds
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(str(error)) from error

    def check(self, classes: int) -> None:
        """See that the counts are such as a set of so many classes has.

        Raises:
            ValueError: they are not.
        """
        kinds = ((self.pairs, 3, classes), (self.edges, 5, classes), (self.bins, 4, calibration.BINS))
        for rows, length, below in kinds:
            for row in rows:
                if len(row) != length or min(row) < 0 or row[0] >= below:
                    raise ValueError(f"{row} counts nothing")
        if any(column > classes for _, column, _ in self.pairs):
            raise ValueError(f"there are only {classes} classes")


def count(
    key: str,
    truth: NDArray[np.uint8],
    found: NDArray[np.uint8],
    classes: int,
    confidence: NDArray[np.float32] | None = None,
    *,
    edges: bool = True,
    speed: Mapping[str, float] | None = None,
) -> ImageCounts:
    """Count one image.

    Args:
        key: of the sample.
        truth: `(H, W)` `uint8`; what is not below `classes` is ignored.
        found: `(H, W)` `uint8`; what is not below `classes` is wrong.
        classes: how many there are, at most 255.
        confidence: `(H, W)` `float32` in [0, 1], the probability of `found`.
        edges: whether boundaries are looked at.
        speed: milliseconds by stage.
    """
    return ImageCounts(
        key,
        confusion.pairs(truth, found, classes),
        boundary.edges(truth, found, classes) if edges else (),
        () if confidence is None else calibration.bins(truth, found, confidence, classes),
        speed or {},
    )
