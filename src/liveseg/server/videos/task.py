"""What a worker is told to do: one line of JSON on its standard input."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from liveseg.preprocess import Size
    from liveseg.server.videos.outputs import OutputName
    from liveseg.settings import Precision, RuntimeName


UPLOAD = "upload"
AREAS = "areas"
PREVIEW = "preview.jpg"
POSTER = "poster.jpg"
"""What the files of a job's folder are called; the result is `result` with its output's extension."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """One video and what is to be made of it.

    Args:
        folder: where the video lies as `UPLOAD`, and everything that is made goes; nothing else is touched.
        name: what the client called the video; for texts inside results, never for a path.
        output: what is made.
        model: the model's name.
        weights: as `Segmenter` takes them.
        runtime: likewise.
        device: likewise.
        precision: likewise.
        threads: of the network, the decoder and the encoder each.
        size: as `Segmenter` takes it.
        smooth: whether masks are steadied over time.
        alpha: opacity of the colours.
        palette: a name of `liveseg.palettes.PALETTES`.
        classes: those that are drawn; `None` for all.
        contours: whether borders are drawn.
        max_seconds: length of the longest video that is taken.
        max_pixels: of the largest frame that is taken.
        memory: bytes that the worker may take besides the model, where the system can hold it to that.
        disk: bytes of the largest file that it may write, where the system can hold it to that.
        parent: the process whose end ends the worker.
    """

    folder: str
    name: str
    output: OutputName = "overlay"
    model: str | None = None
    weights: str | None = None
    runtime: RuntimeName = "auto"
    device: str = "auto"
    precision: Precision = "auto"
    threads: int
    size: Size | None = None
    smooth: bool = True
    alpha: float = 0.6
    palette: str = "model"
    classes: tuple[str, ...] | None = None
    contours: bool = False
    max_seconds: float
    max_pixels: int
    memory: int
    disk: int
    parent: int

    def to_line(self) -> bytes:
        """The task as one line of JSON."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Self:
        """The task that `to_line` wrote."""
        told: dict[str, Any] = json.loads(line)
        classes = told.pop("classes")
        return cls(**told, classes=None if classes is None else tuple(classes))
