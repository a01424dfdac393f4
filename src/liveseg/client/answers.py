"""What a service answers, as Python sees it."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from liveseg import wire
from liveseg.client.errors import ProblemError
from liveseg.errors import LivesegError
from liveseg.files import atomic_write
from liveseg.labels import LabelSet

if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike
    from pathlib import Path

    from numpy.typing import NDArray

    from liveseg.client.steps import Reply

    Pixels = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True, eq=False)
class Answer:
    """What every answer about a picture tells.

    Args:
        times: milliseconds by stage, as the service measured them: `decode`, `network`, … and `total`.
        request_id: the request's name in the service's log.
    """

    times: Mapping[str, float] = field(default_factory=dict, repr=False)
    request_id: str | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True, eq=False)
class FoundLayers(Answer):
    """The mask of a picture, and how sure the network was.

    Args:
        mask: `(H, W)` `uint8` class indices, at the picture's size.
        confidence: `(h, w)` `uint8`, 255 times the probability of the winner in the middle of each of so many parts of
            the picture.
        labels: names and colours of the classes.
    """

    mask: Pixels = field(repr=False)
    confidence: Pixels | None = field(repr=False)
    labels: LabelSet = field(repr=False)


@dataclass(frozen=True, kw_only=True, eq=False)
class Picture(Answer):
    """An encoded picture.

    Args:
        data: the bytes of its file.
        media_type: such as `image/jpeg`.
    """

    data: bytes = field(repr=False)
    media_type: str

    def array(self) -> Pixels:
        """Its pixels: `(H, W, 3)` `uint8` RGB, of a cut-out `(H, W, 4)` RGBA, of a mask `(H, W)` class indices."""
        from PIL import Image

        with Image.open(io.BytesIO(self.data)) as opened:
            return np.array(opened if opened.mode in ("RGB", "RGBA", "L", "P") else opened.convert("RGB"))

    def save(self, path: str | PathLike[str], *, overwrite: bool = False) -> Path:
        """Write the file, whole or not at all; its extension is the caller's to choose.

        Raises:
            OutputExistsError: it is there and `overwrite` is false.
            SinkError: it cannot be written.
        """
        from pathlib import Path

        with atomic_write(path, overwrite=overwrite) as partial:
            partial.write_bytes(self.data)
        return Path(path)


@dataclass(frozen=True, kw_only=True, eq=False)
class MaskPicture(Picture):
    """A mask as a PNG of class indices with a palette, as Pascal VOC has them; `array` gives the indices."""

    @property
    def labels(self) -> LabelSet:
        """Names and colours of the classes, which stand in the file."""
        from PIL import Image

        with Image.open(io.BytesIO(self.data)) as opened:
            return LabelSet.from_json(json.loads(opened.info["liveseg"]))


@dataclass(frozen=True)
class ClassArea:
    """How much of a picture one class covers.

    Args:
        index: the class index in the mask.
        name: of the class.
        pixels: how many.
        share: of all pixels, in [0, 1].
        mean_confidence: the mean probability of the class over these pixels.
    """

    index: int
    name: str
    pixels: int
    share: float
    mean_confidence: float | None


@dataclass(frozen=True, kw_only=True, eq=False)
class ClassAreas(Answer):
    """The classes of a picture, by falling area.

    Args:
        width: of the picture, in pixels.
        height: of the picture, in pixels.
        areas: one a class.
    """

    width: int
    height: int
    areas: tuple[ClassArea, ...]

    def __getitem__(self, name: str) -> ClassArea:
        """The area of a class by its name; `KeyError` where the picture has none of it."""
        for area in self.areas:
            if area.name == name:
                return area
        raise KeyError(name)


@dataclass(frozen=True, kw_only=True, eq=False)
class Document(Answer):
    """A JSON document: polygons as GeoJSON, or run lengths as COCO has them.

    Args:
        data: as `json.loads` gives it.
    """

    data: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, kw_only=True, eq=False)
class Archive(Answer):
    """A NumPy archive, with the arrays `mask`, `classes`, `palette`, `background` and `confidence`.

    Args:
        arrays: by name.
    """

    arrays: Mapping[str, NDArray[Any]] = field(repr=False)


@dataclass(frozen=True)
class ModelInfo:
    """A model that the service offers.

    Args:
        name: what to ask for it by.
        default: whether it is taken where no model is named.
        state: `absent`, `loading`, `ready` or `failed`.
        labels: names and colours of its classes; `None` until it was loaded once.
        size: shorter side of its input where no size is asked for, in pixels or `native`.
        sizes: those worth asking for, smallest and fastest first.
        about: all that the service told of it.
    """

    name: str
    default: bool
    state: str
    labels: LabelSet | None = field(repr=False)
    size: int | str | None
    sizes: tuple[int, ...] = field(repr=False)
    about: Mapping[str, Any] = field(repr=False)

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> ModelInfo:
        """From the service's JSON."""
        labels = None
        if told.get("labels"):
            labels = LabelSet.from_json(
                {"classes": told["labels"], "palette": told["palette"], "background": told["background"]}
            )
        return cls(told["name"], told["default"], told["state"], labels, told["size"], tuple(told["sizes"]), dict(told))


