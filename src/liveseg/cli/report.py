"""The report of a run, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liveseg.cli.console import out

if TYPE_CHECKING:
    from liveseg.report import RunReport, SourceReport


def print_report(report: RunReport) -> None:
    """What was made, where it lies, how fast it went and where the time was spent."""
    for source in report.sources:
        _print_source(source)
    if not report.frames:
        return
    latency = report.pipeline.latency
    segmenter = report.segmenter
    stages = "  ".join(f"{stage} {spent:.1f}" for stage, spent in report.stages().items())
    plural = "frame" if report.frames == 1 else "frames"
    rows = {
        "speed": f"{report.frames} {plural} in {report.seconds:.2f} s: {report.rate:.1f} frames a second",
        "latency": f"p50 {latency.percentile(50) * 1e3:.1f} ms, p95 {latency.percentile(95) * 1e3:.1f} ms",
        "stages": f"{stages} (ms a frame; they overlap)",
        "model": f"{segmenter.model}, input {_size(segmenter.size)}",
        "ran on": f"{segmenter.device} by the {segmenter.runtime} runtime, {segmenter.threads} threads",
    }
    for name, value in rows.items():
        out.print(f"[bold]{name:<9}[/bold]{value}")


def _print_source(source: SourceReport) -> None:
    if source.skipped:
        out.print(f"{source.source}: left out, {source.output} exists", markup=False)
        return
    if source.outcome is None:
        out.print(f"{source.source}: failed: {source.error}", markup=False)
        return
    out.print(f"{source.source} -> {source.output}", markup=False)
    if source.mask is not None:
        out.print(f"  mask: {source.mask}", markup=False)
    if source.kind == "image":
        found = [area for area in source.outcome.areas if area.name != "background"]
        listed = ", ".join(f"{area.name} {_percent(area.share)}" for area in found)
        out.print(f"  found: {listed or 'nothing but background'}", markup=False)
    for note in source.outcome.notes:
        out.print(f"  note: {note}", markup=False)


def _percent(share: float) -> str:
    return f"{share:.1%}" if share >= 0.0005 else "<0.1%"


def _size(size: int | str) -> str:
    return "at the source's size" if size == "native" else f"{size} pixels on the shorter side"
