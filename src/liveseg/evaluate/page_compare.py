"""A comparison as a page that stands alone: differences with their intervals, quality against rate, and photos."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from liveseg.evaluate.compare import verdict
from liveseg.evaluate.page_charts import difference_bar, scatter
from liveseg.evaluate.page_photos import MOST_WITH_MISTAKES, mistakes_key, photo
from liveseg.evaluate.page_text import on_machine, scored
from liveseg.evaluate.table import comparison_heading, comparison_remarks
from liveseg.evaluate.words import INTERVAL, PAIRED, WORDS, how_run, percent, points
from liveseg.pages.style import document
from liveseg.pages.text import described, head, pairs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from liveseg.evaluate.compare import Contender
    from liveseg.evaluate.page_photos import Photo
    from liveseg.evaluate.result import Interval

_LEAST_SPAN = 0.02
"""The least half-width of a chart of differences: less would blow noise up."""


def comparison_page(
    contenders: Sequence[Contender], beside: Path, *, photos: Sequence[Photo] = (), command: str = ""
) -> str:
    """The page, which loads nothing from anywhere.

    Args:
        contenders: what is compared, the first being what the others are held against.
        beside: the folder that it will lie in, from which it links to photos.
        photos: where the masks differ most.
        command: as it was typed.
    """
    others = contenders[1].name if len(contenders) == 2 else f"{len(contenders) - 1} others"
    title = f"{contenders[0].name} against {others}"
    sections = {
        "scores": ("Quality and rate", _scores(contenders) + _scatter(contenders)),
        "classes": ("Classes", _classes(contenders)),
        "photos": ("Where the masks differ most", _photos(contenders, photos, beside)),
        "method": ("How it was measured", _method(contenders, command)),
    }
    there = {name: pair for name, pair in sections.items() if pair[1]}
    body = "\n".join(
        [
            f"<header><h1>{escape(title)}</h1>",
            f'<p class="muted">{escape(comparison_heading(contenders))}</p></header>',
            "<nav>" + "".join(f'<a href="#{name}">{called}</a>' for name, (called, _) in there.items()) + "</nav>",
            "<main>",
            *(f'<section id="{name}"><h2>{called}</h2>{inside}</section>' for name, (called, inside) in there.items()),
            "</main>",
        ]
    )
    return document(title, body)


def _scores(contenders: Sequence[Contender]) -> str:
    span = _span([own.differences["miou"] for own in contenders[1:]])
    rows = []
    for own in contenders:
        miou = own.evaluation.scores["miou"]
        difference = own.differences.get("miou")
        rows.append(
            f'<tr data-name="{escape(own.name)}"><th scope="row" data-value="{escape(own.name)}">'
            f"{escape(own.name)}</th>{scored(percent(miou), miou)}"
            f"<td>{difference_bar(difference, span) if difference else ''}</td>"
            + (scored(points(difference), difference) if difference else "<td>the first</td>")
            + f"<td>{verdict(difference) if difference else ''}</td>"
            + _number(None if own.agreement is None else 100 * own.agreement.share, "%")
            + _number(None if own.agreement is None else 100 * own.agreement.miou, "%")
            + _number(own.rate, "")
            + _number(own.ratio, " times", digits=2)
            + "</tr>"
        )
    columns = ["what", "mIoU, %", None, "difference, points", "so it is", "same pixels", "mIoU with the first"]
    return (
        f'<p class="muted">{PAIRED}</p>'
        f'<div class="scroll"><table class="rows">{head([*columns, "photos a second", "rate"])}'
        f"<tbody>{''.join(rows)}</tbody></table></div>{_other_scores(contenders)}"
    )


def _other_scores(contenders: Sequence[Contender]) -> str:
    names = [name for name in contenders[0].evaluation.scores if name != "miou"]
    rows = []
    for own in contenders:
        row = [f'<tr><th scope="row" data-value="{escape(own.name)}">{escape(own.name)}</th>']
        for name in names:
            score, difference = own.evaluation.scores.get(name), own.differences.get(name)
            told = "" if difference is None else f"; {points(difference)}, {verdict(difference, name)}"
            row.append(scored(("-" if score is None else f"{100 * score.value:.1f}") + told, score))
        rows.append("".join(row) + "</tr>")
    titles = [WORDS[name].title for name in names]
    return (
        "<details><summary>The other scores: value; difference in points, and what it says</summary>"
        f'<div class="scroll"><table class="rows">{head(["what", *titles])}<tbody>{"".join(rows)}</tbody></table></div>'
        "</details>"
    )


def _scatter(contenders: Sequence[Contender]) -> str:
    shown = [own for own in contenders if own.rate]
    if len(shown) < 2:
        return ""
    drawn = scatter(
        [own.name for own in shown],
        [own.rate or 0.0 for own in shown],
        [own.evaluation.scores["miou"] for own in shown],
    )
    return (
        f"<figure><h3>Quality against rate</h3>{drawn}<figcaption>The whiskers are each one's own interval; whether"
        " two differ is told by the paired interval above, which is narrower.</figcaption></figure>"
    )


def _classes(contenders: Sequence[Contender]) -> str:
    first, *others = contenders
    span = _span([each for own in others for each in own.class_differences.values()])
    rows = []
    for score in first.evaluation.per_class:
        if score.iou is None:
            continue
        row = [
            f'<tr><th scope="row" data-value="{escape(score.name)}">{escape(score.name)}</th>',
            scored(percent(score.iou), score.iou),
        ]
        for own in others:
            difference = own.class_differences.get(score.name)
            row.append(f"<td>{difference_bar(difference, span) if difference else ''}</td>")
            row.append(scored("-" if difference is None else points(difference), difference))
        rows.append("".join(row) + "</tr>")
    columns: list[str | None] = ["class", f"{first.name}, IoU %"]
    for own in others:
        columns += [None, f"{own.name}, points"]
    return (
        '<p class="muted">The difference of each class\'s IoU to the first. Of many classes some differ by chance: one'
        " interval of twenty leaves 0 out where nothing differs.</p>"
        f'<div class="scroll"><table class="rows">{head(columns)}<tbody>{"".join(rows)}</tbody></table></div>'
    )


def _photos(contenders: Sequence[Contender], photos: Sequence[Photo], beside: Path) -> str:
    if not photos:
        return ""
    labels = contenders[0].evaluation.labels
    return (
        '<p class="muted">By the share of pixels that were given another class.</p>'
        + (mistakes_key(background=labels.background) if len(photos[0].predicted) <= MOST_WITH_MISTAKES else "")
        + "".join(photo(each, labels, beside) for each in photos)
    )


def _method(contenders: Sequence[Contender], command: str) -> str:
    meanings = {"mIoU": WORDS["miou"].meaning, "95 % interval": INTERVAL, "difference": PAIRED}
    ran = {
        **{own.name: how_run(own.evaluation) for own in contenders},
        **on_machine(contenders[0].evaluation),
    }
    notes = "".join(f"<li>{escape(line)}</li>" for line in comparison_remarks(contenders))
    typed = f"<h3>Command</h3><pre>{escape(command)}</pre>" if command else ""
    return f"{described(meanings)}<h3>What ran</h3>{pairs(ran)}<h3>Notes</h3><ul>{notes}</ul>{typed}"


def _span(differences: Sequence[Interval]) -> float:
    ends = [abs(end) for each in differences for end in (each.value, each.low, each.high) if end is not None]
    return max([*ends, _LEAST_SPAN]) * 1.05


def _number(value: float | None, unit: str, digits: int = 1) -> str:
    if value is None:
        return "<td></td>"
    return f'<td data-value="{value:.6f}">{value:.{digits}f}{unit}</td>'
