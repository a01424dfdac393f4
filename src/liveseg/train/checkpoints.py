"""Checkpoints: the last state, from which a run goes on, and the best weights so far; and stopping in good order."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import torch
from pytorch_lightning.callbacks import Checkpoint

from liveseg.files import atomic_write, commit, partial_path, prepare
from liveseg.job import stop_on_signals
from liveseg.train.failures import TrainingStoppedError
from liveseg.train.watcher import Watcher

if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping
    from pathlib import Path

    import pytorch_lightning as pl
    from torch import Tensor

    from liveseg.train.module import Trainee
    from liveseg.train.validation import Validation

_OFTEN = 300.0
"""Seconds after which the state is kept even within a round."""


class Checkpoints(Watcher, Checkpoint):
    """Keeps the state and the best weights, and ends the run in good order on Ctrl-C and SIGTERM.

    Both files are written beside their names and renamed when whole, so that a kill at any time leaves the one before.

    Args:
        last: the file of the state.
        best: the file of the best weights.
        validation: says how good they are.
        record: what else the state says about the run.
    """

    def __init__(self, last: Path, best: Path, validation: Validation, record: Mapping[str, Any]) -> None:
        self._last = last
        self._best = best
        self._validation = validation
        self._record = dict(record)
        self._stack = ExitStack()
        self._stop: threading.Event | None = None
        self._kept = time.monotonic()
        self.best_miou: float | None = None
        self.best_step = 0
        self._ended = False

    def begun(self, trainee: Trainee) -> None:  # noqa: ARG002
        """Listen to signals, in each process that trains, in place of Lightning, which would end within a step."""
        self._stop = self._stack.enter_context(stop_on_signals())

    def ended(self) -> None:
        """Listen no more."""
        self._stack.close()

    def learned(self, trainee: Trainee, batch: int, loss: Tensor) -> None:  # noqa: ARG002
        """Keep the state now and then, and when a signal has come."""
        plan, trainer = trainee.plan, trainee.trainer
        whole_step = (batch + 1) % plan.accumulate == 0
        # At the end of a round everything is kept anyway, after the validation.
        if not whole_step or batch + 1 == plan.interval * plan.accumulate:
            return
        stop = self._stopping(trainer)
        if stop or (trainer.world_size == 1 and time.monotonic() - self._kept > _OFTEN):
            self._keep(trainer)
        if stop:
            self._end(trainee)

    def round_ended(self, trainee: Trainee) -> None:
        """Keep the best weights, then the state."""
        scores, trainer = self._validation.scores, trainee.trainer
        if scores is None or self.best_miou is None or scores.miou > self.best_miou:
            self.best_miou = None if scores is None else scores.miou
            self.best_step = trainer.global_step
            if trainer.is_global_zero:
                self._keep_best(trainee)
        self._ended = trainer.should_stop or trainer.global_step >= trainee.plan.steps
        self._keep(trainer)
        if self._stopping(trainer) and not self._ended:
            self._end(trainee)

    def state_dict(self) -> dict[str, Any]:
        """What was best so far."""
        return {"best_miou": self.best_miou, "best_step": self.best_step, "ended": self._ended}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up what was best so far."""
        self.best_miou, self.best_step = state_dict["best_miou"], state_dict["best_step"]

    def on_save_checkpoint(
        self,
        trainer: pl.Trainer,  # noqa: ARG002
        pl_module: pl.LightningModule,  # noqa: ARG002
        checkpoint: dict[str, Any],
    ) -> None:
        """Say what run it is."""
        checkpoint["liveseg"] = self._record

    def _stopping(self, trainer: pl.Trainer) -> bool:
        stop = self._stop is not None and self._stop.is_set()
        if trainer.world_size > 1:
            # All devices stop after the same step, whichever of them heard the signal first.
            stop = bool(trainer.strategy.reduce_boolean_decision(stop, all=False))
        return stop

    def _keep(self, trainer: pl.Trainer) -> None:
        partial = partial_path(self._last)
        if trainer.is_global_zero:
            prepare(self._last, overwrite=True)
        # All devices take part; the first one writes.
        trainer.save_checkpoint(partial)
        if trainer.is_global_zero:
            commit(partial, self._last)
        self._kept = time.monotonic()

    def _keep_best(self, trainee: Trainee) -> None:
        state = {name: tensor.detach().cpu().contiguous() for name, tensor in trainee.averaged.state_dict().items()}
        with atomic_write(self._best, overwrite=True) as partial:
            torch.save({"state_dict": state, "step": self.best_step, "miou": self.best_miou}, partial)

    def _end(self, trainee: Trainee) -> None:
        raise TrainingStoppedError(
            f"stopped after step {trainee.global_step:,} of {trainee.plan.steps:,}; {self._last} keeps all of it: go"
            " on with the same command and --resume"
        )

    def __getstate__(self) -> dict[str, Any]:
        # A process that is started for another device listens for itself.
        return self.__dict__ | {"_stack": ExitStack(), "_stop": None}
