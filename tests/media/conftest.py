"""Short clips made on the spot, each frame of which can be recognised, and what is needed to look into files."""

from __future__ import annotations

import contextlib
from fractions import Fraction
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

SIZE = (96, 64)
_BITS = 12


def numbered(number: int, size: tuple[int, int] = SIZE, noisy: bool = False) -> np.ndarray:
    """A picture `(H, W, 3)` whose upper half spells a number in black and white bars; below it is grey or noise."""
    width, height = size
    picture = np.full((height, width, 3), 128, np.uint8)
    if noisy:
        picture[:] = np.random.default_rng(number).integers(0, 256, (height, width, 1), np.uint8)
    for bit in range(_BITS):
        picture[: height // 2, bit * width // _BITS : (bit + 1) * width // _BITS] = 235 if number >> bit & 1 else 20
    return picture


def number_of(picture: np.ndarray) -> int:
    """The number that `numbered` wrote, read back from an encoded and decoded picture."""
    height, width = picture.shape[:2]
    columns = [(2 * bit + 1) * width // (2 * _BITS) for bit in range(_BITS)]
    return sum(1 << bit for bit, column in enumerate(columns) if picture[height // 4, column].mean() > 127)


def planes_frame(planes: Sequence[np.ndarray], pix_fmt: str = "yuv420p") -> av.VideoFrame:
    """A frame from its planes, as they are."""
    height, width = planes[0].shape
    frame = av.VideoFrame(width, height, pix_fmt)
    for plane, values in zip(frame.planes, planes, strict=True):
        rows = np.frombuffer(plane, values.dtype).reshape(plane.height, -1)
        rows[:, : values.shape[1]] = values
    return frame


class Sound:
    """Sound to go with a clip: samples `(N,)` in -1 to 1, mono."""

    def __init__(
        self, samples: np.ndarray, rate: int = 48000, codec: str = "aac", start: Fraction = Fraction(0)
    ) -> None:
        self.samples = samples.astype(np.float32)
        self.rate = rate
        self.codec = codec
        self.start = start


def write_clip(
    path: Path,
    pictures: Iterable[np.ndarray | av.VideoFrame],
    *,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    rate: Fraction | int = 25,
    time_base: Fraction | None = None,
    pts: Sequence[int] | None = None,
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    tags: dict[str, int] | None = None,
    aspect: Fraction | None = None,
    rotation: float | None = None,
    mirrored: bool = False,
    gop: int = 12,
    sound: Sound | None = None,
) -> Path:
    """Write a clip: pictures as `(H, W, 3)` RGB, taken to BT.601 limited, or as frames that go in as they are."""
    pictures = iter(pictures)
    first = next(pictures, None)
    with av.open(str(path), "w", container_options=container_options or {}) as container:
        time_base = time_base or 1 / Fraction(rate)
        stream = container.add_stream(codec, rate=Fraction(rate), options=options or {}, time_base=time_base)
        stream.pix_fmt = pix_fmt
        stream.width, stream.height = SIZE
        if isinstance(first, np.ndarray):
            stream.height, stream.width = first.shape[:2]
        elif first is not None:
            stream.width, stream.height = first.width, first.height
        stream.codec_context.gop_size = gop
        for name, value in (tags or {}).items():
            setattr(stream.codec_context, name, value)
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = aspect
        if rotation is not None or mirrored:
            stream.set_display_rotation(rotation or 0, hflip=mirrored)
        track = None
        if sound is not None:
            track = container.add_stream(sound.codec, rate=sound.rate, layout="mono")
        container.start_encoding()
        converter = VideoReformatter()
        step = max(round(1 / (rate * time_base)), 1)
        for number, picture in enumerate([] if first is None else _chain(first, pictures)):
            frame = _to_frame(converter, picture, pix_fmt)
            frame.pts = number * step if pts is None else pts[number]
            frame.time_base = time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if sound is not None and track is not None:
            for start in range(0, len(sound.samples), 1024):
                piece = av.AudioFrame.from_ndarray(sound.samples[None, start : start + 1024], "fltp", "mono")
                piece.sample_rate = sound.rate
                piece.time_base = Fraction(1, sound.rate)
                piece.pts = start + round(sound.start * sound.rate)
                container.mux(track.encode(piece))
            container.mux(track.encode(None))
    return path


def _chain(first, rest):
    yield first
    yield from rest


def _to_frame(converter: VideoReformatter, picture: np.ndarray | av.VideoFrame, pix_fmt: str) -> av.VideoFrame:
    if isinstance(picture, av.VideoFrame):
        return picture
    return converter.reformat(
        av.VideoFrame.from_ndarray(picture, "rgb24"),
        format=pix_fmt,
        src_color_range=ColorRange.JPEG,
        dst_colorspace=Colorspace.ITU601,
        dst_color_range=ColorRange.MPEG,
    )


def packets_of(path: Path, kind: str = "video") -> list[tuple[Fraction, Fraction, Fraction, bytes]]:
    """The packets of the first stream of a kind: times in seconds for showing and decoding, length, bytes."""
    with av.open(str(path)) as container:
        stream = getattr(container.streams, kind)[0]
        return [
            (
                packet.pts * packet.time_base,
                packet.dts * packet.time_base,
                packet.duration * packet.time_base,
                bytes(packet),
            )
            for packet in container.demux(stream)
            if packet.pts is not None and packet.dts is not None
        ]


def _decoded(container, stream):
    for packet in container.demux(stream):
        with contextlib.suppress(av.FFmpegError):  # damage is left out, as players do
            yield from packet.decode()


def samples_of(path: Path) -> tuple[np.ndarray, int]:
    """All sound of a file as a player has it, mono, from time 0 on, and its rate."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        rate = stream.rate
        sound = np.zeros(0, np.float32)
        for frame in _decoded(container, stream):
            samples = frame.to_ndarray().astype(np.float32)
            if frame.format.name.startswith("s16"):
                samples /= 32768
            if frame.format.is_packed:
                samples = samples.reshape(-1, frame.layout.nb_channels).T
            start = round(frame.pts * frame.time_base * rate)
            end = start + samples.shape[1]
            if end > len(sound):
                sound = np.pad(sound, (0, end - len(sound)))
            if start < 0:
                samples, start = samples[:, -start:], 0
            sound[start:end] = samples[0]
        return sound, rate


def clicks(times: Iterable[float], seconds: float, rate: int = 48000) -> np.ndarray:
    """Silence with a short loud burst beginning at each of the times, in seconds."""
    sound = np.zeros(round(seconds * rate))
    burst = 0.8 * np.sin(np.arange(rate // 100) * 2 * np.pi * 1000 / rate)
    for time in times:
        at = round(time * rate)
        sound[at : at + len(burst)] = burst[: max(len(sound) - at, 0)]
    return sound


def click_times(path: Path) -> list[float]:
    """When the bursts of a file's sound begin, in seconds."""
    sound, rate = samples_of(path)
    loud = np.flatnonzero(np.abs(sound) > 0.25)
    if not len(loud):
        return []
    begins = np.flatnonzero(np.diff(loud, prepend=-rate) > rate // 20)
    return [float(loud[at]) / rate for at in begins]


def boxes(path: Path) -> list[str]:
    """The kinds of the boxes at the top level of an MP4 file, in order."""
    data, at, kinds = path.read_bytes(), 0, []
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        kinds.append(data[at + 4 : at + 8].decode())
        at += size
    return kinds


class Clips:
    """The helpers of this file, for tests to use as `clips.write(...)`."""

    Sound = Sound
    size = SIZE
    numbered = staticmethod(numbered)
    number_of = staticmethod(number_of)
    planes_frame = staticmethod(planes_frame)
    boxes = staticmethod(boxes)
    packets_of = staticmethod(packets_of)
    samples_of = staticmethod(samples_of)
    clicks = staticmethod(clicks)
    click_times = staticmethod(click_times)
    write_to = staticmethod(write_clip)

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(
        self,
        name: str,
        pictures: int | Iterable[np.ndarray | av.VideoFrame] = 30,
        *,
        noisy: bool = False,
        **how: object,
    ) -> Path:
        """A clip of that name; for a number, of that many numbered pictures, with noise to make it large."""
        if isinstance(pictures, int):
            pictures = [numbered(number, noisy=noisy) for number in range(pictures)]
        return write_clip(self.folder / name, pictures, **how)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The test's own folder, made the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def touch(here: Path) -> Callable[..., None]:
    """`touch(*names)`: makes empty files in the test's own folder, the current one, and the folders they stand in."""

    def make(*names: str) -> None:
        for name in names:
            path = here / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()

    return make


@pytest.fixture
def clips(tmp_path: Path) -> Clips:
    """Makes clips in the test's own folder."""
    return Clips(tmp_path)
