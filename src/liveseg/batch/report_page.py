"""A batch as a page that stands alone: what it came to, where the time went, what failed and what was found."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING

from liveseg.batch.report_charts import IDLE, color_of, stacked, throughput
from liveseg.batch.words import clock, rate, share, shown, size, span
from liveseg.pages.drawing import share_bar
from liveseg.pages.style import document
from liveseg.pages.text import cell, count, head, pairs, swatch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from liveseg.batch.report_data import BatchReport, SlowFile

_MOST_SLOW = 10
_MOST_WORKERS = 64
_MOST_CLASSES = 200
_BACKGROUND = "background"
_STORAGE = ("fetch", "commit")

_DURATIONS = {"image": "images", "video": "videos in one piece", "piece": "pieces of videos", "join": "joining pieces"}


def page(report: BatchReport, palette: Mapping[str, tuple[int, int, int]]) -> str:
    """The page, which loads nothing from anywhere.

    Args:
        report: what it shows.
        palette: colours of the classes by name, 0 to 255 each; those that are not there have none.
    """
    sections = {
        "time": ("Where the time went", _time(report)),
        "course": ("Over time", _course(report)),
        "slowest": ("What took longest", _slowest(report)),
        "failures": ("Failures", _failures(report)),
        "classes": ("What was found", _classes(report, palette)),
        "workers": ("Workers", _workers(report)),
        "method": ("How it ran", _method(report)),
    }
    there = {name: pair for name, pair in sections.items() if pair[1]}
    title = f"Batch to {shown(report.destination)}"
    body = "\n".join(
        [
            f"<header><h1>{escape(title)}</h1>",
            f'<p class="muted">{escape(_heading(report))}</p></header>',
            "<nav>" + "".join(f'<a href="#{name}">{called}</a>' for name, (called, _) in there.items()) + "</nav>",
            "<main>",
            _cards(report),
            _in_short(report),
            *(f'<section id="{name}"><h2>{called}</h2>{inside}</section>' for name, (called, inside) in there.items()),
            "</main>",
        ]
    )
    return document(title, body)


def _heading(report: BatchReport) -> str:
    files, times = report.files, report.times
    words = [count(files.done + files.failed, "file")]
    if report.model:
        words.append(f"with {shown(report.model)}")
    if times.began:
        words.append(f"{_date(times.began)} to {_date(times.ended)}")
    return ", ".join(words)


def _cards(report: BatchReport) -> str:
    files, times, rates = report.files, report.times, report.rates
    of = f"of {files.listed:,} listed" if files.listed is not None else _kinds(report)
    cards = [_card("files done", f"{files.done:,}", of, kind="first")]
    failed = f"{share(files.failed, files.done + files.failed)} of all" if files.failed else "none"
    failed += f"; {count(files.failed_pieces, 'piece')} of videos" if files.failed_pieces else ""
    cards.append(
        _card("failed", f"{files.failed:,}", failed, kind="warns" if files.failed + files.failed_pieces else "")
    )
    if times.active_seconds:
        workers = count(len(report.workers), "worker")
        cards.append(_card("rate", rate(rates.files), f"files a second, {rate(rates.frames)} frames"))
        cards.append(_card("pixels", rate(rates.megapixels), "megapixels a second"))
        cards.append(_card("time at work", clock(times.active_seconds), f"with {workers}"))
    cards.append(_card("read and written", size(report.bytes_in), f"read, {size(report.bytes_out)} written"))
    return f'<div class="cards">{"".join(cards)}</div>'


def _card(name: str, value: str, about: str, kind: str = "") -> str:
    return (
        f'<div class="card {kind}" data-name="{escape(name)}"><div class="name">{escape(name)}</div>'
        f'<div class="value">{escape(value)}</div><div class="range">{escape(about)}</div></div>'
    )


def _kinds(report: BatchReport) -> str:
    files = report.files
    words = [count(number, what) for number, what in ((files.images, "image"), (files.videos, "video")) if number]
    return ", ".join(words) or "nothing was done"


def _in_short(report: BatchReport) -> str:
    """What the numbers come to, in words."""
    lines = []
    files, times = report.files, report.times
    by_time = sorted(report.stages, key=lambda stage: -stage.seconds)
    if by_time:
        lines.append(
            f"Most of the work was {shown(by_time[0].name)}: {by_time[0].share:.0%} of the seconds of all stages."
        )
    storage = sum(stage.share for stage in report.stages if stage.name in _STORAGE)
    if storage >= 0.3:
        lines.append(f"Reading from and writing to storage took {storage:.0%}.")
    if times.worker_seconds and times.stage_seconds > 1.05 * times.worker_seconds:
        overlap = times.stage_seconds / times.worker_seconds
        lines.append(f"Stages overlap: {overlap:.1f} ran at a time in each worker.")
    elif times.worker_seconds and times.idle_seconds >= 0.05 * times.worker_seconds:
        lines.append(
            f"Workers were idle, or waited, for {times.idle_seconds / times.worker_seconds:.0%} of their time."
        )
    if report.failures:
        failed = sum(each.count for each in report.failures)
        worst = report.failures[0]
        lines.append(
            f"Of {count(failed, 'failure')} {worst.count:,} {'is' if worst.count == 1 else 'are'} {shown(worst.kind)}."
        )
    left = 0 if files.listed is None else files.listed - files.done - files.failed
    if left > 0:
        lines.append(f"{count(left, 'file')} of the input {'is' if left == 1 else 'are'} neither done nor failed.")
    if len(report.settings_hashes) > 1:
        lines.append(
            f"These files were made with {len(report.settings_hashes)} different settings;"
            " run the batch again with --on-changed redo to make them alike."
        )
    return f"<p>{' '.join(map(escape, lines))}</p>" if lines else ""


def _time(report: BatchReport) -> str:
    if not report.times.stage_seconds:
        return ""
    parts = {stage.name: stage.seconds for stage in report.stages}
    if report.times.idle_seconds:
        parts[IDLE] = report.times.idle_seconds
    whole = sum(parts.values())
    spreads = {stage.name: stage.images for stage in report.stages}
    rows = []
    for place, (name, seconds) in enumerate(parts.items()):
        images = spreads.get(name)
        of_images = [images.p50, images.p95] if images is not None and images.count else [None, None]
        color = f'<span class="swatch {color_of(place, name)}"></span>'
        rows.append(
            f'<tr data-stage="{escape(shown(name))}"><th scope="row" data-value="{escape(shown(name))}">{color}'
            f"{escape(shown(name))}</th>{cell(span(seconds), seconds)}{cell(share(seconds, whole), seconds)}"
            + "".join(cell("" if each is None else span(each), each) for each in of_images)
            + "</tr>"
        )
    durations = [
        f'<tr><th scope="row">{_DURATIONS.get(kind, shown(kind))}</th><td>{own.count:,}</td>'
        + "".join(f"<td>{span(each)}</td>" for each in (own.mean, own.p50, own.p90, own.p95, own.p99, own.most))
        + "</tr>"
        for kind, own in report.durations.items()
    ]
    names = "".join(
        f'<th scope="col">{each}</th>' for each in ("", "number", "mean", "median", "90 %", "95 %", "99 %", "longest")
    )
    return (
        f"<figure>{stacked(parts)}<figcaption>The seconds of all stages of all files. Those of several files may run at"
        " the same time in a worker, so that their sum is no wall time.</figcaption></figure>"
        f'<div class="scroll"><table class="rows">{head(["stage", "seconds", "share", "median of an image", "95 %"])}'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
        '<h3>How long files took</h3><p class="muted">All stages of a file added up; of 100 files 95 took no longer'
        f" than stands under 95 %. Each number is within {report.percentile_error:.0%} of the true one.</p>"
        f'<div class="scroll"><table class="rows"><thead><tr>{names}</tr></thead>'
        f"<tbody>{''.join(durations)}</tbody></table></div>"
    )


def _course(report: BatchReport) -> str:
    if not report.timeline:
        return ""
    return (
        f'<figure><div class="scroll wide" tabindex="0" role="region" aria-label="files over time">'
        f"{throughput(report.timeline, report.timeline_seconds)}</div><figcaption>Each bar is"
        f" {span(report.timeline_seconds)} long; what failed is in orange. A long video counts when it is whole."
        "</figcaption></figure>"
    )


def _slowest(report: BatchReport) -> str:
    parts = []
    for title, files in (("Images", report.slowest_images), ("Videos", report.slowest_videos)):
        if files:
            parts.append(f"<h3>{title}</h3>" + _slow_table(files[:_MOST_SLOW]))
    return "".join(parts)


def _slow_table(files: Sequence[SlowFile]) -> str:
    rows = []
    for each in files:
        piece = f", piece {each.piece + 1} of {each.pieces}" if each.piece is not None and each.pieces else ""
        name = shown(each.location) + piece
        frames = f"<td data-value='{each.frames}'>{each.frames:,}</td>"
        stage = escape(shown(each.stage))
        rows.append(
            f"<tr>{_name(name)}{cell(span(each.seconds), each.seconds)}{frames}"
            f"{cell(f'{each.pixels / 1e6:,.1f}', each.pixels)}"
            f'<td data-value="{stage}">{stage} {span(each.stage_seconds)}</td></tr>'
        )
    columns = ["file", "took", "frames", "megapixels", "most of it"]
    return f'<div class="scroll"><table class="rows">{head(columns)}<tbody>{"".join(rows)}</tbody></table></div>'


def _name(text: str) -> str:
    return f'<th scope="row" class="text name" data-value="{escape(text)}">{escape(text)}</th>'


def _failures(report: BatchReport) -> str:
    if not report.failures:
        return "<p>Nothing failed.</p>"
    told = "A few of each kind; failures.csv beside this page has all of them, and is an input that the batch takes."
    parts = [f'<p class="muted">{told}</p>']
    for kind in report.failures:
        rows = "".join(
            f"<tr>{_name(shown(each.location) + (f', piece {each.piece + 1}' if each.piece is not None else ''))}"
            f'<td class="text said">{escape(shown(each.error))}</td><td>{each.attempts}</td></tr>'
            for each in kind.examples
        )
        names = '<th scope="col">file</th><th scope="col" class="text">what was wrong</th><th scope="col">attempts</th>'
        parts.append(
            f'<h3 data-kind="{escape(shown(kind.kind))}" data-count="{kind.count}">{escape(shown(kind.kind))}:'
            f' {kind.count:,}</h3><div class="scroll"><table class="rows"><thead><tr>{names}</tr></thead>'
            f"<tbody>{rows}</tbody></table></div>"
        )
    return "".join(parts)


def _classes(report: BatchReport, palette: Mapping[str, tuple[int, int, int]]) -> str:
    if not report.classes:
        return ""
    counts = {"images": report.files.images, "videos": report.files.videos}
    kinds = {kind: of for kind, of in counts.items() if of}
    most = max((own.share for own in report.classes if own.name != _BACKGROUND), default=0.0)
    rows = []
    for own in report.classes[:_MOST_CLASSES]:
        name = escape(shown(own.name))
        color = swatch(palette[own.name]) if own.name in palette else ""
        bar = share_bar(own.share / most) if most and own.name != _BACKGROUND else ""
        rows.append(
            f'<tr data-class="{name}"><th scope="row" data-value="{name}">{color}{name}</th><td>{bar}</td>'
            f"{cell(share(own.share, 1), own.share)}{cell(share(own.share_where, 1), own.share_where)}"
            + "".join(_found(getattr(own, kind), of) for kind, of in kinds.items())
            + "</tr>"
        )
    columns = ["class", None, "of all pixels", "of the pixels where it is", *kinds]
    return (
        '<p class="muted">Over all frames of all files that are done. The bars are relative to the largest class but'
        " the background.</p>"
        f'<div class="scroll"><table class="rows">{head(columns)}<tbody>{"".join(rows)}</tbody></table></div>'
    )


def _found(number: int, of: int) -> str:
    return f'<td data-value="{number}">{number:,} ({share(number, of)})</td>'


def _workers(report: BatchReport) -> str:
    shown_ones = sorted(report.workers, key=lambda own: -own.stage_seconds)[:_MOST_WORKERS]
    rows = []
    for own in sorted(shown_ones, key=lambda each: each.name):
        a_second = own.tasks / own.seconds if own.seconds else 0.0
        numbers: list[tuple[str, float]] = [
            (f"{own.tasks:,}", own.tasks),
            (f"{own.failed:,}", own.failed),
            (f"{own.frames:,}", own.frames),
            (f"{own.pixels / 1e6:,.0f}", own.pixels),
            (rate(a_second), a_second),
            (span(own.stage_seconds), own.stage_seconds),
            (span(own.seconds), own.seconds),
        ]
        rows.append(f"<tr>{_name(shown(own.name))}{''.join(cell(text, value) for text, value in numbers)}</tr>")
    columns = ["worker", "files", "failed", "frames", "megapixels", "files a second", "work", "there for"]
    more = len(report.workers) - len(shown_ones)
    told = f'<p class="muted">{count(more, "worker")} that did less are in report.json.</p>' if more > 0 else ""
    return (
        '<p class="muted">Pieces of videos, and joining them, count as files here. Work is the sum of all stages.</p>'
        f'<div class="scroll"><table class="rows">{head(columns)}<tbody>{"".join(rows)}</tbody></table></div>{told}'
    )


def _method(report: BatchReport) -> str:
    def plain(values: Mapping[str, str]) -> dict[str, str]:
        return {shown(name): shown(value) for name, value in values.items()}

    several: Callable[[Mapping[str, int]], str] = lambda found: ", ".join(  # noqa: E731 - used twice below
        f"{shown(name)} ({count(number, 'record')})" for name, number in found.items()
    )
    files = report.files
    facts = {
        "destination": shown(report.destination),
        "model": several(report.models),
        "settings": several(report.settings_hashes),
        "outputs": f"{files.outputs:,}",
        "videos joined from pieces": f"{files.joined:,} ({count(files.pieces, 'piece')})" if files.pieces else "",
        "tried more than once": f"{files.retried:,}" if files.retried else "",
        "workers asked for": "" if report.workers_asked is None else f"{report.workers_asked:,}",
        "report": f"liveseg {report.liveseg}, {report.made}",
    }
    settings = f"<h3>Settings</h3>{pairs(plain(report.settings))}" if report.settings else ""
    return pairs(facts | plain(report.about)) + settings


def _date(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
