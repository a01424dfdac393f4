"""The same on a real disk, with real processes that are killed, paused and started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from contextlib import contextmanager

import pytest

from liveseg.batch.manifest import DestinationBusyError, Lock, Manifest
from liveseg.batch.manifest import holder as holder_module
from liveseg.batch.places import Place

PRELUDE = """
import sys, time
from liveseg.batch.manifest import Lock, LostLockError, Manifest
from liveseg.batch.places import Place
from liveseg.batch.records import Record
place = Place.at(sys.argv[1])
manifest = Manifest(place)
def record(n):
    return Record(identifier=f"{n:032x}", name=f"f{n:06}", location=f"/in/f{n}", kind="image", status="done",
                  outputs=(f"f{n:06}_mask.png",), finished=time.time())
"""


@contextmanager
def process(code, *arguments):
    """A Python process that ends with the block at the latest."""
    command = [sys.executable, "-u", "-c", PRELUDE + textwrap.dedent(code), *map(str, arguments)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        try:
            yield running
        finally:
            running.kill()


def test_what_a_killed_worker_was_told_to_be_kept_is_kept_and_its_log_is_never_written_by_another(tmp_path):
    place = Place.at(tmp_path)
    last = []
    for start in (0, 100_000):
        code = """
        log = manifest.log("run", "worker")
        for n in range(int(sys.argv[2]), 10**9):
            log.append([record(n)])
            print(n)
        """
        with process(code, tmp_path, start) as worker:
            for line in worker.stdout:
                if int(line) >= start + 300:
                    break
            worker.kill()
            # What it had said before it died, all of it was written first.
            said = [line for line in (line, *worker.stdout) if line.endswith("\n")]
        last.append(int(said[-1]))
    names = [record.name for record in Manifest(place).records()]
    expected = {f"f{n:06}" for start, end in zip((0, 100_000), last, strict=True) for n in range(start, end + 1)}
    assert expected <= set(names)
    assert len(names) == len(set(names)) <= len(expected) + 2
    assert len({name.split("/")[3] for name, _ in place.names("_liveseg/logs")}) == 2
    Manifest(place).compact()
    assert [record.name for record in Manifest(place).records()] == names
    assert not list((tmp_path / "_liveseg" / "logs").rglob("*")), "logs or their empty folders are left"


def test_a_compaction_that_is_killed_at_any_moment_loses_nothing(tmp_path, a_record):
    place = Place.at(tmp_path)
    with Manifest(place).log("run", "w") as log:
        log.append([a_record(f"f{n:03}") for n in range(400)])
    # Each life adds a log and compacts, over and over; the deaths come at other moments each time.
    for life in range(3):
        code = """
        for n in range(10**9):
            manifest.log("run", "w").append([record(int(sys.argv[2]) + n)])
            manifest.compact()
            print(n)
        """
        with process(code, tmp_path, (life + 1) * 100_000) as running:
            for line in running.stdout:
                if int(line) >= 2 + life:
                    break
            running.kill()
            said = int([line for line in (line, *running.stdout) if line.endswith("\n")][-1])
        names = {record.name for record in Manifest(place).records()}
        assert {f"f{n:03}" for n in range(400)} <= names
        assert {f"f{(life + 1) * 100_000 + n:06}" for n in range(said + 1)} <= names
    before = list(Manifest(place).records())
    Manifest(place).compact()
    assert list(Manifest(place).records()) == before
    assert [len(list((tmp_path / "_liveseg" / folder).iterdir())) for folder in ("lists", "manifest")] == [1, 1]


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="Windows cannot stop a process")
def test_a_run_that_was_stopped_ends_with_a_clear_error_when_another_has_taken_over(tmp_path, monkeypatch):
    code = """
    try:
        with manifest.lock("sleeper", seconds=1.0):
            manifest.log("run", "w").append([record(1)])
            print("held")
            sys.stdin.readline()
            manifest.compact()
    except LostLockError as error:
        print(error)
    """
    place = Place.at(tmp_path)
    with process(code, tmp_path) as sleeper:
        assert sleeper.stdout.readline() == "held\n"
        with pytest.raises(DestinationBusyError, match=rf"sleeper \(process {sleeper.pid} on "):
            Lock(place, "other").__enter__()
        os.kill(sleeper.pid, signal.SIGSTOP)
        # On its own machine a stopped process still counts as alive; another machine hears nothing of it.
        monkeypatch.setattr(holder_module.platform, "node", lambda: "another-machine")
        with Lock(place, "other", seconds=3600) as other:
            os.kill(sleeper.pid, signal.SIGCONT)
            sleeper.stdin.write("\n")
            sleeper.stdin.flush()
            said = sleeper.stdout.read()
            assert "was taken over by other (process " in said
            assert "on another-machine" in said
            other.check()
            assert [record.name for record in Manifest(place).records()] == ["f000001"]
        assert sleeper.wait(60) == 0


def test_a_driver_that_was_killed_is_replaced_at_once(tmp_path):
    with process("manifest.lock('first').__enter__(); print('held'); sys.stdin.read()", tmp_path) as first:
        assert first.stdout.readline() == "held\n"
        with pytest.raises(DestinationBusyError):
            Lock(Place.at(tmp_path), "second").__enter__()
        first.kill()
        first.wait(60)
        said = []
        with Lock(Place.at(tmp_path), "second", notice=said.append):
            assert len(said) == 1
            assert said[0].startswith(f"going on after first (process {first.pid} on ")


def test_pandas_takes_the_folder_as_one_table(tmp_path, a_record, monkeypatch):
    import pandas as pd

    from liveseg.batch.manifest import tables

    for name in ("BATCH_ROWS", "GROUP_ROWS", "FILE_ROWS"):
        monkeypatch.setattr(tables, name, 2)
    manifest = Manifest(Place.at(tmp_path))
    with manifest.log("run", "w") as log:
        log.append([a_record(f"f{n}", kind=("image", "video")[n // 4]) for n in range(6)])
    manifest.compact()
    table = pd.read_parquet(tmp_path / "_liveseg" / "manifest")
    assert len(list((tmp_path / "_liveseg" / "manifest").iterdir())) == 3
    assert list(table["name"]) == [f"f{n}" for n in range(6)]
    assert list(table["kind"]) == ["image"] * 4 + ["video"] * 2
