"""What is written plays in browsers, keeps its times and colours, and is whole or not there."""

import shutil
import subprocess
import sys
import threading
from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest

from liveseg.errors import MediaError, OutputExistsError, SinkError, UsageError
from liveseg.files import partial_path
from liveseg.media.frame import Frame, Selection, SourceInfo
from liveseg.media.video_sink import VideoSink
from liveseg.media.video_source import VideoSource


def info(size=(96, 64), rate=Fraction(25), time_base=Fraction(1, 12800)):
    return SourceInfo("the clip", "video", *size, rate, time_base)


def frames(clips, count, size=(96, 64), step=512, first=0, time_base=Fraction(1, 12800)):
    for number in range(count):
        yield Frame(clips.numbered(number, size), number, first + number * step, time_base)


def write(path, about, pictures, **how):
    with VideoSink(path, about, **how) as sink:
        for frame in pictures:
            sink.write(frame)
    return sink


def read(path):
    with VideoSource(path) as source:
        return list(source)


# ------------------------------------------------------------------------------------------ containers


@pytest.mark.parametrize("name", ["out.mp4", "out.m4v", "out.mov", "out.mkv", "out.webm"])
def test_frames_come_back_in_order_and_at_their_times(clips, tmp_path, name):
    sink = write(tmp_path / name, info(), frames(clips, 60))
    back = read(tmp_path / name)
    assert [clips.number_of(frame.image) for frame in back] == list(range(60))
    assert [frame.timestamp for frame in back] == [Fraction(number, 25) for number in range(60)]
    assert sink.notes == []
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_an_mp4_is_what_browsers_play_with_its_index_in_front(clips, tmp_path):
    write(tmp_path / "out.mp4", info(), frames(clips, 60))
    kinds = clips.boxes(tmp_path / "out.mp4")
    assert kinds.index("moov") < kinds.index("mdat")
    assert "moof" not in kinds
    with av.open(str(tmp_path / "out.mp4")) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.pix_fmt, stream.codec_context.codec_tag) == (
            "h264",
            "yuv420p",
            "avc1",
        )
        assert stream.profile == "High"
        assert stream.average_rate == 25


@pytest.mark.parametrize("codec", ["libx265", "libsvtav1", "libvpx-vp9"])
def test_other_codecs_in_mp4(clips, tmp_path, codec):
    write(tmp_path / "out.mp4", info(), frames(clips, 30), codec=codec, threads=1)
    assert [clips.number_of(frame.image) for frame in read(tmp_path / "out.mp4")] == list(range(30))
    with av.open(str(tmp_path / "out.mp4")) as container:
        tag = container.streams.video[0].codec_context.codec_tag
    assert tag == {"libx265": "hvc1", "libsvtav1": "av01", "libvpx-vp9": "vp09"}[codec]


def test_quality_and_effort_reach_the_encoder(clips, tmp_path):
    sizes = {}
    for crf in (10, 40):
        write(
            tmp_path / f"{crf}.mp4",
            info(),
            (replace(frame, image=clips.numbered(frame.index, noisy=True)) for frame in frames(clips, 20)),
            crf=crf,
        )
        sizes[crf] = (tmp_path / f"{crf}.mp4").stat().st_size
    assert sizes[40] * 3 < sizes[10]
    write(tmp_path / "slow.mp4", info(), frames(clips, 5), preset="slow")
    assert b"subme=8" in (tmp_path / "slow.mp4").read_bytes()  # x264 writes its settings into the stream
    assert b"subme=2" in (tmp_path / "10.mp4").read_bytes()


def test_key_frames_are_at_most_two_seconds_apart(clips, tmp_path):
    pictures = [
        Frame(np.full((64, 96, 3), 90, np.uint8), number, number * 512, Fraction(1, 12800)) for number in range(200)
    ]
    write(tmp_path / "out.mp4", info(), pictures)
    with av.open(str(tmp_path / "out.mp4")) as container:
        keys = [float(packet.pts * packet.time_base) for packet in container.demux(video=0) if packet.is_keyframe]
    assert np.diff([*keys, 8.0]).max() <= 2.0


