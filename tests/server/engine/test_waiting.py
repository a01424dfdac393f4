"""The queue, held to a plain list by random sequences of what can happen to it."""

from __future__ import annotations

import threading

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from liveseg.server.engine.errors import NotReady, QueueFull
from liveseg.server.engine.task import Lane, Task
from liveseg.server.engine.waiting import Waiting

MOST = 4


class Queue(RuleBasedStateMachine):
    """A queue of four places before two models: one takes two calls of up to three pictures, one a call of one."""

    def __init__(self):
        super().__init__()
        self.depths = []
        self.waiting = Waiting(MOST, 2, self.depths.append)
        self.lanes = [Lane(2, 3), Lane(1)]
        self.model = []
        self.running = []
        self.answered = []
        self.tasks = []

    def eligible(self):
        return [task for task in self.model if self.runs(task.lane) < task.lane.width]

    def runs(self, lane):
        return sum(group[0].lane is lane for group in self.running)

    @rule(lane=st.sampled_from([0, 0, 1]), key=st.sampled_from([None, (8, 8), (8, 9)]), counts=st.booleans())
    def put(self, lane, key, counts):
        task = Task(self.lanes[lane], key=key, counts=counts)
        if counts and sum(own.counts for own in self.model) == MOST:
            with pytest.raises(QueueFull) as refused:
                self.waiting.put(task)
            assert 1 <= refused.value.retry_after <= 60
            return
        self.waiting.put(task)
        self.model.append(task)
        self.tasks.append(task)

    @precondition(lambda self: self.eligible())
    @rule()
    def take(self):
        oldest = self.eligible()[0]
        taken = self.waiting.take()
        alike = [own for own in self.model if own.lane is oldest.lane and own.key == oldest.key]
        wanted = alike[: oldest.lane.batch] if oldest.key is not None else [oldest]
        assert taken == wanted
        for task in taken:
            self.model.remove(task)
            assert task.begin()
        self.running.append(taken)

    @precondition(lambda self: self.running)
    @rule(which=st.integers(0, 9), seconds=st.floats(0, 100))
    def done(self, which, seconds):
        group = self.running.pop(which % len(self.running))
        for task in group:
            task.future.set_result(None)
        self.waiting.done(group[0].lane, len(group), seconds)
        self.answered += group

    @precondition(lambda self: self.model)
    @rule(which=st.integers(0, 9))
    def cancel(self, which):
        task = self.model.pop(which % len(self.model))
        assert task.future.cancel()
        self.answered.append(task)

    @precondition(lambda self: self.running)
    @rule()
    def cancel_what_runs(self):
        assert not self.running[0][0].future.cancel()

    @invariant()
    def nothing_is_lost(self):
        assert len(self.waiting) == len(self.model)
        assert self.waiting.depth == sum(own.counts for own in self.model) <= MOST
        assert self.depths[-1:] in ([], [self.waiting.depth])
        assert self.waiting.idle == (not self.model and not self.running)
        for lane in self.lanes:
            assert lane.running == self.runs(lane) <= lane.width

    def teardown(self):
        self.waiting.close()
        for task in self.model:
            with pytest.raises(NotReady):
                task.future.result(0)
        with pytest.raises(NotReady):
            self.waiting.put(Task(self.lanes[0]))
        for group in self.running:
            assert not any(task.future.done() for task in group)
        assert all(task.future.done() for task in self.answered)
        assert len(self.answered) + len(self.model) + sum(map(len, self.running)) == len(self.tasks)


TestQueue = Queue.TestCase
TestQueue.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_those_who_wait_for_work_are_woken_by_it_and_by_the_end():
    waiting = Waiting(4, 2, lambda _: None)
    lane = Lane(1)
    got = []

    def serve():
        while taken := waiting.take():
            got.append(taken)
            waiting.done(lane, 1, 0.0)

    threads = [threading.Thread(target=serve) for _ in range(3)]
    for thread in threads:
        thread.start()
    tasks = [Task(lane) for _ in range(4)]
    for task in tasks:
        waiting.put(task)
    assert waiting.wait_idle(10)
    waiting.close()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    assert sorted(id(task) for group in got for task in group) == sorted(id(task) for task in tasks)


def test_whoever_waits_for_the_end_does_not_steal_a_wake_up():
    waiting = Waiting(4, 2, lambda _: None)
    lane = Lane(1)
    held = Task(lane)
    waiting.put(held)
    assert waiting.take() == [held]
    ends = [threading.Thread(target=waiting.wait_idle, args=(30,)) for _ in range(3)]
    for thread in ends:
        thread.start()
    got = []
    server = threading.Thread(target=lambda: got.append(waiting.take()))
    server.start()
    other = Task(Lane(1))
    waiting.put(other)
    server.join(10)
    assert got == [[other]]
    waiting.done(other.lane, 1, 0.1)
    waiting.done(lane, 1, 0.1)
    for thread in ends:
        thread.join(10)
        assert not thread.is_alive()


def test_the_time_to_come_back_is_what_the_waiting_work_takes():
    waiting = Waiting(6, 2, lambda _: None)
    lane = Lane(1, 4)
    first = Task(lane, key=(8, 8))
    waiting.put(first)
    waiting.take()
    # Two pictures in eight seconds of a thread: four seconds each.
    waiting.done(lane, 2, 8.0)
    for _ in range(6):
        waiting.put(Task(lane))
    with pytest.raises(QueueFull) as refused:
        waiting.put(Task(lane))
    # Six of them for two threads.
    assert refused.value.retry_after == pytest.approx(12)
    assert "12 s" in str(refused.value)


def test_an_expired_task_is_told_so_and_not_begun():
    task = Task(Lane(1), deadline=0.0)
    assert not task.begin()
    with pytest.raises(TimeoutError, match="not segmented in time"):
        task.future.result(0)


def test_room_in_a_lane_wakes_whoever_waits_for_it():
    waiting = Waiting(4, 2, lambda _: None)
    lane = Lane(1)
    first, second = Task(lane), Task(lane)
    waiting.put(first)
    assert waiting.take() == [first]
    got = []
    server = threading.Thread(target=lambda: got.append(waiting.take()))
    server.start()
    waiting.put(second)
    server.join(0.2)
    assert got == []
    waiting.done(lane, 1, 0.1)
    server.join(10)
    assert got == [[second]]
