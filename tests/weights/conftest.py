"""A real HTTP server that misbehaves as told, a cache of its own, and a downloader in another process."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

import liveseg.weights.home
from liveseg.weights.catalogue import WeightsFile
from liveseg.weights.patience import Patience

SOURCE = Path(liveseg.weights.home.__file__).parents[2]
PATIENT_SECONDS = 60


@dataclass
class Reply:
    """How the server answers one request; the default is as a good server would."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    """What it sends instead of the server's file."""
    ranges: bool = True
    shifted: int = 0
    """By how many bytes it begins elsewhere than asked."""
    announce: int | None = None
    """The whole length it states, where that is a lie."""
    length: Literal["stated", "chunked", "unstated"] = "stated"
    """How the end of the body is told; unstated, it is that of the connection."""
    cut_after: int | None = None
    """It sends so many bytes of the answer and closes the connection."""
    hold_after: int | None = None
    """It sends so many bytes of the answer and waits for the server's `go_on`."""


@dataclass
class Request:
    """What one client asked for, and how many bytes of the file it was given."""

    path: str
    range: str | None
    if_range: str | None
    agent: str | None
    status: int = 0
    given: int = 0

    @property
    def start(self) -> int:
        return int(re.fullmatch(r"bytes=(\d+)-", self.range)[1]) if self.range else 0


class FileServer:
    """Serves one file under every path, answers as told, and remembers what it was asked."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.etag: str | None = '"the-first"'
        self.requests: list[Request] = []
        self.go_on = threading.Event()
        self.held = threading.Event()
        self._replies: deque[Reply] = deque()
        self._always: Reply | None = None
        self._changed = threading.Condition()
        self._http = QuietServer(("127.0.0.1", 0), Handler)
        self._http.files = self
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    def answer(self, **how: object) -> None:
        """Answer the next request not yet spoken for like this."""
        self._replies.append(Reply(**how))

    def always(self, **how: object) -> None:
        """Answer every request not spoken for like this."""
        self._always = Reply(**how)

    def wait_for_requests(self, count: int, seconds: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: len(self.requests) >= count, seconds)

    def take(self, request: Request) -> Reply:
        with self._changed:
            self.requests.append(request)
            self._changed.notify_all()
            return self._replies.popleft() if self._replies else self._always or Reply()

    def close(self) -> None:
        self.go_on.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class QuietServer(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is part of the tests; whatever else fails is printed."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """Answers from the `FileServer` that its HTTP server carries."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        files: FileServer = self.server.files
        request = Request(self.path, *(self.headers[name] for name in ("Range", "If-Range", "User-Agent")))
        reply = files.take(request)
        content = files.content if reply.body is None else reply.body
        request.status, piece = choose(request, reply, content, files.etag)
        request.given = len(piece)
        lie = 0 if reply.announce is None else reply.announce - len(content)
        headers = {}
        if reply.length == "stated":
            headers["Content-Length"] = str(len(piece) + lie)
        elif reply.length == "chunked":
            headers["Transfer-Encoding"] = "chunked"
        else:
            headers["Connection"] = "close"
        if request.status == 206:
            first = request.start + reply.shifted
            headers["Content-Range"] = f"bytes {first}-{len(content) - 1}/{len(content) + lie}"
        if request.status == 416:
            headers["Content-Range"] = f"bytes */{len(content)}"
        if files.etag and request.status in {200, 206}:
            headers["ETag"] = files.etag
        self.send_response(request.status)
        for name, value in (headers | reply.headers).items():
            self.send_header(name, value)
        self.end_headers()
        try:
            self.send(files, reply, piece)
        except OSError:
            self.close_connection = True  # the client went away, as several tests have it

    def send(self, files: FileServer, reply: Reply, piece: bytes) -> None:
        if reply.length == "chunked":
            for at in range(0, len(piece), 50_000):
                part = piece[at : at + 50_000]
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            self.wfile.write(b"0\r\n\r\n")
            return
        if reply.hold_after is not None:
            self.wfile.write(piece[: reply.hold_after])
            piece = piece[reply.hold_after :]
            files.held.set()
            files.go_on.wait(PATIENT_SECONDS)
        self.wfile.write(piece[: reply.cut_after])
        if reply.cut_after is not None:
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Keep the tests' output clean."""


