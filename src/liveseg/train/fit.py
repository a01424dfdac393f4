"""Train a network: from photos, a start and options to the best weights, with everything else kept on the way."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib
import signal
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

import cv2

from liveseg.errors import DataError, DeviceError, MissingExtraError, UsageError, WeightsError
from liveseg.runtimes.base import available_cores, first_line
from liveseg.train.augment import Augment
from liveseg.train.failures import TrainingFailedError, TrainingStoppedError
from liveseg.train.plan import Plan, make_plan, within

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import pytorch_lightning as pl

    from liveseg.contract import ModelContract
    from liveseg.datasets import Dataset, Sample
    from liveseg.models.network import SegmentationNetwork
    from liveseg.train.history import Row
    from liveseg.train.module import Trainee
    from liveseg.train.options import TrainOptions
    from liveseg.train.run_folder import RunFolder
    from liveseg.train.start import Start
    from liveseg.train.teacher import TeacherLogits
    from liveseg.train.validation import Validation

Device = Literal["cpu", "cuda", "mps"]

_FREE_ON_RESUME = {"resume", "workers"}
"""The options that may differ from those that a run began with: they change no weights."""

_MOST_WORKERS = 16


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

    if not len(train) + len(unlabelled):
        raise DataError("there are no photos to learn from")
    device = _device(options)
    with hushed(), _one_thread_each():
        run = _Run(start, train, validation, options, folder, teacher, unlabelled, device)
        if not run.ended:
            run.train(quiet=quiet)
        return run.result()


_NEEDED = {"PyTorch": "torch", "PyTorch Lightning": "pytorch_lightning", "TensorBoard": "tensorboard"}


def require_trainer() -> None:
    """Make sure that what training needs is installed.

    Raises:
        MissingExtraError: it is not; the message names the extra.
    """
    for title, module in _NEEDED.items():
        try:
            importlib.import_module(module)
        except ImportError as error:
            raise MissingExtraError(f"training needs {title}: pip install 'liveseg[train]'") from error


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
        from liveseg.train.photos import Photos

        self._start = start
        self._options = options
        self._folder = folder
        self._device = device
        self._workers = options.workers or min(max(available_cores(), 2), _MOST_WORKERS)
        self._validation_set = validation
        self._photos = Photos(train, unlabelled, side=start.contract.default_size, teacher=teacher)
        self._taught = teacher is not None
        self._record = _record(start, options, [sample.key for sample in train], unlabelled)
        self._state = self._kept_state()

    @property
    def ended(self) -> bool:
        """Whether the run that is gone on with has nothing left to do."""
        return self._state is not None and bool(self._state["callbacks"]["Checkpoints"]["ended"])

    def train(self, *, quiet: bool) -> None:
        """Train to the end."""
        from liveseg.train.balance import class_weights, pixel_counts, repeated
        from liveseg.train.data import Pieces
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
            pace = measure(trainee, pieces, validation, self._validation_set.samples, self._device, self._workers)
            trainee.plan = within(plan, options, pace)
        self._record["plan"] = trainee.plan.to_json()
        self._run(trainee, validation, quiet=quiet)

    def _run(self, trainee: Trainee, validation: Validation, *, quiet: bool) -> None:
        from liveseg.train.checkpoints import Checkpoints
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
        with _explained(trainee.plan), _patient(trainee.plan.devices):
            trainer.fit(trainee, ckpt_path=resumed, weights_only=True)

    def result(self) -> Fitted:
        """What is kept in the folder, with the best weights in the network."""
        state = _load(self._folder.last)
        best = _load(self._folder.best)
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
        state = _load(self._folder.last)
        before = state.get("liveseg", {})
        for name, value in self._record.items():
            if before.get(name) != value:
                raise UsageError(_other(self._folder.last, name, before.get(name), value))
        return state

    def _plan(self, photos: int) -> Plan:
        if self._state is not None:
            return Plan.from_json(self._state["liveseg"]["plan"])
        return make_plan(
            self._options,
            self._start.contract,
            photos,
            on_gpu=self._device != "cpu",
            precision=_precision(self._options, self._device),
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


_STRENGTHS: dict[str, tuple[tuple[float, float], float, float, float]] = {
    "none": ((1.0, 1.0), 0.0, 0.0, 0.0),
    "light": ((0.75, 1.5), 0.05, 0.5, 0.0),
    "normal": ((0.5, 2.0), 0.1, 1.0, 0.1),
    "strong": ((0.4, 2.2), 0.15, 1.4, 0.4),
}
"""Scale, stretch, colour and share of mosaics."""


def _trainer(
    plan: Plan, options: TrainOptions, device: Device, callbacks: list[pl.Callback], *, early: bool
) -> pl.Trainer:
    import pytorch_lightning as pl
    from pytorch_lightning.callbacks import EarlyStopping

    from liveseg.train.chatter import Hushed
    from liveseg.train.validation import MIOU

    own: list[pl.Callback] = [Hushed(), *callbacks]
    if early and plan.patience:
        own.append(EarlyStopping(MIOU, mode="max", patience=plan.patience, check_on_train_epoch_end=True))
    several = plan.devices > 1
    return pl.Trainer(
        accelerator="gpu" if device == "cuda" else device,
        devices=plan.devices,
        strategy="ddp_spawn" if several else "auto",
        precision=_LIGHTNING[plan.precision],
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


_LIGHTNING: dict[str, Any] = {"float32": "32-true", "bfloat16": "bf16-mixed", "float16": "16-mixed"}


@contextmanager
def _explained(plan: Plan) -> Iterator[None]:
    """Say in one line what PyTorch says in many."""
    from torch import OutOfMemoryError
    from torch.multiprocessing.spawn import ProcessRaisedException

    try:
        yield
    except (RuntimeError, MemoryError) as error:
        text = str(error)
        if isinstance(error, OutOfMemoryError | MemoryError) or "allocate memory" in text or "OutOfMemory" in text:
            smaller = max(plan.batch // 2, 2)
            raise TrainingFailedError(
                f"{plan.batch} pieces of {plan.crop} pixels a side are too much for the memory; train with"
                f" --batch {smaller} --accumulate {plan.accumulate * 2}, or with a smaller --crop"
            ) from error
        if isinstance(error, ProcessRaisedException):
            raise _from_process(text) or TrainingFailedError(first_line(error)) from error
        raise


@contextmanager
def _patient(devices: int) -> Iterator[None]:
    """Where other processes train, they answer to Ctrl-C, and this one waits until they have kept everything."""
    if devices == 1 or threading.current_thread() is not threading.main_thread():
        yield
        return
    # Not `SIG_IGN`, which the other processes would inherit.
    before = signal.signal(signal.SIGINT, lambda _number, _frame: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _from_process(text: str) -> Exception | None:
    """The error that ended another process, from the text of its traceback."""
    last = text.strip().splitlines()[-1]
    name, _, said = last.partition(": ")
    known = {each.__name__: each for each in (TrainingFailedError, TrainingStoppedError, DataError)}
    kind = known.get(name.rpartition(".")[2])
    return None if kind is None else kind(said)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Photos are prepared side by side; OpenCV would use all cores for each."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


def _device(options: TrainOptions) -> Device:
    import torch

    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if options.device == "auto":
        device = cast("Device", next(name for name, is_there in there.items() if is_there))
    elif not there[options.device]:
        raise DeviceError(f"there is no {options.device} here for PyTorch {torch.__version__}; use --device cpu")
    else:
        device = options.device
    if device == "cuda" and options.devices > torch.cuda.device_count():
        raise DeviceError(f"--devices {options.devices}, but PyTorch sees {torch.cuda.device_count()} GPUs here")
    if device == "mps" and options.devices > 1:
        raise DeviceError("a Mac has one GPU; leave out --devices")
    return device


def _precision(options: TrainOptions, device: Device) -> Literal["float32", "bfloat16", "float16"]:
    import torch

    if options.precision != "auto":
        if options.precision == "float16" and device == "cpu":
            raise UsageError("a CPU trains in float32 or bfloat16; leave out --precision")
        return options.precision
    if device != "cuda":
        # Measured on a CPU with AVX512-BF16: bfloat16 gains nothing on channels-last layers of this size.
        return "float32"
    return "bfloat16" if torch.cuda.is_bf16_supported() else "float16"


def _record(start: Start, options: TrainOptions, keys: Sequence[str], unlabelled: Sequence[Path]) -> dict[str, Any]:
    """What must be the same for a run to be gone on with."""
    photos = hashlib.sha256("\n".join([*keys, "", *(path.name for path in unlabelled)]).encode()).hexdigest()
    given = {name: value for name, value in dataclasses.asdict(options).items() if name not in _FREE_ON_RESUME}
    return {"model": start.model, "classes": list(start.contract.labels.names), "photos": photos, "options": given}


def _other(path: Path, name: str, before: Any, now: Any) -> str:
    """Why a run cannot be gone on with."""
    if name == "options" and isinstance(before, dict):
        option = next(own for own in now if before.get(own) != now[own])
        then = f"--{option.replace('_', '-')}: {before.get(option)} then, {now[option]} now"
        return f"{path} is of a run with other options ({then}); give the same, or leave out --resume"
    return f"{path} is of a run with another set of {name}; leave out --resume, or choose another --out"


def _load(path: Path) -> dict[str, Any]:
    """A checkpoint, without executing anything.

    Raises:
        WeightsError: it cannot be read.
    """
    import torch

    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged pickle can raise whatever its bytes happen to say
        raise WeightsError(f"{path} cannot be read as a checkpoint of a training: {first_line(error)}") from error
    return state
