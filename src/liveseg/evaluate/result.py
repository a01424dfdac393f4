"""The result of an evaluation: its scores with their intervals, to be written as JSON and read back."""

from __future__ import annotations

import base64
import binascii
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from liveseg.errors import LivesegError, MediaError
from liveseg.labels import LabelSet
from liveseg.results import load_result_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike

    from numpy.typing import NDArray

SCHEMA = 1
KIND = "evaluation"
"""What the JSON names itself."""

SCORES = ("miou", "pixel_accuracy", "class_accuracy", "boundary_f", "ece")
"""The names of `Evaluation.scores`, in the order in which they are told; each is a share from 0 to 1."""

LOWER_IS_BETTER = frozenset({"ece"})
"""Those of which less is better."""


@dataclass(frozen=True)
class Interval:
    """A score, and where 19 times of 20 it would be with any number of images of the same kind.

    Args:
        value: the score on these images, a share from 0 to 1.
        low: lower end of its 95 % interval, see `liveseg.evaluate.bootstrap`; `None` where fewer than two images have a
            say in it.
        high: upper end, likewise.
    """

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class ClassScore:
    """What was reached for one class; the definitions stand at `liveseg.evaluate.tally`.

    Args:
        name: of the class.
        images: how many images have it in their truth.
        pixels: how many counted pixels have it in their truth.
        found: how many counted pixels were given it.
        iou: intersection over union; `None` of a class that is in neither truth nor prediction.
        accuracy: the share of its true pixels that were given it (recall); `None` of a class without any.
        precision: the share of the pixels given it that are it; `None` of a class that no pixel was given.
        boundary_f: boundary F-score; `None` where no image has a boundary of it.
    """

    name: str
    images: int
    pixels: int
    found: int
    iou: Interval | None = None
    accuracy: Interval | None = None
    precision: Interval | None = None
    boundary_f: Interval | None = None


@dataclass(frozen=True)
class CalibrationBin:
    """The pixels whose confidence is above `low` and at most `high`; the first bin has those of 0, too.

    Args:
        low: see above.
        high: see above.
        count: how many pixels.
        confidence: their mean confidence; 0 where there are none.
        accuracy: the share of them that is right; 0 where there are none.
    """

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class ImageScore:
    """What was reached on one image.

    Args:
        key: of the sample; `Dataset.subset([key])` finds it.
        miou: mean IoU over the classes that its truth or its prediction has.
        pixel_accuracy: share of its counted pixels that are right.
        pixels: how many count.
    """

    key: str
    miou: float
    pixel_accuracy: float
    pixels: int


