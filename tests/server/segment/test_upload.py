import asyncio
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from liveseg.server.problems import Problem
from liveseg.server.segment.upload import read_body

MANY = 16 << 20
FORM = "multipart/form-data; boundary=x"
HEAD = b'--x\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n'


def request(chunks, kind):
    """A request whose body comes in these pieces."""
    pieces = iter(chunks)

    async def receive():
        piece = next(pieces, None)
        return {"type": "http.request", "body": piece or b"", "more_body": piece is not None}

    headers = [] if kind is None else [(b"content-type", kind.encode())]
    return Request({"type": "http", "method": "POST", "headers": headers}, receive)


def read(chunks, kind):
    return asyncio.run(read_body(request(chunks, kind)))


def pieces(data, size=7):
    return [data[place : place + size] for place in range(0, len(data), size)]


@pytest.mark.parametrize("kind", ["image/jpeg", "application/octet-stream", "IMAGE/PNG; charset=x"])
def test_a_raw_body_is_the_image(kind):
    assert read([b"one", b"", b"two"], kind).image == b"onetwo"


def test_a_form_is_read_however_it_is_cut():
    field = b'\r\n--x\r\nContent-Disposition: form-data; name="alpha"\r\n\r\n0.5'
    body = HEAD + b"\r\n--xx binary \r\n" + field + b"\r\n--x--\r\n"
    for size in (1, 2, 7, 64, 4096):
        upload = read(pieces(body, size), FORM)
        assert upload.image == b"\r\n--xx binary \r\n"
        assert upload.options == (("alpha", "0.5"),)


def test_no_body_is_no_image():
    assert read([], None).image == b""


@pytest.mark.parametrize(
    ("kind", "first", "last"), [("image/png", b"", b""), (FORM, HEAD, b"\r\n--x--\r\n")], ids=["raw", "form"]
)
def test_a_large_body_is_held_once(kind, first, last):
    chunk = bytes(range(256)) * 256

    def chunks():
        yield first
        for _ in range(MANY // len(chunk)):
            # What comes from a socket is new memory each time.
            yield bytes(bytearray(chunk))
        yield last

    tracemalloc.start()
    try:
        upload = read(chunks(), kind)
        held, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(upload.image) == MANY
    assert held < 1.05 * MANY
    assert most < 1.3 * MANY


@given(st.binary(max_size=400), st.integers(1, 50))
def test_whatever_a_form_holds_is_read_or_refused(data, size):
    try:
        upload = read(pieces(HEAD[:60] + data, size), FORM)
    except Problem as problem:
        status = problem.status
    else:
        status = 422
        assert upload.image in data
    assert status == 422
