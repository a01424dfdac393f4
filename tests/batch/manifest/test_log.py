"""Each worker writes to files of its own, and what was appended is there whatever becomes of it."""

from __future__ import annotations

import pickle

import pytest

from liveseg.batch.manifest import Manifest
from liveseg.batch.manifest import log as log_module
from liveseg.batch.manifest.log import WorkerLog, logs
from liveseg.batch.places.errors import StorageError


def names(place):
    return sorted(name for name in place.files if name.startswith("_liveseg/logs/"))


def test_a_worker_that_is_started_again_writes_elsewhere(memory_place, a_record):
    place = memory_place(appends=True)
    for _ in range(2):
        WorkerLog(place, "run", "node 1/gpu:0").append([a_record("a")])
    assert len(names(place)) == 2
    assert all(name.startswith("_liveseg/logs/run/node=201=2Fgpu=3A0-") for name in names(place))


def test_on_disks_an_append_is_one_write_and_a_large_log_goes_on_in_a_new_file(memory_place, a_record, monkeypatch):
    place = memory_place(appends=True)
    monkeypatch.setattr(log_module, "FILE_BYTES", 500)
    log = WorkerLog(place, "run", "w")
    for n in range(4):
        log.append([a_record(f"{n}a"), a_record(f"{n}b")])
    log.append([])
    assert place.counts["append"] == 4
    assert len(names(place)) > 1
    assert sum(data.count(b"\n") for data in place.files.values()) == 8
    assert all(len(data) <= 500 for data in place.files.values())


def test_after_an_append_that_failed_nothing_follows_the_torn_line(memory_place, a_record, monkeypatch):
    place = memory_place(appends=True)
    log = WorkerLog(place, "run", "w")
    log.append([a_record("a")])

    def full(data, name):
        place.files[name] += data[: len(data) // 2]
        raise StorageError("no space left")

    with monkeypatch.context() as patched:
        patched.setattr(place, "append", full)
        with pytest.raises(StorageError):
            log.append([a_record("b")])
    log.append([a_record("b")])
    manifest = Manifest(place)
    assert [record.name for record in manifest.records()] == ["a", "b"]
    assert manifest.damaged == 1


def test_objects_are_put_together_so_that_few_are_left(memory_place, a_record, monkeypatch):
    monkeypatch.setattr(log_module, "ROLLED_APPENDS", 4)
    place = memory_place(appends=False)
    with WorkerLog(place, "run", "w") as log:
        for n in range(10):
            log.append([a_record(f"{n}")])
        assert [name.rpartition("/")[2] for name in names(place)] == [
            "000000-000003.jsonl",
            "000004-000007.jsonl",
            "000008.jsonl",
            "000009.jsonl",
        ]
    assert [name.rpartition("/")[2] for name in names(place)][2:] == ["000008-000009.jsonl"]
    assert [record.name for record in Manifest(place).records()] == [f"{n}" for n in range(10)]


def test_an_object_whose_put_seemed_to_fail_is_not_written_over(memory_place, a_record, monkeypatch):
    place = memory_place(appends=False)
    log = WorkerLog(place, "run", "w")
    put = place.commit_bytes

    def answer_is_lost(data, name):
        put(data, name)
        raise StorageError("connection reset")

    with monkeypatch.context() as patched:
        patched.setattr(place, "commit_bytes", answer_is_lost)
        with pytest.raises(StorageError):
            log.append([a_record("a")])
    log.append([a_record("b")])
    assert [record.name for record in Manifest(place).records()] == ["a", "b"]


def test_a_reader_finds_what_a_worker_put_together_meanwhile(memory_place, a_record, monkeypatch):
    monkeypatch.setattr(log_module, "ROLLED_APPENDS", 100)
    place = memory_place(appends=False)
    log = WorkerLog(place, "run", "w")
    for n in range(40):
        log.append([a_record(f"{n}")])
    reading = logs(place)
    got = [next(reading)]
    log.close()
    got += reading
    assert sum(data.count(b"\n") for _, data in got) >= 40
    assert {line for _, data in got for line in data.splitlines()} == set(
        b"".join(place.files[name] for name in names(place)).splitlines()
    )


def test_a_manifest_travels_to_a_worker_without_its_lock(memory_place, monkeypatch):
    # What is pickled is the place alone; this one stands in for it.
    manifest = Manifest("a place")
    manifest.lock("driver")
    again = pickle.loads(pickle.dumps(manifest))  # noqa: S301 - made here
    assert (again.place, again._lock) == ("a place", None)
