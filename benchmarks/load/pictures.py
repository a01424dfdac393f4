"""What the clients send: real photos of one shape, and the frames of a real clip as a browser's camera sends them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image

from liveseg.media import open_source

if TYPE_CHECKING:
    from pathlib import Path

WIDTH, HEIGHT = 640, 480


def photos(samples: Path, folder: Path, count: int = 8) -> list[Path]:
    """Cuts of the sample photos, 640x480 JPEG of quality 90."""
    made = []
    for number in range(count):
        with Image.open(samples / f"image_{1 + number % 2}.jpg") as whole:
            picture = whole.convert("RGB")
        scale = max(WIDTH / picture.width, HEIGHT / picture.height) * (1 + number / count / 2)
        picture = picture.resize((round(picture.width * scale) + 1, round(picture.height * scale) + 1))
        left, top = (picture.width - WIDTH) * number // count, (picture.height - HEIGHT) * number // count
        path = folder / f"photo_{number}.jpg"
        picture.crop((left, top, left + WIDTH, top + HEIGHT)).save(path, quality=90)
        made.append(path)
    return made


def frames(clip: Path, folder: Path, count: int = 48) -> list[Path]:
    """The first frames of a clip, at most 640 pixels wide, as JPEG of quality 80."""
    made = []
    with open_source(str(clip)) as source:
        for number, frame in enumerate(source):
            if number == count:
                break
            picture = Image.fromarray(frame.image)
            picture.thumbnail((WIDTH, WIDTH))
            path = folder / f"frame_{number}.jpg"
            picture.save(path, quality=80)
            made.append(path)
    return made
