"""What the driver asks for each file: is it done, which pieces are there, how did it fail."""

from __future__ import annotations

import pytest

from liveseg.batch.manifest import Index, Manifest
from liveseg.batch.manifest.index import Found
from liveseg.batch.manifest.log import WorkerLog
from liveseg.batch.places.errors import StorageError


@pytest.fixture
def index():
    with Index() as index:
        yield index


def test_a_file_is_done_under_its_settings_and_in_its_version_only(index, a_record):
    index.add([a_record("a", settings="s")])
    assert index.find(a_record("a"), "s").done
    assert index.status(a_record("a"), settings="s") == "done"
    assert index.find(a_record("a"), "t") == Found()
    assert index.find(a_record("a", identifier="9" * 32), "s") == Found()
    assert index.status(a_record("b"), settings="s") is None


def test_settings_that_come_back_do_not_find_what_was_written_over(index, a_record):
    index.add([a_record("a", settings="s", finished=1.0), a_record("a", settings="t", finished=2.0)])
    assert not index.find(a_record("a"), "s").done
    assert index.find(a_record("a"), "t").done


def test_a_failure_says_how_often_and_how(index, a_record):
    index.add([a_record("a", status="failed", attempts=2, error_kind="timeout")])
    found = index.find(a_record("a"), "s")
    assert found.failed
    assert not found.done
    assert (found.whole.attempts, found.whole.error_kind) == (2, "timeout")


def test_the_pieces_of_a_video_until_it_is_joined(index, a_record):
    for n in (2, 0):
        index.add([a_record("v", kind="video", status="part", piece=n, pieces=3)])
    index.add([a_record("v", kind="video", status="failed", piece=1, pieces=3, error_kind="lost")])
    found = index.find(a_record("v"), "s")
    assert (found.pieces_there, found.count, found.failed, found.done) == ({0, 2}, 3, True, False)
    assert [index.status(a_record("v"), n, settings="s") for n in range(4)] == ["part", "failed", "part", None]
    index.add([a_record("v", kind="video", pieces=3, finished=2.0)])
    assert index.find(a_record("v"), "s").done
    assert index.parts(a_record("v"), "s") == frozenset()


def test_counts_and_kinds_of_failures_are_of_what_holds(index, a_record):
    index.add(a_record(f"{n}") for n in range(5))
    index.add([a_record("0", status="failed", error_kind="lost", finished=9.0)])
    index.add(a_record(f"x{n}", status="failed", error_kind=kind) for n, kind in enumerate(["lost", "lost", None]))
    index.add([a_record("y", settings="t")])
    assert index.counts() == {"done": 6, "failed": 3}
    assert index.counts("s") == {"done": 5, "failed": 3}
    assert index.failures() == {"lost": 2, "unknown": 1}
    assert index.failures("t") == {}


def test_what_workers_report_and_what_they_logged_are_one(memory_place, a_record):
    from dataclasses import replace

    place = memory_place(appends=True)
    reported = replace(a_record("a", status="failed"), finished=1700000000.1234567891)
    WorkerLog(place, "run", "w").append([reported])
    with Manifest(place).index() as index:
        index.add([reported])
        assert index.counts() == {"failed": 1}


def test_an_index_reads_on_where_the_manifest_is_compacted_meanwhile(memory_place, a_record, monkeypatch):
    place = memory_place(appends=True)
    WorkerLog(place, "one", "w").append([a_record("a")])
    Manifest(place).compact()
    fetch = place.fetch

    def compacted_first(name, to):
        monkeypatch.setattr(place, "fetch", fetch)
        WorkerLog(place, "two", "w").append([a_record("b")])
        Manifest(place).compact()
        return fetch(name, to)

    monkeypatch.setattr(place, "fetch", compacted_first)
    with Manifest(place).index() as index:
        assert index.counts() == {"done": 2}


def test_nothing_is_left_at_the_end_and_after_a_failure(memory_place, a_record, tmp_path, monkeypatch):
    place = memory_place(appends=True)
    with Manifest(place).index(tmp_path) as index:
        assert index.size > 0
    assert list(tmp_path.iterdir()) == []

    def broken(name):
        raise StorageError("503")

    WorkerLog(place, "one", "w").append([a_record("a")])
    monkeypatch.setattr(place, "read", broken)
    with pytest.raises(StorageError):
        Manifest(place).index(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_names_that_are_no_unicode_are_found(index, a_record):
    index.add([a_record("x\udcff")])
    assert index.find(a_record("x\udcff"), "s").done
    assert not index.find(a_record("x\udcfe"), "s").done


def test_what_was_made_at_any_time_is_told_from_what_only_failed(index, a_record):
    index.add([a_record("a", settings="old"), a_record("a", settings="new", status="failed", finished=2.0)])
    index.add([a_record("b", status="failed"), a_record("v", kind="video", status="part", piece=0, pieces=2)])
    assert [index.made(name) for name in ("a", "b", "v", "c")] == [True, False, False, False]
