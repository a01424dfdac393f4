"""The Parquet files: what other tools see in them, and that they give back what was put in."""

from __future__ import annotations

import io
import json
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveseg.batch.manifest import Manifest, ManifestError, tables
from liveseg.batch.manifest.contents import contents
from liveseg.batch.manifest.log import WorkerLog
from liveseg.batch.manifest.tables import escaped, unescaped
from liveseg.batch.records import Record


@given(st.text(st.characters(codec=None)))
def test_any_name_becomes_valid_unicode_and_back(text):
    assert unescaped(escaped(text)) == text
    escaped(text).encode("utf-8")


def test_ordinary_names_stay_as_they_are():
    assert escaped("a/Ärger 2/猫.jpg") == "a/Ärger 2/猫.jpg"
    assert escaped("a\nb") == "a\nb"
    assert escaped("x\udcff") == "x\0dcff"


@pytest.fixture
def compacted(memory_place, a_record):
    """A destination with one of each kind in its tables."""
    full = a_record(
        "full",
        kind="video",
        version="etag",
        pieces=2,
        attempts=2,
        outputs=("full.mp4", "full_mask.nut"),
        bytes_in=1 << 40,
        bytes_out=2,
        frames=3,
        pixels=1 << 41,
        seconds={"decode": 0.25, "total": 1.0},
        areas={"cat": 1 << 41, "dog": 0},
        model="lite",
        worker="w1",
        finished=1700000000.123457,
    )
    place = memory_place(appends=True)
    failed = a_record("bad\udcff", status="failed", error="cut short", error_kind="unreadable")
    WorkerLog(place, "run", "w").append([full, failed, a_record("old", settings="r"), a_record("old", finished=2.0)])
    Manifest(place).compact()
    return place, full, failed


def test_records_come_back_as_they_were(compacted, a_record):
    place, full, failed = compacted
    got = {record.name: record for record in Manifest(place).records()}
    assert got == {"full": full, failed.name: failed, "old": a_record("old", finished=2.0)}
    assert list(Manifest(place).records(status="failed")) == [failed]
    assert all(type(value) is float for value in got["full"].seconds.values())


def test_there_is_a_column_for_each_field(compacted):
    assert sorted(tables.schema().names) == sorted([*(own.name for own in fields(Record)), "latest"])


def test_pandas_reads_them(compacted):
    import pandas as pd

    place, full, _ = compacted
    (table,) = contents(place).tables
    frame = pd.read_parquet(io.BytesIO(place.files[table.file]))
    assert list(frame["name"]) == ["bad\0dcff", "full", "old", "old"]
    assert sorted(zip(frame["name"], frame["settings"], frame["latest"], strict=True))[2:] == [
        ("old", "r", False),
        ("old", "s", True),
    ]
    now = frame[frame["latest"]].set_index("name")
    assert str(now["status"].dtype) == "category"
    assert now.loc["old", "settings"] == "s"
    assert now.loc["full", "finished"] == pd.Timestamp(full.finished, unit="s", tz="UTC").round("us")
    assert dict(now.loc["full", "areas"]) == full.areas
    assert list(now.loc["full", "outputs"]) == list(full.outputs)
    assert now["piece"].isna().all()


def test_the_list_says_what_is_in_each_file(compacted):
    place, _, _ = compacted
    (name,) = [name for name in place.files if name.endswith("lists/000001.json")]
    told = json.loads(place.files[name])
    (table,) = told["tables"]
    assert told["format"] == 1
    assert (table["rows"], table["first"], table["last"]) == (4, "bad\udcff", "old")
    assert table["bytes"] == len(place.files[table["file"]])


def test_a_damaged_list_or_table_is_named(compacted):
    place, _, _ = compacted
    (table,) = contents(place).tables
    whole = place.files[table.file]
    place.files[table.file] = whole[:100]
    with pytest.raises(ManifestError, match=r"memory://destination/_liveseg/manifest/000001-.*parquet is damaged"):
        list(Manifest(place).records())
    place.files[contents(place).name] = b"{"
    with pytest.raises(ManifestError, match=r"lists/000001.json is damaged; delete it"):
        list(Manifest(place).records())


def test_a_table_that_went_while_it_was_read_is_said_so(compacted):
    place, _, _ = compacted
    (table,) = contents(place).tables
    del place.files[table.file]
    for read in (lambda: list(Manifest(place).records()), lambda: Manifest(place).index()):
        with pytest.raises(ManifestError, match="changed the manifest while it was read; read it again"):
            read()


def test_without_pyarrow_the_message_names_the_extra(monkeypatch, memory_place, a_record):
    import sys

    from liveseg.errors import MissingExtraError

    place = memory_place(appends=True)
    WorkerLog(place, "run", "w").append([a_record()])
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.delitem(sys.modules, "pyarrow.parquet", raising=False)
    with pytest.raises(MissingExtraError, match=r"pip install 'liveseg\[batch\]'"):
        Manifest(place).compact()
    # Reading logs needs none.
    assert len(list(Manifest(place).records())) == 1
