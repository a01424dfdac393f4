"""The network as PyTorch Lightning trains it: losses, optimiser, learning rate and the average of the weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from liveseg.runtimes.torch import Contracted
from liveseg.train import ema
from liveseg.train.data import Loader
from liveseg.train.failures import TrainingFailedError
from liveseg.train.freeze import freeze
from liveseg.train.losses import cross_entropy, divergence
from liveseg.train.schedule import factor

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from liveseg.models.network import SegmentationNetwork
    from liveseg.train.data import Batch, Pieces
    from liveseg.train.options import TrainOptions
    from liveseg.train.plan import Plan
    from liveseg.train.start import Start

_FRESH, _ALL_FRESH = 40.0, 10.0
"""How much faster layers learn that begin with nothing, on top of others and where there are no others."""

_DECAY = 0.01
_LARGEST_GRADIENT = 5.0
_LOOKED_AT = 50
_STEP = 3
"""Purpose of the random numbers of a step, such as those of dropout."""


class Trainee(pl.LightningModule):
    """A network that learns.

    Its training pass is the exported graph's own: `uint8` NHWC in, low-resolution logits out.

    Args:
        start: what it begins with; the network is this module's from now on.
        plan: how it is trained.
        options: how the losses are weighed.
        pieces: what it is fed with.
        class_weights: `(C,)`: how much a pixel of each class counts.
        workers: threads that make the pieces.
    """

    loss_sum: Tensor
    loss_count: Tensor
    class_weights: Tensor

    def __init__(
        self,
        start: Start,
        plan: Plan,
        options: TrainOptions,
        pieces: Pieces,
        class_weights: NDArray[np.float32],
        workers: int,
    ) -> None:
        super().__init__()
        self.plan = plan
        self.contract = start.contract
        self._options = options
        self._pieces = pieces
        self._workers = workers
        self._fixed = freeze(start.network, plan.freeze)
        self.model = Contracted(start.network)
        self.average = ema.average_of(start.network)
        # The exported network is fed with NHWC pixels, which PyTorch sees as channels-last.
        self.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # is documented
        self._fresh = frozenset(f"model.network.{name}" for name in start.fresh)
        self.register_buffer("class_weights", torch.from_numpy(class_weights), persistent=False)
        # Kept in checkpoints, so that the mean over a round does not depend on where it was interrupted.
        self.register_buffer("loss_sum", torch.zeros(()))
        self.register_buffer("loss_count", torch.zeros(()))

    @property
    def averaged(self) -> SegmentationNetwork:
        """The network with the average of its weights, in evaluation mode: what is measured and kept."""
        return cast("SegmentationNetwork", self.average)

    def train(self, mode: bool = True) -> Trainee:
        """Training or evaluation mode; what is frozen and the average stay in the latter."""
        super().train(mode)
        self.average.eval()
        for module in self._fixed:
            module.eval()
        return self

    def train_dataloader(self) -> Loader:
        """The batches of a round."""
        return Loader(
            self._pieces, self.plan, workers=self._workers, rank=self.global_rank, done=lambda: self.global_step
        )

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """The loss of one batch."""
        number = self.global_step * self.plan.accumulate + batch_idx % self.plan.accumulate
        words = np.random.SeedSequence((self.plan.seed, _STEP, number, self.global_rank)).generate_state(1, np.uint64)
        # Dropout draws from PyTorch's own generator, which would have to be saved and restored on every device.
        torch.manual_seed(int(words[0]) >> 1)
        loss = self.loss_of(batch)
        # To look at it is to wait for a GPU.
        if (self.device.type == "cpu" or not self.global_step % _LOOKED_AT) and not torch.isfinite(loss):
            other = " or --precision float32" if self.plan.precision == "float16" else ""
            raise TrainingFailedError(
                f"the loss of step {self.global_step + 1:,} is no finite number; train with --lr {self.plan.lr / 3:.1g}"
                + other
            )
        self.loss_sum += loss.detach()
        self.loss_count += 1
        return loss

    def loss_of(self, batch: Batch) -> Tensor:
        """What is made small: cross-entropy where there are masks, divergence where there is a teacher."""
        options, aligned = self._options, self.contract.align_corners
        logits = self.model(batch.image)
        loss = cross_entropy(
            logits,
            batch.mask,
            align_corners=aligned,
            step=2 if aligned else 3,
            class_weights=self.class_weights,
            boundary=options.boundary,
        )
        if batch.teacher is not None and options.teacher_weight:
            apart = divergence(logits, batch.teacher, batch.known, options.temperature)
            loss = loss + options.teacher_weight * apart
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """AdamW (Loshchilov and Hutter, 2019); biases and batch norms do not decay, new layers learn faster."""
        names = {name for name, _ in self.model.named_parameters(prefix="model")}
        faster = _FRESH if names - self._fresh else _ALL_FRESH
        groups: dict[tuple[float, float], list[nn.Parameter]] = {}
        for name, parameter in self.model.named_parameters(prefix="model"):
            if parameter.requires_grad:
                key = (faster if name in self._fresh else 1.0, _DECAY if parameter.ndim > 1 else 0.0)
                groups.setdefault(key, []).append(parameter)
        highest = self.plan.lr
        return torch.optim.AdamW(
            [
                {"params": own, "lr": highest * times, "highest": highest * times, "weight_decay": decay}
                for (times, decay), own in groups.items()
            ]
        )

    @property
    def rate(self) -> float:
        """The learning rate of the step to come, that of layers which are not new."""
        plan = self.plan
        return plan.lr * factor(min(self.global_step, plan.steps - 1), plan.steps, plan.warmup, plan.schedule)

    def optimizer_step(
        self,
        epoch: int,
        batch_idx: int,
        optimizer: Any,
        optimizer_closure: Callable[[], Any] | None = None,
    ) -> None:
        """One step, at the learning rate of its number, and the average after it."""
        step = self.global_step
        share = self.rate / self.plan.lr
        for group in optimizer.param_groups:
            group["lr"] = group["highest"] * share
        super().optimizer_step(epoch, batch_idx, optimizer, optimizer_closure)
        ema.update(self.average, self.model.network, self.plan.ema, step)

    def configure_gradient_clipping(self, optimizer: Any, *_: Any, **__: Any) -> None:
        """Bound the gradient: a batch with a handful of labelled pixels may have a huge one."""
        self.clip_gradients(optimizer, gradient_clip_val=_LARGEST_GRADIENT, gradient_clip_algorithm="norm")

    def mean_loss(self) -> float:
        """The mean loss since this was last asked, of all devices."""
        both = torch.stack((self.loss_sum, self.loss_count))
        if self.trainer.world_size > 1:
            torch.distributed.all_reduce(both)
        self.loss_sum.zero_()
        self.loss_count.zero_()
        return float(both[0] / both[1].clamp(min=1))
