"""Makes the samples of `input/`: two photographs, and two clips of a camera that moves over them.

The photographs come from the data folder of an installed scikit-image: Chelsea the cat (Stefan van der Walt,
CC0) and the astronaut Eileen Collins (NASA, public domain). The same versions of Pillow, OpenCV and PyAV give
the same bytes; other versions give files that look and sound the same.

    python tools/make_samples.py            # writes into input/
    python tools/make_samples.py FOLDER
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import math
import sys
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
import cv2
import numpy as np
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

SOUND_RATE = 48_000


@dataclass(frozen=True)
class Photo:
    """A photograph of scikit-image: its file, the sha256 that the samples were made from, and its credit."""

    file: str
    sha256: str
    credit: str

    def read(self) -> NDArray[np.uint8]:
        """The pixels: `HWC uint8 RGB`."""
        path = _data_folder() / self.file
        if hashlib.sha256(path.read_bytes()).hexdigest() != self.sha256:
            raise SystemExit(f"{path} is not the picture that the samples were made from: try scikit-image 0.26")
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB"))


@dataclass(frozen=True)
class View:
    """What the camera sees: the centre (x, y) and the width of a part of the photograph, in its pixels."""

    x: float
    y: float
    width: float


@dataclass(frozen=True)
class Shot:
    """One clip: the camera goes from a wide view to a close one and back, so that it repeats seamlessly."""

    photo: Photo
    size: tuple[int, int]
    rate: Fraction
    frames: int
    wide: View
    close: View
    sway: float
    sound: bool

    def view(self, index: int) -> View:
        """The view of one frame: eased in and out, the zoom even to the eye, with a little sway."""
        angle = 2 * math.pi * index / self.frames
        near = (1 - math.cos(angle)) / 2
        return View(
            self.wide.x + near * (self.close.x - self.wide.x) + self.sway * math.sin(2 * angle),
            self.wide.y + near * (self.close.y - self.wide.y),
            self.wide.width * (self.close.width / self.wide.width) ** near,
        )

    def render(self) -> Iterator[NDArray[np.uint8]]:
        """The clip's frames: `HWC uint8 RGB`."""
        picture = self.photo.read()
        width, height = self.size
        for index in range(self.frames):
            view = self.view(index)
            step = view.width / width
            # Pixel centres lie at half-integers in the view but at integers in OpenCV.
            left = view.x - view.width / 2 + step / 2 - 0.5
            top = view.y - step * height / 2 + step / 2 - 0.5
            matrix = np.array([[step, 0, left], [0, step, top]])
            yield cv2.warpAffine(
                picture,
                matrix,
                self.size,
                flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
                borderMode=cv2.BORDER_REFLECT_101,
            ).astype(np.uint8, copy=False)


CHELSEA = Photo(
    "chelsea.png",
    "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb",
    "Chelsea the cat, photograph by Stefan van der Walt, CC0",
)
ASTRONAUT = Photo(
    "astronaut.png",
    "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
    "Eileen Collins, photograph by NASA, public domain",
)

IMAGES = {"image_1.jpg": CHELSEA, "image_2.jpg": ASTRONAUT}
VIDEOS = {
    "video_1.mp4": Shot(
        ASTRONAUT,
        size=(480, 360),
        rate=Fraction(25),
        frames=150,
        wide=View(256, 184, 480),
        close=View(228, 138, 342),
        sway=12,
        sound=True,
    ),
    "video_2.mp4": Shot(
        CHELSEA,
        size=(480, 320),
        rate=Fraction(30_000, 1001),
        frames=150,
        wide=View(225.5, 150, 436),
        close=View(216, 140, 340),
        sway=6,
        sound=False,
    ),
}

CHORDS = (  # four of a quiet kind, in Hz from low to high: C, A minor, F, G
    (130.81, 261.63, 329.63, 392.00, 493.88),
    (110.00, 261.63, 329.63, 392.00, 440.00),
    (87.31, 261.63, 329.63, 349.23, 440.00),
    (98.00, 246.94, 293.66, 392.00, 440.00),
)


