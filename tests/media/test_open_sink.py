"""What `-o` says is what is opened."""

import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from liveseg.errors import UsageError
from liveseg.media import open_sink as open_sink_module
from liveseg.media.frame import Frame, Selection, SourceInfo
from liveseg.media.image_sink import ImageSink
from liveseg.media.mjpeg_sink import MjpegSink
from liveseg.media.open_sink import SinkOptions, open_sink, shown_target, target_kind
from liveseg.media.push_sink import FORMATS, PushSink
from liveseg.media.raw_sink import RawSink
from liveseg.media.segment_sink import SegmentSink
from liveseg.media.video_sink import VideoSink
from liveseg.media.video_source import VideoSource

VIDEO = SourceInfo("the clip", "video", 96, 64, Fraction(25), Fraction(1, 25))
IMAGE = SourceInfo("the photo", "image", 96, 64)


@pytest.mark.parametrize(
    ("target", "kind"),
    [
        ("out.mp4", "file"),
        (r"C:\clips\out.mp4", "file"),
        ("C:/clips/out.mp4", "file"),
        ("a:b.mp4", "file"),
        ("0", "file"),
        ("camera", "file"),
        ("outputs/", "file"),
        ("-", "raw"),
        ("camera:", "camera"),
        ("camera:///dev/video3", "camera"),
        ("/dev/video3", "camera"),
        ("http://127.0.0.1:8080/", "web"),
        ("https://127.0.0.1:8080/", "web"),
        *((f"{scheme}://host/x", "push") for scheme in FORMATS),
        ("RTSP://host/x", "push"),
    ],
)
def test_a_target_is_known_by_its_form(target, kind):
    assert target_kind(target) == kind


def test_the_schemes_are_said_twice_and_the_same():
    """Once where no codec library is loaded to know them."""
    assert set(FORMATS) == open_sink_module._PUSHED


def test_an_unknown_scheme_is_one_line_that_names_the_known_ones():
    with pytest.raises(
        UsageError, match=r"nothing can be sent to ftp://; known are http://, rtmp://, .*, camera: and -"
    ):
        open_sink("ftp://me:secret@host/x", VIDEO)


def test_files_are_of_the_kind_of_their_source(tmp_path):
    sinks = [
        open_sink(str(tmp_path / "out.mp4"), VIDEO),
        open_sink(str(tmp_path / "out.png"), IMAGE),
        open_sink(str(tmp_path / "seg.mp4"), VIDEO, SinkOptions(segment=Fraction(5))),
    ]
    assert [type(sink) for sink in sinks] == [VideoSink, ImageSink, SegmentSink]
    for sink in sinks:
        sink.abort()
    assert list(tmp_path.iterdir()) == []


def test_streams_are_of_the_kind_of_their_address(monkeypatch, tmp_path):
    with (tmp_path / "stdout").open("w", encoding="utf-8") as file:
        monkeypatch.setattr(sys, "stdout", file)
        assert isinstance(open_sink("-", VIDEO), RawSink)
    for target, kind in (("http://127.0.0.1:0", MjpegSink), ("udp://127.0.0.1:9", PushSink)):
        sink = open_sink(target, VIDEO)
        assert isinstance(sink, kind)
        sink.abort()


def test_the_options_reach_a_video_file(clips, tmp_path):
    source = clips.write("in.mp4", 20, sound=clips.Sound(clips.clicks([0.2], 0.8)))
    target = tmp_path / "out" / "out.mkv"
    options = SinkOptions(
        codec="libx265", crf=30, preset="ultrafast", threads=1, audio_from=source, selection=Selection(), overwrite=True
    )
    for _ in range(2):
        with VideoSource(source) as opened, open_sink(str(target), opened.info, options) as sink:
            for frame in opened:
                sink.write(frame)
    with VideoSource(target) as back:
        assert len(list(back)) == 20
    assert clips.click_times(target) == [pytest.approx(0.2, abs=0.02)]
    assert b"HEVC" in target.read_bytes()


def test_an_image_goes_into_a_file_and_not_into_a_stream(tmp_path):
    with open_sink(str(tmp_path / "out.png"), IMAGE) as sink:
        sink.write(Frame(np.full((64, 96, 3), 7, np.uint8)))
    assert (np.asarray(Image.open(tmp_path / "out.png")) == 7).all()
    for target in ("http://127.0.0.1:0/", "rtmp://127.0.0.1:9/a/b", "camera:"):
        with pytest.raises(UsageError, match="the photo is an image, which cannot be streamed; name a file with -o"):
            open_sink(target, IMAGE)


@pytest.mark.parametrize("target", ["-", "http://127.0.0.1:0/", "rtmp://127.0.0.1:9/a/b", "camera:"])
def test_what_is_no_file_is_not_cut(target):
    with pytest.raises(UsageError, match="--segment cuts files; name one with -o"):
        open_sink(target, VIDEO, SinkOptions(segment=Fraction(10)))


@pytest.mark.parametrize("target", ["-", "http://127.0.0.1:0/", "camera:"])
@pytest.mark.parametrize(("name", "value"), [("codec", "libx264"), ("crf", 0), ("preset", "slow")])
def test_what_is_not_encoded_takes_no_option_of_an_encoder(target, name, value):
    with pytest.raises(UsageError, match=f"--{name} is for encoded video; leave it out, or name a file with -o"):
        open_sink(target, VIDEO, SinkOptions(**{name: value}))


def test_another_codec_is_not_pushed():
    with pytest.raises(UsageError, match=r"what is pushed is H\.264; leave out --codec libx265"):
        open_sink("rtmp://127.0.0.1:9/a/b", VIDEO, SinkOptions(codec="libx265"))


def test_an_address_that_cannot_be_read_keeps_its_secret():
    with pytest.raises(UsageError) as failure:
        open_sink("rtsp://me:sec#ret@host:99/x", VIDEO)
    assert "sec" not in str(failure.value)


@pytest.mark.parametrize("target", ["out.mp4", "-", "camera:///dev/video3", "http://:0/cam", "udp://127.0.0.1:9"])
def test_what_holds_no_secret_is_shown_as_it_is(target):
    assert shown_target(target) == target


def test_a_target_is_shown_without_its_secrets():
    assert shown_target("rtsp://me:secret@host:99/x") == "rtsp://host:99/x"
    assert shown_target("http://me:secret@host:99/x") == "http://host:99/x"


def test_asking_what_a_target_is_imports_nothing_heavy():
    code = (
        "import sys; from liveseg.media.open_sink import target_kind;"
        " print([name for name in ('av', 'cv2', 'http.server') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[]\n"
