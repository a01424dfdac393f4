"""A worker's stages across the borders of bundles: what is begun beside what, what is told when, who is to blame."""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from liveseg.batch.arriving import Arriving, beside_others
from liveseg.batch.manifest import Manifest
from liveseg.batch.places import Place, StorageError
from liveseg.batch.pool import LocalPool
from liveseg.batch.process import Given, Process
from liveseg.batch.records import Item, Piece, Record, Task
from liveseg.batch.worker import _Told
from liveseg.settings import BatchSettings


def task(name, kind="image", **about):
    return Task(Item(location=f"/{name}", name=name, kind=kind), **about)


def bundle(*names):
    return tuple(task(name) for name in names)


def record(of):
    item = of.item
    return Record(
        identifier=item.identifier, location=item.location, name=item.name, kind=item.kind, status="done",
        piece=of.piece.index if of.piece else None, pieces=of.piece.count if of.piece else of.join or None,
    )  # fmt: skip


@pytest.fixture
def ahead(stand_in):
    """The module `stand_in_ahead.py`, found by name in the processes that are started, too."""
    import stand_in_ahead

    return stand_in_ahead


@pytest.mark.parametrize("size", [1, 3, 8])
def test_a_slow_storage_is_asked_for_the_next_bundle_before_it_has_answered_for_this_one(tmp_path, ahead, size):
    """Each commit is answered once five more files are being fetched: those of the next bundles, at every border."""
    tasks = [task(f"{number:04}") for number in range(24)]
    make = partial(ahead.SlowStorage, count=len(tasks), behind=5)
    settings = BatchSettings(out=str(tmp_path / "out"), attempts=1)
    with LocalPool(settings, "run", 1, make_replica=make) as pool:
        bundles = iter([tuple(tasks[at : at + size]) for at in range(0, len(tasks), size)])
        told = [(record.name, record.error) for record in pool.run(bundles)]
    assert told == [(one.item.name, None) for one in tasks]
    assert {path.stem for path in (tmp_path / "out").glob("*.bin")} == {one.item.name for one in tasks}


def test_tasks_are_drawn_bundle_after_bundle_and_each_bundle_ends_with_its_last_record():
    following = [(2, bundle("c", "d")), None, (3, bundle("e"))]
    arriving = Arriving(1, bundle("a", "b"), lambda: following.pop(0) if following else None)
    assert [one.item.name for one in arriving] == ["a", "b", "c", "d"]
    assert arriving.draw() == task("e")
    assert arriving.draw() is None
    assert arriving.ended(map(record, bundle("a", "c", "d"))) == [2]
    assert arriving.ended(map(record, bundle("b"))) == [1]
    assert arriving.ended(map(record, bundle("b"))) == []
    assert arriving.ended_all() == [3]
    assert arriving.ended_all() == []


@pytest.mark.parametrize(
    "alone",
    [
        task("a", attempt=2),
        task("a", "video"),
        task("a", "video", piece=Piece(0, 2, 0.0, 1.0)),
        task("a", "video", join=2),
    ],
)
def test_nothing_is_begun_beside_videos_and_what_is_tried_again(alone):
    assert not beside_others((alone,))
    asked = []
    arriving = Arriving(1, (alone,), lambda: asked.append(1))
    assert list(arriving) == [alone]
    assert asked == []
    assert beside_others(bundle("a", "b"))


class Log:
    """A worker's log that takes its time: an append ends when it is let go, or fails.

    Args:
        fails: whether it does.
    """

    def __init__(self, *, fails=False):
        self.fails = fails
        self.begun, self.let_go = threading.Event(), threading.Event()
        self.kept = []

    def append(self, records):
        self.begun.set()
        assert self.let_go.wait(20)
        if self.fails:
            raise StorageError("no answer")
        self.kept.append([record.name for record in records])


class Inbox:
    """What is said, with what the log held by then."""

    def __init__(self, log):
        self.log, self.said = log, []

    def say(self, *words):
        self.said.append((words[0], sum(map(len, self.log.kept))))


@pytest.fixture
def beside():
    with ThreadPoolExecutor(1) as thread:
        yield thread


@pytest.fixture
def due(monkeypatch):
    """Records wait no time for each other."""
    monkeypatch.setattr("liveseg.batch.worker._LOG_SECONDS", 0.0)


def test_a_slow_log_is_written_beside_the_work_and_nothing_is_said_before_it_is(beside, due):
    log = Log()
    inbox = Inbox(log)
    told = _Told(log, inbox, Arriving(1, bundle("a", "b"), lambda: None), beside)
    told(record(task("a")))
    assert log.begun.wait(20)
    assert inbox.said == []
    log.let_go.set()
    told(record(task("b")))
    told.end()
    assert log.kept == [["a"], ["b"]]
    assert inbox.said == [("did", 1), ("did", 2), ("ended", 2)]


def test_a_log_that_cannot_be_written_ends_the_worker(beside, due):
    log = Log(fails=True)
    log.let_go.set()
    inbox = Inbox(log)
    told = _Told(log, inbox, Arriving(1, bundle("a", "b"), lambda: None), beside)
    told(record(task("a")))
    with pytest.raises(StorageError, match="no answer"):
        told(record(task("b")))
    assert inbox.said == []


def test_one_bundle_waits_at_a_worker_beside_those_that_it_has_begun():
    worker = Process.__new__(Process)

    def takes_more(*begun, quick=True):
        worker.at_hand = [Given(number, False, quick, {}, one) for number, one in enumerate(begun)]
        return worker.takes_more

    assert takes_more(False)
    assert takes_more(True)
    assert takes_more(True, True, True)
    assert not takes_more(False, False)
    assert not takes_more(True, True, False)
    assert not takes_more(True, quick=False)


@pytest.mark.skipif(sys.platform == "win32", reason="kills by signals as POSIX has them")
def test_who_shared_a_worker_across_a_border_is_tried_once_more(tmp_path, ahead):
    settings = BatchSettings(out=str(tmp_path), attempts=1)
    with LocalPool(settings, "run", 1, make_replica=ahead.Together) as pool:
        told = {one.name: one.status for one in pool.run(iter([bundle("a"), bundle("b")]))}
    # Each was a bundle's only task, and neither was alone with the worker.
    assert told == {"a": "done", "b": "done"}
    assert {one.name for one in Manifest(Place.at(tmp_path)).records()} == {"a", "b"}
