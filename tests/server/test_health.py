"""The service says how it is."""

from __future__ import annotations


def test_it_is_alive_and_ready(client):
    assert client.get("/healthz").json()["status"] == "alive"
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready", "model": "lite"})
