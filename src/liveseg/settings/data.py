"""Which labelled photos, and how their files lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from liveseg.settings.option import option

_DATA = "Data"

Layout = Literal["auto", "folder", "voc", "coco", "cityscapes", "cvat", "labelstudio", "roboflow"]


@dataclass(frozen=True, kw_only=True)
class DataSettings:
    """Which labelled photos, and how their files lie."""

    layout: Layout = option("auto", "How the files of the data set lie; auto looks.", group=_DATA)
    split: str | None = option(
        None,
        "Part of the data set: train, val or whatever it calls its parts.",
        shown="val where there is one to measure on, train to learn from",
        group=_DATA,
        metavar="NAME",
    )
    images: Path | None = option(
        None, "Folder of the photos, where it is not below the data set.", group=_DATA, metavar="FOLDER"
    )
    masks: Path | None = option(
        None, "Folder of the masks, where it is not below the data set.", group=_DATA, metavar="FOLDER"
    )
    labels: str | None = option(
        None,
        "Names of the classes: voc, or a JSON file of names and, if need be, colours.",
        shown="the data set's own",
        group=_DATA,
        metavar="voc|FILE",
    )
    mapping: Path | None = option(
        None,
        "From the data set's classes to others: a JSON or TOML file.",
        group=_DATA,
        metavar="FILE",
    )

    @property
    def for_data(self) -> dict[str, Any]:
        """What `liveseg.datasets.open_dataset` is told, by the names of its arguments."""
        names = ("layout", "split", "images", "masks", "labels", "mapping")
        return {name: getattr(self, name) for name in names}
