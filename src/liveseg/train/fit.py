"""Train a network: from photos, a start and options to the best weights, with everything else kept on the way."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from liveseg.errors import DataError, MissingExtraError
from liveseg.train.augment import Augment
from liveseg.train.plan import Plan, make_plan, within

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pytorch_lightning as pl

    from liveseg.contract import ModelContract
    from liveseg.datasets import Dataset, Sample
    from liveseg.models.network import SegmentationNetwork
    from liveseg.train.history import Row
    from liveseg.train.machine import Device
    from liveseg.train.module import Trainee
    from liveseg.train.options import TrainOptions
    from liveseg.train.run_folder import RunFolder
    from liveseg.train.start import Start
    from liveseg.train.teacher import TeacherLogits
    from liveseg.train.validation import Validation

_NEEDED = {"PyTorch": "torch", "PyTorch Lightning": "pytorch_lightning", "TensorBoard": "tensorboard"}

_STRENGTHS: dict[str, tuple[tuple[float, float], float, float, float]] = {
    "none": ((1.0, 1.0), 0.0, 0.0, 0.0),
    "light": ((0.75, 1.5), 0.05, 0.5, 0.0),
    "normal": ((0.5, 2.0), 0.1, 1.0, 0.1),
    "strong": ((0.4, 2.2), 0.15, 1.4, 0.4),
}
"""Of `--augment`: scale, stretch, colour and share of mosaics."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """What a training came to.

    Args:
        network: the best weights, which are averages; in evaluation mode, on the CPU.
        contract: how it is fed and read.
        model: the network's name in the registry.
        plan: how it was trained.
        rows: what was measured after each round, as in `metrics.csv`.
        miou: the best, in [0, 1]; `None` without photos to measure on.
        step: after which it was reached.
        steps: how many there were; fewer than the plan's where training ended early.
        seconds: how long it took, all parts of an interrupted run together.
    """

    network: SegmentationNetwork
    contract: ModelContract
    model: str
    plan: Plan
    rows: tuple[Row, ...]
    miou: float | None
    step: int
    steps: int
    seconds: float

    @property
    def epoch(self) -> int:
        """The epoch of the best weights."""
        return self.plan.epoch(self.step)


def fit(
    start: Start,
    train: Sequence[Sample],
    validation: Dataset,
    options: TrainOptions,
    folder: RunFolder,
    *,
    teacher: TeacherLogits | None = None,
    unlabelled: Sequence[Path] = (),
    quiet: bool = False,
) -> Fitted:
    """Train, and keep in the folder what there is on the way: checkpoints, metrics, curves, pictures.

    With several devices this is called below `if __name__ == "__main__":`, since it starts processes.

    Args:
        start: the network; it is trained in place.
        train: labelled photos to learn from.
        validation: labelled photos to measure on; may be empty, then the last weights are the best.
        options: how; what they leave open follows from the number of photos, see `liveseg.train.plan`.
        folder: where everything is kept; with `options.resume` the state that is there is gone on with.
        teacher: logits of a teacher for the same classes.
        unlabelled: photos without masks, for which there are such logits.
        quiet: no progress on a terminal.

    Raises:
        DataError: no photos, or one that cannot be read.
        UsageError: options that do not fit each other, or the run that is gone on with.
        DeviceError: a device that was asked for and is not there.
        TrainingStoppedError: it was stopped by Ctrl-C or SIGTERM; everything is kept.
        TrainingFailedError: memory is short, or the loss is no number; the message says what helps.
        MissingExtraError: PyTorch Lightning or TensorBoard is not installed.
    """
    require_trainer()
    from liveseg.train.chatter import hushed
    from liveseg.train.guard import libraries_kept
    from liveseg.train.machine import device_of

    if not len(train) + len(unlabelled):
        raise DataError("there are no photos to learn from")
    device = device_of(options)
    with hushed(), libraries_kept():
        run = _Run(start, train, validation, options, folder, teacher, unlabelled, device)
        if not run.ended:
            run.train(quiet=quiet)
        return run.result()


def require_trainer() -> None:
    """Make sure that what training needs is installed, without importing it, which takes seconds.

    Raises:
        MissingExtraError: it is not; the message names the extra.
    """
    for title, module in _NEEDED.items():
        if importlib.util.find_spec(module) is None:
            raise MissingExtraError(f"training needs {title}: pip install 'liveseg[train]'")


class _Run:
    """One call of `fit`."""

    def __init__(
        self,
        start: Start,
        train: Sequence[Sample],
        validation: Dataset,
        options: TrainOptions,
        folder: RunFolder,
        teacher: TeacherLogits | None,
        unlabelled: Sequence[Path],
        device: Device,
    ) -> None:
        from liveseg.train.machine import workers_of
        from liveseg.train.photos import Photos
        from liveseg.train.resume import record_of

        self._start = start
        self._options = options
        self._folder = folder
        self._device = device
        self._workers = workers_of(options)
        self._validation_set = validation
        self._photos = Photos(train, unlabelled, side=start.contract.default_size, teacher=teacher)
        self._taught = teacher is not None
        self._record = record_of(start, options, train, validation, unlabelled)
        self._state = self._kept_state()

    @property
    def ended(self) -> bool:
        """Whether the run that is gone on with has nothing left to do."""
        return self._state is not None and bool(self._state["callbacks"]["Checkpoints"]["ended"])

    def train(self, *, quiet: bool) -> None:
        """Train to the end."""
        from liveseg.train.balance import class_weights, pixel_counts, repeated
        from liveseg.train.data import Pieces
        from liveseg.train.guard import explained
        from liveseg.train.module import Trainee
        from liveseg.train.pace import measure
        from liveseg.train.validation import Validation

        start, options, photos = self._start, self._options, self._photos
        classes = len(start.contract.labels)
        sampling = options.class_balance == "sampling"
        most = {"most": max(photos.labelled, 1)} if sampling else {}
        counts = pixel_counts(photos, classes, workers=self._workers, **most)
        order = repeated(counts, len(photos), options.seed) if sampling else tuple(range(len(photos)))
        weights = class_weights(counts if options.class_balance in ("auto", "weights") else counts[:0])
        plan = self._plan(len(order))
        pieces = Pieces(photos, order, self._augment(plan, classes), plan.seed)
        validation = Validation(self._validation_set.samples, classes, self._workers)
        trainee = Trainee(start, plan, options, pieces, weights, self._workers)
        if self._state is None and options.minutes is not None:
            with explained(plan):
                pace = measure(trainee, pieces, validation, self._validation_set.samples, self._device, self._workers)
            trainee.plan = within(plan, options, pace)
        self._record["plan"] = trainee.plan.to_json()
        self._run(trainee, validation, quiet=quiet)

    def _run(self, trainee: Trainee, validation: Validation, *, quiet: bool) -> None:
        from liveseg.train.checkpoints import Checkpoints
        from liveseg.train.guard import explained, patient
        from liveseg.train.history import History
        from liveseg.train.progress import ProgressBar
        from liveseg.train.samples import SamplePictures

        folder, labels = self._folder, self._start.contract.labels
        kept = Checkpoints(folder.last, folder.best, validation, self._record)
        callbacks: list[pl.Callback] = [
            validation,
            History(folder.metrics, folder.tensorboard, validation, labels.names),
            SamplePictures(folder.samples, self._validation_set.samples, labels, validation),
            ProgressBar(kept, quiet=quiet),
        ]
        trainer = _trainer(trainee.plan, self._options, self._device, [*callbacks, kept], early=len(validation) > 0)
        resumed = str(folder.last) if self._state is not None else None
        with explained(trainee.plan), patient(trainee.plan.devices):
            trainer.fit(trainee, ckpt_path=resumed, weights_only=True)

    def result(self) -> Fitted:
        """What is kept in the folder, with the best weights in the network."""
        from liveseg.train.resume import load_checkpoint

        state = load_checkpoint(self._folder.last)
        best = load_checkpoint(self._folder.best)
        network = self._start.network
        network.load_state_dict(best["state_dict"])
        network.requires_grad_(True).eval()
        history = state["callbacks"]["History"]
        return Fitted(
            network.cpu(),
            self._start.contract,
            self._start.model,
            Plan.from_json(state["liveseg"]["plan"]),
            tuple(history["rows"]),
            best["miou"],
            best["step"],
            state["global_step"],
            history["seconds"],
        )

    def _kept_state(self) -> dict[str, Any] | None:
        """The state to go on with; `None` where training begins."""
        if not self._options.resume or not self._folder.last.exists():
            return None
        from liveseg.train.resume import hold_to, load_checkpoint

        state = load_checkpoint(self._folder.last)
        hold_to(self._record, state.get("liveseg", {}), self._folder.last)
        return state

    def _plan(self, photos: int) -> Plan:
        from liveseg.train.machine import precision_of

        if self._state is not None:
            return Plan.from_json(self._state["liveseg"]["plan"])
        return make_plan(
            self._options,
            self._start.contract,
            photos,
            on_gpu=self._device != "cpu",
            precision=precision_of(self._options, self._device),
            fresh_backbone=any(name.startswith("backbone.") for name in self._start.fresh),
        )

    def _augment(self, plan: Plan, classes: int) -> Augment:
        import torch

        with torch.inference_mode():
            network = self._start.network.eval()
            grid = network.low_logits(torch.zeros(1, 3, plan.crop, plan.crop)).shape[-1]
        scale, stretch, colour, mosaic = _STRENGTHS[self._options.augment]
        return Augment(
            side=plan.crop,
            base=plan.base,
            scale=scale,
            stretch=stretch,
            mirror=self._options.mirror and self._options.augment != "none",
            colour=colour,
            mosaic=mosaic if self._options.mosaic is None else self._options.mosaic,
            grid=grid,
            align_corners=self._start.contract.align_corners,
            classes=classes if self._taught else 0,
        )


def _trainer(
    plan: Plan, options: TrainOptions, device: Device, callbacks: list[pl.Callback], *, early: bool
) -> pl.Trainer:
    import pytorch_lightning as pl
    from pytorch_lightning.callbacks import EarlyStopping

    from liveseg.train.chatter import Hushed
    from liveseg.train.machine import IN_LIGHTNING
    from liveseg.train.validation import MIOU

    own: list[pl.Callback] = [Hushed(), *callbacks]
    if early and plan.patience:
        own.append(EarlyStopping(MIOU, mode="max", patience=plan.patience, check_on_train_epoch_end=True))
    several = plan.devices > 1
    return pl.Trainer(
        accelerator="gpu" if device == "cuda" else device,
        devices=plan.devices,
        strategy="ddp_spawn" if several else "auto",
        precision=IN_LIGHTNING[plan.precision],
        max_epochs=plan.rounds,
        accumulate_grad_batches=plan.accumulate,
        callbacks=own,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        sync_batchnorm=several and device == "cuda",
        deterministic="warn" if options.deterministic else None,
        benchmark=device == "cuda" and not options.deterministic,
    )
