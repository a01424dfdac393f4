"""A service to be hurt: a process of its own, whose tasks, threads, open files and temporary files are counted.

Each test hurts it a few times, so that what is made once is there, counts, hurts it many times, and counts again: by
then nothing may be left. Beside it a steady client sends a picture again and again, and may not notice anything.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import socket
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx2
import psutil
import pytest
from PIL import Image

HERE = Path(__file__).parent
POOLS = 4
"""Threads that there may be more than before: pools make one when all they have are busy, and keep it."""

PATIENCE = 30.0
"""Seconds until whatever was done wrong to the service has to be cleared away."""


class Hurt:
    """The service, as a child process."""

    def __init__(self, folder, **options):
        self.folder = folder
        self.temporary = folder / "tmp"
        self.temporary.mkdir(parents=True)
        options = {"threads": 2, "data_folder": str(folder / "data"), "size": 97, "grace_seconds": 2.0} | options
        self._log = (folder / "log").open("w")
        command = [sys.executable, HERE / "counted_service.py", *(f"{n}={json.dumps(v)}" for n, v in options.items())]
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env=os.environ | {"TMPDIR": str(self.temporary)},
        )
        self.port = int(self.process.stdout.readline() or 0)
        assert self.port, self.log()
        self.url = f"http://127.0.0.1:{self.port}"
        deadline = time.monotonic() + 120
        while httpx2.get(f"{self.url}/readyz", timeout=30).status_code != 200:
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.1)

    def log(self):
        return (self.folder / "log").read_text(encoding="utf-8")

    def defects(self):
        """What the log calls a defect of ours."""
        lines = [json.loads(line) for line in self.log().splitlines() if line.startswith("{")]
        return [line for line in lines if line["level"] == "error"]

    def close(self):
        """End it as `docker stop` does; it has to end well even so."""
        self.process.terminate()
        try:
            assert self.process.wait(timeout=60) == 0, self.log()[-3000:]
        finally:
            self.process.kill()
            self.process.stdout.close()
            self._log.close()

    def connect(self, *, receive_buffer=None):
        """A connection, with nothing sent yet."""
        connection = socket.socket()
        if receive_buffer is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.settimeout(PATIENCE)
        connection.connect(("127.0.0.1", self.port))
        return connection

    def head(self, method="POST", path="/v1/segment", length=None, **headers):
        """The bytes of a request's head."""
        told = {"Host": f"127.0.0.1:{self.port}", "Content-Type": "image/jpeg"} | headers
        if length is not None:
            told["Content-Length"] = str(length)
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in told.items()), "", ""]
        return "\r\n".join(lines).encode()

    def children(self):
        return [child for child in psutil.Process(self.process.pid).children(recursive=True) if child.is_running()]

    def held(self):
        """What it holds now."""
        counted = httpx2.get(f"{self.url}/counted", headers={"Connection": "close"}, timeout=PATIENCE).json()
        temporary = {str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file()}
        return counted | {"temporary": temporary - {"log"}, "children": len(self.children())}

    def settled(self, bound=None):
        """What it holds once that does not change any more, or is within `bound`; after `PATIENCE` whatever it is."""
        deadline = time.monotonic() + PATIENCE
        held = self.held()
        while time.monotonic() < deadline:
            time.sleep(0.3)
            before, held = held, self.held()
            if not grown(bound, held) if bound is not None else not grown(before, held) and held["waiting"] == 0:
                break
        return held

    @contextlib.contextmanager
    def nothing_left(self):
        """What happens in the block leaves nothing behind, within `PATIENCE` seconds of its end."""
        before = self.settled()
        yield
        after = self.settled(before)
        assert not grown(before, after), f"left behind: {grown(before, after)}\nbefore: {before}\nafter: {after}"


def grown(before, after):
    """What there is more of than before."""
    more = {
        name: (before[name], after[name])
        for name in ("tasks", "threads", "files", "connections", "children", "waiting")
        if after[name] > before[name] + (POOLS if name == "threads" else 0)
    }
    if new := after["temporary"] - before["temporary"]:
        more["temporary"] = new
    return more


@pytest.fixture(scope="module")
def start_hurt(tmp_path_factory):
    """`start_hurt(**options)`: a service in a process of its own; ended, and its log read, after the module."""
    if not Path("/proc/self/fd").exists():
        pytest.skip("counts open files as Linux has them")
    with contextlib.ExitStack() as stack:

        def start(**options):
            hurt = Hurt(tmp_path_factory.mktemp("hurt"), **options)
            stack.callback(hurt.close)
            return hurt

        yield start


@pytest.fixture(scope="module")
def hurt(start_hurt):
    """The service that the tests of a module hurt: short times, many connections."""
    hurt = start_hurt(request_seconds=6.0, header_seconds=2.0, connections=512, connections_each=512, live_each=64)
    yield hurt
    assert not hurt.defects()


@pytest.fixture(scope="session")
def picture(samples):
    """A photo, small: 160x120 JPEG."""
    with Image.open(samples / "image_1.jpg") as whole:
        small = whole.convert("RGB").resize((160, 120))
    file = io.BytesIO()
    small.save(file, "JPEG")
    return file.getvalue()


@pytest.fixture(scope="session")
def large(samples):
    """A photo whose answers are larger than what the system keeps for a client: 1200x900 JPEG."""
    with Image.open(samples / "image_2.jpg") as whole:
        wide = whole.convert("RGB").resize((1200, 900))
    file = io.BytesIO()
    wide.save(file, "JPEG")
    return file.getvalue()


class Steady:
    """A client that sends a picture again and again, and takes note of what it got."""

    def __init__(self, url, picture):
        self._url, self._picture = url, picture
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.seconds, self.wrong = [], []

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, kind, *_):
        deadline = time.monotonic() + PATIENCE
        while kind is None and len(self.seconds) < 3 and time.monotonic() < deadline:
            time.sleep(0.1)
        self._over.set()
        self._thread.join(PATIENCE)
        if kind is None:
            assert not self.wrong, f"another client noticed: {self.wrong[:3]}"
            assert len(self.seconds) >= 3, "another client got next to nothing"
            assert statistics.median(self.seconds) < 3, f"another client waited: {self.seconds}"

    def _run(self):
        with httpx2.Client(base_url=self._url, timeout=PATIENCE) as client:
            while not self._over.is_set():
                began = time.monotonic()
                try:
                    answer = client.post(
                        "/v1/segment?output=areas", content=self._picture, headers={"Content-Type": "image/jpeg"}
                    )
                except httpx2.HTTPError as error:
                    self.wrong.append(repr(error))
                else:
                    if answer.status_code != 200 or "areas" not in answer.json():
                        self.wrong.append(answer.text[:300])
                self.seconds.append(time.monotonic() - began)
                self._over.wait(0.1)


@pytest.fixture
def steady(hurt, picture):
    """A steady client beside the test; it fails the test if it notices anything."""
    with Steady(hurt.url, picture) as steady:
        yield steady
