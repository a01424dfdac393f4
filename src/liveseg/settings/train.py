"""Every option of `liveseg train`, and how any network here learns."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from liveseg.errors import UsageError
from liveseg.settings.data import DataSettings
from liveseg.settings.option import check, option
from liveseg.settings.report import ReportSettings

_MODEL = "Model"
_LENGTH = "How long"
_LEARNING = "How it learns"
_PICTURES = "What it sees"
_MACHINE = "Machine"
_OUTPUT = "Output"
_DATA = "Data"

Schedule = Literal["poly", "cosine"]
Balance = Literal["auto", "none", "weights", "sampling"]
Freeze = Literal["auto", "none", "statistics", "early", "backbone"]
TrainPrecision = Literal["auto", "float32", "bfloat16", "float16"]
Strength = Literal["none", "light", "normal", "strong"]


@dataclass(frozen=True, kw_only=True)
class LearnSettings:
    """How a network learns; what is not said follows from the number of photos, as `liveseg.train.plan` says.

    Raises:
        UsageError: a value outside its range, or two options that contradict each other.
    """

    epochs: int | None = option(
        None, "How often each photo is seen.", shown="by the number of photos", least=1, group=_LENGTH, metavar="N"
    )
    minutes: float | None = option(
        None, "About how long to train, in place of --epochs: this machine's pace is measured first.", least=0.01,
        group=_LENGTH, metavar="N",
    )  # fmt: skip
    patience: int | None = option(
        None, "Stop after so many validations without a better one; 0 never does.",
        shown="half of them, at least 10", least=0, group=_LENGTH, metavar="N",
    )  # fmt: skip
    batch: int | None = option(
        None, "Pieces of photos to a batch, on each device.", shown="by their size and the device", least=2,
        group=_LEARNING, metavar="N",
    )  # fmt: skip
    accumulate: int = option(
        1, "Batches to a step: as good as a larger batch where memory is short.", least=1, group=_LEARNING, metavar="N"
    )
    lr: float | None = option(
        None, "Learning rate of AdamW at its highest; layers that are new learn faster.", shown="by the batch",
        least=1e-8, most=1.0, group=_LEARNING, metavar="RATE",
    )  # fmt: skip
    schedule: Schedule = option("poly", "How the learning rate falls to zero.", group=_LEARNING)
    ema: float | None = option(
        None, "Decay of the running average of the weights, which is what is kept; 0 for none.",
        shown="by the number of steps", least=0.0, most=0.9999, group=_LEARNING, metavar="DECAY",
    )  # fmt: skip
    class_balance: Balance = option(
        "auto", "What is done for rare classes: their pixels count more, or their photos come more often.",
        group=_LEARNING,
    )  # fmt: skip
    boundary: float = option(
        0.0, "How much more pixels beside another class count.", least=0.0, most=10.0, group=_LEARNING, metavar="N"
    )
    freeze: Freeze = option(
        "auto", "What of the backbone stays as it is: nothing, its batch norms' statistics, its early layers too, or"
        " all of it.", group=_LEARNING,
    )  # fmt: skip
    crop: int | None = option(
        None, "Height and width of the pieces, in pixels.", shown="about nine tenths of the model's size", least=32,
        most=2048, group=_PICTURES, metavar="PIXELS",
    )  # fmt: skip
    augment: Strength = option("normal", "How much pieces vary in size and colour.", group=_PICTURES)
    mirror: bool = option(True, "Never mirror photos: for classes that are left or right.", group=_PICTURES)
    seed: int = option(0, "Decides every random choice.", least=0, most=2**32 - 1, group=_LEARNING, metavar="N")
    precision: TrainPrecision = option(
        "auto", "Arithmetic; auto is float32 on a CPU and 16 bits, where they do, on a GPU.", group=_MACHINE
    )
    device: Literal["auto", "cpu", "cuda", "mps"] = option("auto", "Where to train.", group=_MACHINE)
    devices: int = option(1, "How many GPUs, or processes on the CPU, share the work.", least=1, group=_MACHINE,
        metavar="N",
    )  # fmt: skip
    workers: int | None = option(
        None, "Threads that read and prepare photos.", shown="by the number of cores", least=1, most=256,
        group=_MACHINE, metavar="N",
    )  # fmt: skip
    deterministic: bool = option(
        False, "On a GPU too, let every run with one seed give the same weights, which costs time; a CPU always does.",
        group=_MACHINE,
    )  # fmt: skip
    resume: bool = option(False, "Go on with a run that was stopped or killed.", group=_OUTPUT)

    def __post_init__(self) -> None:
        check(self)
        if self.epochs is not None and self.minutes is not None:
            raise UsageError("--epochs and --minutes both say how long to train; choose one")


@dataclass(frozen=True, kw_only=True)
class StudentSettings:
    """Which network is trained, from which weights, and where it goes."""

    model: str = option("lite", "Network to train, see `liveseg models`.", flags=("-m",), group=_MODEL, metavar="NAME")
    start: str = option(
        "auto", "Weights to start from: auto (those of the model), imagenet (of its backbone alone), none, or a file or"
        " run.", group=_MODEL, metavar="auto|imagenet|none|PATH",
    )  # fmt: skip
    size: int | None = option(
        None, "Shorter side of the pictures that the trained model will see, in pixels.", shown="the model's own",
        least=32, most=2048, group=_MODEL, metavar="PIXELS",
    )  # fmt: skip
    out: Path | None = option(
        None, "Folder of the run.", shown="runs/NAME-MODEL", flags=("-o",), group=_OUTPUT, metavar="FOLDER"
    )
    overwrite: bool = option(False, "Replace a run that is in that folder.", group=_OUTPUT)


@dataclass(frozen=True, kw_only=True)
class TrainSettings(ReportSettings, StudentSettings, LearnSettings, DataSettings):
    """Every option of `liveseg train`.

    Raises:
        UsageError: a value outside its range, or options that contradict each other.
    """

    validation: float = option(
        0.2, "Share of the photos that is kept to measure on, where the data set does not say which.", least=0.0,
        most=0.9, group=_DATA, metavar="SHARE",
    )  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.resume and self.overwrite:
            raise UsageError("--resume goes on with the run that --overwrite would replace; choose one")