# ------------------------------------------------------------------------------------------ times


def test_a_variable_frame_rate_is_kept_to_the_unit(clips, tmp_path):
    times = [7, 40, 50, 300, 301, 900, 1000, 1033]
    pictures = [Frame(clips.numbered(n), n, pts, Fraction(1, 1000)) for n, pts in enumerate(times)]
    write(tmp_path / "out.mp4", info(time_base=Fraction(1, 1000)), pictures)
    back = read(tmp_path / "out.mp4")
    assert [frame.timestamp for frame in back] == [Fraction(pts - 7, 1000) for pts in times]


@pytest.mark.parametrize(
    "time_base",
    [Fraction(1, 25), Fraction(1001, 30000), Fraction(1, 90000), Fraction(1, 1_000_000), Fraction(1, 10**9)],
)
def test_any_time_base_is_kept_exactly_or_to_a_few_microseconds(clips, tmp_path, time_base):
    rate = Fraction(30000, 1001) if time_base.numerator > 1 else Fraction(25)
    step = round(1 / rate / time_base)
    write(tmp_path / "out.mp4", info(rate=rate, time_base=time_base), frames(clips, 20, step=step, time_base=time_base))
    back = read(tmp_path / "out.mp4")
    wrong = max(abs(frame.timestamp - number * step * time_base) for number, frame in enumerate(back))
    assert wrong == 0 or (time_base < Fraction(1, 1_000_000) and wrong < Fraction(1, 90_000))


@pytest.mark.parametrize("time_base", [Fraction(1, 1000), Fraction(1, 12800), Fraction(1, 90000), Fraction(1, 600)])
def test_the_clock_of_the_track_is_that_of_the_source(clips, tmp_path, time_base):
    step = round(Fraction(1, 25) / time_base)
    write(tmp_path / "out.mp4", info(time_base=time_base), frames(clips, 5, step=step, time_base=time_base))
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.streams.video[0].time_base in (time_base, time_base / 2)


def test_the_last_frame_lasts_as_long_as_a_frame_does(clips, tmp_path):
    for name in ("out.mp4", "out.mkv"):
        write(tmp_path / name, info(), frames(clips, 10))
        with av.open(str(tmp_path / name)) as container:
            assert container.duration == 400_000


def box(path, kind):
    """What is in the first box of a kind."""
    data = path.read_bytes()
    at = data.index(kind)
    return data[at + 4 : at - 4 + int.from_bytes(data[at - 4 : at], "big")]


def test_a_long_frame_does_not_make_the_one_after_it_long(clips, tmp_path):
    """MP4 has lengths in the order of decoding, in which that after a long frame may be decoded before it."""
    times = [*range(0, 800, 40), 2760, 4760]
    pictures = [Frame(clips.numbered(n), n, pts, Fraction(1, 1000)) for n, pts in enumerate(times)]
    write(tmp_path / "out.mp4", info(time_base=Fraction(1, 1000)), pictures)
    assert [frame.timestamp * 1000 for frame in read(tmp_path / "out.mp4")] == times
    # What players go by. The media header's own length is counted in the order of decoding by FFmpeg 9.
    assert int.from_bytes(box(tmp_path / "out.mp4", b"mvhd")[16:20], "big") == 4800
    assert int.from_bytes(box(tmp_path / "out.mp4", b"tkhd")[20:24], "big") == 4800
    assert int.from_bytes(box(tmp_path / "out.mp4", b"elst")[8:12], "big") == 4800


def test_the_last_frame_of_a_selection_does_not_outlast_it(clips, tmp_path):
    selection = Selection(duration=Fraction(5), every=50)
    write(tmp_path / "out.mp4", info(rate=Fraction(1, 2)), frames(clips, 3, step=512 * 50), selection=selection)
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.duration == 5_000_000
        assert container.streams.video[0].duration * container.streams.video[0].time_base == 5


