"""Every answer tells browsers to keep to this service."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize("path", ["/", "/healthz", "/v1/models", "/v1/nothing", "/openapi.json"])
def test_every_answer_has_them(client, path):
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["referrer-policy"] == "no-referrer"
    assert "access-control-allow-origin" not in headers
    assert "server" not in headers


def test_a_refusal_has_them_too(client):
    answer = client.get("/v1/models", headers={"Host": "evil.example"})
    assert answer.status_code == 421
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_what_a_route_makes_is_not_kept(client):
    assert client.get("/healthz").headers["cache-control"] == "no-store"
    assert client.get("/").headers["cache-control"] == "no-cache"
