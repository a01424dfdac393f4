"""`liveseg serve` as a program: it says where it is, and comes to its end in good order."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time

import httpx2
import pytest

from liveseg.errors import SinkError
from liveseg.server.run import listen, warnings
from liveseg.settings import ServeSettings

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals as POSIX has them")


class Program:
    """`liveseg serve` in a process of its own."""

    def __init__(self, *arguments, **environment):
        command = [sys.executable, "-m", "liveseg", "serve", "--port", "0", "--threads", "1", *arguments]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL}
        self.process = subprocess.Popen(command, text=True, env={**os.environ, **environment}, **pipes)
        self._log = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.said = self.process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)/", self.said)
        assert found, f"it did not start: {self.said!r} {self._log}"
        self.url, self.port = found[0].rstrip("/"), int(found[1])

    def _read(self):
        self._log.extend(self.process.stderr)

    def events(self):
        """The log, once the program has ended."""
        self._reader.join(30)
        return [json.loads(line) for line in self._log]

    def ends(self, seconds=30):
        return self.process.wait(seconds)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(30)
        self._reader.join(30)
        self.process.stdout.close()
        self.process.stderr.close()


def begin_upload(program):
    """A request that is being read, and of which the end has not come."""
    raw = socket.create_connection(("127.0.0.1", program.port), 30)
    raw.sendall(b"POST /v1/tickets HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n")
    raw.sendall(b"Content-Length: 24\r\nConnection: close\r\nExpect: 100-continue\r\n\r\n")
    assert raw.recv(100).startswith(b"HTTP/1.1 100 ")
    raw.sendall(b'{"path": "/v1/')
    return raw


def receive_all(raw):
    told = b""
    with contextlib.suppress(ConnectionError):
        while part := raw.recv(65536):
            told += part
    return told


def wait_for(condition, seconds=20):
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, "it did not come to that"
        time.sleep(0.02)


def test_a_signal_ends_it_after_what_was_running():
    with Program("--grace-seconds", "20") as program, httpx2.Client(base_url=program.url, timeout=30) as client:
        with begin_upload(program) as raw:
            assert client.get("/healthz").status_code == 200
            program.process.send_signal(signal.SIGTERM)
            wait_for(lambda: client.get("/readyz").json().get("detail") == "the service is stopping")
            assert client.get("/readyz").status_code == 503
            assert client.get("/healthz").status_code == 200
            refused = client.get("/v1/models")
            assert refused.status_code == 503
            assert int(refused.headers["retry-after"]) >= 1
            assert refused.headers["connection"] == "close"
            assert program.process.poll() is None
            raw.sendall(b'models"}  ')
            assert b" 201 " in receive_all(raw).split(b"\r\n")[0]
        assert program.ends() == 0
    told = [line["event"] for line in program.events()]
    assert [event for event in told if event in ("listening", "stopping", "stopped", "defect", "cut off")] == [
        "listening",
        "stopping",
        "stopped",
    ]


@pytest.mark.long
def test_what_does_not_end_within_its_grace_is_cut_off():
    with Program("--grace-seconds", "1") as program:
        with begin_upload(program) as raw:
            began = time.monotonic()
            program.process.send_signal(signal.SIGTERM)
            told = receive_all(raw)
        assert told.startswith(b"HTTP/1.1 503 ")
        assert b"application/problem+json" in told
        assert program.ends() == 0
        assert 1 <= time.monotonic() - began < 15
    assert "cut off" in [told["event"] for told in program.events()]


@pytest.mark.long
def test_a_second_interrupt_ends_it_at_once():
    with Program("--grace-seconds", "60") as program, begin_upload(program):
        program.process.send_signal(signal.SIGINT)
        time.sleep(0.5)
        assert program.process.poll() is None
        program.process.send_signal(signal.SIGINT)
        assert program.ends() == 0


def test_it_is_alive_before_it_is_ready_and_idle_connections_do_not_hold_it():
    with Program() as program, socket.create_connection(("127.0.0.1", program.port), 10):
        assert httpx2.get(f"{program.url}/healthz").status_code == 200
        with httpx2.Client(base_url=program.url) as client:
            wait_for(lambda: client.get("/readyz").status_code == 200, 60)
            began = time.monotonic()
            program.process.send_signal(signal.SIGTERM)
            assert program.ends() == 0
            assert time.monotonic() - began < 8


def test_it_opens_the_page(tmp_path):
    browser = tmp_path / "browser.py"
    browser.write_text("import pathlib, sys\npathlib.Path(__file__).with_name('seen').write_text(sys.argv[1])\n")
    with Program("--open", BROWSER=f"{sys.executable} {browser} %s") as program:
        seen = tmp_path / "seen"
        wait_for(lambda: seen.exists() and seen.read_text())
        assert seen.read_text() == f"{program.url}/"


def test_a_port_that_is_taken_is_told_in_one_line(run_liveseg):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = run_liveseg("serve", "--port", port)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert f"cannot listen on 127.0.0.1:{port}: address already in use; choose another port with --port" in done.stderr


@pytest.mark.parametrize("host", ["203.0.113.7", "no-such-host.invalid", "a" * 300])
def test_an_address_of_another_machine_is_told(host):
    with pytest.raises(SinkError, match="--host"):
        listen(ServeSettings(host=host, port=0))


def test_who_can_be_reached_by_all_is_warned():
    assert warnings(ServeSettings()) == []
    assert warnings(ServeSettings(host="localhost")) == []
    assert "--token-file" in warnings(ServeSettings(host="0.0.0.0"))[0]  # noqa: S104
    assert warnings(ServeSettings(host="0.0.0.0", token="0123456789abcdef")) == []  # noqa: S104, S106
    assert len(warnings(ServeSettings(allow_host=("*",), allow_origin=("*",)))) == 2