def test_frames_have_to_be_later_than_the_ones_before(clips, tmp_path):
    one, two = frames(clips, 2)
    with pytest.raises(SinkError, match=r"frame 0 .* it is not later than the one before"):
        write(tmp_path / "out.mp4", info(), [one, two, one])
    assert list(tmp_path.iterdir()) == []


# ------------------------------------------------------------------------------------------ pixels


@pytest.mark.parametrize("name", ["out.mp4", "out.mkv", "out.webm"])
@pytest.mark.parametrize("colour", [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (187, 93, 41)])
def test_colours_survive(tmp_path, name, colour):
    picture = np.full((64, 96, 3), colour, np.uint8)
    write(tmp_path / name, info(), [Frame(picture, n, n * 512, Fraction(1, 12800)) for n in range(3)], crf=1)
    for frame in read(tmp_path / name):
        assert np.abs(frame.image.astype(int) - colour).max() <= 3


@pytest.mark.parametrize("name", ["out.mp4", "out.mov", "out.mkv", "out.webm"])
def test_the_file_says_what_its_colours_are(clips, tmp_path, name):
    write(tmp_path / name, info(), frames(clips, 5))
    with av.open(str(tmp_path / name)) as container:
        context = container.streams.video[0].codec_context
        assert (context.colorspace, context.color_range, context.color_trc, context.color_primaries) == (1, 1, 1, 1)
        frame = next(container.decode(video=0))
        assert (frame.colorspace, frame.color_range, frame.color_trc, frame.color_primaries) == (1, 1, 1, 1)
    data = (tmp_path / name).read_bytes()
    if name.endswith(("mp4", "mov")):
        assert b"colrncl" in data
    ffprobe = shutil.which("ffprobe")
    if ffprobe is not None:
        entries = "stream=color_range,color_space,color_transfer,color_primaries"
        command = [ffprobe, "-v", "error", "-show_entries", entries, "-of", "csv=p=0", str(tmp_path / name)]
        assert subprocess.check_output(command, text=True).strip() == "tv,bt709,bt709,bt709"


@pytest.mark.parametrize("size", [(97, 64), (96, 65), (33, 17), (1, 1)])
def test_odd_sizes_get_an_edge_more(clips, tmp_path, size):
    width, height = size
    pictures = [Frame(np.full((height, width, 3), 200, np.uint8), n, n * 512, Fraction(1, 12800)) for n in range(3)]
    write(tmp_path / "out.mp4", info(size), pictures)
    for frame in read(tmp_path / "out.mp4"):
        assert frame.image.shape == (height + height % 2, width + width % 2, 3)
        assert np.abs(frame.image.astype(int) - 200).max() <= 3


def test_pictures_may_be_views_and_may_be_changed_afterwards(clips, tmp_path):
    large = np.zeros((128, 192, 3), np.uint8)
    with VideoSink(tmp_path / "out.mp4", info()) as sink:
        for number in range(10):
            large[::2, ::2] = clips.numbered(number)
            sink.write(Frame(large[::2, ::2], number, number * 512, Fraction(1, 12800)))
            large[:] = 0
    assert [clips.number_of(frame.image) for frame in read(tmp_path / "out.mp4")] == list(range(10))


def test_a_frame_of_another_size_is_refused_with_both_sizes(clips, tmp_path):
    with pytest.raises(SinkError, match="it is 48x32, but 96x64 was announced"):
        write(tmp_path / "out.mp4", info(), frames(clips, 1, size=(48, 32)))


# ------------------------------------------------------------------------------------------ whole or not there


def test_while_it_grows_it_has_its_partial_name(clips, tmp_path):
    target = tmp_path / "out.mp4"
    with VideoSink(target, info()) as sink:
        for frame in frames(clips, 5):
            sink.write(frame)
        assert partial_path(target).exists()
        assert not target.exists()
    assert target.exists()
    assert not partial_path(target).exists()


