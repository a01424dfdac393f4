"""Semantic segmentation of images, videos and live streams, in real time, on the machine you have.

    >>> from liveseg import Segmenter
    >>> segmentation = Segmenter()("photo.jpg")
    >>> segmentation.areas()

Names are imported when they are first used, so that `import liveseg` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from liveseg._version import __version__

if TYPE_CHECKING:
    from liveseg.errors import LivesegError
    from liveseg.labels import PASCAL_VOC, LabelSet
    from liveseg.maskfile import MaskReader, MaskWriter
    from liveseg.media.frame import Frame, Selection
    from liveseg.pipeline import Pipeline, Result
    from liveseg.segmentation import Area, Segmentation
    from liveseg.segmenter import Segmenter

_HOMES = {
    "Area": "segmentation",
    "Frame": "media.frame",
    "LabelSet": "labels",
    "LivesegError": "errors",
    "MaskReader": "maskfile",
    "MaskWriter": "maskfile",
    "PASCAL_VOC": "labels",
    "Pipeline": "pipeline",
    "Result": "pipeline",
    "Segmentation": "segmentation",
    "Segmenter": "segmenter",
    "Selection": "media.frame",
}

__all__ = [
    "PASCAL_VOC",
    "Area",
    "Frame",
    "LabelSet",
    "LivesegError",
    "MaskReader",
    "MaskWriter",
    "Pipeline",
    "Result",
    "Segmentation",
    "Segmenter",
    "Selection",
    "__version__",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'liveseg' has no attribute {name!r}")
    return getattr(import_module(f"liveseg.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
