"""What a live connection may not do, and how it ends: with a reason that a person can read and a code for programs."""

from __future__ import annotations

import io
import json
import struct
import time
import zlib

import numpy as np
import pytest
from PIL import Image
from websockets.exceptions import ConnectionClosed, InvalidStatus

from liveseg.errors import UsageError
from liveseg.server.live.options import LiveOptions, read_message
from liveseg.settings.serve import ServedModel
from liveseg.weights.locate import bundled
from liveseg.wire import Frame, Layers, Overlay

TOKEN = "correct-horse-battery"  # noqa: S105


@pytest.fixture(scope="module")
def strict(start):
    return start(
        size=65,
        token=TOKEN,
        header_seconds=0.5,
        live_idle_seconds=1.0,
        live=3,
        live_each=2,
        max_pixels=100_000,
        max_input_pixels=1_000_000,
        max_body=70_000,
    )


def png_claiming(width, height):
    """A PNG of a few hundred bytes that says it has so many pixels."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


def picture(height, width):
    data = io.BytesIO()
    Image.fromarray(np.zeros((height, width, 3), np.uint8)).save(data, "PNG")
    return data.getvalue()


def small_picture():
    return picture(64, 80)


@pytest.mark.parametrize(
    "hello", [{}, {"token": "correct-horse-batterz"}, {"token": 5}, {"token": None}, {"token": "\ud800"}]
)
def test_without_the_token_nothing_is_told_but_that(strict, talk, hello):
    client = talk(strict.address, hello)
    code, problems = client.end()
    assert code == 4401
    assert [problem["status"] for problem in problems] == [401]
    assert TOKEN not in json.dumps(problems)


def test_a_model_is_called_what_the_service_calls_it(start, talk):
    own = ServedModel("small", bundled("lite", "int8.onnx"))
    client = talk(start(size=65, models=(ServedModel("lite"), own)).address, {"model": "small"})
    assert client.until("ready")["model"] == "small"


def test_options_may_be_nested_as_deeply_as_they_like():
    for depth in range(500, 2000):
        with pytest.raises(UsageError):
            LiveOptions().changed(read_message('{"size": ' + "[" * depth + "]" * depth + "}"))


def test_the_token_opens_and_is_never_said_back(strict, talk):
    client = talk(strict.address, {"token": TOKEN})
    assert TOKEN not in json.dumps(client.until("ready"))
    client.frame(small_picture(), 3)
    assert client.hear().sequence == 3


def test_who_says_nothing_is_not_waited_for(strict, talk):
    began = time.monotonic()
    code, problems = talk(strict.address).end()
    assert (code, problems[0]["status"]) == (4401, 408)
    assert 0.3 < time.monotonic() - began < 5


def test_who_goes_silent_is_let_go(strict, talk):
    client = talk(strict.address, {"token": TOKEN})
    client.until("ready")
    code, problems = client.end()
    assert (code, problems[0]["status"]) == (4408, 408)


def test_there_are_only_so_many_connections(strict, talk, wait_for):
    first, second = talk(strict.address, {"token": TOKEN}), talk(strict.address, {"token": TOKEN})
    first.until("ready")
    second.until("ready")
    code, problems = talk(strict.address, {"token": TOKEN}).end()
    assert (code, problems[0]["status"], problems[0]["retry_after"]) == (4429, 429, 5)
    assert "2 live connections of yours" in problems[0]["detail"]
    first.socket.close()
    wait_for(lambda: strict.sessions.count == 1)
    talk(strict.address, {"token": TOKEN}).until("ready")


def test_there_are_only_so_many_in_all(start, talk):
    address = start(size=65, live=1, live_each=5).address
    talk(address, {}).until("ready")
    code, problems = talk(address, {}).end()
    assert (code, problems[0]["status"]) == (4429, 429)
    assert "1 live connections are open" in problems[0]["detail"]


def test_a_page_of_another_origin_does_not_get_in(service, talk):
    with pytest.raises(InvalidStatus) as refused:
        talk(service.address, {}, origin="http://evil.example.org")
    assert refused.value.response.status_code == 403
    own = service.address.replace("ws:", "http:").removesuffix("/v1/live")
    talk(service.address, {}, origin=own).until("ready")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        # At the network's 65 rows it would be 8 million pixels.
        (picture(1, 2000), 413),
        (png_claiming(50_000, 50_000), 413),
        (png_claiming(100, 100), 422),
        (b"no picture at all", 415),
        (b"GIF89a", 415),
        (b"#EXTM3U\nfile:///etc/passwd", 415),
    ],
)
def test_a_frame_that_cannot_be_taken_is_refused_and_the_next_one_answered(strict, talk, sent, status):
    client = talk(strict.address, {"token": TOKEN})
    client.until("ready")
    client.frame(sent, 5)
    problem = client.until("problem")
    assert problem["status"] == status
    assert problem["sequence"] == 5
    client.frame(small_picture(), 6)
    assert client.hear().sequence == 6


def test_a_frame_of_too_many_bytes_is_refused_and_one_of_far_too_many_ends_the_connection(
    service, strict, talk, astronaut
):
    client = talk(service.address, {})
    assert client.until("ready")["max_frame_bytes"] == 8 << 20
    client.frame(bytes(9 << 20), 3)
    problem = client.until("problem")
    assert (problem["status"], problem["max_bytes"], problem["sequence"]) == (413, 8 << 20, 3)
    client.frame(astronaut[0], 4)
    assert client.hear().sequence == 4
    other = talk(strict.address, {"token": TOKEN})
    assert other.until("ready")["max_frame_bytes"] == 70_000
    other.frame(bytes(70_000))
    assert other.end()[0] == 1009


def test_who_sends_nothing_but_rubbish_is_cut_off(strict, talk):
    client = talk(strict.address, {"token": TOKEN})
    client.until("ready")
    with pytest.raises(ConnectionClosed) as closed:  # noqa: PT012
        for number in range(100):
            client.frame(b"rubbish", number)
            client.hear()
    assert closed.value.rcvd.code == 4400


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"LS",
        Frame(b"x").pack()[:-1],
        b"LS\x02" + Frame(b"x").pack()[3:],
        Layers(np.zeros((4, 4), np.uint8)).pack(),
        Overlay(b"x", 1, 1).pack(),
        bytes(100),
    ],
)
def test_a_message_that_is_no_frame_ends_the_connection(strict, talk, message):
    client = talk(strict.address, {"token": TOKEN})
    client.until("ready")
    client.send(message)
    code, problems = client.end()
    assert code == 4400
    assert problems[0]["status"] in (400, 422)


@pytest.mark.parametrize("hello", ["", "[]", "{", "[" * 5000, '"token"', "{" + " " * 20_000 + "}", b"LS"])
def test_a_first_message_that_is_none_ends_the_connection(service, talk, hello):
    client = talk(service.address)
    client.send(hello)
    code, problems = client.end()
    assert (code, problems[0]["status"]) == (4400, 400)


def test_a_first_message_with_a_wrong_option_names_it(service, talk):
    code, problems = talk(service.address, {"model": "lot"}).end()
    assert (code, problems[0]["status"]) == (4400, 404)
    assert "lite" in problems[0]["detail"]
    code, problems = talk(service.address, {"output": 3}).end()
    assert (code, problems[0]["status"]) == (4400, 422)


def test_a_full_queue_is_said_and_does_not_end_anything(service, talk, astronaut):
    from liveseg.server.engine.errors import QueueFull

    client = talk(service.address, {})
    client.until("ready")
    segment = service.engine.segment

    async def full(*_, **__):
        raise QueueFull(0.2)

    service.engine.segment = full
    try:
        client.frame(astronaut[0], 1)
        problem = client.until("problem")
    finally:
        service.engine.segment = segment
    assert (problem["status"], problem["sequence"], problem["retry_after"]) == (429, 1, 1)
    client.frame(astronaut[0], 2)
    assert client.hear().sequence == 2


def test_a_stop_lets_the_frame_in_work_be_answered_and_says_goodbye(start, talk, astronaut, wait_for):
    """By the call that SIGTERM comes to."""
    running = start()
    idle, busy = talk(running.address, {}), talk(running.address, {})
    idle.until("ready")
    busy.until("ready")
    with running.held() as waiting:
        busy.frame(astronaut[0], 1)
        wait_for(lambda: waiting() == 1)
        ending = running.begin(running.running.service.finish(5.0))
        assert idle.end()[0] == 1001
        assert not ending.done()
    assert busy.hear().sequence == 1
    assert busy.end()[0] == 1001
    assert ending.result(10) is True
    assert running.sessions.count == 0


def test_a_stop_does_not_wait_for_what_takes_too_long(start, talk, astronaut, wait_for):
    running = start(grace_seconds=0.2)
    client = talk(running.address, {})
    client.until("ready")
    with running.held() as waiting:
        client.frame(astronaut[0], 1)
        wait_for(lambda: waiting() == 1)
        began = time.monotonic()
        running.do(running.sessions.stop())
        assert time.monotonic() - began < 8
        assert client.end()[0] == 1001
    code, problems = talk(running.address, {}).end()
    assert (code, problems[0]["status"]) == (1001, 503)


def test_a_defect_ends_its_own_connection_only(service, talk, astronaut, caplog):
    client, other = talk(service.address, {}), talk(service.address, {})
    client.until("ready")
    other.until("ready")
    segment = service.engine.segment

    async def broken(*_, **__):
        raise RuntimeError("a bug in the middle")

    service.engine.segment = broken
    try:
        client.frame(astronaut[0], 1)
        code, problems = client.end()
    finally:
        service.engine.segment = segment
    assert (code, problems) == (1011, [])
    other.frame(astronaut[0], 2)
    assert other.hear().sequence == 2
