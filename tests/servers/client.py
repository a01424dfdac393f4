"""The tests' side of the server programs: starts one, orders faults, ends it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from functools import partialmethod
from pathlib import Path
from typing import Self

FOLDER = Path(__file__).parent
SYSTEM_PYTHON = "/usr/bin/python3"
"""Debian's own, which alone sees the modules that Debian packages bring."""

PACKAGES = ("gir1.2-gst-rtsp-server-1.0", "gstreamer1.0-plugins-good", "gstreamer1.0-plugins-ugly", "python3-gi")
"""What Debian calls the parts of the RTSP server."""


class MissingError(Exception):
    """A program that lacks what it needs on this machine."""


class Server:
    """A server program of this folder; a context manager that ends it.

    Args:
        scheme: of its addresses.
        program: its file, and after that its arguments.
        seconds: after which it ends by itself, should it be forgotten.
        python: what runs it.

    Raises:
        MissingError: this machine lacks what it needs.
    """

    def __init__(
        self, scheme: str, program: str, *arguments: object, seconds: float = 3600, python: str = sys.executable
    ) -> None:
        self.scheme = scheme
        command = [python, str(FOLDER / program), str(seconds), *map(str, arguments)]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        try:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8", env=environment
            )
        except FileNotFoundError as error:
            raise MissingError(str(error)) from error
        try:
            told = self._answer()
            if "missing" in told:
                raise MissingError(told["missing"])
        except BaseException:
            self.close()
            raise
        self.port: int = told["port"]
        self.user, self.password = told.get("user"), told.get("password")

    def url(self, path: str = "", *, password: bool = False) -> str:
        """The address of one of its streams, with name and password or without."""
        who = f"{self.user}:{self.password}@" if password else ""
        return f"{self.scheme}://{who}127.0.0.1:{self.port}" + (f"/{path}" if path else "")

    def tell(self, command: str) -> None:
        """Have a command carried out."""
        self.process.stdin.write(f"{command}\n")
        self.process.stdin.flush()
        told = self._answer()
        if "error" in told:
            raise RuntimeError(f"{command}: {told['error']}")

    cut = partialmethod(tell, "cut")
    restore = partialmethod(tell, "restore")
    freeze = partialmethod(tell, "freeze")
    thaw = partialmethod(tell, "thaw")
    resize = partialmethod(tell, "resize")
    soil = partialmethod(tell, "soil")
    break_off = partialmethod(tell, "break_off")
    reset = partialmethod(tell, "reset")

    def close(self) -> None:
        """End it."""
        self.process.stdin.close()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _answer(self) -> dict:
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.process.args[1]} has ended; what it wrote on standard error says why")
        return json.loads(line)


def rtsp(clip: Path, **options: float) -> Server:
    """Streams `clock`, `secret` and `clip`: see `rtsp_server.py`."""
    return Server("rtsp", "rtsp_server.py", clip, python=SYSTEM_PYTHON, **options)


def http(folder: Path, clip: Path, **options: float) -> Server:
    """Streams and files: see `http_server.py`; `folder` is empty, and the server's own."""
    return Server("http", "http_server.py", folder, clip, **options)


def udp(**options: float) -> Server:
    """MPEG-TS with the clock, sent to a free port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return Server("udp", "udp_sender.py", port, **options)


class Deaf:
    """A port that takes connections and never answers; nothing reads from it."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]

    def url(self, scheme: str) -> str:
        """An address that leads to it."""
        return f"{scheme}://127.0.0.1:{self.port}/clock"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
