"""A record as a line: what is written is what is read, and what is damaged is told from what is whole."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveseg.batch.manifest.errors import ManifestError
from liveseg.batch.manifest.lines import decode, encode, records_of, settled
from liveseg.batch.records import Record

WORD = st.text(st.characters(codec=None), max_size=8)
COUNT = st.integers(0, 2**63 - 1)
RECORDS = st.builds(
    Record,
    identifier=st.text("0123456789abcdef", min_size=32, max_size=32),
    location=WORD,
    name=WORD,
    kind=st.sampled_from(["image", "video"]),
    version=WORD,
    piece=st.none() | st.integers(0, 9),
    pieces=st.none() | st.integers(0, 9),
    status=st.sampled_from(["done", "part", "failed"]),
    attempts=st.integers(0, 9),
    error=st.none() | WORD,
    error_kind=st.none() | WORD,
    outputs=st.lists(WORD, max_size=3).map(tuple),
    bytes_in=COUNT,
    bytes_out=COUNT,
    frames=COUNT,
    pixels=COUNT,
    seconds=st.dictionaries(WORD, st.floats(0, 1e6), max_size=3),
    areas=st.dictionaries(WORD, COUNT, max_size=3),
    model=WORD,
    settings=WORD,
    worker=WORD,
    finished=st.floats(0, 4e9),
)


@given(RECORDS)
def test_a_record_survives_its_line_with_any_name_but_for_less_than_a_microsecond(record):
    line = encode(record)
    assert line.isascii()
    assert "\n" not in line
    read = decode(line)
    assert read == replace(record, finished=read.finished)
    assert abs(read.finished - record.finished) <= 5.1e-7
    assert encode(read) == line
    assert settled(read) == read


@given(st.lists(RECORDS, min_size=1, max_size=3), st.data())
def test_a_torn_log_gives_every_line_before_the_tear_and_never_a_wrong_record(records, data):
    whole = "".join(encode(record) + "\n" for record in records).encode()
    cut = data.draw(st.integers(0, len(whole)))
    got = list(records_of(whole[:cut]))
    lines = whole[:cut].count(b"\n")
    assert got[:lines] == [settled(record) for record in records[:lines]]
    # What follows the last end of line is torn, unless only that end is missing.
    assert got[lines:] in ([], [None], [settled(records[min(lines, len(records) - 1)])])
    assert (got[lines:] == []) == (whole[:cut].endswith(b"\n") or not cut)


def test_a_tear_in_the_middle_costs_that_line_only(a_record):
    good = encode(a_record("x")).encode()
    got = list(records_of(good[:40] + b"\n\n" + good + b"\n\xff\xfe\n" + good + b"\n"))
    assert got == [None, a_record("x"), None, a_record("x")]


def test_fields_that_are_not_known_are_left_out(a_record):
    line = json.dumps(json.loads(encode(a_record())) | {"mood": "fine"})
    assert decode(line) == a_record()


def test_a_line_of_a_later_format_is_refused_with_what_to_do(a_record):
    line = json.dumps(json.loads(encode(a_record())) | {"v": 2})
    with pytest.raises(ManifestError, match="newer liveseg; upgrade"):
        decode(line)


@pytest.mark.parametrize(
    "wrong",
    [
        {"identifier": "short"},
        {"identifier": 7},
        {"status": "fine"},
        {"kind": "sound"},
        {"name": None},
        {"attempts": "3"},
        {"attempts": 2**31},
        {"piece": -1},
        {"frames": 2**63},
        {"frames": 1.5},
        {"outputs": [3]},
        {"outputs": 3},
        {"seconds": {"total": "long"}},
        {"areas": {"cat": None}},
        {"areas": 3},
        {"finished": "now"},
        {"finished": float("inf")},
        {"error": 3},
    ],
)
def test_a_line_that_no_table_could_hold_counts_as_damaged(a_record, wrong):
    line = json.dumps(json.loads(encode(a_record())) | wrong)
    assert list(records_of(line.encode())) == [None]


def test_numbers_of_numpy_are_written_as_numbers(a_record):
    import numpy as np

    record = replace(a_record(), areas={"cat": np.int64(3)}, seconds={"total": np.float32(0.5)}, frames=np.int32(2))
    assert decode(encode(record)) == replace(record, areas={"cat": 3}, seconds={"total": 0.5}, frames=2)
