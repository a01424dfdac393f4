"""Services seen from their live side, and clients that speak its protocol by hand."""

from __future__ import annotations

import asyncio
import io
import json
import time
from contextlib import contextmanager, suppress

import numpy as np
import pytest
from PIL import Image
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from liveseg.wire import Frame, unpack


class Live:
    """What of a running service is about live pictures: `address`, `engine`, `sessions`, and `do(coroutine)`."""

    def __init__(self, running):
        self.running = running
        self.engine, self.sessions = running.service.engine, running.service.live
        self.metrics = running.service.metrics
        self.address = f"ws://127.0.0.1:{running.port}/v1/live"

    @property
    def loop(self):
        return self.running.server._loop

    def begin(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop)

    def do(self, coroutine):
        return self.begin(coroutine).result(30)

    @contextmanager
    def held(self):
        """Pictures wait before the network until the block ends; yields how many do, as a function."""
        free, waiting, segment = asyncio.Event(), [], self.engine.segment

        async def late(*arguments, **options):
            waiting.append(None)
            await free.wait()
            return await segment(*arguments, **options)

        self.engine.segment = late
        try:
            yield lambda: len(waiting)
        finally:
            self.engine.segment = segment
            self.loop.call_soon_threadsafe(free.set)

    def sample(self, name, **labels):
        return self.metrics.registry.get_sample_value(name, labels)


class Talk:
    """A connection by hand."""

    def __init__(self, address, hello=None, **options):
        self.socket = connect(address, compression=None, max_size=None, **options).__enter__()
        if hello is not None:
            self.say(hello)

    def say(self, message):
        self.send(json.dumps(message))

    def frame(self, picture, sequence=0, stamp=0.0):
        self.send(Frame(picture, sequence, stamp).pack())

    def send(self, message):
        # Of a connection that was closed meanwhile, `hear` and `end` tell the rest.
        with suppress(ConnectionClosed):
            self.socket.send(message)

    def hear(self, timeout=30):
        """The next message: a dict of JSON, or what the wire carries."""
        message = self.socket.recv(timeout=timeout)
        return json.loads(message) if isinstance(message, str) else unpack(message)

    def end(self, timeout=30):
        """The close code, and the problems said before it."""
        problems = []
        try:
            while True:
                message = self.hear(timeout)
                if isinstance(message, dict) and message["type"] == "problem":
                    problems.append(message)
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006, problems

    def until(self, kind, timeout=30):
        """The next message of a kind, past others."""
        end = time.monotonic() + timeout
        while True:
            message = self.hear(max(end - time.monotonic(), 0.1))
            if isinstance(message, dict) and message["type"] == kind:
                return message


@pytest.fixture(scope="module")
def start(start_service):
    """`start(**options)`: a service with a small network, which is the same on every machine."""

    def started(**options):
        return Live(start_service(**{"size": 97, "threads": 1, "runtime": "onnx"} | options))

    return started


@pytest.fixture(scope="module")
def service(start):
    return start(live_each=16)


@pytest.fixture(scope="session")
def wait_for():
    """`wait_for(condition)`: until it holds, or the test fails."""

    def wait(condition, seconds=20):
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "it never came to that"
            time.sleep(0.01)

    return wait


@pytest.fixture
def talk():
    """`talk(address, hello)`: a `Talk`, closed at the end."""
    opened = []

    def open_one(*arguments, **options):
        opened.append(Talk(*arguments, **options))
        return opened[-1]

    yield open_one
    for one in opened:
        one.socket.close()


@pytest.fixture(scope="session")
def astronaut(skimage_data):
    """A portrait as a JPEG of 320x240, and its pixels."""
    with Image.open(skimage_data / "astronaut.png") as picture:
        small = picture.convert("RGB").crop((0, 0, 512, 384)).resize((320, 240))
    data = io.BytesIO()
    small.save(data, "JPEG", quality=90)
    return data.getvalue(), np.asarray(small)
