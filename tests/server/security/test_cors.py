"""Pages of allowed origins may read answers; without any, nothing says so."""

from __future__ import annotations

import pytest

ORIGIN = "https://app.example"


@pytest.fixture(scope="module")
def opened(start_service):
    service = start_service(ready=False, allow_origin=(ORIGIN,))
    with service.client() as client:
        yield client


def test_an_allowed_page_may_read(opened):
    answer = opened.get("/healthz", headers={"Origin": ORIGIN})
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert "X-Request-Id" in answer.headers["access-control-expose-headers"]
    assert "Origin" in answer.headers["vary"]
    assert "access-control-allow-credentials" not in answer.headers


def test_a_failure_may_be_read_as_well(opened):
    answer = opened.get("/v1/nothing", headers={"Origin": ORIGIN})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (404, ORIGIN)


def test_a_preflight_is_answered(opened):
    asked = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
    }
    answer = opened.options("/v1/segment", headers=asked)
    assert answer.status_code == 204
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert "Authorization" in answer.headers["access-control-allow-headers"]


def test_others_are_refused(opened):
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    answer = opened.options("/v1/segment", headers=asked)
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers


def test_closed_by_default(client):
    asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "GET"}
    assert client.options("/healthz", headers=asked).status_code == 403
