"""When an event begins and ends, over made-up courses of time."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveseg.events.onset import Gaps, Onset


def told(seconds, frames):
    """What is told of frames given as `(time, holds)`, as `kind, since, time`; the last word is the end's."""
    onset, gaps, changes = Onset(Fraction(seconds)), Gaps(), []
    for time, holds in frames:
        moment = Fraction(time)
        change = onset.step(moment, holds, gap=gaps.after(moment))
        if change is not None:
            changes.append((change.kind, change.began, change.time))
    return changes


def at_rate(rate, pattern):
    """Frames at a rate, one a character of the pattern: `#` holds, `.` does not."""
    return [(Fraction(number, rate), letter == "#") for number, letter in enumerate(pattern)]


def test_an_event_begins_once_when_it_has_held_for_long_enough_and_ends_once():
    assert told(1, at_rate(4, "..########..")) == [
        ("began", Fraction(2, 4), Fraction(6, 4)),
        ("ended", Fraction(2, 4), Fraction(10, 4)),
    ]


def test_what_holds_for_a_moment_less_is_no_event():
    assert told(1, at_rate(4, "..####..####.")) == []
    assert told(1, at_rate(4, "..#####.")) != []


def test_one_frame_is_enough_where_no_duration_is_asked_for():
    assert told(0, at_rate(25, ".#.")) == [
        ("began", Fraction(1, 25), Fraction(1, 25)),
        ("ended", Fraction(1, 25), Fraction(2, 25)),
    ]


def test_it_is_told_again_after_it_was_over():
    kinds = [kind for kind, _, _ in told("0.5", at_rate(10, "######...######...######"))]
    assert kinds == ["began", "ended", "began", "ended", "began"]


def test_frames_of_uneven_distance_count_by_their_times():
    frames = [(0, False), ("0.1", True), ("0.9", True), ("1.05", True), ("1.2", True), ("3.0", False)]
    assert told(1, frames) == [("began", Fraction("0.1"), Fraction("1.2")), ("ended", Fraction("0.1"), Fraction(3))]


def test_nobody_knows_what_happened_in_a_long_gap_so_it_has_to_hold_anew():
    frames = [*at_rate(10, "###"), *[(10 + time, True) for time, _ in at_rate(10, "###############")]]
    assert told(1, frames) == [("began", Fraction(10), Fraction(11))]


def test_an_event_goes_on_over_a_gap_in_which_nobody_saw_it_end():
    frames = [*at_rate(10, "############"), (20, True), (21, False)]
    assert [kind for kind, _, _ in told(1, frames)] == ["began", "ended"]
    assert told(1, frames)[1][1:] == (0, 21)


def test_a_source_with_few_frames_has_no_gaps():
    assert told(20, [(4 * number, True) for number in range(8)])[0][2] <= 24
    assert [Gaps().after(Fraction(0)), *map(Gaps().after, map(Fraction, (0, 1, 2, 4)))] == [False] * 5


def test_left_out_frames_are_no_gap():
    # A live source of 30 frames a second of which the line manages ten, then two.
    times = [Fraction(number, 10) for number in range(10)] + [1 + Fraction(number, 2) for number in range(6)]
    assert told(3, [(time, True) for time in times]) == [("began", 0, 3)]


@given(st.lists(st.tuples(st.integers(1, 1500), st.booleans()), max_size=60), st.integers(0, 3000))
def test_begins_and_ends_take_turns_and_each_held_all_the_time(steps, milliseconds):
    frames, now = [], 0
    for step, holds in steps:
        now += step
        frames.append((Fraction(now, 1000), holds))
    seconds = Fraction(milliseconds, 1000)
    changes = told(seconds, frames)
    assert [kind for kind, _, _ in changes] == ["began", "ended"] * (len(changes) // 2) + ["began"] * (len(changes) % 2)
    held = dict(frames)
    for kind, since, time in changes:
        within = [held[moment] for moment in held if since <= moment < time]
        assert all(within)
        assert held[time] is (kind == "began")
        if kind == "began":
            assert time - since >= seconds


@pytest.mark.parametrize("seconds", [0, 1])
def test_the_end_of_the_source_ends_what_was_told(seconds):
    onset = Onset(Fraction(seconds))
    onset.step(Fraction(5), holds=True)
    change = onset.end(Fraction(6))
    assert (change is not None) is (seconds == 0)
    assert onset.end(Fraction(7)) is None
