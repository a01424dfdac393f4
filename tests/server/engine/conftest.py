"""A network that does what a test tells it, in the place of a real one, and a service's engine around it."""

from __future__ import annotations

import asyncio
import threading
from contextlib import asynccontextmanager

import numpy as np
import pytest

from liveseg.contract import ModelContract
from liveseg.errors import LivesegError
from liveseg.labels import PASCAL_VOC
from liveseg.segmenter import Segmenter
from liveseg.server.engine.engine import Engine
from liveseg.server.engine.errors import NotReady
from liveseg.server.engine.model import Loaded
from liveseg.server.engine.task import Lane
from liveseg.server.metrics.registry import Metrics
from liveseg.settings.serve import ServedModel, ServeSettings


class Network:
    """A runtime whose class of every pixel is the blue of its first one; it can be stopped, and fails on red 255.

    Args:
        name: of the model.
    """

    name, device, precision = "own", "cpu", "float32"

    def __init__(self, name="own"):
        self.contract = ModelContract(name, PASCAL_VOC, default_size=8)
        self.calls = []
        self.open = threading.Event()
        self.open.set()
        self.entered = threading.Semaphore(0)
        self.at_once = 0
        self.most_at_once = 0
        self._lock = threading.Lock()

    def __call__(self, images):
        with self._lock:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            self.calls.append([int(image[0, 0, 2]) for image in images])
        try:
            self.entered.release()
            if not self.open.wait(30):
                raise TimeoutError("nobody opened the network")
            if (images[:, 0, 0, 0] == 255).any():
                raise LivesegError("the network does not like red")
            logits = np.zeros((len(images), 21, 4, 4), np.float32)
            for own, image in zip(logits, images, strict=True):
                own[image[0, 0, 2]] = 1.0
            return logits
        finally:
            with self._lock:
                self.at_once -= 1

    @property
    def done(self):
        """What came, one list a call."""
        return list(self.calls)


def picture(blue, *, red=0, height=8, width=8):
    """One colour, whose blue is the class that `Network` finds there."""
    image = np.zeros((height, width, 3), np.uint8)
    image[:, :, 0], image[:, :, 2] = red, blue
    return image


class Loads:
    """Loads `Network`s by name; each name's load can be held up, or fail so many times.

    Args:
        width: calls of a network at the same time.
        batch: pictures in a call.
        gated: names whose load waits until `gates[name]` is set.
        fails: how often the load fails, by name.
    """

    def __init__(self, width=1, batch=1, *, gated=(), fails=()):
        self.width, self.batch = width, batch
        self.networks = {}
        self.order = []
        self.fails = dict(fails)
        self.gates = {name: threading.Event() for name in gated}
        self.at_once = 0
        self.most_at_once = 0

    def __call__(self, served):
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            self.order.append(served.name)
            if served.name in self.gates and not self.gates[served.name].wait(30):
                raise TimeoutError("nobody let it load")
            if self.fails.get(served.name, 0):
                self.fails[served.name] -= 1
                raise LivesegError(f"the weights of {served.name} are not there")
            network = self.networks[served.name] = Network(served.name)
            return Loaded(Segmenter.from_runtime(network), Lane(self.width, self.batch), 1000, 0.01)
        finally:
            self.at_once -= 1


async def until(condition):
    """Wait until something holds."""
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise TimeoutError("it never came to that")


@asynccontextmanager
async def running(loads=None, *, names=("a",), wait=True, **options):
    """An engine that runs, its default model in memory."""
    loads = loads or Loads()
    served = tuple(ServedModel(name) for name in names)
    engine = Engine(ServeSettings(models=served, threads=1, **options), Metrics(), load=loads)
    await engine.start()
    try:
        if wait:
            await until(lambda: engine.ready)
        yield engine
    finally:
        for network in getattr(loads, "networks", {}).values():
            network.open.set()
        await engine.stop(5)


async def loaded(engine, name):
    """Ask for a model until it is in memory."""
    for _ in range(1000):
        try:
            return await engine.segment(picture(0), model=name)
        except NotReady:
            await asyncio.sleep(0.01)
    raise TimeoutError(f"{name} was never loaded")


async def blocked(engine, network):
    """Stop the network with a picture in it."""
    network.open.clear()
    while network.entered.acquire(blocking=False):
        pass
    running = asyncio.create_task(engine.segment(picture(1)))
    await until(lambda: network.entered.acquire(blocking=False))
    return running


@asynccontextmanager
async def held(loads=None, **options):
    """An engine whose default network is stopped with a picture of class 1 in it.

    Yields:
        The engine, the network, and the task of whoever asked for the picture.
    """
    loads = loads or Loads()
    async with running(loads, **options) as engine:
        network = loads.networks[engine.default]
        yield engine, network, await blocked(engine, network)


async def queued(engine, *pictures, **how):
    """Ask for pictures, each when the one before it waits in the queue; their tasks."""
    before, tasks = engine.depth, []
    for image in pictures:
        tasks.append(asyncio.create_task(engine.segment(image, **how)))
        await until(lambda: engine.depth == before + len(tasks))
    return tasks


async def leased(engine, model=None):
    """Lease a model and give it back at once; its name."""
    async with engine.lease(model) as segmenter:
        return segmenter.model


@asynccontextmanager
async def leasing(users=1):
    """An engine whose load of model `b` waits at its gate, and users who wait to lease that model.

    Yields:
        The engine, its `Loads`, and a task for each user.
    """
    loads = Loads(gated=["b"])
    async with running(loads, names=("a", "b")) as engine:
        wanted = [asyncio.create_task(leased(engine, "b")) for _ in range(users)]
        await until(lambda: loads.order == ["a", "b"])
        yield engine, loads, wanted


@pytest.fixture
def kit():
    """The names of this file, for tests in modules that cannot import it."""
    from types import SimpleNamespace

    return SimpleNamespace(
        Network=Network,
        Loads=Loads,
        picture=picture,
        running=running,
        until=until,
        loaded=loaded,
        held=held,
        queued=queued,
        leased=leased,
        leasing=leasing,
    )
