"""`evaluate`: run a model over labelled photos and score its masks, image by image."""

from __future__ import annotations

import hashlib
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from liveseg._version import __version__
from liveseg.datasets.mapping import MappedSample
from liveseg.datasets.photo import shown_size
from liveseg.errors import DataError, LivesegError, MediaError, UsageError
from liveseg.evaluate.classes import fitted
from liveseg.evaluate.masks import recipe_of
from liveseg.evaluate.options import EvalOptions
from liveseg.evaluate.record import Record, read_header, read_images
from liveseg.evaluate.running import Run
from liveseg.evaluate.workers import Counting, Workers, counted
from liveseg.labels import LabelSet
from liveseg.runtimes.base import available_cores
from liveseg.tuning.machine import processor, versions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from os import PathLike

    from numpy.typing import NDArray

    from liveseg.datasets.base import Dataset, Sample
    from liveseg.evaluate.counts import ImageCounts
    from liveseg.evaluate.masks import Masks, Recipe
    from liveseg.evaluate.result import Evaluation
    from liveseg.segmenter import Segmenter
    from liveseg.settings import ModelSettings
    from liveseg.weights.patience import Progress as Download

    Progress = Callable[[int, int, float], None]
    """Is told how many images are done, how many there are, and the mIoU so far (NaN before any pixel counted)."""


def evaluate(
    segmenter: Segmenter | ModelSettings,
    dataset: Dataset,
    *,
    options: EvalOptions | None = None,
    record: str | PathLike[str] | None = None,
    progress: Progress | None = None,
    download: Download | None = None,
) -> Evaluation:
    """Score a model's masks on labelled photos, each at its own size.

    The definitions of the scores stand at `liveseg.evaluate.confusion`, `boundary`, `calibration` and `bootstrap`. One
    image after the other is read, so that memory does not grow with their number. The same images give the same scores,
    bit by bit, for any number of workers and however often a recorded run was interrupted.

    Args:
        segmenter: a loaded model, or the settings of one to load; only these can be given to several workers.
        dataset: the photos. Classes go together with the model's by name. Where the model has more, they count as the
            data set's background; where it has fewer, see `liveseg.datasets.mapping.map_to`.
        options: how it is done.
        record: a file that takes a line for each image; what it has already of the same evaluation is not done again.
            It tells weights of one name apart only where `segmenter` is settings.
        progress: called after each image.
        download: called while weights are downloaded.

    Raises:
        UsageError: options that contradict each other, classes that do not fit, a record of another evaluation.
        DataError: no photos, one that cannot be read (unless such are skipped), or none with a pixel that counts.
        LivesegError: a worker failed or died; and what `Segmenter` raises.
    """
    options = options or EvalOptions()
    return _evaluate(recipe_of(segmenter, dataset, options), dataset, options, record, progress, download)


