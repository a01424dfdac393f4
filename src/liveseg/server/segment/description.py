"""What `/openapi.json` says of `POST /v1/segment`: its parameters, bodies and answers, each with an example."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import Response

from liveseg.labels import PASCAL_VOC
from liveseg.server.engine.errors import DeadlinePassed, NotReady, QueueFull, UnknownModel
from liveseg.server.problems import MEDIA_TYPE as PROBLEM
from liveseg.server.problems import Problem, of_error
from liveseg.server.segment.answers import GEOJSON, JSON, NPZ, OUTPUTS
from liveseg.server.segment.fetch import switched_off, unreachable
from liveseg.server.segment.options import parameters
from liveseg.server.segment.reading import MEDIA_TYPES
from liveseg.server.segment.upload import FILE_FIELD
from liveseg.wire import MEDIA_TYPE as LAYERS

if TYPE_CHECKING:
    from collections.abc import Mapping

_OUTPUT = {
    "name": "output",
    "in": "query",
    "description": "What to answer with; by default what `Accept` asks for: an overlay for `image/*`, areas for"
    " `application/json`, polygons for `application/geo+json`.",
    "schema": {"type": "string", "enum": list(OUTPUTS)},
}
_URL = {
    "name": "url",
    "in": "query",
    "description": "Where the picture is, instead of a body; only where the service was started with `--allow-url`.",
    "schema": {"type": "string", "format": "uri", "maxLength": 2048},
    "example": "https://example.org/cat.jpg",
}
_BINARY = {"type": "string", "format": "binary"}

AREAS: dict[str, Any] = {
    "model": "lite",
    "width": 451,
    "height": 300,
    "areas": [
        {"class_index": 8, "class": "cat", "pixels": 90113, "share": 0.666023, "mean_confidence": 0.974},
        {"class_index": 0, "class": "background", "pixels": 45187, "share": 0.333977, "mean_confidence": 0.982},
    ],
}
POLYGONS: dict[str, Any] = {
    "type": "FeatureCollection",
    "image": {"width": 8, "height": 4},
    "features": [
        {
            "type": "Feature",
            "properties": {
                "frame": None,
                "timestamp": None,
                "class_index": 8,
                "class": "cat",
                "pixels": 8,
                "share": 0.25,
                "mean_confidence": None,
            },
            "geometry": {"type": "Polygon", "coordinates": [[[2, 1], [6, 1], [6, 3], [2, 3], [2, 1]]]},
        }
    ],
}
RLE: dict[str, Any] = {
    "info": {"description": "semantic segmentation by liveseg", "version": "1.0"},
    "licenses": [],
    "categories": [{"id": 8, "name": "cat", "supercategory": "", "color": list(PASCAL_VOC.palette[8])}],
    "images": [{"id": 1, "width": 8, "height": 4, "file_name": "image"}],
    "annotations": [
        {
            "id": 1,
            "image_id": 1,
            "category_id": 8,
            "segmentation": {"size": [4, 8], "counts": "92200009"},
            "area": 8,
            "bbox": [2, 1, 4, 2],
            "iscrowd": 0,
        }
    ],
}

_AREA = {
    "type": "object",
    "required": ["class_index", "class", "pixels", "share", "mean_confidence"],
    "properties": {
        "class_index": {"type": "integer", "description": "Its value in masks."},
        "class": {"type": "string"},
        "pixels": {"type": "integer"},
        "share": {"type": "number", "description": "Of all pixels, from 0 to 1."},
        "mean_confidence": {
            "type": ["number", "null"],
            "description": "Mean probability of the class over its pixels.",
        },
    },
}
_AREAS = {
    "type": "object",
    "title": "Areas",
    "required": ["model", "width", "height", "areas"],
    "properties": {
        "model": {"type": "string"},
        "width": {"type": "integer", "description": "Of the picture, upright, in pixels."},
        "height": {"type": "integer"},
        "areas": {"type": "array", "items": _AREA, "description": "The classes that are there, by falling area."},
    },
}
_GEOJSON = {
    "type": "object",
    "title": "GeoJSON FeatureCollection",
    "description": "A feature a region; coordinates are the pixels' edges, with y down.",
    "required": ["type", "image", "features"],
    "properties": {
        "type": {"const": "FeatureCollection"},
        "image": {"type": "object"},
        "features": {"type": "array", "items": {"type": "object"}},
    },
}
_COCO = {
    "type": "object",
    "title": "COCO annotations",
    "description": "An annotation with run lengths for each class; pycocotools reads it.",
    "required": ["info", "licenses", "categories", "images", "annotations"],
    "properties": {
        name: {"type": "array", "items": {"type": "object"}} for name in ("categories", "images", "annotations")
    },
}
_STAGES = (
    "Milliseconds of each stage: `wait` (for the network), `decode`, `preprocess`, `network`, `postprocess`, `render`,"
    " `encode` and `total`."
)
_GOOD: dict[str, Any] = {
    "description": "What was found, in the form that was asked for.",
    "headers": {
        "Server-Timing": {
            "description": _STAGES,
            "schema": {"type": "string"},
            "example": "wait;dur=0.21, decode;dur=3.80, preprocess;dur=0.94, network;dur=9.12, postprocess;dur=1.30,"
            " render;dur=0.71, encode;dur=1.88, total;dur=18.40",
        },
        "X-Request-Id": {"description": "What the log calls the request.", "schema": {"type": "string"}},
    },
    "content": {
        JSON: {
            "schema": {"oneOf": [_AREAS, _COCO, _GEOJSON]},
            "examples": {
                "areas": {"summary": "output=areas", "value": AREAS},
                "rle": {"summary": "output=rle", "value": RLE},
                "polygons": {"summary": "output=polygons", "value": POLYGONS},
            },
        },
        GEOJSON: {"schema": _GEOJSON, "example": POLYGONS},
        "image/jpeg": {"schema": {**_BINARY, "description": "The overlay."}},
        "image/png": {
            "schema": {
                **_BINARY,
                "description": "The overlay; the mask, whose pixels are class indices, with the classes' colours as its"
                " palette; or the cut-out, whose background is transparent.",
            }
        },
        "image/webp": {"schema": {**_BINARY, "description": "The overlay."}},
        NPZ: {
            "schema": {
                **_BINARY,
                "description": "A NumPy archive of `mask`, `confidence`, `classes`, `palette` and `background`.",
            }
        },
        "application/octet-stream": {"schema": {**_BINARY, "description": "The same, for who cannot name its type."}},
        LAYERS: {
            "schema": {
                **_BINARY,
                "description": "The mask and the confidences as one binary message, as `/v1/live` sends them; see"
                " docs/serve.md.",
            }
        },
    },
}

PROBLEMS: Mapping[str, Problem] = {
    "url-off": switched_off(),
    "unknown-model": of_error(UnknownModel("lrasp", ("lite", "lraspp"))),
    "not-acceptable": Problem(
        406,
        "the header Accept takes no form that the output 'mask' has: image/png",
        available=["image/png"],
    ),
    "too-many-pixels": Problem(
        413,
        "the image claims more than 50 million pixels, too many to read safely; scale it down",
        type="too-many-pixels",
        max_pixels=50_000_000,
    ),
    "too-large": Problem(
        413,
        "a request to this path brings at most 33554432 bytes; send less, or start the service with a higher limit",
        most_bytes=33_554_432,
    ),
    "media-type": Problem(415, "AVIF is not taken; send JPEG, PNG, WebP, GIF or BMP", accepted=list(MEDIA_TYPES)),
    "option": Problem(422, "alpha is at most 1, not 2.0", parameter="alpha"),
    "unusable": Problem(
        422,
        "cannot read the image: the picture is damaged: image file is truncated (17 bytes not processed)",
        type="unusable",
    ),
    "url-unreachable": unreachable(),
    "queue-full": of_error(QueueFull(2.0)),
    "not-ready": of_error(NotReady("model 'lite' is being loaded", 5.0)),
    "timeout": of_error(DeadlinePassed()),
}
"""What may go wrong, by a short name: an example of each."""

_MEANINGS = {
    403: "`url` is switched off.",
    404: "No such model.",
    406: "`Accept` takes no form that the answer has.",
    413: "Too many bytes, or too many pixels; those are counted before the picture is decoded.",
    415: "The body is no image that is taken.",
    422: "An option or an address that is not taken, or a file that is damaged or cut off.",
    429: "Too many pictures wait; `Retry-After` says when to come back.",
    503: "The model is being loaded, or the service is stopping; `Retry-After` says when to come back.",
    504: "It was not done in time.",
}


def _failure(status: int) -> dict[str, Any]:
    examples = {
        name: {"summary": problem.title, "value": problem.to_json()}
        for name, problem in PROBLEMS.items()
        if problem.status == status
    }
    schema = {"$ref": "#/components/schemas/Problem"}
    made: dict[str, Any] = {
        "description": _MEANINGS[status],
        "content": {PROBLEM: {"schema": schema, "examples": examples}},
    }
    if status in (429, 503):
        seconds = {"description": "Seconds.", "schema": {"type": "integer", "minimum": 1}, "example": 2}
        made["headers"] = {"Retry-After": seconds}
    return made


def _body() -> dict[str, Any]:
    fields = {name: parameter.schema() for name, parameter in parameters().items()}
    form = {
        "type": "object",
        "required": [FILE_FIELD],
        "properties": {
            FILE_FIELD: {**_BINARY, "description": "The file. What it is called does not matter."},
            "output": _OUTPUT["schema"],
            **fields,
        },
    }
    raw = {kind: {"schema": _BINARY} for kind in (*MEDIA_TYPES, "application/octet-stream")}
    return {
        "description": "The bytes of an image, or a form with one and with options. JPEG, PNG, WebP, GIF (its first"
        " picture) and BMP are taken, whatever they are called: what counts is their content.",
        "content": {**raw, "multipart/form-data": {"schema": form}},
    }


DESCRIBED: dict[str, Any] = {
    "summary": "Segment a picture",
    "response_class": Response,
    "responses": {200: _GOOD, **{status: _failure(status) for status in _MEANINGS}},
    "openapi_extra": {
        "parameters": [_OUTPUT, *(parameter.to_openapi() for parameter in parameters().values()), _URL],
        "requestBody": _body(),
    },
}
"""What the route's decorator takes."""
