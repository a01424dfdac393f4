"""From what is to be saved to the product that makes it, for a source that is segmented as for stored masks."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from liveseg.errors import UsageError
from liveseg.files import atomic_write
from liveseg.media.alpha_video import alpha_video, grey_video
from liveseg.media.images import write_image
from liveseg.media.video_sink import VideoSink
from liveseg.products.archive import MaskArchive
from liveseg.products.coco import CocoDocument
from liveseg.products.mask_video import MaskVideo
from liveseg.products.pictures import OneFile, PictureVideo, without_hidden, write_png
from liveseg.products.tables import AreasTable, PolygonLines, has_confidence

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from liveseg.labels import LabelSet
    from liveseg.maskfile.identity import Identity
    from liveseg.media.frame import SourceInfo
    from liveseg.products.base import Product
    from liveseg.segmentation import Segmentation
    from liveseg.settings.save import Save

    Draw = Callable[[Segmentation], NDArray[np.uint8]]


@dataclass(frozen=True, kw_only=True)
class Making:
    """What is known of a source and of how the products of it are to be made.

    Args:
        labels: names and colours of the classes.
        info: the source's.
        file_name: the source's, without its folders; what COCO documents name.
        identity: tells a mask file what it is made from; called only where one is made.
        ran: what makes the masks: `model`, `size`, `runtime`, `precision`.
        color: draws the classes on black, `(H, W, 3)`; by default `Segmentation.color_mask`.
        cutout: cuts the foreground out, `(H, W, 4)`; by default `Segmentation.cutout`.
        codec: video encoder of `color`.
        crf: its quality.
        preset: its effort.
        threads: of encoders.
        overwrite: whether files may be replaced.
    """

    labels: LabelSet
    info: SourceInfo
    file_name: str
    identity: Callable[[], Identity]
    ran: Mapping[str, str | int] = field(default_factory=dict)
    color: Draw | None = None
    cutout: Draw | None = None
    codec: str | None = None
    crf: float | None = None
    preset: str | None = None
    threads: int | None = None
    overwrite: bool = False

    @property
    def one(self) -> bool:
        """Whether the source is one image."""
        return self.info.kind == "image"


def make(save: Save, path: Path, making: Making) -> Product:
    """Open the product that a kind is; its path's extension says the format, as `plan` gave it.

    Raises:
        UsageError: the overlay, which is no product but what the line draws.
        OutputExistsError: the file is there and may not be replaced.
        SinkError: it cannot be written there.
    """
    if save.kind not in _MAKERS:
        raise UsageError(f"{save.kind} is what the line draws, and no product")
    return _MAKERS[save.kind](save, path, making)


def make_all(saves: Sequence[tuple[Save, Path]], making: Making) -> list[Product]:
    """Open several products; where one cannot be opened, the others are given up.

    Raises:
        LivesegError: as `make`.
    """
    products = []
    with ExitStack() as opened:
        for save, path in saves:
            products.append(make(save, path, making))
            opened.callback(products[-1].abort)
        opened.pop_all()
    return products


def _color(_save: Save, path: Path, making: Making) -> Product:
    draw = making.color or (lambda found: found.color_mask())
    if making.one:
        return _one_file(path, making, draw, write_image)
    sink = VideoSink(
        path,
        making.info,
        codec=making.codec,
        crf=making.crf,
        preset=making.preset,
        threads=making.threads,
        overwrite=making.overwrite,
    )
    return PictureVideo(path, draw, sink)


def _mask(save: Save, path: Path, making: Making) -> Product:
    if making.one:
        return _one_file(path, making, _as_it_is, _write_mask)
    return MaskVideo(
        path,
        making.info,
        making.labels,
        making.identity(),
        ran=making.ran,
        confidence=save.format == "confidence",
        overwrite=making.overwrite,
    )


def _confidence(_save: Save, path: Path, making: Making) -> Product:
    def draw(found: Segmentation) -> NDArray[np.uint8]:
        return found.confidence_image()

    if making.one:
        return _one_file(path, making, draw, write_png)
    sink = grey_video(path, making.info, threads=making.threads, overwrite=making.overwrite)
    return PictureVideo(path, draw, sink)


def _cutout(_save: Save, path: Path, making: Making) -> Product:
    cut = making.cutout or (lambda found: found.cutout())

    def draw(found: Segmentation) -> NDArray[np.uint8]:
        return without_hidden(cut(found))

    if making.one:
        return _one_file(path, making, draw, write_png)
    sink = alpha_video(path, making.info, threads=making.threads, overwrite=making.overwrite)
    return PictureVideo(path, draw, sink)


def _polygons(save: Save, path: Path, making: Making) -> Product:
    if path.suffix.lower() == ".json":
        return _coco(save, path, making)
    if making.one:
        return _one_file(path, making, lambda found: found.geojson(), _write_json)
    return PolygonLines(path, making.info.name, overwrite=making.overwrite)


def _coco(save: Save, path: Path, making: Making) -> Product:
    as_polygons = save.kind == "polygons"
    overwrite = making.overwrite
    return CocoDocument(
        path, making.info, making.file_name, making.labels, as_polygons=as_polygons, overwrite=overwrite
    )


def _areas(_save: Save, path: Path, making: Making) -> Product:
    return AreasTable(path, making.info.name, overwrite=making.overwrite)


def _npz(_save: Save, path: Path, making: Making) -> Product:
    if making.one:
        return _one_file(path, making, _as_it_is, _write_npz)
    return MaskArchive(path, making.info.name, making.labels, overwrite=making.overwrite)


_MAKERS: Mapping[str, Callable[[Save, Path, Making], Product]] = {
    "color": _color,
    "mask": _mask,
    "confidence": _confidence,
    "cutout": _cutout,
    "polygons": _polygons,
    "coco": _coco,
    "areas": _areas,
    "npz": _npz,
}


def _one_file(
    path: Path, making: Making, prepare: Callable[[Segmentation], Any], save: Callable[..., object]
) -> Product:
    def write(prepared: Any) -> None:
        save(path, prepared, overwrite=making.overwrite)

    return OneFile(path, prepare, write, making.info.name, overwrite=making.overwrite)


def _as_it_is(found: Segmentation) -> Segmentation:
    return found


def _write_mask(path: Path, found: Segmentation, *, overwrite: bool) -> None:
    found.save_mask(path, overwrite=overwrite)


def _write_npz(path: Path, found: Segmentation, *, overwrite: bool) -> None:
    found.save_npz(path, confidence=has_confidence(found), overwrite=overwrite)


def _write_json(path: Path, document: dict[str, Any], *, overwrite: bool) -> None:
    with atomic_write(path, overwrite=overwrite) as partial:
        partial.write_text(json.dumps(document) + "\n", encoding="utf-8")
