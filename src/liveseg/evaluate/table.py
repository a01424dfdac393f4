"""An evaluation as tables: for a page in Markdown, for a terminal by rich, both from the same rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liveseg.bench.table import Table
from liveseg.evaluate.compare import verdict
from liveseg.evaluate.words import WORDS, how_run, interval, percent, points
from liveseg.pages.text import count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from liveseg.evaluate.compare import Contender
    from liveseg.evaluate.result import Evaluation

FEW_PHOTOS = 10
"""Photos below which little is known of a class; see `benchmarks/results/intervals.json`."""


def heading(evaluation: Evaluation) -> str:
    """One line: what was measured, and on what."""
    photos = f"{count(evaluation.images, 'photo')}, {evaluation.pixels / 1e6:.1f} million pixels"
    return f"{evaluation.dataset} ({photos}), {how_run(evaluation)}"


def tables(evaluation: Evaluation) -> list[Table]:
    """The scores of each class, and below them those of all."""
    classes = Table("Classes, per cent (95 % interval over photos)")
    for own in evaluation.per_class:
        if own.iou is not None:
            classes.rows.append(
                {
                    "class": own.name,
                    "IoU": percent(own.iou),
                    "accuracy": percent(own.accuracy),
                    "precision": percent(own.precision),
                    WORDS["boundary_f"].title: "" if own.boundary_f is None else percent(own.boundary_f),
                    "pixels": f"{own.pixels:,}",
                    "photos": f"{own.images:,}",
                }
            )
    scores = Table("All classes together")
    for name, score in evaluation.scores.items():
        row = {"score": WORDS[name].title, "per cent": f"{100 * score.value:.1f}"}
        scores.rows.append(row | {"95 % interval": interval(score).strip(" ()")})
    return [classes, scores]


def remarks(evaluation: Evaluation) -> list[str]:
    """What does not fit into a table: the rate, the classes that were left out, and what is surprising."""
    lines = [rate(evaluation)]
    absent = evaluation.absent
    if absent:
        lines.append(
            f"left out of the means, being in no true and no predicted mask: {count(len(absent), 'class')}"
            f" ({', '.join(absent)})"
        )
    lines += thin(evaluation)
    if evaluation.skipped:
        lines.append(f"left out: {count(evaluation.skipped, 'photo')} that could not be read")
        lines += list(evaluation.skipped_why)
    return [*lines, *evaluation.notes]


def thin(evaluation: Evaluation) -> list[str]:
    """Says which classes are in so few photos that their numbers, and the interval of the mIoU, mean little."""
    few = [own for own in evaluation.per_class if own.iou is not None and own.images < FEW_PHOTOS]
    if not few:
        return []
    named = ", ".join(f"{own.name} ({own.images})" for own in few[:8]) + (
        f" and {len(few) - 8} more" if len(few) > 8 else ""
    )
    what = f"{count(len(few), 'class')} in fewer than {FEW_PHOTOS} photos"
    return [f"{what}, so hardly known, and the interval of the mIoU is too narrow for it: {named}"]


def rate(evaluation: Evaluation) -> str:
    """How fast it ran, and what took how long."""
    stages = ", ".join(f"{name} {spent:.1f}" for name, spent in evaluation.stages.items())
    line = f"; the network's line alone {evaluation.line_rate:.1f}" if evaluation.line_rate is not None else ""
    return f"{evaluation.rate:.1f} photos a second in all{line}" + (f"; ms a photo: {stages}" if stages else "")


def comparison_heading(contenders: Sequence[Contender]) -> str:
    """One line: how many things were compared, on what."""
    own = contenders[0].evaluation
    return f"{len(contenders)} on {own.dataset} ({count(own.images, 'photo')}, {own.pixels / 1e6:.1f} million pixels)"


def comparison_tables(contenders: Sequence[Contender]) -> list[Table]:
    """Each against the first: quality, what the difference says, how alike the masks are, rate."""
    table = Table("mIoU in per cent, and the difference to the first (95 % interval over photos, paired)")
    for own in contenders:
        difference, alike = own.differences.get("miou"), own.agreement
        table.rows.append(
            {
                "what": own.name,
                "mIoU": percent(own.evaluation.scores["miou"]),
                "difference": "" if difference is None else points(difference),
                "so it is": "" if difference is None else verdict(difference),
                "same pixels": "" if alike is None else f"{alike.share:.2%}",
                "mIoU with the first": "" if alike is None else f"{alike.miou:.1%}",
                "photos/s": "" if own.rate is None else f"{own.rate:.1f}",
                "rate": "" if own.ratio is None else f"{own.ratio:.2f} times",
            }
        )
    return [table]


def comparison_remarks(contenders: Sequence[Contender]) -> list[str]:
    """What does not fit into a table."""
    lines = []
    if any(own.rate is not None for own in contenders):
        lines.append("photos/s is the rate of the network's line alone, without reading and counting")
    if len(contenders) > 2:
        lines.append("of many comparisons one in twenty leaves 0 out by chance; name the one that counts beforehand")
    for own in contenders:
        lines += [f"{own.name}: {note}" for note in own.evaluation.notes]
    return lines
