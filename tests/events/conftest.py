"""Frames and results made by hand, a server that takes events, and events to send to it."""

from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from liveseg.events.event import Event
from liveseg.events.onset import Change
from liveseg.events.rules import parse_rule
from liveseg.labels import PASCAL_VOC
from liveseg.media.frame import Frame
from liveseg.pipeline import Result
from liveseg.segmentation import Segmentation

PERSON = PASCAL_VOC.index("person")


@pytest.fixture(scope="session")
def frame_at():
    """`frame_at(index, time)`: a small frame of one grey value, at an exact time in seconds."""

    def make(index, time, value=0, size=(48, 64)):
        moment = Fraction(time)
        image = np.full((*size, 3), value, np.uint8)
        return Frame(image, index, moment.numerator, Fraction(1, moment.denominator))

    return make


@pytest.fixture(scope="session")
def result_at(frame_at):
    """`result_at(index, time, pixels)`: a frame in whose upper rows so many pixels are a person."""

    def make(index, time, pixels):
        frame = frame_at(index, time, index % 256)
        mask = np.zeros(frame.image.shape[:2], np.uint8)
        mask.reshape(-1)[:pixels] = PERSON
        found = Segmentation(frame.image, mask, PASCAL_VOC, None)
        return Result(frame, found, frame.image, 0.0)

    return make


@pytest.fixture(scope="session")
def event_of():
    """`event_of(number)`: an event of a frame of that number."""

    def make(number=0):
        change = Change("began", Fraction(number), Fraction(number) + Fraction(1, 3))
        wall = datetime(2026, 3, 1, 14, 3, 7, 250_000, UTC)
        areas = {"person": (10, 40)}
        return Event(parse_rule("near: person > 5%"), change, "door", number, areas, None, wall)

    return make


class HookServer:
    """Takes POST requests and answers as it is told: a status, or seconds to be silent, or `None` to hang up."""

    def __init__(self):
        self.bodies = []
        self.headers = []
        self.paths = []
        self.times = []
        self.answers = []
        self.extra = {}
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                server.times.append(time.monotonic())
                server.paths.append(self.path)
                server.headers.append(dict(self.headers))
                server.bodies.append(json.loads(body))
                answer = server.answers.pop(0) if server.answers else 200
                if answer is None:
                    self.close_connection = True
                    return
                if isinstance(answer, float):
                    server.over.wait(answer)
                    answer = 200
                self.send_response(answer)
                for name, value in server.extra.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.over = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def url(self, rest="/hooks/very-secret?token=hidden"):
        return f"http://127.0.0.1:{self._http.server_port}{rest}"

    @property
    def frames(self):
        return [body["frame"] for body in self.bodies]

    def close(self):
        self.over.set()
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def hook_server():
    server = HookServer()
    yield server
    server.close()
