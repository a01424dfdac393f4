"""Live sources on the server's side: started, looked at by several, away and back, ended."""

from __future__ import annotations

import io
import socket
import threading
import time

import httpx2
import numpy as np
import pytest
from PIL import Image

from liveseg.server.streams import stream as stream_module
from liveseg.settings.serve import NamedStream


@pytest.fixture(scope="module")
def named(start_service, http_program, samples):
    """A service with three named sources."""
    sources = {
        "clock": http_program.url("clock.mjpg"),
        "secret": http_program.url("secret.mjpg", password=True),
        "file": str(samples / "video_1.mp4"),
        "nowhere": "rtsp://me:hunter2@127.0.0.1:9/stream?token=hunter2",
    }
    streams = tuple(NamedStream(name, address) for name, address in sources.items())
    return start_service(stream=streams, streams_running=2)


@pytest.fixture
def client(named, http_server):
    """Its client, and none of its streams left afterwards."""
    with named.client() as client:
        yield client
        for stream in client.get("/v1/streams").json()["streams"]:
            assert client.delete(stream["links"]["self"]).status_code == 204


def start(client, name, **options):
    """Start a stream; gives its path."""
    answer = client.post("/v1/streams", json={"name": name, "size": 129, **options})
    assert answer.status_code == 201, answer.text
    assert answer.headers["Location"] == f"/v1/streams/{answer.json()['id']}"
    return answer.headers["Location"]


def live(told):
    return told["state"] == "live" and told["frames"] > 3


def test_one_is_started_by_name_and_shown_with_what_is_known_of_it(client, until, look, read_clock):
    assert set(client.get("/v1/streams").json()["available"]) == {"clock", "secret", "file", "nowhere"}
    sent = client.post("/v1/streams", json={"name": "clock", "size": 129})
    assert (sent.status_code, sent.json()["state"], sent.json()["id"]) == (201, "connecting", "clock")
    with look(client, "/v1/streams/clock/mjpeg") as viewer:
        seen = [viewer.picture() for _ in range(5)]
        told = until(client, "/v1/streams/clock", live)
        assert told["viewers"] == 1
        # Who looks gets what is new: the clock in the last picture is hardly older than this moment.
        reading = viewer.clock(read_clock)
        age = time.monotonic() - reading.seconds
    assert age < 3
    times = [moment for _, moment in seen]
    assert times == sorted(set(times))
    assert (told["width"], told["height"]) == (640, 480) == seen[0][0].size
    assert told["rate"] > 0
    assert 0 < told["age_ms"] < 3000
    assert told["failure"] is None
    assert not told["paused"]
    until(client, "/v1/streams/clock", lambda told: told["viewers"] == 0)
    listed = client.get("/v1/streams").json()
    assert [stream["id"] for stream in listed["streams"]] == ["clock"]
    assert "clock" not in listed["available"]


def test_the_same_again_is_the_same_stream_and_another_wish_is_refused(client):
    here = start(client, "clock")
    again = client.post("/v1/streams", json={"name": "clock", "size": 129})
    assert (again.status_code, again.headers["Location"]) == (200, here)
    assert client.post("/v1/streams", json={"name": "clock", "size": 225}).status_code == 409


def test_a_snapshot_waits_for_the_first_picture(client):
    here = start(client, "clock")
    answer = client.get(f"{here}/snapshot.jpg")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/jpeg")
    assert Image.open(io.BytesIO(answer.content)).size == (640, 480)
    assert answer.headers["Cache-Control"] == "no-store"


def test_several_look_and_a_slow_one_holds_up_nobody_and_gets_the_newest(client, named, look, until):
    here = start(client, "clock")
    counts = []

    def quick():
        with named.client() as own, look(own, f"{here}/mjpeg") as viewer:
            began, count = time.monotonic(), 0
            while time.monotonic() - began < 3:
                viewer.picture()
                count += 1
            counts.append(count)

    with look(client, f"{here}/mjpeg") as slow:
        slow.picture()
        others = [threading.Thread(target=quick) for _ in range(3)]
        for thread in others:
            thread.start()
        with named.client() as third:
            until(third, here, lambda told: told["viewers"] == 4)
        for thread in others:
            thread.join()
    assert len(counts) == 3
    assert min(counts) > 5
    with named.client() as third:
        until(third, here, lambda told: told["viewers"] == 0)


@pytest.mark.long
def test_who_was_slow_skips_what_is_old(client, named, look, read_clock):
    here = start(client, "clock")
    small = httpx2.HTTPTransport(socket_options=[(socket.SOL_SOCKET, socket.SO_RCVBUF, 32768)])
    with named.client(transport=small) as own, look(own, f"{here}/mjpeg") as viewer:
        viewer.picture()
        time.sleep(6)
        readings, ages = [], []
        for _ in range(120):
            readings.append(viewer.clock(read_clock))
            ages.append(time.monotonic() - readings[-1].seconds)
    numbers = [reading.number for reading in readings]
    # Six seconds are 150 pictures; only what was on its way when it stopped is old.
    assert max(np.diff(numbers)) > 25
    assert min(ages) < 1.5
    assert ages[-1] < 1.5


