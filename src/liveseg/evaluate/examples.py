"""Photos of an evaluation with both masks, to be drawn."""

from __future__ import annotations

from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from liveseg.evaluate.classes import fitted
from liveseg.evaluate.masks import recipe_of
from liveseg.evaluate.options import EvalOptions
from liveseg.labels import IGNORE_INDEX

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from liveseg.datasets.base import Dataset
    from liveseg.segmenter import Segmenter
    from liveseg.settings import ModelSettings


@dataclass(frozen=True, eq=False)
class Example:
    """A photo with both masks, to be drawn.

    Args:
        key: of the sample.
        image: `(H, W, 3)` `uint8` RGB.
        truth: `(H, W)` `uint8`, indices of the data set's labels, 255 where no answer counts.
        found: `(H, W)` `uint8`, the predicted mask likewise, 255 where it is no class.
    """

    key: str
    image: NDArray[np.uint8]
    truth: NDArray[np.uint8]
    found: NDArray[np.uint8]


def examples(
    segmenter: Segmenter | ModelSettings | str | PathLike[str],
    dataset: Dataset,
    keys: Iterable[str],
    *,
    options: EvalOptions | None = None,
) -> Iterator[Example]:
    """Photos of an evaluation with their masks once more, such as the worst, in the order of the keys.

    Args:
        segmenter: as for `evaluate`, or the folder of masks that `evaluate_masks` was given.
        dataset: likewise.
        keys: of the photos.
        options: as they were for the evaluation.

    Raises:
        LivesegError: as `evaluate`.
    """
    options = options or EvalOptions()
    if isinstance(segmenter, str | PathLike):
        segmenter = Path(segmenter)
    masks = recipe_of(segmenter, dataset, replace(options, workers=1)).open(options.threads)
    dataset, table, _ = fitted(dataset, masks.labels)
    wanted = list(keys)
    samples = {sample.key: sample for sample in dataset.subset(wanted)}
    told = np.where(table < len(dataset.labels), table, IGNORE_INDEX).astype(np.uint8)
    for key in wanted:
        sample = samples[key]
        found = masks.find(masks.read(sample), confident=False)
        yield Example(key, sample.read_image(), sample.read_mask(), told[found.mask])
