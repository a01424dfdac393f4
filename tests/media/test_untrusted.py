"""Files that name other files: from somebody unknown they open nothing, and are no videos."""

from __future__ import annotations

import contextlib
import io
import os
import threading
from fractions import Fraction

import av
import pytest
from PIL import Image

from liveseg.errors import MediaError
from liveseg.media.untrusted import Untrusted
from liveseg.media.video_open import open_container, open_video
from liveseg.media.video_sink import VideoSink
from liveseg.media.video_source import VideoSource
from liveseg.server.videos.containers import container_of

TRUST = Untrusted(max_pixels=10_000_000)
pytestmark = pytest.mark.skipif(os.name == "nt", reason="named pipes tell who opens them")


class Canary:
    """A pipe in a folder, and whether anybody opened it to read."""

    def __init__(self, path):
        self.path = path
        self.read = threading.Event()
        os.mkfifo(path)
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self):
        # Returns once somebody reads.
        os.close(os.open(self.path, os.O_WRONLY))
        self.read.set()

    def close(self):
        """Let the watcher go."""
        reader = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
        self._thread.join(10)
        os.close(reader)


@pytest.fixture
def canary(tmp_path):
    watched = Canary(tmp_path / "canary.ts")
    yield watched
    watched.close()


def box(kind, content):
    return (8 + len(content)).to_bytes(4, "big") + kind + content


def with_reference(movie: bytes, path: str) -> bytes:
    """An MP4 whose pictures lie in another file, by QuickTime's alias: its `dref` is replaced, what holds it grows."""
    name = path.encode() + (b"\0" if len(path) % 2 else b"")
    alias = b"\0" * 10 + b"\0" * 28 + b"\0" * 12 + b"\0" * 64 + b"\0" * 16 + b"\0\0\0\0" + b"\0" * 16
    alias += (2).to_bytes(2, "big") + len(name).to_bytes(2, "big") + name + b"\xff\xff\0\0"
    entry = box(b"alis", b"\0\0\0\0" + alias)
    new = box(b"dref", b"\0\0\0\0" + (1).to_bytes(4, "big") + entry)

    def rebuilt(data: bytes) -> bytes:
        out, at = b"", 0
        while at + 8 <= len(data):
            size, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
            content = data[at + 8 : at + size]
            if kind == b"dref":
                out += new
            elif kind in (b"moov", b"trak", b"mdia", b"minf", b"dinf"):
                out += box(kind, rebuilt(content))
            else:
                out += data[at : at + size]
            at += size
        return out

    return rebuilt(movie)


PLAYLIST = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{0}\n#EXT-X-ENDLIST\n"
LIST = "ffconcat version 1.0\nfile {0}\n"
DESCRIPTION = "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n"


@pytest.fixture
def hostile(tmp_path, samples, canary):
    """`hostile(kind, name)`: a file of a kind that names the canary."""

    def make(kind, name):
        path = tmp_path / name
        if kind == "movie":
            plain = tmp_path / "plain.mp4"
            with av.open(str(samples / "video_1.mp4")) as source, av.open(str(plain), "w") as to:
                shown = source.streams.video[0]
                track = to.add_stream_from_template(shown)
                for packet in source.demux(shown):
                    if packet.dts is not None:
                        packet.stream = track
                        to.mux(packet)
            path.write_bytes(with_reference(plain.read_bytes(), str(canary.path)))
        else:
            form = {"playlist": PLAYLIST, "list": LIST, "description": DESCRIPTION}[kind]
            path.write_text(form.format(canary.path.name))
        return path

    return make


OPENS = {
    "movie": {"enable_drefs": "1", "use_absolute_path": "1"},
    "playlist": {},
    "list": {},
}
"""What FFmpeg has to be told, by kind, to open what the file names."""


@pytest.mark.parametrize("kind", OPENS)
def test_these_files_do_open_others_where_nothing_forbids_it(hostile, canary, kind):
    """Else the tests below would prove nothing."""
    path = hostile(kind, f"bait.{'m3u8' if kind == 'playlist' else 'mp4'}")
    options = {"protocol_whitelist": "file", **OPENS[kind]}
    # The pipe gives nothing; that it was opened is what counts.
    with (
        contextlib.suppress(av.FFmpegError, OSError, IndexError, ValueError),
        av.open(f"file:{path}", container_options=options) as container,
    ):
        next(container.decode(video=0), None)
    assert canary.read.wait(5)