def test_a_source_that_goes_away_is_shown_so_and_comes_back(client, http_server, until, look):
    here = start(client, "clock")
    with look(client, f"{here}/mjpeg") as viewer:
        until(client, here, live)
        http_server.cut()
        until(client, here, lambda told: told["state"] == "away")
        viewer.picture()
        http_server.restore()
        told = until(client, here, lambda told: told["state"] == "live")
        assert told["reconnects"] == 1
        viewer.picture()


def test_what_cannot_be_reached_fails_in_words_without_the_password(client, until):
    here = start(client, "nowhere")
    told = until(client, here, lambda told: told["state"] == "failed")
    assert "refused" in told["failure"]
    everything = str(told) + client.get("/v1/streams").text + client.get(f"{here}/mjpeg").text
    assert "hunter2" not in everything
    assert told["address"] == "rtsp://127.0.0.1:9/stream?token=***"
    assert client.get(f"{here}/mjpeg").status_code == 410
    assert client.get(f"{here}/snapshot.jpg").status_code == 410
    # It may be tried again.
    assert client.post("/v1/streams", json={"name": "nowhere", "size": 129}).status_code == 201


def test_a_password_is_used_and_never_told(client, http_program, until):
    here = start(client, "secret")
    told = until(client, here, live)
    assert http_program.password not in str(told)


@pytest.mark.long
def test_a_file_is_played_once_at_its_own_pace(client, until, look):
    here = start(client, "file")
    began = time.monotonic()
    with look(client, f"{here}/mjpeg") as viewer:
        times = []
        while (seen := viewer.picture()) is not None:
            times.append(seen[1])
    assert 5 < time.monotonic() - began < 30
    assert times[-1] > 5
    told = until(client, here, lambda told: told["state"] == "stopped")
    assert told["address"] == "video_1.mp4"
    assert told["failure"] is None


def test_no_more_run_than_are_allowed(client):
    start(client, "clock")
    start(client, "secret")
    third = client.post("/v1/streams", json={"name": "file"})
    assert third.status_code == 429
    assert client.delete("/v1/streams/secret").status_code == 204
    assert client.post("/v1/streams", json={"name": "file"}).status_code == 201


def test_one_that_is_ended_ends_for_those_who_look_and_its_thread_is_gone(client, named, until, look):
    here = start(client, "clock")
    until(client, here, live)
    with look(client, f"{here}/mjpeg") as viewer:
        viewer.picture()
        with named.client() as other:
            assert other.delete(here).status_code == 204
        while viewer.picture() is not None:
            pass
    assert client.get(here).status_code == 404
    assert client.delete(here).status_code == 404
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("liveseg-stream")]


def test_one_that_never_answers_ends_at_once_when_it_is_told_to(start_service, deaf_server):
    service = start_service(stream=(NamedStream("deaf", deaf_server.url("rtsp")),))
    with service.client() as client:
        here = start(client, "deaf")
        time.sleep(0.5)
        assert client.get(here).json()["state"] == "connecting"
        began = time.monotonic()
        assert client.delete(here).status_code == 204
        assert time.monotonic() - began < 3
        start(client, "deaf")
        began = time.monotonic()
        service.end()
        assert time.monotonic() - began < 5


def test_nothing_is_segmented_where_nobody_looks(client, until, monkeypatch):
    monkeypatch.setattr(stream_module, "REST", 0.5)
    here = start(client, "clock")
    told = until(client, here, lambda told: told["paused"] and told["frames"] > 0)
    time.sleep(0.2)
    before = client.get(here).json()["frames"]
    time.sleep(1.5)
    told = client.get(here).json()
    assert told["frames"] == before
    assert (told["state"], told["paused"]) == ("live", True)
    picture = client.get(f"{here}/snapshot.jpg")
    assert picture.status_code == 200
    assert client.get(here).json()["frames"] > before


def test_too_many_viewers_are_refused(client, named, look, monkeypatch):
    monkeypatch.setattr("liveseg.server.streams.routes.VIEWERS", 1)
    here = start(client, "clock")
    with look(client, f"{here}/mjpeg") as viewer:
        viewer.picture()
        with named.client() as other:
            answer = other.get(f"{here}/mjpeg")
        assert answer.status_code == 429
        assert answer.headers["Retry-After"]


def test_a_name_that_nobody_gave_is_not_there(client):
    answer = client.post("/v1/streams", json={"name": "other"})
    assert answer.status_code == 404
    assert answer.json()["available"]
    assert client.get("/v1/streams/other").status_code == 404
    assert client.post("/v1/streams", json={"name": "clock", "model": "other"}).status_code == 404
    assert client.post("/v1/streams", json={}).status_code == 422
    assert client.post("/v1/streams", json={"name": "clock", "nothing": 1}).status_code == 422


def test_the_metrics_know_of_it(client, until):
    here = start(client, "clock")
    until(client, here, live)
    text = client.get("/metrics").text
    assert 'liveseg_streams{state="live"} 1.0' in text
    assert 'liveseg_frame_age_seconds_count{kind="stream"} 0.0' not in text
