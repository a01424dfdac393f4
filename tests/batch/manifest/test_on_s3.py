"""The same on a real S3 server: conditional creation, objects instead of appends, and a store that fails at times."""

from __future__ import annotations

import threading

import pytest

from liveseg.batch.manifest import DestinationBusyError, Lock, Manifest
from liveseg.batch.manifest import log as log_module
from liveseg.batch.places import Patience, Place

SOON = Patience(shortest=0.02, longest=0.1, total=60.0)


def place_on(s3):
    return Place.at(f"{s3.bucket()}/results", s3.options, patience=SOON)


def test_a_run_on_a_store_leaves_one_table_and_one_list(s3, a_record, monkeypatch):
    monkeypatch.setattr(log_module, "ROLLED_APPENDS", 3)
    place = place_on(s3)
    manifest = Manifest(place)
    with manifest.lock("run-1"):
        for worker in ("a", "b"):
            with manifest.log("run-1", worker) as log:
                for n in range(4):
                    log.append([a_record(f"{worker}{n}"), a_record("bad", status="failed", error_kind="lost")])
        assert len(list(place.names("_liveseg/logs"))) == 4
        before = list(manifest.records())
        assert [record.name for record in before] == ["a0", "a1", "a2", "a3", "b0", "b1", "b2", "b3", "bad"]
        manifest.compact()
    assert list(manifest.records()) == before
    with manifest.index() as index:
        assert index.counts() == {"done": 8, "failed": 1}
    kinds = sorted(name.split("/")[1] for name, _ in place.names("_liveseg"))
    assert kinds == ["lists", "lock", "manifest"]


def test_answers_that_are_lost_and_a_store_that_asks_for_patience_change_nothing(faulty_s3, a_record):
    place = place_on(faulty_s3)
    manifest = Manifest(place)
    faults = [
        faulty_s3.faults.fail("lost", method="PUT", match=folder) for folder in ("/lock/", "/logs/", "/lists/")
    ] + [
        faulty_s3.faults.fail("status", method="GET", match="/logs/"),
        faulty_s3.faults.fail("truncate", method="GET", match="/manifest/.*parquet"),
        faulty_s3.faults.fail("status", match="list-type.*lists", times=2),
    ]
    with manifest.lock("run-1") as lock:
        with manifest.log("run-1", "w") as log:
            log.append([a_record("a")])
            log.append([a_record("b")])
        manifest.compact()
        lock.check()
    assert [record.name for record in manifest.records()] == ["a", "b"]
    assert [fault.hits for fault in faults] == [1, 1, 1, 1, 1, 2]


def test_of_two_runs_that_begin_at_once_one_holds_the_store(s3):
    place = place_on(s3)
    held, refused = [], []
    met = threading.Barrier(3)

    def run(n):
        try:
            with Lock(place, f"run-{n}", seconds=12, host=f"host-{n}") as lock:
                held.append(n)
                met.wait(120)
                lock.check()
        except DestinationBusyError as error:
            refused.append(str(error))
            met.wait(120)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(held), len(refused)) == (1, 2)
    assert all(f"is being written by run-{held[0]} " in message for message in refused)
    with pytest.raises(DestinationBusyError), Lock(place, "first"):
        Lock(place, "second").__enter__()