@dataclass(frozen=True, eq=False, kw_only=True)
class Evaluation:
    """How good a model's masks are on a set of labelled photos; `to_json` and `from_json` keep all of it.

    Args:
        dataset: the set's name.
        layout: of its files.
        images_digest: equal where two evaluations scored the same images in the same order, so that they are paired.
        labels: the set's classes, which all scores speak of.
        model: the model's name, or `masks` where files were scored.
        runtime: what ran it.
        device: where.
        precision: in what arithmetic.
        size: shorter side of the network's input in pixels, or `native`; `None` where files were scored.
        settings: what else decides the result: `tile`, `tta`, `unknown`, `weights` (a file's name and sha256), or
            `masks` (a folder's name, and the sha256 of the masks in it).
        images: how many were scored.
        skipped: how many could not be read and were left out.
        skipped_why: what was wrong with the first of them, a line each.
        pixels: how many count, of all images.
        confusion: `(C, C)` `int64` pixels: rows are the true classes, columns the predicted ones.
        unknown: `(C,)` `int64` pixels of each true class that were given none of the set's classes; they are wrong.
        per_class: one a class, in the order of `labels`.
        scores: by the names of `SCORES`; `boundary_f` is missing where no image has a boundary, or it was not asked
            for, `ece` where there were no confidences.
        calibration: the bins of the expected calibration error; empty where there were no confidences.
        worst: the images with the lowest mIoU, worst first.
        seed: of the bootstrap.
        replicates: by the names of `scores`, `(B,)` `float32` each: the score in every bootstrap replicate. Replicate
            `b` weighs an image alike in every evaluation of the same seed: differences are taken one by one. NaN where
            a replicate has no image that speaks for the score.
        class_replicates: `(C, B)` `float32`, the IoU of each class likewise.
        workers: processes that shared the images.
        threads: that each had.
        rate: images a second of everything: reading, network, counting, in all workers.
        line_rate: images a second of the network's line alone (`preprocess`, `infer`, `postprocess`) in all workers;
            `None` where files were scored.
        seconds: wall time of everything but loading.
        stages: milliseconds an image by stage, on average: `read`, `preprocess`, `infer`, `postprocess`, `count`.
        machine: what the rate depends on.
        date: when it ended, UTC, ISO 8601.
        notes: what is surprising about it, a sentence each.
    """

    dataset: str
    layout: str
    images_digest: str
    labels: LabelSet
    model: str
    runtime: str
    device: str
    precision: str
    size: int | str | None
    settings: Mapping[str, Any] = field(default_factory=dict)
    images: int
    skipped: int = 0
    skipped_why: tuple[str, ...] = ()
    pixels: int
    confusion: NDArray[np.int64] = field(repr=False)
    unknown: NDArray[np.int64] = field(repr=False)
    per_class: tuple[ClassScore, ...] = field(repr=False)
    scores: Mapping[str, Interval]
    calibration: tuple[CalibrationBin, ...] = field(default=(), repr=False)
    worst: tuple[ImageScore, ...] = field(default=(), repr=False)
    seed: int = 0
    replicates: Mapping[str, NDArray[np.float32]] = field(default_factory=dict, repr=False)
    class_replicates: NDArray[np.float32] = field(repr=False)
    workers: int = 1
    threads: int = 1
    rate: float = 0.0
    line_rate: float | None = None
    seconds: float = 0.0
    stages: Mapping[str, float] = field(default_factory=dict)
    machine: Mapping[str, Any] = field(default_factory=dict, repr=False)
    date: str = ""
    notes: tuple[str, ...] = ()

    @property
    def miou(self) -> float:
        """Mean IoU over the classes that are in the truth or the prediction, from 0 to 1."""
        return self.scores["miou"].value

    @property
    def absent(self) -> tuple[str, ...]:
        """The classes that are in neither truth nor prediction, which the mean IoU leaves out."""
        return tuple(own.name for own in self.per_class if own.iou is None)

    def to_json(self) -> dict[str, Any]:
        """The evaluation as JSON data; the replicates are base64 of little-endian `float32`."""
        record = {own.name: getattr(self, own.name) for own in fields(self)}
        record["labels"] = self.labels.to_json()
        record["confusion"] = self.confusion.tolist()
        record["unknown"] = self.unknown.tolist()
        record["scores"] = {name: asdict(score) for name, score in self.scores.items()}
        for name in ("per_class", "calibration", "worst"):
            record[name] = [asdict(each) for each in record[name]]
        record["replicates"] = {name: _packed(values) for name, values in self.replicates.items()}
        record["class_replicates"] = _packed(self.class_replicates)
        for name in ("settings", "stages", "machine"):
            record[name] = dict(record[name])
        for name in ("skipped_why", "notes"):
            record[name] = list(record[name])
        return {"liveseg": KIND, "schema": SCHEMA, **record}

    @classmethod
    def from_json(cls, record: object) -> Evaluation:
        """Read what `to_json` made.

        Raises:
            MediaError: data of another kind, or of a newer schema.
        """
        if not isinstance(record, dict) or record.get("liveseg") != KIND:
            raise MediaError("this is no result of liveseg eval")
        own = {name: value for name, value in record.items() if name not in ("liveseg", "schema")}
        try:
            if record["schema"] > SCHEMA:
                raise MediaError("this result was made by a newer liveseg; upgrade liveseg")
            own["labels"] = LabelSet.from_json(own["labels"])
            classes = len(own["labels"])
            own["confusion"] = np.array(own["confusion"], np.int64).reshape(classes, classes)
            own["unknown"] = np.array(own["unknown"], np.int64).reshape(classes)
            own["scores"] = {name: Interval(**score) for name, score in own["scores"].items()}
            own["per_class"] = tuple(_class_score(each) for each in own["per_class"])
            own["calibration"] = tuple(CalibrationBin(**each) for each in own["calibration"])
            own["worst"] = tuple(ImageScore(**each) for each in own["worst"])
            own["replicates"] = {name: _unpacked(text) for name, text in own["replicates"].items()}
            own["class_replicates"] = _unpacked(own["class_replicates"]).reshape(classes, -1)
            own["skipped_why"], own["notes"] = tuple(own["skipped_why"]), tuple(own["notes"])
            return cls(**own)
        except MediaError:
            raise
        except (KeyError, TypeError, ValueError, AttributeError, binascii.Error, LivesegError) as error:
            raise MediaError(f"this result of liveseg eval cannot be read: {error!r}") from error


def load_evaluation(path: str | PathLike[str]) -> Evaluation:
    """Read an evaluation that was written as JSON.

    Raises:
        SourceNotFoundError: no such file.
        MediaError: a file that holds something else.
    """
    return load_result_file(path, Evaluation.from_json)


def _class_score(record: dict[str, Any]) -> ClassScore:
    own = dict(record)
    for name in ("iou", "accuracy", "precision", "boundary_f"):
        own[name] = None if own[name] is None else Interval(**own[name])
    return ClassScore(**own)


def _packed(values: NDArray[np.float32]) -> str:
    return base64.b64encode(np.ascontiguousarray(values, "<f4").tobytes()).decode("ascii")


def _unpacked(text: str) -> NDArray[np.float32]:
    return np.frombuffer(base64.b64decode(text, validate=True), "<f4").astype(np.float32)
