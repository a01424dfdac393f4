"""What charts are drawn with: axes with round numbers, lengths that stay in their place."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from liveseg.pages.drawing import drawing, number, percent, round_range, round_step, share_bar, ticks


@given(st.floats(1e-3, 1e9))
def test_a_step_is_round_and_about_five_fit(span):
    step = round_step(span)
    assert f"{step:e}"[0] in "125"
    assert 2 <= span / step <= 5.01


@given(st.floats(0, 1e6), st.floats(1e-2, 1e6))
def test_a_range_holds_what_it_was_made_of_and_ticks_stay_in_it(low, more):
    begin, end = round_range(low, low + more)
    assert begin <= low
    assert end >= low + more - 1e-6 * (low + more)
    assert all(begin - 1e-9 <= tick <= end * (1 + 1e-6) for tick in ticks(begin, end))


@given(st.floats(-10, 10))
def test_no_bar_is_longer_than_its_place(share):
    assert 0 <= float(percent(share)[:-1]) <= 100
    bar = ET.fromstring(share_bar(share))  # noqa: S314 - our own drawing
    assert bar[1].get("width") == percent(share)


def test_what_a_drawing_shows_is_text():
    root = ET.fromstring(drawing(10, 20.5, 'a < b & "c"', ["<g/>"]))  # noqa: S314 - our own drawing
    assert root.get("aria-label") == 'a < b & "c"'
    assert root.get("viewBox") == "0 0 10 20.5"
    assert number(3.14159) == "3.14"
