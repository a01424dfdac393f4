"""What looks on while a network learns: Lightning's callbacks, reduced to the four moments that matter here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from pytorch_lightning import Callback

if TYPE_CHECKING:
    import pytorch_lightning as pl
    from torch import Tensor

    from liveseg.train.module import Trainee

# ruff: noqa: ARG002 - Lightning's hooks have more arguments than anybody needs


class Watcher(Callback):
    """Told of the begin, of each batch, of each round and of the end, whatever the end is."""

    def begun(self, trainee: Trainee) -> None:
        """Training begins, or goes on."""

    def learned(self, trainee: Trainee, batch: int, loss: Tensor) -> None:
        """The batch of that number in its round is done."""

    def round_ended(self, trainee: Trainee) -> None:
        """A round is done."""

    def ended(self) -> None:
        """Training is over or was interrupted; may be told twice."""

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """See `begun`."""
        self.begun(cast("Trainee", pl_module))

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """See `learned`."""
        self.learned(cast("Trainee", pl_module), batch_idx, outputs["loss"])

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """See `round_ended`."""
        self.round_ended(cast("Trainee", pl_module))

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """See `ended`."""
        self.ended()

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        """See `ended`."""
        self.ended()
