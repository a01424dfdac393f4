"""What a training says while it runs: a bar with the loss, the score and the remaining time; nothing in a pipe."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from liveseg.train.watcher import Watcher

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID
    from torch import Tensor

    from liveseg.train.checkpoints import Checkpoints
    from liveseg.train.module import Trainee

_SECONDS = 0.2
"""Between two looks at the loss."""


class ProgressBar(Watcher):
    """A bar on a terminal.

    Args:
        kept: knows the best score so far.
        quiet: whether there is none anyway.
    """

    def __init__(self, kept: Checkpoints, *, quiet: bool) -> None:
        self._kept = kept
        self._quiet = quiet
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._next = 0.0

    def begun(self, trainee: Trainee) -> None:
        """Show the bar."""
        if self._quiet or not trainee.trainer.is_global_zero or sys.stderr is None or not sys.stderr.isatty():
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            "steps",
            TextColumn("{task.fields[said]}", markup=False),
            TimeRemainingColumn(compact=True),
        )
        console = Console(stderr=True, highlight=False, emoji=False)
        # Over minutes, as the pauses for validation are part of the pace.
        self._bar = Progress(*columns, console=console, transient=True, speed_estimate_period=300)
        self._task = self._bar.add_task("", total=trainee.plan.steps, completed=trainee.global_step, said="")
        self._bar.start()

    def learned(self, trainee: Trainee, batch: int, loss: Tensor) -> None:  # noqa: ARG002
        """Move the bar."""
        if self._bar is None or self._task is None or time.monotonic() < self._next:
            return
        # To know the loss is to wait for the device.
        self._next = time.monotonic() + _SECONDS
        plan, step = trainee.plan, trainee.global_step
        best = self._kept.best_miou
        said = f"loss {float(loss.detach()):.3f}" + ("" if best is None else f", best mIoU {best:.1%}")
        self._bar.update(
            self._task, completed=step, description=f"epoch {plan.epoch(step)} of {plan.epochs}", said=said
        )

    def ended(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
