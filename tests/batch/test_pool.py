"""Worker processes: real ones, which die in every way there is."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from liveseg.batch import attempts
from liveseg.batch.manifest import Manifest
from liveseg.batch.places import Place
from liveseg.batch.pool import LocalPool
from liveseg.batch.records import Item, Task
from liveseg.errors import LivesegError, MediaError, WeightsError
from liveseg.settings import BatchSettings

posix = pytest.mark.skipif(sys.platform == "win32", reason="kills by signals as POSIX has them")


@pytest.fixture
def batch(tmp_path, stand_in):
    """`batch(words, …)`: the tasks of files with these words, and a pool for them."""

    class Batch:
        out = tmp_path / "out"

        def tasks(self, words):
            return stand_in.tasks_of(tmp_path / "in", words)

        def pool(self, workers=1, make=None, **settings):
            chosen = BatchSettings(out=str(self.out), **settings)
            return LocalPool(chosen, "run", workers, make_replica=make or stand_in.StandIn)

        def logged(self):
            return list(Manifest(Place.at(self.out)).records())

    return Batch()


def gone(pid: int) -> bool:
    """Whether a process is no more, or only waits to be buried."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def wait_until(true, seconds=20.0):
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it did not come true"
        time.sleep(0.02)


def test_every_task_leads_to_a_record_that_was_logged_before(batch, stand_in):
    tasks = batch.tasks(["write", "bad", "write", "write", "write"])
    with batch.pool(2, make=stand_in.Light) as pool:
        assert pool.workers == 0
        told = list(pool.run(iter([tuple(tasks[:3]), tuple(tasks[3:])])))
        assert pool.workers == len(pool.processes) >= 1
        again = list(pool.run(iter([(tasks[0],)])))
    assert pool.processes == ()
    assert {record.name: record.status for record in told} == {
        "0000": "done", "0001": "failed", "0002": "done", "0003": "done", "0004": "done",
    }  # fmt: skip
    assert [record.name for record in again] == ["0000"]
    assert {record.name: record.status for record in batch.logged()} == {r.name: r.status for r in told}
    assert {path.stem for path in batch.out.glob("*.bin")} == {"0000", "0002", "0003", "0004"}
    about = set().union(*(record.areas for record in told))
    # Nothing heavy is imported by starting a worker, and temporary files lie where the pool removes them.
    assert not about & set(stand_in.HEAVY)
    folders = [Path(word.removeprefix("tmp ")) for word in about if word.startswith("tmp ")]
    assert folders
    assert not any(folder.exists() or folder == Path(tempfile.gettempdir()) for folder in folders)
    assert all(gone(int(word.removeprefix("pid "))) for word in about if word.startswith("pid "))


@posix
def test_what_kills_its_worker_fails_alone(batch):
    words = ["write", "kill", "write", "raise", "exit", "write", "lost", "write"]
    tasks = batch.tasks(words)
    with batch.pool(2, attempts=2) as pool:
        told = {record.name: record for record in pool.run(iter([tuple(tasks[:4]), tuple(tasks[4:])]))}
    kinds = {name: record.error_kind for name, record in told.items()}
    assert [kinds[task.item.name] for task in tasks] == [
        None, "lost", None, "defect", "lost", None, "lost", None,
    ]  # fmt: skip
    assert "SIGKILL" in told["0001"].error
    assert tasks[1].item.location in told["0001"].error
    assert "KeyError: 'surprise'" in told["0003"].error
    assert "exit code 7" in told["0004"].error
    assert "the device is lost" in told["0006"].error
    assert all(told[name].attempts == 2 for name in ("0001", "0003", "0004", "0006"))
    logged = {record.name: (record.status, record.error_kind) for record in batch.logged()}
    assert logged == {record.name: (record.status, record.error_kind) for record in told.values()}


@posix
def test_a_bundle_fellow_is_tried_once_more_even_where_one_attempt_is_all(batch):
    tasks = batch.tasks(["kill", "write"])
    with batch.pool(attempts=1) as pool:
        told = {record.name: record.status for record in pool.run(iter([tuple(tasks)]))}
    assert told == {"0000": "failed", "0001": "done"}


def test_what_takes_too_long_is_ended(batch):
    tasks = batch.tasks(["write", "hang", "write"])
    with batch.pool(attempts=1, timeout_each=1.0) as pool:
        told = {record.name: record for record in pool.run(iter([tuple(tasks)]))}
    assert {name: record.error_kind for name, record in told.items()} == {
        "0000": None, "0001": "timeout", "0002": None,
    }  # fmt: skip
    assert "--timeout-each" in told["0001"].error


def test_failures_that_may_pass_are_tried_again(batch, monkeypatch):
    monkeypatch.setitem(attempts._PAUSES, "storage", 0.01)
    tasks = batch.tasks(["full", "away", "bad"])
    with batch.pool() as pool:
        told = [(record.name, record.status, record.attempts) for record in pool.run(iter([tuple(tasks)]))]
    assert sorted(told) == [("0000", "done", 2), ("0001", "done", 2), ("0002", "failed", 1)]
    with batch.pool(attempts=1) as pool:
        told = [(record.name, record.status) for record in pool.run(iter([tuple(tasks)]))]
    assert sorted(told) == [("0000", "failed"), ("0001", "failed"), ("0002", "failed")]


