"""The engine with real networks: masks, threads, memory."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading

import cv2
import numpy as np
import pytest

from liveseg.media.images import read_image
from liveseg.segmenter import Segmenter
from liveseg.server.engine.engine import Engine
from liveseg.server.engine.errors import NotReady
from liveseg.server.engine.threads import Budget, Codecs
from liveseg.server.metrics.registry import Metrics
from liveseg.server.segment.room import Room
from liveseg.settings.serve import ServeSettings


@pytest.fixture(scope="module")
def photo(samples):
    """The cat, `(H, W, 3)`."""
    return read_image(samples / "image_1.jpg")


async def with_engine(settings, work):
    """Run something with an engine that is ready, and stop it."""
    engine = Engine(settings, Metrics())
    await engine.start()
    try:
        for _ in range(3000):
            if engine.ready:
                break
            await asyncio.sleep(0.02)
        return await work(engine)
    finally:
        await engine.stop(10)


@pytest.mark.parametrize("batching", ["on", "off", "auto"])
def test_masks_are_those_of_single_runs_however_they_are_taken(batching, photo):
    pictures = [np.ascontiguousarray(photo[:, own:]) for own in (0, 1, 2, 3, 200)] * 3
    alone = Segmenter(runtime="onnx", size=97, threads=1)
    wanted = [alone.segment(picture).mask for picture in pictures[:5]] * 3

    async def work(engine):
        found = await asyncio.gather(*(engine.segment(picture) for picture in pictures))
        assert engine.models()[0].batch == (8 if batching == "on" else 1)
        text = engine._batcher._metrics.render()[0].decode()
        single = "liveseg_batch_size_count 15.0" in text
        # While the first ones are computed the others wait, and are taken together.
        assert single == (batching != "on")
        return found

    settings = ServeSettings(runtime="onnx", size=97, threads=2, batching=batching)
    for own, mask in zip(asyncio.run(with_engine(settings, work)), wanted, strict=True):
        assert own.mask.shape == mask.shape
        assert np.mean(own.mask != mask) < 1e-3


def test_a_lease_gives_the_masks_of_the_model(photo):
    wanted = Segmenter(runtime="onnx", size=65, threads=1).segment(photo).mask

    async def work(engine):
        async with engine.lease(size=65) as segmenter:
            assert segmenter.device_line(np.zeros((256, 256, 3), np.uint8)) is None
            return await asyncio.to_thread(segmenter.segment, photo)

    found = asyncio.run(with_engine(ServeSettings(runtime="onnx", size=97, threads=2), work))
    assert np.mean(found.mask != wanted) < 1e-3


def test_no_more_networks_run_than_there_are_slots(kit):
    async def main():
        loads = kit.Loads(width=8)
        async with kit.running(loads) as engine:
            assert engine.budget.slots == 1
            async with engine.lease() as segmenter:
                frames = (asyncio.to_thread(segmenter.segment, kit.picture(2)) for _ in range(8))
                await asyncio.gather(*(engine.segment(kit.picture(1)) for _ in range(16)), *frames)
            assert loads.networks["a"].most_at_once == 1
            assert len(loads.networks["a"].done) == 24

    asyncio.run(main())


def test_the_shares_of_the_threads():
    assert Budget.of(1) == Budget(1, 1, 2)
    assert (Budget.of(4).slots, Budget.of(4).each) == (4, 1)
    # A machine with many cores has not as many pictures in memory.
    assert (Budget.of(64).slots, Budget.of(64).each) == (8, 8)
    assert Budget.of(None).threads >= 1


def test_opencv_starts_no_threads_of_its_own_meanwhile(kit):
    before = cv2.getNumThreads()

    async def main():
        async with kit.running(kit.Loads()):
            assert cv2.getNumThreads() == 1

    asyncio.run(main())
    assert cv2.getNumThreads() == before


def test_what_nobody_waits_for_is_not_decoded():
    ran = []
    gate = threading.Event()

    async def main():
        codecs = Codecs(1)
        first = asyncio.create_task(codecs(gate.wait, 20))
        gone = asyncio.create_task(codecs(ran.append, "gone"))
        stays = asyncio.create_task(codecs(ran.append, "stays"))
        await asyncio.sleep(0.05)
        gone.cancel()
        await asyncio.sleep(0)
        gate.set()
        await asyncio.gather(first, stays)
        codecs.close()
        with pytest.raises(NotReady, match="stopping"):
            await codecs(ran.append, "late")

    asyncio.run(main())
    assert ran == ["stays"]


def test_what_is_decoded_for_nobody_holds_its_room_until_that_is_over():
    gate, begun = threading.Event(), threading.Event()

    def decode():
        begun.set()
        assert gate.wait(20)
        raise ValueError("damaged, which nobody wants to know any more")

    async def main():
        codecs, room = Codecs(2), Room(10)

        async def picture(work):
            async with room.of(10):
                await codecs(work)

        gone = asyncio.create_task(picture(decode))
        assert await asyncio.to_thread(begun.wait, 20)
        gone.cancel()
        stays = asyncio.create_task(picture(gate.is_set))
        await asyncio.sleep(0.1)
        assert (room.taken, gone.done(), stays.done()) == (10, False, False)
        gate.set()
        await stays
        assert gone.cancelled()
        assert room.taken == 0
        codecs.close()

    asyncio.run(main())


_IN_TURN = """
import asyncio, sys
import numpy as np
from liveseg.server.engine.engine import Engine
from liveseg.server.engine.errors import NotReady
from liveseg.server.engine.memory import resident_bytes
from liveseg.server.metrics.registry import Metrics
from liveseg.server.segment.room import Room
from liveseg.settings.serve import ServedModel, ServeSettings
from liveseg.weights.locate import bundled

async def main():
    own = {"small": "int8.onnx", "own": "onnx"}
    models = ServedModel("lite"), *(ServedModel(name, bundled("lite", kind)) for name, kind in own.items())
    engine = Engine(ServeSettings(models=models, models_in_memory=1, runtime="onnx", threads=2), Metrics())
    await engine.start()
    picture = np.zeros((480, 640, 3), np.uint8)
    for round in range(3):
        for model in models:
            while True:
                try:
                    await engine.segment(picture, model=model.name)
                    break
                except NotReady as error:
                    assert "being loaded" in str(error), error
                    await asyncio.sleep(0.02)
            print(resident_bytes() >> 20)
        assert sum(state.state == "ready" for state in engine.models()) == 1
    await engine.stop(5)
    print(resident_bytes() >> 20)

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="resident memory is read from /proc")
def test_memory_of_models_that_went_is_given_back():
    done = subprocess.run([sys.executable, "-c", _IN_TURN], capture_output=True, text=True, timeout=250, check=False)
    assert done.returncode == 0, done.stderr
    *held, stopped = map(int, done.stdout.split())
    # One model is 50 to 85 MB: two rounds more, of three models each, would be 400 MB.
    assert max(held[3:]) < max(held[:3]) + 60, held
    assert stopped < max(held), held
