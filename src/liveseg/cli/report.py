"""The report of a run, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape

from liveseg.cli.console import out

if TYPE_CHECKING:
    from rich.console import Console

    from liveseg.report import RunReport, SourceReport


def print_report(report: RunReport, console: Console = out) -> None:
    """What was made, where it lies, how fast it went and where the time was spent."""
    for source in report.sources:
        _print_source(source, console)
    if report.grid is not None:
        _print_source(report.grid, console)
    if not report.frames:
        return
    latency = report.pipeline.latency.milliseconds()
    segmenter = report.segmenter
    stages = "  ".join(f"{stage} {spent:.1f}" for stage, spent in report.stages().items())
    plural = "frame" if report.frames == 1 else "frames"
    rows = {
        "speed": f"{report.frames} {plural} in {report.seconds:.2f} s: {report.rate:.1f} frames a second",
        "latency": f"p50 {latency['p50']:.1f} ms, p95 {latency['p95']:.1f} ms",
        "stages": f"{stages} (ms a frame; they overlap)",
        "model": f"{segmenter.model}, input {_size(segmenter.size)}",
        "ran on": f"{segmenter.device} by the {segmenter.runtime} runtime in {segmenter.precision},"
        f" {segmenter.threads} threads",
        "because": segmenter.chosen,
    }
    for name, value in rows.items():
        console.print(f"[bold]{name:<9}[/bold]{escape(value)}")


def _print_source(source: SourceReport, console: Console) -> None:
    def line(text: str) -> None:
        console.print(text, markup=False)

    if source.skipped:
        there = [*([source.output] if source.output else []), *(str(path) for _, path in source.files)]
        line(f"{source.source}: left out, {' and '.join(there)} {'exists' if len(there) == 1 else 'exist'}")
        return
    if source.outcome is None:
        line(f"{source.source}: failed: {source.error}")
        return
    line(f"{source.source} -> {source.output}" if source.output else source.source)
    for kind, path in source.files:
        line(f"  {kind}: {path}")
    if source.kind == "image":
        found = [area for area in source.outcome.areas if area.name != "background"]
        listed = ", ".join(f"{area.name} {_percent(area.share)}" for area in found)
        line(f"  found: {listed or 'nothing but background'}")
    if source.outcome.live:
        age, dropped = source.outcome.age.milliseconds(), source.outcome.dropped
        line(f"  live: {source.outcome.frames} frames at {source.outcome.rate:.1f} a second, {dropped} left out")
        line(f"  age: p50 {age['p50']:.0f} ms, p95 {age['p95']:.0f} ms")
    for note in source.outcome.notes:
        line(f"  note: {note}")


def _percent(share: float) -> str:
    return f"{share:.1%}" if share >= 0.0005 else "<0.1%"


def _size(size: int | str) -> str:
    return "at the source's size" if size == "native" else f"{size} pixels on the shorter side"
