"""A video behind the foreground: in step with the frames before it, whoever asks first, again and again."""

from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liveseg.errors import MediaError
from liveseg.media.frame import Frame, Source, SourceInfo
from liveseg.media.open_sink import SinkOptions, open_sink
from liveseg.render.background import open_scenery
from liveseg.render.clip import ClipScenery
from liveseg.settings.background import Scene

RATE = 25


class Numbered(Source):
    """A video whose frames are as grey as their number; counts what is read of it."""

    def __init__(self, count, start, *, announced, read, first=Fraction(0), rate=RATE):
        self.notes = []
        self._range = range(min(int(start * rate), count), count)
        self._first, self._rate, self._read = first, rate, read
        length = None if announced is None else Fraction(announced, rate)
        self.info = SourceInfo("numbered", "video", 4, 2, rate=Fraction(rate), duration=length)

    def __iter__(self):
        for number in self._range:
            self._read.append(number)
            base = Fraction(1, self._rate)
            yield Frame(np.full((2, 4, 3), number, np.uint8), number, number + int(self._first / base), base)

    def close(self):
        self._range = range(0)


def numbered(count, *, announced=None, read=None, first=Fraction(0), rate=RATE):
    read = [] if read is None else read
    return ClipScenery(lambda start: Numbered(count, start, announced=announced, read=read, first=first, rate=rate))


def number_at(scenery, timestamp):
    frame = np.zeros((2, 4, 3), np.uint8)
    return int(scenery(frame, frame[..., 0], timestamp)[0, 0, 0])


@settings(max_examples=60, deadline=None)
@given(
    count=st.integers(1, 60),
    announced=st.booleans(),
    first=st.sampled_from([Fraction(0), Fraction(7, 5)]),
    asked=st.lists(st.integers(0, 400), min_size=1, max_size=30),
)
def test_the_frame_is_the_one_of_that_time_in_whatever_order_is_asked(count, announced, first, asked):
    scenery = numbered(count, announced=count if announced else None, first=first)
    assert number_at(scenery, Fraction(0)) == 0
    for step in asked:
        assert number_at(scenery, Fraction(step, RATE)) == step % count
        assert number_at(scenery, Fraction(2 * step + 1, 2 * RATE)) == step % count  # until the next one begins


@pytest.mark.parametrize("announced", [None, 80])
def test_it_does_not_matter_which_thread_asks_first_nor_in_which_second(announced):
    for asked in ([24, 25, 26], [26, 24, 25]):
        scenery = numbered(80, announced=announced)
        steps = [60 * RATE + step for step in asked]
        assert [number_at(scenery, Fraction(step, RATE)) for step in steps] == [step % 80 for step in steps]


def test_a_picture_before_it_gets_its_first_frame():
    assert number_at(numbered(100), None) == 0


def test_frames_in_order_are_decoded_once_each_turn():
    read = []
    scenery = numbered(20, announced=20, read=read)
    assert [number_at(scenery, Fraction(step, RATE)) for step in range(60)] == [*range(20)] * 3
    assert read == [*range(20)] * 3


def test_threads_that_lag_a_little_cost_no_decoding():
    read = []
    scenery = numbered(200, announced=200, read=read)
    order = [step + late for step in range(0, 160, 4) for late in (2, 0, 3, 1)]
    assert [number_at(scenery, Fraction(step, RATE)) for step in order] == order
    assert len(read) == len(set(read))


def test_a_leap_does_not_decode_all_between():
    read = []
    scenery = numbered(250, announced=250, read=read, rate=5)
    number_at(scenery, Fraction(0))
    assert number_at(scenery, Fraction(45)) == 225
    assert len(read) < 20


def test_a_video_that_ends_before_it_was_said_to_keeps_its_last_frame():
    scenery = numbered(20, announced=100)
    assert number_at(scenery, Fraction(0)) == 0
    assert number_at(scenery, Fraction(50, RATE)) == 19
    assert number_at(scenery, Fraction(99, RATE)) == 19
    assert number_at(scenery, Fraction(103, RATE)) == 3


def test_a_video_without_frames_is_refused():
    with pytest.raises(MediaError, match="holds no frames"):
        numbered(0)


def test_many_threads_get_what_one_gets():
    scenery = numbered(50, announced=50)
    steps = list(range(400))
    late = np.random.default_rng(0).uniform(0, 6, len(steps))
    steps.sort(key=lambda step: step + late[step])
    number_at(scenery, Fraction(0))
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda step: number_at(scenery, Fraction(step, RATE)), steps))
    assert found == [step % 50 for step in steps]


def test_a_real_file_plays_in_time_and_again(tmp_path):
    info = SourceInfo("grey", "video", 64, 48, rate=Fraction(10), time_base=Fraction(1, 10))
    with open_sink(str(tmp_path / "grey.mp4"), info, SinkOptions()) as sink:
        for number in range(20):
            sink.write(Frame(np.full((48, 64, 3), 12 * number, np.uint8), number, number, Fraction(1, 10)))
    scenery = open_scenery(Scene(tmp_path / "grey.mp4"))
    frame = np.zeros((30, 40, 3), np.uint8)
    for asked in (0, 1, 2, 9, 8, 19, 20, 23, 21, 41, 5):
        picture = scenery(frame, frame[..., 0], Fraction(asked, 10))
        assert picture.shape == frame.shape
        assert abs(int(picture[15, 20, 0]) - 12 * (asked % 20)) <= 3
    scenery.close()
    scenery.close()
