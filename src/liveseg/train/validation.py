"""How good the average of the weights is, after each round: mIoU on whole photos, as the segmenter would see them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from liveseg.evaluate.confusion import pairs
from liveseg.runtimes.torch import Contracted
from liveseg.segmenter import Segmenter
from liveseg.train.data import in_order
from liveseg.train.photos import read_labelled
from liveseg.train.watcher import Watcher

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from liveseg.contract import ModelContract
    from liveseg.datasets import Sample
    from liveseg.models.network import SegmentationNetwork
    from liveseg.train.module import Trainee

MIOU = "miou"
"""The metric's name in Lightning."""

_MOST = 500
"""Photos that a round is measured on; the end of a training measures on all."""


@dataclass(frozen=True)
class Scores:
    """What a validation found.

    Args:
        miou: the mean over the classes that are in truth or prediction, in [0, 1].
        accuracy: the share of the pixels that are right.
        ious: a class each; NaN where it is in neither.
    """

    miou: float
    accuracy: float
    ious: tuple[float, ...]


class NetworkRuntime:
    """A network as it is, on the device where it is, as a `Runtime`: no copy, no other precision.

    Args:
        network: in evaluation mode.
        contract: how it is fed and read.
    """

    name = "torch"
    precision = "float32"

    def __init__(self, network: SegmentationNetwork, contract: ModelContract) -> None:
        self.contract = contract
        self._where = next(network.parameters()).device
        self.device = str(self._where)
        self._module = Contracted(network).to(self._where).eval()

    @torch.inference_mode()
    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Run the network; see `Runtime`."""
        pixels = torch.from_numpy(np.require(images, requirements="W")).to(self._where)
        return np.asarray(self._module(pixels).float().cpu().contiguous().numpy())


def segmenter_of(network: SegmentationNetwork, contract: ModelContract) -> Segmenter:
    """A segmenter around a network that may go on learning afterwards."""
    return Segmenter.from_runtime(NetworkRuntime(network, contract))


class Validation(Watcher):
    """Measures after each round; `scores` is what was found last.

    Args:
        samples: labelled photos that are not learned from.
        classes: how many there are.
        workers: threads that read photos.
    """

    def __init__(self, samples: Sequence[Sample], classes: int, workers: int) -> None:
        self._samples = tuple(samples[:: -(-len(samples) // _MOST) or 1])
        self._classes = classes
        self._workers = workers
        self.scores: Scores | None = None

    def __len__(self) -> int:
        """Photos that a round is measured on."""
        return len(self._samples)

    def round_ended(self, trainee: Trainee) -> None:
        """Measure, on each device its share of the photos."""
        if not self._samples:
            return
        devices = trainee.trainer.world_size
        counts = self.confusion(trainee, self._samples[trainee.global_rank :: devices])
        if devices > 1:
            torch.distributed.all_reduce(counts)
        self.scores = scores_of(counts.cpu().numpy())
        trainee.log(MIOU, self.scores.miou)

    def confusion(self, trainee: Trainee, samples: Sequence[Sample]) -> torch.Tensor:
        """True class (rows) against predicted one, in pixels, `(C, C)` `int64`, on the network's device."""
        counts = np.zeros((self._classes, self._classes), np.int64)
        segmenter = segmenter_of(trainee.averaged, trainee.contract)
        for image, mask in in_order(read_labelled, samples, workers=self._workers, ahead=2 * self._workers):
            for truth, found, pixels in pairs(mask, segmenter.segment(image).mask, self._classes):
                counts[truth, found] += pixels
        return torch.from_numpy(counts).to(trainee.device)


def scores_of(confusion: NDArray[np.int64]) -> Scores:
    """The scores of a confusion matrix `(C, C)`, true classes by rows; as `liveseg.evaluate.confusion` defines them."""
    right, true, found = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    ious = np.full(len(confusion), np.nan)
    np.divide(right, true + found - right, out=ious, where=(true + found) > 0)
    pixels = max(int(true.sum()), 1)
    there = ious[~np.isnan(ious)]
    return Scores(float(there.mean()) if len(there) else 0.0, int(right.sum()) / pixels, tuple(ious.tolist()))
