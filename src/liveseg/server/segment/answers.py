"""From what the network found to the answer that was asked for: each is made by the part of liveseg that writes files.

Where no output is asked for by name, the header `Accept` decides.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from liveseg.errors import UsageError
from liveseg.media.image_write import encode_image, encode_mask
from liveseg.palettes import palette_of
from liveseg.products.pictures import without_hidden
from liveseg.products.tables import has_confidence
from liveseg.render import Renderer, style_of
from liveseg.server.live.layers import layers_of
from liveseg.server.problems import Problem
from liveseg.server.segment.accept import best
from liveseg.server.segment.options import wrong
from liveseg.wire import MEDIA_TYPE as LAYERS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from liveseg.segmentation import Segmentation
    from liveseg.server.segment.options import SegmentOptions

    Draw = Callable[[Segmentation, SegmentOptions], Any]

JSON = "application/json"
GEOJSON = "application/geo+json"
NPZ = "application/x-npz"

OUTPUTS: Mapping[str, tuple[str, ...]] = {
    "overlay": ("image/jpeg", "image/png", "image/webp"),
    "mask": ("image/png",),
    "cutout": ("image/png",),
    "polygons": (GEOJSON, JSON),
    "rle": (JSON,),
    "areas": (JSON,),
    "npz": (NPZ, "application/octet-stream"),
    "layers": (LAYERS,),
}
"""The media types of each output; the first is that of clients that do not mind."""

_BY_TYPE = {
    "image/jpeg": "overlay",
    "image/png": "overlay",
    "image/webp": "overlay",
    JSON: "areas",
    GEOJSON: "polygons",
    NPZ: "npz",
    LAYERS: "layers",
}
"""What is meant by a media type where no output is named; of several equally liked the first."""

_EXTENSIONS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", GEOJSON: "geojson", JSON: "json"}


@dataclass(frozen=True)
class Form:
    """What is answered with.

    Args:
        output: one of `OUTPUTS`.
        media_type: one of its own.
    """

    output: str
    media_type: str

    @classmethod
    def negotiated(cls, output: str | None, accept: str) -> Form:
        """The form that a client asks for.

        Args:
            output: by name, if it was.
            accept: the request's header.

        Raises:
            Problem: 422 for an output that does not exist; 406 where `Accept` takes nothing that there is.
        """
        if output is not None and output not in OUTPUTS:
            raise wrong("output", f"no output {output[:40]!r}; choose one of {', '.join(OUTPUTS)}")
        offered = tuple(_BY_TYPE) if output is None else OUTPUTS[output]
        kind = best(accept, offered)
        if kind is None:
            what = "an answer" if output is None else f"the output {output!r}"
            detail = f"the header Accept takes no form that {what} has: {', '.join(offered)}"
            raise Problem(406, detail, available=list(offered))
        return cls(_BY_TYPE[kind] if output is None else output, kind)

    @property
    def file_name(self) -> str:
        """What a browser calls it when it saves it."""
        return f"{self.output}.{_EXTENSIONS.get(self.media_type, {'npz': 'npz'}.get(self.output, 'bin'))}"


@dataclass(frozen=True)
class Answer:
    """The body of an answer.

    Args:
        body: its bytes.
        seconds: by stage: `render` and `encode`.
    """

    body: bytes = field(repr=False)
    seconds: Mapping[str, float]


def answer(found: Segmentation, form: Form, options: SegmentOptions, model: str) -> Answer:
    """Make the answer. Call it in a thread.

    Args:
        found: what the network found.
        form: what is asked for.
        options: how.
        model: the name of the model that found it.

    Raises:
        Problem: 422 for a class that the model does not know.
        LivesegError: a picture that the format does not hold.
    """
    draw, encode = _MAKERS[form.output]
    began = time.perf_counter()
    try:
        drawn = draw(found, options)
    except UsageError as error:
        names = ("foreground",) if form.output == "cutout" else ("classes", "hide")
        raise wrong(next((name for name in names if name in options.given), names[0]), str(error)) from error
    between = time.perf_counter()
    body = encode(drawn, form) if form.output != "areas" else _json({"model": model} | drawn, form)
    return Answer(body, {"render": between - began, "encode": time.perf_counter() - between})


def _overlay(found: Segmentation, options: SegmentOptions) -> Any:
    return Renderer(found.labels, style_of(options.draw, found.labels))(found)


def _mask(found: Segmentation, options: SegmentOptions) -> Any:
    palette = options.draw.palette
    labels = found.labels if palette is None else found.labels.with_palette(palette_of(palette, found.labels))
    return found.mask, labels


def _cutout(found: Segmentation, options: SegmentOptions) -> Any:
    return without_hidden(found.cutout(options.foreground))


def _polygons(found: Segmentation, _: SegmentOptions) -> Any:
    return found.geojson()


def _rle(found: Segmentation, _: SegmentOptions) -> Any:
    # Without the upload's name, which is nobody's business but the client's.
    return found.coco("image")


def _areas(found: Segmentation, _: SegmentOptions) -> Any:
    height, width = found.mask.shape
    rows = found.area_rows(confidence=has_confidence(found))
    # A picture has no frames and no time.
    areas = [{name: value for name, value in row.items() if name not in ("frame", "timestamp")} for row in rows]
    return {"width": width, "height": height, "areas": areas}


def _npz(found: Segmentation, _: SegmentOptions) -> Any:
    return found.npz(confidence=has_confidence(found))


def _layers(found: Segmentation, _: SegmentOptions) -> Any:
    return layers_of(found)


def _json(data: Any, _: Form) -> bytes:
    return json.dumps(data, separators=(",", ":"), allow_nan=False).encode()


def _picture(picture: Any, form: Form) -> bytes:
    return encode_image(picture, form.media_type.removeprefix("image/"))


_MAKERS: Mapping[str, tuple[Draw, Callable[[Any, Form], bytes]]] = {
    "overlay": (_overlay, _picture),
    "mask": (_mask, lambda drawn, _: encode_mask(*drawn)),
    "cutout": (_cutout, _picture),
    "polygons": (_polygons, _json),
    "rle": (_rle, _json),
    "areas": (_areas, _json),
    "npz": (_npz, lambda packed, _: packed),
    "layers": (_layers, lambda layers, _: layers.pack()),
}
"""What draws an output, and what makes bytes of that."""
