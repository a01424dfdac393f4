"""From the best weights of a training to a model that runs: its files, its scores and its card."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from liveseg.contract import METADATA_KEY
from liveseg.errors import DataError
from liveseg.evaluate.engine import evaluate
from liveseg.evaluate.examples import examples
from liveseg.evaluate.options import EvalOptions
from liveseg.evaluate.page import Extras, page
from liveseg.evaluate.page_photos import Photo
from liveseg.files import atomic_write
from liveseg.media.images import write_image
from liveseg.runtimes.convert import Wish, convert
from liveseg.runtimes.original import Original
from liveseg.runtimes.parity import Picture
from liveseg.segmenter import Segmenter
from liveseg.train.card import Subject, card, limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from liveseg.contract import ModelContract
    from liveseg.datasets import Dataset, Sample
    from liveseg.evaluate.engine import Progress
    from liveseg.evaluate.result import Evaluation
    from liveseg.models.network import SegmentationNetwork
    from liveseg.runtimes.parity import Parity
    from liveseg.train.facts import DataFacts
    from liveseg.train.fit import Fitted
    from liveseg.train.run_folder import RunFolder

_COMPARED, _PAGE = 12, 12
"""Photos that the exported model is compared on with the trained one, and that the page shows."""


@dataclass(frozen=True, eq=False)
class Finished:
    """What a training ended in.

    Args:
        folder: where it lies.
        contract: of the model.
        parity: how the exported model compares with the trained one.
        evaluation: how good it is; `None` where no photos were kept to measure on.
        limits: what whoever uses it should keep in mind, a sentence or two each.
    """

    folder: RunFolder
    contract: ModelContract
    parity: Parity
    evaluation: Evaluation | None
    limits: tuple[str, ...]


def finish(
    fitted: Fitted,
    folder: RunFolder,
    validation: Dataset,
    facts: DataFacts,
    *,
    origin: str,
    others: Sequence[Sample] = (),
    command: str = "",
    threads: int | None = None,
    tell: Callable[[str], None] = lambda _step: None,
    progress: Progress | None = None,
) -> Finished:
    """Write the finished model, measure it and describe it; the card, written last, says that all is there.

    Args:
        fitted: the best weights, which are averages.
        folder: of the run.
        validation: photos to measure on; may be empty.
        facts: what the model was made from.
        origin: which weights it started from, in words.
        others: photos to compare the exported model on where none are kept to measure on.
        command: as it was typed.
        threads: on the CPU; all available cores by default.
        tell: called with each step, in words.
        progress: called after each photo that was measured.

    Raises:
        ParityError: the exported model differs from the trained one by more than the limits; it was not written.
        DataError: a photo that cannot be read.
        SinkError: a file that cannot be written.
    """
    validation = replace(validation, labels=fitted.contract.labels)
    folder.write_json(folder.labels, fitted.contract.labels.to_json())
    tell(f"writing {folder.checkpoint.name}")
    _save(fitted.network, fitted.contract, folder.checkpoint)
    parity = _export(folder, validation.samples or others, tell)
    evaluation, picture = None, None
    if len(validation):
        tell(f"measuring on {len(validation)} photos")
        segmenter = Segmenter(weights=folder.path, threads=threads)
        evaluation = _measure(segmenter, folder, validation, command, progress)
        picture = _draw(segmenter, folder, validation, evaluation)
    subject = Subject(folder.path, fitted, facts, origin, parity, evaluation, picture, command)
    folder.write_text(folder.card, card(subject))
    return Finished(folder, fitted.contract, parity, evaluation, tuple(limits(fitted, facts, evaluation)))


def _save(network: SegmentationNetwork, contract: ModelContract, target: Path) -> None:
    from safetensors.torch import save

    state = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    with atomic_write(target, overwrite=True) as partial:
        # What writes the file itself makes one that only its owner may read.
        partial.write_bytes(save(state, metadata={METADATA_KEY: contract.to_json()}))


class _Pictures:
    """A few of the photos, evenly, read one by one."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        places = np.linspace(0, len(samples) - 1, min(_COMPARED, len(samples))).round().astype(int)
        self._samples = [samples[place] for place in places]

    def __len__(self) -> int:
        return len(self._samples)

    def __iter__(self) -> Iterator[Picture]:
        return (Picture(sample.read_image(), sample.read_mask()) for sample in self._samples)


def _export(folder: RunFolder, samples: Sequence[Sample], tell: Callable[[str], None]) -> Parity:
    """Write the graph, held to the checkpoint that was just written."""
    if not samples:
        raise DataError("there is no photo to compare the exported model with the trained one on")
    wish = Wish(folder.graph, "onnx", overwrite=True)
    made = convert(Original(None, folder.path), wish, _Pictures(samples), tell=tell)
    return min((entry.parity for entry in made.compared), key=lambda parity: parity.agreement)


def _measure(
    segmenter: Segmenter, folder: RunFolder, validation: Dataset, command: str, progress: Progress | None
) -> Evaluation:
    """Score every photo; the page shows the worst, and how all of them are spread."""
    found = evaluate(segmenter, validation, options=EvalOptions(worst=len(validation)), progress=progress)
    folder.write_json(folder.report, found.to_json())
    said = {
        image.key: f"mIoU {100 * image.miou:.1f} %, {100 * image.pixel_accuracy:.1f} % of the pixels are right"
        for image in found.worst[:_PAGE]
    }
    paths = {sample.key: sample.image for sample in validation}
    photos = [
        Photo(own.key, paths[own.key], said[own.key], own.image, own.truth, {"this model": own.found})
        for own in examples(segmenter, validation, said)
    ]
    extras = Extras(photos, [image.miou for image in found.worst], command)
    folder.write_text(folder.page, page(found, folder.path, extras))
    return found


def _draw(segmenter: Segmenter, folder: RunFolder, validation: Dataset, evaluation: Evaluation) -> str:
    """The card's picture: a good photo, a middling one and the worst; returns its name."""
    from liveseg.train.samples import sheet

    order = evaluation.worst[::-1]
    keys = dict.fromkeys(order[place].key for place in (len(order) // 10, len(order) // 2, len(order) - 1))
    rows = [(own.image, own.truth, own.found) for own in examples(segmenter, validation, keys)]
    write_image(folder.picture, sheet(rows, validation.labels, "this model"), overwrite=True)
    return folder.picture.name
