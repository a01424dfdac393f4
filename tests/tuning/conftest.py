"""A simulated machine for the governor, and networks that cost what they are told to."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pytest

from liveseg.contract import ModelContract
from liveseg.labels import PASCAL_VOC
from liveseg.models.registry import find_model
from liveseg.tuning.cost import Cost, EngineCost, LineCost, Sample
from liveseg.tuning.governor import Governor, Rung

if TYPE_CHECKING:
    from collections.abc import Callable

CORES = 2.0
FIXED = 0.012
"""Core seconds a frame that decoding and encoding cost at every level."""

BUSY = (0.060, 0.050, 0.042, 0.036, 0.030, 0.025, 0.0208, 0.0174, 0.0145, 0.0121, 0.0101, 0.0084, 0.007)
HOME = 3
"""The best of these levels that holds 25 frames a second with a tenth to spare."""

RUNGS = [Rung(busy, 1 / busy, min(1 / busy, CORES / (busy + FIXED)), busy + FIXED) for busy in BUSY]


@dataclass
class Machine:
    """A source of `fps` frames a second, one worker, and `others(now)` threads that would burn whole cores.

    As a fair scheduler has it: who asks for less than a fair share gets it almost undisturbed, who asks for more gets
    the share. That is what makes a low level look as if the machine were free.
    """

    target: float = 25.0
    fps: float = 25.0
    home: int = HOME
    others: Callable[[float], float] = lambda _now: 0.0
    noise: float = 0.0
    hiccups: dict[float, float] = field(default_factory=dict)
    """Seconds by which a frame takes longer, by the time at which that happens."""
    knows_idle: bool = True
    tells_losses: bool = True
    seed: int = 0

    def __post_init__(self):
        self.now, self._idle, self._taken = 0.0, CORES, 0
        self._random = random.Random(self.seed)  # noqa: S311 - noise, not a secret
        self.done: list[float] = []
        self.governor = Governor(
            RUNGS,
            self.target,
            home=self.home,
            clock=lambda: self.now,
            idle=lambda: self._idle if self.knows_idle else None,
        )

    def run(self, until):
        while self.now < until:
            newest = int(self.now * self.fps)
            if newest <= self._taken:  # nothing new: the worker waits for the next frame
                newest = self._taken + 1
                self.now = newest / self.fps
            dropped, self._taken = newest - self._taken - 1, newest
            rung, others = RUNGS[self.governor.level], self.others(self.now)
            share = max(CORES * 2 / (2 + others), CORES - others)
            asked = min(self.fps, rung.pace) * rung.cores
            slower = rung.pace * rung.cores / share if asked > share else 1 + 0.1 * min(others, 1)
            busy = rung.busy * slower * (1 + self.noise * self._random.uniform(-1, 1))
            busy += sum(self.hiccups.pop(at) for at in [at for at in self.hiccups if at <= self.now])
            self._idle = max(CORES - others - min(self.fps, rung.pace / slower) * rung.cores, 0.0)
            self.now += busy
            self.done.append(self.now)
            self.governor.observe(busy, dropped if self.tells_losses else 0)
        return self

    def rate(self, begin, end):
        """Frames a second done between two times."""
        return sum(begin <= at < end for at in self.done) / (end - begin)

    @property
    def moves(self):
        """`(level before, level after)` of each step."""
        return [(step.before, step.after) for step in self.governor.steps]


@pytest.fixture(scope="session")
def machine():
    """`machine(**of Machine)`: a simulated one; `.run(seconds)` lets it work."""
    return Machine


class FakeRuntime:
    """A network that takes a time for each pixel of its input, and finds the class of its own number everywhere."""

    name, device, precision = "fake", "cpu", "float32"

    def __init__(self, name="lite", per_pixel=0.0, number=0):
        self.contract = find_model(name).contract if name != "own" else ModelContract("own", PASCAL_VOC)
        self.per_pixel, self.number, self.inputs = per_pixel, number, []

    def __call__(self, images):
        self.inputs.append(images.shape[1:3])
        if self.per_pixel:
            time.sleep(self.per_pixel * images.shape[1] * images.shape[2])
        logits = np.zeros((len(images), 21, 2, 2), np.float32)
        logits[:, self.number] = 1
        return logits


@pytest.fixture
def fake_runtime():
    """`fake_runtime(name="lite", per_pixel=0.0, number=0)`: a network that needs no file."""
    return FakeRuntime


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty cache, and no network."""
    monkeypatch.setenv("LIVESEG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LIVESEG_OFFLINE", "1")
    return tmp_path / "home"


REST = LineCost(Cost(0.002, 0.003), Cost(0.001, 0.001), Cost(0.003, 0.006))


@pytest.fixture(scope="session")
def rest():
    """What decoding, drawing and encoding cost on a machine that is made up."""
    return REST


@pytest.fixture(scope="session")
def cost_of():
    """`cost_of(model, seconds a megapixel)`: the cost of a network whose time is proportional to its input."""

    def make(name, per_megapixel, *, runtime="onnx", precision="float32", contract=None):
        contract = contract or find_model(name).contract
        samples = tuple(
            Sample(size, size * size, size * size * per_megapixel / 1e6, size * size * per_megapixel / 1e6)
            for size in (100, 300)
        )
        return EngineCost(runtime, precision, "cpu", contract, samples)

    return make
