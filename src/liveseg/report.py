"""What a run did, as data: for people a table, for machines JSON, from the same record."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from liveseg.job import Outcome
    from liveseg.pipeline import Pipeline
    from liveseg.segmenter import Segmenter
    from liveseg.timing import ThreadTime

STAGES = ("decode", "preprocess", "infer", "smooth", "postprocess", "render", "device", "prepare", "encode", "save")


@dataclass(frozen=True)
class SourceReport:
    """What became of one source.

    Args:
        source: its path, or its address without passwords.
        kind: `image`, `video`, or `unknown` where it could not be opened.
        output: the overlay's file, or the address it was streamed to, if any.
        files: what else was saved, each by its kind (`mask`, `cutout:webm`, …).
        outcome: frames, time and findings; `None` where it failed or was left out.
        error: why it failed.
        skipped: whether it was left out because its output exists.
    """

    source: str
    kind: str
    output: str | None = None
    files: tuple[tuple[str, Path], ...] = ()
    outcome: Outcome | None = None
    error: str | None = None
    skipped: bool = False

    def to_json(self) -> dict[str, Any]:
        """The record as JSON data."""
        record: dict[str, Any] = {
            "source": self.source,
            "kind": self.kind,
            "output": self.output,
            "files": {kind: str(path) for kind, path in self.files},
            "error": self.error,
            "skipped": self.skipped,
        }
        if self.outcome is not None:
            record |= {
                "frames": self.outcome.frames,
                "seconds": round(self.outcome.seconds, 4),
                "frames_per_second": round(self.outcome.rate, 3),
                "ran": self.outcome.ran,
                "ended_by": self.outcome.ended_by,
                "notes": self.outcome.notes,
                "threads": [_thread(thread) for thread in self.outcome.threads],
            }
            if self.outcome.live:
                record |= live_facts(self.outcome)
            if self.kind == "image":
                record["areas"] = [
                    {"class": area.name, "index": area.index, "pixels": area.pixels, "share": round(area.share, 6)}
                    for area in self.outcome.areas
                ]
        return record


def live_facts(outcome: Outcome) -> dict[str, Any]:
    """What is told of a live source only: how old its frames were, what was left out, and how often it was away."""
    facts = outcome.facts
    away = {} if facts is None else {"reconnects": facts.reconnects, "away_seconds": round(facts.away_seconds, 3)}
    return {
        "age_ms": outcome.age.milliseconds(),
        "dropped": outcome.dropped,
        "placeholders": outcome.placeholders,
        **away,
    }


@dataclass
class RunReport:
    """What a whole run did; its sources are added as they finish.

    Args:
        segmenter: what segmented.
        pipeline: the line, or one of those beside each other.
        sources: what became of each.
        together: whether the sources ran at the same time, rather than one after the other.
        grid: what became of the one picture of all of them.
    """

    segmenter: Segmenter
    pipeline: Pipeline
    sources: list[SourceReport] = field(default_factory=list)
    together: bool = False
    grid: SourceReport | None = None

    @property
    def outcomes(self) -> list[Outcome]:
        """The outcomes of the sources that were processed."""
        return [source.outcome for source in self.sources if source.outcome is not None]

    @property
    def frames(self) -> int:
        """Frames in all."""
        return sum(outcome.frames for outcome in self.outcomes)

    @property
    def seconds(self) -> float:
        """Wall time of all sources together, without loading the model."""
        each = [outcome.seconds for outcome in self.outcomes]
        return max(each, default=0.0) if self.together else sum(each)

    @property
    def rate(self) -> float:
        """Frames a second of wall time."""
        return self.frames / self.seconds if self.seconds > 0 else 0.0

    @property
    def failed(self) -> bool:
        """Whether some source failed."""
        return any(source.error for source in self.sources)

    def stages(self) -> dict[str, float]:
        """Milliseconds a frame by stage, in the order in which a frame passes them."""
        spent = self.pipeline.times.milliseconds()
        return {stage: spent[stage] for stage in STAGES if stage in spent}

    def to_json(self) -> dict[str, Any]:
        """The record as JSON data."""
        return {
            "model": self.segmenter.model,
            "runtime": self.segmenter.runtime,
            "precision": self.segmenter.precision,
            "chosen": self.segmenter.chosen,
            "device": self.segmenter.device,
            "threads": self.segmenter.threads,
            "size": self.segmenter.size,
            "frames": self.frames,
            "seconds": round(self.seconds, 4),
            "frames_per_second": round(self.rate, 3),
            "latency_ms": self.pipeline.latency.milliseconds(),
            "stages_ms": {stage: round(spent, 3) for stage, spent in self.stages().items()},
            "sources": [source.to_json() for source in self.sources],
            **({} if self.grid is None else {"grid": self.grid.to_json()}),
        }


def _thread(thread: ThreadTime) -> dict[str, Any]:
    return {
        "name": thread.name,
        "busy": round(thread.busy_seconds, 4),
        "waiting": round(thread.waiting_seconds, 4),
        "wall": round(thread.wall_seconds, 4),
        "explained": round(thread.explained, 4),
    }