def test_an_exception_leaves_nothing(clips, tmp_path):
    def failing():
        for frame in frames(clips, 200):
            if frame.index == 3:
                raise RuntimeError("on frame 3")
            yield frame

    with pytest.raises(RuntimeError, match="on frame 3"):
        write(tmp_path / "out.mp4", info(), failing())
    assert list(tmp_path.iterdir()) == []


def test_no_frames_make_no_file_and_one_line(tmp_path):
    with pytest.raises(MediaError, match=r"^the clip gave no frames, so .*out\.mp4 was not written$"):
        write(tmp_path / "out.mp4", info(), [])
    assert list(tmp_path.iterdir()) == []


def test_one_frame_makes_a_file(clips, tmp_path):
    write(tmp_path / "out.mp4", info(), frames(clips, 1))
    assert len(read(tmp_path / "out.mp4")) == 1


def test_committing_and_aborting_again_do_nothing(clips, tmp_path):
    target = tmp_path / "out.mp4"
    with VideoSink(target, info()) as sink:
        for frame in frames(clips, 5):
            sink.write(frame)
        sink.commit()
        size = target.stat().st_size
        sink.abort()
    sink.commit()
    assert target.stat().st_size == size
    with pytest.raises(SinkError, match="closed already"):
        sink.write(next(frames(clips, 1)))


def test_after_an_abort_a_commit_does_nothing(clips, tmp_path):
    sink = VideoSink(tmp_path / "out.mp4", info())
    sink.write(next(frames(clips, 1)))
    sink.abort()
    sink.commit()
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_exists_is_replaced_only_when_asked_and_only_at_the_end(clips, tmp_path):
    target = tmp_path / "out.mp4"
    target.write_bytes(b"precious")
    with pytest.raises(OutputExistsError):
        VideoSink(target, info())
    with pytest.raises(RuntimeError, match="stop"), VideoSink(target, info(), overwrite=True):
        raise RuntimeError("stop")
    assert target.read_bytes() == b"precious"
    write(target, info(), frames(clips, 5), overwrite=True)
    assert len(read(target)) == 5


def test_a_wrong_name_or_option_leaves_no_trace(tmp_path):
    with pytest.raises(UsageError):
        VideoSink(tmp_path / "new" / "out.avi", info())
    with pytest.raises(UsageError):
        VideoSink(tmp_path / "new" / "out.mp4", info(), crf=99)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(SinkError, match="is a file, not a folder"):
        VideoSink(tmp_path / "file" / "out.mp4", info())


def test_a_picture_that_the_encoder_does_not_take_is_one_line(tmp_path):
    with pytest.raises(SinkError, match=r"^cannot write .*out\.mp4: libx264 says "):
        VideoSink(tmp_path / "out.mp4", info((40000, 16)))
    assert list(tmp_path.iterdir()) == []


SCRIPT = """
import sys
from fractions import Fraction
import numpy as np
from liveseg.errors import LivesegError
from liveseg.media.frame import Frame, SourceInfo
from liveseg.media.video_sink import VideoSink
"""

FULL_DISK = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
random = np.random.default_rng(0)
try:
    with VideoSink(sys.argv[1], SourceInfo("x", "video", 192, 128, Fraction(25), Fraction(1, 25))) as sink:
        for number in range(500):
            sink.write(Frame(random.integers(0, 256, (128, 192, 3), np.uint8), number, number, Fraction(1, 25)))
except LivesegError as error:
    print(f"{type(error).__name__}: {error}")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of a process's files")