@dataclass(frozen=True)
class Health:
    """How it stands with a service.

    Args:
        version: of liveseg.
        ready: whether it takes work.
        reason: why not, if not.
    """

    version: str
    ready: bool
    reason: str | None = None


def times_of(reply: Reply) -> dict[str, float]:
    """The milliseconds in the header `Server-Timing` (W3C)."""
    found = {}
    for entry in reply.headers.get("server-timing", "").split(","):
        name, *about = (part.strip() for part in entry.split(";"))
        for one in about:
            key, _, value = one.partition("=")
            if key == "dur" and name:
                try:
                    found[name] = float(value)
                except ValueError:
                    continue
    return found


def parse(output: str, reply: Reply, labels: LabelSet | None = None) -> Answer:
    """The answer to a picture.

    Args:
        output: what was asked for.
        reply: what came.
        labels: of the model; needed for `layers`.

    Raises:
        ProblemError: what came is something else.
    """
    about: dict[str, Any] = {"times": times_of(reply), "request_id": reply.headers.get("x-request-id")}
    try:
        return _PARSERS[output](reply, labels, about)
    except (LivesegError, ValueError, KeyError, TypeError, OSError) as error:
        told = f"the answer is no {output}: {' '.join(str(error).split())}"
        raise ProblemError(reply.status, "Unreadable answer", told) from error


def _layers(reply: Reply, labels: LabelSet | None, about: dict[str, Any]) -> Answer:
    layers = wire.unpack(reply.body)
    if not isinstance(layers, wire.Layers) or labels is None:
        raise ValueError("it is another message")
    return FoundLayers(mask=layers.mask, confidence=layers.confidence, labels=labels, **about)


def _picture(reply: Reply, _: LabelSet | None, about: dict[str, Any]) -> Answer:
    return Picture(data=reply.body, media_type=_image(reply), **about)


def _mask(reply: Reply, _: LabelSet | None, about: dict[str, Any]) -> Answer:
    return MaskPicture(data=reply.body, media_type=_image(reply), **about)


def _image(reply: Reply) -> str:
    if not reply.media_type.startswith("image/"):
        raise ValueError(f"it is {reply.media_type or 'of no type'}")
    return reply.media_type


def _areas(reply: Reply, _: LabelSet | None, about: dict[str, Any]) -> Answer:
    told = reply.json()
    areas = tuple(
        ClassArea(one["class_index"], one["class"], one["pixels"], one["share"], one["mean_confidence"])
        for one in told["areas"]
    )
    return ClassAreas(width=told["width"], height=told["height"], areas=areas, **about)


def _document(reply: Reply, _: LabelSet | None, about: dict[str, Any]) -> Answer:
    return Document(data=reply.json(), **about)


def _archive(reply: Reply, _: LabelSet | None, about: dict[str, Any]) -> Answer:
    with np.load(io.BytesIO(reply.body), allow_pickle=False) as archive:
        return Archive(arrays=dict(archive), **about)


_PARSERS = {
    "layers": _layers,
    "overlay": _picture,
    "cutout": _picture,
    "mask": _mask,
    "areas": _areas,
    "polygons": _document,
    "rle": _document,
    "npz": _archive,
}
