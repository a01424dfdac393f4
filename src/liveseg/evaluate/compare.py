"""Evaluations of the same images against the first of them: differences with paired intervals, agreement, rate."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from liveseg.errors import UsageError
from liveseg.evaluate.bootstrap import LEVEL
from liveseg.evaluate.result import LOWER_IS_BETTER, Interval

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

    from numpy.typing import NDArray

    from liveseg.evaluate.result import Evaluation

SCHEMA = 1
KIND = "comparison"
"""What the JSON names itself."""


@dataclass(frozen=True)
class Agreement:
    """How alike two predictions are, whatever the truth says.

    Args:
        share: of the pixels, those with the same class.
        miou: mean IoU of one against the other, over the classes that either has.
    """

    share: float
    miou: float


@dataclass(frozen=True, eq=False)
class Contender:
    """One of the things compared.

    Args:
        name: what it is called.
        evaluation: what it reached.
        differences: to the first, by the names of `Evaluation.scores` that both have; empty of the first.
        class_differences: of the IoU to the first, by class, of those that both have.
        agreement: of its masks with the first one's; `None` of the first, and where its masks were not at hand.
        rate: images a second of the network's line; `None` where it is not known.
        ratio: of its rate to the first one's; `None` where the two were not measured in turn.
    """

    name: str
    evaluation: Evaluation = field(repr=False)
    differences: Mapping[str, Interval]
    class_differences: Mapping[str, Interval]
    agreement: Agreement | None = None
    rate: float | None = None
    ratio: float | None = None


def compare(
    names: Sequence[str],
    evaluations: Sequence[Evaluation],
    agreements: Sequence[Agreement | None] | None = None,
    *,
    in_turn: Container[int] = (),
) -> list[Contender]:
    """Hold evaluations of the same images against the first.

    Args:
        names: what they are called.
        evaluations: as `evaluate` or `compare_models` gives them.
        agreements: of each one's masks with the first one's.
        in_turn: the places of those that ran in turn with the first, so that their rates are to be compared.

    Raises:
        UsageError: evaluations of other images or classes, or whose intervals were drawn otherwise.
    """
    first = evaluations[0]
    contenders = []
    for index, (name, own) in enumerate(zip(names, evaluations, strict=True)):
        check_pair(names[0], first, name, own)
        ratio = None
        if index in in_turn and index and own.line_rate and first.line_rate:
            ratio = own.line_rate / first.line_rate
        contenders.append(
            Contender(
                name,
                own,
                _differences(first, own) if index else {},
                _class_differences(first, own) if index else {},
                agreements[index] if agreements else None,
                own.line_rate,
                ratio,
            )
        )
    return contenders


def check_pair(name: str, one: Evaluation, other_name: str, other: Evaluation) -> None:
    """See that two evaluations can be held against each other image by image.

    Raises:
        UsageError: they cannot; the message says why.
    """
    if one.labels.names != other.labels.names:
        raise UsageError(f"{name} and {other_name} speak of other classes; evaluate both with the same --mapping")
    if (one.images_digest, one.images) != (other.images_digest, other.images):
        raise UsageError(
            f"{name} and {other_name} were measured on other images ({one.images} of {one.dataset}, {other.images} of"
            f" {other.dataset}); evaluate both on the same"
        )
    if one.seed != other.seed or one.class_replicates.shape != other.class_replicates.shape:
        raise UsageError(
            f"the intervals of {name} and {other_name} were drawn otherwise; evaluate both with one --seed"
        )


def verdict(difference: Interval, score: str = "miou") -> str:
    """What a difference of a score says: `better`, `worse`, or `not told apart`, where 0 lies in its interval."""
    if difference.low is None or difference.high is None or difference.low <= 0 <= difference.high:
        return "not told apart"
    return "better" if (difference.low > 0) != (score in LOWER_IS_BETTER) else "worse"


def to_json(contenders: Sequence[Contender], command: str = "") -> dict[str, Any]:
    """The comparison as JSON data; each `evaluation` in it is what `liveseg eval --json` writes."""
    return {
        "liveseg": KIND,
        "schema": SCHEMA,
        "command": command,
        "compared": [
            {
                "name": own.name,
                "rate": own.rate,
                "ratio": own.ratio,
                "differences": {name: asdict(each) for name, each in own.differences.items()},
                "class_differences": {name: asdict(each) for name, each in own.class_differences.items()},
                "agreement": None if own.agreement is None else asdict(own.agreement),
                "evaluation": own.evaluation.to_json(),
            }
            for own in contenders
        ],
    }


def _differences(first: Evaluation, own: Evaluation) -> dict[str, Interval]:
    told = {}
    for name, score in own.scores.items():
        if name in first.scores:
            drawn = own.replicates[name].astype(np.float64) - first.replicates[name]
            other = first.scores[name]
            told[name] = difference_interval(score.value - other.value, drawn, _speaking(score, other, own.images))
    return told


def _class_differences(first: Evaluation, own: Evaluation) -> dict[str, Interval]:
    told = {}
    drawn = own.class_replicates.astype(np.float64) - first.class_replicates
    for index, (here, there) in enumerate(zip(own.per_class, first.per_class, strict=True)):
        if here.iou is not None and there.iou is not None:
            speaking = _speaking(here.iou, there.iou, own.images)
            told[here.name] = difference_interval(here.iou.value - there.iou.value, drawn[index], speaking)
    return told


def _speaking(one: Interval, other: Interval, images: int) -> int:
    """How many images have a say in a difference; a score without an interval is that of one alone."""
    return 1 if one.low is None or other.low is None else images


def difference_interval(value: float, drawn: NDArray[np.float64], images: int) -> Interval:
    """The percentiles of the replicates' differences, which hold the difference itself.

    They are not moved by twice their bias, as those of a score are: both sides have much the same bias. Of 250 draws of
    50, 150 and 343 images of 21 classes, and two pairs of models, percentiles as they are held the true difference 87
    to 93, 89 to 95 and 92 to 98 times of 100, moved ones 75 to 81, 84 to 91 and 93 to 94 times; see
    `benchmarks/paired_intervals.py`.
    """
    there = drawn[~np.isnan(drawn)]
    if images < 2 or not len(there):
        return Interval(value)
    low, high = np.percentile(there, [50 * (1 - LEVEL), 50 * (1 + LEVEL)]).tolist()
    return Interval(value, min(low, value), max(high, value))
