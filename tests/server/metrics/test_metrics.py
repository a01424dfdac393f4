"""`Metrics` tells Prometheus what happened, in formats that Prometheus reads and in a bounded number of series."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from liveseg.server.metrics import Metrics
from liveseg.server.metrics.formats import render
from liveseg.server.metrics.labels import Bounded
from liveseg.server.metrics.process import OtherSystems


@pytest.fixture
def metrics():
    return Metrics()


def read(metrics, accept=""):
    """Each sample, as Prometheus reads it: `{(name, labels): value}`."""
    text, kind = metrics.render(accept)
    parse = read_openmetrics if "openmetrics" in kind else read_text
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in parse(text.decode())
        for sample in family.samples
    }


def value(metrics, name, **labels):
    return read(metrics).get((name, tuple(sorted(labels.items()))))


def test_a_request_is_counted_by_route_method_and_status(metrics):
    metrics.request("/v1/segment", "POST", 200, 0.03)
    metrics.request("/v1/segment", "POST", 200, 0.3)
    metrics.request("/v1/segment", "POST", 429, 0.001)
    assert value(metrics, "liveseg_requests_total", route="/v1/segment", method="POST", status="200") == 2
    assert value(metrics, "liveseg_requests_total", route="/v1/segment", method="POST", status="429") == 1
    took = {"route": "/v1/segment", "method": "POST"}
    assert value(metrics, "liveseg_request_seconds_count", **took) == 3
    assert value(metrics, "liveseg_request_seconds_sum", **took) == pytest.approx(0.331)
    assert value(metrics, "liveseg_request_seconds_bucket", **took, le="0.05") == 2


def test_what_no_route_matched_is_one_series_whatever_was_asked_for(metrics):
    for number in range(1000):
        metrics.request(None, f"BREW{number}", 404, 0.001)
    counted = {key: told for key, told in read(metrics).items() if key[0] == "liveseg_requests_total"}
    assert len(counted) == 1
    assert next(iter(counted.values())) == 1000


def test_the_number_of_series_is_bounded_even_where_paths_come_in_as_routes(metrics):
    before = len(read(metrics))
    for number in range(5000):
        metrics.request(f"/v1/videos/{number}", "GET", 100 + number % 500, 0.001)
        metrics.stage(f"stage{number}", 0.001)
        metrics.frame(f"kind{number}", 0.001)
        metrics.dropped(f"kind{number}")
        metrics.jobs({f"state{number}": 1})
        metrics.stream("door", f"state{number}")
    # 65 routes of 3 and 17 series, and 500 statuses of the last route at most; without a bound there were 100,000.
    assert len(read(metrics)) - before < 5000
    assert value(metrics, "liveseg_stage_seconds_count", stage="other") > 4000


@given(st.lists(st.text(), max_size=60))
def test_a_bounded_label_keeps_to_its_places(words):
    bounded = Bounded("known", most=8)
    assert len({bounded(word) for word in words} - {"other"}) <= 8
    assert bounded("known") == "known"


def test_streams_are_counted_by_state_and_forgotten(metrics):
    metrics.stream("door", "connecting")
    metrics.stream("yard", "live")
    metrics.stream("door", "live")
    assert value(metrics, "liveseg_streams", state="live") == 2
    assert value(metrics, "liveseg_streams", state="connecting") == 0
    metrics.stream("door", None)
    metrics.stream("yard", "failed")
    assert value(metrics, "liveseg_streams", state="live") == 0
    assert value(metrics, "liveseg_streams", state="failed") == 1


def test_a_state_that_no_job_is_in_any_more_is_zero(metrics):
    metrics.jobs({"running": 1, "done": 4})
    metrics.jobs({"done": 5})
    assert value(metrics, "liveseg_video_jobs", state="running") == 0
    assert value(metrics, "liveseg_video_jobs", state="done") == 5


def test_models_in_memory_and_their_loads(metrics):
    for state in ("loading", "ready"):
        metrics.model("lite", state, 12_000_000)
    metrics.model("lraspp", "failed")
    metrics.model("lite", "ready", 12_000_000)
    assert value(metrics, "liveseg_models_in_memory") == 1
    assert value(metrics, "liveseg_model_bytes") == 12_000_000
    assert value(metrics, "liveseg_model_loads_total", result="ready") == 1
    assert value(metrics, "liveseg_model_loads_total", result="failed") == 1
    metrics.model("lite", "absent")
    assert value(metrics, "liveseg_models_in_memory") == 0
    assert value(metrics, "liveseg_model_bytes") == 0


def test_the_rest_is_where_its_name_says(metrics):
    metrics.queue(3)
    metrics.batch(4)
    metrics.frame("live", 0.06)
    metrics.dropped("live", 7)
    metrics.live(2)
    assert value(metrics, "liveseg_queue_depth") == 3
    assert value(metrics, "liveseg_batch_size_sum") == 4
    assert value(metrics, "liveseg_frame_age_seconds_bucket", kind="live", le="0.075") == 1
    assert value(metrics, "liveseg_frame_age_seconds_bucket", kind="live", le="0.05") == 0
    assert value(metrics, "liveseg_frames_dropped_total", kind="live") == 7
    assert value(metrics, "liveseg_live_sessions") == 2


def test_what_has_not_happened_is_zero_rather_than_missing(metrics):
    """A rate over a series that appears with its first event misses that event."""
    for stage in ("wait", "decode", "preprocess", "network", "postprocess", "render", "encode"):
        assert value(metrics, "liveseg_stage_seconds_count", stage=stage) == 0
    assert value(metrics, "liveseg_frames_dropped_total", kind="stream") == 0
    assert value(metrics, "liveseg_streams", state="live") == 0


def test_the_memory_of_the_process_is_told(metrics):
    assert value(metrics, "process_resident_memory_bytes") > 10e6


def test_systems_without_proc_tell_the_same(metrics):
    told = {family.name: family.samples[0].value for family in OtherSystems().collect()}
    linux = {family.name: family.samples[0].value for family in metrics.registry.collect() if family.samples}
    assert told.keys() == {
        "process_resident_memory_bytes",
        "process_virtual_memory_bytes",
        "process_start_time_seconds",
        "process_cpu_seconds",
    }
    for name, seen in told.items():
        assert seen == pytest.approx(linux[name], rel=0.2, abs=2), name


def test_many_threads_lose_nothing(metrics):
    def work():
        for _ in range(500):
            metrics.request("/v1/segment", "POST", 200, 0.01)
            metrics.stage("network", 0.01)
            metrics.stream(threading.current_thread().name, "live")

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert value(metrics, "liveseg_requests_total", route="/v1/segment", method="POST", status="200") == 4000
    assert value(metrics, "liveseg_stage_seconds_count", stage="network") == 4000
    assert value(metrics, "liveseg_streams", state="live") == 8


PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("", "text/plain; version=0.0.4; charset=utf-8"),
        ("*/*", "text/plain; version=0.0.4; charset=utf-8"),
        ("text/html,application/xhtml+xml;q=0.9", "text/plain; version=0.0.4; charset=utf-8"),
        (PROMETHEUS_3, "application/openmetrics-text; version=1.0.0; charset=utf-8"),
        ("application/openmetrics-text", "application/openmetrics-text; version=1.0.0; charset=utf-8"),
        ("application/openmetrics-text;q=0.1,text/plain", "text/plain; version=0.0.4; charset=utf-8"),
        ("application/openmetrics-text;q=0", "text/plain; version=0.0.4; charset=utf-8"),
        # prometheus-client's own choice fails on this one.
        ("text/plain;version=new", "text/plain; version=0.0.4; charset=utf-8"),
    ],
)
def test_the_format_is_the_one_that_the_client_prefers(metrics, accept, kind):
    assert metrics.render(accept)[1] == kind
    assert read(metrics, accept)[("liveseg_queue_depth", ())] == 0


@given(st.text())
def test_no_accept_header_is_too_strange(accept):
    text, kind = render(Metrics().registry, accept)
    assert b"liveseg_queue_depth 0.0" in text
    assert kind.startswith(("text/plain", "application/openmetrics-text"))


def test_two_services_in_one_process_do_not_mix():
    one, two = Metrics(), Metrics()
    one.queue(5)
    assert value(two, "liveseg_queue_depth") == 0
