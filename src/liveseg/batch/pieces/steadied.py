"""Masks steadied over time in a piece: what remembers sees the frames before it, which nobody else does."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from liveseg.batch.pieces.source import PieceSource
    from liveseg.pipeline import Pipeline


def warm_up(pipeline: Pipeline, source: PieceSource) -> None:
    """Let a line remember the frames before a piece, where it steadies masks; to be called before it runs.

    They go through the network one by one, and no mask is made of them.
    """
    if pipeline.smooth is None:
        return
    smooth = pipeline.smooth()
    segmenter = pipeline.segmenter
    for frame in source.warm_up():
        with pipeline.times.measure("infer"):
            smooth(segmenter.infer_frame(frame), frame.timestamp)
    pipeline.smooth = lambda: smooth
