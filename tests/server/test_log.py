"""The log tells what happened, and none of what is private."""

from __future__ import annotations

import json
import logging
import socket
import time

import pytest

from liveseg.server.log import EventFormatter, without_secrets

TOKEN = "correct-horse-battery-staple"  # noqa: S105


@pytest.fixture(scope="module")
def guarded(start_service):
    return start_service(ready=False, token=TOKEN)


@pytest.fixture
def lines(caplog):
    """`lines(n)`: what was logged of requests, as the formatter writes it, once there are n: after the answers."""
    caplog.set_level(logging.DEBUG, "liveseg.server")
    caplog.set_level(logging.DEBUG, "uvicorn")

    def read(count):
        formatter = EventFormatter(as_json=True)
        for _ in range(200):
            records = [one for one in caplog.records if one.message == "request" or one.name.startswith("uvicorn")]
            if len(records) >= count:
                break
            time.sleep(0.02)
        return [formatter.format(record) for record in records]

    return read


def test_a_request_is_one_line_with_its_route(guarded, lines):
    with guarded.client() as client:
        answer = client.get("/v1/models/lite")
    (line,) = [told for told in map(json.loads, lines(1)) if told["event"] == "request"]
    assert line["route"].startswith("/v1/models/{")
    assert (line["method"], line["status"], line["level"]) == ("GET", 200, "info")
    assert line["bytes"] == len(answer.content)
    assert line["request_id"] == answer.headers["x-request-id"]
    assert line["client"] == "127.0.0.1"
    assert line["ms"] > 0


def test_nothing_private_is_in_it(guarded, lines):
    with guarded.client() as client:
        ticket = client.post("/v1/tickets", json={"path": "/v1/models"}).json()["ticket"]
        client.get("/v1/models", params={"ticket": ticket, "url": "https://me:hunter2@host.example/holiday.jpg"})
        client.post("/v1/tickets", json={"path": "hunter2"})
        client.get("/v1/hunter2")
        client.get("/v1/models", headers={"Authorization": "Bearer hunter2hunter2hunter2"})
        client.get("/v1/models", headers={"Host": "hunter2.example"})
        client.get("/v1/models", headers={"X-Request-Id": "hunter2 hunter2"})
    told = lines(7)
    assert len(told) == 7
    said = "\n".join(told)
    for private in (TOKEN, ticket, "hunter2", "holiday"):
        assert private not in said


def test_what_is_refused_is_logged_without_a_route(guarded, lines):
    with guarded.client() as client:
        client.get("/v1/models", headers={"Authorization": "Bearer wrong"})
    (line,) = map(json.loads, lines(1))
    assert (line["status"], line["route"]) == (401, None)


def test_questions_of_machines_are_not_worth_a_line(guarded, lines):
    with guarded.client() as client:
        client.get("/healthz")
        client.get("/metrics")
    assert [json.loads(line)["level"] for line in lines(2)] == ["debug", "debug"]


def test_a_request_may_bring_its_id(guarded):
    with guarded.client() as client:
        assert client.get("/healthz", headers={"X-Request-Id": "abc-123_XYZ"}).headers["x-request-id"] == "abc-123_XYZ"
        own = client.get("/healthz", headers={"X-Request-Id": "a" * 100}).headers["x-request-id"]
    assert own != "a" * 100


def test_requests_are_counted(guarded):
    with guarded.client() as client:
        client.get("/v1/models/lite")
        told = client.get("/metrics").text
    assert 'liveseg_requests_total{method="GET",route="/v1/models/{' in told


def test_a_client_that_goes_away_is_no_defect(guarded, lines):
    head = f"POST /v1/tickets HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n"
    with socket.create_connection(("127.0.0.1", guarded.port), 10) as raw:
        raw.sendall(f"{head}Content-Length: 90\r\n\r\n{{".encode())
        time.sleep(0.2)
    (line,) = map(json.loads, lines(1))
    assert (line["event"], line["status"], line["route"]) == ("request", 499, "/v1/tickets")


def record(event, error=None, **fields):
    made = logging.LogRecord("liveseg.server", logging.INFO, __file__, 1, event, (), error)
    made.fields = fields
    return made


def test_lines_for_programs_are_one_line_each():
    line = EventFormatter(as_json=True).format(record("request", route="/v1/a\nb", status=200))
    assert "\n" not in line
    told = json.loads(line)
    assert (told["event"], told["status"], told["level"]) == ("request", 200, "info")
    assert told["time"].endswith("+00:00")


def test_lines_for_people_are_short():
    fields = {"method": "GET", "route": None, "status": 404, "ms": 1.5, "bytes": 10, "client": "127.0.0.1"}
    line = EventFormatter(as_json=False).format(record("request", **fields, request_id="x"))
    assert line.endswith(" GET (no route) 404, 1.5 ms, 10 bytes, 127.0.0.1")


def test_credentials_in_a_traceback_are_made_unreadable():
    try:
        raise ValueError("cannot open rtsp://me:hunter2@camera.example/a?token=hunter2&b")
    except ValueError as error:
        made = record("defect", (type(error), error, error.__traceback__))
    for as_json in (True, False):
        line = EventFormatter(as_json=as_json).format(made)
        assert "hunter2@" not in line
        assert "token=hunter2" not in line
        assert "camera.example" in line


@pytest.mark.parametrize("as_json", [True, False])
def test_credentials_in_a_field_are_made_unreadable(as_json):
    said = "cannot open rtsp://me:hunter2@camera.example/a?token=hunter2 with Bearer hunter2"
    line = EventFormatter(as_json=as_json).format(record("model not loaded", problem=said, status=503))
    assert "hunter2" not in line
    assert "camera.example" in line


@pytest.mark.parametrize(
    "said", ['key="a" and what follows', "Bearer abc", 'secret="', "token=\\", 'key="", "level": "x']
)
def test_whatever_is_said_a_line_for_programs_stays_json(said):
    """Of a video's worker it says the last words, which may be those of who sent the video."""
    try:
        raise ValueError(said)
    except ValueError as error:
        made = record(said, (type(error), error, error.__traceback__), why=said, seconds=1.5, last_words=None)
    told = json.loads(EventFormatter(as_json=True).format(made))
    assert told["level"] == "info"
    assert told["why"] == without_secrets(said)
    assert (told["seconds"], told["last_words"]) == (1.5, None)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("rtsp://me:pw@host/a", "rtsp://***@host/a"),
        ("?ticket=1.abc&x=1", "?ticket=***&x=1"),
        ("Authorization: Bearer abc", "Authorization: Bearer ***"),
        ("http://host/a@b", "http://host/a@b"),
    ],
)
def test_secrets(text, told):
    assert without_secrets(text) == told
