"""An evaluation while it goes on: what was counted, skipped and spent so far."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from liveseg.errors import DataError
from liveseg.evaluate.result import Evaluation
from liveseg.evaluate.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from liveseg.evaluate.counts import ImageCounts
    from liveseg.evaluate.options import EvalOptions
    from liveseg.evaluate.result import ClassScore
    from liveseg.labels import LabelSet

_LINE = ("preprocess", "infer", "postprocess")
_REASONS = 20
"""How many images that could not be read are named."""


class Run:
    """An evaluation while it goes on.

    Args:
        header: of its record.
        labels: of the data set.
        options: how it is done.
    """

    def __init__(self, header: Mapping[str, Any], labels: LabelSet, options: EvalOptions) -> None:
        self._header, self._labels, self._options = header, labels, options
        self.notes: list[str] = list(header["notes"])
        self._tally = Tally(len(labels), replicates=options.replicates, seed=options.seed, worst=options.worst)
        self.done = 0
        self._skipped = 0
        self._reasons: list[str] = []
        self._seconds = 0.0
        self._stages: dict[str, float] = {}
        self._scored = hashlib.sha256()

    def add(self, counts: ImageCounts, seconds: float) -> None:
        """Take an image, and the wall time since the one before.

        Raises:
            DataError: it could not be read, and such are not skipped.
        """
        if counts.bad and not self._options.skip_bad:
            raise DataError(f"{counts.bad} (--skip-bad leaves out what cannot be read)")
        self.done += 1
        self._seconds += seconds
        if counts.bad:
            self._skipped += 1
            self._reasons += [counts.bad][: _REASONS - len(self._reasons)]
            return
        self._tally.add(counts)
        self._scored.update(counts.key.encode() + b"\n")
        for stage, spent in counts.speed.items():
            self._stages[stage] = self._stages.get(stage, 0.0) + spent

    @property
    def miou(self) -> float:
        """So far; NaN before any pixel counted."""
        return self._tally.miou

    def evaluation(self, workers: int, threads: int, machine: Mapping[str, Any]) -> Evaluation:
        """What it comes to.

        Args:
            workers: processes that shared the images.
            threads: of each.
            machine: where it ran.

        Raises:
            DataError: no pixel counts.
        """
        tally, header = self._tally, self._header
        if not tally.images:
            raise DataError(
                f"none of the {self.done} photos could be read: {next(iter(self._reasons), 'there are none')}"
            )
        if not tally.pixels:
            raise DataError(f"no pixel of {header['dataset']} counts: its masks are 255 everywhere, which is ignored")
        scores = tally.scores(self._labels)
        line = sum(self._stages.get(stage, 0.0) for stage in _LINE)
        return Evaluation(
            dataset=header["dataset"],
            layout=header["layout"],
            images_digest=self._scored.hexdigest(),  # without those that were left out
            labels=self._labels,
            **{name: header[name] for name in ("model", "runtime", "device", "precision", "size", "settings")},
            images=tally.images,
            skipped=self._skipped,
            skipped_why=tuple(self._reasons),
            pixels=tally.pixels,
            confusion=tally.confusion,
            unknown=tally.unknown,
            per_class=scores.per_class,
            scores=scores.scores,
            calibration=scores.calibration,
            worst=tally.worst,
            seed=self._options.seed,
            replicates=scores.replicates,
            class_replicates=scores.class_replicates,
            workers=workers,
            threads=threads,
            rate=self.done / self._seconds if self._seconds else 0.0,
            line_rate=1e3 * workers * tally.images / line if line else None,
            seconds=self._seconds,
            stages={stage: spent / tally.images for stage, spent in self._stages.items()},
            machine=machine,
            date=datetime.now(UTC).isoformat(timespec="seconds"),
            notes=(*self.notes, *_one_sided(scores.per_class)),
        )


def _one_sided(classes: Sequence[ClassScore]) -> list[str]:
    """A note on masks of nothing but the first class, as those of 0 and 255 are read that many tools write."""
    if len(classes) < 2 or any(own.pixels for own in classes[1:]):
        return []
    said = f"the true masks show nothing but {classes[0].name}, so the scores say little"
    return [f"{said}; where 255 stands for a class in them, lead it to one by --mapping"]
