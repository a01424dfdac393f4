"""`GET /metrics` of a running service: what really happened, and nothing that a client chose."""

from __future__ import annotations

import httpx2
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

TOKEN = "correct-horse-battery-staple"  # noqa: S105


@pytest.fixture(scope="module")
def guarded(start_service):
    return start_service(token=TOKEN, size=97)


def told_to(client):
    answer = client.get("/metrics")
    assert answer.status_code == 200, answer.text
    return [sample for family in read_text(answer.text) for sample in family.samples]


def value(told, name, **labels):
    return sum(
        sample.value for sample in told if sample.name == name and labels.items() <= sample.labels.items()
    )  # fmt: skip


def test_the_token_is_asked_for(guarded):
    assert httpx2.get(f"{guarded.url}/metrics", timeout=30).status_code == 401
    with guarded.client() as client:
        assert client.get("/metrics").status_code == 200


def test_prometheus_gets_the_format_it_prefers(guarded):
    with guarded.client() as client:
        plain = client.get("/metrics")
        assert plain.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert plain.headers["cache-control"] == "no-store"
        liked = client.get(
            "/metrics", headers={"Accept": "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"}
        )
        assert liked.headers["content-type"].startswith("application/openmetrics-text")
        assert any(family.name == "liveseg_requests" for family in read_openmetrics(liked.text))


def test_a_picture_is_seen_in_every_stage(guarded, photo):
    stages = ("wait", "decode", "preprocess", "network", "postprocess", "render", "encode")
    with guarded.client() as client:
        before = told_to(client)
        answer = client.post("/v1/segment", content=photo, headers={"Content-Type": "image/jpeg"})
        assert answer.status_code == 200
        after = told_to(client)
    for stage in stages:
        grown = [value(told, "liveseg_stage_seconds_count", stage=stage) for told in (before, after)]
        assert grown[1] - grown[0] == 1, stage
    asked = {"route": "/v1/segment", "method": "POST", "status": "200"}
    assert value(after, "liveseg_requests_total", **asked) - value(before, "liveseg_requests_total", **asked) == 1
    assert value(after, "liveseg_batch_size_sum") - value(before, "liveseg_batch_size_sum") == 1
    assert value(after, "liveseg_models_in_memory") == 1
    assert value(after, "process_resident_memory_bytes") > 50e6


def test_nothing_that_a_client_chose_is_a_label(guarded):
    with guarded.client() as client:
        first = told_to(client)
        for number in range(30):
            client.get(f"/no/such/place-{number}")
            client.get(f"/v1/videos/job-{number}")
            client.get(f"/v1/models/model-{number}")
            client.request(f"VERB{number}", "/v1/segment")
        after = told_to(client)
    texts = {text for sample in after for text in sample.labels.values()}
    assert not [text for text in texts if "-1" in text or "VERB" in text]
    # Three routes with a status each, and a method that is none: as histograms and counters.
    assert len(after) - len(first) < 150
    assert value(after, "liveseg_requests_total", route="other", status="404") >= 30


@pytest.fixture(scope="module")
def photo(samples):
    return (samples / "image_1.jpg").read_bytes()
