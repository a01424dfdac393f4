"""What is not a video is refused in one line that says what it is."""

import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import av
import numpy as np
import pytest

from liveseg.errors import MediaError, SourceNotFoundError
from liveseg.media.video_source import VideoSource


def refusal(path):
    with pytest.raises(MediaError) as caught:
        VideoSource(path)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    return message


def test_a_missing_file(tmp_path):
    with pytest.raises(SourceNotFoundError, match=r"^no such file: .*nothing\.mp4$"):
        VideoSource(tmp_path / "nothing.mp4")


def test_a_folder(tmp_path):
    assert "is a folder" in refusal(tmp_path)


def test_an_empty_file(tmp_path):
    path = tmp_path / "empty.mp4"
    path.touch()
    assert "is empty (0 bytes)" in refusal(path)


@pytest.mark.parametrize("name", ["notes.txt", "notes.mp4", "notes.ans"])
def test_text(tmp_path, name):
    path = tmp_path / name
    path.write_text("Dear diary,\n" * 200, encoding="utf-8")
    assert "is not a video" in refusal(path)


@pytest.mark.parametrize("name", ["picture.png", "picture.mp4", "picture.jpg"])
def test_a_picture(tmp_path, name):
    path = tmp_path / name
    frame = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), "rgb24")
    made = tmp_path / ("made.jpg" if name.endswith("jpg") else "made.png")
    frame.save(str(made))
    made.rename(path)
    assert "is not a video but a picture" in refusal(path)


def test_noise(tmp_path):
    path = tmp_path / "noise.mp4"
    path.write_bytes(np.random.default_rng(0).bytes(50_000))
    assert "is not a video" in refusal(path)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="needs a user who may not read everything")
def test_a_file_that_may_not_be_read(clips):
    path = clips.write("secret.mp4", 2)
    path.chmod(0)
    assert "not allowed to read" in refusal(path)


def test_a_file_cut_off_before_its_index_says_so(clips):
    """MP4 as cameras write it has its index last; without it there is nothing to decode with."""
    path = clips.write("cut.mp4", 30)
    whole = path.read_bytes()
    assert whole.rindex(b"moov") > whole.rindex(b"mdat")
    path.write_bytes(whole[: whole.rindex(b"moov") - 200])
    assert "cut off before its index (the moov box)" in refusal(path)


def _sound_file(path, cover=False):
    with av.open(str(path), "w") as container:
        track = container.add_stream("libmp3lame" if path.suffix == ".mp3" else "aac", rate=44100, layout="mono")
        picture = None
        if cover:
            picture = container.add_stream("png", rate=1, width=64, height=48, pix_fmt="rgb24")
            picture.disposition = 1 << 10  # attached_pic
        if picture is not None:
            frame = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), "rgb24")
            container.mux(picture.encode(frame))
            container.mux(picture.encode(None))
        for start in range(0, 44100, 1152):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1152), np.float32), "fltp", "mono")
            frame.sample_rate, frame.pts = 44100, start
            container.mux(track.encode(frame))
        container.mux(track.encode(None))
    return path


@pytest.mark.parametrize("name", ["sound.mp3", "sound.m4a"])
def test_sound_alone(tmp_path, name):
    assert "holds only sound;" in refusal(_sound_file(tmp_path / name))


def test_sound_with_a_cover_picture(tmp_path):
    assert "holds only sound and a cover picture;" in refusal(_sound_file(tmp_path / "album.mp3", cover=True))


def test_a_cover_picture_beside_a_video_is_not_the_video(clips, tmp_path):
    path = tmp_path / "covered.mp4"
    with av.open(str(path), "w") as container:
        cover = container.add_stream("png", rate=1, width=640, height=480, pix_fmt="rgb24")
        cover.disposition = 1 << 10
        video = container.add_stream("libx264", rate=25, width=96, height=64, pix_fmt="yuv420p")
        container.mux(cover.encode(av.VideoFrame.from_ndarray(np.zeros((480, 640, 3), np.uint8), "rgb24")))
        container.mux(cover.encode(None))
        for number in range(5):
            container.mux(video.encode(av.VideoFrame.from_ndarray(clips.numbered(number), "rgb24")))
        container.mux(video.encode(None))
    with VideoSource(path) as source:
        assert [clips.number_of(frame.image) for frame in source] == list(range(5))


def _without_frames(path):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, width=96, height=64, pix_fmt="yuv420p")
        container.start_encoding()
        container.mux(stream.encode(None))
    return path


def test_a_file_of_a_header_alone(tmp_path):
    assert "ends before its first picture" in refusal(_without_frames(tmp_path / "none.mkv"))


def test_a_video_without_frames_gives_none(tmp_path):
    path = _without_frames(tmp_path / "none.avi")
    with VideoSource(path) as source:
        assert list(source) == []
        assert source.info.frame_count == 0


def test_a_name_that_looks_like_an_address_is_a_file(clips, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    clips.write("clip.mp4", 3).rename(tmp_path / "rtmp:clip.mp4")
    with VideoSource("rtmp:clip.mp4") as source:
        assert len(list(source)) == 3


class _Asked(BaseHTTPRequestHandler):
    """Notes what it is asked for, and has nothing."""

    asked: ClassVar[list[str]] = []

    def do_GET(self):
        self.asked.append(self.path)
        self.send_error(404)

    def log_message(self, *_):
        """Keep quiet."""


def test_a_playlist_reaches_no_network(tmp_path):
    """A file that a user was sent must not call home."""
    path = tmp_path / "list.m3u8"
    with ThreadingHTTPServer(("127.0.0.1", 0), _Asked) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/a.ts"
        text = f"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n{address}\n#EXT-X-ENDLIST\n"
        path.write_text(text, encoding="utf-8")
        refusal(path)
        server.shutdown()
    assert _Asked.asked == []


def test_a_name_with_letters_of_all_kinds(clips):
    path = clips.write("clip.mp4", 3).rename(clips.folder / "Übung № 1 100% [ж].v2.mp4")
    with VideoSource(path) as source:
        assert len(list(source)) == 3
        assert source.info.name == str(path)


def test_tags_that_are_no_text_do_not_matter(clips):
    path = clips.write("clip.avi", 3)
    data = path.read_bytes()
    at = data.index(b"Lavf")
    path.write_bytes(data[:at] + b"\xff\xfe\xfd\xfc" + data[at + 4 :])
    with VideoSource(path) as source:
        assert len(list(source)) == 3
