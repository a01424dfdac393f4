"""`Segmentation`: what the network found in one picture, and the pictures and numbers made from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from liveseg import postprocess
from liveseg.errors import UsageError
from liveseg.exports import areas, coco, npz, polygons
from liveseg.exports.areas import Area
from liveseg.labels import UNKNOWN
from liveseg.palettes import palette_of
from liveseg.render.overlay import DEFAULT_ALPHA
from liveseg.render.renderer import Renderer
from liveseg.render.style import Style

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from fractions import Fraction
    from os import PathLike
    from pathlib import Path

    from numpy.typing import NDArray
    from PIL.Image import Image

    from liveseg.exports.polygons import Polygon
    from liveseg.labels import LabelSet

__all__ = ["Area", "Segmentation"]


@dataclass(frozen=True, eq=False)
class Segmentation:
    """One picture, segmented.

    Args:
        image: the picture, `(H, W, 3)` `uint8` RGB; the array that was given, not a copy.
        mask: `(H, W)` `uint8` class indices.
        labels: names and colours of the classes.
        logits: the network's own low-resolution output, `(classes, h, w)` `float32`; `None` where the mask came from a
            file.
        align_corners: how the logits' grid lies on the picture; as in `torch.nn.functional.interpolate`.
        speed: milliseconds by stage: `preprocess`, `infer`, `postprocess`.
        timestamp: of a video's frame, its presentation time in seconds, exact; `None` for a picture.
        stored_confidence: where the mask came from a file that has it, the probability of each pixel's class as
            `confidence_image` gives it.
        stored_grid: where the mask came from a file that has it, the rows and columns of the logits that it was made
            from.
    """

    image: NDArray[np.uint8] = field(repr=False)
    mask: NDArray[np.uint8] = field(repr=False)
    labels: LabelSet = field(repr=False)
    logits: NDArray[np.float32] | None = field(repr=False)
    align_corners: bool = field(default=False, repr=False)
    speed: Mapping[str, float] = field(default_factory=dict)
    timestamp: Fraction | None = None
    stored_confidence: NDArray[np.uint8] | None = field(default=None, repr=False)
    stored_grid: tuple[int, int] | None = field(default=None, repr=False)

    @property
    def grid(self) -> tuple[int, int] | None:
        """Rows and columns of the network's output, which say how coarse the mask's borders are; `None` if unknown."""
        return self.stored_grid if self.logits is None else (self.logits.shape[1], self.logits.shape[2])

    @cached_property
    def confidence(self) -> NDArray[np.float32]:
        """The probability of each pixel's class, `(H, W)` `float32` in (0, 1]; computed when first asked for.

        Raises:
            UsageError: the mask came from a file without confidences.
        """
        if self.stored_confidence is not None:
            return self.stored_confidence * np.float32(1 / 255)
        if self.logits is None:
            raise UsageError(
                "this mask came from a file without confidences; segment again"
                " (of a video, --save mask:confidence keeps them)"
            )
        height, width = self.mask.shape
        return postprocess.upsampled_confidence(self._logits(), height, width, align_corners=self.align_corners)

    def confidence_image(self) -> NDArray[np.uint8]:
        """The confidence as a grey picture, `(H, W)` `uint8`: 255 times the probability, rounded.

        Raises:
            UsageError: the mask came from a file without confidences.
        """
        if self.stored_confidence is not None:
            return self.stored_confidence
        return np.rint(self.confidence * 255).astype(np.uint8)

    def full_logits(self) -> NDArray[np.float32]:
        """Every class's logits at the picture's size: `(classes, H, W)` `float32`, 84 bytes a pixel for 21 classes.

        Raises:
            UsageError: the mask came from a file.
        """
        height, width = self.mask.shape
        return postprocess.upsampled(self._logits(), height, width, align_corners=self.align_corners)

    def areas(self, *, confidence: bool = False) -> list[Area]:
        """The classes present, the background among them, by falling area.

        Args:
            confidence: with each class's mean confidence; `Segmentation.confidence` is computed for it.
        """
        return areas.areas(self.mask, self.labels, self.confidence if confidence else None)

    def overlay(
        self,
        alpha: float = DEFAULT_ALPHA,
        classes: Iterable[str] | None = None,
        *,
        hide: Iterable[str] | None = None,
        palette: str | PathLike[str] | None = None,
        contours: bool = False,
        names: bool = False,
        legend: bool = False,
        side_by_side: bool = False,
    ) -> NDArray[np.uint8]:
        """The picture with its classes tinted, `(H, W, 3)` `uint8` RGB; see `liveseg.render.Renderer`.

        Args:
            alpha: opacity of the colours, in [0, 1].
            classes: names of the classes to draw; all by default.
            hide: names of classes that are not drawn.
            palette: other colours: a name or a file, see `liveseg.palettes.palette_of`.
            contours: draw the classes' borders.
            names: write the classes' names at the objects.
            legend: list the classes that are there, with their colours.
            side_by_side: put the picture itself to the left: the result is twice as wide.

        Raises:
            UsageError: no such class or palette, a class both kept and hidden, or an alpha outside [0, 1].
        """
        style = Style(
            alpha=alpha,
            palette=None if palette is None else palette_of(palette, self.labels),
            contours=contours,
            names=names,
            legend=legend,
            side_by_side=side_by_side,
        ).showing(self.labels, classes, hide)
        return Renderer(self.labels, style)(self)

    def color_mask(self, classes: Iterable[str] | None = None, hide: Iterable[str] | None = None) -> NDArray[np.uint8]:
        """The classes' colours on black, `(H, W, 3)` `uint8` RGB; `classes` and `hide` as for `overlay`."""
        return Renderer(self.labels, Style().showing(self.labels, classes, hide)).color(self.mask)

    def save_mask(self, path: str | PathLike[str], *, overwrite: bool = True) -> Path:
        """Write the mask as a PNG of class indices with the classes' colours as its palette.

        Raises:
            SinkError: the file cannot be written.
        """
        from liveseg.media.images import write_mask

        return write_mask(path, self.mask, self.labels, overwrite=overwrite)

    def palette_image(self) -> Image:
        """The mask as a Pillow image of mode `P`: class indices, with the classes' colours as its palette."""
        from liveseg.media.images import mask_image

        return mask_image(self.mask, self.labels)

    def cutout(self, foreground: Iterable[str | int] | None = None) -> NDArray[np.uint8]:
        """The picture with all but its foreground transparent, `(H, W, 4)` `uint8` RGBA with straight alpha.

        The border is moved to the picture's own and is as soft; at it the colours are the foreground's, with nothing of
        the background mixed in (see `liveseg.render.matte`). Farther off, where alpha is 0, they mean nothing.

        Args:
            foreground: names of the classes to keep; all but the background and the unknown by default.
        """
        from liveseg.render.matte import cutout

        if foreground is None:
            kept = tuple(index for index in self._chosen(None) if self.labels.names[index] != UNKNOWN)
        else:
            kept = self.labels.indices(foreground)
        return cutout(self.image, self.mask, kept, self.grid)

    def area_rows(self, frame: int = 0, *, confidence: bool = False) -> list[dict[str, Any]]:
        """The areas as rows of a table, for CSV and JSON: the columns stand at `liveseg.exports.areas.COLUMNS`."""
        return areas.rows(self.areas(confidence=confidence), frame, self.timestamp)

    def polygons(
        self,
        classes: Iterable[str | int] | None = None,
        *,
        simplify: float = 0.0,
        min_area: int = 1,
        confidence: bool = False,
    ) -> list[Polygon]:
        """The regions as polygons with holes, along the pixels' edges: filling one gives back its pixels.

        A region's pixels hang together by their edges; those that meet in a point only are two regions.

        Args:
            classes: names of the classes; all but the background by default.
            simplify: leave out points as long as no border moves by more than about so many pixels; 0 keeps each.
            min_area: leave out regions of fewer pixels.
            confidence: with each region's mean confidence; `Segmentation.confidence` is computed for it.

        Raises:
            UsageError: no such class, or a negative `simplify` or `min_area`.
        """
        return polygons.polygons(
            self.mask,
            self.labels,
            self._chosen(classes),
            simplify=simplify,
            min_area=min_area,
            confidence=self.confidence if confidence else None,
        )

    def geojson(
        self,
        classes: Iterable[str | int] | None = None,
        *,
        frame: int | None = None,
        simplify: float = 0.0,
        min_area: int = 1,
        confidence: bool = False,
    ) -> dict[str, Any]:
        """The polygons as a GeoJSON `FeatureCollection`, ready for `json.dump`: one feature a region.

        Coordinates are pixels with y down, not degrees. The other arguments are those of `polygons`.

        Args:
            classes: names of the classes; all but the background by default.
            frame: the frame's number, as a property of each feature.
            simplify: as for `polygons`.
            min_area: as for `polygons`.
            confidence: as for `polygons`.
        """
        found = self.polygons(classes, simplify=simplify, min_area=min_area, confidence=confidence)
        height, width = self.mask.shape
        return polygons.feature_collection(polygons.features(found, frame, self.timestamp), width, height)

    def coco_annotations(
        self,
        classes: Iterable[str | int] | None = None,
        *,
        image_id: int = 1,
        first_id: int = 1,
        instances: bool = False,
        confidence: bool = False,
    ) -> list[dict[str, Any]]:
        """The mask as COCO annotations with run lengths: one a class, as COCO has it for stuff.

        Args:
            classes: names of the classes; all but the background by default.
            image_id: of the picture.
            first_id: of the first annotation; those after it count up.
            instances: make one a region instead, for readers that expect objects.
            confidence: with the mean confidence as `score`; `Segmentation.confidence` is computed for it.
        """
        if instances:
            height, width = self.mask.shape
            found = self.polygons(classes, confidence=confidence)
            return coco.region_annotations(found, width, height, image_id=image_id, first_id=first_id)
        return coco.class_annotations(
            self.mask,
            self.labels,
            self._chosen(classes),
            image_id=image_id,
            first_id=first_id,
            confidence=self.confidence if confidence else None,
        )

    def coco_polygons(
        self,
        classes: Iterable[str | int] | None = None,
        *,
        image_id: int = 1,
        first_id: int = 1,
        simplify: float = 0.0,
        min_area: int = 1,
        confidence: bool = False,
    ) -> list[dict[str, Any]]:
        """The regions as COCO annotations with polygons, whose holes hang on cuts, as COCO has no others.

        Args:
            classes: names of the classes; all but the background by default.
            image_id: of the picture.
            first_id: of the first annotation; those after it count up.
            simplify: as for `polygons`.
            min_area: as for `polygons`.
            confidence: with the mean confidence as `score`; `Segmentation.confidence` is computed for it.
        """
        found = self.polygons(classes, simplify=simplify, min_area=min_area, confidence=confidence)
        return coco.polygon_annotations(found, image_id=image_id, first_id=first_id)

    def coco(
        self,
        file_name: str,
        classes: Iterable[str | int] | None = None,
        *,
        instances: bool = False,
        confidence: bool = False,
    ) -> dict[str, Any]:
        """A whole COCO document of this one picture, ready for `json.dump` and then for pycocotools.

        Args:
            file_name: of the picture.
            classes: names of the classes; all but the background by default.
            instances: as for `coco_annotations`.
            confidence: as for `coco_annotations`.
        """
        chosen = self._chosen(classes)
        height, width = self.mask.shape
        return coco.header(self.labels, chosen) | {
            "images": [coco.image(1, width, height, file_name, timestamp=self.timestamp)],
            "annotations": self.coco_annotations(chosen, instances=instances, confidence=confidence),
        }

    def save_npz(
        self, path: str | PathLike[str], *, confidence: bool = True, logits: bool = False, overwrite: bool = True
    ) -> Path:
        """Write mask, class names, palette and timestamp as a NumPy archive, which `numpy.load` reads without pickle.

        The arrays are named at `liveseg.exports.npz.write_npz`.

        Args:
            path: ends in .npz.
            confidence: with `confidence_image`.
            logits: with the network's low-resolution logits.
            overwrite: replace a file that is there.

        Raises:
            UsageError: another extension, or confidence or logits of a mask that came from a file without them.
            SinkError: the file cannot be written.
        """
        return npz.write_npz(
            path,
            self.mask,
            self.labels,
            confidence=self.confidence_image() if confidence else None,
            logits=self._logits() if logits else None,
            align_corners=self.align_corners,
            timestamp=self.timestamp,
            overwrite=overwrite,
        )

    def npz(self, *, confidence: bool = True) -> bytes:
        """The bytes of the archive that `save_npz` writes, without the logits.

        Raises:
            UsageError: confidence of a mask that came from a file without it.
        """
        return npz.encode_npz(
            self.mask,
            self.labels,
            confidence=self.confidence_image() if confidence else None,
            timestamp=self.timestamp,
        )

    def _chosen(self, classes: Iterable[str | int] | None) -> tuple[int, ...]:
        if classes is None:
            return tuple(range(int(self.labels.background), len(self.labels)))
        return self.labels.indices(classes)

    def _logits(self) -> NDArray[np.float32]:
        if self.logits is None:
            raise UsageError("this mask came from a file, which holds no logits; segment the picture for them")
        return self.logits
