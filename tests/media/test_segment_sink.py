"""A video in pieces: each whole, none longer than asked, and together every frame once and at its time."""

import re
from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest

from liveseg.errors import MediaError, OutputExistsError, SinkError
from liveseg.media.frame import Frame, Selection, SourceInfo
from liveseg.media.open_sink import SinkOptions, open_sink
from liveseg.media.segment_sink import SegmentName, SegmentSink
from liveseg.media.video_sink import VideoSink
from liveseg.media.video_source import VideoSource

INFO = SourceInfo("the clip", "video", 96, 64, Fraction(25), Fraction(1, 90000))


def frames(clips, times, first=0):
    for number, time in enumerate(times, first):
        yield Frame(clips.numbered(number), number, round(Fraction(time) * 90000), INFO.time_base)


def write(path, pictures, seconds=1, info=INFO, **options):
    with open_sink(str(path), info, SinkOptions(segment=Fraction(seconds), **options)) as sink:
        for frame in pictures:
            sink.write(frame)
    return sink


def read(path):
    with VideoSource(path) as source:
        return list(source)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_every_frame_is_in_one_file_at_its_time(clips, tmp_path):
    """At 29.97 frames a second no second begins with a frame."""
    times = [100 + Fraction(1001 * n, 30000) for n in range(100)]
    sink = write(tmp_path / "cam.mp4", frames(clips, times))
    assert names(tmp_path) == ["cam_00000.mp4", "cam_00001.mp4", "cam_00002.mp4", "cam_00003.mp4"]
    seen = 0
    for place, name in enumerate(names(tmp_path)):
        back = read(tmp_path / name)
        numbers = [clips.number_of(frame.image) for frame in back]
        assert numbers == list(range(seen, seen + len(back)))
        relative = [times[number] - times[0] for number in numbers]
        assert all(place <= time < place + 1 for time in relative)
        assert back[0].timestamp == 0
        wrong = [frame.timestamp - (time - relative[0]) for frame, time in zip(back, relative, strict=True)]
        assert max(map(abs, wrong)) <= Fraction(1, 90000)
        seen += len(back)
    assert seen == 100
    assert sink.notes == [f"4 files, the last one {tmp_path / 'cam_00003.mp4'}"]


def test_the_files_together_last_as_long_as_the_source(clips, tmp_path):
    times = [Fraction(1001 * n, 30000) for n in range(100)]
    write(tmp_path / "cam.mkv", frames(clips, times), info=replace(INFO, rate=Fraction(30000, 1001)))
    lengths = []
    for name in names(tmp_path):
        with av.open(str(tmp_path / name)) as container:
            lengths.append(container.duration / 1e6)
    assert sum(lengths) == pytest.approx(100 * 1001 / 30000, abs=0.005)


@pytest.mark.parametrize("name", ["cam.mp4", "cam.mkv", "cam.webm"])
def test_each_file_begins_with_a_key_frame_at_time_0(clips, tmp_path, name):
    write(tmp_path / name, frames(clips, [Fraction(n, 25) for n in range(60)]))
    for path in tmp_path.iterdir():
        with av.open(str(path)) as container:
            packet = next(container.demux(video=0))
            assert packet.is_keyframe
            assert packet.pts == 0
    if name == "cam.mp4":
        kinds = clips.boxes(tmp_path / "cam_00001.mp4")
        assert kinds.index("moov") < kinds.index("mdat")


def test_a_file_has_its_name_as_soon_as_it_is_full(clips, tmp_path):
    with open_sink(str(tmp_path / "cam.mp4"), INFO, SinkOptions(segment=Fraction(1))) as sink:
        for frame in frames(clips, [Fraction(n, 25) for n in range(51)]):
            sink.write(frame)
            if frame.index == 25:
                assert not (tmp_path / "cam_00000.mp4").exists() or len(read(tmp_path / "cam_00000.mp4")) == 25
            if frame.index == 50:
                # What came before the file that was left last is finished before that one is.
                assert len(read(tmp_path / "cam_00000.mp4")) == 25
                assert "cam_00002.partial.mp4" in names(tmp_path)
    assert names(tmp_path) == ["cam_00000.mp4", "cam_00001.mp4", "cam_00002.mp4"]


def test_a_stretch_without_frames_makes_no_file_and_no_long_last_frame(clips, tmp_path):
    times = [*(Fraction(n, 10) for n in range(8)), *(Fraction(75 + n, 10) for n in range(5)), Fraction(8)]
    write(tmp_path / "cam.mp4", frames(clips, times))
    assert names(tmp_path) == ["cam_00000.mp4", "cam_00001.mp4", "cam_00002.mp4"]
    data = (tmp_path / "cam_00000.mp4").read_bytes()
    header = data[data.index(b"mvhd") + 4 :]
    # What players go by. The track's own length is counted in the order of decoding by FFmpeg.
    assert int.from_bytes(header[16:20], "big") == int.from_bytes(header[12:16], "big")
    assert [clips.number_of(frame.image) for frame in read(tmp_path / "cam_00001.mp4")] == [8, 9, 10, 11, 12]
    assert [clips.number_of(frame.image) for frame in read(tmp_path / "cam_00002.mp4")] == [13]


def test_the_sound_goes_along_from_file_to_file(clips, tmp_path):
    clicked = [0.5, 1.25, 1.9, 2.5]
    path = clips.write("in.mp4", 75, sound=clips.Sound(clips.clicks(clicked, 3)))
    out = tmp_path / "out"
    with VideoSource(path) as source:
        write(out / "cam.mp4", list(source), info=source.info, audio_from=path)
    heard = [[round(time + place, 2) for time in clips.click_times(out / f"cam_0000{place}.mp4")] for place in range(3)]
    assert heard == [[0.5], [1.25, 1.9], [2.5]]


