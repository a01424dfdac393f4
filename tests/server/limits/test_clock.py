"""A request that does not arrive, or is not answered, in time comes to an end."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest
from starlette.responses import PlainTextResponse, StreamingResponse

SECONDS = 1.0


@pytest.fixture(scope="module")
def cancelled():
    return []


@pytest.fixture(scope="module")
def impatient(start_service, cancelled):
    async def late(request):
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    async def count(request):
        return PlainTextResponse(str(len(await request.body())))

    async def stream(request):
        async def parts():
            for _ in range(3):
                await asyncio.sleep(0.7 * SECONDS)
                yield b"part"

        return StreamingResponse(parts())

    def add_routes(app):
        app.add_route("/v1/late", late)
        app.add_route("/v1/count", count, methods=["POST"])
        app.add_route("/v1/stream", stream)

    return start_service(ready=False, prepare=add_routes, request_seconds=SECONDS)


@pytest.fixture(scope="module")
def client(impatient):
    with impatient.client() as client:
        yield client


def test_an_answer_that_is_late_is_given_up(client, cancelled):
    began = time.monotonic()
    answer = client.get("/v1/late")
    assert SECONDS <= time.monotonic() - began < 10 * SECONDS
    assert (answer.status_code, answer.json()["type"]) == (504, "urn:liveseg:problem:timeout")
    assert cancelled == [True]


def test_an_answer_that_has_begun_may_go_on(client):
    assert client.get("/v1/stream").text == "partpartpart"


def receive_all(raw):
    told = b""
    while part := raw.recv(4096):
        told += part
    return told


def test_a_body_that_stops_coming_is_given_up(impatient):
    with socket.create_connection(("127.0.0.1", impatient.port), 30) as raw:
        raw.sendall(b"POST /v1/count HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nabc")
        told = receive_all(raw)
    assert told.startswith(b"HTTP/1.1 408 ")
    assert b"application/problem+json" in told


def test_a_body_that_drips_in_is_given_up(impatient):
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", impatient.port), 30) as raw:
        raw.sendall(b"POST /v1/count HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n")
        raw.settimeout(0.1)
        told = b""
        while not told and time.monotonic() - began < 10 * SECONDS:
            raw.sendall(b"x")
            try:
                told = raw.recv(4096)
            except TimeoutError:
                continue
    assert told.startswith(b"HTTP/1.1 408 ")


def test_a_large_body_over_a_slow_line_may_take_longer(client):
    """40 KiB a second, for longer than a request's time."""

    def slowly():
        for _ in range(20):
            time.sleep(0.1)
            yield b"x" * 4096

    began = time.monotonic()
    assert client.post("/v1/count", content=slowly()).text == str(20 * 4096)
    assert time.monotonic() - began > SECONDS
