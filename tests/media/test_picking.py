"""Which frames a selection wants."""

from fractions import Fraction

import pytest

from liveseg.errors import UsageError
from liveseg.media.frame import Selection
from liveseg.media.picking import Picker, check_selection


def picked(selection, first=0):
    """The times that are taken of one frame a second, and the time from which on none is wanted."""
    picker = Picker(selection, Fraction(first))
    taken = []
    for time in range(first, first + 20):
        if picker.takes(Fraction(time)):
            taken.append(time - first)
        if picker.over:
            return taken, time - first
    return taken, None


def test_everything_is_wanted_by_default():
    assert picked(Selection()) == (list(range(20)), None)


@pytest.mark.parametrize("first", [0, 1000])
def test_times_count_from_the_first_frame(first):
    assert picked(Selection(start=Fraction(3), duration=Fraction(2)), first) == ([3, 4], 5)
    assert picked(Selection(start=Fraction(5, 2), every=4, limit=3), first) == ([3, 7, 11], 11)
    assert picked(Selection(duration=Fraction(5), every=2), first) == ([0, 2, 4], 5)


def test_nothing_is_taken_once_it_is_over():
    picker = Picker(Selection(limit=1), Fraction(0))
    assert picker.takes(Fraction(0))
    assert not picker.takes(Fraction(0))


@pytest.mark.parametrize(
    ("selection", "reason"),
    [
        (Selection(start=Fraction(-1)), "before the video's begin"),
        (Selection(duration=Fraction(0)), "above 0 s"),
        (Selection(every=0), "0th frame"),
        (Selection(limit=0), "limit of 0"),
    ],
)
def test_a_selection_that_makes_no_sense_is_refused(selection, reason):
    with pytest.raises(UsageError, match=reason):
        check_selection(selection)
