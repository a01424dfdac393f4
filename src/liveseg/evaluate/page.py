"""An evaluation as a page that stands alone: numbers, charts and the worst photos, to be read without a network."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from liveseg.evaluate.page_charts import histogram, interval_bar, photo_counts, reliability
from liveseg.evaluate.page_matrix import confusions, matrix
from liveseg.evaluate.page_photos import mistakes_key, photo
from liveseg.evaluate.page_text import on_machine, scored
from liveseg.evaluate.table import heading, remarks, thin
from liveseg.evaluate.words import INTERVAL, WORDS, interval, percent
from liveseg.labels import UNKNOWN
from liveseg.pages.style import document
from liveseg.pages.text import count, described, head, listed, pairs, swatch

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from liveseg.evaluate.page_photos import Photo
    from liveseg.evaluate.result import ClassScore, Evaluation, Interval

_SECTIONS = {
    "classes": "Classes",
    "confusions": "What is taken for what",
    "confidence": "Confidence and photos",
    "worst": "The worst photos",
    "method": "How it was measured",
}


@dataclass(frozen=True, eq=False)
class Extras:
    """What a page shows besides an evaluation.

    Args:
        photos: the worst photos, worst first.
        photo_scores: the mIoU of every photo, in any order; empty where only the worst are known.
        command: as it was typed.
    """

    photos: Sequence[Photo] = ()
    photo_scores: Sequence[float] = ()
    command: str = ""


def page(evaluation: Evaluation, beside: Path, extras: Extras | None = None) -> str:
    """The page, which loads nothing from anywhere.

    Args:
        evaluation: what it shows.
        beside: the folder that it will lie in, from which it links to photos.
        extras: what it shows besides.
    """
    extras = Extras() if extras is None else extras
    sections = {
        "classes": _classes(evaluation),
        "confusions": _confusions(evaluation),
        "confidence": _confidence(evaluation, extras.photo_scores),
        "worst": _worst(evaluation, extras.photos, beside),
        "method": _method(evaluation, extras),
    }
    there = {name: inside for name, inside in sections.items() if inside}
    title = f"{evaluation.model} on {evaluation.dataset}"
    body = "\n".join(
        [
            f"<header><h1>{escape(title)}</h1>",
            f'<p class="muted">{escape(heading(evaluation))}</p></header>',
            "<nav>" + "".join(f'<a href="#{name}">{_SECTIONS[name]}</a>' for name in there) + "</nav>",
            "<main>",
            _cards(evaluation),
            _in_short(evaluation),
            *(f'<section id="{name}"><h2>{_SECTIONS[name]}</h2>{inside}</section>' for name, inside in there.items()),
            "</main>",
        ]
    )
    return document(title, body)


def _cards(evaluation: Evaluation) -> str:
    cards = [_card(name, score, first=name == "miou") for name, score in evaluation.scores.items()]
    if evaluation.rate:
        alone = "" if evaluation.line_rate is None else f"; the network's line alone: {evaluation.line_rate:.1f}"
        cards.append(
            '<div class="card"><div class="name">rate</div>'
            f'<div class="value">{evaluation.rate:.1f}</div>'
            f'<div class="range">photos a second, reading included{alone}</div></div>'
        )
    return f'<div class="cards">{"".join(cards)}</div>'


def _card(name: str, score: Interval, *, first: bool) -> str:
    range_ = interval(score).strip(" ()")
    bar = interval_bar(score) if range_ else ""
    return (
        f'<div class="card{" first" if first else ""}" data-score="{escape(name)}" data-value="{score.value:.6f}">'
        f'<div class="name">{escape(WORDS[name].title)}</div>'
        f'<div class="value">{100 * score.value:.1f} <span class="unit">%</span></div>'
        f'<div class="range">{f"95 % interval {range_}" if range_ else "no interval"}</div>{bar}</div>'
    )


def _in_short(evaluation: Evaluation) -> str:
    """What the numbers come to, in words."""
    objects = evaluation.per_class[int(evaluation.labels.background) :]
    counted = [own for own in objects if own.iou is not None]
    ranked = sorted(counted, key=_iou, reverse=True)
    lines = []
    if "pixel_accuracy" in evaluation.scores:
        right = evaluation.scores["pixel_accuracy"].value
        lines.append(f"Of 100 pixels {100 * right:.0f} get the right class.")
    if len(ranked) > 3:
        lines.append(f"Best found: {_named(ranked[:2])}. Worst: {_named(ranked[:-3:-1])}.")
    miou = evaluation.scores["miou"]
    if miou.low is not None and miou.high is not None:
        lines.append(
            f"With {count(evaluation.images, 'photo')} the mIoU is known to about"
            f" ±{50 * (miou.high - miou.low):.1f} points; two models are told apart more finely than that by"
            " <code>liveseg compare</code> on the same photos."
        )
    lines += [f"{escape(line[0].upper() + line[1:])}." for line in thin(evaluation)]
    return f"<p>{' '.join(lines)}</p>"


def _named(classes: Sequence[ClassScore]) -> str:
    return " and ".join(f"{escape(own.name)} ({100 * _iou(own):.0f})" for own in classes)


def _iou(own: ClassScore) -> float:
    return 0.0 if own.iou is None else own.iou.value


def _classes(evaluation: Evaluation) -> str:
    rows = []
    shown = [(own, color) for own, color in zip(evaluation.per_class, evaluation.labels.palette, strict=True)]
    with_boundary = any(own.boundary_f is not None for own, _ in shown)
    for own, color in shown:
        if own.iou is None:
            continue
        rows.append(
            f'<tr data-class="{escape(own.name)}"><th scope="row" data-value="{escape(own.name)}">'
            f"{swatch(color)}{escape(own.name)}</th>"
            f"<td>{interval_bar(own.iou)}</td>"
            + scored(percent(own.iou), own.iou)
            + scored(percent(own.accuracy), own.accuracy)
            + scored(percent(own.precision), own.precision)
            + (scored(percent(own.boundary_f), own.boundary_f) if with_boundary else "")
            + f'<td data-value="{own.pixels}">{own.pixels:,}</td><td data-value="{own.images}">{own.images:,}</td></tr>'
        )
    columns = ["class", None, "IoU", "accuracy", "precision", *(["boundary F"] if with_boundary else [])]
    absent = evaluation.absent
    left_out = (
        f"<p>Left out of the means, being in no true and no predicted mask: {escape(', '.join(absent))}.</p>"
        if absent
        else ""
    )
    return (
        '<p class="muted">Per cent, with 95 % intervals over photos. Accuracy: the share of a class\'s true pixels'
        " that was recognised. Precision: the share of what was taken for it that is it.</p>"
        f'<div class="scroll"><table class="rows">{head([*columns, "pixels", "photos"])}'
        f"<tbody>{''.join(rows)}</tbody></table></div>{left_out}"
    )


def _confusions(evaluation: Evaluation) -> str:
    whole = evaluation.confusion
    # Rows and columns of classes that are nowhere would only push the others apart.
    kept = np.flatnonzero(whole.sum(0) + whole.sum(1) + evaluation.unknown)
    confusion, names = whole[np.ix_(kept, kept)], [evaluation.labels.names[index] for index in kept]
    if evaluation.unknown.any():
        confusion, names = np.column_stack((confusion, evaluation.unknown[kept])), [*names, f"none ({UNKNOWN})"]
    return matrix(confusion, names) + confusions(confusion, names)


def _confidence(evaluation: Evaluation, photo_scores: Sequence[float]) -> str:
    parts = []
    bins = [each for each in evaluation.calibration if each.count]
    if bins:
        total = sum(each.count for each in bins)
        rows = [
            [
                f"{100 * each.low:.0f} to {100 * each.high:.0f}",
                f"{100 * each.confidence:.1f}",
                f"{100 * each.accuracy:.1f}",
                f"{100 * each.count / total:.2f}",
            ]
            for each in bins
        ]
        parts.append(
            "<figure><h3>Is it as right as it is sure?</h3>"
            + reliability(
                np.array([each.confidence for each in bins]),
                np.array([each.accuracy for each in bins]),
                np.array([each.count / total for each in bins]),
            )
            + "<figcaption>On the dashed line confidence is what it claims. Below it the network is too sure of"
            " itself, above it too cautious. The bars below are the shares of the pixels; a"
            " hollow point has very few.</figcaption>"
            + listed(["confidence, %", "mean, %", "right, %", "of the pixels, %"], rows, "The same as a table")
            + "</figure>"
        )
    if photo_scores:
        counts, edges = photo_counts(photo_scores)
        rows = [
            [f"{100 * begin:.0f} to {100 * end:.0f}", str(number)]
            for number, begin, end in zip(counts.tolist(), edges[:-1].tolist(), edges[1:].tolist(), strict=True)
            if number
        ]
        parts.append(
            "<figure><h3>How do the photos differ?</h3>"
            + histogram(photo_scores)
            + "<figcaption>The mIoU of each photo by itself, over the classes that its true or its predicted mask has."
            " Their mean is not the mIoU above, which counts the pixels of all photos together.</figcaption>"
            + listed(["mIoU, %", "photos"], rows, "The same as a table")
            + "</figure>"
        )
    return f'<div class="two">{"".join(parts)}</div>' if parts else ""


def _worst(evaluation: Evaluation, photos: Sequence[Photo], beside: Path) -> str:
    if photos:
        shown = "".join(photo(each, evaluation.labels, beside) for each in photos)
        return (
            '<p class="muted">By their mIoU. Mistakes:</p>'
            + mistakes_key(background=evaluation.labels.background)
            + shown
        )
    if not evaluation.worst:
        return ""
    rows = [[each.key, f"{100 * each.miou:.1f}", f"{100 * each.pixel_accuracy:.1f}"] for each in evaluation.worst]
    return listed(["photo", "mIoU, %", "pixels right, %"], rows)


def _method(evaluation: Evaluation, extras: Extras) -> str:
    meanings = {WORDS[name].title: WORDS[name].meaning for name in evaluation.scores}
    meanings["95 % interval"] = INTERVAL
    settings = {name: str(value) for name, value in evaluation.settings.items() if value is not None}
    ran = {
        "model": evaluation.model,
        "size": "" if evaluation.size is None else f"{evaluation.size} pixels on the shorter side",
        "runtime": f"{evaluation.runtime} on {evaluation.device} in {evaluation.precision}",
        "processes and threads": f"{evaluation.workers} of {count(evaluation.threads, 'thread')}",
        **settings,
        "data": f"{evaluation.dataset}, layout {evaluation.layout}, {count(evaluation.images, 'photo')}",
        "bootstrap": f"{len(evaluation.replicates.get('miou', ()))} replicates, seed {evaluation.seed}",
        **on_machine(evaluation),
    }
    command = f"<h3>Command</h3><pre>{escape(extras.command)}</pre>" if extras.command else ""
    notes = "".join(f"<li>{escape(line)}</li>" for line in remarks(evaluation))
    return f"{described(meanings)}<h3>What ran</h3>{pairs(ran)}<h3>Notes</h3><ul>{notes}</ul>{command}"
