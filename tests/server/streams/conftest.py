"""What the tests of streams share: reading MJPEG answers part by part, and waiting for states."""

from __future__ import annotations

import io
import time
from contextlib import contextmanager

import numpy as np
import pytest
from PIL import Image


class Viewer:
    """Somebody who looks at an MJPEG answer."""

    def __init__(self, answer):
        self._chunks = answer.iter_raw()
        self._data = b""
        self.headers = answer.headers
        self.boundary = answer.headers["content-type"].partition("boundary=")[2].encode()

    def _until(self, size=None, end=None):
        while (end is not None and end not in self._data) or (size is not None and len(self._data) < size):
            self._data += next(self._chunks)
        at = self._data.index(end) + len(end) if end is not None else size
        got, self._data = self._data[:at], self._data[at:]
        return got

    def picture(self):
        """The next part: its picture and its time; `None` at the end."""
        begin = self._until(end=b"\r\n")
        if begin == b"--" + self.boundary + b"--\r\n":
            return None
        assert begin == b"--" + self.boundary + b"\r\n"
        head = dict(line.split(": ", 1) for line in self._until(end=b"\r\n\r\n").decode().strip().split("\r\n"))
        assert head["Content-Type"] == "image/jpeg"
        data = self._until(size=int(head["Content-Length"]))
        self._until(end=b"\r\n")
        return Image.open(io.BytesIO(data)).convert("RGB"), float(head["X-Timestamp"])

    def clock(self, read_clock):
        """The clock in the next picture that shows it legibly, within 50.

        The network takes a tenth of the patterns for chairs and screens, and their colours over white are as dark as
        those over black.
        """
        for _ in range(50):
            if (reading := read_clock(np.asarray(self.picture()[0]))) is not None:
                return reading
        raise AssertionError("no clock in 50 pictures")


@pytest.fixture(scope="session")
def look():
    """`with look(client, path) as viewer`: look at an MJPEG answer."""

    @contextmanager
    def looking(client, path):
        with client.stream("GET", path, timeout=60) as answer:
            assert answer.status_code == 200, answer.read()
            yield Viewer(answer)

    return looking


@pytest.fixture(scope="session")
def until():
    """`until(client, path, true)`: the stream's answer, once something is true of it."""

    def wait(client, path, true, seconds=20):
        ends = time.monotonic() + seconds
        while not true(told := client.get(path).raise_for_status().json()):
            assert told["state"] != "failed", told["failure"]
            assert time.monotonic() < ends, str(told)
            time.sleep(0.05)
        return told

    return wait
