"""The table of areas while it grows: whole lines, of several sources at once."""

from __future__ import annotations

import csv
import json
import threading
from datetime import UTC, datetime
from fractions import Fraction

import pytest

from liveseg.errors import OutputExistsError, SinkError, UsageError
from liveseg.events.area_file import COLUMNS, AreaFile
from liveseg.events.lines import EventLines, LineFile
from liveseg.exports.areas import Area

BOTH = {None: [Area(0, "background", 75, 0.75), Area(15, "person", 25, 0.25)], "door": [Area(15, "person", 4, 1.0)]}


def test_each_row_of_csv_is_a_class_of_a_frame_in_the_picture_or_a_zone(tmp_path):
    table = AreaFile(tmp_path / "new" / "a.csv")
    arrived = datetime(2026, 3, 1, 14, 3, 7, 250_999, UTC)
    table.add('my, "own" film.mp4', 4, Fraction(1, 8), None, BOTH)
    table.add("camera 0", 5, Fraction(1, 4), arrived, {None: BOTH[None][:1]})
    table.add("picture.jpg", 0, None, None, {None: BOTH[None][:1]})
    # It can be read before it is closed.
    with (tmp_path / "new" / "a.csv").open(encoding="utf-8", newline="") as file:
        first, *rows = csv.reader(file)
    table.close()
    assert tuple(first) == COLUMNS
    assert rows == [
        ['my, "own" film.mp4', "4", "0.125", "", "", "0", "background", "75", "0.75"],
        ['my, "own" film.mp4', "4", "0.125", "", "", "15", "person", "25", "0.25"],
        ['my, "own" film.mp4', "4", "0.125", "", "door", "15", "person", "4", "1.0"],
        ["camera 0", "5", "0.25", "2026-03-01T14:03:07.250Z", "", "0", "background", "75", "0.75"],
        ["picture.jpg", "0", "", "", "", "0", "background", "75", "0.75"],
    ]


def test_json_lines_hold_the_same(tmp_path):
    table = AreaFile(tmp_path / "a.jsonl")
    table.add("film.mp4", 4, Fraction(1, 8), None, BOTH)
    table.close()
    rows = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text(encoding="utf-8").splitlines()]
    assert tuple(rows[0]) == COLUMNS
    assert rows[2] == {
        "source": "film.mp4", "frame": 4, "timestamp": 0.125, "time": None, "zone": "door", "class_index": 15,
        "class": "person", "pixels": 4, "share": 1.0,
    }  # fmt: skip


def test_several_threads_add_whole_frames(tmp_path):
    table = AreaFile(tmp_path / "a.csv")

    def work(source):
        for frame in range(100):
            table.add(source, frame, Fraction(frame), None, BOTH)

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    table.close()
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4 * 100 * 3
    together = [tuple((row["source"], row["frame"]) for row in rows[place : place + 3]) for place in range(0, 1200, 3)]
    assert all(len(set(frame)) == 1 for frame in together)