@pytest.mark.parametrize("name", ["out.mp4", "out.mkv"])
def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path, name):
    """A limit on the size of files fails as a full disk does: in the middle of a write."""
    command = [sys.executable, "-c", SCRIPT + FULL_DISK, str(tmp_path / name)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.startswith("SinkError: cannot write ")
    assert "larger than that disk or a set limit allows" in done.stdout
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == []


def test_without_room_for_the_rewriting_the_film_is_kept(clips, tmp_path, monkeypatch):
    def fail(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("liveseg.media.video_sink.remux", fail)
    sink = write(tmp_path / "out.mp4", info(), frames(clips, 60))
    assert [clips.number_of(frame.image) for frame in read(tmp_path / "out.mp4")] == list(range(60))
    assert sink.notes == [
        f"{tmp_path / 'out.mp4'} plays, but its index could not be moved to its front: No space left on device"
    ]


KILLED = """
import time
random = np.random.default_rng(0)
sink = VideoSink(sys.argv[1], SourceInfo("x", "video", 96, 64, Fraction(25), Fraction(1, 25)), threads=1)
for number in range(10_000):
    picture = np.full((64, 96, 3), 128, np.uint8)
    for bit in range(12):
        picture[:32, bit * 8 : bit * 8 + 8] = 235 if number >> bit & 1 else 20
    sink.write(Frame(picture, number, number, Fraction(1, 25)))
    if number == 400:
        print("enough", flush=True)
        time.sleep(60)
"""


@pytest.mark.parametrize("name", ["out.mp4", "out.mov", "out.mkv", "out.webm"])
def test_after_a_kill_the_partial_file_plays_to_where_it_came(clips, tmp_path, name):
    command = [sys.executable, "-c", SCRIPT + KILLED, str(tmp_path / name)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        watch = threading.Timer(100, process.kill)
        watch.start()
        assert process.stdout.readline() == "enough\n"
        process.kill()
        watch.cancel()
    partial = partial_path(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == [partial.name]
    shown = [clips.number_of(frame.image) for frame in read(partial)]
    # What may lack is what the encoder looks ahead and one fragment: here four seconds at most.
    assert len(shown) > 300
    assert shown == list(range(len(shown)))


def test_a_source_goes_into_a_sink(clips, tmp_path):
    path = clips.write("in.mkv", 50, time_base=Fraction(1, 1000), pts=[1000 + 33 * n for n in range(50)])
    with (
        VideoSource(path, Selection(start=Fraction(1, 2), every=2)) as source,
        VideoSink(tmp_path / "out.mp4", source.info) as sink,
    ):
        for frame in source:
            sink.write(frame)
    back = read(tmp_path / "out.mp4")
    assert [clips.number_of(frame.image) for frame in back] == list(range(16, 50, 2))
    assert [frame.timestamp for frame in back] == [Fraction(66 * n, 1000) for n in range(17)]


LONG = """
import os, pathlib, resource
from liveseg.media.video_source import VideoSource

def resident():
    return int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()

with VideoSource(sys.argv[1], threads=1) as source:
    with VideoSink(sys.argv[2], source.info, audio_from=sys.argv[1], threads=1) as sink:
        for frame in source:
            sink.write(frame)
            if frame.index == 300:
                early = resident()
        print(frame.index, early, resident())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads the process's size from /proc")
def test_memory_does_not_grow_with_the_length(clips, tmp_path):
    sound = clips.Sound(np.sin(np.arange(48000 * 100) * 0.05) * 0.3)
    path = clips.write("long.mp4", (clips.numbered(number % 4096) for number in range(2500)), sound=sound)
    command = [sys.executable, "-c", SCRIPT + LONG, str(path), str(tmp_path / "out.mp4")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=True)
    last, early, late = (int(word) for word in done.stdout.split())
    assert last == 2499
    assert late < early * 1.05


def test_the_only_frame_of_many_lasts_no_longer_than_its_source(clips, tmp_path):
    path = clips.write("in.mp4", 50)
    selection = Selection(every=1000)
    with VideoSource(path, selection) as source:
        write(tmp_path / "out.mp4", source.info, list(source), selection=selection)
    with av.open(str(path)) as before, av.open(str(tmp_path / "out.mp4")) as after:
        assert after.duration == pytest.approx(before.duration, abs=20_000)