def evaluate_masks(
    dataset: Dataset,
    folder: str | PathLike[str],
    *,
    options: EvalOptions | None = None,
    record: str | PathLike[str] | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Score masks that something else made: all the numbers but the calibration, for which files have no confidences.

    Args:
        dataset: the photos.
        folder: of PNG masks of class indices; see `liveseg.evaluate.masks.FileRecipe` for their names.
        options: as for `evaluate`.
        record: as for `evaluate`.
        progress: as for `evaluate`.

    Raises:
        SourceNotFoundError: no such folder.
        DataError: no mask for a photo (unless such are skipped), or one that makes no sense.
        UsageError: classes that do not fit, or a record of another evaluation.
    """
    options = options or EvalOptions()
    return _evaluate(recipe_of(Path(folder), dataset, options), dataset, options, record, progress, None)


def evaluation_of_record(path: str | PathLike[str], *, options: EvalOptions | None = None) -> Evaluation:
    """The evaluation that a record amounts to, without running anything; of one not finished, so far.

    Args:
        path: of the record.
        options: `worst`, `replicates`, `seed` and `skip_bad` count; the others are those of the record.

    Raises:
        SourceNotFoundError: no such file.
        MediaError: it cannot be read.
        UsageError: it is no record.
        DataError: it has images that could not be read, or no pixel that counts.
    """
    options = options or EvalOptions()
    path = Path(path)
    header = read_header(path)
    try:
        labels = LabelSet.from_json(header["labels"])
        run = Run(header, labels, options)
        for counts, seconds in read_images(path):
            run.add(counts, seconds)
        ran = header["run"]
        if run.done < header["images"]:
            run.notes.append(f"the record has {run.done:,} of {header['images']:,} photos")
        return run.evaluation(ran["workers"], ran["threads"], ran["machine"])
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, LivesegError):
            raise
        raise MediaError(f"{path} cannot be read as a record: {error!r}") from error


def _evaluate(
    recipe: Recipe,
    dataset: Dataset,
    options: EvalOptions,
    record: str | PathLike[str] | None,
    progress: Progress | None,
    download: Download | None,
) -> Evaluation:
    if not len(dataset):
        raise DataError(f"{dataset.name} has no photos")
    workers = min(options.workers, len(dataset))
    masks = recipe.open(max((options.threads or available_cores()) // workers, 1), download)
    ready = prepare(masks, dataset, options, workers)
    dataset, counting, header = ready.dataset, ready.counting, ready.header
    threads, machine = masks.threads, header["run"]["machine"]
    run = Run(header, dataset.labels, options)

    def take(counts: ImageCounts, seconds: float) -> None:
        run.add(counts, seconds)
        if progress is not None:
            progress(run.done, len(dataset), run.miou)

    with ExitStack() as stack:
        log = None if record is None else stack.enter_context(Record(record, header))
        for counts, seconds in () if log is None else log.past():
            if run.done >= len(dataset) or counts.key != dataset.samples[run.done].key:
                raise UsageError(f"{record} has {counts.key!r} out of turn; it is damaged, remove it and begin again")
            take(counts, seconds)
        rest = dataset.samples[run.done :]
        size = _size(rest)
        if workers > 1 and rest:
            del masks  # each worker has its own
            work = stack.enter_context(Workers(recipe, counting, workers, threads, size)).counted(rest)
        else:
            if size is not None:
                masks.warm_up(*size)
            work = stack.enter_context(closing(counted(masks, counting, rest)))
        began = time.perf_counter()
        for counts in work:
            now = time.perf_counter()
            seconds, began = now - began, now
            if log is not None and (options.skip_bad or not counts.bad):
                log.add(counts, seconds)
            take(counts, seconds)
    return run.evaluation(workers, threads, machine)


@dataclass(frozen=True, eq=False)
class Prepared:
    """What an evaluation needs before its first image.

    Args:
        dataset: the photos, with classes that the predicted masks have.
        counting: what is done with each.
        header: of the record.
    """

    dataset: Dataset
    counting: Counting
    header: dict[str, Any]


def prepare(masks: Masks, dataset: Dataset, options: EvalOptions, workers: int = 1) -> Prepared:
    """Bring predicted masks and labelled photos together.

    Args:
        masks: which are opened.
        dataset: the photos.
        options: how they are scored.
        workers: processes that share them.

    Raises:
        UsageError: classes that do not fit.
    """
    dataset, table, notes = fitted(dataset, masks.labels)
    calibration = options.calibration and masks.network
    classes = len(dataset.labels)
    header = {
        "version": __version__,
        "dataset": dataset.name,
        "layout": dataset.layout,
        "images": len(dataset),
        "images_digest": _digest(dataset),
        "truth": _reading_digest(dataset),
        "classes": list(dataset.labels.names),
        "labels": dataset.labels.to_json(),
        **masks.facts,
        "counted": {"boundary": options.boundary, "calibration": calibration},
        "notes": [*dataset.notes, *notes],
        "run": {"workers": workers, "threads": masks.threads, "machine": _machine()},
    }
    return Prepared(dataset, Counting(classes, _needed(table, classes), options.boundary, calibration), header)


def _needed(table: NDArray[np.uint8], classes: int) -> bytes | None:
    """The table, if it changes anything."""
    same = (table[:classes] == np.arange(classes)).all() and (table[classes:] >= classes).all()
    return None if same else table.tobytes()


def _size(samples: Sequence[Sample]) -> tuple[int, int] | None:
    """Height and width of the first photo, to get ready for it; one that cannot be read is told when its turn comes."""
    try:
        return shown_size(samples[0].image) if samples else None
    except LivesegError:
        return None


def _digest(dataset: Dataset) -> str:
    digest = hashlib.sha256()
    for sample in dataset:
        digest.update(sample.key.encode() + b"\n")
    return digest.hexdigest()


def _reading_digest(dataset: Dataset) -> str:
    """How the true masks are made of their files: two mappings may lead to the same classes."""
    digest = hashlib.sha256()
    for way in sorted({repr(_reading(sample)) for sample in dataset}):
        digest.update(way.encode())
    return digest.hexdigest()


def _reading(sample: Sample) -> tuple[object, ...]:
    if isinstance(sample, MappedSample):
        return (sample.table, *_reading(sample.sample))
    return (getattr(sample, "code", None), getattr(sample, "rule", None))


def _machine() -> dict[str, Any]:
    return {"processor": processor(), "cores": available_cores(), "versions": versions()}
