"""Photos and clips of their own for a benchmark, made of the samples: the same ones from the same seed."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
from PIL import Image, ImageEnhance, ImageOps

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from av.container import InputContainer, OutputContainer

SAMPLES = Path(__file__).parents[2] / "input"
_FORMATS = ("jpg", "jpg", "jpg", "png", "webp")


def make_photos(folder: Path, count: int, *, seed: int, photos: Sequence[Path] = ()) -> list[Path]:
    """Write photos: parts of the samples, and of others, at another size, mirrored, lighter or darker."""
    folder.mkdir(parents=True, exist_ok=True)
    sources = []
    for path in [SAMPLES / "image_1.jpg", SAMPLES / "image_2.jpg", *photos]:
        with Image.open(path) as image:
            sources.append(ImageOps.exif_transpose(image).convert("RGB"))
    made = []
    for number in range(count):
        random = np.random.default_rng([seed, number])
        picture = _varied(sources[number % len(sources)], random)
        made.append(folder / f"photo_{number:05}.{_FORMATS[number % len(_FORMATS)]}")
        picture.save(made[-1], quality=int(random.integers(60, 96)))
    return made


def _varied(source: Image.Image, random: np.random.Generator) -> Image.Image:
    share = random.uniform(0.3, 1.0, 2)
    width, height = (max(int(side * part), 32) for side, part in zip(source.size, share, strict=True))
    left = int(random.integers(0, source.width - width + 1))
    top = int(random.integers(0, source.height - height + 1))
    part = source.crop((left, top, left + width, top + height))
    longer = int(random.integers(96, 641))
    scale = longer / max(part.size)
    part = part.resize((max(round(part.width * scale), 16), max(round(part.height * scale), 16)))
    if random.random() < 0.5:
        part = ImageOps.mirror(part)
    part = ImageEnhance.Brightness(part).enhance(random.uniform(0.6, 1.4))
    return ImageEnhance.Color(part).enhance(random.uniform(0.4, 1.6))


def make_clips(folder: Path, count: int, *, seed: int, seconds: float = 3.0, crf: int = 23) -> list[Path]:
    """Write clips: parts of the sample videos, smaller, with a key frame every second, and the sound of the first.

    A low `crf` makes files that are worth cutting: small ones are not cut, however long they play.
    """
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for number in range(count):
        random = np.random.default_rng([seed, number])
        source = SAMPLES / ("video_1.mp4" if number % 2 == 0 else "video_2.mp4")
        made.append(folder / f"clip_{number:03}.mp4")
        _cut(source, made[-1], random, seconds, crf)
    return made


def _cut(source: Path, target: Path, random: np.random.Generator, seconds: float, crf: int) -> None:
    with av.open(str(source)) as reading, av.open(str(target), "w") as writing:
        shown = reading.streams.video[0]
        rate = shown.average_rate or Fraction(25)
        length = Fraction(shown.duration or 0) * (shown.time_base or Fraction(1))
        start = Fraction(random.uniform(0, max(float(length) - seconds, 0.01))).limit_denominator(1000)
        width = 2 * int(random.integers(100, 201))
        made = writing.add_stream("libx264", rate=rate)
        made.width, made.height = width, 2 * round(width * shown.height / shown.width / 2)
        made.pix_fmt = "yuv420p"
        # One thread: with more the bytes depend on their number.
        made.options = {"preset": "ultrafast", "crf": str(crf), "g": str(round(rate)), "threads": "1"}
        sound = reading.streams.audio[0] if reading.streams.audio else None
        copied = None if sound is None else writing.add_stream_from_template(sound)
        frames = list(_between(reading, start, start + Fraction(seconds)))
        for number, frame in enumerate(frames):
            small = frame.reformat(width=made.width, height=made.height, format="yuv420p")
            small.pts, small.time_base = number, 1 / rate
            small.pict_type = av.video.frame.PictureType.NONE
            writing.mux(made.encode(small))
        writing.mux(made.encode(None))
        if sound is not None and copied is not None:
            _copy_sound(reading, writing, sound, copied, start, start + len(frames) / rate)


def _between(reading: InputContainer, start: Fraction, end: Fraction) -> Iterator[av.VideoFrame]:
    for frame in reading.decode(video=0):
        at = Fraction(frame.pts or 0) * (frame.time_base or 1)
        if at >= end:
            return
        if at >= start:
            yield frame


def _copy_sound(
    reading: InputContainer,
    writing: OutputContainer,
    sound: av.AudioStream,
    copied: av.AudioStream,
    start: Fraction,
    end: Fraction,
) -> None:
    reading.seek(0)
    first = None
    for packet in reading.demux(sound):
        if packet.pts is None or packet.dts is None or not start <= packet.pts * packet.time_base < end:
            continue
        first = packet.pts if first is None else first
        packet.pts -= first
        packet.dts -= first
        packet.stream = copied
        writing.mux(packet)
