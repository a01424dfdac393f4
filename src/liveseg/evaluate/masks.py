"""Where the masks that are scored come from: a network, or files that something else made."""

from __future__ import annotations

import hashlib
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from liveseg.datasets.mask_file import MASK_EXTENSIONS, MaskCode, embedded_labels, read_mask_file
from liveseg.datasets.places import pictures
from liveseg.errors import DataError, SourceNotFoundError, UsageError
from liveseg.segmenter import Segmenter
from liveseg.settings import ModelSettings
from liveseg.weights.run import weights_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from liveseg.datasets.base import Dataset, Sample
    from liveseg.evaluate.options import EvalOptions
    from liveseg.labels import LabelSet
    from liveseg.weights.patience import Progress


@dataclass(frozen=True, eq=False)
class Found:
    """A predicted mask.

    Args:
        mask: `(H, W)` `uint8`, indices of its source's labels; what is beyond them is no class.
        confidence: `(H, W)` `float32`, the probability of each pixel's class; `None` where it is not known.
        speed: milliseconds by stage.
    """

    mask: NDArray[np.uint8]
    confidence: NDArray[np.float32] | None = None
    speed: Mapping[str, float] = field(default_factory=dict)


class Masks(Protocol):
    """Gives a predicted mask for each photo."""

    @property
    def labels(self) -> LabelSet:
        """What the masks' indices stand for."""

    @property
    def facts(self) -> Mapping[str, Any]:
        """What made them: `model`, `runtime`, `device`, `precision`, `size` and `settings` of `Evaluation`."""

    @property
    def network(self) -> bool:
        """Whether a network makes them, which has confidences."""

    @property
    def threads(self) -> int:
        """How many it takes on the CPU."""

    def warm_up(self, height: int, width: int) -> None:
        """Get ready for photos of such a size."""

    def read(self, sample: Sample) -> NDArray[np.uint8]:
        """What is read of a photo; called in another thread than `find`.

        Raises:
            MediaError: a file that cannot be read, whose name is in the message; or its like, such as DataError.
        """

    def find(self, read: NDArray[np.uint8], *, confident: bool) -> Found:
        """The mask of what was read.

        Args:
            read: what `read` gave.
            confident: with confidences, where they are known.
        """


class Recipe(Protocol):
    """How to open `Masks`, in this process or another: it can be sent there."""

    def open(self, threads: int | None, progress: Progress | None = None) -> Masks:
        """Open them.

        Args:
            threads: of the network, on the CPU; all available cores by default.
            progress: of a download.
        """


class NetworkMasks:
    """The masks of a network, made as `liveseg run` makes those of photos.

    Args:
        segmenter: what makes them.
        settings: what else decides them, for the record.
    """

    network = True

    def __init__(self, segmenter: Segmenter, settings: Mapping[str, Any] | None = None) -> None:
        self._segmenter = segmenter
        self.labels = segmenter.contract.labels
        self.threads = segmenter.threads_each
        self.facts: dict[str, Any] = {
            "model": segmenter.model,
            "runtime": segmenter.runtime,
            "device": segmenter.device,
            "precision": segmenter.precision,
            "size": segmenter.size,
            "settings": dict(settings or {}) | {"unknown": segmenter.unknown},
        }

    def warm_up(self, height: int, width: int) -> None:
        """Run once on a blank picture."""
        self._segmenter.warm_up(width, height)

    def read(self, sample: Sample) -> NDArray[np.uint8]:
        """The photo."""
        return sample.read_image()

    def find(self, read: NDArray[np.uint8], *, confident: bool) -> Found:
        """The network's mask of a photo."""
        found = self._segmenter.segment(read)
        return Found(found.mask, found.confidence if confident else None, found.speed)


@dataclass(frozen=True)
class NetworkRecipe:
    """A network to be loaded.

    Args:
        settings: which.
        unknown: see `Segmenter`.
    """

    settings: ModelSettings
    unknown: float | None = None

    def open(self, threads: int | None, progress: Progress | None = None) -> NetworkMasks:
        """Load it; what it raises stands at `Segmenter`."""
        own = self.settings
        segmenter = Segmenter(
            own.model,
            weights=own.weights,
            runtime=own.runtime,
            device=own.device,
            precision=own.precision,
            threads=threads,
            size=own.size,  # type: ignore[arg-type]  # a number or `native`, which settings parsed
            tile=own.tile,  # type: ignore[arg-type]  # likewise
            tta=own.tta,
            unknown=self.unknown,
            progress=progress,
        )
        weights = None if own.weights is None else _weights(own.weights)
        return NetworkMasks(segmenter, {"tile": own.tile, "tta": own.tta, "weights": weights})


@dataclass(frozen=True)
class OpenedRecipe:
    """A segmenter that is loaded already, and cannot go to another process."""

    segmenter: Segmenter

    def open(self, threads: int | None, progress: Progress | None = None) -> NetworkMasks:
        """Take it as it is."""
        del threads, progress
        return NetworkMasks(self.segmenter)


