"""Many threads at one pool of models: whatever they do in whatever order, what is in use stays and nothing hangs."""

from __future__ import annotations

import random
import threading
import time
from concurrent.futures import CancelledError, ThreadPoolExecutor
from types import SimpleNamespace

from liveseg.contract import ModelContract
from liveseg.labels import PASCAL_VOC
from liveseg.server.engine.errors import NotReady
from liveseg.server.engine.pool import ModelPool
from liveseg.settings.serve import ServedModel

NAMES = ("a", "b", "c", "d")
MOST = 2


class Watched:
    """Loads models that are nothing but a name, and sees how many are loaded at the same time."""

    def __init__(self):
        self.at_once = 0
        self.most_at_once = 0
        self.loads = 0
        self.alive = set()
        self.most_alive = 0

    def load(self, served):
        self.at_once += 1
        self.loads += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        time.sleep(0.0005)
        # By its own hand the pool makes room before it loads.
        self.alive.add(served.name)
        self.most_alive = max(self.most_alive, len(self.alive))
        self.at_once -= 1
        contract = ModelContract(served.name, PASCAL_VOC)
        segmenter = SimpleNamespace(contract=contract, size=8, runtime="own", device="cpu", precision="float32")
        return SimpleNamespace(segmenter=segmenter, lane=SimpleNamespace(batch=1), bytes=1, seconds=0.001)

    def told(self, name, state, _bytes):
        if state == "absent":
            self.alive.discard(name)


def use(pool, seed, steps):
    """Take, lease, give and release at random; how often a model was had."""
    own = random.Random(seed)  # noqa: S311 - an order of events, not a secret
    had = 0
    for _ in range(steps):
        name = own.choice(NAMES)
        if own.random() < 0.7:
            try:
                loaded = pool.take(name)
            except NotReady:
                time.sleep(own.random() * 0.002)
                continue
            time.sleep(own.random() * 0.001)
            assert pool._places[name].loaded is loaded
            pool.give(name)
            had += 1
            continue
        try:
            coming = pool.lease(name)
            if own.random() < 0.3 and coming.cancel():
                continue
            loaded = coming.result(20)
        except NotReady:
            time.sleep(own.random() * 0.002)
            continue
        except CancelledError:
            continue
        time.sleep(own.random() * 0.002)
        assert pool._places[name].loaded is loaded
        pool.release(name)
        had += 1
    return had


def test_what_is_in_use_stays_and_nothing_hangs(monkeypatch):
    watched = Watched()
    monkeypatch.setattr("liveseg.server.engine.pool.give_back", lambda: None)
    monkeypatch.setattr("liveseg.server.engine.pool.trim", lambda: None)
    monkeypatch.setattr("liveseg.server.engine.pool._BUSY_RETRY", 0.0)
    pool = ModelPool([ServedModel(name) for name in NAMES], MOST, watched.load, watched.told)
    pool.start()
    with ThreadPoolExecutor(6) as threads:
        had = sum(threads.map(lambda seed: use(pool, seed, 60), range(6)))
    # Whatever a thread waited for in vain was in somebody's hands: here nobody has any left.
    assert [(place.works, place.leases) for place in pool._places.values()] == [(0, 0)] * 4
    assert had > 30
    assert watched.loads > 4
    assert watched.most_at_once == 1
    assert watched.most_alive <= MOST
    pool.stop(10)
    assert not pool._thread.is_alive()
    assert not any(thread.name == "liveseg-loader" for thread in threading.enumerate())
    assert all(place.loaded is None for place in pool._places.values())
