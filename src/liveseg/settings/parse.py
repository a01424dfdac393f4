"""From the words of a command line to values."""

from __future__ import annotations

import re
from fractions import Fraction

from liveseg.errors import UsageError


def parse_seconds(text: str) -> Fraction:
    """A time as `12`, `12.5`, `1:30` or `1:02:03.5`, in seconds, exact."""
    match = re.fullmatch(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d*)?|\.\d+)s?", text.strip())
    if match is None:
        raise UsageError(f"{text!r} is no time; write seconds as 12.5, or 1:30, or 1:02:03")
    hours, minutes, seconds = (Fraction(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds


def parse_time(text: str) -> float:
    """Seconds, as `30`, `2.5`, `1:30` or `1:00:00`."""
    return float(parse_seconds(text))


def parse_pixels(text: str) -> int:
    """A number of pixels, like `50M`, `50e6` or `1920x1080`."""
    word = text.strip().lower()
    if match := re.fullmatch(r"(\d+)x(\d+)", word):
        return int(match[1]) * int(match[2])
    if match := re.fullmatch(r"(\d+(?:\.\d+)?)m", word):
        return int(float(match[1]) * 1e6)
    try:
        return int(float(word))
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{text!r} is no number of pixels; write 50M, 50000000 or 1920x1080") from error


def parse_size(text: str) -> int | str:
    """A number of pixels, or `native`."""
    word = text.strip().lower()
    if word == "native":
        return word
    if not word.isdecimal() or int(word) < 1:
        raise UsageError(f"size is a number of pixels or native, not {text!r}")
    return int(word)


def parse_tile(text: str) -> int | str:
    """A number of pixels, or `auto`, `on` or `off`."""
    word = text.strip().lower()
    if word in ("auto", "on", "off"):
        return word
    if not word.isdecimal():
        raise UsageError(f"tile is auto, on, off or a number of pixels, not {text!r}")
    return int(word)


def parse_frame_size(text: str) -> tuple[int, int]:
    """Width and height in pixels, as `640x480`."""
    match = re.fullmatch(r"(\d+)[xX*](\d+)", text.strip())
    if match is None or "0" in match.groups():
        raise UsageError(f"{text!r} is no frame size; write width and height in pixels, like 640x480")
    return int(match[1]), int(match[2])


def parse_fixed_size(text: str) -> tuple[int, int]:
    """Width and height in pixels, as `640x480`, or one number for both."""
    return parse_frame_size(f"{text}x{text}" if text.strip().isdecimal() else text)


def parse_rate(text: str) -> Fraction:
    """A frame rate as `25`, `29.97` or `30000/1001`, exact."""
    try:
        rate = Fraction(text.strip())
    except (ValueError, ZeroDivisionError) as error:
        raise UsageError(f"{text!r} is no frame rate; write frames a second, like 25 or 30000/1001") from error
    if rate <= 0:
        raise UsageError(f"a frame rate is above 0, not {text!r}")
    return rate


def parse_names(text: str) -> tuple[str, ...]:
    """Names with commas between them."""
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise UsageError("no name given; write names with commas between, like person,car")
    return names


def parse_sizes(text: str) -> tuple[int | str, ...]:
    """Sizes with commas between them, each a number of pixels or `native`."""
    return tuple(parse_size(name) for name in parse_names(text))
