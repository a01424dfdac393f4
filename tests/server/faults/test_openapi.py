"""What the OpenAPI description allows, and what it does not: every route answers as described, and never fails.

Schemathesis makes the requests from the description; how many is bounded. Each has to be answered, with no 5xx that is
a defect, with a status, a media type and a body that the description has for it.
"""

from __future__ import annotations

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from liveseg.server.app import create_app
from liveseg.settings import ServeSettings

EXAMPLES = 12
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


# Made without a running service, as pytest asks for the names of the routes before it starts one.
DESCRIBED = create_app(ServeSettings()).openapi()
# A stream of pictures has no end to wait for.
ROUTES = {
    found.ok().label: found.ok()
    for found in schemathesis.openapi.from_dict(DESCRIBED).get_all_operations()
    if not found.ok().path.endswith("/mjpeg")
}


def asked():
    """Each route, and how it is asked; what has neither a body nor options cannot be asked wrongly."""
    for label, route in ROUTES.items():
        yield label, GenerationMode.POSITIVE
        told = DESCRIBED["paths"][route.path][route.method.lower()]
        if "requestBody" in told or any(parameter["in"] == "query" for parameter in told.get("parameters", ())):
            yield label, GenerationMode.NEGATIVE


@pytest.mark.parametrize(("label", "mode"), list(asked()))
def test_every_route_answers_as_described(hurt, label, mode):
    """`positive` requests are as the description wants them, `negative` ones break it somewhere."""

    @given(case=ROUTES[label].as_strategy(generation_mode=mode))
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    def check(case):
        case.call_and_validate(base_url=hurt.url, checks=CHECKS, timeout=30)

    check()


def test_examples_of_the_description_are_real(hurt):
    """Every JSON answer that succeeds has an example, so that a reader sees one."""
    described = httpx2.get(f"{hurt.url}/openapi.json", timeout=30).json()
    assert described["paths"].keys() == DESCRIBED["paths"].keys()
    without = []
    for path, methods in described["paths"].items():
        for method, told in methods.items():
            for status, answer in told.get("responses", {}).items():
                content = answer.get("content", {}).get("application/json")
                if status.startswith("2") and content is not None and not _has_example(content, described):
                    without.append(f"{method.upper()} {path} {status}")
    assert not without


def _has_example(content, described):
    if "example" in content or "examples" in content:
        return True
    schema = content.get("schema", {})
    if "$ref" in schema:
        schema = described["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return "example" in schema or "examples" in schema


def test_the_service_is_well_afterwards(hurt, steady):
    """The last of the module: after all of that another client gets its answers, and nothing is left."""
    held = hurt.settled()
    assert held["waiting"] == 0
    assert held["tasks"] < 20, held
    assert not hurt.defects()
