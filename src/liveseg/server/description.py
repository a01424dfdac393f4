"""The API's description (OpenAPI), as the routes have it, with the failures that every one of them may end in."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from liveseg.server.examples import OF_ANSWERS
from liveseg.server.problems import MEDIA_TYPE, Problem

if TYPE_CHECKING:
    from fastapi import FastAPI
    from fastapi.routing import APIRoute

ABOUT = """\
Semantic segmentation of pictures, videos and live pictures by the models of this service.

Failures are problem details (RFC 9457). Where the service asks for a token, send it as `Authorization: Bearer TOKEN`;
for what is read without headers (`<img>`, `<video>`, downloads) `POST /v1/tickets` gives out addresses that work for a
while. Live pictures go over the WebSocket `/v1/live`, which OpenAPI cannot describe: docs/serve.md does.
"""

TAGS = [
    {"name": "pictures", "description": "One picture in, what the network found in it out."},
    {"name": "videos", "description": "Videos as jobs."},
    {"name": "streams", "description": "Live sources that the service reads."},
    {"name": "models", "description": "What the service segments with."},
    {"name": "service", "description": "How the service is."},
]

_PROBLEM = {
    "type": "object",
    "description": "What went wrong, as RFC 9457 has it; some problems have more members.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "What kind of problem it is."},
        "title": {"type": "string", "description": "What all problems of this type have in common."},
        "status": {"type": "integer", "description": "The HTTP status."},
        "detail": {"type": "string", "description": "What is wrong with this request, and what to do."},
        "instance": {"type": "string", "format": "uri", "description": "The request's id, as the log has it."},
        "errors": {
            "type": "array",
            "description": "Of a request that is not valid: each field, and what is wrong with it.",
            "items": {
                "type": "object",
                "required": ["in", "name", "detail"],
                "properties": {"in": {"type": "string"}, "name": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}

_EXAMPLE = Problem(404, "no model 'lrasp' here; choose one of lite, lraspp", type="unknown-model").to_json()

_REFERENCE = {"$ref": "#/components/schemas/Problem"}


def describe(app: FastAPI, *, token: bool) -> None:
    """Let an application describe itself with the failures of its routes, and the token where it asks for one."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            _complete(plain(), token=token)
        return plain()

    app.openapi = openapi  # type: ignore[method-assign]


def operation_id(route: APIRoute) -> str:
    """What clients made from the description call an operation, as `videos_send`."""
    return f"{route.tags[0]}_{route.name}" if route.tags else route.name


def _complete(told: dict[str, Any], *, token: bool) -> None:
    parts = told.setdefault("components", {})
    schemas = parts.setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Problem"] = _PROBLEM
    for path, operations in told["paths"].items():
        for method, operation in operations.items():
            answers = operation["responses"]
            _show(answers, OF_ANSWERS.get((method, path)))
            _tell_failures(answers)
            _restore_examples(answers, schemas)
    for one in schemas.values():
        for example in one.get("examples", []):
            _restore(example, one, schemas)
    if token:
        parts["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        told["security"] = [{"token": []}]


def _tell_failures(answers: dict[str, Any]) -> None:
    # What FastAPI says of its own; routes that say more themselves keep that.
    if "HTTPValidationError" in str(answers.get("422")):
        del answers["422"]
    for status, answer in answers.items():
        if status.isdecimal() and int(status) >= 400:
            content = answer.setdefault("content", {}).setdefault(MEDIA_TYPE, {})
            content["schema"] = _REFERENCE
            content.setdefault("example", Problem(int(status), answer["description"]).to_json())
    failure = {"schema": _REFERENCE, "example": _EXAMPLE}
    answers["default"] = {"description": "A problem", "content": {MEDIA_TYPE: failure}}


def _show(answers: dict[str, Any], example: Any) -> None:
    for status, answer in answers.items():
        for kind, content in answer.get("content", {}).items():
            if example is not None and status < "300" and kind.endswith("json") and not _examples(content):
                content["example"] = copy.deepcopy(example)


def _restore_examples(answers: dict[str, Any], schemas: dict[str, Any]) -> None:
    for answer in answers.values():
        for content in answer.get("content", {}).values():
            for example in _examples(content):
                _restore(example, content.get("schema", {}), schemas)


def _examples(content: dict[str, Any]) -> list[Any]:
    shown = [one.get("value") for one in content.get("examples", {}).values()]
    return [content["example"], *shown] if "example" in content else shown


def _restore(example: Any, schema: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Put back what is null in an example: FastAPI leaves out whatever is null in the whole description."""
    for one in _alternatives(schema, schemas):
        if isinstance(example, list):
            for item in example:
                _restore(item, one.get("items", {}), schemas)
        elif isinstance(example, dict):
            for name, own in one.get("properties", {}).items():
                if name in example:
                    _restore(example[name], own, schemas)
                elif any(alternative.get("type") == "null" for alternative in own.get("anyOf", [])):
                    example[name] = None


def _alternatives(schema: dict[str, Any], schemas: dict[str, Any]) -> list[dict[str, Any]]:
    """What a schema stands for: itself, or those that it refers to."""
    if "$ref" in schema:
        return _alternatives(schemas.get(schema["$ref"].rpartition("/")[2], {}), schemas)
    found = [schema]
    for one in schema.get("anyOf", []):
        found += _alternatives(one, schemas)
    return found
