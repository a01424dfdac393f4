import pytest

from liveseg.media.live.pace import Pace


def test_frames_are_due_by_their_own_times():
    pace = Pace()
    assert [pace.due(time, 100.0) for time in (7.0, 7.04, 8.0)] == pytest.approx([100.0, 100.04, 101.0])


def test_a_frame_a_little_late_was_due_before_and_moves_nothing():
    pace = Pace()
    pace.due(0.0, 100.0)
    assert pace.due(0.04, 100.3) == pytest.approx(100.04)
    assert pace.due(0.08, 100.3) == pytest.approx(100.08)


def test_after_a_long_pause_nothing_is_shown_faster():
    pace = Pace()
    pace.due(0.0, 100.0)
    assert pace.due(0.04, 105.0) == pytest.approx(105.0)
    assert pace.due(0.08, 105.0) == pytest.approx(105.04)


def test_a_clock_that_leaps_stops_nothing():
    pace = Pace()
    pace.due(0.0, 100.0)
    assert pace.due(3600.0, 100.04) == pytest.approx(100.04)
    assert pace.due(3600.04, 100.04) == pytest.approx(100.08)
    assert pace.due(5.0, 100.08) == pytest.approx(100.08)
