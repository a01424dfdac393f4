"""A body that is too large is refused, however it comes."""

from __future__ import annotations

import socket
import time

import pytest
from starlette.responses import PlainTextResponse

from liveseg.server.limits import body

MOST = 4096
VIDEO = 8192


def add_routes(app):
    async def count(request):
        return PlainTextResponse(str(len(await request.body())))

    async def careless(request):
        """Takes every failure for one of its own, as many libraries do."""
        try:
            await request.body()
        except Exception:  # noqa: BLE001
            return PlainTextResponse("careless")
        return PlainTextResponse("all read")

    async def early(request):
        return PlainTextResponse("not read")

    app.add_route("/v1/count", count, methods=["POST"])
    app.add_route("/v1/careless", careless, methods=["POST"])
    app.add_route("/v1/early", early, methods=["POST"])


@pytest.fixture(scope="module")
def small(start_service):
    return start_service(ready=False, prepare=add_routes, max_body=MOST, max_video_body=VIDEO)


@pytest.fixture(scope="module")
def client(small):
    with small.client() as client:
        yield client


def pieces(size):
    """A body without a length: its bytes are known when they come."""
    while size > 0:
        yield b"x" * min(size, 1000)
        size -= 1000


@pytest.mark.parametrize("make", [lambda size: b"x" * size, pieces], ids=["announced", "as it comes"])
def test_as_much_as_is_allowed_is_taken_and_no_more(client, make):
    answer = client.post("/v1/count", content=make(MOST))
    assert (answer.status_code, answer.text) == (200, str(MOST))
    answer = client.post("/v1/count", content=make(MOST + 1))
    assert answer.status_code == 413
    told = answer.json()
    assert (told["type"], told["most_bytes"]) == ("urn:liveseg:problem:too-large", MOST)
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_route_that_swallows_the_failure_cannot_hide_it(client):
    assert client.post("/v1/careless", content=pieces(MOST)).text == "all read"
    assert client.post("/v1/careless", content=pieces(MOST + 1)).status_code == 413


def test_videos_have_a_limit_of_their_own(client):
    headers = {"Content-Type": "video/mp4"}
    answer = client.post("/v1/videos", content=b"x" * (VIDEO + 1), headers=headers)
    assert (answer.status_code, answer.json()["most_bytes"]) == (413, VIDEO)
    assert client.post("/v1/videos", content=b"x" * (MOST + 1), headers=headers).status_code != 413


def test_the_service_goes_on_after_it(client):
    for _ in range(5):
        assert client.post("/v1/count", content=pieces(3 * MOST)).status_code == 413
    assert client.post("/v1/count", content=b"abc").text == "3"


def test_who_asks_first_is_answered_before_anything_is_sent(small, monkeypatch):
    monkeypatch.setattr(body, "_PATIENCE", 20.0)
    head = f"POST /v1/count HTTP/1.1\r\nHost: localhost\r\nContent-Length: {1 << 40}\r\nExpect: 100-continue\r\n\r\n"
    with socket.create_connection(("127.0.0.1", small.port), 10) as raw:
        began = time.monotonic()
        raw.sendall(head.encode())
        assert raw.recv(1000).startswith(b"HTTP/1.1 413 ")
        while raw.recv(1000):
            pass
        # Nothing comes, so nothing is waited for.
        assert time.monotonic() - began < 10


def test_who_sends_on_and_on_reads_why_it_was_refused(small):
    """The answer must not be lost because the connection is cut while bytes are on their way."""
    head = b"POST /v1/count HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    with socket.create_connection(("127.0.0.1", small.port), 10) as raw:
        raw.sendall(head)
        for _ in range(40):
            raw.sendall(chunk)
        raw.sendall(b"0\r\n\r\n")
        assert raw.recv(1000).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("length", ["-1", "1e3", "abc", "99999999999999999999999999999"])
def test_a_length_that_is_none_is_refused(small, length):
    head = f"POST /v1/count HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", small.port), 10) as raw:
        raw.sendall(head.encode())
        assert raw.recv(1000).split(b" ")[1] in (b"400", b"413")


def test_a_body_with_two_lengths_is_refused(small):
    """Who stands before the service may take the other length for true: a request would be smuggled past it."""
    head = "POST /v1/early HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n"
    for more in ("Transfer-Encoding: chunked\r\n", "Content-Length: 6\r\n"):
        with socket.create_connection(("127.0.0.1", small.port), 10) as raw:
            raw.sendall(f"{head}{more}\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            assert raw.recv(1000).startswith(b"HTTP/1.1 400 ")
            assert b"200 OK" not in raw.recv(1000)