@posix
def test_a_worker_killed_from_outside_is_replaced_and_nothing_is_lost(batch):
    tasks = batch.tasks(["sleep 0.05"] * 24)
    killed = []
    with batch.pool(2) as pool:
        told = []
        for record in pool.run(iter([tuple(tasks[at : at + 3]) for at in range(0, 24, 3)])):
            told.append(record.name)
            if len(told) in (3, 12):
                killed.append(pool.processes[0])
                os.kill(killed[-1], signal.SIGKILL)
    assert sorted(told) == [task.item.name for task in tasks]
    assert len(killed) == 2
    assert Counter(record.status for record in batch.logged()) == {"done": 24}


@pytest.mark.parametrize(
    ("make", "kind", "words"),
    [
        ("NoModel", WeightsError, "these weights are of another network"),
        ("NoPicture", MediaError, "nothing can be read here"),
        ("Broken", LivesegError, "could not start: ZeroDivisionError"),
        ("Stillborn", LivesegError, "3 workers in a row died before they were ready, the last one ended with exit c"),
    ],
)
def test_a_worker_that_cannot_work_ends_the_run(batch, stand_in, make, kind, words):
    tasks = batch.tasks(["write"] * 4)
    with pytest.raises(kind, match=words), batch.pool(1, make=getattr(stand_in, make)) as pool:
        list(pool.run((task,) for task in tasks))
    assert pool.processes == ()


def test_a_task_without_an_answer_is_a_defect(batch, stand_in):
    (task,) = batch.tasks(["write"])
    with batch.pool(make=stand_in.Forgetful) as pool:
        (record,) = pool.run(iter([(task,)]))
    assert (record.status, record.error_kind) == ("failed", "defect")


def test_bundles_are_drawn_only_a_few_ahead_and_leaving_ends_the_workers(batch):
    (task,) = batch.tasks(["write"])
    drawn = itertools.count()
    bundles = ((Task(Item(location=task.item.location, name=str(next(drawn)), kind="image")),) for _ in iter(int, 1))
    pool = batch.pool(2)
    told = pool.run(bundles)
    for _ in range(10):
        next(told)
    # Two at hand and one drawn for each worker, and one that is being drawn.
    assert next(drawn) <= 10 + 2 * 3 + 1
    pids = pool.processes
    assert pids
    told.close()
    assert pool.processes == ()
    assert all(map(gone, pids))


def test_what_the_bundles_raise_is_raised(batch):
    tasks = batch.tasks(["write"])

    def bundles():
        yield (tasks[0],)
        raise MediaError("the list cannot be read")

    with pytest.raises(MediaError, match="the list cannot be read"), batch.pool() as pool:
        list(pool.run(bundles()))


def test_workers_are_heard_while_the_next_bundle_takes_its_time(batch):
    tasks = batch.tasks(["write", "write"])
    heard = threading.Event()

    def bundles():
        yield (tasks[0],)
        assert heard.wait(20)
        yield (tasks[1],)

    told = []
    with batch.pool() as pool:
        for record in pool.run(bundles()):
            told.append(record.name)
            heard.set()
    assert told == ["0000", "0001"]


def test_no_video_waits_behind_another_while_a_worker_could_be_had(batch):
    images = batch.tasks(["sleep 1.0", "write", "write"])
    videos = [Task(Item(location=task.item.location, name=task.item.name, kind="video")) for task in images]
    with batch.pool(2) as pool:
        told = [(record.name, record.worker) for record in pool.run((task,) for task in videos)]
    others = {worker for name, worker in told if name != "0000"}
    assert told[-1][0] == "0000"
    assert told[-1][1] not in others


def test_stop_finishes_what_is_under_way_and_nothing_else(batch):
    tasks = batch.tasks(["sleep 0.3"] * 30)
    with batch.pool(2) as pool:
        told = []
        for record in pool.run((task,) for task in tasks):
            told.append(record.name)
            pool.stop()
            pool.stop()
        assert list(pool.run(iter([(tasks[-1],)]))) == []
    # When the first record is heard, each worker may have ended another one, and has one under way.
    assert 1 <= len(told) <= 5
    assert sorted(record.name for record in batch.logged()) == sorted(told)


DRIVER = """
import sys
sys.path.insert(0, sys.argv[1])
import stand_in
from pathlib import Path
from liveseg.batch.pool import LocalPool
from liveseg.settings import BatchSettings

if __name__ == "__main__":
    tasks = stand_in.tasks_of(Path(sys.argv[2]), ["write", "hang", "hang"])
    with LocalPool(BatchSettings(out=sys.argv[3]), "run", 2, make_replica=stand_in.Light) as pool:
        for record in pool.run((task,) for task in tasks):
            print(*pool.processes, *[w.split()[1] for w in record.areas if w.startswith("tmp")], flush=True)
"""


@posix
def test_workers_end_with_their_driver_and_leave_no_temporary_files(batch, tmp_path):
    script = tmp_path / "driver.py"
    script.write_text(DRIVER, encoding="utf-8")
    command = [sys.executable, str(script), str(Path(__file__).parent), str(tmp_path / "in"), str(batch.out)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as driver:
        *pids, folder = driver.stdout.readline().split()
        assert pids
        assert Path(folder).is_dir()
        time.sleep(0.3)  # both are at tasks that do not end
        driver.kill()
    wait_until(lambda: all(gone(int(pid)) for pid in pids))
    wait_until(lambda: not Path(folder).parent.exists())