@dataclass(frozen=True)
class FileMasks:
    """Masks in files; they have no confidences.

    Args:
        labels: what their values stand for.
        files: the file of each photo, by its key.
        folder: what the folder that they lie in is called.
    """

    labels: LabelSet
    files: Mapping[str, Path] = field(repr=False)
    folder: str
    network = False
    threads = 1

    @property
    def facts(self) -> Mapping[str, Any]:
        """See `Masks`; all files are read for it."""
        settings = {"masks": {"name": self.folder, "sha256": _content(self.files)}}
        how = {"model": "masks", "runtime": "files", "device": "none", "precision": "none", "size": None}
        return how | {"settings": settings}

    def warm_up(self, height: int, width: int) -> None:
        """Do nothing: they are there."""
        del height, width

    def read(self, sample: Sample) -> NDArray[np.uint8]:
        """The mask of a photo."""
        path = self.files.get(sample.key)
        if path is None:
            raise DataError(f"no predicted mask for {sample.image}: there is no {sample.key}.png among them")
        return read_mask_file(path, MaskCode.of(self.labels), sample.image)

    def find(self, read: NDArray[np.uint8], *, confident: bool) -> Found:
        """The mask itself."""
        del confident
        return Found(read)


@dataclass(frozen=True)
class FileRecipe:
    """A folder of masks.

    The mask of the photo `a/b` is `a/b.png` there, `a/b_mask.png`, or, where no other photo is called `b`, as `liveseg
    run --save mask` names it: `b_<model>_mask.png`. A mask that liveseg wrote says itself what its values stand for,
    others have the data set's.

    Args:
        folder: where they are.
        dataset: whose photos they belong to.
    """

    folder: Path
    dataset: Dataset

    def open(self, threads: int | None, progress: Progress | None = None) -> FileMasks:
        """Look for the masks.

        Raises:
            SourceNotFoundError: no such folder.
            DataError: there is no mask in it for any of the photos.
        """
        del threads, progress
        if not self.folder.is_dir():
            raise SourceNotFoundError(f"no such folder: {self.folder}")
        there = pictures(self.folder, MASK_EXTENSIONS)
        tail = _tail(self.dataset, there)
        names = Counter(sample.key.rpartition("/")[2] for sample in self.dataset.samples)
        files = {}
        for sample in self.dataset.samples:
            name = sample.key.rpartition("/")[2]
            # Of photos of one name in several folders such a mask says not which it belongs to.
            alone = [f"{name}{tail}"] if names[name] == 1 else []
            for key in (sample.key, f"{sample.key}_mask", *alone):
                if key in there:
                    files[sample.key] = there[key]
                    break
        if not files:
            raise DataError(
                f"no mask in {self.folder} belongs to a photo of {self.dataset.name}; a photo named"
                f" {self.dataset.samples[0].key} has {self.dataset.samples[0].key}.png"
            )
        labels = embedded_labels(next(iter(files.values()))) or self.dataset.labels
        return FileMasks(labels, files, self.folder.name)


def recipe_of(segmenter: Segmenter | ModelSettings | Path, dataset: Dataset, options: EvalOptions) -> Recipe:
    """How to open a model that is loaded or is to be, or a folder of masks.

    Raises:
        UsageError: options that a loaded model contradicts.
    """
    if isinstance(segmenter, Path):
        return FileRecipe(segmenter, dataset)
    if isinstance(segmenter, ModelSettings):
        return NetworkRecipe(segmenter, options.unknown)
    if options.workers > 1:
        raise UsageError("a loaded model cannot go to several workers; give the settings of one, or take one worker")
    if options.unknown not in (None, segmenter.unknown):
        raise UsageError("say unknown where the model is loaded, or give the settings of one")
    return OpenedRecipe(segmenter)


def _tail(dataset: Dataset, there: Mapping[str, Path]) -> str:
    """What `liveseg run` put behind the photos' names, if it made these masks: `_lite_mask`."""
    first = dataset.samples[0].key.rpartition("/")[2]
    tails = {key.removeprefix(first) for key in there if key.startswith(f"{first}_") and key.endswith("_mask")}
    names = [sample.key.rpartition("/")[2] for sample in dataset.samples]
    return max(sorted(tails), key=lambda tail: sum(f"{name}{tail}" in there for name in names), default="_mask")


def _content(files: Mapping[str, Path]) -> str:
    """What tells masks apart that lie in folders of one name."""
    digest = hashlib.sha256()
    for key, path in files.items():
        with suppress(OSError):  # which is told when its turn comes
            digest.update(f"{key}\n{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def _weights(path: Path) -> dict[str, Any]:
    """What tells weights apart that are called the same."""
    from liveseg.maskfile.identity import identity_of  # brings PyAV

    return {"name": path.name, "sha256": identity_of(weights_file(path)).sha256}
