"""Clients that leave, wait, drip and babble: what they leave behind is cleared away, and others do not notice."""

from __future__ import annotations

import contextlib
import json
import os
import random
import socket
import struct
import time

import pytest

PATIENCE = 30
TIMES = 12
"""How often the service is hurt; what leaks once each time is then plain to see."""


def cut(connection):
    """Hang up without a farewell: the other side gets a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def status_of(connection):
    """The status of the answer; 0 where the connection is closed without one."""
    told = b""
    with contextlib.suppress(ConnectionError):
        while b"\r\n" not in told and (part := connection.recv(4096)):
            told += part
    return int(told.split(b" ", 2)[1]) if told.startswith(b"HTTP/1.1 ") else 0


def hurting(hurt, fault):
    """Do it twice, so that what is made once is there, and then often; afterwards nothing may be left."""
    for _ in range(2):
        fault()
    with hurt.nothing_left():
        for _ in range(TIMES):
            fault()


@pytest.mark.parametrize("farewell", [socket.socket.close, cut], ids=["closed", "reset"])
def test_an_upload_that_is_cut(hurt, steady, picture, farewell):
    def fault():
        connection = hurt.connect()
        connection.sendall(hurt.head(length=len(picture)) + picture[: len(picture) // 2])
        farewell(connection)

    hurting(hurt, fault)


def test_a_form_that_is_cut(hurt, steady, large):
    def fault():
        connection = hurt.connect()
        body = b'--x\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n' + large
        head = hurt.head(length=len(body) + 100, **{"Content-Type": "multipart/form-data; boundary=x"})
        connection.sendall(head + body)
        cut(connection)

    hurting(hurt, fault)


def test_a_video_that_is_cut_leaves_no_file(hurt, steady, samples):
    video = (samples / "video_1.mp4").read_bytes()

    def fault():
        connection = hurt.connect()
        head = hurt.head(path="/v1/videos", length=len(video), **{"Content-Type": "video/mp4"})
        connection.sendall(head + video[: len(video) // 2])
        cut(connection)

    hurting(hurt, fault)


@pytest.mark.parametrize("farewell", [socket.socket.close, cut], ids=["closed", "reset"])
def test_a_client_that_is_gone_before_its_answer(hurt, steady, large, farewell):
    def fault():
        connection = hurt.connect()
        connection.sendall(hurt.head(path="/v1/segment", length=len(large), Accept="image/png") + large)
        farewell(connection)

    hurting(hurt, fault)


def test_an_answer_of_which_only_the_beginning_is_read(hurt, steady, large):
    def fault():
        connection = hurt.connect(receive_buffer=4096)
        connection.sendall(hurt.head(path="/v1/segment", length=len(large), Accept="image/png") + large)
        assert connection.recv(100).startswith(b"HTTP/1.1 200")
        cut(connection)

    hurting(hurt, fault)


@pytest.mark.long
def test_an_answer_that_nobody_takes(hurt, steady, large):
    """The client stays and reads nothing: it is cut off, and its answer is not kept for ever."""
    before = hurt.settled()
    waiting = []
    for _ in range(3):
        connection = hurt.connect(receive_buffer=4096)
        connection.sendall(hurt.head(path="/v1/segment", length=len(large), Accept="image/png") + large)
        waiting.append(connection)
    deadline = time.monotonic() + 40
    while hurt.held()["connections"] > before["connections"]:
        assert time.monotonic() < deadline, f"connections that take nothing stay open: {hurt.held()}"
        time.sleep(0.3)
    for connection in waiting:
        connection.close()


def test_a_slow_reader_gets_all_of_its_answer(hurt, steady, large):
    connection = hurt.connect(receive_buffer=8192)
    connection.sendall(hurt.head(path="/v1/segment", length=len(large), Accept="image/png", Connection="close") + large)
    told = bytearray()
    while part := connection.recv(8192):
        told += part
        time.sleep(0.005)
    head, _, body = bytes(told).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert len(body) > 500_000
    assert body.endswith(b"IEND\xaeB`\x82"), "the end of the PNG is missing"
    connection.close()


def test_uploads_that_drip_are_refused_in_time(hurt, steady, picture):
    """Byte by byte, and in small pieces; it takes as long as the service gives a request."""
    began = time.monotonic()
    dripping = {step: hurt.connect() for step in (1, 40)}
    for connection in dripping.values():
        connection.sendall(hurt.head(length=len(picture)))
    for turn in range(len(picture) // 40):
        for step, connection in list(dripping.items()):
            with contextlib.suppress(ConnectionError):
                connection.sendall(picture[turn * step : (turn + 1) * step])
            connection.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                connection.recv(1, socket.MSG_PEEK)
                connection.settimeout(PATIENCE)
                assert status_of(connection) == 408
                dripping.pop(step).close()
            if step in dripping:
                connection.settimeout(PATIENCE)
        if not dripping:
            break
        assert time.monotonic() - began < 30, "who sends a byte now and then is listened to for ever"
        time.sleep(0.12)
    assert not dripping
    assert time.monotonic() - began > 2, "it was refused before its time was over"


def test_a_head_that_drips_is_given_up(hurt, steady):
    connection = hurt.connect()
    began = time.monotonic()
    closed = False
    for byte in hurt.head(length=10):
        try:
            connection.sendall(bytes([byte]))
            connection.settimeout(0.2)
            closed = connection.recv(1) is not None
        except TimeoutError:
            continue
        except ConnectionError:
            closed = True
        if closed:
            break
    assert closed, "a head may come as slowly as it likes"
    assert time.monotonic() - began < 10
    connection.close()


@pytest.mark.long
def test_200_connections_that_are_opened_and_abandoned(hurt, steady):
    """They send nothing, half a head, or a head without a body, and neither go nor are missed."""
    before = hurt.settled()
    beginnings = [b"", b"GET /healthz HT", hurt.head(length=100), hurt.head(path="/v1/videos", length=10_000)]
    connections = []
    for number in range(200):
        connection = hurt.connect()
        connection.sendall(beginnings[number % len(beginnings)])
        connections.append(connection)
    assert hurt.held()["connections"] >= 200
    deadline = time.monotonic() + 30
    # The clients still hold their ends: it is the service that lets go.
    while hurt.held()["connections"] > before["connections"]:
        assert time.monotonic() < deadline, f"still open: {hurt.held()}"
        time.sleep(0.5)
    with hurt.nothing_left():
        for connection in connections:
            connection.close()


BABBLE = [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64),  # a browser that means https
    b"\r\n\r\n\r\n",
    b"GET\r\n\r\n",
    b"GET / HTTP/9.9\r\nHost: 127.0.0.1\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: example.org\r\n\r\n",
    b"GET http://example.org/ HTTP/1.1\r\nHost: example.org\r\n\r\n",
    b"POST /v1/segment HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -1\r\n\r\n",
    b"POST /v1/segment HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
    b"POST /v1/segment HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /v1/segment HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
    b"POST /v1/segment HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffff\r\nabc",
    b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"b" * 1_000_000 + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(20_000)) + b"\r\n",
    b"GET /../../../../etc/passwd HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"GET /%2e%2e%2f%2e%2e%2fetc/passwd HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"GET /v1/videos/%00/result HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"GET /v1/models/\xff\xfe HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"GET /v1/live HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
]  # fmt: skip


@pytest.mark.long
def test_what_is_no_http_is_refused_or_hung_up_on(hurt, steady):
    def fault():
        # All at once, as some of it is listened to until its time is over.
        connections = [hurt.connect() for _ in BABBLE]
        for babble, connection in zip(BABBLE, connections, strict=True):
            with contextlib.suppress(ConnectionError):
                connection.sendall(babble)
        for babble, connection in zip(BABBLE, connections, strict=True):
            status = status_of(connection)
            assert status == 0 or 300 <= status < 500 or status == 505, (babble[:60], status)
            connection.close()

    fault()
    with hurt.nothing_left():
        fault()


def test_noise_is_hung_up_on(hurt, steady):
    noise = random.Random(6)  # noqa: S311 - the same noise every time
    with hurt.nothing_left():
        for _ in range(30):
            connection = hurt.connect()
            with contextlib.suppress(ConnectionError):
                connection.sendall(noise.randbytes(noise.randrange(1, 5000)) + b"\r\n\r\n")
            connection.settimeout(10)
            assert status_of(connection) in (0, 400)
            connection.close()


def handshake(hurt):
    """An open WebSocket, without a library that would mind what is sent over it; its options are sent and answered."""
    connection = hurt.connect()
    connection.sendall(
        hurt.head(
            "GET", "/v1/live", Upgrade="websocket", Connection="Upgrade",
            **{"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="},
        )
    )  # fmt: skip
    told = b""
    while b"\r\n\r\n" not in told:
        part = connection.recv(4096)
        assert part, told
        told += part
    assert b" 101 " in told.split(b"\r\n")[0], told
    connection.sendall(frame(1, b"{}"))
    assert b"ready" in connection.recv(65536)
    return connection


def frame(opcode, payload, claimed=None):
    """A WebSocket frame of a client, which may claim more than it holds (RFC 6455, 5.2)."""
    length = len(payload) if claimed is None else claimed
    if length < 126:
        size = bytes([0x80 | length])
    else:
        size = b"\xfe" + struct.pack(">H", length) if length < 65536 else b"\xff" + struct.pack(">Q", length)
    mask = os.urandom(4)
    return bytes([0x80 | opcode]) + size + mask + bytes(byte ^ mask[n % 4] for n, byte in enumerate(payload))


def test_a_websocket_that_is_cut_in_the_middle_of_a_frame(hurt, steady, picture):
    from liveseg.wire import Frame

    def fault():
        connection = handshake(hurt)
        packed = Frame(picture, 1, 0.0).pack()
        connection.sendall(frame(2, packed))
        connection.sendall(frame(2, packed[:1000], claimed=len(packed)))
        cut(connection)

    hurting(hurt, fault)


@pytest.mark.parametrize(
    "babble",
    [
        frame(2, b"LS" + bytes(38)),
        frame(2, b"not a frame"),
        frame(2, b"LS\x01\x01" + bytes(32) + struct.pack("<I", 1 << 31) + b"short"),
        frame(1, b"\xff\xfe not text"),
        frame(1, json.dumps({"size": -1}).encode()),
        frame(1, b"[" * 100_000),
        frame(2, b"", claimed=1 << 40),
        frame(0, b"a continuation of nothing"),
        b"\x02\x05hello",  # not masked, as a client's has to be
        frame(9, bytes(200)),
    ],
    ids=["empty frame", "no frame", "lies about its size", "no UTF-8", "bad option", "deep JSON", "huge", "continued",
         "unmasked", "long ping"],
)  # fmt: skip
def test_what_is_no_live_message_is_answered_or_hung_up_on(hurt, steady, babble):
    def fault():
        connection = handshake(hurt)
        with contextlib.suppress(ConnectionError):
            connection.sendall(babble)
            connection.settimeout(5)
            with contextlib.suppress(TimeoutError):
                connection.recv(4096)
        cut(connection)

    fault()
    with hurt.nothing_left():
        for _ in range(6):
            fault()


def test_a_live_client_that_takes_nothing(hurt, steady, picture):
    """Its answers are dropped instead of kept: memory does not grow with what it does not read."""
    from liveseg.wire import Frame

    connection = handshake(hurt)
    message = frame(2, Frame(picture, 1, 0.0).pack())
    with hurt.nothing_left():
        with contextlib.suppress(ConnectionError, TimeoutError):
            connection.settimeout(2)
            for _ in range(100):
                connection.sendall(message)
                time.sleep(0.01)
        cut(connection)
