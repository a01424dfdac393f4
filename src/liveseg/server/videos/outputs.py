"""What can be made of a video that was sent: the kinds of result, their files and what browsers are told of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

OutputName = Literal["overlay", "color", "cutout", "mask", "polygons", "areas"]


@dataclass(frozen=True)
class Output:
    """A kind of result.

    Args:
        extension: of its file, which also says the format.
        media_type: as HTTP names it.
        format: of `liveseg.settings.save.Save`, where the kind has several.
        video: whether it is a video that browsers play.
    """

    extension: str
    media_type: str
    format: str | None = None
    video: bool = False


OUTPUTS: dict[OutputName, Output] = {
    "overlay": Output(".mp4", "video/mp4", video=True),
    "color": Output(".mp4", "video/mp4", video=True),
    "cutout": Output(".webm", "video/webm", "webm", video=True),
    "mask": Output(".nut", "application/octet-stream"),
    "polygons": Output(".geojsonl", "application/x-ndjson", "geojson"),
    "areas": Output(".csv", "text/csv; charset=utf-8", "csv"),
}
