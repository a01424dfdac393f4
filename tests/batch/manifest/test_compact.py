"""Logs become Parquet files; cut off at each call in turn, before and after its effect, nothing is lost or doubled."""

from __future__ import annotations

from itertools import count

import pytest

from liveseg.batch.manifest import LostLockError, Manifest, tables
from liveseg.batch.manifest.compact import compact
from liveseg.batch.manifest.contents import Contents, contents, publish
from liveseg.batch.manifest.log import WorkerLog


def fill(place, a_record):
    """Two runs: one that is in the tables already, and a newer one, which changes some of it, in its logs."""
    with WorkerLog(place, "one", "w1") as log:
        log.append([a_record(f"f{n}", finished=1.0) for n in range(6)])
        log.append([a_record("bad", status="failed", error="torn file", error_kind="unreadable", finished=1.0)])
    Manifest(place).compact()
    for worker in ("w1", "w2"):
        log = WorkerLog(place, "two", worker)
        log.append([a_record("bad", finished=2.0), a_record("f3", identifier="3" * 32, finished=2.0)])
        log.append([a_record(f"{worker}-{n}", finished=2.0) for n in range(3)])


@pytest.fixture
def small_tables(monkeypatch):
    monkeypatch.setattr(tables, "BATCH_ROWS", 1)
    monkeypatch.setattr(tables, "GROUP_ROWS", 2)
    monkeypatch.setattr(tables, "FILE_ROWS", 4)


def state_folder(place, folder):
    return sorted(name for name in place.files if name.startswith(f"_liveseg/{folder}/"))


@pytest.mark.parametrize("appends", [True, False])
@pytest.mark.parametrize("when", ["before", "after"])
def test_cut_off_at_each_call_nothing_is_lost_and_nothing_counts_twice(
    memory_place, killed, a_record, small_tables, appends, when
):
    filled = memory_place(appends=appends)
    fill(filled, a_record)
    expected = list(Manifest(filled).records())
    for at in count():
        place = memory_place(appends=appends)
        place.files = dict(filled.files)
        place.cut = (place.calls + at, when)
        try:
            compact(place, lambda: None)
            finished = True
        except killed:
            finished = False
        place.cut = None
        assert list(Manifest(place).records()) == expected
        with Manifest(place).index() as index:
            assert index.counts() == {"done": 13}
        compact(place, lambda: None)
        assert list(Manifest(place).records()) == expected
        assert state_folder(place, "logs") == []
        now = contents(place)
        assert state_folder(place, "lists") == [now.name]
        assert state_folder(place, "manifest") == sorted(table.file for table in now.tables)
        if finished:
            break
    assert at > 20, "it was never cut off"
    assert len(expected) == 13


def test_tables_are_sorted_do_not_overlap_and_large_ones_that_nothing_falls_into_stay(
    memory_place, a_record, small_tables
):
    place = memory_place(appends=True)
    WorkerLog(place, "one", "w").append([a_record(f"m{n:02}") for n in range(12)])
    compact(place, lambda: None)
    first = contents(place)
    assert [table.rows for table in first.tables] == [4, 4, 4]
    assert [(table.first, table.last) for table in first.tables] == [("m00", "m03"), ("m04", "m07"), ("m08", "m11")]
    WorkerLog(place, "two", "w").append([a_record("a"), a_record("m05x"), a_record("z")])
    compact(place, lambda: None)
    second = contents(place)
    assert [table.first for table in second.tables] == sorted(table.first for table in second.tables)
    assert first.tables[0] in second.tables
    assert first.tables[1] not in second.tables
    assert first.tables[2] in second.tables
    assert [r.name for r in Manifest(place).records()] == sorted([*(f"m{n:02}" for n in range(12)), "a", "m05x", "z"])


def test_a_log_that_goes_on_growing_is_left_for_the_next_time(memory_place, a_record):
    place = memory_place(appends=True)
    log = WorkerLog(place, "one", "w")
    log.append([a_record("a")])
    # The worker writes once more while the tables are written, as one that was cut off from its driver may.
    compact(place, lambda: log.append([a_record("b")]) if state_folder(place, "lists") else None)
    assert len(state_folder(place, "logs")) == 1
    assert [record.name for record in Manifest(place).records()] == ["a", "b"]
    compact(place, lambda: None)
    assert state_folder(place, "logs") == []
    assert [record.name for record in Manifest(place).records()] == ["a", "b"]


def test_of_two_compactions_at_once_one_gives_way_and_nothing_is_lost(memory_place, a_record):
    place = memory_place(appends=False)
    WorkerLog(place, "one", "w").append([a_record("a")])

    def other_is_quicker():
        if not state_folder(place, "lists"):
            compact(place, lambda: None)
            WorkerLog(place, "two", "w").append([a_record("b")])
            compact(place, lambda: None)

    with pytest.raises(LostLockError, match="taken over"):
        compact(place, other_is_quicker)
    assert [record.name for record in Manifest(place).records()] == ["a", "b"]


@pytest.mark.parametrize("appends", [True, False])
def test_a_list_does_not_take_the_place_of_another_that_came_first(memory_place, appends):
    place = memory_place(appends=appends)
    first, second = (Contents().after((), by) for by in ("first", "second"))
    assert publish(place, first)
    assert publish(place, first), "a request that is sent again is the same one"
    assert not publish(place, second)
    assert contents(place) == first


def test_a_run_that_lost_its_lock_commits_no_tables(memory_place, a_record):
    place = memory_place(appends=True)
    WorkerLog(place, "one", "w").append([a_record("a")])
    manifest = Manifest(place)
    with manifest.lock("first", seconds=3600) as lock:
        place.files["_liveseg/lock/000002.json"] = place.files["_liveseg/lock/000001.json"]
        with pytest.raises(LostLockError, match=r"was taken over by first \(process \d+ on .*start this one again"):
            manifest.compact()
        assert lock.lost
    assert contents(place).generation == 0
    assert [record.name for record in Manifest(place).records()] == ["a"]


def test_lines_that_cannot_be_read_are_counted_and_go(memory_place, a_record):
    place = memory_place(appends=True)
    place.files["_liveseg/logs/one/w/000000.jsonl"] = b'{"v":1,"ident'
    manifest = Manifest(place)
    assert list(manifest.records()) == []
    assert manifest.damaged == 1
    assert (manifest.compact().damaged, manifest.compact().logs) == (1, 0)
    assert contents(place).generation == 0