def test_the_last_file_ends_where_the_selection_does(clips, tmp_path):
    """Its only frame stands for two seconds, of which the selection has one."""
    times = [Fraction(0), Fraction(2), Fraction(4)]
    selection = Selection(duration=Fraction(5), every=50)
    info = replace(INFO, rate=Fraction(1, 2))
    write(tmp_path / "cam.mp4", frames(clips, times), seconds=3, info=info, selection=selection)
    lengths = []
    for name in names(tmp_path):
        with av.open(str(tmp_path / name)) as container:
            lengths.append(container.duration)
    assert lengths == [4_000_000, 1_000_000]


def test_an_exception_leaves_the_full_files_and_no_other(clips, tmp_path):
    def failing():
        for frame in frames(clips, [Fraction(n, 25) for n in range(100)]):
            if frame.index == 60:
                raise RuntimeError("in the third second")
            yield frame

    with pytest.raises(RuntimeError, match="in the third second"):
        write(tmp_path / "cam.mp4", failing())
    assert names(tmp_path) == ["cam_00000.mp4", "cam_00001.mp4"]
    assert len(read(tmp_path / "cam_00001.mp4")) == 25


def test_no_frames_make_no_file_and_one_line(tmp_path):
    with pytest.raises(MediaError, match=r"^the clip gave no frames, so .*cam_00000\.mp4 was not written$"):
        write(tmp_path / "cam.mp4", [])
    assert names(tmp_path) == []


def test_a_frame_of_the_past_is_refused(clips, tmp_path):
    with pytest.raises(SinkError, match="it is not later than the one before"):
        write(tmp_path / "cam.mp4", frames(clips, [0, Fraction(3, 2), 1]))
    assert names(tmp_path) == ["cam_00000.mp4"]


def test_files_that_exist_are_refused_before_the_work(clips, tmp_path):
    (tmp_path / "cam_00007.mp4").write_bytes(b"precious")
    (tmp_path / "cam_x.mp4").write_bytes(b"another's")
    with pytest.raises(OutputExistsError, match=r"cam_00007\.mp4 exists already; add --overwrite"):
        write(tmp_path / "cam.mp4", frames(clips, [0]))
    write(tmp_path / "cam.mp4", frames(clips, range(8)), overwrite=True)
    assert len(read(tmp_path / "cam_00007.mp4")) == 1
    write(tmp_path / "cam.mp4", frames(clips, range(3)), overwrite=True)
    assert (tmp_path / "cam_x.mp4").read_bytes() == b"another's"


def test_a_next_file_that_cannot_be_opened_costs_no_full_one(clips, tmp_path):
    def open_file(path, passed):
        if passed >= 2:
            raise SinkError("the disk is full")
        return VideoSink(path, INFO)

    sink = SegmentSink(tmp_path / "cam.mp4", Fraction(1), open_file)
    *taken, refused = frames(clips, [Fraction(n, 25) for n in range(51)])
    for frame in taken:
        sink.write(frame)
    with pytest.raises(SinkError, match="the disk is full"):
        sink.write(refused)
    sink.abort()
    assert names(tmp_path) == ["cam_00000.mp4", "cam_00001.mp4"]
    assert [len(read(tmp_path / name)) for name in names(tmp_path)] == [25, 25]


def test_a_full_file_that_cannot_be_finished_ends_the_work(clips, tmp_path, monkeypatch):
    def refuse(self, until=None):
        self.abort()
        raise SinkError("the disk is full")

    monkeypatch.setattr(VideoSink, "commit", refuse)
    with pytest.raises(SinkError, match="the disk is full"):
        write(tmp_path / "cam.mp4", frames(clips, [Fraction(n, 25) for n in range(76)]))
    assert names(tmp_path) == []


def test_after_the_end_nothing_is_taken_and_nothing_happens(clips, tmp_path):
    sink = write(tmp_path / "cam.mp4", frames(clips, [0, 1]))
    sink.commit()
    sink.abort()
    with pytest.raises(SinkError, match="closed already"):
        sink.write(next(frames(clips, [9])))
    assert names(tmp_path) == ["cam_00000.mp4", "cam_00001.mp4"]


def test_names_hold_the_number_or_the_time(tmp_path):
    assert SegmentName(tmp_path / "a.mp4").of(12) == tmp_path / "a_00012.mp4"
    assert SegmentName(tmp_path / "%03d_a.mp4").of(12) == tmp_path / "012_a.mp4"
    assert SegmentName(tmp_path / "100%.mp4").of(0) == tmp_path / "100%_00000.mp4"
    named = SegmentName(tmp_path / "%Y%m%d_%H%M%S_%02d.mp4").of(7).name
    assert re.fullmatch(r"20\d{6}_\d{6}_07\.mp4", named)


def test_no_name_by_the_clock_is_given_twice(tmp_path):
    (tmp_path / "day_2.mp4").write_bytes(b"precious")
    name = SegmentName(tmp_path / "day_%j.mp4")
    given = [name.of(number).name for number in range(3)]
    assert len(set(given)) == 3
    assert [re.sub(r"day_\d{3}", "day", text) for text in given] == ["day.mp4", "day_2.mp4", "day_3.mp4"]


def test_pictures_may_be_changed_afterwards(clips, tmp_path):
    picture = np.empty((64, 96, 3), np.uint8)
    with open_sink(str(tmp_path / "cam.mp4"), INFO, SinkOptions(segment=Fraction(1))) as sink:
        for frame in frames(clips, [Fraction(n, 25) for n in range(50)]):
            picture[:] = frame.image
            sink.write(replace(frame, image=picture))
            picture[:] = 0
    shown = [clips.number_of(frame.image) for name in names(tmp_path) for frame in read(tmp_path / name)]
    assert shown == list(range(50))
