"""The segmenter on a ladder, with networks that need no files."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from liveseg.contract import ModelContract
from liveseg.errors import LivesegError, UsageError
from liveseg.labels import LabelSet, voc_palette
from liveseg.pipeline import Pipeline
from liveseg.settings import ModelSettings
from liveseg.tuning.choose import Level
from liveseg.tuning.cost import Line
from liveseg.tuning.engines import Engine, Networks
from liveseg.tuning.governor import Rung
from liveseg.tuning.ladder import LadderSegmenter

FRAME = np.zeros((96, 128, 3), np.uint8)


def level(size, every=1, model="lite", busy=0.02):
    engine = Engine(model)
    return Level(engine, model, "fake", "float32", size, every, size / 10, Rung(busy, 1 / busy, 1 / busy, busy))


@pytest.fixture
def ladder(fake_runtime):
    """`ladder(*levels, runtimes={model: …}, **of LadderSegmenter)`, and what was loaded for it, in `.loads`."""

    def make(*levels, runtimes=None, **about):
        loads = []

        def loader(request):
            loads.append(request.model)
            return (runtimes or {}).get(request.model) or fake_runtime(request.model)

        networks = Networks(ModelSettings(), Line(2, 1, live=True), loader=loader)
        segmenter = LadderSegmenter(levels, networks, **({"threads": 2} | about))
        segmenter.loads = loads
        return segmenter

    return make


def test_it_says_of_itself_what_its_level_is(ladder):
    on_it = ladder(level(257), level(129), home=1)
    assert (on_it.size, on_it.model, on_it.runtime, on_it.precision) == (129, "lite", "fake", "float32")
    assert on_it.level.size == 129
    assert "lite 129" in on_it.chosen
    assert on_it.threads == 2
    assert on_it.threads_each == 2


def test_levels_of_one_engine_share_one_network(ladder):
    assert ladder(level(257), level(129), level(193, model="lraspp")).loads == ["lite", "lraspp"]


def test_warming_up_shows_every_level_to_its_network(ladder, fake_runtime):
    network = fake_runtime()
    ladder(level(257), level(129), runtimes={"lite": network}).warm_up(640, 480)
    assert network.inputs == [(257, 353), (129, 161)]


def test_networks_with_other_classes_do_not_share_a_ladder(ladder, fake_runtime):
    other = fake_runtime("lraspp")
    other.contract = ModelContract("lraspp", LabelSet(("background", "cat"), voc_palette(2)))
    with pytest.raises(UsageError, match="--model"):
        ladder(level(257), level(129, model="lraspp"), runtimes={"lraspp": other})


def test_with_a_step_of_three_two_frames_of_three_reuse_the_mask(ladder, fake_runtime):
    network = fake_runtime(number=8)
    on_it = ladder(level(129, every=3), runtimes={"lite": network})
    images = [np.full_like(FRAME, number) for number in range(7)]
    found = [on_it.segment(image) for image in images]
    assert len(network.inputs) == 3
    assert all((each.mask == 8).all() for each in found)
    assert all(each.image is image for each, image in zip(found, images, strict=True))
    assert [each.speed["infer"] > 0 for each in found] == [True, False, False, True, False, False, True]


def test_a_reused_mask_is_of_the_frames_size_or_not_reused(ladder, fake_runtime):
    network = fake_runtime()
    on_it = ladder(level(129, every=4), runtimes={"lite": network})
    on_it.segment(FRAME)
    other = on_it.segment(np.zeros((50, 60, 3), np.uint8))
    assert other.mask.shape == (50, 60)
    assert len(network.inputs) == 2


def test_frames_that_reuse_a_mask_wait_for_it_beside_others(ladder, fake_runtime):
    """In a line of several workers a frame may be asked for while the one whose mask it takes is still segmented."""
    network = fake_runtime(number=5)
    network.per_pixel = 0.05 / (129 * 177)
    on_it = ladder(level(129, every=4), runtimes={"lite": network}, parallel=2)
    assert on_it.parallel == 8
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(on_it.segment, [FRAME] * 16))
    assert len(network.inputs) == 4
    assert all((each.mask == 5).all() for each in found)


def test_a_live_ladder_takes_no_more_workers_than_it_was_given(ladder):
    assert ladder(level(129, every=3), level(129), target=25.0, parallel=1).parallel == 1


def test_a_failing_network_fails_the_frames_that_wait_for_it_too(ladder, fake_runtime):
    network = fake_runtime()
    network.started = threading.Event()

    class Broken(type(network)):
        def __call__(self, images):
            self.started.set()
            time.sleep(0.1)
            raise LivesegError("no more")

    network.__class__ = Broken
    on_it = ladder(level(129, every=2), runtimes={"lite": network})
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(on_it.segment, FRAME)
        network.started.wait()
        second = pool.submit(on_it.segment, FRAME)
        for future in (first, second):
            with pytest.raises(LivesegError, match="no more"):
                future.result(timeout=5)


@pytest.fixture
def clock():
    """A clock that a test turns: `clock.now += 1`."""

    class Clock:
        now = 0.0

        def __call__(self):
            return self.now

    return Clock()


def test_it_steps_down_and_up_again_and_says_so(ladder, clock, fake_runtime):
    network = fake_runtime()
    network.per_pixel = 0.004 / (257 * 337)
    idle, said = [0.0], []
    levels = [replace(level(257), rung=Rung(0.005, 30, 30, 0.03)), replace(level(129), rung=Rung(0.002, 90, 90, 0.01))]
    on_it = ladder(
        *levels, runtimes={"lite": network}, target=25.0, clock=clock, idle=lambda: idle[0], on_step=said.append
    )
    for _ in range(60):  # every frame takes 80 ms of the line, and another is lost
        clock.now += 0.08
        on_it.dropped(1)
        on_it.segment(FRAME)
    assert on_it.level.size == on_it.size == 129
    idle[0] = 2.0
    for _ in range(400):
        clock.now += 0.04
        on_it.segment(FRAME)
    assert on_it.level.size == on_it.size == 257
    assert on_it.events == said
    assert len(said) == len(on_it.steps) == 2
    assert said[0].startswith("stepped down from lite 257 (fake float32) to lite 129 (fake float32) at ")
    assert said[1].startswith("stepped up from lite 129 (fake float32) to lite 257 (fake float32) at ")
    assert network.inputs[-1] == (257, 353)


def test_a_step_ends_the_reuse_of_masks_of_the_level_before(ladder, clock):
    levels = [
        replace(level(129), rung=Rung(1e-4, 30, 30, 0.03)),
        replace(level(129, every=4), rung=Rung(1e-4, 90, 90, 0.01)),
    ]
    on_it = ladder(*levels, target=25.0, clock=clock, idle=lambda: 0.0)
    while not on_it.events and clock.now < 10:
        clock.now += 0.08
        on_it.dropped(1)
        last = on_it.segment(FRAME)
    assert on_it.segment(FRAME).speed["infer"] > 0
    reused = on_it.segment(FRAME)
    assert reused.speed["infer"] == 0
    assert reused.logits is not last.logits


def test_only_a_ladder_that_stands_still_offers_the_device_line(ladder, fake_runtime):
    network = fake_runtime()
    network.line_pays, network.line = True, lambda size, table: ("line", size)
    table, runtimes = np.zeros((256, 256, 3), np.uint8), {"lite": network}
    assert ladder(level(129), runtimes=runtimes).device_line(table) == ("line", 129)
    assert ladder(level(129), runtimes=runtimes, target=25.0).device_line(table) is None
    assert ladder(level(129, every=2), runtimes=runtimes).device_line(table) is None


def test_without_a_target_it_never_moves(ladder, clock):
    on_it = ladder(level(257), level(129), home=1, clock=clock)
    for _ in range(100):
        clock.now += 1.0
        on_it.dropped(9)
        on_it.segment(FRAME)
    assert on_it.level.size == 129
    assert on_it.steps == on_it.events == []


def test_a_pipeline_takes_it_for_a_segmenter(ladder, fake_runtime, samples):
    from liveseg.media import open_source
    from liveseg.media.frame import Selection

    network = fake_runtime(number=3)
    on_it = ladder(level(129, every=2), runtimes={"lite": network}, parallel=2)
    with open_source(samples / "video_1.mp4", Selection(limit=12)) as source:
        results = list(Pipeline(on_it).run(source))
    assert [result.frame_index for result in results] == list(range(12))
    assert len(network.inputs) == 6
    assert all((result.segmentation.mask == 3).all() for result in results)


def test_what_is_unknown_stays_told_apart_on_every_level(ladder):
    on_it = ladder(level(257), level(129))
    on_it.configure(unknown=0.999999, palette="safe")
    for place in (0, 1):
        on_it._stand_on(place)
        found = on_it.segment(FRAME)
        assert found.labels.names[-1] == "unknown"
        assert found.labels.palette[1] == (0x4B, 0x55, 0xFE)
        assert np.array_equal(found.mask == len(found.logits), found.confidence < np.float32(0.999999))
