"""What a training has measured so far: `metrics.csv`, and curves for TensorBoard."""

from __future__ import annotations

import csv
import math
import time
from typing import TYPE_CHECKING, Any

from liveseg.files import atomic_write
from liveseg.train.watcher import Watcher

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from torch.utils.tensorboard import SummaryWriter

    from liveseg.train.module import Trainee
    from liveseg.train.validation import Validation

Row = dict[str, float]
"""`epoch`, `step`, `seconds`, `lr`, `loss`, and where there is a validation `miou`, `accuracy` and `iou NAME`s."""

_CURVES = {"loss": "training/loss", "lr": "training/learning rate", "miou": "validation/mIoU"}


class History(Watcher):
    """Writes a row after each round; the rows are part of the state, so a resumed run has those of before.

    Args:
        table: the CSV file.
        curves: the folder for TensorBoard.
        validation: what was measured.
        names: of the classes.
    """

    def __init__(self, table: Path, curves: Path, validation: Validation, names: Sequence[str]) -> None:
        self._table = table
        self._curves = curves
        self._validation = validation
        self._names = tuple(names)
        self._writer: SummaryWriter | None = None
        self._before = 0.0
        self._began = time.monotonic()
        self.rows: list[Row] = []

    def begun(self, trainee: Trainee) -> None:
        """Begin, or go on after the step that was kept last."""
        self._began = time.monotonic()
        if trainee.trainer.is_global_zero:
            from torch.utils.tensorboard import SummaryWriter

            # What an interrupted run has drawn beyond its last checkpoint is drawn again.
            self._writer = SummaryWriter(str(self._curves), purge_step=trainee.global_step + 1)

    def round_ended(self, trainee: Trainee) -> None:
        """Write the row of the round."""
        step = trainee.global_step
        row: Row = {
            "epoch": trainee.plan.epoch(step),
            "step": step,
            "seconds": round(self.seconds, 1),
            "lr": trainee.rate,
            "loss": trainee.mean_loss(),
        }
        scores = self._validation.scores
        if scores is not None:
            row |= {"miou": scores.miou, "accuracy": scores.accuracy}
            row |= {f"iou {name}": value for name, value in zip(self._names, scores.ious, strict=True)}
        self.rows.append(row)
        if trainee.trainer.is_global_zero:
            self._write()
            self._draw(row)

    @property
    def seconds(self) -> float:
        """How long the run has trained, all its parts together."""
        return self._before + time.monotonic() - self._began

    def state_dict(self) -> dict[str, Any]:
        """The rows so far."""
        return {"rows": self.rows, "seconds": self.seconds}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up the rows so far."""
        self.rows, self._before = list(state_dict["rows"]), state_dict["seconds"]

    def ended(self) -> None:
        """Close the curves."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _write(self) -> None:
        with (
            atomic_write(self._table, overwrite=True) as partial,
            partial.open("w", encoding="utf-8", newline="") as file,
        ):
            table = csv.DictWriter(file, list(self.rows[-1]))
            table.writeheader()
            for row in self.rows:
                table.writerow({name: "" if math.isnan(value) else f"{value:.6g}" for name, value in row.items()})

    def _draw(self, row: Row) -> None:
        if self._writer is None:
            return
        for name, value in row.items():
            curve = _CURVES.get(name) or (f"classes/{name.removeprefix('iou ')}" if name.startswith("iou ") else None)
            if curve is not None and not math.isnan(value):
                self._writer.add_scalar(curve, value, int(row["step"]))
        self._writer.flush()