@pytest.mark.parametrize("name", ["bait.mp4", "bait.m3u8", "upload"])
@pytest.mark.parametrize("kind", ["movie", "playlist", "list", "description"])
def test_a_file_from_somebody_unknown_opens_no_other(hostile, canary, kind, name):
    path = hostile(kind, name)
    if kind == "movie":
        with VideoSource(path, opener=lambda: open_video(path, TRUST)) as source:
            assert list(source) == []
    else:
        with pytest.raises(MediaError, match=r"none of the kinds of video|not a video"):
            open_video(path, TRUST)
    assert not canary.read.is_set()


def test_nor_does_its_sound(hostile, canary, tmp_path, samples):
    path = hostile("playlist", "bait.mp4")
    with VideoSource(samples / "video_1.mp4") as source:
        sink = VideoSink(tmp_path / "out.mp4", source.info, audio_from=path, untrusted=TRUST)
        sink.abort()
    assert any("the sound is left out" in note for note in sink.notes)
    assert not canary.read.is_set()


@pytest.mark.parametrize(
    ("name", "codec", "pixels"),
    [
        ("a.mp4", "libx264", "yuv420p"),
        ("a.mov", "prores_ks", "yuv422p10le"),
        ("a.mkv", "libx265", "yuv420p"),
        ("a.webm", "libvpx-vp9", "yuv420p"),
        ("a.avi", "mpeg4", "yuv420p"),
        ("a.ts", "libx264", "yuv420p"),
        ("a.mpg", "mpeg2video", "yuv420p"),
        ("a.flv", "flv", "yuv420p"),
        ("a.wmv", "wmv2", "yuv420p"),
        ("a.gif", "gif", "rgb8"),
    ],
)
def test_what_people_have_is_taken(clips, tmp_path, name, codec, pixels):
    path = tmp_path / name
    with av.open(str(path), "w") as to:
        track = to.add_stream(codec, rate=25, width=96, height=64, pix_fmt=pixels)
        for number in range(5):
            to.mux(track.encode(av.VideoFrame.from_ndarray(clips.numbered(number)).reformat(96, 64, pixels)))
        to.mux(track.encode(None))
    with VideoSource(path, opener=lambda: open_video(path, TRUST)) as source:
        assert len(list(source)) == 5
    with path.open("rb") as file:
        assert container_of(file.read(1024)) is not None


def test_a_picture_that_is_too_large_is_refused_before_it_is_decoded(samples, monkeypatch):
    with pytest.raises(MediaError, match=r"480x360, and at most 1000 pixels are taken"):
        open_video(samples / "video_1.mp4", Untrusted(max_pixels=1000))


def test_a_stream_that_grows_later_is_held_to_it_too(tmp_path):
    """MJPEG says its size in each picture."""
    path = tmp_path / "grows.avi"
    with av.open(str(path), "w") as to:
        track = to.add_stream("mjpeg", rate=10, width=64, height=48, pix_fmt="yuvj420p")
        for number, size in enumerate([(64, 48), (64, 48), (2000, 1500)]):
            file = io.BytesIO()
            Image.new("RGB", size).save(file, "JPEG")
            packet = av.Packet(file.getvalue())
            packet.stream, packet.time_base, packet.pts, packet.dts = track, Fraction(1, 10), number, number
            to.mux(packet)

    def widths(trust):
        container, stream = open_video(path, trust)
        found = []
        with container, contextlib.suppress(av.FFmpegError):
            found += [frame.width for frame in container.decode(stream)]
        return set(found)

    assert widths(TRUST) == {64, 2000}
    assert 2000 not in widths(Untrusted(max_pixels=100_000))


def test_a_decoder_that_is_not_on_the_list_is_not_run(samples, monkeypatch):
    monkeypatch.setattr("liveseg.media.untrusted.CODECS", frozenset({"vp9"}))
    with pytest.raises(MediaError, match="h264, which is not taken here"):
        open_video(samples / "video_1.mp4", TRUST)


def test_own_files_are_opened_as_before(samples):
    with open_container(samples / "video_1.mp4") as container:
        assert container.streams.video
