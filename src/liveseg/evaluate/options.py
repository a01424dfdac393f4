"""How an evaluation is done."""

from __future__ import annotations

from dataclasses import dataclass

from liveseg.errors import UsageError
from liveseg.evaluate.bootstrap import REPLICATES


@dataclass(frozen=True, kw_only=True)
class EvalOptions:
    """How an evaluation is done.

    Args:
        workers: processes that share the images; each loads the network for itself.
        threads: of all of them on the CPU; all available cores by default.
        unknown: count pixels of less confidence as none of the classes, which is wrong; see `Segmenter`.
        boundary: whether the boundary F-score is wanted.
        calibration: whether the expected calibration error is.
        skip_bad: leave out images that cannot be read, where the first one ends it otherwise.
        worst: how many of the worst images to name.
        replicates: of the bootstrap.
        seed: of the bootstrap.
    """

    workers: int = 1
    threads: int | None = None
    unknown: float | None = None
    boundary: bool = True
    calibration: bool = True
    skip_bad: bool = False
    worst: int = 10
    replicates: int = REPLICATES
    seed: int = 0

    def __post_init__(self) -> None:
        least = {"workers": 1, "worst": 0, "replicates": 1} | ({} if self.threads is None else {"threads": 1})
        for name, smallest in least.items():
            if type(getattr(self, name)) is not int or getattr(self, name) < smallest:
                raise UsageError(f"{name} is a whole number from {smallest} up, not {getattr(self, name)!r}")
