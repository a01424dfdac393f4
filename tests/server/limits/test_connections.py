"""Connections are counted, and none may keep the service waiting."""

from __future__ import annotations

import contextlib
import socket
import time

import httpx2
import pytest
from starlette.responses import StreamingResponse
from websockets.sync.client import connect

EACH = 4


def add_routes(app):
    async def much(request):
        async def parts():
            for _ in range(4000):
                yield b"x" * 65536

        return StreamingResponse(parts())

    app.add_route("/v1/much", much)


@pytest.fixture(scope="module")
def few(start_service):
    return start_service(
        ready=False,
        prepare=add_routes,
        connections=EACH + 2,
        connections_each=EACH,
        header_seconds=1.0,
        request_seconds=1.5,
        live_each=10,
    )


def waits(condition, seconds=10):
    ends = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > ends:
            return False
        time.sleep(0.02)
    return True


@pytest.fixture(autouse=True)
def _all_closed(few):
    assert waits(lambda: len(few.server.doors) == 0)


def opened(service, stack):
    return stack.enter_context(socket.create_connection(("127.0.0.1", service.port), 10))


def receive_all(raw):
    told = b""
    with contextlib.suppress(ConnectionError):
        while part := raw.recv(65536):
            told += part
    return told


def test_a_client_has_so_many_and_is_told_when_it_wants_more(few):
    with contextlib.ExitStack() as stack:
        for _ in range(EACH):
            opened(few, stack)
        assert waits(lambda: len(few.server.doors) == EACH)
        with few.client() as client:
            answer = client.get("/healthz")
        assert (answer.status_code, answer.json()["type"]) == (429, "urn:liveseg:problem:too-many")
        assert int(answer.headers["retry-after"]) >= 1
    assert waits(lambda: len(few.server.doors) == 0)
    with few.client() as client:
        assert client.get("/healthz").status_code == 200


def test_all_together_have_so_many(few, monkeypatch):
    monkeypatch.setattr(few.server.doors, "_each", 100)
    with contextlib.ExitStack() as stack:
        for _ in range(EACH + 2):
            opened(few, stack)
        assert waits(lambda: len(few.server.doors) == EACH + 2)
        with few.client() as client:
            assert client.get("/healthz").status_code == 503


def test_a_websocket_counts_until_it_is_closed(few):
    address = few.url.replace("http", "ws") + "/v1/live"
    with contextlib.ExitStack() as stack:
        for _ in range(EACH):
            stack.enter_context(connect(address, open_timeout=10))
        assert len(few.server.doors) == EACH
        with few.client() as client:
            assert client.get("/healthz").status_code == 429
    assert waits(lambda: len(few.server.doors) == 0)


def test_a_connection_that_says_nothing_is_closed(few):
    with contextlib.ExitStack() as stack:
        raw = opened(few, stack)
        began = time.monotonic()
        assert receive_all(raw) == b""
        assert 0.9 < time.monotonic() - began < 8


def test_a_head_that_drips_in_is_given_up(few):
    """Slow loris: a header now and then, for ever."""
    with contextlib.ExitStack() as stack:
        raw = opened(few, stack)
        raw.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n")
        raw.settimeout(0.2)
        told, began = b"", time.monotonic()
        while not told and time.monotonic() - began < 8:
            raw.sendall(b"X-More: 1\r\n")
            with contextlib.suppress(TimeoutError):
                told = raw.recv(4096)
        assert told.startswith(b"HTTP/1.1 408 ")
        assert b"application/problem+json" in told


def test_so_is_the_head_of_a_second_request(few):
    with contextlib.ExitStack() as stack:
        raw = opened(few, stack)
        raw.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert raw.recv(4096).startswith(b"HTTP/1.1 200 ")
        raw.sendall(b"GET /hea")
        assert b" 408 " in receive_all(raw)


def test_a_slow_head_that_comes_in_time_is_answered(few):
    with contextlib.ExitStack() as stack:
        raw = opened(few, stack)
        for part in (b"GET /healthz HT", b"TP/1.1\r\nHost: local", b"host\r\nConnection: close\r\n", b"\r\n"):
            raw.sendall(part)
            time.sleep(0.15)
        assert receive_all(raw).startswith(b"HTTP/1.1 200 ")


def test_who_takes_nothing_of_an_answer_is_cut_off(few):
    with contextlib.ExitStack() as stack:
        raw = socket.socket()
        stack.enter_context(raw)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.connect(("127.0.0.1", few.port))
        raw.sendall(b"GET /v1/much HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert waits(lambda: len(few.service.running) == 1)
        assert waits(lambda: len(few.service.running) == 0 and len(few.server.doors) == 0, 15)
    with few.client() as client:
        assert client.get("/healthz").status_code == 200


def test_who_takes_it_slowly_gets_all_of_it(few):
    with few.client() as client, client.stream("GET", "/v1/much") as answer:
        size = 0
        for number, part in enumerate(answer.iter_raw(1 << 20)):
            size += len(part)
            if number < 20:
                time.sleep(0.15)
    assert size == 4000 * 65536


def test_a_client_that_goes_away_leaves_nothing_behind(few):
    for _ in range(3):
        with few.client() as client, client.stream("GET", "/v1/much") as answer:
            next(answer.iter_raw())
    assert waits(lambda: len(few.service.running) == 0 and len(few.server.doors) == 0)


@pytest.mark.parametrize(
    "text",
    [b"\x16\x03\x01\x02\x00\x01", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET / HTTP/1.1\r\nA\x00: b\r\n\r\n"],
)
def test_what_is_no_http_is_refused_and_closed(few, text):
    with contextlib.ExitStack() as stack:
        raw = opened(few, stack)
        raw.sendall(text)
        told = receive_all(raw)
    assert told.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 408 "))


def test_a_head_without_end_is_refused(few):
    with contextlib.ExitStack() as stack:
        raw = opened(few, stack)
        raw.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n")
        sent = 0
        with contextlib.suppress(ConnectionError):
            while sent < (64 << 20):
                raw.sendall(b"X-More: " + b"x" * 65536 + b"\r\n")
                sent += 65536
        assert sent < (8 << 20)
    assert httpx2.get(f"{few.url}/healthz").status_code == 200


@pytest.mark.parametrize("part", [b"X-More: " + b"x" * 1000 + b"\r\n", b"x" * 1000], ids=["trailers", "one trailer"])
def test_a_trailer_without_end_is_cut_off(few, part):
    with contextlib.ExitStack() as stack:
        raw = opened(few, stack)
        raw.sendall(b"POST /v1/tickets HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n")
        raw.sendall(b"X-First: ")
        sent = 0
        with contextlib.suppress(ConnectionError):
            while sent < (64 << 20):
                raw.sendall(part)
                sent += len(part)
        assert sent < (8 << 20)
    assert httpx2.get(f"{few.url}/healthz").status_code == 200
