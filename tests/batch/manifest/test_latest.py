"""Which record holds: never a matter of the order in which they come."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from liveseg.batch.manifest.latest import current, key, winners, with_pieces


def holding(records):
    """What holds of one name, in the order that `current` gives."""
    return current(winners(sorted(records, key=key)))


@given(st.data())
def test_any_order_and_any_repetition_gives_the_same(some_records, data):
    records = [replace(r, name="a") for r in data.draw(st.lists(some_records, min_size=1, max_size=6))]
    shuffled = data.draw(st.permutations(records + records[:2]))
    assert holding(shuffled) == holding(records)


@given(st.data())
def test_taking_winners_on_the_way_changes_nothing(some_records, data):
    records = [replace(r, name="a") for r in data.draw(st.lists(some_records, min_size=1, max_size=8))]
    cut = data.draw(st.integers(0, len(records)))
    early = list(winners(sorted(records[:cut], key=key)))
    assert holding(early + records[cut:]) == holding(records)


def test_a_late_failure_of_a_duplicate_does_not_undo_what_is_done(a_record):
    done = a_record(finished=1.0)
    failed = a_record(status="failed", finished=9.0, attempts=3)
    assert holding([done, failed]) == [done]


def test_of_two_failures_the_later_one_tells_the_attempts(a_record):
    early, late = (a_record(status="failed", finished=t, attempts=int(t)) for t in (1.0, 2.0))
    assert holding([late, early]) == [late]


def test_with_new_settings_only_the_newest_outcome_holds_since_outputs_are_written_over(a_record):
    old = a_record(settings="s", finished=1.0)
    failed = a_record(settings="t", status="failed", finished=2.0)
    new = a_record(settings="t", finished=3.0)
    assert holding([old, failed]) == [failed]
    assert holding([old, failed, new]) == [new]


def test_another_version_of_a_file_takes_the_place_of_its_name(a_record):
    old, new = a_record(identifier="1" * 32, finished=1.0), a_record(identifier="2" * 32, finished=2.0)
    assert holding([new, old]) == [new]


def test_pieces_hold_until_they_are_joined(a_record):
    pieces = [a_record(kind="video", status="part", piece=n, pieces=2, finished=2.0 + n) for n in range(2)]
    joined = a_record(kind="video", pieces=2, finished=9.0)
    assert holding(pieces) == pieces
    assert holding([joined, *pieces]) == [joined]


def test_a_joined_video_comes_with_its_pieces_where_these_are_asked_for(a_record):
    pieces = [a_record(kind="video", status="part", piece=n, pieces=2, finished=2.0 + n) for n in range(2)]
    others = [
        a_record(kind="video", status="part", piece=0, pieces=3, finished=1.0),
        a_record(kind="video", status="part", piece=0, pieces=2, finished=1.0, settings="t"),
        a_record(kind="video", status="failed", piece=1, pieces=2, finished=1.0),
    ]
    joined = a_record(kind="video", pieces=2, finished=9.0)
    told = winners(sorted([*others, *pieces, joined], key=key))
    assert with_pieces(told) == [joined, *pieces]
    assert with_pieces(pieces) == pieces
    failed = a_record(kind="video", pieces=2, status="failed", finished=9.0)
    assert with_pieces(winners(sorted([*pieces, failed], key=key))) == [failed, *pieces]
    # Of a video that was done again in one piece, those of before are nobody's.
    whole = a_record(kind="video", finished=10.0)
    assert with_pieces(winners(sorted([*pieces, joined, whole], key=key))) == [whole]


def test_a_failed_joining_stands_beside_its_pieces_until_a_piece_is_made_again(a_record):
    pieces = [a_record(kind="video", status="part", piece=n, pieces=2, finished=2.0 + n) for n in range(2)]
    failed = a_record(kind="video", status="failed", pieces=2, finished=5.0)
    again = a_record(kind="video", status="part", piece=1, pieces=2, finished=6.0)
    assert holding([failed, *pieces]) == [failed, *pieces]
    assert holding([failed, *pieces, again]) == [pieces[0], again]


def test_a_new_division_into_pieces_takes_the_place_of_an_old_one(a_record):
    old = a_record(kind="video", status="part", piece=0, pieces=2, finished=1.0)
    new = a_record(kind="video", status="part", piece=0, pieces=3, finished=2.0)
    assert holding([new, old]) == [new]
