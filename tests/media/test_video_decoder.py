"""Damaged files are read as far as they go, and it is said what was wrong with them."""

from fractions import Fraction
from itertools import pairwise

import av
import pytest

from liveseg.errors import MediaError
from liveseg.media.frame import Selection
from liveseg.media.video_decoder import VideoDecoder
from liveseg.media.video_source import VideoSource


def read(path, selection=None):
    with VideoSource(path, selection) as source:
        return list(source), source.notes


def cut(path, share):
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


def assert_whole(clips, frames):
    """All frames are what they should be; of the last ones some may lack, as they are stored out of order."""
    shown = [clips.number_of(frame.image) for frame in frames]
    assert shown == sorted(set(shown))
    assert shown[:-4] == list(range(len(shown) - 4))
    assert shown == [round(frame.timestamp * 25 - frames[0].timestamp * 25) for frame in frames]


FASTSTART = {"movflags": "faststart"}


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mov", "clip.mkv", "clip.avi"])
@pytest.mark.parametrize("share", [0.4, 0.75])
def test_a_truncated_file_ends_at_its_last_good_frame(clips, name, share):
    options = FASTSTART if name.endswith(("mp4", "mov")) else None
    frames, notes = read(cut(clips.write(name, 120, noisy=True, container_options=options), share))
    assert abs(len(frames) - 120 * share) < 25
    assert_whole(clips, frames)
    assert any("cut off" in note or "reading it ends" in note for note in notes)


def test_a_truncated_file_with_sound_is_noticed_by_both(clips):
    sound = clips.Sound(clips.clicks([1], 4.8))
    path = clips.write("clip.mkv", 120, noisy=True, sound=sound)
    assert read(path)[1] == []
    frames, notes = read(cut(path, 0.6))
    assert 20 < len(frames) < 115
    assert any("cut off" in note for note in notes)


def test_sound_that_outlasts_the_pictures_is_no_damage(clips):
    for name in ("clip.mp4", "clip.mkv"):
        assert read(clips.write(name, 25, sound=clips.Sound(clips.clicks([1], 6))))[1] == []


def test_a_truncated_selection_is_noticed_too(clips):
    path = cut(clips.write("clip.mp4", 120, noisy=True, container_options=FASTSTART), 0.6)
    frames, notes = read(path, Selection(start=Fraction(1)))
    assert clips.number_of(frames[0].image) == 25
    assert any("cut off" in note for note in notes)


def test_a_transport_stream_cut_in_a_packet_is_read_to_its_end(clips):
    frames, _ = read(cut(clips.write("clip.ts", 120, noisy=True), 0.7))
    assert 20 < len(frames) < 115
    assert_whole(clips, frames)


def damage(path, wanted):
    """Overwrite the middle half of some packets of the video stream, by number."""
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        places = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    for number in wanted:
        at, size = places[number]
        data[at + size // 4 : at + size // 4 + size // 2] = b"\x00" * (size // 2)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.avi"])
def test_damage_in_the_middle_is_passed_over(clips, name):
    """The frames before it and those after the next key frame are as they were."""
    options = {"bf": "0", "x264-params": "scenecut=0"}
    path = damage(clips.write(name, 60, gop=12, options=options), [14, 15, 16])
    frames, notes = read(path)
    shown = {int(frame.timestamp * 25): clips.number_of(frame.image) for frame in frames}
    assert [shown[number] for number in range(14)] == list(range(14))
    assert [shown[number] for number in range(24, 60)] == list(range(24, 60))
    assert notes


def test_packets_beyond_decoding_are_counted(clips):
    path = damage(clips.write("clip.mov", 20, codec="png", pix_fmt="rgb24"), [3, 4])
    frames, notes = read(path)
    assert len(frames) >= 18
    assert any("damage" in note for note in notes)


def test_a_file_of_damage_alone_is_an_error(clips):
    path = clips.write("clip.mp4", 10, container_options=FASTSTART)
    data = path.read_bytes()
    at = data.index(b"mdat") + 4
    path.write_bytes(data[:at] + b"\x55" * (len(data) - at))
    with pytest.raises(MediaError, match="not one of its frames can be decoded"):
        VideoSource(path)


def test_frames_without_times_get_them_from_the_rate(clips):
    """A raw stream has no times at all."""
    path = clips.write("clip.h264", 20)
    frames, _ = read(path)
    assert [clips.number_of(frame.image) for frame in frames] == list(range(20))
    steps = {after.timestamp - before.timestamp for before, after in pairwise(frames)}
    assert steps == {Fraction(1, 25)}


def test_times_of_avi_with_b_frames_begin_where_its_packets_do(clips):
    """AVI has no presentation times: by its packets' own, the first frame would be as late as they are reordered."""
    frames, _ = read(clips.write("clip.avi", 30, options={"bf": "3"}))
    assert [frame.timestamp * 25 for frame in frames] == list(range(30))


def test_a_clock_that_is_set_back_goes_on(clips):
    """Joined recordings: the second half begins at 0 again."""
    first, second = (clips.write(name, 30) for name in ("first.ts", "second.ts"))
    joined = clips.folder / "joined.ts"
    joined.write_bytes(first.read_bytes() + second.read_bytes())
    frames, _ = read(joined)
    times = [frame.timestamp for frame in frames]
    assert len(frames) >= 58
    assert all(after > before for before, after in pairwise(times))
    assert times[-1] - times[0] < 3


def test_frames_that_change_their_size_are_scaled_to_the_first(clips):
    small, large = clips.write("small.ts", 10), clips.folder / "large.ts"
    clips.write_to(large, [clips.numbered(number + 10, (192, 128)) for number in range(10)])
    joined = clips.folder / "joined.ts"
    joined.write_bytes(small.read_bytes() + large.read_bytes())
    frames, notes = read(joined)
    assert {frame.image.shape for frame in frames} == {(64, 96, 3)}
    assert clips.number_of(frames[-1].image) == 19
    assert sum("change their size" in note for note in notes) == 1


def test_as_many_threads_as_asked_for(clips):
    decoder = VideoDecoder(clips.write("clip.mp4", 3), threads=3)
    assert decoder.stream.thread_count == 3
    decoder.close()
    decoder.close()
