"""The API describes itself, fully and truly."""

from __future__ import annotations

import json

import jsonschema_rs
import pytest

from liveseg.server.app import create_app
from liveseg.settings import ServeSettings


@pytest.fixture(scope="module")
def described():
    return create_app(ServeSettings()).openapi()


def operations(described):
    for path, own in described["paths"].items():
        for method, operation in own.items():
            yield f"{method.upper()} {path}", operation


def resolved(described, schema):
    while "$ref" in schema:
        part = described
        for name in schema["$ref"].removeprefix("#/").split("/"):
            part = part[name]
        schema = part
    return schema


def examples(described, content):
    """The examples of a content, of its own or of its schema's."""
    own = [content["example"]] if "example" in content else []
    own += [one["value"] for one in content.get("examples", {}).values()]
    return own + resolved(described, content.get("schema", {})).get("examples", [])


def contents(described, operation):
    """Every JSON that an operation takes or gives."""
    parts = {"request": operation.get("requestBody", {})} | operation["responses"]
    for name, part in parts.items():
        for kind, content in part.get("content", {}).items():
            if kind.endswith("json"):
                yield name, kind, content


def test_everything_is_in_it(described):
    assert {
        "/v1/segment",
        "/v1/videos",
        "/v1/streams",
        "/v1/models",
        "/v1/tickets",
        "/healthz",
        "/readyz",
        "/metrics",
    } <= set(described["paths"])
    assert not any(path.endswith((".js", ".css")) for path in described["paths"])


def test_each_operation_says_what_it_is(described):
    names = []
    for name, operation in operations(described):
        assert operation["summary"], name
        assert operation["description"], name
        assert operation["tags"], name
        names.append(operation["operationId"])
    assert len(set(names)) == len(names)
    known = {tag["name"] for tag in described["tags"]}
    assert {tag for _, operation in operations(described) for tag in operation["tags"]} <= known


def test_each_failure_is_a_problem(described):
    for name, operation in operations(described):
        assert "default" in operation["responses"], name
        for status, answer in operation["responses"].items():
            if status == "default" or int(status) >= 400:
                assert set(answer["content"]) == {"application/problem+json"}, (name, status)
    assert "HTTPValidationError" not in json.dumps(described)


def test_all_json_has_examples(described):
    without = [
        f"{name}, {part}"
        for name, operation in operations(described)
        for part, _, content in contents(described, operation)
        if not examples(described, content)
    ]
    assert not without


def test_examples_are_true(described):
    for name, operation in operations(described):
        for part, _, content in contents(described, operation):
            if "schema" not in content:
                continue
            rule = {**content["schema"], "components": described["components"]}
            for example in examples(described, content):
                wrong = list(jsonschema_rs.validator_for(rule).iter_errors(example))
                assert not wrong, f"{name}, {part}: {wrong[0].instance_path} {wrong[0].message}"


def test_the_token_is_described_where_one_is_asked_for(described):
    assert "security" not in described
    guarded = create_app(ServeSettings(token="0123456789abcdef")).openapi()  # noqa: S106
    assert guarded["security"] == [{"token": []}]
    assert guarded["components"]["securitySchemes"]["token"]["scheme"] == "bearer"


def test_it_is_served_unless_left_out(client, start_service, described):
    assert client.get("/openapi.json").json() == json.loads(json.dumps(described))
    with start_service(ready=False, docs=False).client() as other:
        assert other.get("/openapi.json").status_code == 404


def test_a_websocket_asked_for_by_http_says_so(client):
    answer = client.get("/v1/live")
    assert (answer.status_code, answer.headers["upgrade"]) == (426, "websocket")
    assert client.get("/v1/nothing").status_code == 404