def test_a_table_that_exists_is_kept_or_replaced_as_asked(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("mine\n", encoding="utf-8")
    with pytest.raises(OutputExistsError, match="--overwrite"):
        AreaFile(path)
    assert path.read_text(encoding="utf-8") == "mine\n"
    table = AreaFile(path, overwrite=True)
    table.add("film.mp4", 0, Fraction(0), None, {None: BOTH[None][:1]})
    table.close()
    assert path.read_text(encoding="utf-8").splitlines()[1:] == ["film.mp4,0,0.0,,,0,background,75,0.75"]


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_a_table_without_a_row_is_not_left_in_the_way_of_the_next_run(tmp_path, name):
    table = AreaFile(tmp_path / name)
    assert (tmp_path / name).exists()
    table.close()
    table.close()
    assert list(tmp_path.iterdir()) == []


def test_a_table_that_is_to_be_replaced_stays_until_there_is_a_row(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("mine\n", encoding="utf-8")
    table = AreaFile(path, overwrite=True)
    table.close()
    assert path.read_text(encoding="utf-8") == "mine\n"


def test_of_lines_that_do_not_fit_on_the_disk_nothing_stays_and_closing_is_no_failure(tmp_path):
    resource = pytest.importorskip("resource", reason="file sizes are limited on POSIX only")
    path = tmp_path / "a.jsonl"
    lines = LineFile(path)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        lines.add("whole" * 12 + "\n")
        with pytest.raises(SinkError, match="larger than"):
            lines.add("broken" * 12 + "\n")
        lines.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.read_text(encoding="utf-8") == "whole" * 12 + "\n"


def test_another_kind_of_file_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"\.csv or \.jsonl"):
        AreaFile(tmp_path / "a.xlsx")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written_is_told_by_name(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(SinkError, match=r"a\.csv"):
        AreaFile(tmp_path / "file" / "a.csv")
    lines = LineFile(tmp_path / "a.txt")
    lines.close()
    with pytest.raises(SinkError, match="closed already"):
        lines.add("x\n")


def test_events_are_added_to_those_that_are_there(tmp_path, event_of):
    path = tmp_path / "events.jsonl"
    for number in range(2):
        lines = EventLines(path)
        lines.take(event_of(number))
        lines.close()
        assert lines.notes == []
    assert [json.loads(line)["frame"] for line in path.read_text(encoding="utf-8").splitlines()] == [0, 1]


def test_events_are_not_added_to_a_file_of_another_kind(tmp_path):
    path = tmp_path / "film.mp4"
    path.write_bytes(b"\0\0\0\x20ftypisom")
    with pytest.raises(UsageError, match=r"film\.mp4 is not"):
        EventLines(path)
    assert path.read_bytes() == b"\0\0\0\x20ftypisom"


def test_events_that_cannot_be_written_are_counted_and_told_once(tmp_path, event_of):
    lines = EventLines(tmp_path / "events.jsonl")
    lines._lines.close()
    for number in range(3):
        lines.take(event_of(number))
    lines.close()
    lines.close()
    assert len(lines.notes) == 1
    assert lines.notes[0].startswith("3 events are missing in ")


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_a_table_is_gone_on_with_where_each_source_was(tmp_path, name):
    def some(table, *frames):
        for source, frame in frames:
            table.add(source, frame, Fraction(frame, 5), None, BOTH)
        table.close()

    whole, cut = AreaFile(tmp_path / f"whole_{name}"), AreaFile(tmp_path / name)
    every = [("one.mp4", 0), ("one.mp4", 1), ("one.mp4", 2), ("two.mp4", 0), ("two.mp4", 1)]
    some(whole, *every)
    some(cut, *every[:2])
    with (tmp_path / name).open("ab") as file:
        file.write(b"one.mp4,2,0.4")  # of a run that was killed
    some(AreaFile(tmp_path / name, resume=True), *every)
    assert (tmp_path / name).read_bytes() == (tmp_path / f"whole_{name}").read_bytes()


def test_frames_of_a_live_source_are_new_ones_whatever_their_number(tmp_path):
    arrived = datetime(2026, 3, 1, tzinfo=UTC)
    for resume in (False, True):
        table = AreaFile(tmp_path / "a.csv", resume=resume)
        table.add("camera 0", 0, Fraction(0), arrived, {None: BOTH[None][:1]})
        table.close()
    assert len((tmp_path / "a.csv").read_text(encoding="utf-8").splitlines()) == 3


def test_what_is_no_table_is_not_gone_on_with(tmp_path):
    for name, text in {"a.csv": "name,age\nA,3\n", "a.jsonl": '{"event": "began"}\n', "b.jsonl": "words\nmore"}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        with pytest.raises(UsageError, match="which .*" + name):
            AreaFile(tmp_path / name, resume=True)
        assert (tmp_path / name).read_text(encoding="utf-8") == text


def test_an_empty_table_and_none_are_begun(tmp_path):
    (tmp_path / "empty.csv").write_bytes(b"")
    (tmp_path / "head.csv").write_text(",".join(COLUMNS) + "\n", encoding="utf-8")
    for name in ("empty.csv", "head.csv", "new.csv"):
        table = AreaFile(tmp_path / name, resume=True)
        table.add("film.mp4", 0, Fraction(0), None, {None: BOTH[None][:1]})
        table.close()
        head, row = (tmp_path / name).read_text(encoding="utf-8").splitlines()
        assert (head, row.split(",")[0]) == (",".join(COLUMNS), "film.mp4")
