"""Which sources a service reads, by its options and by what clients say."""

from __future__ import annotations

import pytest

from liveseg.server.problems import Problem
from liveseg.server.streams.addresses import configured, from_client
from liveseg.settings import ServeSettings
from liveseg.settings.serve import NamedStream

SECRET = "hunter2"  # noqa: S105
TOKEN = "a-long-enough-token-of-ours"  # noqa: S105


@pytest.mark.parametrize(
    "address",
    [
        "rtsp://camera.local/stream",
        "rtsps://me:hunter2@camera.local:322/stream",
        "http://camera.local/mjpg",
        "https://example.org/live/index.m3u8",
        "rtmp://example.org/app/key",
        "srt://example.org:9000",
        "srt://example.org:9000?mode=caller",
    ],
)
def test_addresses_that_clients_may_name(address):
    assert from_client(address).text == address


@pytest.mark.parametrize(
    "address",
    [
        "/etc/passwd",
        "file:///etc/passwd",
        "concat:/etc/passwd|/etc/shadow",
        "0",
        "-",
        "/dev/video0",
        "clip.mp4",
        "udp://@:1234",
        "tcp://127.0.0.1:1234?listen",
        "srt://:9000?mode=listener",
        "srt://example.org:9000?MODE=rendezvous",
        "ftp://me:hunter2@example.org/x.mp4",
        "rtsp://me:hunter2 @example.org/x",
        "rtsp://me:hun/hunter2@example.org/x",
        "http://",
        "",
        "data://x",
    ],
)
def test_addresses_that_they_may_not(address):
    with pytest.raises(Problem) as problem:
        from_client(address)
    assert problem.value.status == 422
    assert SECRET not in problem.value.detail


def test_names_may_stand_for_more_than_clients_may_name(tmp_path):
    streams = tuple(NamedStream(f"s{i}", text) for i, text in enumerate(["udp://@:1234", "0", str(tmp_path / "a.mp4")]))
    found = configured(ServeSettings(stream=streams))
    assert [getattr(source, "kind", "file") for source in found.values()] == ["udp", "camera", "file"]


def test_off_by_default(client):
    for asked in ({"name": "door"}, {"address": f"rtsp://me:{SECRET}@127.0.0.1/x"}):
        answer = client.post("/v1/streams", json=asked)
        assert answer.status_code == 403
        assert SECRET not in answer.text
    listed = client.get("/v1/streams").json()
    assert (listed["streams"], listed["available"], listed["any_address"]) == ([], [], False)


def test_a_body_that_makes_no_sense_does_not_come_back_with_its_password(client):
    for body in ({"address": [f"rtsp://me:{SECRET}@x/"]}, {"address": "x" * 3000 + SECRET}, {SECRET: 1}):
        answer = client.post("/v1/streams", json=body)
        assert answer.status_code == 422
        assert SECRET not in answer.text or body == {SECRET: 1}


@pytest.fixture(scope="module")
def open_to_any(start_service):
    return start_service(allow_any_stream=True)


def test_any_address_where_that_is_allowed(open_to_any, http_server, until, look):
    with open_to_any.client() as client:
        address = http_server.url("secret.mjpg", password=True)
        answer = client.post("/v1/streams", json={"address": address, "name": "yard", "size": 129, "smooth": False})
        assert answer.status_code == 201, answer.text
        told = answer.json()
        assert told["name"] == "yard"
        assert told["id"] != "yard"
        assert http_server.password not in answer.text
        until(client, answer.headers["Location"], lambda told: told["state"] == "live" and told["frames"] > 2)
        with look(client, told["links"]["mjpeg"]) as viewer:
            assert viewer.picture()[0].size == (640, 480)
        assert client.delete(answer.headers["Location"]).status_code == 204
        assert client.post("/v1/streams", json={"address": "file:///etc/passwd"}).status_code == 422


def test_rtsp_too_and_the_service_stops_while_it_runs(start_service, rtsp_server, until, look):
    service = start_service(stream=(NamedStream("clock", rtsp_server.url("clock")),), token=TOKEN)
    with service.client() as client:
        started = client.post("/v1/streams", json={"name": "clock", "size": 129}).json()
        until(client, "/v1/streams/clock", lambda told: told["state"] == "live" and told["frames"] > 2)
        with service.client(headers={"Authorization": ""}) as stranger:
            assert stranger.get("/v1/streams/clock/mjpeg").status_code == 401
            # By its ticket an <img> may look.
            with look(stranger, started["links"]["mjpeg"]) as viewer:
                viewer.picture()
                service.server.end()
                while viewer.picture() is not None:
                    pass
    service.end(10)
