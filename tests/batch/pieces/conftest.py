"""Short clips of every kind that is cut, or is not to be cut; made on the spot."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

FRAMES = 72
RATE = 12
SIZE = (96, 64)
GROUP = 12
PHOTO = Path(__file__).parents[3] / "input" / "image_1.jpg"


def pictures(count: int = FRAMES, size: tuple[int, int] = SIZE):
    """A photo that is panned over, and a bright square: each differs from the last one, and has something in it."""
    width, height = size
    with Image.open(PHOTO) as photo:
        ground = np.array(photo.convert("RGB").resize((width + 40, height + 24)))
    for number in range(count):
        right, down = (round(20 + 20 * np.sin(number / 9)), round(12 + 12 * np.cos(number / 7)))
        picture = ground[down : down + height, right : right + width].copy()
        left = 3 * number % (width - 20)
        picture[2:14, left : left + 20] = (230, 40 + 2 * number % 200, 60)
        yield picture


def write(
    path: Path,
    codec: str,
    *,
    options: dict[str, str] | None = None,
    pix_fmt: str = "yuv420p",
    count: int = FRAMES,
    pts: list[int] | None = None,
    time_base: Fraction | None = None,
    b_frames: int | None = None,
    sound: str | None = None,
    size: tuple[int, int] = SIZE,
    rotation: float | None = None,
    flags: int = 0,
    group: int = GROUP,
) -> Path:
    """A clip; with `sound`, that codec's, of a tone that rises."""
    time_base = time_base or Fraction(1, RATE)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=RATE, options=options or {}, time_base=time_base)
        stream.pix_fmt = pix_fmt
        stream.width, stream.height = size
        stream.codec_context.gop_size = group
        stream.codec_context.flags |= flags
        if b_frames is not None:
            stream.codec_context.max_b_frames = b_frames
        if rotation is not None:
            stream.set_display_rotation(rotation)
        track = container.add_stream(sound, rate=44100, layout="mono") if sound else None
        container.start_encoding()
        for number, picture in enumerate(pictures(count, size)):
            frame = av.VideoFrame.from_ndarray(picture, "rgb24").reformat(format=pix_fmt)
            frame.pts = round(number / RATE / time_base) if pts is None else pts[number]
            frame.time_base = time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if track is not None:
            seconds = np.arange(int(44100 * count / RATE)) / 44100
            samples = (0.4 * np.sin(2000 * seconds**2)).astype(np.float32)
            for start in range(0, len(samples), 1024):
                piece = av.AudioFrame.from_ndarray(samples[None, start : start + 1024], "fltp", "mono")
                piece.sample_rate, piece.time_base, piece.pts = 44100, Fraction(1, 44100), start
                container.mux(track.encode(piece))
            container.mux(track.encode(None))
    return path


def shifted(source: Path, target: Path, seconds: Fraction) -> Path:
    """The same packets earlier or later: where that is before 0, an edit list hides what is."""
    with av.open(str(source)) as reading, av.open(str(target), "w") as writing:
        track = writing.add_stream_from_template(reading.streams.video[0], opaque=True)
        for packet in reading.demux(video=0):
            if packet.size:
                moved = round(seconds / packet.time_base)
                packet.pts, packet.dts = packet.pts + moved, packet.dts + moved
                packet.stream = track
                writing.mux(packet)
    return target


@pytest.fixture(scope="session")
def clip(tmp_path_factory):
    """`clip(kind)`: a clip of that kind, made once."""
    folder = tmp_path_factory.mktemp("pieces")
    made: dict[str, Path] = {}

    def of(kind: str) -> Path:
        if kind not in made:
            made[kind] = MAKERS[kind](folder)
        return made[kind]

    return of


_OPEN = "open-gop=1:keyint=12:min-keyint=12:bframes=3:b-adapt=0:scenecut=0"


def _open(path: Path) -> Path:
    return write(path, "libx264", options={"x264-params": _OPEN})


_UNEVEN = np.cumsum([0, *np.random.default_rng(2).integers(20, 190, FRAMES - 1)]).tolist()
_INTERLACED = 1 << 18

MAKERS = {
    "closed": lambda at: write(at / "closed.mp4", "libx264", b_frames=2, options={"preset": "veryfast"}),
    "open": lambda at: _open(at / "open.mp4"),
    "open in Matroska": lambda at: _open(at / "open.mkv"),
    "HEVC": lambda at: write(
        at / "hevc.mp4",
        "libx265",
        options={"preset": "ultrafast", "x265-params": f"{_OPEN}:log-level=none:pools=1:frame-threads=1"},
    ),
    "intra refresh": lambda at: write(
        at / "refresh.mp4", "libx264", options={"x264-params": "intra-refresh=1:keyint=12:bframes=0"}
    ),
    "VP9": lambda at: write(
        at / "vp9.webm", "libvpx-vp9", options={"auto-alt-ref": "1", "lag-in-frames": "12", "cpu-used": "8", "b": "90k"}
    ),
    "MPEG-4": lambda at: write(at / "mpeg4.mp4", "mpeg4", b_frames=2),
    "MPEG-4 in AVI": lambda at: write(at / "plain.avi", "mpeg4", b_frames=0),
    "B-frames in AVI": lambda at: write(at / "b.avi", "mpeg4", b_frames=2),
    "MPEG-2": lambda at: write(at / "mpeg2.mkv", "mpeg2video", b_frames=2),
    "intra only": lambda at: write(at / "intra.avi", "mjpeg", pix_fmt="yuvj420p"),
    "interlaced": lambda at: write(
        at / "interlaced.mkv", "libx264", options={"x264-params": "tff=1:keyint=12:bframes=2"}, flags=_INTERLACED
    ),
    "uneven": lambda at: write(
        at / "uneven.mp4", "libx264", b_frames=2, pts=_UNEVEN, time_base=Fraction(1, 1000), options={"preset": "fast"}
    ),
    "edit list": lambda at: shifted(_open(at / "to edit.mp4"), at / "edited.mp4", Fraction(-3, 2)),
    "later": lambda at: shifted(_open(at / "to delay.mp4"), at / "later.mkv", Fraction(11)),
    "rotated": lambda at: write(at / "rotated.mp4", "libx264", rotation=90, options={"preset": "ultrafast"}),
    "one key frame": lambda at: write(at / "one.mkv", "libx264", group=600, options={"preset": "veryfast"}),
    "one in MP4": lambda at: write(at / "one.mp4", "libx264", group=600, options={"preset": "veryfast"}),
    "with sound": lambda at: write(
        at / "sound.mp4", "libx264", b_frames=2, sound="aac", options={"preset": "veryfast"}, size=(128, 96)
    ),
    "transport stream": lambda at: write(at / "stream.ts", "libx264", b_frames=2),
}