def chords(seconds: float) -> NDArray[np.float32]:
    """Four quiet chords, their notes plucked one after another: `(2, samples)` in [-0.25, 0.25]."""
    total = round(seconds * SOUND_RATE)
    sound = np.zeros((2, total))
    beat = seconds / len(CHORDS)
    for number, notes in enumerate(CHORDS):
        for voice, pitch in enumerate(notes):
            start = round((number * beat + 0.09 * voice) * SOUND_RATE)
            time = np.arange(total - start) / SOUND_RATE
            overtones = ((k, np.exp(-1.4 * k * time) / k**2) for k in (1, 2, 3, 4))
            tone = sum(np.sin(2 * np.pi * pitch * k * time) * strength for k, strength in overtones)
            tone = tone * np.minimum(time / 0.03, 1)
            side = voice / (len(notes) - 1)
            sound[0, start:] += tone * math.cos(side * math.pi / 2 * 0.7 + 0.24)
            sound[1, start:] += tone * math.sin(side * math.pi / 2 * 0.7 + 0.24)
    fade = np.minimum((total - np.arange(total)) / (0.4 * SOUND_RATE), 1)
    sound *= fade
    return np.asarray(sound * (0.25 / np.abs(sound).max()), np.float32)


def write_video(shot: Shot, path: Path) -> None:
    """Encode a clip as browsers and players read it: H.264 `yuv420p` in BT.709, AAC, index first."""
    seconds = float(shot.frames / shot.rate)
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        container.metadata["comment"] = shot.photo.credit
        # x264's assembly and its threads decide a little differently with each run; these options do not.
        exact = {"threads": "1", "x264-params": "cpu-independent=1"}
        stream = container.add_stream("libx264", rate=shot.rate, options={"crf": "20", "preset": "slow"} | exact)
        stream.width, stream.height = shot.size
        stream.pix_fmt = "yuv420p"
        stream.time_base = 1 / shot.rate
        context = stream.codec_context
        context.color_range = ColorRange.MPEG
        context.colorspace = Colorspace.ITU709
        context.color_primaries = ColorPrimaries.BT709
        context.color_trc = ColorTrc.BT709
        sound = container.add_stream("aac", rate=SOUND_RATE, layout="stereo") if shot.sound else None
        if sound is not None:
            sound.bit_rate = 96_000
        for index, image in enumerate(shot.render()):
            picture = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(
                format="yuv420p",
                dst_colorspace=Colorspace.ITU709,
                dst_color_range=ColorRange.MPEG,
                dst_color_primaries=ColorPrimaries.BT709,
                dst_color_trc=ColorTrc.BT709,
            )
            picture.pts, picture.time_base = index, 1 / shot.rate
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
        if sound is not None:
            samples = av.AudioFrame.from_ndarray(chords(seconds), format="fltp", layout="stereo")
            samples.sample_rate, samples.pts = SOUND_RATE, 0
            samples.time_base = Fraction(1, SOUND_RATE)
            container.mux(sound.encode(samples))
            container.mux(sound.encode(None))


def make(folder: Path) -> list[Path]:
    """Write the four samples into a folder; their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, photo in IMAGES.items():
        image = Image.fromarray(photo.read())
        comment = photo.credit.encode("ascii")
        image.save(folder / name, quality=93, subsampling=0, optimize=True, comment=comment)
    for name, shot in VIDEOS.items():
        write_video(shot, folder / name)
    return [folder / name for name in (*IMAGES, *VIDEOS)]


def _data_folder() -> Path:
    # Found, not imported: importing scikit-image takes seconds and SciPy.
    spec = importlib.util.find_spec("skimage")
    if spec is None or spec.origin is None:
        raise SystemExit("the samples are made from scikit-image's pictures: pip install scikit-image")
    return Path(spec.origin).parent / "data"


def main() -> None:
    """Make the samples and say how large they are."""
    parser = argparse.ArgumentParser(description="Make the samples of input/.")
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).parents[1] / "input")
    for path in make(parser.parse_args().folder):
        sys.stdout.write(f"{path} {path.stat().st_size:,} bytes\n")


if __name__ == "__main__":
    main()
