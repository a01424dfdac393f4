"""The stages of a worker: what runs beside what, what is bounded, and what ends it."""

from __future__ import annotations

import threading
import time
from functools import partial

import pytest

from liveseg.batch.failure import DeviceLostError
from liveseg.batch.records import Item, Task
from liveseg.batch.stages import AT_A_TIME, COMMITS, FETCHES, PICTURES, Stages
from liveseg.errors import MediaError


class Recorded:
    """Steps that take some time each, and count how many of a kind run at the same time."""

    def __init__(self, seconds=0.0, fail=None):
        self.seconds = seconds
        self.fail = fail or {}
        self.running: dict[str, int] = {}
        self.most: dict[str, int] = {}
        self.threads: dict[str, set[int]] = {}
        self.placed, self.ended, self.pictures, self.most_pictures = [], [], 0, 0
        self.together = set()
        self.lock = threading.Lock()

    def place(self, work):
        self.placed.append(work.item.name)

    def ready(self, work):
        if self.fail.get("ready") == work.item.name:
            raise MediaError("no such model")

    def end(self, work):
        self.ended.append(work.item.name)

    def _step(self, name, work):
        with self.lock:
            self.threads.setdefault(name, set()).add(threading.get_ident())
            self.running[name] = self.running.get(name, 0) + 1
            self.most[name] = max(self.most.get(name, 0), self.running[name])
            self.together |= {frozenset(one for one, count in self.running.items() if count)}
            if name == "decode":
                self.pictures += 1
                self.most_pictures = max(self.most_pictures, self.pictures)
        time.sleep(self.seconds)
        with self.lock:
            self.running[name] -= 1
            if name == "finish":
                self.pictures -= 1
        wrong = self.fail.get((name, work.item.name))
        if wrong is not None:
            raise wrong

    def fetch(self, work):
        self._step("fetch", work)

    def decode(self, work):
        self._step("decode", work)

    def infer(self, work):
        self._step("infer", work)

    def finish(self, work):
        self._step("finish", work)

    def commit(self, work):
        self._step("commit", work)


def tasks(count):
    return [Task(Item(location=f"/{number}.jpg", name=str(number), kind="image")) for number in range(count)]


def draw_of(given):
    return partial(next, iter(given), None)


def test_slow_storage_is_waited_for_several_files_at_a_time_beside_the_network():
    steps = Recorded(seconds=0.02)
    stages = Stages(steps)
    done = list(stages.through(draw_of(tasks(24))))
    stages.close()
    assert [work.item.name for work in done] == [str(number) for number in range(24)]
    assert 1 < steps.most["fetch"] <= FETCHES
    assert 1 <= steps.most["commit"] <= COMMITS
    # One at a time each, but beside each other.
    assert steps.most["decode"] == steps.most["infer"] == steps.most["finish"] == 1
    assert steps.threads["infer"] == {threading.get_ident()}
    assert any({"fetch", "infer", "commit"} <= kinds for kinds in steps.together)
    assert any({"decode", "infer", "finish"} <= kinds for kinds in steps.together)
    assert steps.ended == [str(number) for number in range(24)]


def test_tasks_and_pictures_in_hand_are_bounded():
    steps = Recorded(seconds=0.002)
    stages = Stages(steps)
    drawn = 0
    ended_at = []

    def counted():
        nonlocal drawn
        for task in tasks(40):
            drawn += 1
            ended_at.append(drawn - len(steps.ended))
            yield task

    for _ in stages.through(draw_of(counted())):
        time.sleep(0.005)
    stages.close()
    assert max(ended_at) <= AT_A_TIME
    assert steps.most_pictures <= PICTURES


def test_what_comes_while_others_are_under_way_is_begun_beside_them():
    steps = Recorded()
    stages = Stages(steps)
    coming = iter([*tasks(2), None, None, *tasks(5)[2:], None])
    under_way = []

    def draw():
        task = next(coming, None)
        if task is not None:
            under_way.append(len(steps.placed) - len(steps.ended))
        return task

    done = [work.item.name for work in stages.through(draw)]
    stages.close()
    assert done == [str(number) for number in range(5)]
    # Nothing was at hand twice, and yet the line was not waited for to run empty.
    assert under_way[0] == 0
    assert min(under_way[1:]) > 0


@pytest.mark.parametrize("stage", ["fetch", "decode", "infer", "finish", "commit"])
def test_a_failure_is_the_files_own_and_the_stages_after_it_leave_it_alone(stage):
    steps = Recorded(fail={(stage, "3"): MediaError("broken")})
    stages = Stages(steps)
    done = list(stages.through(draw_of(tasks(12))))
    assert [work.item.name for work in done if work.error is not None] == ["3"]
    # Nothing is kept by what failed: more pictures than there are places still come through.
    assert len(list(stages.through(draw_of(tasks(12))))) == 12
    stages.close()
    assert len(steps.ended) == len(steps.placed) == 24


@pytest.mark.parametrize(
    ("stage", "wrong"),
    [
        ("infer", DeviceLostError("gone")),
        ("infer", RuntimeError("CUDA error: an illegal memory access was encountered")),
        ("finish", RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")),
        ("infer", KeyboardInterrupt()),
    ],
)
def test_a_lost_device_ends_the_worker_and_leaves_no_slot_taken(stage, wrong):
    steps = Recorded(fail={(stage, "3"): wrong})
    stages = Stages(steps)
    done = []
    expected = DeviceLostError if isinstance(wrong, Exception) else KeyboardInterrupt
    with pytest.raises(expected):
        done.extend(work.item.name for work in stages.through(draw_of(tasks(12))))
    assert set(done) <= {"0", "1", "2"}
    assert sorted(steps.ended, key=int) == steps.placed
    stages.close()


def test_a_model_that_cannot_be_loaded_is_no_files_fault():
    steps = Recorded(fail={"ready": "0"})
    stages = Stages(steps)
    with pytest.raises(MediaError, match="no such model"):
        list(stages.through(draw_of(tasks(3))))
    assert sorted(steps.ended) == sorted(steps.placed)
    stages.close()


def test_whoever_stops_asking_leaves_no_thread_busy():
    steps = Recorded(seconds=0.002)
    stages = Stages(steps)
    for work in stages.through(draw_of(tasks(30))):
        if work.item.name == "4":
            break
    stages.close()
    assert sorted(steps.ended, key=int) == steps.placed
    assert len(steps.placed) < 30


def test_the_total_is_the_time_of_a_files_own_stages_and_not_of_its_waiting():
    steps = Recorded(seconds=0.01)
    stages = Stages(steps)
    done = list(stages.through(draw_of(tasks(20))))
    stages.close()
    # In line behind others it took longer than its own five stages.
    assert all(0.05 <= work.total < 1.0 for work in done)
    assert sum(work.total for work in done) > 20 * 0.05
