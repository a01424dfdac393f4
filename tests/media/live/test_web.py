"""Files and finished playlists on a web server are read as files are: each frame, with a start, to the end."""

import threading
import time
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from liveseg.errors import MediaError
from liveseg.media.address import parse_address
from liveseg.media.frame import Selection
from liveseg.media.live.open import open_live
from liveseg.media.live.options import LiveOptions
from liveseg.media.live.paced import Paced
from liveseg.media.video_source import VideoSource


def opened(server, path, selection=None, **options):
    return open_live(parse_address(server.url(path)), selection=selection, options=LiveOptions(**options))


def test_a_file_gives_what_it_gives_from_the_disk(http_server, samples):
    with opened(http_server, "clip.mp4") as source, VideoSource(samples / "video_1.mp4") as file:
        assert (source.info.rate, source.info.frame_count, source.info.duration) == (
            file.info.rate, file.info.frame_count, file.info.duration,
        )  # fmt: skip
        for ours, theirs in zip(source, file, strict=True):
            assert (ours.index, ours.timestamp) == (theirs.index, theirs.timestamp)
            assert (ours.image == theirs.image).all()
    assert source.notes == []


@pytest.mark.parametrize("path", ["clip.mp4", "vod/index.m3u8"])
def test_a_start_is_exact_over_the_network_too(http_server, samples, path):
    selection = Selection(start=Fraction(73, 25), limit=5)
    with opened(http_server, path, selection) as source, VideoSource(samples / "video_1.mp4", selection) as file:
        assert [frame.image.tobytes() for frame in source] == [frame.image.tobytes() for frame in file]


def test_in_real_time_a_file_plays_at_its_own_pace(http_server):
    began = time.monotonic()
    with opened(http_server, "clip.mp4", Selection(limit=20), every_frame=False) as source:
        assert isinstance(source, Paced)
        frames = list(source)
    assert time.monotonic() - began > 0.7
    assert all(frame.arrived is not None for frame in frames)


class Half(BaseHTTPRequestHandler):
    """Sends the first half of what it has, then nothing more, and keeps the connection."""

    data = b""
    released = threading.Event()

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.data)))
        self.end_headers()
        self.wfile.write(self.data[: len(self.data) // 2])
        self.released.wait(60)

    def log_message(self, *_):
        """Keep quiet."""


@pytest.fixture
def half(clips):
    """The address of a video of which only the first half comes."""
    Half.data = clips.write("clip.mkv", 60, noisy=True).read_bytes()
    Half.released.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Half) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/clip.mkv"
        Half.released.set()
        server.shutdown()


def test_a_server_that_stops_sending_is_not_waited_for_longer_than_the_time_out(half):
    with open_live(parse_address(half), options=LiveOptions(timeout=0.5, reconnect=0)) as source:
        frames = list(source)
    assert 0 < len(frames) < 60
    assert any("ends after" in note for note in source.notes)


def test_an_end_asked_for_by_another_thread_stops_the_waiting_without_calling_it_damage(half):
    with open_live(parse_address(half), options=LiveOptions(timeout=60)) as source:
        threading.Timer(0.5, source.end).start()
        began = time.monotonic()
        assert 0 < len(list(source)) < 60
        assert time.monotonic() - began < 20
    assert source.notes == []


def test_a_picture_is_no_video(http_server, tmp_path, samples, clips):
    class Picture(Half):
        data = (samples / "image_1.jpg").read_bytes() * 2  # of which half is sent

    Half.released.set()
    with ThreadingHTTPServer(("127.0.0.1", 0), Picture) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = parse_address(f"http://127.0.0.1:{server.server_port}/image.jpg")
        with pytest.raises(MediaError, match=r"image\.jpg is not a video but a picture"):
            open_live(address, options=LiveOptions(timeout=2))
        server.shutdown()