def choose(request: Request, reply: Reply, content: bytes, etag: str | None) -> tuple[int, bytes]:
    """The status and the body of an answer."""
    if reply.status != 200:
        return reply.status, b""
    if not (request.range and reply.ranges and request.if_range in {None, etag}):
        return 200, content
    if request.start >= len(content):
        return 416, b""
    return 206, content[request.start + reply.shifted :]


class Downloader:
    """`download` in a process of its own, which says `ready` before it begins."""

    SCRIPT = """
import json, sys
from liveseg.weights.catalogue import WeightsFile
from liveseg.weights.download import download
entry = WeightsFile(**json.loads(sys.argv[1]))
print("ready", flush=True)
print(download(entry), flush=True)
"""

    def __init__(self, entry: WeightsFile) -> None:
        paths = [str(SOURCE), *filter(None, [os.environ.get("PYTHONPATH")])]
        self.process = subprocess.Popen(
            [sys.executable, "-c", self.SCRIPT, json.dumps(dataclasses.asdict(entry))],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            text=True,
            encoding="utf-8",
        )

    def wait_until_ready(self) -> None:
        assert self.process.stdout.readline().strip() == "ready"

    def finish(self) -> tuple[int, str]:
        output, _ = self.process.communicate(timeout=PATIENT_SECONDS)
        return self.process.returncode, output.strip()

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=PATIENT_SECONDS)


@pytest.fixture(scope="session")
def content() -> bytes:
    """The true file: two megabytes without any pattern."""
    return np.random.default_rng(20211).bytes(2_000_003)


@pytest.fixture
def server(content):
    running = FileServer(content)
    yield running
    running.close()


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """The folder of the cached weights, in a home of the test's own; it does not exist yet."""
    for name in (
        "LIVESEG_OFFLINE",
        "LIVESEG_WEIGHTS_URL",
        "HTTP_PROXY",
        "http_proxy",
        "ALL_PROXY",
        "all_proxy",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("LIVESEG_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "weights"


@pytest.fixture
def entry(server, content) -> WeightsFile:
    """A published file with its full hash and its size, at the test's server."""
    return WeightsFile(
        name="made-up",
        url=f"{server.url}/models/made-up.pth",
        filename="made-up.pth",
        sha256_prefix=hashlib.sha256(content).hexdigest(),
        size=len(content),
        classes=21,
        published_miou=50.0,
    )


@pytest.fixture
def vague(entry) -> WeightsFile:
    """The same file where only the start of its hash is known, and no size."""
    return dataclasses.replace(entry, sha256_prefix=entry.sha256_prefix[:8], size=None)


@pytest.fixture(params=["hash and size known", "start of the hash known"])
def either(request, entry, vague) -> WeightsFile:
    """The two kinds of entries that the catalogue has, one after the other."""
    return entry if request.param == "hash and size known" else vague


@pytest.fixture
def waits() -> list[float]:
    """The seconds that a download wanted to wait, in order."""
    return []


@pytest.fixture
def patience(waits) -> Patience:
    """The usual patience, which notes its waits in `waits` and does not spend them."""
    return Patience(read_timeout=20.0, sleep=waits.append)


@pytest.fixture
def downloader(cache):
    """`downloader(entry)` starts a download in another process, ended with the test at the latest."""
    started: list[Downloader] = []

    def start(entry: WeightsFile) -> Downloader:
        started.append(Downloader(entry))
        return started[-1]

    yield start
    for one in started:
        one.kill()
